package store

import (
	"context"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"maskline/models"
)

// What a review says of itself: who, at most whoMost characters, and why, at most reasonMost.
const (
	whoMost    = 128
	reasonMost = 512
)

var reviewNames = []string{"state", "urgent", "uploaded_by", "uploaded_at", "reviewed_by", "reviewed_at", "reason"}

func reviewValues(r *models.Review) []any {
	return []any{string(r.State), bit(r.Urgent), r.UploadedBy, micros(r.UploadedAt), r.ReviewedBy, micros(r.ReviewedAt), r.Reason}
}

func reviewDest(r *models.Review) []any {
	return []any{text(&r.State), flag(&r.Urgent), text(&r.UploadedBy), when(&r.UploadedAt), text(&r.ReviewedBy), when(&r.ReviewedAt), text(&r.Reason)}
}

// verdict is a decision about something that was uploaded.
type verdict struct {
	state  models.ReviewState
	by     string
	reason string
}

func (v verdict) valid() error {
	switch {
	case v.state != models.ReviewApproved && v.state != models.ReviewRejected && v.state != models.ReviewRemoved:
		return models.Fail(models.Invalid, "state", "a decision is approved or rejected")
	case v.state == models.ReviewRejected && v.reason == "":
		return models.Fail(models.Invalid, "reason", "a rejection says why")
	case utf8.RuneCountInString(v.reason) > reasonMost:
		return models.Fail(models.Invalid, "reason", "a reason has at most %d characters", reasonMost)
	}
	return validWho(v.by)
}

func validWho(by string) error {
	if utf8.RuneCountInString(by) > whoMost {
		return models.Fail(models.Invalid, "by", "the name of who does it has at most %d characters", whoMost)
	}
	return nil
}

// decision is valid for a review's end: removed comes by other ways.
func decision(state models.ReviewState, by, reason string) (verdict, error) {
	v := verdict{state, by, reason}
	if state == models.ReviewRemoved {
		return v, models.Fail(models.Invalid, "state", "a decision is approved or rejected")
	}
	return v, v.valid()
}

func (v verdict) on(r *models.Review, now time.Time) {
	r.State, r.ReviewedBy, r.ReviewedAt, r.Reason = v.state, v.by, now, v.reason
}

// decided is the conflict of a second decision.
func decided(what string, r models.Review) error {
	return models.Fail(models.Conflict, "state", "the %s does not wait for a decision: it is %s", what, r.State)
}

// reviewed is something under review as a table holds it.
type reviewed struct {
	what, table, idColumn string
}

// urge marks what waits as urgent.
func (s *Store) urge(ctx context.Context, what reviewed, id any, read func(context.Context) (models.Review, error)) error {
	return s.within(ctx, "urge "+what.what, func(ctx context.Context, tx *gorm.DB) error {
		n, err := run(tx, "UPDATE "+what.table+" SET urgent = 1 WHERE "+what.idColumn+" = ? AND state = ?", id, string(models.ReviewWaiting))
		if err != nil || n > 0 {
			return err
		}
		r, err := read(ctx)
		if err == nil {
			err = decided(what.what, r)
		}
		return err
	})
}

// settle writes a verdict on what stands in a state, and fails with the conflict when it does not any more. slot is of prompts only.
func (what reviewed) settle(tx *gorm.DB, id any, was models.Review, v verdict, now time.Time) error {
	n, err := run(tx, "UPDATE "+what.table+" SET state = ?, reviewed_by = ?, reviewed_at = ?, reason = ? WHERE "+what.idColumn+" = ? AND state = ?",
		string(v.state), v.by, micros(now), v.reason, id, string(was.State))
	if err == nil && n == 0 {
		return models.Fail(models.Conflict, "state", "the %s has been decided by somebody else just now", what.what)
	}
	return err
}
