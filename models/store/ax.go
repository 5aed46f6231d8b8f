package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// xPerA is how many X one A holds at most, in an app (spec/privatenumber.md §2.2, §2.4).
const xPerA = 5

// errQuota is behind the models.NumberTaken that no other number would mend.
var errQuota = errors.New("a holds as many numbers as he may")

// AXRequest asks for one AX binding (spec/privatenumber.md §2.2).
type AXRequest struct {
	App models.App
	Where
	A        models.Party
	Settings models.BindingSettings
}

// BindAX gives A an X for himself, with both its routes, or nothing. It fails with models.Invalid (A is no number, or one of the platform's
// own), NumberNotOwned, NumberAbnormal, NoNumber (none is free in the city), NumberTaken (X belongs to another, or A has 5 already) or
// BoundAlready (X is his). It takes effect at once on every daemon.
func (s *Store) BindAX(ctx context.Context, r AXRequest) (models.Binding, error) {
	return s.hold(ctx, r, places{1, 1})
}

// hold binds an X to one A alone: all of AX, and the first step of AXYB.
func (s *Store) hold(ctx context.Context, r AXRequest, p places) (models.Binding, error) {
	if !r.A.Known() {
		return models.Binding{}, notANumber("origNum")
	}
	if err := r.Settings.Validate(); err != nil {
		return models.Binding{}, err
	}
	now, own, err := s.owners(ctx, r.X, r.A, r.A)
	if err != nil {
		return models.Binding{}, wrap("bind", err)
	}
	if err := notOurs(own, "origNum", r.A); err != nil {
		return models.Binding{}, err
	}
	if r.X != "" {
		if err := appOwns(own, r.App, r.X, "privateNum"); err != nil {
			return models.Binding{}, err
		}
		return s.holdX(ctx, r, r.X, p)
	}
	held, err := s.held(s.reader(ctx), r.App.ID, r.A, now, "")
	if err != nil {
		return models.Binding{}, wrap("bind", err)
	}
	if held >= xPerA {
		return models.Binding{}, quotaUsed()
	}
	// Callers of X are strangers: after another A's, none may find this one. As A's own may.
	q := search{app: r.App, where: r.Where, fill: []span{{0, 0}}, apart: []late{{models.Anyone, models.NoExtension, r.A}}, restedY: true}
	return s.bindAny(ctx, q, now, func(ctx context.Context, x string) (models.Binding, error) { return s.holdX(ctx, r, x, p) })
}

// holdX makes the binding on one number.
func (s *Store) holdX(ctx context.Context, r AXRequest, x string, p places) (b models.Binding, err error) {
	err = s.within(ctx, "bind", func(ctx context.Context, tx *gorm.DB) error {
		if err := lockNumber(tx, x); err != nil {
			return err
		}
		now, met, err := s.standing(tx, models.AXRoutes(models.Binding{X: x, A: r.A}, time.Time{})...)
		if err != nil {
			return err
		}
		if err := s.clearWay(tx, met, now, "", func(standing models.Route) error { return holds(standing, r.A) }); err != nil {
			return err
		}
		if err := s.takePlaces(ctx, tx, r.App, x, p); err != nil {
			return err
		}
		b = newBinding(r.App, x, r.A, r.Settings, now)
		if err := addBinding(tx, &b, now); err != nil {
			return err
		}
		return s.heedQuota(tx, b, now)
	})
	if err != nil {
		return models.Binding{}, err
	}
	return b, nil
}

// holds is the conflict with a live row of an X that belongs to one A.
func holds(r models.Route, a models.Party) error {
	if r.Caller == models.Anyone && r.Destination == a {
		return models.Fail(models.BoundAlready, "privateNum", "the number is bound to origNum already")
	}
	return models.Fail(models.NumberTaken, "privateNum", "the number belongs to another")
}

// held counts the X that A holds in an app. lock is SQL behind the query.
func (s *Store) held(db *gorm.DB, appID int64, a models.Party, now time.Time, lock string) (n int, err error) {
	_, err = one(db, []any{num(&n)}, "SELECT COUNT(*) FROM bindings WHERE a = ? AND closed_at = 0 AND +app_id = ? AND parent = ''"+
		" AND (expires_at = 0 OR expires_at > ?)"+lock, a, appID, micros(now))
	return n, err
}

// heedQuota refuses an X too many, when its binding is written. Two that are bound at once on two numbers see each other here: on MySQL the
// rows are read under locks, and one of the two waits for the other or loses the deadlock.
func (s *Store) heedQuota(tx *gorm.DB, b models.Binding, now time.Time) error {
	if b.Mode != models.ModeAX && b.Mode != models.ModeAXYB {
		return nil
	}
	lock := ""
	if s.cfg.Driver == MySQL {
		lock = " FOR UPDATE"
	}
	n, err := s.held(tx, b.AppID, b.A, now, lock)
	if err == nil && n > xPerA {
		return quotaUsed()
	}
	return err
}

func quotaUsed() error {
	return &models.Error{Code: models.NumberTaken, Param: "origNum", Detail: "origNum has 5 numbers, as many as it may", Err: errQuota}
}

// AXBy names an AX binding: by SubscriptionID, which wins, or by X, since X belongs to one A (spec/privatenumber.md §2.2). With X, an A that
// is given must be the one.
type AXBy struct {
	SubscriptionID string
	A              models.Party
	X              string
}

// UnbindAX ends an AX binding of an app; A is not looked at (spec/privatenumber.md §2.2). It fails with models.NotFound, or with NotBound for
// an X that is the app's and belongs to nobody.
func (s *Store) UnbindAX(ctx context.Context, appID int64, by AXBy) error {
	by.A = models.Party{}
	id, err := s.axID(ctx, appID, by)
	if err != nil {
		return err
	}
	_, err = s.unbindOne(ctx, appID, id)
	return err
}

// ModifyAX lets change alter an AX binding of an app, A and settings, as Modify does. A number with another A leads to him at once, and his own
// calls to the temporary callee that he sets. Failures are those of Modify and UnbindAX.
func (s *Store) ModifyAX(ctx context.Context, appID int64, by AXBy, change func(*models.Binding) error) (models.Binding, error) {
	id, err := s.axID(ctx, appID, by)
	if err != nil {
		return models.Binding{}, err
	}
	return s.Modify(ctx, appID, id, change)
}

// axID is the subscriptionId of a live AX binding.
func (s *Store) axID(ctx context.Context, appID int64, by AXBy) (string, error) {
	if by.SubscriptionID != "" {
		return by.SubscriptionID, nil
	}
	number, err := s.Number(ctx, by.X)
	if models.CodeOf(err) == models.NotFound || err == nil && number.AppID != appID {
		return "", noSuchBinding()
	}
	if err != nil {
		return "", err
	}
	now, met, err := s.standing(s.reader(ctx), models.Route{Dialled: by.X, Caller: models.Anyone, Extension: models.NoExtension})
	switch {
	case err != nil:
		return "", wrap("look a binding up", err)
	case len(met) == 0 || !met[0].Live(now):
		return "", models.Fail(models.NotBound, "privateNum", "the number belongs to nobody")
	case !by.A.IsZero() && met[0].Destination != by.A:
		return "", noSuchBinding()
	}
	return met[0].BindingID, nil
}
