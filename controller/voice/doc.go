// Package voice turns requests for calls of our own into waiting calls, and places these at the pace their app, number and trunk allow
// (spec/voicecall.md). Desk accepts: it checks a request, makes a models.Outgoing of it and stores that; nobody has been rung then. Queue takes
// what waits out of the store, fairly between apps, and hands it to a Placer, which dials (controller/flow).
//
// The truth is in the store; what the Queue holds in memory is a window on it. So a Queue that starts finds what another left, and two
// Queues on one store dial no call twice: whoever dials first takes the row (models.Change.Take). Each paces by itself, though: two allow twice
// the rate.
//
// Goroutines: Queue.Run owns one that decides, one that reads the store at a time, and a bounded number that prepare or end calls; it returns
// after the last has ended. Desk has none.
package voice
