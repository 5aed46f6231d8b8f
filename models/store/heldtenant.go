package store

import (
	"context"

	"gorm.io/gorm"

	"maskline/models"
)

// HeldTenant reads a tenant as Tenant does, and keeps others from changing him until the transaction ends that ctx is of (Within, Once): what is
// decided from how he stands is written before anybody else decides. models.NotFound.
func (s *Store) HeldTenant(ctx context.Context, id int64) (t models.Tenant, err error) {
	err = s.within(ctx, "hold tenant", func(ctx context.Context, tx *gorm.DB) error {
		// An update that changes nothing takes the row's lock on both databases.
		n, err := run(tx, "UPDATE tenants SET id = id WHERE id = ?", id)
		if err = known(n > 0, err, "tenant", "no such tenant"); err != nil {
			return err
		}
		t, err = s.Tenant(ctx, id)
		return err
	})
	return t, err
}
