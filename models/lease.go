package models

import "time"

// Lease says who owns something that one daemon at a time may do: a cron job, a switch, a lane of the outbox (DESIGN §11). Token grows with each
// time it is acquired, so that a write of one who was too slow can be told.
type Lease struct {
	Name      string
	Holder    string // the daemon's name
	Token     int64
	ExpiresAt time.Time
}

// Daemon is one of those that share a database, as it told of itself last.
type Daemon struct {
	Name      string // unique among those that run
	Version   string
	URL       string // how other daemons reach it; "" is not at all
	StartedAt time.Time
	SeenAt    time.Time // by the store's clock
	Draining  bool
}

// JobRun is how a job went last.
type JobRun struct {
	Name      string
	Run       int64 // which run of the job it is, from 1
	StartedAt time.Time
	EndedAt   time.Time // zero while it runs
	Count     int       // things it touched
	Error     string    // of this run; "" when it went well
	By        string    // the daemon, or the operator who started it by hand
	FailedAt  time.Time // when a run of the job failed last; zero: never
	LastError string    // what that run said
}
