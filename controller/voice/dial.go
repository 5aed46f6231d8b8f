package voice

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"maskline/models"
)

// pick is a call that is dialled now.
type pick struct {
	line *line
	e    *entry
	seat Seat
	way  *way // nil when no trunk leads out: the Placer says so
}

// dialSome dials all that may be dialled now, one call of each app in turn, and says when the next may be.
func (q *Queue) dialSome(ctx context.Context) (next time.Time) {
	for ctx.Err() == nil {
		now := time.Now()
		q.mu.Lock()
		p, at := q.pick(now)
		if p != nil {
			q.begin(p, now)
		}
		q.mu.Unlock()
		if p == nil {
			return at
		}
		q.place(ctx, p)
	}
	return time.Now()
}

// pick finds the call whose turn it is; else when there may be one.
func (q *Queue) pick(now time.Time) (*pick, time.Time) {
	next := now.Add(q.o.Poll)
	seat, up := q.seat()
	for _, l := range q.ring {
		from, ours := q.takesFrom(l.app.ID)
		if !ours {
			continue
		}
		if from.After(now) {
			if from.Before(next) {
				next = from
			}
			continue
		}
		e, w, at := q.choose(l, now, up)
		if e != nil {
			return &pick{line: l, e: e, seat: seat, way: w}, now
		}
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return nil, next
}

// seat is the switch that is up, is not being drained, and carries the fewest of our calls.
func (q *Queue) seat() (best Seat, up bool) {
	for _, s := range q.o.Seats {
		if s.Switch.Status().Up && !q.o.Draining(s.Switch.Name()) && (!up || q.ports.seat[s.Switch.Name()] < q.ports.seat[best.Switch.Name()]) {
			best, up = s, true
		}
	}
	return best, up
}

// choose finds the first call of an app that may be dialled now, and the trunk it prefers. Else at is when there may be one, as far as time
// alone brings it, and l.held says what keeps them back.
func (q *Queue) choose(l *line, now time.Time, up bool) (e *entry, w *way, at time.Time) {
	v := l.app.Settings.Voice
	switch {
	case len(l.window) == 0 || l.off || l.loaded.IsZero():
		return nil, nil, at
	case l.pauseAt.After(now): // l.held says why
		return nil, nil, l.pauseAt
	case q.ports.app[l.app.ID] >= v.PortsMost():
		l.held = holdPorts
		return nil, nil, at
	case l.pace.free().After(now):
		l.held = holdPace
		return nil, nil, l.pace.free()
	case !up:
		l.held = holdSwitch
		return nil, nil, at
	}
	l.held = holdNone
	soon := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	for _, e := range l.window {
		if !l.ready(e, now) || !e.o.GiveUpAt.After(now) {
			continue
		}
		if free, full := q.numberFree(l, e); full || free.After(now) {
			if !full {
				soon(free)
			}
			continue
		}
		w, free := q.way(e.o.Session.Plan.Place.Trunk, now)
		if free.After(now) {
			l.held = holdPorts
			soon(free)
			continue
		}
		return e, w, now
	}
	return nil, nil, at
}

// numberFree says when the display number may have its next call, and whether all its ports are in use.
func (q *Queue) numberFree(l *line, e *entry) (free time.Time, full bool) {
	number := e.o.Session.Dialled
	most := l.app.Settings.Voice.Number.Ports
	if p := l.number(number); p != nil {
		free = p.free()
	}
	return free, most > 0 && q.ports.number[number] >= most
}

// way is the trunk that a call goes out by, and when it may. A call that prefers one waits for that one's pace: elsewhere its number may not be
// shown. One that does not goes by the first whose pace lets it.
func (q *Queue) way(preferred string, now time.Time) (best *way, free time.Time) {
	if !q.o.Placer.Room() {
		return nil, now.Add(roomAgain)
	}
	for _, w := range q.trunks {
		if w.name == preferred {
			return w, w.pace.free()
		}
	}
	for _, w := range q.trunks {
		if at := w.pace.free(); best == nil || free.After(now) && at.Before(free) {
			best, free = w, at
		}
	}
	return best, free
}

// begin notes that a call is dialled: from now on it has a port, and its turn is over.
func (q *Queue) begin(p *pick, now time.Time) {
	l, s := p.line, &p.e.o.Session
	l.drop(s.ID)
	l.waiting--
	l.pace.take(now)
	if n := l.number(s.Dialled); n != nil {
		n.take(now)
	}
	if p.way != nil {
		p.way.pace.take(now)
		if p.way.pace.rate > 0 {
			// The one whose pace was counted is tried first.
			place := *s.Plan.Place
			place.Trunk = p.way.name
			s.Plan.Place = &place
		}
	}
	q.ports.hold(s.ID, port{app: l.app.ID, number: s.Dialled, seat: p.seat.Switch.Name(), since: now})
	if i := slices.Index(q.ring, l); i >= 0 {
		q.ring = append(slices.Delete(q.ring, i, i+1), l)
	}
	if l.waiting > len(l.window) && len(l.window) < windowLow {
		tell(q.news)
	}
}

// place hands a call over. One that the Placer cannot take now is read anew from where it waits, and its app waits a moment.
func (q *Queue) place(ctx context.Context, p *pick) {
	s := p.e.o.Session
	err := q.o.Placer.Place(ctx, p.seat.Switch, p.e.o)
	now := time.Now()
	if err == nil {
		q.mu.Lock()
		q.tally(s.AppID).dialled(now)
		q.mu.Unlock()
		q.o.Observe.Dialled(s.Mode, now.Sub(p.e.o.QueuedAt))
		return
	}
	q.mu.Lock()
	q.ports.free(s.ID)
	p.line.waiting++
	p.line.news, p.line.pauseAt, p.line.held = true, now.Add(pauseAfter), holdPorts
	q.mu.Unlock()
	tell(q.news)
	q.o.Observe.Refused()
	q.o.Log.LogAttrs(ctx, slog.LevelWarn, "waiting call could not be handed over; it waits on", slog.String("sessionId", s.ID), slog.Any("error", err))
}

// why is the code of a call that waited too long: what kept it back.
func (q *Queue) why(o models.Outgoing, now time.Time) models.StateCode {
	l := q.lines[o.Session.AppID]
	if l == nil {
		return models.TenantPortsFull
	}
	if free, full := q.numberFree(l, &entry{o: o}); full || free.After(now) {
		return models.NumberTooManyCalls
	}
	switch {
	case l.off:
		return models.AccountFrozen
	case l.held == holdTenant:
		return models.TenantTooManyCalls
	case l.held == holdPace:
		return models.AppTooManyCalls
	case l.held == holdSwitch:
		return models.NotConnected
	}
	return models.TenantPortsFull
}
