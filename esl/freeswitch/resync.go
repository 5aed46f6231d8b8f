package freeswitch

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"maskline/esl"
)

// see acts on what a look found. A failed one is tried again and changes nothing.
func (a *attendance) see(l looked) {
	a.looking = false
	if a.s.opt.Metrics.Resync != nil {
		a.s.opt.Metrics.Resync(l.took, l.err)
	}
	if l.err != nil {
		a.tries++
		pause := backoff(a.tries)
		a.s.opt.Logger.Log(context.Background(), weight(a.tries), "resync failed", slog.Any("error", l.err), slog.Duration("pause", pause))
		a.timer.Reset(pause)
		return
	}
	a.tries = 0
	switch {
	case a.settled:
		a.neverDialled(l)
		a.doubt()
		return
	case a.synced:
		a.settle(l)
		a.doubt()
		return
	}
	a.reconcile(l)
	a.synced = true
	held := a.held
	a.held = nil
	for _, e := range held {
		a.dispatch(e)
	}
	a.timer.Reset(secondLook)
}

// reconcile acts on the first look, before the held events.
func (a *attendance) reconcile(l looked) {
	var old string
	a.s.update(func(st *esl.Status) {
		old = st.Core
		st.Core, st.Hostname, st.Version = l.core, l.hostname, l.version
		st.LastBeat = time.Now()
		a.s.synced = true
	})
	if old != "" && old != l.core {
		a.restarted(l.core)
		l.gone = nil
	}
	a.missing = l.gone
	for _, e := range l.legs {
		if c := a.s.book.find(e.Call, e.Leg); c != nil {
			a.deliver(c, e)
			a.answeredUnheard(c, e)
		}
	}
	maps.DeleteFunc(a.placing, func(_ string, c *call) bool { return l.has(c) })
	a.adopt(l.legs)
	a.s.opt.Logger.Info("switch resynchronised", slog.String("core", l.core), slog.Int("legs", len(l.legs)), slog.Int("missing", len(l.gone)))
}

// settle acts on the second look: what was missing at both, and whose end no event told in between, is lost; what the table of channels
// did not show before is adopted. Only now is it known which calls there are.
func (a *attendance) settle(l looked) {
	a.neverDialled(l) // before the legs: a call that loses one is told of it once
	for id := range a.missing {
		if _, still := l.gone[id]; still {
			a.lose(id)
		}
	}
	a.adopt(l.legs)
	a.settled, a.missing, a.bare, a.placing = true, nil, nil, nil
	for _, id := range a.s.book.live() {
		l.calls[id] = struct{}{}
	}
	a.h.Synced(slices.Sorted(maps.Keys(l.calls)))
}

// restarted ends every call of the old core.
func (a *attendance) restarted(core string) {
	a.s.opt.Logger.Error("switch restarted", slog.String("core", core))
	a.h.Restarted(core)
	a.placing = nil // their end is told here
	for id := range a.s.book.standing() {
		a.lose(id)
	}
	for _, c := range a.bare { // not those that were placed on the new core since
		a.deliver(c, esl.Event{Kind: esl.Lost, Leg: c.id, Call: c.id, At: a.s.lostAt()})
	}
}

// answeredUnheard makes the Placed event of a call whose first leg has answered while nobody heard.
func (a *attendance) answeredUnheard(c *call, e esl.Event) {
	if e.Role != "a" || e.Get("Answer-State") != "answered" || a.s.book.settled(c) == nil {
		return
	}
	e.Kind = esl.Placed
	a.deliver(c, e)
}

// neverDialled loses the calls that were being placed when the link broke, of which neither look saw a leg and no word has come: they were
// not dialled, or nobody heard how that ended.
func (a *attendance) neverDialled(l looked) {
	for job, c := range a.placing {
		a.s.book.sure(c)
		if !l.has(c) && !a.s.book.stands(c) && a.s.book.answered(job) != nil {
			a.deliver(c, esl.Event{Kind: esl.Lost, Leg: c.id, Call: c.id, Role: "a", At: a.s.lostAt()})
		}
	}
}

// lose tells a call that a leg is gone and nobody saw its end.
func (a *attendance) lose(id string) {
	if l := a.s.book.over(id); l != nil {
		a.deliver(l.call, esl.Event{Kind: esl.Lost, Leg: id, Call: l.call.id, Role: l.role, At: a.s.lostAt()})
	}
}

// adopt opens calls for legs of ours that belong to no open call.
func (a *attendance) adopt(legs []esl.Event) {
	strange := map[string][]esl.Event{}
	var order []string
	for _, e := range legs {
		id := e.Call
		if _, over := a.ended[e.Leg]; over || id == "" || a.s.book.find(id, e.Leg) != nil {
			continue
		}
		if strange[id] == nil {
			order = append(order, id)
		}
		strange[id] = append(strange[id], e)
	}
	for _, id := range order {
		a.found(id, strange[id])
	}
}

// found hands a call over that the switch had and we did not know: as a new one if it is still parked and nobody has claimed it.
func (a *attendance) found(id string, legs []esl.Event) {
	if e := legs[0]; len(legs) == 1 && unclaimed(e) {
		if e.Var("current_application") == "park" {
			e.Kind = esl.Parked
			a.arrived(e)
		}
		return // not parked yet: CHANNEL_PARK is to come
	}
	c, fresh := a.s.book.open(a.s.newCall(id))
	if !fresh {
		return
	}
	c.claimed.Store(true)
	for _, e := range legs {
		a.s.book.saw(c, e)
	}
	a.h.Found(c, legs)
}
