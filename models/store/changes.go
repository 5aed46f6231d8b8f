package store

import (
	"context"

	"gorm.io/gorm"

	"maskline/models"
)

// NumberChange is one row of a batch of changes; zero fields change nothing.
type NumberChange struct {
	Number   string
	TenantID int64 // whose it must be; 0 does not look
	State    models.NumberState
	Cause    int // with State 10
	AreaCode string
	Trunk    *string // "" is the configured order
	AppID    int64   // to move it
}

// ChangesMost is how many rows a batch of changes has.
const ChangesMost = 5000

// changesBatch is how many of them one transaction writes: fewer than would hold others up, more than would sync the disk for each.
const changesBatch = 50

// ChangeNumbers changes numbers, each row wholly or not at all, and gives why not for each of them (nil: changed). tell makes pushes of changed
// states, as for SetNumberState; told are those pushes. When a later part fails, whose rows then have err, what was changed before stays; the same
// batch again is harmless.
func (s *Store) ChangeNumbers(ctx context.Context, changes []NumberChange, tell func(models.App, models.Number) []models.Delivery,
) (rows []error, told []models.Delivery, err error) {
	if len(changes) > ChangesMost {
		return nil, nil, models.Fail(models.Invalid, "changes", "a batch has at most %d rows", ChangesMost)
	}
	rows = make([]error, len(changes))
	for from := 0; from < len(changes); from += changesBatch {
		chunk := changes[from:min(from+changesBatch, len(changes))]
		var pushes []models.Delivery
		err = s.within(ctx, "change numbers", func(ctx context.Context, tx *gorm.DB) error {
			pushes = nil
			names := make([]string, len(chunk))
			for i, c := range chunk {
				names[i] = c.Number
			}
			if err := lockNumbers(tx, names); err != nil {
				return err
			}
			for i, c := range chunk {
				made, err := s.changeNumber(ctx, c, tell)
				if rows[from+i] = err; err != nil && models.CodeOf(err) == models.Internal {
					return err
				}
				pushes = append(pushes, made...)
			}
			return nil
		})
		if err != nil {
			for i := from; i < len(rows); i++ {
				rows[i] = err
			}
			return rows, told, err
		}
		told = append(told, pushes...)
	}
	return rows, told, nil
}

// changeNumber does one row.
func (s *Store) changeNumber(ctx context.Context, c NumberChange, tell func(models.App, models.Number) []models.Delivery) (told []models.Delivery, err error) {
	err = s.within(ctx, "change number", func(ctx context.Context, tx *gorm.DB) error {
		n, err := s.Number(ctx, c.Number)
		if err == nil && c.TenantID != 0 && n.TenantID != c.TenantID {
			err = models.Fail(models.NotFound, "number", "no such number")
		}
		if err != nil {
			return err
		}
		if c.AppID != 0 {
			if _, err := s.MoveNumber(ctx, c.Number, c.AppID); err != nil {
				return err
			}
		}
		if err := changePlace(tx, n, c); err != nil || c.State == 0 {
			return err
		}
		_, told, err = s.SetNumberState(ctx, c.Number, c.State, c.Cause, tell)
		return err
	})
	if err != nil {
		return nil, err
	}
	return told, nil
}

// changePlace writes a number's city and trunk.
func changePlace(tx *gorm.DB, n models.Number, c NumberChange) error {
	if c.AreaCode == "" && c.Trunk == nil {
		return nil
	}
	if c.AreaCode != "" {
		n.AreaCode = c.AreaCode
	}
	if c.Trunk != nil {
		n.Trunk = *c.Trunk
	}
	if err := n.Validate(); err != nil {
		return err
	}
	if len(n.Trunk) > 64 {
		return models.Fail(models.Invalid, "trunk", "a trunk's name has at most 64 characters")
	}
	_, err := run(tx, "UPDATE numbers SET area_code = ?, trunk = ? WHERE number = ?", n.AreaCode, n.Trunk, n.Number)
	return err
}
