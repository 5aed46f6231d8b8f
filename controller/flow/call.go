package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"maskline/controller/cdr"
	"maskline/controller/guard"
	"maskline/esl"
	"maskline/models"
)

var (
	errClosing = errors.New("the engine takes no more calls")
	errKnown   = errors.New("the session is known already")
	errFull    = errors.New("the engine carries all the calls it may")
	errLeave   = errors.New("the daemon ends; the switch goes on alone")
)

// call is one session while its goroutine runs. Only that goroutine touches it, but for the atomic fields.
type call struct {
	e     *Engine
	leg   esl.Call
	ready chan struct{} // closed when leg is set, or never will be: at once, but for a call that we place
	log   *slog.Logger

	s     models.Session
	app   models.App
	spID  string
	sight models.Sight // what the plan was made from
	heard bool         // the caller has heard a prompt or was answered: the ring-back must be ours
	legs  cdr.Legs

	legGone bool // leg 1 went without a word
	// sendsEvents says that the caller's side offers to send keys as telephone-event (RFC 2833, RFC 4733).
	sendsEvents bool
	told        map[string]bool
	watched     *guard.Watch // for whose numbers strings are looked through; see secrets
	source      models.Source
	under       models.Lease // of the switch; what is written is written under it
	seen        time.Time    // until when a call whose end nobody saw was known to live
	holds       []string     // trunks on which it holds a channel
	token       string       // of the bridge
	placing     placing      // of a call that we place
	on          string       // the switch that it is counted for

	abandon   context.CancelFunc     // ends the goroutine as the end of the daemon would; set before it begins
	listening atomic.Bool            // it waits for an event
	stopped   atomic.Bool            // callStop
	bridging  atomic.Bool            // a bridge was given to the switch and has not come back
	leaving   atomic.Bool            // the daemon ends
	placed    atomic.Pointer[string] // leg 1 of a call that we placed, as far as it is known
}

func (e *Engine) newCall(leg esl.Call, host string) *call {
	id := models.SessionID(leg.ID(), host)
	ready := make(chan struct{})
	close(ready)
	k := &call{
		e: e, ready: ready, log: e.Log.With("sessionId", id), told: map[string]bool{}, source: models.SourceEvents,
		s:    models.Session{ID: id, LegA: leg.ID(), Switch: leg.Switch().Name(), Host: host},
		legs: cdr.Legs{A: cdr.Leg{ID: leg.ID(), Call: leg.ID(), Role: "a"}},
	}
	k.leg = k.guarded(leg)
	return k
}

// leave asks the goroutine to let go of the call if the switch can finish it alone; it is called once, by the engine.
func (k *call) leave() {
	k.leaving.Store(true)
	select {
	case <-k.ready:
	default:
		return
	}
	if k.bridging.Load() {
		k.leg.Close()
	}
}

// first is the uuid of leg 1. That of a placed call is known when one of the trunks has been reached.
func (k *call) first() string {
	if k.legs.Placed {
		return k.legs.A.ID
	}
	return k.leg.ID()
}

// let go of the call's events.
func (k *call) close() {
	if k.leg != nil {
		k.leg.Close()
	}
}

// dialled marks that from now on the switch can finish the call alone.
func (k *call) dialled() error {
	k.bridging.Store(true)
	if k.leaving.Load() {
		return errLeave
	}
	return nil
}

// next waits for the call's next event and folds it into the legs. It fails with errLeave once the daemon ends and the call is dialled.
func (k *call) next(ctx context.Context) (esl.Event, error) {
	k.listening.Store(true)
	ev, err := k.leg.Next(ctx)
	k.listening.Store(false)
	switch {
	case errors.Is(err, esl.ErrClosed) && k.leaving.Load():
		return ev, errLeave
	case err != nil:
		return ev, err
	case ev.Kind == esl.Snapshot:
		k.source = models.SourceResync
	case ev.Kind == esl.Lost:
		k.seen = ev.At
		k.legGone = k.legGone || ev.Leg == k.first()
		return ev, nil
	case ev.Kind == esl.Placed:
		return ev, nil
	}
	k.legs.Add(cdr.FromEvent(ev))
	k.note()
	return ev, nil
}

// note makes leg 1 of a placed call known to those who would end it.
func (k *call) note() {
	if leg := k.legs.A.ID; k.legs.Placed {
		k.placed.Store(&leg)
	}
}

// awaitStep waits until the application with this token has ended, the caller is gone, or the time is up.
func (k *call) awaitStep(ctx context.Context, token string, atMost time.Duration) error {
	_, err := k.stepDone(ctx, token, atMost)
	return err
}

// stepDone is awaitStep with the event that ended the step.
func (k *call) stepDone(ctx context.Context, token string, atMost time.Duration) (esl.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for {
		ev, err := k.next(ctx)
		if err != nil {
			return ev, err
		}
		switch {
		case ev.Leg == k.first() && (ev.Kind == esl.HungUp || ev.Kind == esl.Lost):
			return ev, esl.ErrGone
		case ev.Kind == esl.Executed && ev.Token == token:
			return ev, nil
		}
	}
}

// play plays a prompt of the tenant's or the platform's to the caller, as early media while his leg is not answered. A prompt that
// does not exist is silence: nobody is kept waiting for it.
func (k *call) play(ctx context.Context, name string) error {
	if name == "" {
		return nil
	}
	path, ok := k.e.Prompts.Find(k.spID, name)
	if !ok {
		k.e.Observe.PromptMissing()
		k.log.Warn("prompt does not exist or cannot be played", "prompt", name)
		return nil
	}
	token, err := k.leg.Execute(ctx, k.first(), "playback", path)
	if err != nil {
		return fmt.Errorf("play %s: %w", name, err)
	}
	err = k.awaitStep(ctx, token, promptIn)
	if errors.Is(err, context.DeadlineExceeded) {
		k.log.Warn("prompt did not end in time", "prompt", name)
		return k.leg.Break(ctx, k.first())
	}
	return err
}

// hangup ends a leg; one that has ended already is as good.
func (k *call) hangup(ctx context.Context, leg string, cause esl.Cause) {
	if ctx.Err() != nil {
		return // the daemon ends at once: the call is the next one's
	}
	ctx, cancel := context.WithTimeout(ctx, commandIn)
	defer cancel()
	if err := k.leg.Hangup(ctx, leg, cause); err != nil && !errors.Is(err, esl.ErrGone) {
		k.log.Warn("hang-up was not taken; the switch's own bounds end the leg", "error", err)
	}
}

// awaitOver reads events until the caller's leg and, if one was dialled, the callee's have ended.
func (k *call) awaitOver(ctx context.Context, atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for !k.legs.Over() || (k.told[string(models.EventCallOut)] && !k.legs.CalleesOver()) {
		ev, err := k.next(ctx)
		if err != nil {
			return err
		}
		if ev.Kind == esl.Lost {
			return k.lost(ctx)
		}
	}
	return nil
}

func (k *call) recoverPanic() {
	if r := recover(); r != nil {
		k.e.Observe.Panicked()
		k.log.Error("call goroutine failed; the switch and the next daemon finish the call", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	}
}
