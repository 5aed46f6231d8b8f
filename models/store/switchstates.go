package store

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"maskline/models"
)

var switchColumns = columns[models.SwitchRow]{
	table: "switch_states",
	names: []string{
		"name", "wanted", "shutdown", "ordered_by", "ordered_at", "state", "state_at", "daemon", "up", "core", "version", "sessions", "shut_core", "seen_at",
	},
	values: func(r *models.SwitchRow) []any {
		o, s := r.Order, r.Sight
		return []any{
			r.Name, o.Wanted, bit(o.Shutdown), o.By, micros(o.At), s.State, micros(s.Since), s.Daemon, bit(s.Up), s.Core, s.Version, s.Sessions, s.ShutCore, micros(s.At),
		}
	},
	dest: func(r *models.SwitchRow) []any {
		o, s := &r.Order, &r.Sight
		return []any{
			text(&r.Name), text(&o.Wanted), flag(&o.Shutdown), text(&o.By), when(&o.At), text(&s.State), when(&s.Since), text(&s.Daemon), flag(&s.Up), text(&s.Core),
			text(&s.Version), num(&s.Sessions), text(&s.ShutCore), when(&s.At),
		}
	},
}

// Switches lists what is known of switches, by name. A switch that nobody has seen or ordered anything of has no row.
func (s *Store) Switches(ctx context.Context, page models.Page) ([]models.SwitchRow, int, error) {
	return listed(ctx, s, switchColumns, conditions{}, "t.name", page)
}

// OrderSwitch writes what is wanted of a switch: to serve, or to drain and then, with shutdown, to end. Of two orders the later holds. The name has
// 1 to 64 characters and is not looked up anywhere; wanted is one of the two: else models.Invalid.
func (s *Store) OrderSwitch(ctx context.Context, name string, o models.SwitchOrder) (r models.SwitchRow, err error) {
	if o.Wanted != models.SwitchServing && o.Wanted != models.SwitchDraining {
		return r, models.Fail(models.Invalid, "state", "state is %s or %s", models.SwitchServing, models.SwitchDraining)
	}
	if o.Shutdown && o.Wanted == models.SwitchServing {
		return r, models.Fail(models.Invalid, "shutdown", "shutdown goes with %s", models.SwitchDraining)
	}
	err = s.withSwitch(ctx, "order switch", name, func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		_, err = run(tx, "UPDATE switch_states SET wanted = ?, shutdown = ?, ordered_by = ?, ordered_at = ?, shut_core = '' WHERE name = ?",
			o.Wanted, bit(o.Shutdown), clip(o.By, whoMost), micros(now), name)
		if err != nil {
			return err
		}
		r, _, err = switchColumns.first(tx, "WHERE t.name = ?", name)
		return err
	})
	return r, err
}

// SeeSwitch writes how the daemon that holds a switch's connections sees it now. Since and At are the store's clock: Since stays while State does.
// ShutCore is not written: MarkShut is.
func (s *Store) SeeSwitch(ctx context.Context, name string, is models.SwitchSight) error {
	return s.withSwitch(ctx, "note switch", name, func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		// state_at first: MySQL reads what it has just set.
		_, err = run(tx, "UPDATE switch_states SET state_at = CASE WHEN state = ? THEN state_at ELSE ? END, state = ?, daemon = ?, up = ?, core = ?, version = ?, "+
			"sessions = ?, seen_at = ? WHERE name = ?",
			is.State, micros(now), is.State, clip(is.Daemon, whoMost), bit(is.Up), clip(is.Core, 64), clip(is.Version, whoMost), is.Sessions, micros(now), name)
		return err
	})
}

// MarkShut notes that a core is about to be told to shut down, under an order. False: that order holds no more, and the switch must not be told.
func (s *Store) MarkShut(ctx context.Context, r models.SwitchRow, core string) (marked bool, err error) {
	err = s.within(ctx, "note shutdown of switch", func(_ context.Context, tx *gorm.DB) error {
		if _, err := run(tx, "UPDATE switch_states SET shut_core = ? WHERE name = ? AND shutdown = 1 AND wanted = ? AND ordered_at = ?",
			core, r.Name, models.SwitchDraining, micros(r.Order.At)); err != nil {
			return err
		}
		is, found, err := switchColumns.first(tx, "WHERE t.name = ?", r.Name)
		marked = found && is.Sight.ShutCore == core && is.Order == r.Order
		return err
	})
	return marked && err == nil, err
}

// withSwitch runs do in a transaction in which the switch has a row.
func (s *Store) withSwitch(ctx context.Context, what, name string, do func(context.Context, *gorm.DB) error) error {
	if name == "" || clip(name, 64) != name {
		return models.Fail(models.Invalid, "name", "a switch's name has 1 to 64 characters")
	}
	return s.within(ctx, what, func(ctx context.Context, tx *gorm.DB) error {
		_, found, err := switchColumns.first(tx, "WHERE t.name = ?", name)
		if err != nil {
			return err
		}
		if !found {
			row := models.SwitchRow{Name: name, Order: models.SwitchOrder{Wanted: models.SwitchServing}}
			if err := switchColumns.add(tx, &row); err != nil && !errors.Is(err, gorm.ErrDuplicatedKey) { // another daemon made it just now
				return err
			}
		}
		return do(ctx, tx)
	})
}
