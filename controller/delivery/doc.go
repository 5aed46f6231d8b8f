// Package delivery is the outbox: it makes the pushes to customers' URLs (call events, CDRs, number status), signs them, sends them, and
// repeats those that fail until their calendar ends. Mode X's question goes its own way (Courier.Ask): it is no row, and is sent once.
//
// Event and CDR are pure: what happened becomes a row whose body is fixed. The caller commits the rows with the call's change and
// offers them to the Courier after the commit (DESIGN §6.2). The store is the truth: what the Courier has not been offered, or had
// no room for, it reads back, so a crash repeats a push at worst and loses none.
//
// Calls that the platform places itself are told of in VoiceCall's words (placed.go), to the URLs that their requests name, if they do, signed
// over the URL. Their events are tried once, their CDRs hourly.
//
// The Courier owns every goroutine here: Run is one that decides; it starts one for each attempt, at most one that reads the store, at most one
// that writes it, and one that counts; all have ended when Run returns. Offer may be called from anywhere and never waits. Ask works in its caller's.
package delivery
