package store

import (
	"context"
	"database/sql"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// UnsubscribeNumber notes when a tenant unsubscribed a number (at; zero is now), as Number.EndsAt. Until models.Ends of that moment it works, is his,
// and pays rent (models.Number.Owes). One that is unsubscribed already keeps the earlier moment. models.NotFound, or Invalid when at is before the
// number was his or later than now.
func (s *Store) UnsubscribeNumber(ctx context.Context, number string, at time.Time) (models.Number, error) {
	return s.subscription(ctx, "unsubscribe number", number, func(n *models.Number, _ *time.Location, now time.Time) error {
		from := clean(at)
		if at.IsZero() {
			from = now
		}
		switch came := since(*n); {
		case from.After(now):
			return models.Fail(models.Invalid, "at", "a number is unsubscribed now, or was before; %s is yet to come", from.Format(time.RFC3339))
		case from.Before(came):
			return models.Fail(models.Invalid, "at", "the number was not the tenant's then; it came on %s", came.Format(time.RFC3339))
		case n.EndsAt.IsZero() || from.Before(n.EndsAt):
			n.EndsAt = from
		}
		return nil
	})
}

// SubscribeNumber takes back a number's unsubscription before it ends. models.NotFound, or Conflict when it has ended.
func (s *Store) SubscribeNumber(ctx context.Context, number string) (models.Number, error) {
	return s.subscription(ctx, "subscribe number", number, func(n *models.Number, zone *time.Location, now time.Time) error {
		if ended(*n, zone, now) {
			return models.Fail(models.Conflict, number, "the number ended at %s", models.Ends(n.EndsAt, zone).Format(time.RFC3339))
		}
		n.EndsAt = time.Time{}
		return nil
	})
}

// ended says that a number was unsubscribed and its last month is over.
func ended(n models.Number, zone *time.Location, now time.Time) bool {
	return !n.EndsAt.IsZero() && !now.Before(models.Ends(n.EndsAt, zone))
}

// subscription lets change alter a number's EndsAt under its lock, in its tenant's time zone.
func (s *Store) subscription(ctx context.Context, what, number string, change func(n *models.Number, zone *time.Location, now time.Time) error,
) (n models.Number, err error) {
	err = s.within(ctx, what, func(ctx context.Context, tx *gorm.DB) error {
		if err := lockNumber(tx, number); err != nil {
			return err
		}
		if n, err = s.Number(ctx, number); err != nil {
			return err
		}
		tenant, err := s.Tenant(ctx, n.TenantID)
		if err != nil {
			return err
		}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		if err := change(&n, tenant.Location(), now); err != nil {
			return err
		}
		_, err = run(tx, "UPDATE numbers SET ends_at = ? WHERE number = ?", micros(n.EndsAt), number)
		return err
	})
	if err != nil {
		return models.Number{}, err
	}
	return n, nil
}

// endedPage is how many unsubscribed numbers are looked at in one statement.
const endedPage = 200

// EndedNumbers reads up to n numbers that were unsubscribed and whose last month is over, but that are not returned yet: those unsubscribed first
// first, after the one given (by EndsAt and ID; the zero value begins). They are to be returned. ReturnNumber refuses those in use, which come
// again when the next run begins anew.
func (s *Store) EndedNumbers(ctx context.Context, after models.Number, n int) (out []models.Number, err error) {
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	for len(out) < n {
		list, zones, err := s.unsubscribed(ctx, after, now)
		if err != nil {
			return nil, wrap("read ended numbers", err)
		}
		for i, v := range list {
			if ended(v, zones[i].Location(), now) && len(out) < n {
				out = append(out, v)
			}
		}
		if len(list) < endedPage {
			break
		}
		after = list[len(list)-1]
	}
	return out, nil
}

// unsubscribed reads a page of numbers that were unsubscribed by now, and their tenants.
func (s *Store) unsubscribed(ctx context.Context, after models.Number, now time.Time) (list []models.Number, tenants []models.Tenant, err error) {
	from := max(micros(after.EndsAt), 1)
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		var v models.Number
		var t models.Tenant
		err := rows.Scan(append(numberColumns.dest(&v), text(&t.Zone))...)
		list, tenants = append(list, v), append(tenants, t)
		return err
	}, "SELECT "+numberColumns.of("t")+", c.zone FROM numbers t JOIN tenants c ON c.id = t.tenant_id"+
		" WHERE t.ends_at BETWEEN ? AND ? AND (t.ends_at > ? OR t.id > ?) ORDER BY t.ends_at, t.id LIMIT ?", from, micros(now), from, after.ID, endedPage)
	return list, tenants, err
}
