package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// AXERequest asks for one AXE binding (spec/privatenumber.md §2.3).
type AXERequest struct {
	App models.App
	Where
	A         models.Party
	Extension string // wanted; "" lets the platform choose
	Settings  models.BindingSettings
}

// BindAXE gives A an extension of an X, or nothing, and A his own row on X unless it stands. It lives for BindTime units of time; 0 is for
// ever. It fails with models.Invalid, NumberNotOwned, NumberAbnormal, NoNumber (no X of the city is left) or ExtensionTaken (the extension is
// in use, or X carries as many as it may). It takes effect at once on every daemon.
func (s *Store) BindAXE(ctx context.Context, r AXERequest) (models.Binding, error) {
	if err := r.valid(); err != nil {
		return models.Binding{}, err
	}
	now, own, err := s.owners(ctx, r.X, r.A, r.A)
	if err != nil {
		return models.Binding{}, wrap("bind", err)
	}
	if err := notOurs(own, "bindNum", r.A); err != nil {
		return models.Binding{}, err
	}
	if r.X != "" {
		if err := appOwns(own, r.App, r.X, "virtualNum"); err != nil {
			return models.Binding{}, err
		}
		return s.bindExtension(ctx, r, r.X)
	}
	q := search{app: r.App, where: r.Where, fill: []span{{0, r.App.Settings.Extension.Most() - 1}}}
	if r.Extension != "" {
		q.apart = []late{{models.Anyone, r.Extension, r.A}}
	}
	return s.bindAny(ctx, q, now, func(ctx context.Context, x string) (models.Binding, error) { return s.bindExtension(ctx, r, x) })
}

func (r AXERequest) valid() error {
	if !r.A.Known() {
		return notANumber("bindNum")
	}
	if r.Extension != "" {
		if err := models.ValidExtension(r.Extension); err != nil {
			return err
		}
		if most := r.App.Settings.Extension.Length(); len(r.Extension) > most {
			return models.Fail(models.Invalid, "extendNum", "extendNum has at most %d digits in this app", most)
		}
	}
	return r.Settings.Validate()
}

// bindExtension makes the binding on one number.
func (s *Store) bindExtension(ctx context.Context, r AXERequest, x string) (b models.Binding, err error) {
	err = s.within(ctx, "bind", func(ctx context.Context, tx *gorm.DB) error {
		err := s.takePlaces(ctx, tx, r.App, x, places{1, r.App.Settings.Extension.Most()})
		if models.CodeOf(err) == models.NoNumber {
			return extensionTaken("the number carries as many extensions as it may")
		}
		if err != nil {
			return err
		}
		e := r.Extension
		if e == "" {
			if e, err = s.freeExtension(ctx, tx, r, x); err != nil {
				return err
			}
		}
		now, met, err := s.standing(tx, models.Route{Dialled: x, Caller: models.Anyone, Extension: e})
		if err != nil {
			return err
		}
		if err := s.clearWay(tx, met, now, "", inUse); err != nil {
			return err
		}
		b = newBinding(r.App, x, r.A, r.Settings, now)
		b.Extension, b.BoundUnit, b.BoundTime = e, r.Settings.TimeUnit, r.Settings.BindTime
		if err := addBinding(tx, &b, now); err != nil {
			return err
		}
		return settleCallback(tx, x, r.A, now, b.ID)
	})
	if err != nil {
		return models.Binding{}, err
	}
	return b, nil
}

func inUse(models.Route) error { return extensionTaken("the extension is in use") }

func extensionTaken(detail string) error {
	return models.Fail(models.ExtensionTaken, "extendNum", "%s", detail)
}

// freeExtension chooses an extension of a number at random, so that one does not come back soon. Those that live are left out, and those
// that somebody else than A had less than the cool-off ago: who keys an old one must not find a stranger.
func (s *Store) freeExtension(ctx context.Context, tx *gorm.DB, r AXERequest, x string) (string, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return "", err
	}
	length := r.App.Settings.Extension.Length()
	most := 1
	for range length {
		most *= 10
	}
	for chunk := range slices.Chunk(rand.Perm(most-1), 100) { //nolint:gosec // it spreads and keeps no secret
		offer := make([]string, len(chunk))
		for i, n := range chunk {
			offer[i] = fmt.Sprintf("%0*d", length, n+1)
		}
		used, err := s.usedExtensions(tx, x, r.A, offer, now)
		if err != nil {
			return "", err
		}
		for _, e := range offer {
			if !slices.Contains(used, e) {
				return e, nil
			}
		}
	}
	return "", extensionTaken("no extension of the number is free")
}

