package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// relationsPerY is how many relations one Y serves at most (spec/privatenumber.md §2.4): a number's places. An X takes all of them.
const relationsPerY = 1000

// AXYBRequest asks for the first step of AXYB: an X for A (spec/privatenumber.md §2.4).
type AXYBRequest AXRequest

// BindAXYB gives A an X for himself, as BindAX does and with its failures. A number that is some relation's Y is no X.
func (s *Store) BindAXYB(ctx context.Context, r AXYBRequest) (models.Binding, error) {
	return s.hold(ctx, AXRequest(r), places{relationsPerY, relationsPerY})
}

// BindYB is the second step of AXYB: it gives B a Y on A's binding, in the city of where. The relation has its parent's settings, but for
// tones, user data and Lifetime that settings name; it lives as long as its parent at most.
//
// It fails with models.NotFound (the parent), Invalid, NumberBound, whose Param is B, when B has a Y there already, or NoNumber.
func (s *Store) BindYB(ctx context.Context, appID int64, parentID string, b models.Party, where Where, settings models.BindingSettings) (models.Binding, error) {
	if err := settings.Validate(); err != nil {
		return models.Binding{}, err
	}
	parent, err := s.axybParent(ctx, appID, parentID)
	if err != nil {
		return models.Binding{}, err
	}
	own := parent.BindingSettings
	own.Lifetime = settings.Lifetime
	orElse(&own.PreVoiceA, settings.PreVoiceA)
	orElse(&own.PreVoiceB, settings.PreVoiceB)
	orElse(&own.UserData, settings.UserData)
	return s.relate(ctx, parent, b, where, own)
}

func orElse(to *string, v string) {
	if v != "" {
		*to = v
	}
}

// AllocateY is the first call of B on an X that only AXYB's first step has bound: B gets a Y of X's own city, for YBLifetime. Two first calls
// at once get one Y, and so does a B who has one. It fails with models.NotFound (the parent), Invalid (B is hidden, or A, or one of the
// platform's numbers) or NoNumber.
func (s *Store) AllocateY(ctx context.Context, parentID string, b models.Party) (models.Binding, error) {
	parent, err := s.axybParent(ctx, 0, parentID)
	if err != nil {
		return models.Binding{}, err
	}
	x, err := s.Number(ctx, parent.X)
	if err != nil {
		return models.Binding{}, err
	}
	settings := parent.BindingSettings
	settings.Lifetime = settings.YBLifetime
	made, err := s.relate(ctx, parent, b, Where{Area: x.AreaCode}, settings)
	if models.CodeOf(err) != models.NumberBound && models.CodeOf(err) != models.NoNumber {
		return made, err
	}
	// Somebody may have been faster; with the last Y, even.
	if standing, found, look := s.relationOf(ctx, parent, b); look != nil || found {
		return standing, look
	}
	return models.Binding{}, err
}

// axybParent reads the live first step of AXYB.
func (s *Store) axybParent(ctx context.Context, appID int64, id string) (models.Binding, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return models.Binding{}, err
	}
	b, err := s.liveBinding(ctx, appID, id, now)
	if err == nil && (b.Mode != models.ModeAXYB || b.Parent != "") {
		return models.Binding{}, noSuchBinding()
	}
	return b, err
}

// relationOf is the live relation that B has on an X.
func (s *Store) relationOf(ctx context.Context, parent models.Binding, b models.Party) (models.Binding, bool, error) {
	now, met, err := s.standing(s.reader(ctx), models.Route{Dialled: parent.X, Caller: b, Extension: models.NoExtension})
	if err != nil || len(met) == 0 || !met[0].Live(now) {
		return models.Binding{}, false, wrap("look a relation up", err)
	}
	yb, err := s.Binding(ctx, parent.AppID, met[0].BindingID)
	return yb, err == nil && yb.Parent == parent.ID, err
}

// relate chooses a Y and makes the relation. The numbers that are a Y already come first, so that others are left to become an X.
func (s *Store) relate(ctx context.Context, parent models.Binding, b models.Party, where Where, settings models.BindingSettings) (models.Binding, error) {
	if !b.Known() {
		return models.Binding{}, notANumber("origNum")
	}
	if b == parent.A {
		return models.Binding{}, models.Fail(models.Invalid, "origNum", "origNum is the A of the binding")
	}
	now, own, err := s.owners(ctx, where.X, b, b)
	if err != nil {
		return models.Binding{}, wrap("bind", err)
	}
	if err := notOurs(own, "origNum", b); err != nil {
		return models.Binding{}, err
	}
	app := models.App{ID: parent.AppID, TenantID: parent.TenantID, Mode: parent.Mode}
	if where.X != "" {
		if err := appOwns(own, app, where.X, "relationNum"); err != nil {
			return models.Binding{}, err
		}
		return s.relateTo(ctx, app, parent, b, where.X, settings)
	}
	_, found, err := s.relationOf(ctx, parent, b)
	if err == nil && found {
		err = numberBound(models.Route{Caller: b})
	}
	if err != nil {
		return models.Binding{}, err
	}
	q := search{app: app, where: where, but: parent.X, fill: []span{{1, relationsPerY - 1}, {0, 0}}, apart: []late{{parent.A, models.NoExtension, b}}}
	return s.bindAny(ctx, q, now, func(ctx context.Context, y string) (models.Binding, error) {
		return s.relateTo(ctx, app, parent, b, y, settings)
	})
}

