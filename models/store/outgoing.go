package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// outgoingColumns: of the session stands what a call that waits can have.
var outgoingColumns = columns[models.Outgoing]{
	table: "outgoing",
	names: []string{"id", "session_id", "leg_a", "switch", "host", "tenant_id", "app_id", "mode", "side", "dialled", "caller", "callee", "trunk",
		"user_data", "plan", "record_as", "area", "started_at", "priority", "state", "core", "queued_at", "give_up_at"},
	values: func(o *models.Outgoing) []any {
		v := &o.Session
		return []any{nil, v.ID, v.LegA, v.Switch, v.Host, v.TenantID, v.AppID, string(v.Mode), string(v.Side), v.Dialled, v.Caller, v.Callee, v.Trunk,
			v.UserData, asDocument(v.Plan), v.RecordAs, v.Area, micros(v.StartedAt), o.Priority, string(o.State), o.Core, micros(o.QueuedAt),
			micros(o.GiveUpAt)}
	},
	dest: func(o *models.Outgoing) []any {
		v := &o.Session
		v.Stage = models.StageQueued
		return []any{num(&o.Seq), text(&v.ID), text(&v.LegA), text(&v.Switch), text(&v.Host), num(&v.TenantID), num(&v.AppID), text(&v.Mode),
			text(&v.Side), text(&v.Dialled), &v.Caller, &v.Callee, text(&v.Trunk), text(&v.UserData), document(&v.Plan), text(&v.RecordAs),
			text(&v.Area), when(&v.StartedAt), num(&o.Priority), text(&o.State), text(&o.Core), when(&o.QueuedAt), when(&o.GiveUpAt)}
	},
}

// PriorityMost is the highest Priority that a waiting call may have; 0 is the lowest, and goes first.
const PriorityMost = 9

// Enqueue lets a call wait to be placed, and counts it against caps; all or nothing. A QueuedAt that is not set is the store's clock, and so
// is Session.StartedAt. It fails with the Code of a cap that is used up, or models.Conflict when the call waits already. It returns when the
// call is on disk: those that come at the same time share a commit. Inside Once it joins that transaction.
//
// A context that ends while it waits for the commit ends the waiting, not the commit.
func (s *Store) Enqueue(ctx context.Context, o models.Outgoing, caps []Cap) error {
	if err := validOutgoing(o); err != nil {
		return err
	}
	what := "enqueue session " + o.Session.ID
	caps = capsThatCount(caps)
	if s.joint(ctx) != nil {
		return s.within(ctx, what, func(ctx context.Context, tx *gorm.DB) error { return s.enqueue(ctx, tx, o, caps) })
	}
	_, err := s.commits.submit(ctx, work{what: what, do: func(ctx context.Context, tx *gorm.DB) (bool, error) {
		err := s.enqueueAmong(ctx, tx, o, caps)
		if _, domain := errors.AsType[*models.Error](err); domain { // a cap: nobody else's affair
			err = refusal{err}
		}
		return err == nil, err
	}})
	return err
}

func validOutgoing(o models.Outgoing) error {
	switch v := o.Session; {
	case v.ID == "" || len(v.ID) > 191 || v.LegA == "" || len(v.LegA) > 64:
		return errors.New("enqueue: a session's id has 1 to 191 characters, its first leg's 1 to 64")
	case v.AppID == 0 || v.TenantID == 0 || !v.Mode.Placed() || v.Plan.Place == nil:
		return fmt.Errorf("enqueue session %s: it is no call of an app that we place", v.ID)
	case v.Switch != "" || o.State != "" && o.State != models.OutgoingQueued:
		return fmt.Errorf("enqueue session %s: it is on its way already", v.ID)
	case o.Priority < 0 || o.Priority > PriorityMost:
		return fmt.Errorf("enqueue session %s: its priority is not 0 to %d", v.ID, PriorityMost)
	}
	return nil
}

// enqueueAmong is enqueue in a transaction that does other things: what it has written goes with it when it fails.
func (s *Store) enqueueAmong(ctx context.Context, tx *gorm.DB, o models.Outgoing, caps []Cap) error {
	if len(caps) == 0 {
		return s.enqueue(ctx, tx, o, nil)
	}
	return s.within(ctx, "enqueue", func(ctx context.Context, tx *gorm.DB) error { return s.enqueue(ctx, tx, o, caps) })
}

