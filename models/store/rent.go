package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// RentDue reads up to n of a tenant's numbers, by number, after one, that owe rent for a month, "2026-11" in the tenant's time zone, and for which no
// rent of that month is posted (models.RentKey). A number owes it when it was delivered before the month ended and was not unsubscribed before the
// 26th of the month before (models.Number.Owes). A number's rent for a month is posted once, whosever it was: who gets a number that another tenant
// has paid for this month pays from the next. models.NotFound (the tenant) or Invalid (the month).
func (s *Store) RentDue(ctx context.Context, tenantID int64, month, after string, n int) (due []models.Number, err error) {
	tenant, err := s.Tenant(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	begins, err := time.ParseInLocation("2006-01", month, tenant.Location())
	if err != nil {
		return nil, models.Fail(models.Invalid, "month", "month is a year and a month, such as 2026-11")
	}
	for len(due) < n {
		list, err := numberColumns.all(s.reader(ctx), "WHERE t.tenant_id = ? AND t.number > ? ORDER BY t.number LIMIT ?", tenantID, after, rentPage)
		if err != nil {
			return nil, wrap("read rents due", err)
		}
		if len(list) == 0 {
			break
		}
		after = list[len(list)-1].Number
		if list, err = s.unpaid(ctx, list, begins); err != nil {
			return nil, wrap("read rents due", err)
		}
		due = append(due, list...)
	}
	return due[:min(n, len(due))], nil
}

// rentPage is how many numbers are looked at in one statement.
const rentPage = 200

// unpaid leaves the numbers that owe the rent of the month that begins then, and have not paid.
func (s *Store) unpaid(ctx context.Context, list []models.Number, begins time.Time) ([]models.Number, error) {
	paid := map[string]bool{}
	keys := make([]string, len(list))
	for i, n := range list {
		keys[i] = models.RentKey(n.Number, begins)
	}
	err := each(s.reader(ctx), func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(text(&key))
		paid[key] = true
		return err
	}, "SELECT ekey FROM entries WHERE ekey IN ?", keys)
	return slices.DeleteFunc(list, func(n models.Number) bool { return !n.Owes(begins) || paid[models.RentKey(n.Number, begins)] }), err
}

// PostRents posts rents, all or none, and tells how many were not posted before. It is Post for many: models.Conflict or Invalid as there.
func (s *Store) PostRents(ctx context.Context, list []models.Entry) (posted int, err error) {
	err = s.within(ctx, "post rents", func(ctx context.Context, tx *gorm.DB) (err error) {
		rows := make([]*models.Entry, len(list))
		for i, e := range list {
			rows[i] = &e
		}
		posted, err = s.post(ctx, tx, rows...)
		return err
	})
	if err != nil {
		return 0, err
	}
	return posted, nil
}
