package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"maskline/models"
)

// closeBatch is how many bindings one transaction closes.
const closeBatch = 200

// UnbindBy names what to unbind: one binding, or every binding on a number. SubscriptionID wins (spec/privatenumber.md §2.1).
type UnbindBy struct {
	SubscriptionID string
	X              string
}

// Unbind ends bindings of an app and tells how many were live. models.NotFound when there was none; NumberNotOwned for an X that is none of
// the app's. All bindings of an X are ended in transactions of at most 200; ended ones stay ended if a later transaction fails.
func (s *Store) Unbind(ctx context.Context, appID int64, by UnbindBy) (n int, err error) {
	if by.SubscriptionID != "" {
		return s.unbindOne(ctx, appID, by.SubscriptionID)
	}
	number, err := s.Number(ctx, by.X)
	if models.CodeOf(err) == models.NotFound || err == nil && number.AppID != appID {
		return 0, models.Fail(models.NumberNotOwned, "relationNum", "the number is none of this app")
	}
	if err != nil {
		return 0, err
	}
	for {
		met, live, err := s.unbindSome(ctx, by.X)
		n += live
		if err != nil {
			return n, err
		}
		if met < closeBatch {
			break
		}
	}
	if n == 0 {
		return 0, models.Fail(models.NotFound, "relationNum", "the number has no binding")
	}
	return n, nil
}

func (s *Store) unbindOne(ctx context.Context, appID int64, id string) (int, error) {
	b, err := s.Binding(ctx, appID, id)
	if err != nil {
		return 0, err
	}
	err = s.within(ctx, "unbind", func(ctx context.Context, tx *gorm.DB) error {
		if err := lockNumber(tx, b.X); err != nil {
			return err
		}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		live, err := s.liveBinding(ctx, appID, id, now)
		if err != nil {
			return err
		}
		return closeBindings(tx, []models.Binding{live}, now)
	})
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func (s *Store) unbindSome(ctx context.Context, x string) (met, live int, err error) {
	err = s.within(ctx, "unbind number", func(ctx context.Context, tx *gorm.DB) error {
		met, live = 0, 0
		if err := lockNumber(tx, x); err != nil {
			return err
		}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		list, err := bindingColumns.all(tx, fmt.Sprintf("WHERE t.x = ? AND t.closed_at = 0 LIMIT %d", closeBatch), x)
		if err != nil {
			return err
		}
		for _, b := range list {
			if b.Live(now) {
				live++
			}
		}
		met = len(list)
		return closeBindings(tx, list, now)
	})
	if err != nil {
		live = 0
	}
	return met, live, err
}
