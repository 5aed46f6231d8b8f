package store

import (
	"context"
	"errors"
	"slices"

	"gorm.io/gorm"

	"maskline/models"
)

var numberColumns = columns[models.Number]{
	table: "numbers",
	names: []string{"id", "tenant_id", "app_id", "number", "area_code", "state", "trunk", "created_at", "cause", "kind", "suspended_for",
		"ends_at", "delivered_at"},
	dest: func(n *models.Number) []any {
		return []any{num(&n.ID), num(&n.TenantID), num(&n.AppID), text(&n.Number), text(&n.AreaCode), num(&n.State), text(&n.Trunk), when(&n.CreatedAt),
			num(&n.Cause), text(&n.Kind), text(&n.SuspendedFor), when(&n.EndsAt), when(&n.DeliveredAt)}
	},
}

// newNumbers is numberColumns for writing: the count of pairs begins at 0.
var newNumbers = columns[models.Number]{
	table: "numbers",
	names: []string{"tenant_id", "app_id", "number", "area_code", "state", "trunk", "pairs", "created_at", "kind", "delivered_at"},
	values: func(n *models.Number) []any {
		return []any{n.TenantID, n.AppID, n.Number, n.AreaCode, int(n.State), n.Trunk, 0, micros(n.CreatedAt), string(n.Kind),
			micros(n.DeliveredAt)}
	},
}

// AddNumbers stores numbers, all or none; SuspendedFor and EndsAt are not written. State 0 is normal, Kind "" is NumberDisplay in an app of ModeVoice and NumberPrivate in others;
// TenantID is taken from the app. A number that exists, or that rests in stock after
// its return, is models.Conflict with the number as Param; an app that does not is models.NotFound. One that is free in stock leaves it.
func (s *Store) AddNumbers(ctx context.Context, list []models.Number) error {
	rows := slices.Clone(list)
	seen := map[string]bool{}
	for i := range rows {
		if rows[i].State == 0 {
			rows[i].State = models.NumberNormal
		}
		if err := validNumber(rows[i], seen); err != nil {
			return err
		}
	}
	return s.within(ctx, "add numbers", func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		apps := map[int64]models.App{}
		for i := range rows {
			n := &rows[i]
			if _, ok := apps[n.AppID]; !ok {
				if apps[n.AppID], err = s.App(ctx, n.AppID); err != nil {
					return err
				}
			}
			n.TenantID, n.CreatedAt = apps[n.AppID].TenantID, now
			n.Kind = kindIn(apps[n.AppID], n.Kind)
		}
		if err := leaveStock(tx, rows, now); err != nil {
			return err
		}
		return insertNumbers(tx, rows)
	})
}

// kindIn is a new number's kind with its default in an app.
func kindIn(app models.App, kind models.NumberKind) models.NumberKind {
	switch {
	case kind != "":
		return kind
	case app.Mode == models.ModeVoice:
		return models.NumberDisplay
	}
	return models.NumberPrivate
}

func validNumber(n models.Number, seen map[string]bool) error {
	if err := n.Validate(); err != nil {
		return err
	}
	if err := validNumberState(n.State); err != nil {
		return err
	}
	if !slices.Contains([]models.NumberKind{"", models.NumberPrivate, models.NumberDisplay}, n.Kind) {
		return models.Fail(models.Invalid, "kind", "kind %q is unknown; it is private or display", n.Kind)
	}
	if seen[n.Number] {
		return models.Fail(models.Invalid, n.Number, "the number is named twice")
	}
	seen[n.Number] = true
	return nil
}

