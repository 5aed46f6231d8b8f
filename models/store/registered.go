package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"maskline/models"
)

var registeredColumns = columns[models.RegisteredParty]{
	table: "registered_parties",
	names: []string{"tenant_id", "party", "name", "registered_at"},
	values: func(r *models.RegisteredParty) []any {
		return []any{r.TenantID, r.Party, r.Name, micros(r.RegisteredAt)}
	},
	dest: func(r *models.RegisteredParty) []any {
		return []any{num(&r.TenantID), &r.Party, text(&r.Name), when(&r.RegisteredAt)}
	},
}

// RegisteredMost is how many parties one call registers.
const RegisteredMost = 5000

// RegisterParties registers parties, all or none. One that is registered keeps its RegisteredAt and takes the new name. models.NotFound (a
// tenant), or Invalid with the row in its sentence.
func (s *Store) RegisterParties(ctx context.Context, list []models.RegisteredParty) error {
	if len(list) > RegisteredMost {
		return models.Fail(models.Invalid, "parties", "at most %d parties are registered at once", RegisteredMost)
	}
	rows := slices.Clone(list)
	for i := range rows {
		if err := rows[i].Validate(); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return s.within(ctx, "register parties", func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		known := map[int64]bool{}
		for i := range rows {
			r := &rows[i]
			if !known[r.TenantID] {
				if _, err := s.Tenant(ctx, r.TenantID); err != nil {
					return err
				}
				known[r.TenantID] = true
			}
			r.RegisteredAt = now
			if err := register(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// register writes a row, or the name of the one that stands, also of one that somebody else wrote between the look and the insert.
func register(tx *gorm.DB, r *models.RegisteredParty) error {
	_, found, err := registeredColumns.first(tx, "WHERE t.party = ? AND t.tenant_id = ?", r.Party, r.TenantID)
	if err != nil {
		return err
	}
	if !found {
		if err = registeredColumns.add(tx, r); !errors.Is(err, gorm.ErrDuplicatedKey) {
			return err
		}
	}
	_, err = run(tx, "UPDATE registered_parties SET name = ? WHERE party = ? AND tenant_id = ?", r.Name, r.Party, r.TenantID)
	return err
}

// RegisteredParty reads who a party of a tenant is, and says whether he is registered at all. It is one look at a unique key: calls ask it.
func (s *Store) RegisteredParty(ctx context.Context, tenantID int64, party models.Party) (r models.RegisteredParty, registered bool, err error) {
	r, registered, err = registeredColumns.first(s.reader(ctx), "WHERE t.party = ? AND t.tenant_id = ?", party, tenantID)
	return r, registered, wrap("read registered party", err)
}

// UnregisterParty takes a registration away; models.NotFound.
func (s *Store) UnregisterParty(ctx context.Context, tenantID int64, party models.Party) error {
	return s.within(ctx, "unregister party", func(_ context.Context, tx *gorm.DB) error {
		n, err := run(tx, "DELETE FROM registered_parties WHERE party = ? AND tenant_id = ?", party, tenantID)
		return known(n > 0, err, "number", "the party is not registered")
	})
}

// RegisteredFilter narrows RegisteredParties; zero fields narrow nothing.
type RegisteredFilter struct {
	TenantID int64
	Party    models.Party
}

// RegisteredParties lists registered parties, newest first.
func (s *Store) RegisteredParties(ctx context.Context, f RegisteredFilter, page models.Page) ([]models.RegisteredParty, int, error) {
	var c conditions
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.party", f.Party)
	return listed(ctx, s, registeredColumns, c, "t.id DESC", page)
}