// relateTo makes the relation with one Y.
func (s *Store) relateTo(ctx context.Context, app models.App, parent models.Binding, b models.Party, y string, settings models.BindingSettings) (yb models.Binding, err error) {
	err = s.within(ctx, "bind", func(ctx context.Context, tx *gorm.DB) error {
		if err := lockNumbers(tx, []string{parent.X, y}); err != nil {
			return err
		}
		wanted := models.YBRoutes(models.Binding{X: parent.X, Y: y, A: parent.A, B: b}, time.Time{})
		now, met, err := s.standing(tx, wanted...)
		if err != nil {
			return err
		}
		if _, err := s.liveBinding(ctx, parent.AppID, parent.ID, now); err != nil {
			return err
		}
		if err := s.clearWay(tx, met, now, "", func(r models.Route) error { return related(r, b) }); err != nil {
			return err
		}
		if err := s.takePlaces(ctx, tx, app, y, places{1, relationsPerY}); err != nil {
			return err
		}
		yb = newBinding(app, parent.X, parent.A, settings, now)
		yb.B, yb.Y, yb.Parent = b, y, parent.ID
		if end := parent.ExpiresAt; yb.ExpiresAt.IsZero() || !end.IsZero() && end.Before(yb.ExpiresAt) {
			yb.ExpiresAt = end
		}
		return addBinding(tx, &yb, now)
	})
	if err != nil {
		return models.Binding{}, err
	}
	return yb, nil
}

// related is the conflict with a live row: B has a Y on this X, or A another B behind this Y.
func related(r models.Route, b models.Party) error {
	if r.Caller == b {
		return numberBound(r)
	}
	return models.Fail(models.NoNumber, "relationNum", "the number serves another relation of this A")
}

// AXYBBy names what of AXYB to unbind: an X with all its relations, by SubscriptionID; with a Y, or else a B, that relation of it alone.
type AXYBBy struct {
	SubscriptionID string
	Y              string
	B              models.Party
}

// UnbindAXYB ends what by names, in one transaction. A SubscriptionID of a relation ends that relation. models.NotFound.
func (s *Store) UnbindAXYB(ctx context.Context, appID int64, by AXYBBy) error {
	seen, err := s.Binding(ctx, appID, by.SubscriptionID)
	if err != nil {
		return err
	}
	return s.within(ctx, "unbind", func(ctx context.Context, tx *gorm.DB) error {
		if err := lockFamily(tx, seen); err != nil {
			return err
		}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		live, err := s.liveBinding(ctx, appID, by.SubscriptionID, now)
		if err != nil {
			return err
		}
		family, err := familyOf(tx, live)
		if err != nil {
			return err
		}
		family = slices.DeleteFunc(family, func(b models.Binding) bool { return !by.names(b) })
		if !slices.ContainsFunc(family, func(b models.Binding) bool { return b.Live(now) }) {
			return noSuchBinding()
		}
		return closeBindings(tx, family, now)
	})
}

// names says whether a binding of the family is meant.
func (by AXYBBy) names(b models.Binding) bool {
	switch {
	case by.Y != "":
		return b.Y == by.Y
	case !by.B.IsZero():
		return b.B == by.B
	}
	return true
}

// familyOf is an open binding with the relations that hang on it.
func familyOf(tx *gorm.DB, b models.Binding) ([]models.Binding, error) {
	return bindingColumns.all(tx, "WHERE t.x = ? AND t.closed_at = 0 AND (t.id = ? OR t.parent = ?) ORDER BY t.seq", b.X, b.ID, b.ID)
}

// lockFamily locks the numbers of a family in order. One that a call adds meanwhile is locked when it is closed; that it is out of order
// then costs a retry at worst.
func lockFamily(tx *gorm.DB, b models.Binding) error {
	family, err := familyOf(tx, b)
	if err != nil {
		return err
	}
	numbers := []string{b.X}
	for _, f := range family {
		if f.Y != "" {
			numbers = append(numbers, f.Y)
		}
	}
	return lockNumbers(tx, numbers)
}
