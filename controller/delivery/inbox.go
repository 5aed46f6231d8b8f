package delivery

import (
	"sync"

	"maskline/models"
)

// inbox is the way from those who commit deliveries to the one who sends them. It never makes them wait: what it has no room for is
// left to the store. Once it has refused anything it refuses everything, until the store has been read to its end; otherwise a
// session's later push could overtake an earlier one that was refused.
type inbox struct {
	room int
	wake chan struct{} // holds one

	mu      sync.Mutex
	rows    []models.Delivery
	behind  bool
	refused uint64 // how often Offer has refused
	anew    bool   // the store must be read from its first row
}

func newInbox(room int) *inbox {
	return &inbox{room: room, wake: make(chan struct{}, 1), behind: true, anew: true} // the store has not been read yet
}

// offer takes rows in, all or none.
func (b *inbox) offer(rows []models.Delivery) {
	b.mu.Lock()
	for _, d := range rows {
		b.behind = b.behind || d.ID == 0 // without its key a row can be read back only
	}
	if b.behind || len(b.rows)+len(rows) > b.room {
		b.behind = true
		b.refused++
	} else {
		b.rows = append(b.rows, rows...)
	}
	b.mu.Unlock()
	b.poke()
}

// take gives up to n rows, the earliest first.
func (b *inbox) take(n int) []models.Delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = min(n, len(b.rows))
	out := b.rows[:n:n]
	if b.rows = b.rows[n:]; len(b.rows) == 0 {
		b.rows = nil // lets the array go
	}
	return out
}

// standing says whether the store must be read, and how often offers have been refused so far.
func (b *inbox) standing() (behind bool, refused uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.behind, b.refused
}

// caughtUp takes offers again, unless one was refused since refused was read: its rows may have been committed after the store was.
func (b *inbox) caughtUp(refused uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refused != refused {
		return false
	}
	b.behind = false
	return true
}

// again has the store read anew: lanes have come whose rows nobody offered to us.
func (b *inbox) again() {
	b.mu.Lock()
	b.behind, b.anew = true, true
	b.refused++
	b.mu.Unlock()
	b.poke()
}

// fromStart says, once, that the store must be read from its first row.
func (b *inbox) fromStart() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	anew := b.anew
	b.anew = false
	return anew
}

// poke wakes the one who sends.
func (b *inbox) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}
