package billing

import (
	"context"
	"fmt"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// AllowanceStore is what an Allowance asks of the database.
type AllowanceStore interface {
	Tenant(ctx context.Context, id int64) (models.Tenant, error)
	Balance(ctx context.Context, a models.Account) (models.Amount, error)
	Owed(ctx context.Context, tenantID int64) (models.Amount, int64, error)
	Packages(ctx context.Context, f store.PackageFilter, page models.Page) ([]models.Package, int, error)
}

// Allowance says how long a call may last before the money is gone. Only a plan that cuts calls asks for it: the others never do (spec/privatenumber.md
// §8). It is safe for concurrent use.
type Allowance struct {
	store AllowanceStore
	plans *plans
}

// NewAllowance makes an Allowance that knows the plans as the Rater does.
func NewAllowance(s AllowanceStore, r *Rater) *Allowance { return &Allowance{s, r.plans} }

// Afford is the longest a call of this mode may be talked that begins now; 0 is no limit. It counts what the tenant has, his credit and the minutes
// of his packages, less what his calls have cost since they were settled; calls that are up at the same time are not counted, so that together
// they may go beyond it. A tenant who has nothing left has one minute: whether he may call at all is the Guard's to say.
func (a *Allowance) Afford(ctx context.Context, tenantID int64, mode models.Mode, now time.Time) (time.Duration, error) {
	plan, found, err := a.plans.at(ctx, tenantID, now)
	if err != nil {
		return 0, fmt.Errorf("read the price plan of tenant %d: %w", tenantID, err)
	}
	price := plan.Calls[mode].Minute
	if !found || !plan.CutCalls || price == 0 {
		return 0, nil
	}
	if mode == models.ModeClick {
		price *= 2 // both legs
	}
	ctx, cancel := context.WithTimeout(ctx, readIn)
	defer cancel()
	money, minutes, err := a.left(ctx, tenantID, mode, now)
	if err != nil {
		return 0, fmt.Errorf("read what tenant %d has left: %w", tenantID, err)
	}
	const most = int64(24 * 60) // a day of talk is no limit worth setting
	minutes = min(most, max(1, minutes+int64(max(0, money)/price)))
	return time.Duration(minutes) * time.Minute, nil
}

// left is a tenant's money and minutes of packages as they will be once his open hours are settled.
func (a *Allowance) left(ctx context.Context, tenantID int64, mode models.Mode, now time.Time) (money models.Amount, minutes int64, err error) {
	t, err := a.store.Tenant(ctx, tenantID)
	if err != nil {
		return 0, 0, err
	}
	if money, err = a.store.Balance(ctx, models.TenantAccount(tenantID)); err != nil {
		return 0, 0, err
	}
	owed, taken, err := a.store.Owed(ctx, tenantID)
	if err != nil {
		return 0, 0, err
	}
	packages, _, err := a.store.Packages(ctx, store.PackageFilter{TenantID: tenantID, Open: true, At: now}, models.Page{Limit: models.PageMax})
	if err != nil {
		return 0, 0, err
	}
	for _, p := range packages {
		if p.Pays(mode, now.Truncate(time.Hour)) {
			minutes += p.Left
		}
	}
	// What is owed is taken from the packages first, as the settlement will: what they cover costs nothing.
	if covered := min(minutes, taken); taken > 0 {
		minutes -= covered
		owed -= models.Amount(int64(owed) / taken * covered)
	}
	return money + t.Credit - owed, minutes, nil
}
