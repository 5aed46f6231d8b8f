package voice

import (
	"math"
	"time"
)

// catchUp is how much lateness a pace makes good: a loop that is woken late each time would otherwise never reach its rate.
const catchUp = 20 * time.Millisecond

// pace spaces events evenly so that no second, [t, t+1s), holds more of them than the rate. golang.org/x/time/rate would let a burst more into
// a second, or lose all that a late wake-up costs. The zero value has no bound.
type pace struct {
	rate float64 // events a second; 0 is no bound
	next time.Time
	last []time.Time // of the latest events, a ring; the oldest stands at index at
	at   int
}

// set changes the rate. What happened under the old one still counts.
func (p *pace) set(rate float64) {
	if p.rate == rate {
		return
	}
	before := append(p.last[p.at:len(p.last):len(p.last)], p.last[:p.at]...) // the oldest first
	p.rate, p.last, p.at = rate, nil, 0
	if rate <= 0 {
		p.next = time.Time{}
		return
	}
	p.last = make([]time.Time, int(math.Ceil(rate)))
	n := min(len(before), len(p.last))
	copy(p.last[len(p.last)-n:], before[len(before)-n:])
}

// spacing is the time between two events.
func (p *pace) spacing() time.Duration {
	return time.Duration(math.Ceil(float64(time.Second) / p.rate))
}

// free is the earliest time of the next event; it may be past.
func (p *pace) free() time.Time {
	if p.rate <= 0 {
		return time.Time{}
	}
	if first := p.last[p.at]; !first.IsZero() && first.Add(time.Second).After(p.next) {
		return first.Add(time.Second)
	}
	return p.next
}

// take notes an event at now, which is not before free.
func (p *pace) take(now time.Time) {
	if p.rate <= 0 {
		return
	}
	from := now.Add(-catchUp)
	if p.next.After(from) {
		from = p.next
	}
	p.next = from.Add(p.spacing())
	p.last[p.at] = now
	p.at = (p.at + 1) % len(p.last)
}

// quiet says that the pace can be forgotten: nothing that happened bounds what comes.
func (p *pace) quiet(now time.Time) bool {
	if p.rate <= 0 {
		return true
	}
	newest := p.last[(p.at+len(p.last)-1)%len(p.last)]
	return !p.next.After(now) && !newest.Add(time.Second).After(now)
}
