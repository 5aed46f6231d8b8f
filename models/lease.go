package models

import "time"

// Lease says who owns something that one daemon at a time may do: a cron job, a switch, a lane of the outbox (DESIGN §11). Token grows with each
// change of holder, so that a write of one who was too slow can be told.
type Lease struct {
	Name      string
	Holder    string // the daemon's name
	Token     int64
	ExpiresAt time.Time
}

// JobRun is how a job went last.
type JobRun struct {
	Name      string
	StartedAt time.Time
	EndedAt   time.Time // zero while it runs
	Count     int       // things it touched
	Error     string    // "" when it went well
	By        string    // the daemon, or the operator who started it by hand
}
