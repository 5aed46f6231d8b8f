package flow

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"maskline/controller/cdr"
	"maskline/esl"
	"maskline/models"
)

// Why a call was not taken: a label of metrics.
const (
	untakenNobody   = "nobody"   // no daemon claimed it, or the one that did could not write whose it was
	untakenOverload = "overload" // a daemon refused it at once
)

// untaken writes a call that came in and that no daemon took, from the record of its one leg: its session, callin, disconnect, CDR and their
// pushes in one transaction. It is everything that a refused call leaves. What it costs to find out whose it was is paid here, off the path of
// live calls. A daemon that took it after all has written the session, and then nothing of this is applied.
func (e *Engine) untaken(ctx context.Context, host string, leg cdr.Leg) error {
	from, known := e.trunks.readFrom(leg.Invite.Var)
	if !known {
		e.Observe.ReportDropped("stranger")
		e.Log.Warn("leg report is of a caller from no trunk of ours: it is no call", "call", leg.Call)
		e.reports.settled(leg.Call)
		return nil
	}
	k := e.placedCall(models.Session{
		ID: models.SessionID(leg.ID, host), LegA: leg.ID, Switch: e.nameOf(host), Host: host,
		Dialled: from.dialled, Caller: from.caller, StartedAt: leg.Created,
	})
	k.legs, k.source = cdr.Legs{A: leg}, models.SourcePost
	if k.s.StartedAt.IsZero() {
		k.s.StartedAt = leg.HungUp
	}
	sight, err := e.Store.SightAt(ctx, k.s.Dialled, k.s.Caller, models.NoExtension, k.s.StartedAt)
	if err != nil {
		return fmt.Errorf("look up a call that no daemon took: %w", err)
	}
	d := e.Rules.Decide(sight)
	k.know(sight, d)
	why, state := untakenNobody, models.ServiceError
	if leg.Invite.Refused() != "" {
		why, state = untakenOverload, models.PortsExhausted
	}
	k.s.Plan = models.Plan{Direction: d.Direction}
	if !leg.Left() { // else he hung up first, and the record says that
		k.s.Plan.Refuse = &models.Refuse{State: state, Q850: esl.NormalTemporaryFailure.Q850()}
	}
	e.Observe.Untaken(k.s.Switch, why)
	e.Observe.CallStarted(k.s.Mode)
	level := slog.LevelWarn
	if why == untakenOverload {
		level = slog.LevelDebug // its refusal was logged, with how many others; there may be hundreds a second
	}
	k.log.Log(ctx, level, "a call that no daemon took is written from the switch's record of it", "why", why, "trunk", from.trunk, "came_in", k.s.StartedAt)
	k.finish(ctx, k.event(models.EventCallIn, k.s.StartedAt))
	return nil
}

// cameIn is the record of the leg with which a call came in. A leg that we dialled is none, nor one whose end has only been heard of without
// its variables.
func cameIn(legs []cdr.Leg, call string) (all cdr.Leg, ok bool) {
	for _, l := range legs {
		if l.ID == call && l.Role == "a" {
			all = all.Merge(l)
		}
	}
	return all, all.Invite.Known() && !all.HungUp.IsZero() && !slices.ContainsFunc(legs, func(l cdr.Leg) bool { return l.ID != call })
}
