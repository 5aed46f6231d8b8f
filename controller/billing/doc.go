// Package billing turns calls and numbers into money: it rates calls, settles their hours, charges rent, and says when a tenant's money is gone.
//
// The ledger is the store's (models.Entry): everything here that moves money names its business by a key, so that a job that runs twice, late, on
// two daemons at once, or is killed in the middle comes to the same result. Jobs take the time as an argument and keep nothing that matters in memory.
//
// Rater and Guard stand in the way of calls: they read the store at most once in some seconds a tenant, and never wait longer than a second for it.
//
// The jobs work in the goroutine of their caller. Notices has goroutines of its own: Run starts and ends them.
package billing
