package store

import (
	"context"
	"fmt"
	"time"

	"maskline/models"
)

// Sight looks a call up: the dialled number with its app and tenant, the most specific row for the caller or for anyone, its binding,
// whether another call holds the number, and the store's clock, in one round trip. extension is what the caller keyed, models.NoExtension
// before he was asked. A row that lives comes before one that has expired; whether the one found holds is judged by Sight.Now. What does not
// exist is nil.
//
// Conduct takes one or two queries more, and only where the app has a rule on that asks for it.
func (s *Store) Sight(ctx context.Context, dialled string, caller models.Party, extension string) (models.Sight, error) {
	v, err := s.look(ctx, dialled, caller, extension)
	if err != nil {
		return models.Sight{}, fmt.Errorf("look up a dialled number: %w", err)
	}
	if v.App != nil {
		if v.Conduct, err = s.conduct(ctx, v); err != nil {
			return models.Sight{}, fmt.Errorf("look up a caller's conduct: %w", err)
		}
	}
	return v, nil
}

func (s *Store) look(ctx context.Context, dialled string, caller models.Party, extension string) (models.Sight, error) {
	if caller.IsZero() {
		caller = models.Hidden
	}
	if extension == "" {
		extension = models.NoExtension
	}
	v := models.Sight{Dialled: dialled, Caller: caller, Extension: extension}
	var (
		holder  string
		number  models.Number
		app     models.App
		tenant  models.Tenant
		route   models.Route
		binding models.Binding
	)
	dest := make([]any, 0, 80)
	dest = append(dest, when(&v.Now), text(&holder))
	dest = append(dest, numberColumns.dest(&number)...)
	dest = append(dest, appColumns.dest(&app)...)
	dest = append(dest, tenantColumns.dest(&tenant)...)
	dest = append(dest, routeColumns.dest(&route)...)
	dest = append(dest, bindingColumns.dest(&binding)...)
	args := append(s.nowArgs(), dialled, dialled, caller, extension, dialled, extension, dialled, extension)
	args = append(args, s.nowArgs()...)
	if _, err := one(s.reader(ctx), dest, s.sql.sight, args...); err != nil {
		return models.Sight{}, err
	}
	v.Number = found(&number, number.ID != 0)
	v.App = found(&app, app.ID != 0)
	v.Tenant = found(&tenant, tenant.ID != 0)
	v.Route = found(&route, route.Dialled != "")
	v.Binding = found(&binding, binding.ID != "")
	v.Busy = holder != ""
	return v, s.standIn(ctx, &v)
}

func found[T any](v *T, yes bool) *T {
	if !yes {
		return nil
	}
	return v
}

// standIn gives A's own row of AXE a binding that lived at Sight.Now: the row outlives the binding that it names while A has another one on
// the number.
func (s *Store) standIn(ctx context.Context, v *models.Sight) error {
	r, b := v.Route, v.Binding
	if r == nil || b == nil || b.Mode != models.ModeAXE || r.Side != models.SideA || !r.Live(v.Now) || b.Live(v.Now) {
		return nil
	}
	at := micros(v.Now)
	other, found, err := bindingColumns.first(s.reader(ctx), "WHERE t.a = ? AND t.x = ? AND t.created_at <= ? AND (t.closed_at = 0 OR t.closed_at > ?)"+
		" AND (t.expires_at = 0 OR t.expires_at > ?) ORDER BY t.seq DESC", r.Caller, r.Dialled, at, at, at)
	if err == nil && found {
		other = bindingAt(other, *r, v.Now)
		v.Binding = &other
	}
	return err
}

// SightAt is Sight as it would have been at a time past, for the question who would have reached whom then: the route that stood, its
// temporary destination and its binding, with Now = at. What it cannot rebuild it leaves out (Busy and Conduct) or shows as it is today: the
// states and settings of number, app and tenant, and the settings of the binding (not its parties, direction and expiry: those come from the
// route).
func (s *Store) SightAt(ctx context.Context, dialled string, caller models.Party, extension string, at time.Time) (models.Sight, error) {
	v, err := s.look(ctx, dialled, caller, extension)
	if err != nil {
		return v, fmt.Errorf("look up a dialled number: %w", err)
	}
	v.Now, v.Route, v.Binding, v.Busy = clean(at), nil, nil, false
	for _, c := range []models.Party{v.Caller, models.Anyone} {
		r, ok, err := s.routeAt(ctx, dialled, c, v.Extension, v.Now)
		if err != nil {
			return models.Sight{}, fmt.Errorf("look up a route of the past: %w", err)
		}
		if ok && (v.Route == nil || !v.Route.Live(v.Now)) {
			v.Route = &r
		}
	}
	if v.Route == nil {
		return v, nil
	}
	b, err := s.Binding(ctx, 0, v.Route.BindingID)
	if models.CodeOf(err) == models.NotFound {
		return v, nil
	}
	if err != nil {
		return models.Sight{}, err
	}
	b = bindingAt(b, *v.Route, v.Now)
	v.Binding = &b
	return v, wrap("look up a binding of the past", s.standIn(ctx, &v))
}

// routeAt finds the row of one caller that stood at a time: the one that stands still, or the first in the history that ended after it.
func (s *Store) routeAt(ctx context.Context, dialled string, caller models.Party, extension string, at time.Time) (models.Route, bool, error) {
	const key = "WHERE t.dialled = ? AND t.caller = ? AND t.extension = ?"
	r, ok, err := routeColumns.first(s.reader(ctx), key+" AND t.valid_from <= ?", dialled, caller, extension, micros(at))
	if err != nil || ok {
		return r, ok, err
	}
	past, ok, err := pastRouteColumns.first(s.reader(ctx), key+" AND t.valid_to > ? AND t.valid_from <= ? ORDER BY t.valid_to, t.id",
		dialled, caller, extension, micros(at), micros(at))
	return past.Route, ok, err
}

// bindingAt is a binding as far as its route of that time tells how it was. A's own row of AXE tells nothing of an expiry: it belongs to all
// of A's bindings on the number.
func bindingAt(b models.Binding, r models.Route, at time.Time) models.Binding {
	a, other := r.Caller, r.Destination
	if r.Side == models.SideB {
		a, other = other, a
	}
	b.A = a
	if !b.B.IsZero() {
		b.B = other
	}
	if b.Mode != models.ModeAXE || r.Side == models.SideB {
		b.ExpiresAt = r.ExpiresAt
	}
	if b.ClosedAt.After(at) {
		b.ClosedAt, b.Reason = time.Time{}, ""
	}
	return b
}
