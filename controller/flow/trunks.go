package flow

import (
	"cmp"
	"slices"
	"sync"

	"maskline/models"
)

// trunks knows the ways in and out, and how many calls each carries outward.
type trunks struct {
	all       []models.Trunk // in the order in which they are tried
	numbering models.Numbering

	mu   sync.Mutex
	busy map[string]int
}

func newTrunks(list []models.Trunk, n models.Numbering) *trunks {
	all := slices.Clone(list)
	slices.SortStableFunc(all, func(a, b models.Trunk) int { return cmp.Compare(a.Order, b.Order) })
	return &trunks{all: all, numbering: n, busy: map[string]int{}}
}

// ChannelsHeld is how many places on trunks the calls under way hold, of those that trunks have by their configuration; 0 when there are no calls.
func (e *Engine) ChannelsHeld() int {
	e.trunks.mu.Lock()
	defer e.trunks.mu.Unlock()
	n := 0
	for _, held := range e.trunks.busy {
		n += held
	}
	return n
}

// tryAtMost is how many trunks one call tries: each may take as long as a carrier's own timeout.
const tryAtMost = 3

// take picks the trunks a call will try, the preferred one first, and holds a channel on each. The caller gives them back with release.
func (t *trunks) take(preferred string) []models.Trunk {
	t.mu.Lock()
	defer t.mu.Unlock()
	var picked []models.Trunk
	add := func(trunk models.Trunk) {
		if trunk.Proxy == "" || len(picked) == tryAtMost || (trunk.Channels > 0 && t.busy[trunk.Name] >= trunk.Channels) {
			return
		}
		t.busy[trunk.Name]++
		picked = append(picked, trunk)
	}
	for _, trunk := range t.all {
		if trunk.Name == preferred {
			add(trunk)
		}
	}
	for _, trunk := range t.all {
		if trunk.Name != preferred {
			add(trunk)
		}
	}
	return picked
}

// room says whether take would find a trunk.
func (t *trunks) room() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.all, func(x models.Trunk) bool {
		return x.Proxy != "" && (x.Channels == 0 || t.busy[x.Name] < x.Channels)
	})
}

// hold counts a call that was found on the switch after a restart.
func (t *trunks) hold(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy[name]++
}

func (t *trunks) release(names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range names {
		if t.busy[n]--; t.busy[n] <= 0 {
			delete(t.busy, n)
		}
	}
}

// outward says whether any trunk takes outbound calls at all.
func (t *trunks) outward() bool {
	return slices.ContainsFunc(t.all, func(x models.Trunk) bool { return x.Proxy != "" })
}
