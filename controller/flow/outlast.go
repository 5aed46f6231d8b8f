package flow

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"maskline/controller/cdr"
	"maskline/esl"
	"maskline/models"
)

const (
	orphanIn    = 2 * time.Second // in which who has claimed a leg marks it as his
	outlastIn   = 5 * time.Minute // longer than the park's own bound (conf/freeswitch, park_timeout=240)
	outlastWait = time.Second
	// The record of a callee's leg that was lost is posted within 2 s, or found in the spool within 5 s; the caller hears nothing meanwhile.
	calleeReportIn = 8 * time.Second
)

// orphaned takes up a leg that somebody has claimed and nobody has marked: its daemon died in between. Without this the caller would hear
// nothing until the park's bound. Of several daemons only the one that holds the switch's lease comes here.
func (k *call) orphaned(ctx context.Context, parked esl.Event) {
	timer := time.NewTimer(orphanIn)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	ask, cancel := context.WithTimeout(ctx, commandIn)
	defer cancel()
	owner, err := k.leg.Switch().API(ask, "uuid_getvar", k.leg.ID()+" maskline_owner")
	if owner = strings.TrimSpace(owner); err != nil || owner != "_undef_" && owner != "" {
		return // it is gone, or somebody's
	}
	k.e.Observe.Rescued("claim")
	k.source = models.SourceResync // as found does
	k.adopt(ctx, []esl.Event{parked})
}

// legOver says that leg 1 has ended or is gone from the switch.
func (k *call) legOver() bool { return !k.legs.A.HungUp.IsZero() || k.legGone }

// outlast ends a caller's leg that nobody has got hold of: the link went down under a command. The caller would hold a dead line until the
// park's bound, and the CDR would tell of an end that was none.
func (k *call) outlast(ctx context.Context, cause esl.Cause) error {
	ctx, cancel := context.WithTimeout(ctx, outlastIn)
	defer cancel()
	if !k.legOver() {
		k.e.Observe.Rescued("link")
	}
	for !k.legOver() {
		err := k.leg.Hangup(ctx, k.first(), cause)
		switch {
		case err == nil:
			if err := k.awaitOver(ctx, legEndIn); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
				return err
			}
			continue
		case errors.Is(err, esl.ErrGone):
			return k.lost(ctx)
		}
		if err := k.idle(ctx, outlastWait); err != nil {
			return err
		}
	}
	return nil
}

// idle reads events for a while.
func (k *call) idle(ctx context.Context, d time.Duration) error {
	wait, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for {
		_, err := k.next(wait)
		switch {
		case err != nil && wait.Err() != nil && ctx.Err() == nil, k.legOver():
			return nil
		case err != nil:
			return err
		}
	}
}

// bridged asks, after a bridge whose reply was lost with the link, whether the switch carries it out: it is told by a leg of the callee's, or by
// what the caller's leg shows when the link is back.
func (k *call) bridged(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, outlastIn)
	defer cancel()
	for {
		ev, err := k.next(ctx)
		switch {
		case err != nil:
			return false, err
		case ev.Leg != k.first():
			return true, nil
		case k.legOver():
			return false, esl.ErrGone
		case ev.Kind == esl.Snapshot:
			// A callee's snapshot may be behind this one; if the caller's leg executes the bridge there need not be one yet.
			return bridgeRuns(k.first(), []esl.Event{ev}), nil
		}
	}
}

// calleeLost judges a callee's leg that went while the link was down: another one may ring on another trunk, or the switch gives the caller back
// to nobody. It tells whether the call is over; the caller's leg then has been ended with the cause that the switch's record of the callee tells.
func (k *call) calleeLost(ctx context.Context, leg string) (over bool, err error) {
	for _, b := range k.legs.Bs {
		if b.ID != leg && b.HungUp.IsZero() {
			return false, nil
		}
	}
	// The record of the callee's leg was posted, or lies in the spool.
	of := func(reports []cdr.Leg) bool {
		return slices.ContainsFunc(reports, func(l cdr.Leg) bool { return l.ID == leg })
	}
	for _, l := range k.e.reports.await(ctx, k.s.LegA, calleeReportIn, of) {
		k.legs.Add(l)
	}
	k.e.Observe.Rescued("callee")
	o := k.legs.Outcome(k.s.Plan, k.stopped.Load())
	if o.Q850 == 0 {
		o.Q850 = 16
	}
	k.hangup(ctx, k.first(), esl.CauseOf(o.Q850))
	return true, k.lost(ctx)
}

// writtenAfterAll asks for the session of a call whose first commit failed: a commit that was cut off may have been made, and its session would
// be live for ever once the switch has forgotten the leg.
func (k *call) writtenAfterAll(ctx context.Context) bool {
	s, err := k.session(ctx)
	if err != nil || !s.EndedAt.IsZero() {
		return false
	}
	k.s = s
	k.told[string(models.EventCallIn)] = true
	return k.load(ctx) == nil
}