func (s *Store) enqueue(ctx context.Context, tx *gorm.DB, o models.Outgoing, caps []Cap) error {
	if len(caps) > 0 || o.QueuedAt.IsZero() || o.Session.StartedAt.IsZero() {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		if err := countCalls(tx, caps, now); err != nil {
			return err
		}
		setIfNever(&o.QueuedAt, now)
		setIfNever(&o.Session.StartedAt, now)
	}
	o.State, o.Core = models.OutgoingQueued, ""
	if j := s.joint(ctx); j.queue != nil {
		j.queue.add(o)
		return nil
	}
	if err := addOutgoing(tx, &o); err != nil {
		return err
	}
	return s.deepen(ctx, tx, o.Session, 1)
}

func addOutgoing(tx *gorm.DB, calls ...*models.Outgoing) error {
	err := outgoingColumns.add(tx, calls...)
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return models.Fail(models.Conflict, "sessionid", "the call waits already")
	}
	return err
}

func setIfNever(t *time.Time, v time.Time) {
	if t.IsZero() {
		*t = v
	}
}

// claim does what a step of a call does to its waiting row, and says whether the step may go on.
func (s *Store) claim(ctx context.Context, tx *gorm.DB, ch models.Change) (bool, error) {
	v := ch.Session
	switch {
	case ch.Take:
		n, err := run(tx, "UPDATE outgoing SET state = ?, core = ?, switch = ? WHERE leg_a = ? AND app_id = ? AND state = ?",
			string(models.OutgoingTaken), ch.Core, v.Switch, v.LegA, v.AppID, string(models.OutgoingQueued))
		if err != nil || n == 0 {
			return false, err
		}
		return true, s.deepen(ctx, tx, v, -1)
	case ch.Cancel:
		met, err := s.dequeue(ctx, tx, v, models.OutgoingQueued)
		return met, err
	case ch.Placed || v.Mode.Placed() && !v.EndedAt.IsZero():
		return true, s.forget(ctx, tx, v)
	}
	return true, nil
}

// forget removes a call's row, however it stands.
func (s *Store) forget(ctx context.Context, tx *gorm.DB, v models.Session) error {
	met, err := s.dequeue(ctx, tx, v, models.OutgoingTaken)
	if err == nil && !met {
		_, err = s.dequeue(ctx, tx, v, models.OutgoingQueued)
	}
	return err
}

func (s *Store) dequeue(ctx context.Context, tx *gorm.DB, v models.Session, st models.OutgoingState) (met bool, err error) {
	n, err := run(tx, "DELETE FROM outgoing WHERE leg_a = ? AND app_id = ? AND state = ?", v.LegA, v.AppID, string(st))
	if err != nil || n == 0 {
		return false, err
	}
	if st == models.OutgoingQueued {
		err = s.deepen(ctx, tx, v, -1)
	}
	return true, err
}

// Requeue lets a taken call wait again, in its old place, and says whether it does: false when it is not taken any more, or over. Its session
// goes back to stage queued, on no switch.
func (s *Store) Requeue(ctx context.Context, legA string) (back bool, err error) {
	err = s.within(ctx, "requeue a call", func(ctx context.Context, tx *gorm.DB) error {
		back = false
		o, found, err := outgoingColumns.first(tx, "WHERE t.leg_a = ?", legA)
		if err != nil || !found {
			return err
		}
		n, err := run(tx, "UPDATE outgoing SET state = ?, core = '', switch = '' WHERE leg_a = ? AND state = ?",
			string(models.OutgoingQueued), legA, string(models.OutgoingTaken))
		if err != nil || n == 0 {
			return err
		}
		if err := s.deepen(ctx, tx, o.Session, 1); err != nil {
			return err
		}
		if _, err := s.uncount(tx, o.Session.TenantID, o.Session.ID); err != nil {
			return err
		}
		n, err = run(tx, "UPDATE sessions SET stage = ?, switch = '', counted = 0 WHERE id = ? AND ended_at = 0", string(models.StageQueued), o.Session.ID)
		if err != nil {
			return err
		}
		if back = n > 0; !back { // it has ended
			return s.forget(ctx, tx, o.Session)
		}
		return nil
	})
	return back && err == nil, err
}
