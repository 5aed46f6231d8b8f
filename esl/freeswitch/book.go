package freeswitch

import (
	"maps"
	"slices"
	"sync"
	"time"

	"maskline/esl"
)

// book knows the open calls and the legs of each. Flows open and close calls from their own goroutines, so it has a lock.
type book struct {
	mu    sync.Mutex
	calls map[string]*call
	legs  map[string]*leg
	jobs  map[string]*call // calls being placed, by the job that dials them, until its answer has come
}

// leg is one leg of an open call.
type leg struct {
	call *call
	role string
	// seen says that the switch has told of this leg. One that we only mean to dial cannot be missed.
	seen bool
}

func (b *book) init() {
	b.calls, b.legs, b.jobs = map[string]*call{}, map[string]*leg{}, map[string]*call{}
}

// open registers a call; an open one of the same id is given instead.
func (b *book) open(c *call) (got *call, fresh bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old := b.calls[c.id]; old != nil {
		return old, false
	}
	b.calls[c.id] = c
	return c, true
}

// close forgets a call and its legs.
func (b *book) close(c *call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls[c.id] != c {
		return
	}
	delete(b.calls, c.id)
	for id, l := range b.legs {
		if l.call == c {
			delete(b.legs, id)
		}
	}
	delete(b.jobs, c.job)
}

// await notes the job that places a call.
func (b *book) await(c *call, job string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls[c.id] == c {
		c.job = job
		b.jobs[job] = c
	}
}

// answered gives the call that a job was to place, once; nil if there is none.
func (b *book) answered(job string) *call {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.jobs[job]
	delete(b.jobs, job)
	return c
}

// settled forgets the job of a call; it gives nil if its answer has come already.
func (b *book) settled(c *call) *call {
	b.mu.Lock()
	job := c.job
	b.mu.Unlock()
	return b.answered(job)
}

// doubt notes that it is not known whether the switch took the job that places a call.
func (b *book) doubt(c *call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.doubted = time.Now()
}

// sure ends the doubt about a call.
func (b *book) sure(c *call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.doubted = time.Time{}
}

// doubted gives the calls being placed that have been in doubt since before t, by their jobs.
func (b *book) doubted(t time.Time) map[string]*call {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]*call{}
	for job, c := range b.jobs {
		if !c.doubted.IsZero() && !c.doubted.After(t) {
			all[job] = c
		}
	}
	return all
}

// stands tells whether a leg of the call stands.
func (b *book) stands(c *call) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.legs {
		if l.call == c && l.seen {
			return true
		}
	}
	return false
}

// placing gives the calls being placed of whose dialling nobody has heard yet, by their jobs.
func (b *book) placing() map[string]*call {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.jobs)
}

// plan registers a leg that is to be dialled.
func (b *book) plan(c *call, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls[c.id] == c && b.legs[id] == nil {
		b.legs[id] = &leg{call: c}
	}
}

// find gives the open call of an event: by the call's id, else by the leg's.
func (b *book) find(callID, legID string) *call {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.calls[callID]; c != nil {
		return c
	}
	if l := b.legs[legID]; l != nil {
		return l.call
	}
	return nil
}

// saw notes that the switch told of a leg of c.
func (b *book) saw(c *call, e esl.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls[c.id] != c || e.Leg == "" {
		return
	}
	l := b.legs[e.Leg]
	if l == nil {
		l = &leg{call: c}
		b.legs[e.Leg] = l
	}
	l.seen = true
	if e.Role != "" {
		l.role = e.Role
	}
}

// over forgets a leg that has ended. It gives nil if the leg was not known.
func (b *book) over(legID string) *leg {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.legs[legID]
	delete(b.legs, legID)
	return l
}

// standing lists the legs that the switch has told of and whose end it has not told.
func (b *book) standing() map[string]struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make(map[string]struct{}, len(b.legs))
	for id, l := range b.legs {
		if l.seen {
			ids[id] = struct{}{}
		}
	}
	return ids
}

// live lists the ids of the calls one of whose legs stands.
func (b *book) live() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := map[string]struct{}{}
	for _, l := range b.legs {
		if l.seen {
			ids[l.call.id] = struct{}{}
		}
	}
	return slices.Collect(maps.Keys(ids))
}

// bare lists the open calls none of whose legs stands.
func (b *book) bare() []*call {
	live := b.live()
	b.mu.Lock()
	defer b.mu.Unlock()
	left := maps.Clone(b.calls)
	for _, id := range live {
		delete(left, id)
	}
	return slices.Collect(maps.Values(left))
}
