// Package cluster shares the work of daemons that have one database: which daemon runs a switch, which lanes of the outbox and which apps'
// queues are whose. One lease a piece says it (DESIGN §11). A daemon alone holds them all.
//
// It assumes that clocks run alike, not that they agree: what a lease is worth is counted from before it was asked for, by our own monotonic
// clock, and only for two thirds of its time. So whoever is cut off from the database, or was frozen, stops before another begins.
//
// Goroutines: Member.Run owns one for each piece that this daemon holds and returns when all have ended.
package cluster
