package store

import (
	"context"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"maskline/models"
)

var returnedColumns = columns[models.Returned]{
	table: "returned_numbers",
	names: []string{"id", "number", "tenant_id", "app_id", "kind", "area_code", "delivered_at", "returned_at", "returned_by", "reason"},
	values: func(r *models.Returned) []any {
		return []any{idOrNull(r.ID), r.Number, r.TenantID, r.AppID, string(r.Kind), r.AreaCode, micros(r.DeliveredAt), micros(r.ReturnedAt), r.ReturnedBy, r.Reason}
	},
	dest: func(r *models.Returned) []any {
		return []any{num(&r.ID), text(&r.Number), num(&r.TenantID), num(&r.AppID), text(&r.Kind), text(&r.AreaCode), when(&r.DeliveredAt),
			when(&r.ReturnedAt), text(&r.ReturnedBy), text(&r.Reason)}
	},
}

// ReturnNumber takes a number from its app and puts it in stock, where it rests for coolDown before it is handed out again. Its holder, if it has
// one, holds it no more. models.NotFound, Invalid, or InUse while it has open bindings or live or waiting calls.
func (s *Store) ReturnNumber(ctx context.Context, number, by, reason string, coolDown time.Duration) error {
	if coolDown < 0 || utf8.RuneCountInString(reason) > reasonMost {
		return models.Fail(models.Invalid, "reason", "a reason has at most %d characters, and a number rests for 0 or longer", reasonMost)
	}
	if err := validWho(by); err != nil {
		return err
	}
	return s.within(ctx, "return number", func(ctx context.Context, tx *gorm.DB) error {
		n, err := s.idle(ctx, tx, number)
		if err != nil {
			return err
		}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		was := models.Returned{Number: n.Number, TenantID: n.TenantID, AppID: n.AppID, Kind: n.Kind, AreaCode: n.AreaCode, DeliveredAt: since(n),
			ReturnedAt: now, ReturnedBy: by, Reason: reason}
		if err := returnedColumns.add(tx, &was); err != nil {
			return err
		}
		for _, stmt := range []string{"DELETE FROM numbers WHERE number = ?", "DELETE FROM busy WHERE number = ?"} {
			if _, err := run(tx, stmt, number); err != nil {
				return err
			}
		}
		if err := endHolder(tx, number, now); err != nil {
			return err
		}
		return rest(tx, n, now, now.Add(coolDown))
	})
}

// since is when a number became its tenant's.
func since(n models.Number) time.Time {
	if n.DeliveredAt.IsZero() {
		return n.CreatedAt
	}
	return n.DeliveredAt
}

// rest puts a number in stock until it is free. One that came from stock keeps its carrier and its place there.
func rest(tx *gorm.DB, n models.Number, now, free time.Time) error {
	_, found, err := stockColumns.first(tx, "WHERE t.number = ?", n.Number)
	if err != nil {
		return err
	}
	if !found {
		return newStock.add(tx, &models.Stock{Number: n.Number, Kind: n.Kind, AreaCode: n.AreaCode, Trunk: n.Trunk, FreeAt: free, AddedAt: now})
	}
	_, err = run(tx, "UPDATE stock SET order_id = 0, kind = ?, area_code = ?, trunk = ?, free_at = ? WHERE number = ?",
		string(n.Kind), n.AreaCode, n.Trunk, micros(free), n.Number)
	return err
}

// idle locks a number and reads it, if nothing live names it. Bindings that have expired and that nobody has closed yet are closed.
func (s *Store) idle(ctx context.Context, tx *gorm.DB, number string) (models.Number, error) {
	if err := lockNumber(tx, number); err != nil {
		return models.Number{}, err
	}
	n, err := s.Number(ctx, number)
	if err != nil {
		return n, err
	}
	app, err := s.App(ctx, n.AppID)
	if err != nil {
		return n, err
	}
	for closed := 1; closed > 0; {
		if closed, err = s.closeExpiredOn(ctx, tx, app.Mode, number); err != nil {
			return n, err
		}
	}
	for _, use := range []struct{ why, query string }{
		{"the number has open bindings; let them be unbound first", "SELECT 1 FROM numbers WHERE number = ? AND pairs > 0"},
		// COALESCE: live calls are few, the calls that a number ever had are many.
		{"the number has a live call", "SELECT 1 FROM sessions WHERE ended_at = 0 AND COALESCE(dialled, '') = ? LIMIT 1"},
	} {
		if err := unused(tx, use.why, use.query, number); err != nil {
			return n, err
		}
	}
	return n, unused(tx, "calls that show the number wait to be placed", "SELECT 1 FROM outgoing WHERE dialled = ? AND app_id = ? LIMIT 1", number, n.AppID)
}

// unused is models.InUse when a query finds something.
func unused(tx *gorm.DB, why, query, number string, args ...any) error {
	var hit int
	found, err := one(tx, []any{num(&hit)}, query, append([]any{number}, args...)...)
	if err == nil && found {
		return models.Fail(models.InUse, number, "%s", why)
	}
	return err
}

// ReturnedFilter narrows ReturnedNumbers; zero fields narrow nothing.
type ReturnedFilter struct {
	TenantID int64
	Number   string
}

// ReturnedNumbers lists who had numbers that were returned, the last return first.
func (s *Store) ReturnedNumbers(ctx context.Context, f ReturnedFilter, page models.Page) ([]models.Returned, int, error) {
	var c conditions
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.number", f.Number)
	return listed(ctx, s, returnedColumns, c, "t.id DESC", page)
}

// MoveNumber gives a number to another app of its tenant that has numbers of its kind. models.NotFound, InUse (bindings, calls), AppUnavailable,
// TenantFrozen, or Conflict: another tenant's app, or one that has no such numbers.
func (s *Store) MoveNumber(ctx context.Context, number string, appID int64) (n models.Number, err error) {
	err = s.within(ctx, "move number", func(ctx context.Context, tx *gorm.DB) error {
		if n, err = s.idle(ctx, tx, number); err != nil || n.AppID == appID {
			return err
		}
		app, err := s.servedApp(ctx, appID)
		if err != nil {
			return err
		}
		if app.TenantID != n.TenantID {
			return models.Fail(models.Conflict, "app", "the app is another tenant's")
		}
		if err := kindFits(app, n.Kind, models.Conflict); err != nil {
			return err
		}
		n.AppID = appID
		_, err = run(tx, "UPDATE numbers SET app_id = ? WHERE number = ?", appID, number)
		return err
	})
	if err != nil {
		return models.Number{}, err
	}
	return n, nil
}
