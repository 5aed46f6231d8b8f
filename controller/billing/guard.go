package billing

import (
	"context"
	"fmt"
	"time"

	"maskline/models"
)

const (
	solventFor = 5 * time.Second // what was read of a tenant holds for so long
	readIn     = time.Second     // a call waits no longer than that for the store
	tenantsMax = 10_000          // tenants that a cache holds
)

// GuardStore is what a Guard asks of the database.
type GuardStore interface {
	Tenant(ctx context.Context, id int64) (models.Tenant, error)
	Balance(ctx context.Context, a models.Account) (models.Amount, error)
}

// Guard says at a call whether its tenant may have calls. It is safe for concurrent use.
type Guard struct {
	store  GuardStore
	allow  bool
	cached recent[int64, bool]
}

// NewGuard makes a Guard. allowUnreadable is what it says of a tenant whose balance cannot be read.
func NewGuard(s GuardStore, allowUnreadable bool) *Guard {
	return &Guard{store: s, allow: allowUnreadable, cached: recent[int64, bool]{life: solventFor, most: tenantsMax}}
}

// Solvent says whether a tenant's calls are put through: he is not in arrears, nor is his balance below -Credit. An error says that it could not be
// read; the answer is then the one that is configured. What was read holds for solventFor, but after Forget.
func (g *Guard) Solvent(ctx context.Context, tenantID int64) (bool, error) {
	if ok, known := g.cached.get(tenantID); known {
		return ok, nil
	}
	mark := g.cached.mark()
	ctx, cancel := context.WithTimeout(ctx, readIn)
	defer cancel()
	t, err := g.store.Tenant(ctx, tenantID)
	if err != nil {
		return g.allow, fmt.Errorf("read whether tenant %d is in arrears: %w", tenantID, err)
	}
	balance, err := g.store.Balance(ctx, models.TenantAccount(tenantID))
	if err != nil {
		return g.allow, fmt.Errorf("read the balance of tenant %d: %w", tenantID, err)
	}
	ok := !t.Arrears && balance >= -t.Credit
	g.cached.put(tenantID, ok, mark)
	return ok, nil
}

// Forget lets the next question about a tenant read again: after a recharge his calls shall go through at once.
func (g *Guard) Forget(tenantID int64) { g.cached.forget(tenantID) }
