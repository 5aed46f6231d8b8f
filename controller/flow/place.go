package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"maskline/controller/cdr"
	"maskline/controller/guard"
	"maskline/esl"
	"maskline/models"
)

// Speaker renders speech before a call is dialled, and gives the file as the switch reads it and how long it is.
type Speaker interface {
	Speak(ctx context.Context, s models.Speech) (path string, length time.Duration, err error)
}

// placing is what only a call has that we place.
type placing struct {
	sw    esl.Switch
	out   models.Outgoing
	ring  sync.Once        // closes ready
	items []sound          // what leg 1 hears, found and rendered
	wrong models.StateCode // why it must end, where the legs cannot tell: a prompt is gone, nothing was keyed
	keyed int              // inputs told of
	plays int              // of speech
	spoke time.Duration
}

// Keys of the events of leg 1 (spec/voicecall.md §6.1: both legs have theirs).
const firstLeg = ":a"

// renderIn bounds the rendering of all speech of one call; it was rendered ahead as a rule.
const renderIn = 30 * time.Second

// heardIn bounds what one party listens to; the switch has the same bound for itself.
const heardIn = time.Hour

// Place takes a waiting call, dials its leg 1 on sw and carries it out in a goroutine of its own. An error says that it was not begun: the call
// waits on. Once begun, the call is told of by OnPlacedEnd when it is over, or when it turned out not to be ours to dial.
func (e *Engine) Place(_ context.Context, sw esl.Switch, o models.Outgoing) error {
	p := o.Session.Plan.Place
	if p == nil || o.Session.LegA == "" {
		return fmt.Errorf("place session %s: it has no plan to be placed", o.Session.ID)
	}
	k := e.placedCall(o.Session)
	k.s.Switch, k.placing.sw, k.placing.out = sw.Name(), sw, o
	k.ready = make(chan struct{})
	picked := e.trunks.take(p.Trunk)
	if len(picked) == 0 {
		return fmt.Errorf("place session %s: %w", o.Session.ID, errNoTrunk)
	}
	k.hold(picked)
	if err := e.begin(k, func(ctx context.Context) { k.place(ctx, picked) }); err != nil {
		e.trunks.release(k.holds)
		return fmt.Errorf("place session %s: %w", o.Session.ID, err)
	}
	return nil
}

var errNoTrunk = errors.New("no trunk has a channel free")

// Room says whether a call could go out now: any trunk has a channel free.
func (e *Engine) Room() bool { return e.trunks.room() }

// OnPlacedEnd names who hears of the end of each placed call; before Run. Its session has ended, or is still in stage queued.
func (e *Engine) OnPlacedEnd(hear func(models.Session)) { e.placedEnd = hear }

// OnLimit names who hears that a call was not dialled, since its tenant's limits are reached: with the code that it would end with. It waits on;
// before Run.
func (e *Engine) OnLimit(hear func(models.Session, models.StateCode)) { e.limited = hear }

// OnDial names who holds a placed call back until its pace lets it go, in the call's own goroutine, right before the switch is told, and hears by
// done that it has been; before Run.
func (e *Engine) OnDial(pass func(context.Context, models.Outgoing) (done func(), err error)) {
	e.pass = pass
}

// placedCall is a call of ours whose leg is not known yet.
func (e *Engine) placedCall(s models.Session) *call {
	ready := make(chan struct{})
	close(ready)
	return &call{
		e: e, ready: ready, log: e.Log.With("sessionId", s.ID), told: map[string]bool{}, source: models.SourceEvents, s: s,
		legs: cdr.Legs{Placed: true, A: cdr.Leg{ID: s.LegA, Call: s.LegA, Role: "a"}},
	}
}

func (k *call) hold(picked []models.Trunk) {
	for _, t := range picked {
		k.holds = append(k.holds, t.Name)
	}
}

