package store

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

var recordingColumns = columns[models.Recording]{
	table: "recordings",
	names: []string{"name", "session_id", "tenant_id", "app_id", "switch", "state", "bytes", "duration", "began_at", "wait_until", "kept_at", "removed_at"},
	values: func(r *models.Recording) []any {
		return []any{r.Name, r.SessionID, r.TenantID, r.AppID, r.Switch, string(r.State), r.Bytes, r.Duration.Microseconds(), micros(r.BeganAt),
			micros(r.WaitUntil), micros(r.KeptAt), micros(r.RemovedAt)}
	},
	dest: func(r *models.Recording) []any {
		return []any{text(&r.Name), text(&r.SessionID), num(&r.TenantID), num(&r.AppID), text(&r.Switch), text(&r.State), num(&r.Bytes), lasting(&r.Duration),
			when(&r.BeganAt), when(&r.WaitUntil), when(&r.KeptAt), when(&r.RemovedAt)}
	},
}

// addRecording writes a recording with the end of its call. An empty state is waiting. A name that is there already is another call's, which
// the names rule out; the end of a call does not fail for it.
func (s *Store) addRecording(ctx context.Context, tx *gorm.DB, r *models.Recording) error {
	if r.State == "" {
		r.State = models.RecordingWaiting
	}
	err := recordingColumns.add(tx, r)
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		s.log.LogAttrs(ctx, slog.LevelError, "a recording of this name exists already; the new one is not noted", slog.String("session", r.SessionID))
		return nil
	}
	return err
}

// Recording reads a recording by its file name; models.NotFound.
func (s *Store) Recording(ctx context.Context, name string) (models.Recording, error) {
	r, found, err := recordingColumns.first(s.reader(ctx), "WHERE t.name = ?", name)
	return r, known(found, wrap("read recording", err), "fileName", "no such recording")
}

// RecordingFilter narrows RecordingsOf; zero fields narrow nothing.
type RecordingFilter struct {
	AppID, TenantID int64
	SessionID       string
	State           models.RecordingState
	Until           time.Time // of the beginning
}

// RecordingsOf lists recordings, the one that began last first.
func (s *Store) RecordingsOf(ctx context.Context, f RecordingFilter, page models.Page) ([]models.Recording, int, error) {
	var c conditions
	is(&c, "t.app_id", f.AppID)
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.session_id", f.SessionID)
	is(&c, "t.state", f.State)
	c.span("t.began_at", time.Time{}, f.Until)
	return listed(ctx, s, recordingColumns, c, "t.began_at DESC, t.seq DESC", page)
}

// WaitingRecordings reads up to n recordings whose file is not in its place yet, those first that may wait least.
func (s *Store) WaitingRecordings(ctx context.Context, n int) ([]models.Recording, error) {
	list, err := recordingColumns.all(s.reader(ctx), "WHERE t.state = ? ORDER BY t.wait_until, t.seq LIMIT ?", string(models.RecordingWaiting), n)
	return list, wrap("read waiting recordings", err)
}

// before says from which states a recording may come into one. So of two who look after it at once, the slower changes nothing back.
var before = map[models.RecordingState][]models.RecordingState{
	models.RecordingKept:    {models.RecordingWaiting, models.RecordingMissing, models.RecordingKept},
	models.RecordingShort:   {models.RecordingWaiting, models.RecordingMissing, models.RecordingShort},
	models.RecordingMissing: {models.RecordingWaiting, models.RecordingMissing},
	models.RecordingRemoved: {models.RecordingWaiting, models.RecordingMissing, models.RecordingKept, models.RecordingShort, models.RecordingRemoved},
	models.RecordingWaiting: {models.RecordingWaiting},
}

// SetRecording stores how a recording stands: State, Bytes, Duration, WaitUntil, KeptAt, RemovedAt. models.NotFound, Invalid (the state), or
// Conflict: what was kept is not missing again, what was removed is gone for good, and nothing waits twice.
func (s *Store) SetRecording(ctx context.Context, r models.Recording) error {
	from, ok := before[r.State]
	if !ok {
		return models.Fail(models.Invalid, "state", "state %q of a recording is unknown", r.State)
	}
	return s.within(ctx, "set recording", func(ctx context.Context, tx *gorm.DB) error {
		args := []any{string(r.State), r.Bytes, r.Duration.Microseconds(), micros(r.WaitUntil), micros(r.KeptAt), micros(r.RemovedAt), r.Name}
		n, err := run(tx, "UPDATE recordings SET state = ?, bytes = ?, duration = ?, wait_until = ?, kept_at = ?, removed_at = ? WHERE name = ? AND state IN ?",
			append(args, from)...)
		if err != nil || n > 0 {
			return err
		}
		was, err := s.Recording(ctx, r.Name)
		if err == nil && !slices.Contains(from, was.State) {
			err = models.Fail(models.Conflict, "state", "the recording is %s and cannot become %s", was.State, r.State)
		}
		return err
	})
}
