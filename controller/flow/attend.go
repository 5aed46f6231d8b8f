package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maskline/controller/cdr"
	"maskline/esl"
	"maskline/models"
)

// attend is with a placed call from the answer of leg 1: the switch plays, and this goroutine tells what it sees; where keys decide, it says what
// follows.
func (k *call) attend(ctx context.Context, s script) error {
	keyed, err := k.listenTo(ctx, s)
	switch {
	case err != nil:
		return err
	case k.s.Plan.Place.Then != nil:
		return k.join(ctx)
	case !s.asks:
		return nil // the script ends the call
	}
	if err := k.heed(ctx, s.items-1, keyed); err != nil {
		return err
	}
	for i := s.items; i < len(k.placing.items) && k.placing.wrong == 0; i++ {
		keyed, err := k.playItem(ctx, i)
		if err == nil && k.placing.items[i].item.Collect > 0 {
			err = k.heed(ctx, i, keyed)
		}
		if err != nil {
			return err
		}
	}
	k.hangup(ctx, k.first(), esl.NormalClearing)
	return nil
}

// listenTo waits while the switch plays its script, and gives what was keyed at its end.
func (k *call) listenTo(ctx context.Context, s script) (keyed string, err error) {
	for i := range s.items {
		reads := s.asks && i == s.items-1
		app := "playback"
		if reads && k.s.Plan.Place.BargeIn {
			app = "read"
		}
		done, err := k.appDone(ctx, app)
		if err != nil {
			return "", err
		}
		k.played(i, done)
		if reads && app == "playback" {
			if done, err = k.appDone(ctx, "read"); err != nil {
				return "", err
			}
		}
		if reads {
			k.placing.keyed = 1
			keyed = done.Var(cdr.InputVar(1))
		}
	}
	return keyed, nil
}

// appDone waits until leg 1 has ended an application of its script.
func (k *call) appDone(ctx context.Context, app string) (esl.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, heardIn)
	defer cancel()
	for {
		ev, err := k.next(ctx)
		switch {
		case err != nil:
			return ev, err
		case ev.Leg == k.first() && (ev.Kind == esl.HungUp || ev.Kind == esl.Lost || ev.Get("Answer-State") == "hangup"):
			return ev, esl.ErrGone // whatever runs on a leg ends with it, and is told of first
		case ev.Leg == k.first() && ev.Kind == esl.Executed && ev.Get("Application") == app:
			return ev, nil
		}
	}
}

// played counts an item that was heard, and notes one that could not be.
func (k *call) played(i int, done esl.Event) {
	if done.Get("Application-Response") == "FILE NOT FOUND" {
		k.log.Error("the switch could not play a sound that was there a moment ago", "item", i+1)
		k.placing.wrong = models.PlayFailed
		return
	}
	if s := k.placing.items[i]; s.item.Speech != nil {
		k.placing.plays += max(1, s.item.Rounds)
		k.placing.spoke += s.length
	}
}

// playItem plays one item, and gives what was keyed after it.
func (k *call) playItem(ctx context.Context, i int) (keyed string, err error) {
	s := k.placing.items[i]
	apps := []esl.App{{Name: "playback", Arg: s.arg}}
	if s.item.Collect > 0 {
		k.placing.keyed++
		apps = k.collectApps(s, k.placing.keyed)
	}
	if err := k.bound(ctx); err != nil {
		return "", err
	}
	var done esl.Event
	for n, app := range apps {
		token, err := k.leg.Execute(ctx, k.first(), app.Name, app.Arg)
		if err != nil {
			return "", fmt.Errorf("play item %d: %w", i+1, err)
		}
		if done, err = k.stepDone(ctx, token, heardIn); err != nil {
			return "", err
		}
		if n == 0 {
			k.played(i, done)
		}
	}
	if s.item.Collect == 0 {
		return "", nil
	}
	return done.Var(cdr.InputVar(k.placing.keyed)), nil
}

// stepMost is longer than any one item with its keys: 2 MB of prompt are 262 s, 32 keys 160 s.
const stepMost = 10 * time.Minute

// bound lets the switch end the call should this daemon die before the item is over, in place of what it was to do before.
func (k *call) bound(ctx context.Context) error {
	if err := k.leg.Claim(ctx); err != nil && !errors.Is(err, esl.ErrClaimed) {
		return fmt.Errorf("put off the end of the call: %w", err)
	}
	_, err := k.leg.Execute(ctx, k.first(), "sched_hangup", fmt.Sprintf("+%d %s", int(stepMost/time.Second), esl.NormalClearing))
	return err
}

// heed tells what was keyed after item i, and plays the item again as often as its trigger is keyed. Nothing keyed ends the call.
func (k *call) heed(ctx context.Context, i int, keyed string) (err error) {
	item := k.placing.items[i].item
	for replays := 0; ; replays++ {
		if keyed == "" {
			k.placing.wrong = models.NoDigits
			return nil
		}
		if err := k.tellInput(ctx, k.placing.keyed, keyed, time.Now().UTC()); err != nil {
			return err
		}
		again := item.Replay && (item.ReplayOn == "" || item.ReplayOn == keyed)
		if !again || replays >= k.s.Plan.Place.Replays {
			return nil
		}
		if keyed, err = k.playItem(ctx, i); err != nil {
			return err
		}
	}
}

// tellInput tells of the n-th input of the call, once.
func (k *call) tellInput(ctx context.Context, n int, digits string, at time.Time) error {
	ev := k.event(models.EventCollect, at)
	ev.Key, ev.Digits = fmt.Sprintf("%s:%d", models.EventCollect, n), digits
	if k.told[ev.Key] {
		return nil
	}
	k.told[ev.Key] = true
	return k.commit(ctx, k.change(ev))
}

// join watches leg 2 of click-to-dial, which the switch dials from leg 1.
func (k *call) join(ctx context.Context) error {
	k.s.Stage = models.StageDialling
	at := time.Now().UTC()
	if len(k.placing.items) == 0 {
		at = k.legs.A.Answered
	}
	if err := k.tell(ctx, models.EventCallOut, at); err != nil {
		return err
	}
	if err := k.tellCallee(ctx); err != nil {
		return err
	}
	return k.watch(ctx)
}