// place is a call of our own from the queue to its CDR, as it happens.
func (k *call) place(ctx context.Context, picked []models.Trunk) {
	defer k.known() // whoever waits for the leg waits no longer
	k.s.Stage, k.s.Trunk = models.StagePlacing, picked[0].Name
	if k.s.Plan.Place.Then != nil && k.s.Plan.Place.Then.Record {
		k.s.RecordAs = k.e.Recordings.Name(time.Now(), k.s.ID)
	}
	if !k.begun(ctx) {
		return
	}
	script, dial, err := k.prepare(ctx, picked)
	if err == nil && !k.stopped.Load() {
		err = k.dial(ctx, dial, script)
	}
	if err == nil && k.leg != nil {
		err = k.reach(ctx)
	}
	if errors.Is(err, errWaits) {
		return
	}
	if err == nil && k.leg != nil {
		err = k.attend(ctx, script)
	}
	if errors.Is(err, errUntold) && k.waitAgain(ctx) {
		return
	}
	if err != nil && k.leg == nil {
		k.log.Warn("call could not be dialled", "error", err)
		if k.placing.wrong == 0 {
			k.placing.wrong = models.NotConnected
			if withheld(err) {
				k.placing.wrong = models.PlacedInternal
			}
		}
		err = nil
	}
	if k.leg == nil {
		k.finish(ctx)
		return
	}
	k.end(ctx, err)
}

// errUntold says that the switch was not told of the call: it is away, or took no command in time.
var errUntold = errors.New("the switch was not told of the call")

// waitAgain puts a call back that the switch was not told of.
func (k *call) waitAgain(ctx context.Context) bool {
	back, err := k.e.Store.Requeue(ctx, k.s.LegA)
	if err != nil || !back {
		k.log.Warn("call could not be put back into the queue; the next resync does it", "error", err)
	}
	k.s.Stage = models.StageQueued
	return back
}

// known lets those go on who wait for the leg.
func (k *call) known() { k.placing.ring.Do(func() { close(k.ready) }) }

// begun claims the call: in one commit its row is taken and its session written. False when somebody else has it, it was stopped, or the
// database is away, and so it waits on.
func (k *call) begun(ctx context.Context) bool {
	if err := k.load(ctx); err != nil {
		k.log.Error("app of a waiting call cannot be read; it waits on", "error", err)
		return false
	}
	wait, cancel := context.WithTimeout(ctx, lookupIn)
	defer cancel()
	taken, err := k.e.Store.Record(wait, models.Change{Session: k.s, Take: true, Core: k.placing.sw.Status().Core, Under: k.under, Limits: k.limits()})
	limited, beyond := k.beyond(err)
	switch {
	case beyond:
		if k.e.limited != nil {
			k.e.limited(k.s, limited.State)
		}
	case err != nil:
		k.log.Warn("waiting call could not be taken; it waits on", "error", err)
	case !taken:
		k.log.Info("waiting call is another's, or was stopped")
	default:
		k.s.Counted = k.limits().Any()
		k.e.Observe.CallStarted(k.s.Mode)
		return true
	}
	k.s.Stage = models.StageQueued
	return false
}

// dial gives the call to the switch. From here on it needs no daemon but for keys that decide what follows.
func (k *call) dial(ctx context.Context, d esl.Dial, script script) error {
	if err := k.secrets().Place(d, script.apps); err != nil {
		if f, ok := errors.AsType[*guard.Finding](err); ok {
			k.alarm(f)
		}
		return fmt.Errorf("place: %w", err)
	}
	told := func() {}
	if k.e.pass != nil {
		done, err := k.e.pass(ctx, k.placing.out)
		if err != nil {
			return errors.Join(errUntold, err)
		}
		told = sync.OnceFunc(done)
		defer told()
		if k.stopped.Load() {
			return nil
		}
	}
	limited, cancel := context.WithTimeout(ctx, commandIn)
	defer cancel()
	start := time.Now()
	leg, err := k.placing.sw.Place(limited, k.s.LegA, d, script.apps)
	told()
	switch {
	case leg != nil || err == nil:
	case errors.Is(err, esl.ErrUnsafe) || errors.Is(err, esl.ErrRefused):
		return fmt.Errorf("place: %w", err) // and would be the next time
	default:
		return errors.Join(errUntold, err)
	}
	k.leg = k.guarded(leg)
	k.note()
	k.known()
	k.e.Observe.Stage("dial", time.Since(start))
	if err != nil {
		k.log.Warn("the switch may have taken the call or not; its events and the next resync tell", "error", err)
	} else if err := k.tellFirst(ctx, models.EventCallOut, time.Now().UTC()); err != nil {
		return err
	}
	if k.stopped.Load() {
		k.hangup(ctx, k.s.LegA, esl.OriginatorCancel)
	}
	if script.asks {
		return nil // only a daemon can say what follows the keys
	}
	return k.dialled()
}

