package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// pruneBatch is how many old rows go in one transaction.
const pruneBatch = 500

// pruneStep removes what is old of up to pruneBatch rows behind an id. seen is how many of them were old, whether they went or not; next is the
// last id read.
type pruneStep func(ctx context.Context, after int64) (removed, seen int, next int64, err error)

// prune walks a table by its running number, which follows the time of writing, until it meets no old row any more. Its cost follows what is old,
// and what is kept though it is old; no index is needed for it.
func prune(ctx context.Context, step pruneStep) (n int, err error) {
	for after := int64(0); ; {
		removed, seen, next, err := step(ctx, after)
		n += removed
		if err != nil || seen == 0 {
			return n, err
		}
		if ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		after = next
	}
}

// old is a row that may go.
type old struct {
	id      int64
	session string
	kept    bool // though it is old
}

// olds reads a page of rows by id and gives those before a time. columns are session_id, whether the row is kept all the same, and the time.
func olds(db *gorm.DB, columns, table string, after int64, olderThan time.Time) (list []old, next int64, err error) {
	next = after
	err = each(db, func(rows *sql.Rows) error {
		var o old
		var at time.Time
		if err := rows.Scan(num(&o.id), text(&o.session), flag(&o.kept), when(&at)); err != nil {
			return err
		}
		next = o.id
		if !at.IsZero() && at.Before(olderThan) {
			list = append(list, o)
		}
		return nil
	}, fmt.Sprintf("SELECT id, %s FROM %s WHERE id > ? ORDER BY id LIMIT %d", columns, table, pruneBatch), after)
	return list, next, err
}

func idsOf(list []old) []int64 {
	ids := make([]int64, len(list))
	for i, o := range list {
		ids[i] = o.id
	}
	return ids
}

// PruneCDRs removes the records, and their sessions, that were completed before a time, in transactions of 500, and tells how many records went.
// A record stays until its charges have been made and settled.
func (s *Store) PruneCDRs(ctx context.Context, olderThan time.Time) (int, error) {
	return prune(ctx, func(ctx context.Context, after int64) (removed, seen int, next int64, err error) {
		list, next, err := olds(s.reader(ctx), "session_id, unrated, completed_at", "cdrs", after, olderThan)
		if err != nil || len(list) == 0 {
			return 0, 0, next, wrap("find old cdrs", err)
		}
		gone, err := s.settledOnly(ctx, list)
		if err != nil || len(gone) == 0 {
			return 0, len(list), next, err
		}
		sessions := make([]string, len(gone))
		for i, o := range gone {
			sessions[i] = o.session
		}
		err = s.within(ctx, "remove old cdrs", func(_ context.Context, tx *gorm.DB) error {
			n, err := run(tx, "DELETE FROM cdrs WHERE id IN ?", idsOf(gone))
			if removed = int(n); err != nil {
				return err
			}
			_, err = run(tx, "DELETE FROM sessions WHERE id IN ? AND ended_at > 0", sessions)
			return err
		})
		return removed, len(list), next, err
	})
}

// settledOnly leaves out calls that are to be charged yet, or have a charge that has not been settled.
func (s *Store) settledOnly(ctx context.Context, list []old) (gone []old, err error) {
	sessions := make([]string, len(list))
	for i, o := range list {
		sessions[i] = o.session
	}
	open := map[string]bool{}
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		var session string
		err := rows.Scan(text(&session))
		open[session] = true
		return err
	}, "SELECT session_id FROM charges WHERE session_id IN ? AND settled_at = 0", sessions)
	for _, o := range list {
		if !o.kept && !open[o.session] {
			gone = append(gone, o)
		}
	}
	return gone, wrap("look at the charges of old cdrs", err)
}

// PruneEvents removes the events of calls that happened before a time, in transactions of 500, and tells how many.
func (s *Store) PruneEvents(ctx context.Context, olderThan time.Time) (int, error) {
	return prune(ctx, func(ctx context.Context, after int64) (removed, seen int, next int64, err error) {
		list, next, err := olds(s.reader(ctx), "session_id, 0, at", "call_events", after, olderThan)
		if err != nil || len(list) == 0 {
			return 0, 0, next, wrap("find old events", err)
		}
		n, err := s.removeRows(ctx, "remove old events", "DELETE FROM call_events WHERE id IN ?", idsOf(list))
		return n, len(list), next, err
	})
}

// PruneDeliveries removes the deliveries that were written before a time and are over, in transactions of 500, and tells how many. What is not
// over stays, however old.
func (s *Store) PruneDeliveries(ctx context.Context, olderThan time.Time) (int, error) {
	return prune(ctx, func(ctx context.Context, after int64) (removed, seen int, next int64, err error) {
		list, next, err := olds(s.reader(ctx), "session_id, 0, created_at", "deliveries", after, olderThan)
		if err != nil || len(list) == 0 {
			return 0, 0, next, wrap("find old deliveries", err)
		}
		n, err := s.removeRows(ctx, "remove old deliveries", "DELETE FROM deliveries WHERE id IN ? AND state IN (?, ?)", idsOf(list),
			string(models.DeliveryDone), string(models.DeliveryDead))
		return n, len(list), next, err
	})
}

func (s *Store) removeRows(ctx context.Context, what, stmt string, args ...any) (n int, err error) {
	err = s.within(ctx, what, func(_ context.Context, tx *gorm.DB) error {
		met, err := run(tx, stmt, args...)
		n = int(met)
		return err
	})
	return n, err
}
