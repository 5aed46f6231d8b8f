package delivery

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"maskline/models"
)

// lanes are those whose deliveries this process sends, each under a lease of its own, or all of them. The loop asks at each turn; Serve changes
// them.
type lanes struct {
	leased bool

	mu   sync.Mutex
	held map[int]*lane
	turn uint64 // grows with each change
}

type lane struct {
	lease   models.Lease
	leaving bool          // what is under way ends; nothing begins
	quiet   chan struct{} // closed when nothing is under way and all is saved
}

func newLanes(leased bool) lanes { return lanes{leased: leased, held: map[int]*lane{}} }

// owns says whether a row is ours to send.
func (l *lanes) owns(d models.Delivery) bool {
	if !l.leased {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	is := l.held[d.Lane]
	return is != nil && !is.leaving
}

// knows says whether a row's outcome is still ours to write.
func (l *lanes) knows(d models.Delivery) bool {
	if !l.leased {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[d.Lane] != nil
}

// mine are the lanes to be read; nil is all.
func (l *lanes) mine() []int {
	if !l.leased {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []int{}
	for n, is := range l.held {
		if !is.leaving {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// under are the leases that the outcomes of rows are written under.
func (l *lanes) under(rows []models.Delivery) []models.Lease {
	if !l.leased {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []models.Lease
	for _, d := range rows {
		if is := l.held[d.Lane]; is != nil && !slices.ContainsFunc(list, func(o models.Lease) bool { return o.Name == is.lease.Name }) {
			list = append(list, is.lease)
		}
	}
	return list
}

// Serve delivers a lane (0 to models.Lanes-1) under its lease until ctx ends. Ended in good order, it returns when what was under way has ended and is
// saved; with another cause than context.Canceled the lane is another's already, and what is under way is left to him: he may make an attempt
// again that we made. It needs Run beside it, and Options.Leased.
func (c *Courier) Serve(ctx context.Context, n int, held models.Lease) {
	is := &lane{lease: held, quiet: make(chan struct{})}
	c.lanes.set(n, is)
	c.inbox.again()
	<-ctx.Done()
	if errors.Is(context.Cause(ctx), context.Canceled) {
		c.lanes.leave(is)
		c.inbox.poke()
		limit := time.NewTimer(c.o.Timeout + 2*storeLimit)
		select {
		case <-is.quiet:
		case <-limit.C:
			c.o.Log.Warn("a lane of pushes was given back before its last outcome was saved", slog.Int("lane", n))
		}
		limit.Stop()
	}
	c.lanes.drop(n, is)
	c.inbox.poke()
}

func (l *lanes) set(n int, is *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[n] = is
	l.turn++
}

func (l *lanes) leave(is *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	is.leaving = true
	l.turn++
}

func (l *lanes) drop(n int, is *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[n] == is {
		delete(l.held, n)
		l.turn++
	}
}

// leavers are the lanes that wait to be quiet.
func (l *lanes) leavers() map[int]*lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list map[int]*lane
	for n, is := range l.held {
		if is.leaving {
			if list == nil {
				list = map[int]*lane{}
			}
			list[n] = is
		}
	}
	return list
}

func (l *lanes) turned() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.turn
}

// tend lets go of what has become another's, and tells those who wait when a lane is quiet.
func (r *outbox) tend() {
	if !r.lanes.leased {
		return
	}
	if turn := r.lanes.turned(); turn != r.laneTurn {
		r.laneTurn = turn
		r.letGo()
	}
	for n, is := range r.lanes.leavers() {
		busy := func(d models.Delivery) bool { return d.Lane == n }
		if r.inFlight[n] > 0 || slices.ContainsFunc(r.unsaved, busy) || slices.ContainsFunc(r.saving, busy) {
			continue
		}
		select {
		case <-is.quiet:
		default:
			close(is.quiet)
		}
	}
}

// letGo forgets the rows that are not ours any more and not under way. The store has them as they were.
func (r *outbox) letGo() {
	for id, s := range r.sessions {
		s.rows = slices.DeleteFunc(s.rows, r.strange)
		if !s.busy && len(s.rows) == 0 {
			delete(r.sessions, id)
		}
	}
	for _, to := range r.urls {
		var kept []*job
		for _, j := range to.queue {
			if j.members = slices.DeleteFunc(j.members, r.strange); len(j.members) > 0 {
				kept = append(kept, j)
			} else if j.session != nil {
				j.session.busy = false
				if len(j.session.rows) == 0 {
					delete(r.sessions, j.session.id)
				}
			}
		}
		to.queue = kept
	}
	for _, b := range r.gathering.open {
		if b.members = slices.DeleteFunc(b.members, r.strange); len(b.members) == 0 {
			r.gathering.close(b)
		}
	}
	r.unsaved = slices.DeleteFunc(r.unsaved, func(d models.Delivery) bool { return !r.lanes.knows(d) && r.abandon(d) })
}

// strange abandons a row that is another's.
func (r *outbox) strange(d models.Delivery) bool { return !r.lanes.owns(d) && r.abandon(d) }

func (r *outbox) abandon(d models.Delivery) bool {
	if held := r.rows[d.ID]; held != nil {
		held.to.rows--
		r.counts[index(held.retry)]--
		delete(r.rows, d.ID)
	}
	return true
}
