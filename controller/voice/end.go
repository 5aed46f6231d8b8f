package voice

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"maskline/controller/cdr"
	"maskline/models"
)

// Stop ends a waiting call on its customer's order (callStop). models.SessionOver when it does not wait: ask the Queue before the engine, which
// knows a call before it stops waiting; the other way round one may slip between.
func (q *Queue) Stop(ctx context.Context, sessionID string) error {
	over := models.Fail(models.SessionOver, "sessionid", "no waiting call has this id")
	o, err := q.o.Store.Outgoing(ctx, sessionID)
	switch {
	case models.CodeOf(err) == models.NotFound || err == nil && o.State != models.OutgoingQueued:
		return over
	case err != nil:
		return fmt.Errorf("stop waiting session %s: %w", sessionID, err)
	}
	o.Session.Stopped = true
	ended, err := q.end(ctx, o, models.StoppedByCustomer)
	if err == nil && !ended {
		return over
	}
	return err
}

// end ends a call that waits: row, session, disconnect event, CDR and their pushes in one commit. False when it waits no more.
func (q *Queue) end(ctx context.Context, o models.Outgoing, why models.StateCode) (bool, error) {
	app, tenant, err := q.owner(ctx, o.Session.AppID)
	if err != nil {
		return false, err
	}
	c := q.ending(app, tenant, o.Session, why, time.Now().UTC())
	ended, err := q.o.Store.Record(ctx, c)
	if err != nil {
		return false, fmt.Errorf("end waiting session %s: %w", o.Session.ID, err)
	}
	q.mu.Lock()
	q.ports.over(o.Session.ID)
	if l := q.lines[o.Session.AppID]; l != nil {
		l.drop(o.Session.ID)
	}
	if ended {
		q.tally(app.ID).gaveUp++
	}
	q.mu.Unlock()
	if !ended {
		return false, nil
	}
	q.o.Outbox.Offer(slices.DeleteFunc(c.Deliveries, func(d models.Delivery) bool { return d.ID == 0 }))
	q.o.Observe.Ended(o.Session.Mode, why)
	q.o.Log.LogAttrs(ctx, slog.LevelInfo, "call ended before it was dialled", slog.String("sessionId", o.Session.ID), slog.Int("state", int(why)))
	return true, nil
}

// ending is the last change of a call that was never dialled.
func (q *Queue) ending(app models.App, tenant models.Tenant, s models.Session, why models.StateCode, at time.Time) models.Change {
	record := cdr.Fold(s, cdr.Legs{Placed: true}, models.SourceEvents, at)
	record.Fail, record.CompletedAt = why, at
	s.Stage, s.EndedAt = models.StageEnded, at
	shown, _ := models.NewParty(s.Dialled)
	ev := models.CallEvent{SessionID: s.ID, Key: string(models.EventDisconnect), Type: models.EventDisconnect, At: at, Caller: shown, Called: s.Caller, State: why}
	c := models.Change{Session: s, Events: []models.CallEvent{ev}, CDR: &record, Cancel: true}
	if d, push := q.o.Outbox.Event(app, s, ev); push {
		c.Deliveries = append(c.Deliveries, d)
	}
	if d, push := q.o.Outbox.CDR(app, tenant.SpID, s, record); push {
		c.Deliveries = append(c.Deliveries, d)
	}
	return c
}

// giveUp ends the calls that have waited too long, those that came at the same time in one commit, and says whether there are more.
func (q *Queue) giveUp(ctx context.Context, now time.Time) (more bool, err error) {
	list, err := q.o.Store.QueueExpired(ctx, now, expiredMost)
	if err != nil {
		return false, fmt.Errorf("read the calls that have waited too long: %w", err)
	}
	found := len(list)
	list = q.ours(list)
	var wg sync.WaitGroup
	errs := make([]error, len(list))
	tried := 0
	for i, o := range list {
		q.mu.Lock()
		why, mine := q.why(o, now), q.ports.mine(o.Session.ID)
		q.mu.Unlock()
		if mine {
			continue // it is being dialled
		}
		tried++
		wg.Go(func() { _, errs[i] = q.end(ctx, o, why) })
	}
	wg.Wait()
	for _, e := range errs {
		if e != nil {
			return false, e
		}
	}
	return found == expiredMost && tried > 0, nil
}
