package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// refusal is a change that is not written at all while its neighbours in the group are.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// holder is the session whose row stands on a number in busy.
type holder struct {
	session string
	live    bool
}

// mayTake looks whether a session may have its number for itself, before anything of the change is written. over says that the session
// itself has ended. The row of a session that has ended holds nobody up.
func mayTake(tx *gorm.DB, v models.Session) (h holder, over bool, err error) {
	var ended int64
	var state string
	_, err = one(tx, []any{text(&h.session), text(&state), num(&ended)},
		"SELECT y.session_id, z.id, z.ended_at FROM busy y LEFT JOIN sessions z ON z.id = y.session_id WHERE y.number = ?", v.Dialled)
	h.live = state != "" && ended == 0
	if err != nil || !h.live || h.session == v.ID {
		return h, false, err
	}
	var own time.Time
	if _, err = one(tx, []any{when(&own)}, "SELECT ended_at FROM sessions WHERE id = ?", v.ID); err != nil || !own.IsZero() {
		return h, true, err
	}
	return h, false, refusal{numberBusy()}
}

func numberBusy() error {
	return models.Fail(models.NumberBusy, "", "another call holds the number")
}

// take writes the row. Another daemon that was faster by a moment makes the whole transaction fail; the change is then tried by itself, and
// mayTake tells.
func take(tx *gorm.DB, v models.Session, h holder) error {
	switch h.session {
	case v.ID:
		return nil
	case "":
		_, err := run(tx, "INSERT INTO busy (number, session_id) VALUES (?, ?)", v.Dialled, v.ID)
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return numberBusy()
		}
		return err
	}
	n, err := run(tx, "UPDATE busy SET session_id = ? WHERE number = ? AND session_id = ?", v.ID, v.Dialled, h.session)
	if err == nil && n == 0 {
		return numberBusy()
	}
	return err
}

// release frees what an ended session had for itself.
func release(tx *gorm.DB, session string) error {
	_, err := run(tx, "DELETE FROM busy WHERE session_id = ?", session)
	return err
}

// writeSession is apply for the session's own state: its row, the number it takes or frees, and temporary destinations.
func (s *Store) writeSession(ctx context.Context, tx *gorm.DB, ch models.Change) (live bool, err error) {
	var h holder
	if ch.Exclusive {
		var over bool
		if h, over, err = mayTake(tx, ch.Session); err != nil || over {
			return false, err
		}
	}
	toll, err := s.mayCall(tx, ch)
	if err != nil {
		return false, err
	}
	ch.Session.Counted = ch.Session.Counted || ch.Limits.Any()
	if waits, err := s.claim(ctx, tx, ch); err != nil || !waits {
		return false, wrap("its place in the queue", err)
	}
	if live, err = upsertSession(tx, &ch.Session); err != nil {
		return false, err
	}
	if !live {
		if ch.Take { // a row that a call left behind when it ended: nobody shall try it again
			err = s.forget(ctx, tx, ch.Session)
		}
		return false, err
	}
	if ch.Exclusive && ch.Session.EndedAt.IsZero() {
		if err := take(tx, ch.Session, h); err != nil {
			return false, err
		}
	}
	if err := toll.count(tx, ch.Session); err != nil {
		return false, fmt.Errorf("count it against its tenant's limits: %w", err)
	}
	if !ch.Session.EndedAt.IsZero() {
		if err := release(tx, ch.Session.ID); err != nil {
			return false, fmt.Errorf("free its number: %w", err)
		}
		if err := s.endToll(tx, ch); err != nil {
			return false, fmt.Errorf("take it out of its tenant's count: %w", err)
		}
	}
	return true, s.applyTemp(ctx, tx, ch)
}
