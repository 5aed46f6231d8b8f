package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"maskline/controller/cdr"
	"maskline/models"
)

// event makes a call event with the numbers that its leg shows (spec/privatenumber.md §4.1): leg 1's until somebody is dialled, leg 2's
// after. Leg 1 of a placed call was dialled too, and shows the display number (spec/voicecall.md §6.1).
func (k *call) event(t models.EventType, at time.Time) models.CallEvent {
	ev := models.CallEvent{SessionID: k.s.ID, Key: string(t), Type: t, At: at, Caller: k.s.Caller}
	shown, _ := models.NewParty(k.s.Dialled)
	ev.Called = shown
	if k.s.Plan.Place != nil {
		ev.Caller, ev.Called = shown, k.s.Caller
	}
	if second := k.s.Plan.Callee(); second != nil && t != models.EventCallIn && k.told[string(models.EventCallOut)] {
		ev.Caller, _ = models.NewParty(second.Show)
		ev.Called = k.s.Callee
	}
	return ev
}

// change is the session as it stands, with events and their pushes.
func (k *call) change(events ...models.CallEvent) models.Change {
	c := models.Change{Session: k.s, Events: events, Under: k.under}
	for _, ev := range events {
		// In mode X the callin push is the question itself (collect.go, ask).
		if k.app.ID == 0 || ev.Type == models.EventCallIn && k.s.Plan.Ask != nil {
			continue
		}
		if d, push := k.e.Outbox.Event(k.app, k.s, ev); push {
			c.Deliveries = append(c.Deliveries, d)
		}
	}
	return c
}

// tell commits one event of the call, once, and hands on its push.
func (k *call) tell(ctx context.Context, t models.EventType, at time.Time) error {
	if k.told[string(t)] {
		return nil
	}
	k.told[string(t)] = true
	c := k.change(k.event(t, at))
	if connect := k.s.Plan.Connect; connect != nil {
		c.UseTemp = connect.UsesTemp && t == models.EventAnswer
		if c.CallBack = connect.CallBack && t == models.EventCallOut; c.CallBack && connect.CallBackFor > 0 {
			c.CallBackUntil = at.Add(connect.CallBackFor)
		}
	}
	c.Patient = !c.UseTemp && !c.CallBack // those change what the next call finds
	return k.commit(ctx, c)
}

// commit writes a change, and tries again while the database is away: a call that is up goes on without it, and what happened is told late
// rather than never.
func (k *call) commit(ctx context.Context, c models.Change) error {
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = commitWait
	op := func() (struct{}, error) {
		err := k.record(ctx, c)
		if err != nil && models.CodeOf(err) != models.Internal {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}
	_, err := backoff.Retry(ctx, op, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(commitIn),
		backoff.WithNotify(func(err error, after time.Duration) {
			k.e.Observe.CommitRetried()
			k.log.Warn("commit failed; trying again", "error", err, "after", after)
		}))
	return err
}

// record writes a change once and hands its pushes to the courier: what happened is committed before it is told (DESIGN §6.2).
func (k *call) record(ctx context.Context, c models.Change) error {
	start := time.Now()
	applied, err := k.e.Store.Record(ctx, c)
	if err != nil {
		if models.CodeOf(err) == models.Internal {
			// It may have been made all the same. Rows without ids are read back, so that what the call tells next does not overtake them.
			k.e.Outbox.Offer(c.Deliveries)
		}
		return fmt.Errorf("commit session %s: %w", k.s.ID, err)
	}
	k.e.Observe.Stage("commit", time.Since(start))
	// The store has given an id to each delivery that is new; one that was told before has none.
	fresh := slices.DeleteFunc(c.Deliveries, func(d models.Delivery) bool { return d.ID == 0 })
	if applied && len(fresh) > 0 {
		k.e.Outbox.Offer(fresh)
	}
	return nil
}

// finish writes the end: the disconnect event, the CDR and their pushes, in one transaction and once, with events that were not told before.
func (k *call) finish(ctx context.Context, untold ...models.CallEvent) {
	k.s.Stopped = k.s.Stopped || k.stopped.Load()
	if k.seen.IsZero() {
		k.seen = time.Now().UTC()
	}
	record := cdr.Fold(k.s, k.legs, k.legs.Honest(k.source), k.seen)
	record.CompletedAt = time.Now().UTC()
	k.judge(&record)
	k.s.EndedAt, k.s.Stage = record.EndAt, models.StageEnded
	recording, waits := k.recording(&record)
	ev := k.event(models.EventDisconnect, record.EndAt)
	ev.State, ev.By = inEvent(record.Fail), record.HungUpBy
	c := k.change(append(untold, ev)...)
	c.Patient = k.s.Plan.Connect == nil || !k.s.Plan.Connect.Exclusive // the next call waits for a number that carries one
	c.CDR, c.Placed, c.Recording, c.Charges = &record, k.s.Plan.Place != nil, recording, k.price(ctx, record)
	if d, push := k.e.Outbox.CDR(k.app, k.spID, k.s, record); push && k.app.ID != 0 {
		if waits {
			d.State, d.DueAt = models.DeliveryHeld, recording.WaitUntil
		}
		c.Deliveries = append(c.Deliveries, d)
	}
	if err := k.commit(ctx, c); err != nil {
		if !errors.Is(err, context.Canceled) {
			k.log.Error("the end of a call could not be written; the switch's own record of it remains", "error", err)
		}
		return
	}
	k.e.reports.settled(k.s.LegA)
	k.e.Observe.CallEnded(k.s.Mode, record.Fail, record.Source)
	k.log.Info("call ended", "state", int(record.Fail), "q850", record.Q850, "sip", record.SIPStatus, "talk_s", record.TalkSeconds(), "source", string(record.Source))
}

// recording is the row of a recorded call's sound, and whether the push of the CDR must wait for the file. A recording that is too short to be
// kept is none (spec/privatenumber.md §5).
func (k *call) recording(c *models.CDR) (r *models.Recording, waits bool) {
	if !c.Record {
		return nil, false
	}
	found, ready := k.e.Recordings.Ready(c.RecordFile)
	found.Name, found.SessionID, found.TenantID, found.AppID, found.Switch, found.BeganAt = c.RecordFile, c.SessionID, c.TenantID, c.AppID, c.Switch, c.RecordAt
	switch {
	case !ready:
		found.State, found.WaitUntil = models.RecordingWaiting, time.Now().UTC().Add(k.e.RecordWait)
	case found.State == models.RecordingShort:
		c.Record, c.RecordAt, c.RecordFile = false, time.Time{}, ""
	default:
		found.KeptAt = time.Now().UTC()
	}
	return &found, !ready
}

// price is what the call costs. Without an answer in time the record goes without: the catch-up rates it (billing), and no record waits for a price.
func (k *call) price(ctx context.Context, c models.CDR) []models.Charge {
	if k.e.Purse == nil || c.TenantID == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, rateIn)
	defer cancel()
	charges, err := k.e.Purse.Rate(ctx, c)
	if err != nil {
		k.log.Warn("call could not be rated now; it is rated later", "error", err)
	}
	return charges
}
