package cluster

import (
	"context"
	"time"

	"maskline/models"
)

// Work is a piece of work that one daemon at a time does.
type Work struct {
	// Lease is the name of its lease, such as switch/fs1 or outbox/07.
	Lease string
	// Share is how many pieces of this kind a daemon takes at most as things stand; nil takes all. Beyond it pieces are given back, one after
	// the other, and free ones are left to others.
	Share func(View) int
	// Kind joins the pieces that Share counts together.
	Kind string
	// Do does it until ctx ends and returns soon after: at once when ErrLost is ctx's cause, else when what is under way is done.
	Do func(ctx context.Context, held models.Lease)
}

// View is how things stood at the last look: who is there, and who holds what.
type View struct {
	Self    string
	Daemons []models.Daemon // seen lately and not draining, by name; this one among them unless it ends
	Leases  []models.Lease  // all that are held, by name
	// Alone says that no other daemon was there for a day, nor left its row when it died.
	Alone bool
}

// Even is a Share that cuts n pieces evenly among the daemons that are there.
func Even(n int) func(View) int {
	return func(v View) int { return even(n, len(v.Daemons)) }
}

// EvenAmong is a Share that cuts n pieces evenly among those who hold a lease whose name begins with a prefix; whoever holds none gets none.
func EvenAmong(n int, prefix string) func(View) int {
	return func(v View) int {
		holders := map[string]bool{}
		for _, l := range v.Leases {
			if len(l.Name) > len(prefix) && l.Name[:len(prefix)] == prefix {
				holders[l.Holder] = true
			}
		}
		if !holders[v.Self] {
			return 0
		}
		return even(n, len(holders))
	}
}

func even(n, among int) int {
	if among < 2 {
		return n
	}
	return (n + among - 1) / among
}

// piece is a piece of work that this daemon holds.
type piece struct {
	work   Work
	held   models.Lease
	until  time.Time // by our clock; worth nothing after it
	timer  *time.Timer
	cancel context.CancelCauseFunc
	ended  chan struct{} // closed when Do has returned
	giving bool          // Do was told to end in good order
}