// usedExtensions tells which of the extensions offered A may not have.
func (s *Store) usedExtensions(tx *gorm.DB, x string, a models.Party, offer []string, now time.Time) (used []string, err error) {
	const query = "SELECT r.extension FROM routes r WHERE r.dialled = ? AND r.caller = ? AND r.extension IN ?" +
		" AND (r.expires_at = 0 OR r.expires_at > ?) AND NOT (r.expires_at BETWEEN 1 AND ? AND r.destination = ?)" +
		" UNION ALL SELECT h.extension FROM route_history h WHERE h.dialled = ? AND h.caller = ? AND h.extension IN ?" +
		" AND h.valid_to > ? AND h.destination <> ?"
	left := micros(now.Add(-s.cfg.coolOff()))
	err = each(tx, func(rows *sql.Rows) error {
		var e string
		err := rows.Scan(text(&e))
		used = append(used, e)
		return err
	}, query, x, models.Anyone, offer, left, micros(now), a, x, models.Anyone, offer, left, a)
	return used, err
}

// AXEBy names an AXE binding: by SubscriptionID, which wins, or by X and Extension.
type AXEBy struct {
	SubscriptionID string
	X, Extension   string
}

// UnbindAXE ends an AXE binding of an app. models.NotFound.
func (s *Store) UnbindAXE(ctx context.Context, appID int64, by AXEBy) error {
	id, err := s.axeID(ctx, by)
	if err != nil {
		return err
	}
	_, err = s.unbindOne(ctx, appID, id)
	return err
}

// ModifyAXE lets change alter the settings of an AXE binding of an app, as Modify does. A BindTime that changed counts from now; TimeUnit
// alone restarts nothing, since it is the unit of CallbackTime too: whoever was given a BindTime sets StartedAt to zero. BoundUnit and
// BoundTime stay. models.NotFound or Invalid.
func (s *Store) ModifyAXE(ctx context.Context, appID int64, by AXEBy, change func(*models.Binding) error) (models.Binding, error) {
	id, err := s.axeID(ctx, by)
	if err != nil {
		return models.Binding{}, err
	}
	return s.Modify(ctx, appID, id, change)
}

// axeID is a binding's subscriptionId. Whose it is and whether it lives is looked at later, under the number's lock.
func (s *Store) axeID(ctx context.Context, by AXEBy) (string, error) {
	if by.SubscriptionID != "" {
		return by.SubscriptionID, nil
	}
	_, met, err := s.standing(s.reader(ctx), models.Route{Dialled: by.X, Caller: models.Anyone, Extension: by.Extension})
	if err == nil && len(met) == 0 {
		return "", models.Fail(models.NotFound, "extendNum", "no such binding")
	}
	if err != nil {
		return "", wrap("look a binding up", err)
	}
	return met[0].BindingID, nil
}

// settleCallbacks brings the own rows of AXE in line whose owners' bindings have changed.
func settleCallbacks(tx *gorm.DB, list []models.Binding, now time.Time) error {
	type owner struct {
		x string
		a models.Party
	}
	done := map[owner]bool{}
	for _, b := range list {
		o := owner{b.X, b.A}
		if b.Mode != models.ModeAXE || done[o] {
			continue
		}
		done[o] = true
		if err := settleCallback(tx, b.X, b.A, now, ""); err != nil {
			return err
		}
	}
	return nil
}

// settleCallback makes A's own row on an X of AXE what A's live bindings there want: none without a binding; else it lives as long as the
// last of them and names latest, or whom it names as long as that lives. The last caller in it stays.
func settleCallback(tx *gorm.DB, x string, a models.Party, now time.Time, latest string) error {
	live, err := openOfA(tx, x, a)
	if err != nil {
		return err
	}
	live = slices.DeleteFunc(live, func(b models.Binding) bool { return !b.Live(now) })
	row, stands, err := routeColumns.first(tx, "WHERE "+oneRoute, x, a, models.NoExtension)
	if err != nil {
		return err
	}
	if stands && !row.Live(now) {
		if err := retireOwn(tx, row, ownExpiry); err != nil {
			return err
		}
		stands = false
	}
	switch {
	case len(live) == 0 && stands:
		return retireOwn(tx, row, ending{models.ClosedUnbound, now})
	case len(live) == 0:
		return nil
	}
	want := ownRowOf(live, row.BindingID, latest, now)
	switch {
	case !stands:
		return addRoutes(tx, []models.Route{want})
	case row.BindingID != want.BindingID || !row.ExpiresAt.Equal(want.ExpiresAt):
		row.BindingID, row.ExpiresAt = want.BindingID, want.ExpiresAt
		return changeRoute(tx, row, models.ClosedModified, now)
	}
	return nil
}

// ownRowOf is A's own row while these bindings live.
func ownRowOf(live []models.Binding, named, latest string, now time.Time) models.Route {
	owner, expires := live[len(live)-1], live[0].ExpiresAt
	for _, b := range live {
		if b.ID == latest || latest == "" && b.ID == named {
			owner = b
		}
		if b.ExpiresAt.IsZero() || !expires.IsZero() && b.ExpiresAt.After(expires) {
			expires = b.ExpiresAt
		}
	}
	row := models.AXECallbackRoute(owner, now)
	row.ExpiresAt = expires
	return row
}

func retireOwn(tx *gorm.DB, row models.Route, e ending) error {
	return retireRoutes(tx, []models.Route{row}, []string{row.BindingID}, e)
}
