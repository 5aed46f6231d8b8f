// Package delivery is the outbox: it makes the pushes to customers' URLs (call events, CDRs, number status), signs them, sends them, and
// repeats those that fail until their calendar ends. Mode X's question goes its own way (Courier.Ask): it is no row, and is sent once.
//
// Event and CDR are pure: what happened becomes a row whose body is fixed. The caller commits the rows with the call's change and
// offers them to the Courier after the commit (DESIGN §6.2). The store is the truth: what the Courier has not been offered, or had
// no room for, it reads back, so a crash repeats a push at worst and loses none.
//
// The Courier owns every goroutine here: Run starts one that decides, one for each attempt, at most one that reads the store and at
// most one that writes it; all have ended when Run returns. Offer may be called from anywhere and never waits. Ask works in its caller's.
package delivery
