package voice

import "time"

// port is what one call holds.
type port struct {
	app    int64
	number string
	seat   string    // name of the switch
	since  time.Time // when we dialled it
	stored bool      // the store has told of it
}

// ports counts the calls that are up, by session id. It belongs to the Queue's lock.
type ports struct {
	held   map[string]port
	app    map[int64]int
	number map[string]int
	seat   map[string]int
	// gone are calls that were over while the store was being read; nil at other times. What was read of them is old.
	gone map[string]bool
}

func newPorts() *ports {
	return &ports{held: map[string]port{}, app: map[int64]int{}, number: map[string]int{}, seat: map[string]int{}}
}

func (p *ports) hold(session string, h port) {
	p.free(session)
	p.held[session] = h
	p.app[h.app]++
	p.number[h.number]++
	p.seat[h.seat]++
}

func (p *ports) free(session string) {
	h, ok := p.held[session]
	if !ok {
		return
	}
	delete(p.held, session)
	less(p.app, h.app)
	less(p.number, h.number)
	less(p.seat, h.seat)
}

func less[K comparable](counts map[K]int, k K) {
	if counts[k]--; counts[k] <= 0 {
		delete(counts, k)
	}
}

// match makes the counts what a read of the live sessions, begun at began, says. A call that was dialled less than settled before may not have been
// written when it was read.
func (p *ports) match(live map[string]port, began time.Time, settled time.Duration) {
	for id, h := range live {
		if held, ok := p.held[id]; ok {
			held.stored = true
			p.held[id] = held
		} else if !p.gone[id] {
			h.stored = true
			p.hold(id, h)
		}
	}
	for id, h := range p.held {
		if _, ok := live[id]; !ok && (h.stored || began.Sub(h.since) > settled) {
			p.free(id)
		}
	}
}

// over notes that a call is over, waiting or live.
func (p *ports) over(session string) {
	p.free(session)
	if p.gone != nil {
		p.gone[session] = true
	}
}

// mine says that a row that a read found is none that waits: this daemon dials it, or it was over before the read's end.
func (p *ports) mine(session string) bool {
	_, held := p.held[session]
	return held || p.gone[session]
}
