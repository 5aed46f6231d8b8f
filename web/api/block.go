package api

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// blockSources bounds how many source addresses are remembered; beyond it the one that failed longest ago is forgotten.
const blockSources = 1 << 16

// block holds source addresses off after repeated failures to authenticate (spec/privatenumber.md §1.1, 1020176). An IPv6 source counts as its
// /64, since a host has all of it. The requests of a held-off source are not counted: its time passes.
type block struct {
	failures int           // so many …
	within   time.Duration // … in this time …
	hold     time.Duration // … cost so much

	mu      sync.Mutex
	sources map[netip.Addr]*list.Element
	order   *list.List // of *source, the latest failure in front
}

type source struct {
	addr  netip.Addr
	count int
	first time.Time // the first failure that counts
	until time.Time // held off until then; zero: it is not
}

func newBlock(failures int, within, hold time.Duration) *block {
	return &block{failures: failures, within: within, hold: hold, sources: map[netip.Addr]*list.Element{}, order: list.New()}
}

func sourceOf(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if !a.Is6() {
		return a
	}
	p, _ := a.WithZone("").Prefix(64) // 64 bits fit every IPv6 address
	return p.Addr()
}

// held says whether a source is held off now.
func (b *block) held(a netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.sources[sourceOf(a)]
	return ok && time.Now().Before(e.Value.(*source).until)
}

// failed counts a failure.
func (b *block) failed(a netip.Addr) {
	if b.failures <= 0 {
		return
	}
	a = sourceOf(a)
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.sources[a]
	if !ok {
		if len(b.sources) >= blockSources {
			b.forget(b.order.Back())
		}
		e = b.order.PushFront(&source{addr: a})
		b.sources[a] = e
	}
	b.order.MoveToFront(e)
	s := e.Value.(*source)
	if s.count == 0 || now.Sub(s.first) > b.within {
		s.count, s.first = 0, now
	}
	if s.count++; s.count >= b.failures {
		s.count, s.until = 0, now.Add(b.hold)
	}
}

// passed forgets the failures of a source that has just authenticated, so that one misconfigured app of a tenant does not hold off his
// others for as long as these are busy.
func (b *block) passed(a netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.sources[sourceOf(a)]; ok && !time.Now().Before(e.Value.(*source).until) {
		b.forget(e)
	}
}

func (b *block) forget(e *list.Element) {
	delete(b.sources, e.Value.(*source).addr)
	b.order.Remove(e)
}
