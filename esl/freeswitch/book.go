package freeswitch

import (
	"maps"
	"slices"
	"sync"

	"maskline/esl"
)

// book knows the open calls and the legs of each. Flows open and close calls from their own goroutines, so it has a lock.
type book struct {
	mu    sync.Mutex
	calls map[string]*call
	legs  map[string]*leg
}

// leg is one leg of an open call.
type leg struct {
	call *call
	role string
	// seen says that the switch has told of this leg. One that we only mean to dial cannot be missed.
	seen bool
}

func (b *book) init() {
	b.calls, b.legs = map[string]*call{}, map[string]*leg{}
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
