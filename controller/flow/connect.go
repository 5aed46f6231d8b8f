package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"maskline/controller/cdr"
	"maskline/esl"
	"maskline/models"
)

// connect dials the callee and watches the call to its end. From the bridge on everything that must happen is in the switch
// (dial.go); this goroutine only tells what it sees.
func (k *call) connect(ctx context.Context, c models.Connect) error {
	start := time.Now()
	picked := k.e.trunks.take(c.Trunk)
	if len(picked) == 0 {
		return k.noWayOut(ctx)
	}
	for _, t := range picked {
		k.holds = append(k.holds, t.Name)
	}
	k.s.Trunk = picked[0].Name
	k.afford(ctx, &c)
	order, err := k.order(c, picked)
	if err != nil {
		return k.refuseWithheld(ctx, fmt.Errorf("make the dial string: %w", err))
	}
	if err := k.leg.Set(ctx, k.leg.ID(), order.caller...); err != nil {
		return fmt.Errorf("set the caller's variables: %w", err)
	}
	if order.ring {
		// 180 at once, whatever the callee's network says or does not say: nobody listens to silence.
		if err := k.leg.Ring(ctx, k.leg.ID()); err != nil {
			return fmt.Errorf("ring the caller: %w", err)
		}
	}
	k.token, err = k.leg.Bridge(ctx, k.leg.ID(), order.dial)
	if errors.Is(err, esl.ErrDown) { // the switch may have taken it
		k.log.Warn("the link broke when the call was dialled", "error", err)
		if runs, lost := k.bridged(ctx); runs || lost != nil {
			err = lost
		}
	}
	if err != nil {
		return fmt.Errorf("bridge: %w", err)
	}
	k.e.Observe.Stage("dial", time.Since(start))
	if err := k.tell(ctx, models.EventCallOut, time.Now().UTC()); err != nil {
		return err
	}
	if err := k.dialled(); err != nil {
		return err
	}
	return k.watch(ctx)
}

// noWayOut ends a call that no trunk can carry now: all are full, or none dials out.
func (k *call) noWayOut(ctx context.Context) error {
	r := models.Refuse{State: models.PortsExhausted, Q850: 34, Prompt: models.PromptSystemBusy}
	if !k.e.trunks.outward() {
		r.State = models.RoutingFailed
	}
	k.log.Error("no trunk can carry the call", "state", int(r.State))
	k.s.Plan = models.Plan{Refuse: &r}
	return k.refuse(ctx, r)
}

// watch tells each stage as the switch reports it, until the caller's leg is over or comes back from the bridge.
func (k *call) watch(ctx context.Context) error {
	for {
		ev, err := k.next(ctx)
		if err != nil {
			return err
		}
		switch {
		case ev.Kind == esl.Lost && ev.Leg != k.first():
			if over, err := k.calleeLost(ctx, ev.Leg); over || err != nil {
				return err
			}
		case ev.Kind == esl.Lost:
			return k.lost(ctx)
		case ev.Leg != k.first():
			if err := k.tellCallee(ctx); err != nil {
				return err
			}
		case ev.Kind == esl.HungUp:
			return nil
		case ev.Kind == esl.Executed && (ev.Token == k.token || ev.Get("Application") == "bridge"):
			k.bridging.Store(false)
			return k.afterBridge(ctx, ev)
		}
	}
}

// tellCallee tells of the stages that the callee's leg has reached and nobody has told of.
func (k *call) tellCallee(ctx context.Context) error {
	b, dialled := k.legs.Callee()
	if !dialled {
		return nil
	}
	if at := b.Alerted(); !at.IsZero() && !k.told[string(models.EventAlerting)] {
		k.s.Stage = models.StageRinging
		k.e.Observe.Stage("setup", at.Sub(k.s.StartedAt))
		if err := k.tell(ctx, models.EventAlerting, at); err != nil {
			return err
		}
	}
	if !b.Answered.IsZero() && !k.told[string(models.EventAnswer)] {
		k.s.Stage = models.StageTalking
		if b.Trunk != "" {
			k.s.Trunk = b.Trunk
		}
		return k.tell(ctx, models.EventAnswer, b.Answered)
	}
	return nil
}

