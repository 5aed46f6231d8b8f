package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"maskline/controller/cdr"
	"maskline/esl"
	"maskline/models"
)

// found takes up a call that a resync saw on the switch: another daemon, or this one before it was restarted, had begun it.
func (e *Engine) found(leg esl.Call, host string, snapshots []esl.Event) {
	for _, ev := range snapshots {
		host = cmp.Or(ev.Var("maskline_host"), host)
	}
	k := e.newCall(leg, host)
	k.source = models.SourceResync
	for _, ev := range snapshots {
		k.legs.Add(cdr.FromEvent(ev))
	}
	if err := e.begin(k, func(ctx context.Context) { k.adopt(ctx, snapshots) }); err != nil {
		leg.Close()
	}
}

// adopt goes on with a call where it stands. What the switch can finish alone is watched; a call that stood in a prompt or before the
// dial is ended politely, with its code and CDR (DESIGN §9).
func (k *call) adopt(ctx context.Context, snapshots []esl.Event) {
	s, err := k.session(ctx)
	if models.CodeOf(err) == models.NotFound {
		// Claimed, and its daemon died before it could write whose call this is.
		k.log.Warn("found a claimed call without a session; it is refused")
		k.hangup(ctx, k.leg.ID(), esl.NormalTemporaryFailure)
		return
	}
	if err != nil {
		k.log.Error("found a call whose session cannot be read; the switch goes on with it", "error", err)
		return
	}
	k.s = s
	if err := k.load(ctx); err != nil {
		k.log.Error("found a call whose app cannot be read; the switch goes on with it", "error", err)
		return
	}
	k.told[string(models.EventCallIn)] = true
	k.log.Info("took up a call that was on the switch", "stage", string(s.Stage))
	if s.Plan.Place != nil {
		k.adoptPlaced(ctx, snapshots)
		return
	}
	if s.Plan.Connect == nil || s.Stage == models.StageAnnounced || !bridgeRuns(k.leg.ID(), snapshots) {
		k.endPolitely(ctx, snapshots)
		return
	}
	k.e.trunks.hold(s.Trunk)
	k.holds = []string{s.Trunk}
	err = k.tell(ctx, models.EventCallOut, k.calloutAt())
	if err == nil {
		err = k.dialled()
	}
	if err == nil {
		err = k.tellCallee(ctx)
	}
	if err == nil {
		err = k.watch(ctx)
	}
	k.end(ctx, err)
}

// session reads the call's session, waiting for a database that is away as long as a commit would.
func (k *call) session(ctx context.Context) (models.Session, error) {
	for wait := time.Second; ; wait = min(2*wait, commitWait) {
		s, err := k.e.Store.Session(ctx, k.s.ID)
		if err == nil || models.CodeOf(err) == models.NotFound || ctx.Err() != nil {
			return s, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return s, ctx.Err()
		}
	}
}

// load reads whose call it is.
func (k *call) load(ctx context.Context) error {
	if k.s.AppID == 0 {
		return nil
	}
	app, err := k.e.Store.App(ctx, k.s.AppID)
	if err != nil {
		return fmt.Errorf("app of session %s: %w", k.s.ID, err)
	}
	tenant, err := k.e.Store.Tenant(ctx, k.s.TenantID)
	if err != nil {
		return fmt.Errorf("tenant of session %s: %w", k.s.ID, err)
	}
	k.app, k.spID, k.sight.Tenant = app, tenant.SpID, &tenant
	return nil
}

// bridgeRuns says that the switch is dialling or has joined the two: a callee's leg is up, or the caller's leg executes a bridge.
func bridgeRuns(legA string, snapshots []esl.Event) bool {
	for _, ev := range snapshots {
		if ev.Leg != legA || ev.Var("current_application") == "bridge" && !dialFailed(ev) {
			return true
		}
	}
	return false
}

// dialFailed says that the bridge of a caller's leg has come to its end without an answer. The leg is parked again, but "bridge" stays its current
// application. While the switch dials, the disposition is "failure"; then it is a cause (switch_ivr_originate.c).
func dialFailed(ev esl.Event) bool {
	d := ev.Var("originate_disposition")
	return d != "" && d != "failure" && !strings.EqualFold(d, "success") && d != "call accepted"
}

