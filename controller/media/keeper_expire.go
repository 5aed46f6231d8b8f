package media

import (
	"context"
	"errors"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// Remove removes a recording wherever it lies and notes that. RecordMissing when no row stands for it.
func (k *Keeper) Remove(ctx context.Context, name string, now time.Time) error {
	rec, err := k.o.Store.Recording(ctx, name)
	if models.CodeOf(err) == models.NotFound {
		return errMissing()
	}
	if err != nil {
		return err
	}
	return k.remove(ctx, rec, now)
}

func (k *Keeper) remove(ctx context.Context, rec models.Recording, now time.Time) error {
	if err := k.o.Recordings.Remove(ctx, rec.Name); err != nil {
		return err
	}
	rec.State, rec.RemovedAt = models.RecordingRemoved, now.UTC()
	return k.o.Store.SetRecording(ctx, rec)
}

// Expire removes the recordings whose days are over, counted from the end of each, and notes that; then those files that no row stands for
// (Recordings.Prune). It tells how many went, also beside an error. Run it from a schedule.
func (k *Keeper) Expire(ctx context.Context, now time.Time) (removed int, err error) {
	until := now.AddDate(0, 0, -k.o.Recordings.keepDays)
	var failed error
	for _, state := range []models.RecordingState{models.RecordingKept, models.RecordingShort, models.RecordingMissing} {
		n, err := k.expire(ctx, state, until, now)
		removed, failed = removed+n, errors.Join(failed, err)
	}
	// Files are pruned by the day on which their call began; it may have ended on the next, and is kept from then on.
	n, err := k.o.Recordings.prune(ctx, now.AddDate(0, 0, -1), func(name string) {
		if err := k.noteGone(ctx, name, now); err != nil && ctx.Err() == nil {
			k.o.Log.WarnContext(ctx, "the removal of a recording could not be noted", "recording", name, "error", err)
		}
	})
	return removed + n, errors.Join(failed, err)
}

func (k *Keeper) expire(ctx context.Context, state models.RecordingState, until, now time.Time) (removed int, err error) {
	page := models.Page{Limit: models.PageMax}
	for ctx.Err() == nil {
		list, _, err := k.o.Store.RecordingsOf(ctx, store.RecordingFilter{State: state, Until: until}, page)
		if err != nil || len(list) == 0 {
			return removed, err
		}
		for _, rec := range list {
			if rec.BeganAt.Add(rec.Duration).After(until) {
				page.Offset++ // it stays on the list
				continue
			}
			if err := k.remove(ctx, rec, now); err != nil {
				return removed, err
			}
			removed++
		}
	}
	return removed, ctx.Err()
}

// noteGone notes the removal of a file; most files that are pruned have no row.
func (k *Keeper) noteGone(ctx context.Context, name string, now time.Time) error {
	rec, err := k.o.Store.Recording(ctx, name)
	if models.CodeOf(err) == models.NotFound || err == nil && rec.State == models.RecordingRemoved {
		return nil
	}
	if err != nil {
		return err
	}
	rec.State, rec.RemovedAt = models.RecordingRemoved, now.UTC()
	return k.o.Store.SetRecording(ctx, rec)
}
