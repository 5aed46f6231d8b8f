package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// SetTemp says whom A reaches when he dials X next, for so long; a ttl of 0 is as long as the binding. Setting again overwrites
// (spec/privatenumber.md §2.2). It fails with models.NotFound, NotBound, or Invalid: callee is no number, one of the platform's own, or A.
func (s *Store) SetTemp(ctx context.Context, appID int64, by AXBy, callee models.Party, ttl time.Duration) (models.Binding, error) {
	if !callee.Known() {
		return models.Binding{}, notANumber("calleeNum")
	}
	if ttl < 0 {
		return models.Binding{}, models.Fail(models.Invalid, "duration", "duration is a time in seconds")
	}
	_, own, err := s.owners(ctx, "", callee, callee)
	if err != nil {
		return models.Binding{}, wrap("set temporary callee", err)
	}
	if err := notOurs(own, "calleeNum", callee); err != nil {
		return models.Binding{}, err
	}
	id, err := s.axID(ctx, appID, by)
	if err != nil {
		return models.Binding{}, err
	}
	seen, err := s.Binding(ctx, appID, id)
	if err != nil {
		return models.Binding{}, err
	}
	var b models.Binding
	err = s.within(ctx, "set temporary callee", func(ctx context.Context, tx *gorm.DB) error {
		if err := lockNumber(tx, seen.X); err != nil {
			return err
		}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		if b, err = s.liveBinding(ctx, appID, id, now); err != nil {
			return err
		}
		if b.A == callee {
			return models.Fail(models.Invalid, "calleeNum", "calleeNum is origNum itself")
		}
		row, stands, err := ownRow(tx, b.X, b.A, now)
		if err != nil || !stands {
			return known(stands, err, "subscriptionId", "no such binding, or it has ended")
		}
		row.Temp, row.TempUntil = callee, time.Time{}
		if ttl > 0 {
			row.TempUntil = now.Add(ttl)
		}
		return changeRoute(tx, row, models.TempSet, now)
	})
	if err != nil {
		return models.Binding{}, err
	}
	return b, nil
}

// ownRow reads the row of A on his own X, if it stands.
func ownRow(tx *gorm.DB, x string, a models.Party, now time.Time) (models.Route, bool, error) {
	r, found, err := routeColumns.first(tx, "WHERE "+oneRoute, x, a, models.NoExtension)
	return r, found && r.Live(now), err
}

// touched are the numbers whose rows a change alters. They are locked first and in order, so that groups of several daemons do not meet
// crosswise.
func touched(ch models.Change) []string {
	if ch.UseTemp || ch.CallBack {
		return []string{ch.Session.Dialled}
	}
	return nil
}

// applyTemp does what a step of a call does to temporary destinations. A row that is gone stays gone.
func (s *Store) applyTemp(ctx context.Context, tx *gorm.DB, ch models.Change) error {
	if !ch.UseTemp && !ch.CallBack {
		return nil
	}
	now, err := s.Now(ctx)
	if err == nil && ch.UseTemp {
		err = useTemp(tx, ch.Session, now)
	}
	if err == nil && ch.CallBack {
		err = callBack(tx, ch.Session, ch.CallBackUntil, now)
	}
	return err
}

// useTemp clears the caller's temporary callee, unless the tenant has set another one since.
func useTemp(tx *gorm.DB, v models.Session, now time.Time) error {
	row, stands, err := ownRow(tx, v.Dialled, v.Caller, now)
	if err != nil || !stands || row.Temp.IsZero() || row.Temp != v.Callee {
		return err
	}
	row.Temp, row.TempUntil = models.Party{}, time.Time{}
	return changeRoute(tx, row, models.TempUsed, now)
}

// callBack lets the callee call this caller back. His row then names the binding by which he was called, while that lives. Nobody can call
// back a hidden caller: he is not recorded, and who called before stays.
func callBack(tx *gorm.DB, v models.Session, until, now time.Time) error {
	if !v.Caller.Known() {
		return nil
	}
	row, stands, err := ownRow(tx, v.Dialled, v.Callee, now)
	if err != nil || !stands || row.Side != models.SideA {
		return err
	}
	b, found, err := bindingColumns.first(tx, "WHERE t.id = ?", v.BindingID)
	if err != nil {
		return err
	}
	if found && b.Live(now) && b.X == v.Dialled && b.A == v.Callee {
		row.BindingID = b.ID
	}
	row.Temp, row.TempUntil = v.Caller, clean(until)
	return changeRoute(tx, row, models.TempCall, now)
}
