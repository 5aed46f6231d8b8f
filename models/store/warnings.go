package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"gorm.io/gorm"
)

// Warnings reads what the contacts of tenants have been warned of, and in which month last: tenants whose ids come after one, up to and with
// another.
func (s *Store) Warnings(ctx context.Context, after, last int64) (map[int64]map[string]string, error) {
	out := map[int64]map[string]string{}
	err := each(s.reader(ctx), func(rows *sql.Rows) error {
		var tenant int64
		var what, month string
		if err := rows.Scan(num(&tenant), text(&what), text(&month)); err != nil {
			return err
		}
		if out[tenant] == nil {
			out[tenant] = map[string]string{}
		}
		out[tenant][what] = month
		return nil
	}, "SELECT tenant_id, what, month FROM warnings WHERE tenant_id > ? AND tenant_id <= ?", after, last)
	return out, wrap("read warnings", err)
}

// SetWarnings writes what a tenant's contacts are warned of now, in a month, and forgets everything else. It gives what they have not been warned of
// in this month: of two who write the same at once, one gets it. A warning's name has 1 to 64 characters, a month's up to 16.
func (s *Store) SetWarnings(ctx context.Context, tenantID int64, standing []string, month string) (fresh []string, err error) {
	standing = slices.Sorted(slices.Values(standing))
	err = s.within(ctx, "set warnings", func(_ context.Context, tx *gorm.DB) error {
		fresh = nil
		if err := forgetWarnings(tx, tenantID, standing); err != nil {
			return err
		}
		for _, what := range standing {
			is, err := warn(tx, tenantID, what, month)
			if err != nil {
				return err
			}
			if is {
				fresh = append(fresh, what)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return fresh, nil
}

func forgetWarnings(tx *gorm.DB, tenantID int64, standing []string) error {
	query, args := "DELETE FROM warnings WHERE tenant_id = ?", []any{tenantID}
	if len(standing) > 0 {
		query, args = query+" AND what NOT IN ?", append(args, standing)
	}
	_, err := run(tx, query, args...)
	return err
}

// warn writes one warning and says whether it was news.
func warn(tx *gorm.DB, tenantID int64, what, month string) (fresh bool, err error) {
	n, err := run(tx, "UPDATE warnings SET month = ? WHERE tenant_id = ? AND what = ? AND month <> ?", month, tenantID, what, month)
	if err != nil || n > 0 {
		return n > 0, err
	}
	var there int64
	if _, err = one(tx, []any{num(&there)}, "SELECT 1 FROM warnings WHERE tenant_id = ? AND what = ?", tenantID, what); err != nil || there > 0 {
		return false, err
	}
	_, err = run(tx, "INSERT INTO warnings (tenant_id, what, month) VALUES (?, ?, ?)", tenantID, what, month)
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return false, nil
	}
	return err == nil, err
}
