package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"maskline/models"
)

// Record commits one step of a call: the session as it stands, new events, at the end the CDR, and the deliveries that follow. It returns
// when the step is on disk. Steps that wait at the same time share a commit (see committer); each succeeds or fails by itself.
//
// A call ends once: when the session has ended already, the whole change is skipped and applied is false. An event that the session has
// already is dropped, with the delivery that carries its key. An Exclusive change whose number another live call has fails with
// models.NumberBusy. A change that takes or cancels a waiting call is not applied either when the call does not wait any more; the row of a
// placed call that is Placed or has ended goes away whatever becomes of the rest. A change Under a lease that is another's by now fails with
// ErrLeaseLost. In the caller's slice a delivery that is new gets its ID and state; one that was
// dropped has ID 0, and so has every one when applied is false.
//
// A context that ends while the change waits ends the waiting, not the change: it may still be committed. Inside Once the change joins
// that transaction.
func (s *Store) Record(ctx context.Context, ch models.Change) (applied bool, err error) {
	if err := validChange(ch); err != nil {
		return false, err
	}
	// The committer works on a copy: a caller that has stopped waiting may use his own again.
	mine := ch
	mine.Events, mine.Charges, mine.Deliveries = slices.Clone(ch.Events), slices.Clone(ch.Charges), slices.Clone(ch.Deliveries)
	mine.CDR, mine.Recording = copied(ch.CDR), copied(ch.Recording)
	w := s.workOf(mine)
	if s.joint(ctx) == nil {
		applied, err = s.commits.submit(ctx, w)
	} else {
		err = s.within(ctx, "record", func(ctx context.Context, tx *gorm.DB) (err error) {
			if err = s.heldBy(ctx, w.under); err != nil {
				return err
			}
			if err = lockNumbers(tx, w.numbers); err != nil {
				return err
			}
			if err = lockTolls(tx, w.tenants); err != nil {
				return err
			}
			applied, err = w.do(ctx, tx)
			return err
		})
	}
	if err != nil || !applied {
		for i := range ch.Deliveries {
			ch.Deliveries[i].ID = 0
		}
		return false, err
	}
	copy(ch.Deliveries, mine.Deliveries)
	return true, nil
}

func (s *Store) workOf(ch models.Change) work {
	return work{what: "record session " + ch.Session.ID, patient: ch.Patient, numbers: touched(ch), tenants: tolled(ch), under: ch.Under,
		do: func(ctx context.Context, tx *gorm.DB) (bool, error) { return s.apply(ctx, tx, ch) }}
}

func copied[T any](v *T) *T {
	if v == nil {
		return nil
	}
	c := *v
	return &c
}

func validChange(ch models.Change) error {
	switch v := ch.Session; {
	case v.ID == "" || len(v.ID) > 191:
		return errors.New("record: a session's id has 1 to 191 characters")
	case ch.CDR != nil && v.EndedAt.IsZero():
		return fmt.Errorf("record session %s: it has a cdr but no end", v.ID)
	case ch.CDR != nil && ch.CDR.SessionID != v.ID:
		return fmt.Errorf("record session %s: its cdr is of another session", v.ID)
	case len(ch.Charges) > 0 && ch.CDR == nil:
		return fmt.Errorf("record session %s: it has charges but no cdr", v.ID)
	case ch.Recording != nil && (v.EndedAt.IsZero() || ch.Recording.SessionID != v.ID || ch.Recording.Name == ""):
		return fmt.Errorf("record session %s: its recording is of another session, has no name, or comes before the end", v.ID)
	case ch.Take && ch.Cancel || (ch.Take || ch.Cancel) && (v.LegA == "" || ch.Cancel == v.EndedAt.IsZero()):
		return fmt.Errorf("record session %s: a call that waits is either taken or cancelled, and has ended if it is cancelled", v.ID)
	}
	for _, c := range ch.Charges {
		if c.SessionID != ch.Session.ID || c.TenantID != ch.CDR.TenantID {
			return fmt.Errorf("record session %s: a charge is of another session or tenant", ch.Session.ID)
		}
		if err := c.Validate(); err != nil {
			return fmt.Errorf("record session %s: %w", ch.Session.ID, err)
		}
	}
	for _, e := range ch.Events {
		if e.SessionID != ch.Session.ID || e.Key == "" {
			return fmt.Errorf("record session %s: an event has no key or is of another session", ch.Session.ID)
		}
	}
	return nil
}

// apply writes one change. It sets the ids of its deliveries.
func (s *Store) apply(ctx context.Context, tx *gorm.DB, ch models.Change) (applied bool, err error) {
	if live, err := s.writeSession(ctx, tx, ch); err != nil || !live {
		return false, wrap("record session "+ch.Session.ID, err)
	}
	steps := s.stepsOf(ctx)
	var known []string
	if steps == nil {
		if known, err = addEvents(tx, ch); err != nil {
			return false, fmt.Errorf("record session %s: its events: %w", ch.Session.ID, err)
		}
	}
	if ch.CDR != nil {
		if err := s.addCDR(ctx, tx, *ch.CDR, ch.Charges); err != nil {
			return false, fmt.Errorf("record session %s: its cdr and charges: %w", ch.Session.ID, err)
		}
	}
	if ch.Recording != nil {
		if err := s.addRecording(ctx, tx, ch.Recording); err != nil {
			return false, fmt.Errorf("record session %s: its recording: %w", ch.Session.ID, err)
		}
	}
	if steps != nil {
		steps.add(ch)
		return true, nil
	}
	for i := range ch.Deliveries {
		d := &ch.Deliveries[i]
		if d.ID = 0; d.Key != "" && slices.Contains(known, d.Key) {
			continue
		}
		if err := addDelivery(tx, d); err != nil {
			return false, fmt.Errorf("record session %s: its deliveries: %w", ch.Session.ID, err)
		}
	}
	return true, nil
}

var updateSession = "UPDATE sessions SET " + strings.Join(sessionColumns.names, " = ?, ") + " = ? WHERE id = ? AND ended_at = 0"

// upsertSession writes the session and says whether it lived until now. It updates first: of a call's steps only one is the first.
func upsertSession(tx *gorm.DB, v *models.Session) (live bool, err error) {
	n, err := run(tx, updateSession, append(sessionColumns.values(v), v.ID)...)
	if err != nil || n > 0 {
		return n > 0, err
	}
	err = sessionColumns.add(tx, v)
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return false, nil // it has ended
	}
	return err == nil, err
}

// addEvents writes the events that the session does not have and tells the keys that it has. Repeats are rare, so it writes first and
// looks only when a key is there already. The session's row is locked by the update before: nobody adds an event meanwhile.
func addEvents(tx *gorm.DB, ch models.Change) (known []string, err error) {
	fresh := make([]*models.CallEvent, 0, len(ch.Events))
	for i := range ch.Events {
		if !hasKey(fresh, ch.Events[i].Key) {
			fresh = append(fresh, &ch.Events[i])
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	if err = eventColumns.add(tx, fresh...); !errors.Is(err, gorm.ErrDuplicatedKey) {
		return nil, err
	}
	list, err := eventColumns.all(tx, "WHERE t.session_id = ?", ch.Session.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		known = append(known, e.Key)
	}
	fresh = slices.DeleteFunc(fresh, func(e *models.CallEvent) bool { return slices.Contains(known, e.Key) })
	if len(fresh) == 0 {
		return known, nil
	}
	return known, eventColumns.add(tx, fresh...)
}

func hasKey(list []*models.CallEvent, key string) bool {
	return slices.ContainsFunc(list, func(e *models.CallEvent) bool { return e.Key == key })
}
