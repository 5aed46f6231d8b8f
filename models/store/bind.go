package store

import (
	"cmp"
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
	Where
	A, B     models.Party
	Settings models.BindingSettings
}

// newBinding is a binding on x from now. Its parties and what else its mode has are the caller's to set.
func newBinding(app models.App, x string, a models.Party, settings models.BindingSettings, now time.Time) models.Binding {
	return models.Binding{ID: models.NewID(), TenantID: app.TenantID, AppID: app.ID, Mode: app.Mode, X: x, A: a,
		BindingSettings: settings, CreatedAt: now, StartedAt: now, ExpiresAt: settings.Expiry(now)}
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
	if err := cmp.Or(notOurs(own, "callerNum", r.A), notOurs(own, "calleeNum", r.B)); err != nil {
		return models.Binding{}, err
	}
	if r.X != "" {
		if err := appOwns(own, r.App, r.X, "relationNum"); err != nil {
			return models.Binding{}, err
		}
		return s.bindTo(ctx, r, r.X)
	}
	q := search{app: r.App, where: r.Where, fill: []span{{0, r.App.Pairs() - 1}},
		apart: []late{{r.A, models.NoExtension, r.B}, {r.B, models.NoExtension, r.A}}}
	return s.bindAny(ctx, q, now, func(ctx context.Context, x string) (models.Binding, error) { return s.bindTo(ctx, r, x) })
}

func validParties(a, b models.Party) error {
	switch {
	case !a.Known():
		return notANumber("callerNum")
	case !b.Known():
		return notANumber("calleeNum")
	case a == b:
		return models.Fail(models.Invalid, "calleeNum", "callerNum and calleeNum are the same number")
	}
	return nil
}

func notANumber(param string) error {
	return models.Fail(models.Invalid, param, "%s is a telephone number", param)
}

// owners reads which of three numbers are the platform's, and the store's clock.
func (s *Store) owners(ctx context.Context, x string, a, b models.Party) (now time.Time, own map[string]models.Number, err error) {
	own = map[string]models.Number{}
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		var n models.Number
		err := rows.Scan(when(&now), text(&n.Number), num(&n.AppID), num(&n.State), text(&n.AreaCode), text(&n.Kind))
		own[n.Number] = n
		return err
	}, s.sql.owners, append(s.nowArgs(), x, a, b)...)
	return now, own, err
}

// notOurs refuses a party that is one of the platform's own numbers: a call to it would come back to us, round and round.
func notOurs(own map[string]models.Number, param string, p models.Party) error {
	if _, ok := own[p.Reveal()]; ok {
		return models.Fail(models.Invalid, param, "%s is a private number of the platform", param)
	}
	return nil
}

func appOwns(own map[string]models.Number, app models.App, x, param string) error {
	if n, ok := own[x]; !ok || n.AppID != app.ID || n.Kind != models.NumberPrivate {
		return models.Fail(models.NumberNotOwned, param, "the number is no private number of this app")
	}
	return nil
}

// bindTo makes the binding on one number.
func (s *Store) bindTo(ctx context.Context, r BindRequest, x string) (b models.Binding, err error) {
	err = s.within(ctx, "bind", func(ctx context.Context, tx *gorm.DB) error {
		if err := s.takePlaces(ctx, tx, r.App, x, places{1, r.App.Pairs()}); err != nil {
			return err
		}
		wanted := models.AXBRoutes(models.Binding{X: x, A: r.A, B: r.B}, time.Time{})
		now, met, err := s.standing(tx, wanted...)
		if err != nil {
			return err
		}
		if err := s.clearWay(tx, met, now, "", numberBound); err != nil {
			return err
		}
		b = newBinding(r.App, x, r.A, r.Settings, now)
		b.B = r.B
		return addBinding(tx, &b, now)
	})
	if err != nil {
		return models.Binding{}, err
	}
	return b, nil
}

// addBinding writes a binding and its routes.
func addBinding(tx *gorm.DB, b *models.Binding, now time.Time) error {
	if err := bindingColumns.add(tx, b); err != nil {
		return err
	}
	err := addRoutes(tx, routesOf(*b, now))
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		// The number's lock rules this out, for writers that take it. The unique key rules it out for all others.
		return models.Fail(models.NumberBound, b.A.Reveal(), "the number has been bound")
	}
	return err
}

// numberBound is the conflict with a live row in modes where parties share a number.
func numberBound(r models.Route) error {
	return models.Fail(models.NumberBound, r.Caller.Reveal(), "the number has been bound")
}

// places is how much room a binding takes on a number, of how much there is.
type places struct{ takes, of int }

// takePlaces locks the number and takes room on it, if the number may give any. Expired bindings that nobody has closed yet are closed when
// the number seems full, so that they take nobody's place.
func (s *Store) takePlaces(ctx context.Context, tx *gorm.DB, app models.App, x string, p places) error {
	const take = "UPDATE numbers SET pairs = pairs + ? WHERE number = ? AND app_id = ? AND state = ? AND pairs <= ?"
	for {
		n, err := run(tx, take, p.takes, x, app.ID, int(models.NumberNormal), p.of-p.takes)
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
		case number.State == models.NumberSuspended && number.SuspendedFor == models.SuspendedForArrears:
			return models.Fail(models.TenantFrozen, "relationNum", "the tenant is in arrears, and the number is suspended for it")
		case !number.State.TakesBindings():
			return models.Fail(models.NumberAbnormal, "relationNum", "the number takes no binding now")
		}
		closed, err := s.closeExpiredOn(ctx, tx, app.Mode, x)
		if err != nil {
			return err
		}
		if closed == 0 {
			return models.Fail(models.NoNumber, "relationNum", "the number carries as many bindings as it may")
		}
	}
}

// clearWay closes the bindings behind expired rows that are in the way. A live row is the conflict, unless it is of the binding except.
func (s *Store) clearWay(tx *gorm.DB, met []models.Route, now time.Time, except string, conflict func(models.Route) error) error {
	var stale []string
	for _, r := range met {
		switch {
		case r.BindingID == except:
		case r.Live(now):
			return conflict(r)
		default:
			stale = append(stale, r.BindingID)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	list, err := bindingColumns.all(tx, "WHERE t.id IN ? AND t.closed_at = 0", stale)
	if err != nil {
		return err
	}
	return closeBindings(tx, list, now)
}
