package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// Modify lets change alter a live binding of an app: its parties and settings. Routes are rewritten where parties, direction or expiry
// changed, and what they said before goes to the history. A Lifetime that changed restarts its clock, and so does change when it sets
// StartedAt to zero: a modify that names the duration the binding has restarts it too (spec/privatenumber.md §2.1). ID, tenant, app, mode,
// X and CreatedAt stay as they are. change may run again after a deadlock.
//
// It fails with models.NotFound, Invalid or NumberBound, whose Param is the party that is used on this X already.
func (s *Store) Modify(ctx context.Context, appID int64, id string, change func(*models.Binding) error) (models.Binding, error) {
	seen, err := s.Binding(ctx, appID, id)
	if err != nil {
		return models.Binding{}, err
	}
	var b models.Binding
	err = s.within(ctx, "modify binding", func(ctx context.Context, tx *gorm.DB) error {
		if err := lockNumber(tx, seen.X); err != nil {
			return err
		}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		old, err := s.liveBinding(ctx, appID, id, now)
		if err != nil {
			return err
		}
		if b, err = s.changed(ctx, old, now, change); err != nil {
			return err
		}
		if err := s.reroute(tx, old, b, now); err != nil {
			return err
		}
		set := "UPDATE bindings SET " + strings.Join(bindingColumns.names, " = ?, ") + " = ? WHERE id = ?"
		_, err = run(tx, set, append(bindingColumns.values(&b), id)...)
		return err
	})
	if err != nil {
		return models.Binding{}, err
	}
	return b, nil
}

// changed applies change and checks what it made.
func (s *Store) changed(ctx context.Context, old models.Binding, now time.Time, change func(*models.Binding) error) (models.Binding, error) {
	b := old
	if err := change(&b); err != nil {
		return b, err
	}
	restart := b.Lifetime != old.Lifetime || b.StartedAt.IsZero()
	b.ID, b.TenantID, b.AppID, b.Mode, b.X = old.ID, old.TenantID, old.AppID, old.Mode, old.X
	b.CreatedAt, b.StartedAt, b.ExpiresAt, b.ClosedAt, b.Reason = old.CreatedAt, old.StartedAt, old.ExpiresAt, old.ClosedAt, old.Reason
	if restart {
		b.StartedAt, b.ExpiresAt = now, b.Expiry(now)
	}
	if err := validParties(b.A, b.B); err != nil {
		return b, err
	}
	if err := b.Validate(); err != nil {
		return b, err
	}
	_, own, err := s.owners(ctx, "", b.A, b.B)
	if err != nil {
		return b, err
	}
	return b, notOurs(own, b.A, b.B)
}

// reroute replaces the routes of a binding that are not as they were. An unchanged row stands on, with its ValidFrom.
func (s *Store) reroute(tx *gorm.DB, old, b models.Binding, now time.Time) error {
	was, want := models.AXBRoutes(old, time.Time{}), models.AXBRoutes(b, time.Time{})
	same := func(r models.Route, in []models.Route) bool { return slices.Contains(in, r) }
	retired := slices.DeleteFunc(slices.Clone(was), func(r models.Route) bool { return same(r, want) })
	written := slices.DeleteFunc(slices.Clone(want), func(r models.Route) bool { return same(r, was) })
	if len(written) == 0 {
		return nil
	}
	_, met, err := s.standingRoutes(tx, b.X, b.A, b.B)
	if err != nil {
		return err
	}
	if err := s.clearExpired(tx, b.X, now, met, b.ID); err != nil {
		return err
	}
	callers := make([]models.Party, len(retired))
	for i, r := range retired {
		callers[i] = r.Caller
	}
	if err := retireRoutes(tx, b.X, callers, []string{b.ID}, models.ClosedModified, "?", micros(now)); err != nil {
		return err
	}
	for i := range written {
		written[i].ValidFrom = now
	}
	return addRoutes(tx, written)
}
