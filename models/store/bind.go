package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// BindRequest asks for one AXB binding (spec/privatenumber.md §2.1).
type BindRequest struct {
	App models.App
	X   string // the number wanted, global form; "" lets the platform choose
	// Area is the city to choose in; "" takes AreaOfA. Both empty (a mobile number whose city nobody knows): any city of the app.
	Area     string
	AreaOfA  string // the city of A's own number, if known
	Loose    bool   // when the city has no number left, take one of another
	A, B     models.Party
	Settings models.BindingSettings
}

func (r BindRequest) area() string {
	if r.Area != "" {
		return r.Area
	}
	return r.AreaOfA
}

// binding is the binding that r asks for, on x, from now.
func (r BindRequest) binding(x string, now time.Time) models.Binding {
	return models.Binding{ID: models.NewID(), TenantID: r.App.TenantID, AppID: r.App.ID, Mode: r.App.Mode, X: x, A: r.A, B: r.B,
		BindingSettings: r.Settings, CreatedAt: now, StartedAt: now, ExpiresAt: r.Settings.Expiry(now)}
}

// Bind makes a binding, with both its routes, or nothing. It fails with models.Invalid (A is B, or one of the platform's own numbers),
// NumberNotOwned, NumberAbnormal, NoNumber (X is full, or no number of the city is left) or NumberBound, whose Param is the party that is
// used on this X already. It takes effect at once on every daemon.
func (s *Store) Bind(ctx context.Context, r BindRequest) (models.Binding, error) {
	if err := validParties(r.A, r.B); err != nil {
		return models.Binding{}, err
	}
	if err := r.Settings.Validate(); err != nil {
		return models.Binding{}, err
	}
	now, own, err := s.owners(ctx, r.X, r.A, r.B)
	if err != nil {
		return models.Binding{}, wrap("bind", err)
	}
	if err := notOurs(own, r.A, r.B); err != nil {
		return models.Binding{}, err
	}
	if r.X == "" {
		return s.bindAny(ctx, r, now)
	}
	if n, ok := own[r.X]; !ok || n.AppID != r.App.ID {
		return models.Binding{}, models.Fail(models.NumberNotOwned, "relationNum", "the number is none of this app")
	}
	return s.bindTo(ctx, r, r.X)
}

func validParties(a, b models.Party) error {
	switch {
	case !a.Known():
		return models.Fail(models.Invalid, "callerNum", "callerNum is a telephone number")
	case !b.Known():
		return models.Fail(models.Invalid, "calleeNum", "calleeNum is a telephone number")
	case a == b:
		return models.Fail(models.Invalid, "calleeNum", "callerNum and calleeNum are the same number")
	}
	return nil
}

// owners reads which of three numbers are the platform's, and the store's clock.
func (s *Store) owners(ctx context.Context, x string, a, b models.Party) (now time.Time, own map[string]models.Number, err error) {
	own = map[string]models.Number{}
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		var n models.Number
		err := rows.Scan(when(&now), text(&n.Number), num(&n.AppID), num(&n.State))
		own[n.Number] = n
		return err
	}, s.sql.owners, append(s.nowArgs(), x, a, b)...)
	return now, own, err
}

// notOurs refuses a party that is one of the platform's own numbers: a call to it would come back to us, round and round.
func notOurs(own map[string]models.Number, a, b models.Party) error {
	if _, ok := own[a.Reveal()]; ok {
		return models.Fail(models.Invalid, "callerNum", "callerNum is a private number of the platform")
	}
	if _, ok := own[b.Reveal()]; ok {
		return models.Fail(models.Invalid, "calleeNum", "calleeNum is a private number of the platform")
	}
	return nil
}

// bindTo makes the binding on one number.
func (s *Store) bindTo(ctx context.Context, r BindRequest, x string) (b models.Binding, err error) {
	err = s.within(ctx, "bind", func(ctx context.Context, tx *gorm.DB) error {
		if err := s.takePair(ctx, tx, r.App, x); err != nil {
			return err
		}
		now, met, err := s.standingRoutes(tx, x, r.A, r.B)
		if err != nil {
			return err
		}
		if err := s.clearExpired(tx, x, now, met, ""); err != nil {
			return err
		}
		b = r.binding(x, now)
		if err := bindingColumns.add(tx, &b); err != nil {
			return err
		}
		err = addRoutes(tx, models.AXBRoutes(b, now))
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			// The number's lock rules this out, for writers that take it. The unique key rules it out for all others.
			return models.Fail(models.NumberBound, r.A.Reveal(), "the number has been bound")
		}
		return err
	})
	if err != nil {
		return models.Binding{}, err
	}
	return b, nil
}

// takePair locks the number and counts one more pair on it, if the number may take one. Expired bindings that nobody has closed yet are
// closed when the number seems full, so that they take nobody's place.
func (s *Store) takePair(ctx context.Context, tx *gorm.DB, app models.App, x string) error {
	const take = "UPDATE numbers SET pairs = pairs + 1 WHERE number = ? AND app_id = ? AND state = ? AND pairs < ?"
	for {
		n, err := run(tx, take, x, app.ID, int(models.NumberNormal), app.Pairs())
		if err != nil || n > 0 {
			return err
		}
		if err := lockNumber(tx, x); err != nil {
			return err
		}
		number, err := s.Number(ctx, x)
		switch {
		case models.CodeOf(err) == models.NotFound || err == nil && number.AppID != app.ID:
			return models.Fail(models.NumberNotOwned, "relationNum", "the number is none of this app")
		case err != nil:
			return err
		case !number.State.TakesBindings():
			return models.Fail(models.NumberAbnormal, "relationNum", "the number takes no binding now")
		}
		closed, err := s.closeExpiredOn(ctx, tx, x)
		if err != nil {
			return err
		}
		if closed == 0 {
			return models.Fail(models.NoNumber, "relationNum", "the number carries %d pairs, as many as it may", app.Pairs())
		}
	}
}

// clearExpired closes the bindings behind expired rows that are in the way. A live row is the conflict, unless it is of the binding
// except.
func (s *Store) clearExpired(tx *gorm.DB, x string, now time.Time, met []standing, except string) error {
	var stale []string
	for _, r := range met {
		switch {
		case r.bindingID == except:
		case r.expiresAt.IsZero() || now.Before(r.expiresAt):
			return models.Fail(models.NumberBound, r.caller.Reveal(), "the number has been bound")
		default:
			stale = append(stale, r.bindingID)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	list, err := bindingColumns.all(tx, "WHERE t.id IN ? AND t.closed_at = 0", stale)
	if err != nil {
		return err
	}
	return closeBindings(tx, x, list, now)
}
