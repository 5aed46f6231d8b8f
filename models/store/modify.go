package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// Modify lets change alter a live binding of an app: its parties, as far as its mode has them to alter (both in AXB, A in AX, none in AXE
// and AXYB), and its settings. Routes are rewritten where parties, direction or expiry changed, and what they said before goes to the history.
// A Lifetime or BindTime that changed restarts its clock, and so does change when it sets StartedAt to zero: a modify that names the
// duration the binding has restarts it too (spec/privatenumber.md §2.1). What a binding is known by and how it was bound stays as it is.
// change may run again after a deadlock.
//
// It fails with models.NotFound, Invalid, NumberBound, whose Param is the party that is used on this X already, or NumberTaken, when A has
// as many X as he may.
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
		if _, err = run(tx, set, append(bindingColumns.values(&b), id)...); err != nil {
			return err
		}
		if b.A != old.A {
			if err := s.heedQuota(tx, b, now); err != nil {
				return err
			}
		}
		return settleCallbacks(tx, []models.Binding{b}, now)
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
	restart := b.Lifetime != old.Lifetime || b.BindTime != old.BindTime || b.StartedAt.IsZero()
	made := old
	made.BindingSettings = b.BindingSettings
	switch old.Mode {
	case models.ModeAX:
		made.A = b.A
	case models.ModeAXE, models.ModeAXYB:
	default:
		made.A, made.B = b.A, b.B
	}
	if restart {
		made.StartedAt, made.ExpiresAt = now, made.Expiry(now)
	}
	if err := made.Validate(); err != nil {
		return made, err
	}
	return made, s.partiesFit(ctx, made)
}

// partiesFit checks the parties of a binding that modify made.
func (s *Store) partiesFit(ctx context.Context, b models.Binding) error {
	other := b.B
	switch {
	case b.Mode == models.ModeAX && !b.A.Known():
		return notANumber("origNum")
	case b.B.IsZero():
		other = b.A
	default:
		if err := validParties(b.A, b.B); err != nil {
			return err
		}
	}
	_, own, err := s.owners(ctx, "", b.A, other)
	if err != nil {
		return err
	}
	if b.Mode == models.ModeAX {
		return notOurs(own, "origNum", b.A)
	}
	return cmp.Or(notOurs(own, "callerNum", b.A), notOurs(own, "calleeNum", other))
}

// reroute replaces the routes of a binding that are not as they were. An unchanged row stands on, with its ValidFrom; one whose caller is the
// same keeps its temporary destination.
func (s *Store) reroute(tx *gorm.DB, old, b models.Binding, now time.Time) error {
	was, want := routesOf(old, time.Time{}), routesOf(b, time.Time{})
	retired := slices.DeleteFunc(slices.Clone(was), func(r models.Route) bool { return slices.Contains(want, r) })
	written := slices.DeleteFunc(slices.Clone(want), func(r models.Route) bool { return slices.Contains(was, r) })
	if len(written) == 0 {
		return nil
	}
	_, met, err := s.standing(tx, want...)
	if err != nil {
		return err
	}
	if err := s.clearWay(tx, met, now, b.ID, numberBound); err != nil {
		return err
	}
	if err := retireRoutes(tx, retired, []string{b.ID}, ending{models.ClosedModified, now}); err != nil {
		return err
	}
	for i := range written {
		w := &written[i]
		w.ValidFrom = now
		for _, r := range met {
			if r.BindingID == b.ID && sameKey(r, *w) {
				w.Temp, w.TempUntil = r.Temp, r.TempUntil
			}
		}
	}
	return addRoutes(tx, written)
}
