// Package store keeps the domain of package models in a database: SQLite (embedded, pure Go) or a MySQL-protocol server. One file per
// aggregate; the schema is in migrations/, the same for both. Callers see models types and models.Error codes, never rows.
//
// Assumptions. Every method may be called from any goroutine. Times are stored as microseconds since 1970 in UTC, 0 for the zero time, so
// that both databases compare and return the same values. Expiry is judged by the store's clock (Now), never by the caller's. Method
// calls made with the context that Once or Within gives to its function join that transaction; they must not be made concurrently.
//
// Goroutines. A Store owns one, the committer that Record and Enqueue feed; Close ends it after it has committed what waits.
//
// Locks. Whatever changes the bindings or routes of a number first updates that number's row, and whoever needs several numbers takes
// them in order. So work on one number is serial and nothing deadlocks on routes; a deadlock elsewhere is retried a few times. Steps of calls
// do so too, when they touch a temporary destination: the committer locks the numbers of its whole group first.
//
// Calls that wait to be placed stand in outgoing. The step that dials one claims its row in its own transaction, so that of several daemons
// one dials; a step that knows the call on the switch, or over, removes the row. How many wait is counted beside, spread over a few rows.
//
// Audit lines are one chain, and all who append to it wait for the row of its end (audit_head). It is taken last in a transaction, so that it is held
// for the commit only and nothing waits for another lock behind it.
//
// Money. The ledger's entries and postings are written once and never changed. Balances stand beside them and move with each posting, a tenant's before
// the platform's. Whoever settles a tenant's calls, sells him a package or sets his prices takes the row of his balance first (lockTenantMoney), so
// that this is serial a tenant; recharges and rents only add to it. Charges are written with their CDR. VerifyLedger recomputes all of it.
//
// A number that the platform has is an app's (numbers) or in stock (stock.order_id 0), never both. Deliveries claim rows of stock in the order of their
// numbers; a return takes the number's row first, so that it meets no bind. What is returned leaves numbers; returned_numbers says who had it.
//
// A number has places, which bindings take (numbers.pairs): one each, but an X of AXYB takes all of them, so that it is nobody's Y.
//
// There are no foreign keys. Sharded engines do not have them, InnoDB pays for them with a lock on the parent row in every insert (the
// app's, for each bind), and nothing here is deleted that something else refers to: bindings, apps and tenants are closed, not removed.
package store