// endPolitely ends a call in which only the daemon that died knew what came next.
func (k *call) endPolitely(ctx context.Context, snapshots []esl.Event) {
	for _, ev := range snapshots {
		// A callee who failed while no daemon looked left his cause on the caller's leg.
		if cause := esl.Cause(ev.Var("originate_disposition")); ev.Leg == k.leg.ID() && cause != "" && cause != "SUCCESS" {
			k.legs.Add(cdr.Leg{ID: "unseen", Call: k.leg.ID(), Role: "b", Created: k.calloutAt(), HungUp: ev.At, Cause: cause})
		}
	}
	o := k.legs.Outcome(k.s.Plan, false)
	if o.Q850 == 0 {
		o.Q850 = 41
	}
	k.hangup(ctx, k.first(), esl.CauseOf(o.Q850))
	k.end(ctx, nil)
}

// calloutAt is when leg 2 was dialled, as far as anybody knows.
func (k *call) calloutAt() time.Time {
	if b, dialled := k.legs.Callee(); dialled && !b.Created.IsZero() {
		return b.Created
	}
	return k.s.StartedAt
}

// finishUntold tells the stages that nobody told of, and the end. Stages that were told before are dropped by the store.
func (k *call) finishUntold(ctx context.Context) {
	if k.legs.Placed {
		if err := errors.Join(k.tellFirstLeg(ctx), k.tellInputs(ctx)); err != nil {
			return
		}
	}
	if _, dialled := k.legs.Callee(); dialled {
		if err := k.tell(ctx, models.EventCallOut, k.calloutAt()); err != nil {
			return
		}
		if err := k.tellCallee(ctx); err != nil {
			return
		}
	}
	k.finish(ctx)
}

// adoptPlaced goes on with a call of ours. The switch finishes by itself what it was given; where keys were to decide, nobody is left who
// knows what came before them, and the call ends politely.
func (k *call) adoptPlaced(ctx context.Context, snapshots []esl.Event) {
	k.legs = cdr.Legs{Placed: true, A: k.legs.A}
	var parked bool
	for _, ev := range snapshots {
		k.legs.Add(cdr.FromEvent(ev))
		parked = parked || ev.Role == "a" && ev.Var("current_application") == "park"
	}
	k.note()
	k.e.trunks.hold(k.s.Trunk)
	k.holds = []string{k.s.Trunk}
	err := k.tellFirstLeg(ctx)
	if err == nil {
		err = k.tellInputs(ctx)
	}
	if _, joined := k.legs.Callee(); err == nil && joined {
		err = k.tell(ctx, models.EventCallOut, k.calloutAt())
	}
	if err == nil {
		err = k.tellCallee(ctx)
	}
	if err == nil && parked {
		k.hangup(ctx, k.first(), esl.NormalClearing)
	}
	if err == nil {
		err = k.watchAdopted(ctx)
	}
	k.end(ctx, err)
}

// watchAdopted tells what a placed call still does by itself, and ends it when the switch comes to the end of what it was given.
func (k *call) watchAdopted(ctx context.Context) error {
	if err := k.dialled(); err != nil {
		return err
	}
	for {
		ev, err := k.next(ctx)
		if err != nil {
			return err
		}
		if ev.Kind == esl.Lost {
			return k.lost(ctx)
		}
		if err := errors.Join(k.tellFirstLeg(ctx), k.tellInputs(ctx)); err != nil {
			return err
		}
		if b, joined := k.legs.Callee(); joined {
			if err := k.tell(ctx, models.EventCallOut, b.Created); err != nil {
				return err
			}
			if err := k.tellCallee(ctx); err != nil {
				return err
			}
		}
		switch {
		case ev.Leg != k.first():
		case ev.Kind == esl.HungUp:
			return nil
		case ev.Kind == esl.Parked, ev.Kind == esl.Executed && ev.Get("Application") == "read":
			k.hangup(ctx, k.first(), esl.NormalClearing)
		}
	}
}

// tellInputs tells of the inputs that stand on leg 1 and that nobody has told of.
func (k *call) tellInputs(ctx context.Context) error {
	for n, digits := range strings.FieldsFunc(k.legs.A.Keyed, func(r rune) bool { return r == '-' }) {
		if err := k.tellInput(ctx, n+1, digits, time.Now().UTC()); err != nil {
			return err
		}
	}
	return nil
}
