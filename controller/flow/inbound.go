package flow

import (
	"context"
	"errors"
	"strings"
	"time"

	"maskline/controller/cdr"
	"maskline/esl"
	"maskline/models"
)

// arrived begins the flow of a leg that nobody has claimed.
func (e *Engine) arrived(leg esl.Call, host string, parked esl.Event) {
	if why := e.admit.admit(leg.Switch()); why != "" {
		e.admit.refuse(leg, why)
		return
	}
	k := e.newCall(leg, host)
	k.s.StartedAt = cdr.FromEvent(parked).Created
	if k.s.StartedAt.IsZero() {
		k.s.StartedAt = parked.At
	}
	k.legs.Add(cdr.FromEvent(parked))
	k.sendsEvents = strings.Contains(parked.Var("switch_r_sdp"), "telephone-event")
	err := e.begin(k, func(ctx context.Context) { k.inbound(ctx, parked) })
	switch {
	case errors.Is(err, errFull):
		e.admit.refuse(leg, OverCalls) // another switch's call took the last place
	case err != nil:
		leg.Close()
	}
}

// inbound is a call from its arrival to its CDR, as it happens.
func (k *call) inbound(ctx context.Context, parked esl.Event) {
	start := time.Now()
	switch err := k.claim(ctx); {
	case errors.Is(err, esl.ErrClaimed):
		k.orphaned(ctx, parked)
		return
	case err != nil:
		return
	}
	k.e.Observe.Stage("claim", time.Since(start))

	from, known := k.e.trunks.read(parked)
	if !known {
		k.log.Warn("refused a caller from no trunk of ours that the switch had let in: its list is wider than the configuration")
		k.e.Observe.StrangerRefused(k.s.Switch)
		k.hangup(ctx, k.leg.ID(), esl.CallRejected)
		return
	}
	plan, err := k.route(ctx, from)
	if err == nil && plan.Collect != nil {
		plan, err = k.collect(ctx, *plan.Collect)
	}
	if err == nil && plan.Ask != nil {
		plan, err = k.ask(ctx)
	}
	if err == nil && plan.Allocate != nil {
		plan, err = k.allocate(ctx, *plan.Allocate)
	}
	switch {
	case errors.Is(err, esl.ErrGone): // the caller left before anybody was dialled
	case withheld(err):
	case err != nil && ctx.Err() == nil:
		k.log.Error("call could not be routed", "error", err)
		k.apologise(ctx)
		if !k.told[string(models.EventCallIn)] {
			_ = k.outlast(ctx, esl.NormalTemporaryFailure)
			if !k.writtenAfterAll(ctx) {
				return // nothing is known of it, and nothing written
			}
		}
		err = nil
	case err != nil:
	case plan.Refuse != nil:
		err = k.refuse(ctx, *plan.Refuse)
	case plan.Connect != nil:
		err = k.connect(ctx, *plan.Connect)
	}
	if withheld(err) {
		err = k.refuseWithheld(ctx, err)
	}
	k.end(ctx, err)
}

// claim takes the leg from the switch's 10 s timer.
func (k *call) claim(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commandIn)
	defer cancel()
	err := k.leg.Claim(ctx)
	k.e.Observe.Claimed(err == nil)
	if err != nil && !errors.Is(err, esl.ErrClaimed) && !errors.Is(err, esl.ErrGone) {
		k.log.Warn("leg could not be claimed; the switch refuses it", "error", err)
	}
	return err
}

// own marks the leg as a claimed one. A call that is dialled is marked with its other variables; one that only hears a prompt is
// marked here, or the next daemon would take it for unclaimed and leave it to the park's bound of minutes.
func (k *call) own(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, commandIn)
	defer cancel()
	if err := k.leg.Set(ctx, k.leg.ID(), esl.Var{Name: "maskline_owner", Value: k.e.Owner}); err != nil && !errors.Is(err, esl.ErrGone) {
		k.log.Warn("leg could not be marked as ours", "error", err)
	}
}

// refuse plays why, as early media, and ends the call with a final error: it is never answered, so the caller pays nothing.
func (k *call) refuse(ctx context.Context, r models.Refuse) error {
	k.own(ctx)
	err := k.play(ctx, r.Prompt)
	if err == nil || !errors.Is(err, esl.ErrGone) {
		k.hangup(ctx, k.first(), esl.CauseOf(r.Q850))
	}
	return nil
}

// apologise ends a call about which nothing more can be known: the database is away. If that was so from the first, its session and CDR are
// written later, from the switch's own record (untaken).
func (k *call) apologise(ctx context.Context) {
	k.own(ctx)
	if err := k.play(ctx, models.PromptSystemBusy); err != nil && !errors.Is(err, esl.ErrGone) {
		k.log.Warn("apology could not be played", "error", err)
	}
	k.hangup(ctx, k.leg.ID(), esl.NormalTemporaryFailure)
}

// end waits until the switch has told how every leg ended, and writes it.
func (k *call) end(ctx context.Context, err error) {
	if withheld(err) { // what was to follow cannot: a placed call ends here
		k.log.Error("call is ended: what it needs may not be given to the switch", "error", err)
		k.placing.wrong, err = models.PlacedInternal, nil
		k.hangup(ctx, k.first(), esl.NormalTemporaryFailure)
	}
	if err == nil || errors.Is(err, esl.ErrGone) {
		err = k.awaitOver(ctx, legEndIn)
	}
	if (errors.Is(err, esl.ErrDown) || errors.Is(err, context.DeadlineExceeded)) && ctx.Err() == nil && k.s.Plan.Place == nil && !k.legOver() {
		k.log.Warn("a caller's leg could not be ended; trying until it is", "error", err)
		err = k.outlast(ctx, esl.NormalTemporaryFailure)
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && !k.legs.Over() {
		k.log.Warn("the switch did not tell how a leg ended; its record may")
		err = k.lost(ctx)
	}
	switch {
	case errors.Is(err, errLeave):
		k.log.Info("daemon ends; the call goes on in the switch")
		return
	case ctx.Err() != nil:
		return
	case errors.Is(err, esl.ErrOverflow):
		k.log.Error("call missed events of the switch; its record completes it")
		err = k.lost(ctx)
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		k.log.Warn("call ended out of order", "error", err)
	}
	k.finish(ctx)
}
