package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// ExpireBindings closes up to limit bindings that have expired, each at its own second of expiry, oldest expiry first, and tells how many.
// Routing does not wait for it: an expired row is dead at its second. Its cost follows what has expired, not what exists.
func (s *Store) ExpireBindings(ctx context.Context, limit int) (n int, err error) {
	for n < limit {
		batch := min(limit-n, closeBatch)
		closed, err := s.expireSome(ctx, batch)
		n += closed
		if err != nil || closed < batch {
			return n, err
		}
	}
	return n, nil
}

// expireSome looks for what has expired and closes it number by number, in order.
func (s *Store) expireSome(ctx context.Context, limit int) (n int, err error) {
	now, err := s.Now(ctx)
	if err != nil {
		return 0, err
	}
	var xs, locks []string
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		var x, y string
		err := rows.Scan(text(&x), text(&y))
		if xs, locks = append(xs, x), append(locks, x); y != "" {
			locks = append(locks, y)
		}
		return err
	}, "SELECT x, y FROM bindings WHERE closed_at = 0 AND expires_at BETWEEN 1 AND ? ORDER BY expires_at LIMIT ?", micros(now), limit)
	if err != nil {
		return 0, fmt.Errorf("find expired bindings: %w", err)
	}
	slices.Sort(xs)
	xs = slices.Compact(xs)
	err = s.within(ctx, "close expired bindings", func(ctx context.Context, tx *gorm.DB) error {
		n = 0
		if err := lockNumbers(tx, locks); err != nil {
			return err
		}
		for _, x := range xs {
			closed, err := s.closeExpired(tx, x, now, limit-n)
			if err != nil {
				return err
			}
			n += closed
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// closeExpiredOn closes some expired bindings that take room on a number of an app, whose lock the transaction has.
func (s *Store) closeExpiredOn(ctx context.Context, tx *gorm.DB, mode models.Mode, x string) (int, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return 0, err
	}
	n, err := s.closeExpired(tx, x, now, closeBatch)
	if err != nil || n > 0 || mode != models.ModeAXYB {
		return n, err
	}
	// The number may be a Y: its relations are found by their rows.
	list, err := bindingColumns.all(tx, "WHERE t.closed_at = 0 AND t.id IN (SELECT r.binding_id FROM routes r WHERE r.dialled = ? AND r.expires_at BETWEEN 1 AND ?) LIMIT ?",
		x, micros(now), closeBatch)
	if err != nil {
		return 0, err
	}
	return len(list), closeBindings(tx, list, now)
}

func (s *Store) closeExpired(tx *gorm.DB, x string, now time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	list, err := bindingColumns.all(tx, "WHERE t.x = ? AND t.closed_at = 0 AND t.expires_at BETWEEN 1 AND ? ORDER BY t.expires_at LIMIT ?", x, micros(now), limit)
	if err != nil {
		return 0, err
	}
	return len(list), closeBindings(tx, list, now)
}
