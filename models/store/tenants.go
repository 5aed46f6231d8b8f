package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"gorm.io/gorm"

	"maskline/models"
)

var tenantColumns = columns[models.Tenant]{
	table: "tenants",
	names: []string{"id", "name", "sp_id", "state", "created_at", "calls_hour", "calls_day", "credit", "arrears", "zone", "toll"},
	values: func(t *models.Tenant) []any {
		return []any{idOrNull(t.ID), t.Name, t.SpID, string(t.State), micros(t.CreatedAt), t.Calls.PerHour, t.Calls.PerDay,
			int64(t.Credit), bit(t.Arrears), t.Zone, asDocument(t.Toll)}
	},
	dest: func(t *models.Tenant) []any {
		return []any{num(&t.ID), text(&t.Name), text(&t.SpID), text(&t.State), when(&t.CreatedAt), num(&t.Calls.PerHour), num(&t.Calls.PerDay),
			num(&t.Credit), flag(&t.Arrears), text(&t.Zone), document(&t.Toll)}
	},
}

// idOrNull lets the database give the id of a new row.
func idOrNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// CreateTenant stores a tenant and sets its ID, CreatedAt and, if empty, State. A name or spId that exists is models.Conflict.
func (s *Store) CreateTenant(ctx context.Context, t *models.Tenant) error {
	if t.State == "" {
		t.State = models.StateNormal
	}
	if err := t.Validate(); err != nil {
		return err
	}
	if err := validState(t.State); err != nil {
		return err
	}
	row := *t
	err := s.within(ctx, "create tenant", func(ctx context.Context, tx *gorm.DB) (err error) {
		row.ID = 0
		if row.CreatedAt, err = s.Now(ctx); err != nil {
			return err
		}
		if err = tenantColumns.add(tx, &row); err != nil {
			return taken(err, "name", "a tenant with this name or sp_id exists already")
		}
		row.ID, err = s.lastID(tx)
		return err
	})
	if err == nil {
		*t = row
	}
	return err
}

// taken turns a duplicate key into models.Conflict.
func taken(err error, param, detail string) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return models.Fail(models.Conflict, param, "%s", detail)
	}
	return err
}

func validState(st models.State) error {
	if !slices.Contains([]models.State{models.StateNormal, models.StateSuspended, models.StateFrozen}, st) {
		return models.Fail(models.Invalid, "state", "state is normal, suspended or frozen")
	}
	return nil
}

// Tenant reads a tenant; models.NotFound.
func (s *Store) Tenant(ctx context.Context, id int64) (models.Tenant, error) {
	t, found, err := tenantColumns.first(s.reader(ctx), "WHERE t.id = ?", id)
	return t, known(found, wrap("read tenant", err), "tenant", "no such tenant")
}

// known is err, or models.NotFound when nothing was found.
func known(found bool, err error, param, detail string) error {
	if err == nil && !found {
		return models.Fail(models.NotFound, param, "%s", detail)
	}
	return err
}

// TenantFilter narrows Tenants; zero fields narrow nothing.
type TenantFilter struct {
	Name  string // the beginning of it
	State models.State
}

// Tenants lists tenants, newest first.
func (s *Store) Tenants(ctx context.Context, f TenantFilter, page models.Page) ([]models.Tenant, int, error) {
	var c conditions
	begins(&c, "t.name", f.Name)
	is(&c, "t.state", f.State)
	return listed(ctx, s, tenantColumns, c, "t.id DESC", page)
}

// begins adds "column begins with prefix", as a range so that an index serves it on both databases.
func begins(c *conditions, column, prefix string) {
	if prefix != "" {
		c.add(column+" >= ? AND "+column+" < ?", prefix, strings.TrimRight(prefix, string(rune(0x10FFFF)))+string(rune(0x10FFFF)))
	}
}

// SetTenantState changes a tenant's state; models.NotFound.
func (s *Store) SetTenantState(ctx context.Context, id int64, st models.State) error {
	if err := validState(st); err != nil {
		return err
	}
	return s.within(ctx, "set tenant's state", func(_ context.Context, tx *gorm.DB) error {
		n, err := run(tx, "UPDATE tenants SET state = ? WHERE id = ?", string(st), id)
		return known(n > 0, err, "tenant", "no such tenant")
	})
}

// SetTenantCalls changes how many calls of all its apps of ModeVoice a tenant may have accepted; models.NotFound or Invalid.
func (s *Store) SetTenantCalls(ctx context.Context, id int64, calls models.CallCap) error {
	if calls.PerHour < 0 || calls.PerDay < 0 {
		return models.Fail(models.Invalid, "calls.per_hour", "calls an hour and a day are 1 or more, or 0 for no bound")
	}
	return s.within(ctx, "set tenant's calls", func(_ context.Context, tx *gorm.DB) error {
		n, err := run(tx, "UPDATE tenants SET calls_hour = ?, calls_day = ? WHERE id = ?", calls.PerHour, calls.PerDay, id)
		return known(n > 0, err, "tenant", "no such tenant")
	})
}

// SetTenantCredit changes how far below zero a tenant's balance may go; models.NotFound or Invalid. Whether he is in arrears now is not looked at.
func (s *Store) SetTenantCredit(ctx context.Context, id int64, credit models.Amount) error {
	if credit < 0 {
		return models.Fail(models.Invalid, "credit", "credit is 0 or more")
	}
	return s.within(ctx, "set tenant's credit", func(_ context.Context, tx *gorm.DB) error {
		n, err := run(tx, "UPDATE tenants SET credit = ? WHERE id = ?", int64(credit), id)
		return known(n > 0, err, "tenant", "no such tenant")
	})
}

// SetTenantToll changes where a tenant's calls may go and what bounds them; models.NotFound or Invalid. It holds from the next call on.
func (s *Store) SetTenantToll(ctx context.Context, id int64, toll models.Toll) error {
	if err := toll.Validate(); err != nil {
		return err
	}
	return s.within(ctx, "set tenant's limits", func(_ context.Context, tx *gorm.DB) error {
		n, err := run(tx, "UPDATE tenants SET toll = ? WHERE id = ?", asDocument(toll), id)
		return known(n > 0, err, "tenant", "no such tenant")
	})
}

// SetTenantZone changes the time zone of a tenant's months; models.NotFound or Invalid. Rents that were posted stay.
func (s *Store) SetTenantZone(ctx context.Context, id int64, zone string) error {
	return s.within(ctx, "set tenant's zone", func(ctx context.Context, tx *gorm.DB) error {
		t, err := s.Tenant(ctx, id)
		if err != nil {
			return err
		}
		t.Zone = zone
		if err := t.Validate(); err != nil {
			return err
		}
		_, err = run(tx, "UPDATE tenants SET zone = ? WHERE id = ?", zone, id)
		return err
	})
}