// afterBridge has the caller's leg back. If nobody answered he hears why, still unanswered, and gets the callee's cause.
func (k *call) afterBridge(ctx context.Context, done esl.Event) error {
	if err := k.awaitCallee(ctx); err != nil {
		return err
	}
	if !k.legs.A.HungUp.IsZero() {
		return nil
	}
	b, dialled := k.legs.Callee()
	if dialled && !b.Answered.IsZero() {
		// The call is over, and hangup_after_bridge has ended the caller's leg too; but not if the callee left before the two were joined.
		if done.Get("Hangup-Cause") == "" {
			k.hangup(ctx, k.first(), esl.NormalClearing)
		}
		return nil
	}
	o := k.failure(done)
	if k.stopped.Load() || callerGone(o.State) {
		return nil
	}
	if k.announces(b) {
		k.s.Stage = models.StageAnnounced
		if err := k.play(ctx, announcement(o.State)); err != nil {
			return err
		}
	}
	k.hangup(ctx, k.first(), esl.CauseOf(o.Q850))
	return nil
}

// awaitCallee waits a moment for the end of the callee's leg, which may be told after the bridge's.
func (k *call) awaitCallee(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, calleeEndIn)
	defer cancel()
	for !k.legs.CalleesOver() && k.legs.A.HungUp.IsZero() {
		ev, err := k.next(wait)
		switch {
		case err != nil && wait.Err() != nil && ctx.Err() == nil:
			return nil
		case err != nil:
			return err
		case ev.Kind == esl.Lost:
			return k.lost(ctx)
		}
		if err := k.tellCallee(ctx); err != nil {
			return err
		}
	}
	return nil
}

// failure is why the callee was not reached: as his own leg tells it, or, when that is late, as the bridge left it on the caller's.
func (k *call) failure(done esl.Event) cdr.Outcome {
	if k.legs.CalleesOver() {
		return k.legs.Outcome(k.s.Plan, false)
	}
	cause := esl.Cause(done.Var("last_bridge_hangup_cause"))
	if cause == esl.CauseNone {
		cause = esl.Cause(done.Var("originate_disposition"))
	}
	guess := cdr.Legs{A: k.legs.A, Bs: []cdr.Leg{{Created: k.calloutAt(), HungUp: done.At, Cause: cause}}}
	return guess.Outcome(k.s.Plan, false)
}

// announces says whether the caller hears from us why the callee was not reached. In click-to-dial calleeMedia decides (spec/voicecall.md §2):
// with none he hears nothing more; with all, what the callee's own network had to say, if it said anything.
func (k *call) announces(b cdr.Leg) bool {
	if k.s.Plan.Place == nil {
		return true
	}
	switch k.s.Plan.Place.Then.Media {
	case models.MediaNone:
		return false
	case models.MediaFail:
		return true
	default:
		return b.ProgressMedia.IsZero()
	}
}

func callerGone(s models.StateCode) bool {
	return s == models.CallerLeftUnjoined || s == models.CallerLeft || s == models.CallerLeftEarly || s == models.CallerLeftBefore
}

var announcements = map[models.StateCode]string{
	models.CalleeBusy:        models.PromptBusy,
	models.CalleeNoAnswer:    models.PromptNoAnswer,
	models.AnswerTimeout:     models.PromptNoAnswer,
	models.CalleePoweredOff:  models.PromptPoweredOff,
	models.CalleeNotExist:    models.PromptNotExist,
	models.CalleeRejected:    models.PromptRejected,
	models.CallRefused:       models.PromptRejected,
	models.CalleeUnreachable: models.PromptUnreachable,
	models.CalleeOutOfOrder:  models.PromptUnreachable,
	models.CalleeNetwork:     models.PromptUnreachable,
	models.RingTimeout:       models.PromptNoAnswer,
	models.LeftWhileRinging:  models.PromptRejected,
	models.NotConnected:      models.PromptUnreachable,
}

// announcement is what the caller hears when the callee could not be reached.
func announcement(s models.StateCode) string {
	if p, ok := announcements[s]; ok {
		return p
	}
	return models.PromptAbnormal
}

// lost ends a call whose leg went without a word: the switch restarted, or the link was down when it ended. The switch's own record,
// posted or spooled, may still tell how.
func (k *call) lost(ctx context.Context) error {
	all := func(reports []cdr.Leg) bool {
		legs := k.legs
		legs.As, legs.Bs = slices.Clone(legs.As), slices.Clone(legs.Bs)
		for _, l := range reports {
			legs.Add(l)
		}
		return legs.Over()
	}
	k.source = models.SourceLost
	for _, l := range k.e.reports.await(ctx, k.s.LegA, k.e.ReportWait, all) {
		k.legs.Add(l)
		k.source = models.SourcePost
	}
	return k.tellCallee(ctx)
}
