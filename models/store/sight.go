package store

import (
	"context"
	"fmt"
	"time"

	"maskline/models"
)

// Sight looks a call up: the dialled number with its app and tenant, the most specific row for the caller or for anyone, its binding, and
// the store's clock, in one round trip. extension is what the caller keyed, models.NoExtension before he was asked. The row may have expired: whether it holds is judged by Sight.Now. What does not exist is nil.
func (s *Store) Sight(ctx context.Context, dialled string, caller models.Party, extension string) (models.Sight, error) {
	if caller.IsZero() {
		caller = models.Hidden
	}
	v := models.Sight{Dialled: dialled, Caller: caller, Extension: extension}
	var (
		number  models.Number
		app     models.App
		tenant  models.Tenant
		route   models.Route
		binding models.Binding
	)
	dest := make([]any, 0, 80)
	dest = append(dest, when(&v.Now))
	dest = append(dest, numberColumns.dest(&number)...)
	dest = append(dest, appColumns.dest(&app)...)
	dest = append(dest, tenantColumns.dest(&tenant)...)
	dest = append(dest, routeColumns.dest(&route)...)
	dest = append(dest, bindingColumns.dest(&binding)...)
	args := append(s.nowArgs(), dialled, dialled, caller, extension, dialled, models.Anyone, extension)
	if _, err := one(s.reader(ctx), dest, s.sql.sight, args...); err != nil {
		return models.Sight{}, fmt.Errorf("look up a dialled number: %w", err)
	}
	v.Number = found(&number, number.ID != 0)
	v.App = found(&app, app.ID != 0)
	v.Tenant = found(&tenant, tenant.ID != 0)
	v.Route = found(&route, route.Dialled != "")
	v.Binding = found(&binding, binding.ID != "")
	return v, nil
}

func found[T any](v *T, yes bool) *T {
	if !yes {
		return nil
	}
	return v
}

// SightAt is Sight as it would have been at a time past, for the question who would have reached whom then: the route that stood and its
// binding, with Now = at. What it cannot rebuild it shows as it is today: the states and settings of number, app and tenant, and the
// settings of the binding (not its parties, direction and expiry: those come from the route).
func (s *Store) SightAt(ctx context.Context, dialled string, caller models.Party, extension string, at time.Time) (models.Sight, error) {
	v, err := s.Sight(ctx, dialled, caller, extension)
	if err != nil {
		return v, err
	}
	v.Now, v.Route, v.Binding = clean(at), nil, nil
	for _, c := range []models.Party{v.Caller, models.Anyone} {
		r, ok, err := s.routeAt(ctx, dialled, c, v.Extension, v.Now)
		if err != nil {
			return models.Sight{}, fmt.Errorf("look up a route of the past: %w", err)
		}
		if !ok {
			continue
		}
		b, err := s.Binding(ctx, 0, r.BindingID)
		if err != nil && models.CodeOf(err) != models.NotFound {
			return models.Sight{}, err
		}
		v.Route = &r
		if err == nil {
			b = bindingAt(b, r, v.Now)
			v.Binding = &b
		}
		break
	}
	return v, nil
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

// bindingAt is a binding as far as its route of that time tells how it was.
func bindingAt(b models.Binding, r models.Route, at time.Time) models.Binding {
	b.A, b.B = r.Caller, r.Destination
	if r.Side == models.SideB {
		b.A, b.B = r.Destination, r.Caller
	}
	b.ExpiresAt = r.ExpiresAt
	if b.ClosedAt.After(at) {
		b.ClosedAt, b.Reason = time.Time{}, ""
	}
	return b
}
