package store

import (
	"context"
	"sync"
	"testing"

	"maskline/models"
)

func TestATenantIsHeldByOneAtATime(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		cfg.Clock = h.clock.Now
		stores := []*Store{h.Store, open(t, cfg)}
		ctx := context.Background()
		if _, err := h.HeldTenant(ctx, 999); models.CodeOf(err) != models.NotFound {
			t.Errorf("error %v", err)
		}
		var mu sync.Mutex
		changed := 0
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				did := false
				err := stores[i%2].Within(ctx, func(ctx context.Context) error {
					tenant, err := stores[i%2].HeldTenant(ctx, h.tenant.ID)
					if did = err == nil && !tenant.Arrears; !did {
						return err
					}
					_, err = stores[i%2].SetArrears(ctx, h.tenant.ID, true)
					return err
				})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if did {
					changed++
				}
			})
		}
		group.Wait()
		if changed != 1 {
			t.Errorf("%d have found the tenant in good standing and changed it", changed)
		}
	})
}
