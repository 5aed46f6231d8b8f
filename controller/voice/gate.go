package voice

import (
	"context"
	"fmt"
	"math"
	"time"

	"maskline/models"
)

// gate keeps a pace once more, where it counts: at the moment in which the switch has been told to dial. Between a call's turn (dialSome) and that
// moment lie a commit and the switch's own answer; a slow one would push several calls into one second. So a call that is on its way counts
// until the switch has it, and then for the second in which that was.
type gate struct {
	pace  pace
	under int         // on their way to the switch
	told  []time.Time // when the switch had the others, of the last second, the oldest first
}

// gates are the gates by what they bound. They belong to the Queue's lock.
type gates map[string]*gate

// underway is how often a call looks again that waits for others to reach the switch.
const underway = 5 * time.Millisecond

// Pass waits until the call may be dialled now: each pace that bounds it has room. done must be called when the switch has been told, or will not
// be. It fails with ctx's error only; done is nil then.
func (q *Queue) Pass(ctx context.Context, o models.Outgoing) (done func(), err error) {
	for {
		now := time.Now()
		q.mu.Lock()
		bounds, free := q.pass(o.Session, now)
		q.mu.Unlock()
		if !free.After(now) {
			return func() { q.passed(bounds) }, nil
		}
		sleep(ctx, nil, free)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("wait for the pace of session %s: %w", o.Session.ID, ctx.Err())
		}
	}
}

// pass takes a place in every gate that bounds the call, or says when to look again.
func (q *Queue) pass(s models.Session, now time.Time) (bounds []*gate, free time.Time) {
	bounds = q.bounds(s)
	for _, g := range bounds {
		if at := g.free(now); at.After(free) {
			free = at
		}
	}
	if !free.After(now) {
		for _, g := range bounds {
			g.pace.take(now)
			g.under++
		}
	}
	return bounds, free
}

// passed notes that the switch has been told.
func (q *Queue) passed(bounds []*gate) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, g := range bounds {
		g.under--
		g.told = append(g.told, time.Now())
	}
}

// bounds are the gates of a call: of its app, its display number and its trunk.
func (q *Queue) bounds(s models.Session) []*gate {
	var all []*gate
	add := func(name string, rate float64) {
		if rate <= 0 {
			return
		}
		g := q.gates[name]
		if g == nil {
			g = &gate{}
			q.gates[name] = g
		}
		g.pace.set(rate)
		all = append(all, g)
	}
	if l := q.lines[s.AppID]; l != nil {
		add(fmt.Sprint("app:", s.AppID), l.app.Settings.Voice.PerSecond())
		add("number:"+s.Dialled, l.app.Settings.Voice.Number.Rate)
	}
	for _, w := range q.trunks {
		if w.name == s.Plan.Place.Trunk {
			add("trunk:"+w.name, w.pace.rate)
		}
	}
	return all
}

// free is when the next call may go, as far as can be said: a later look may say later.
func (g *gate) free(now time.Time) time.Time {
	for len(g.told) > 0 && now.Sub(g.told[0]) >= time.Second {
		g.told = g.told[1:]
	}
	at := g.pace.free()
	most := int(math.Ceil(g.pace.rate))
	switch full := g.under + len(g.told) - most; {
	case full < 0 || at.After(now.Add(underway)):
		return at
	case full < len(g.told):
		return later(at, g.told[full].Add(time.Second))
	default:
		return later(at, now.Add(underway))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// quiet says that the gate bounds nothing more of what was.
func (g *gate) quiet(now time.Time) bool {
	return g.under == 0 && (len(g.told) == 0 || now.Sub(g.told[len(g.told)-1]) >= time.Second) && g.pace.quiet(now)
}