// errWaits says that the call was never on the switch and waits in the queue again.
var errWaits = errors.New("the call waits again")

// reach waits until leg 1 has answered; esl.ErrGone when it has not.
func (k *call) reach(ctx context.Context) error {
	for {
		ev, err := k.next(ctx)
		if err != nil {
			return err
		}
		if err := k.tellFirstLeg(ctx); err != nil {
			return err
		}
		switch {
		case ev.Kind == esl.Lost:
			if err := k.lost(ctx); err != nil {
				return err
			}
			if k.e.putBack(ctx, k.placing.sw, k.s) {
				k.s.Stage = models.StageQueued
				return errWaits
			}
			return esl.ErrGone
		case ev.Kind == esl.Placed && ev.Cause != "":
			return k.refused(ctx, ev)
		case ev.Kind == esl.HungUp && !k.legs.A.Answered.IsZero():
			return esl.ErrGone
		case k.stopped.Load() && ev.Leg == k.first() && ev.Kind != esl.HungUp:
			k.hangup(ctx, k.first(), esl.OriginatorCancel) // of the trunk that came after the one that was ended
		case !k.legs.A.Answered.IsZero():
			return nil
		}
	}
}

// firstEndIn is how long the end of leg 1 may come after the switch's word that the dialling has failed: its record is posted first.
const firstEndIn = 3 * time.Second

// refused waits for the end of the legs that were dialled, which say more than the switch's word. Where it could dial none (the trunk's
// gateway is down) that word is all there is.
func (k *call) refused(ctx context.Context, failed esl.Event) error {
	wait, cancel := context.WithTimeout(ctx, firstEndIn)
	defer cancel()
	for len(k.legs.As) == 0 || !k.legs.Over() {
		if _, err := k.next(wait); err != nil {
			if wait.Err() == nil || ctx.Err() != nil {
				return err
			}
			break
		}
		if err := k.tellFirstLeg(ctx); err != nil {
			return err
		}
	}
	if len(k.legs.As) == 0 {
		k.legs.Add(cdr.Leg{ID: k.s.LegA, Call: k.s.LegA, Role: "a", Trunk: k.s.Trunk, Created: failed.At, HungUp: failed.At, Cause: failed.Cause})
	}
	return esl.ErrGone
}

// tellFirstLeg tells of the stages that leg 1 has reached and nobody has told of.
func (k *call) tellFirstLeg(ctx context.Context) error {
	a := k.legs.A
	if !a.Created.IsZero() {
		if err := k.tellFirst(ctx, models.EventCallOut, a.Created); err != nil {
			return err
		}
	}
	if at := a.Alerted(); !at.IsZero() && !k.told[string(models.EventAlerting)+firstLeg] {
		k.e.Observe.Stage("setup", at.Sub(a.Created))
		if err := k.tellFirst(ctx, models.EventAlerting, at); err != nil {
			return err
		}
	}
	if !a.Answered.IsZero() && !k.told[string(models.EventAnswer)+firstLeg] {
		k.s.Stage = models.StagePlaying
		if a.Trunk != "" {
			k.s.Trunk = a.Trunk
		}
		return k.tellFirst(ctx, models.EventAnswer, a.Answered)
	}
	return nil
}

// tellFirst commits one event of leg 1, once. The call is on the switch then, and waits no more.
func (k *call) tellFirst(ctx context.Context, t models.EventType, at time.Time) error {
	ev := k.event(t, at)
	ev.Key += firstLeg
	if k.told[ev.Key] {
		return nil
	}
	k.told[ev.Key] = true
	c := k.change(ev)
	c.Placed = true
	return k.commit(ctx, c)
}

// judge puts into the record what the legs cannot tell.
func (k *call) judge(c *models.CDR) {
	c.SpeechPlays, c.SpeechSeconds = k.placing.plays, int((k.placing.spoke+time.Second-1)/time.Second)
	if k.placing.wrong != 0 && c.Fail != models.StoppedByCustomer {
		c.Fail = k.placing.wrong
	}
}

// inEvent is a code of the CDR's list alone as the disconnect event has it.
func inEvent(s models.StateCode) models.StateCode {
	if s == models.NoDigits {
		return models.CollectFailed
	}
	return s
}
