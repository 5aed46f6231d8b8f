package voice

import (
	"context"
	"fmt"
	"time"

	"maskline/models"
)

// gates are the paces once more, where they count: at the moment in which the switch is told to dial. Between a call's turn (dialSome) and that
// moment lies a commit, and a slow one would push several calls into one second. It belongs to the Queue's lock.
type gates map[string]*pace

// Pass waits until the call may be dialled now: each pace that bounds it has room. It fails with ctx's error only.
func (q *Queue) Pass(ctx context.Context, o models.Outgoing) error {
	for {
		now := time.Now()
		q.mu.Lock()
		free := q.pass(o.Session, now)
		q.mu.Unlock()
		if !free.After(now) {
			return nil
		}
		sleep(ctx, nil, free)
		if ctx.Err() != nil {
			return fmt.Errorf("wait for the pace of session %s: %w", o.Session.ID, ctx.Err())
		}
	}
}

// pass takes a place in every pace that bounds the call, or says when it may.
func (q *Queue) pass(s models.Session, now time.Time) (free time.Time) {
	paces := []*pace{q.gate(fmt.Sprint("app:", s.AppID), q.appRate(s.AppID)), q.gate("number:"+s.Dialled, q.numberRate(s.AppID))}
	for _, w := range q.trunks {
		if w.name == s.Plan.Place.Trunk {
			paces = append(paces, q.gate("trunk:"+w.name, w.pace.rate))
		}
	}
	for _, p := range paces {
		if at := p.free(); at.After(free) {
			free = at
		}
	}
	if !free.After(now) {
		for _, p := range paces {
			p.take(now)
		}
	}
	return free
}

func (q *Queue) appRate(appID int64) float64 {
	if l := q.lines[appID]; l != nil {
		return l.app.Settings.Voice.PerSecond()
	}
	return 0
}

func (q *Queue) numberRate(appID int64) float64 {
	if l := q.lines[appID]; l != nil {
		return l.app.Settings.Voice.Number.Rate
	}
	return 0
}

// gate is the pace of this name. One without a bound is not kept.
func (q *Queue) gate(name string, rate float64) *pace {
	p := q.gates[name]
	switch {
	case p == nil && rate <= 0:
		return &pace{}
	case p == nil:
		p = &pace{}
		q.gates[name] = p
	}
	p.set(rate)
	return p
}