// insertNumbers writes in chunks of 100, so that a statement stays within what a database takes.
func insertNumbers(tx *gorm.DB, rows []models.Number) error {
	for chunk := range slices.Chunk(rows, 100) {
		names := make([]string, len(chunk))
		pointers := make([]*models.Number, len(chunk))
		for i := range chunk {
			names[i], pointers[i] = chunk[i].Number, &chunk[i]
		}
		err := newNumbers.add(tx, pointers...)
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			var taken string
			if _, err := one(tx, []any{text(&taken)}, "SELECT number FROM numbers WHERE number IN ? ORDER BY number LIMIT 1", names); err != nil {
				return err
			}
			return models.Fail(models.Conflict, taken, "the number belongs to an app already")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func validNumberState(st models.NumberState) error {
	if !slices.Contains([]models.NumberState{models.NumberNormal, models.NumberSuspended, models.NumberUnavailable, models.NumberBindFrozen}, st) {
		return models.Fail(models.Invalid, "state", "a number's state is 5 (normal), 9 (suspended), 10 (unavailable) or 11 (binding frozen)")
	}
	return nil
}

// NumberFilter narrows Numbers; zero fields narrow nothing.
type NumberFilter struct {
	AppID    int64
	TenantID int64
	Area     string
	State    models.NumberState
	Kind     models.NumberKind
	Number   string // the beginning of it
}

// Numbers lists numbers, newest first.
func (s *Store) Numbers(ctx context.Context, f NumberFilter, page models.Page) ([]models.Number, int, error) {
	var c conditions
	is(&c, "t.app_id", f.AppID)
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.area_code", f.Area)
	is(&c, "t.state", f.State)
	is(&c, "t.kind", f.Kind)
	begins(&c, "t.number", f.Number)
	return listed(ctx, s, numberColumns, c, "t.id DESC", page)
}

// Number reads one number by its global form; models.NotFound.
func (s *Store) Number(ctx context.Context, number string) (models.Number, error) {
	n, found, err := numberColumns.first(s.reader(ctx), "WHERE t.number = ?", number)
	return n, known(found, wrap("read number", err), "number", "no such number")
}

// displayMost is how many numbers DisplayNumbers gives.
const displayMost = 1000

// DisplayNumbers lists the numbers that an app's placed calls may show, those in order first, at most 1000.
func (s *Store) DisplayNumbers(ctx context.Context, appID int64) ([]models.Number, error) {
	list, err := numberColumns.all(s.reader(ctx), "WHERE t.app_id = ? AND t.kind = ? ORDER BY t.state, t.pairs, t.id LIMIT ?",
		appID, string(models.NumberDisplay), displayMost)
	return list, wrap("read display numbers", err)
}

// SetNumberState changes a number's state and, when it is unavailable, why: cause is 1 to 9 then, 0 if nobody knows, and 0 in other states
// (spec/privatenumber.md §4.5). It is the operator's word: a number that was suspended for arrears is not restored by a recharge after it. If
// anything changed, tell makes pushes of it, which commit with it and come back with their ids; nil makes
// none. models.NotFound or Invalid.
func (s *Store) SetNumberState(ctx context.Context, number string, st models.NumberState, cause int, tell func(models.App, models.Number) []models.Delivery,
) (n models.Number, told []models.Delivery, err error) {
	if err := validNumberState(st); err != nil {
		return n, nil, err
	}
	if cause < 0 || cause > 9 || cause > 0 && st != models.NumberUnavailable {
		return n, nil, models.Fail(models.Invalid, "cause", "cause is 1 to 9 and says why a number is unavailable (state 10)")
	}
	err = s.within(ctx, "set number's state", func(ctx context.Context, tx *gorm.DB) (err error) {
		told = nil
		if err = lockNumber(tx, number); err != nil {
			return err
		}
		if n, err = s.Number(ctx, number); err != nil || n.State == st && n.Cause == cause && n.SuspendedFor == "" {
			return err
		}
		changed := n.State != st || n.Cause != cause
		n.State, n.Cause, n.SuspendedFor = st, cause, ""
		if _, err = run(tx, "UPDATE numbers SET state = ?, cause = ?, suspended_for = '' WHERE number = ?", int(st), cause, number); err != nil ||
			tell == nil || !changed {
			return err
		}
		app, err := s.App(ctx, n.AppID)
		if err != nil {
			return err
		}
		told = tell(app, n)
		for i := range told {
			if err := addDelivery(tx, &told[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return models.Number{}, nil, err
	}
	return n, told, nil
}

// lockNumbers is lockNumber for several, in order.
func lockNumbers(tx *gorm.DB, numbers []string) error {
	numbers = slices.Clone(numbers)
	slices.Sort(numbers)
	for _, x := range slices.Compact(numbers) {
		if err := lockNumber(tx, x); err != nil {
			return err
		}
	}
	return nil
}

// lockNumber takes the row of a number until the end of the transaction: whoever changes its bindings or routes does so first.
func lockNumber(tx *gorm.DB, number string) error {
	_, err := run(tx, "UPDATE numbers SET pairs = pairs WHERE number = ?", number)
	return err
}
