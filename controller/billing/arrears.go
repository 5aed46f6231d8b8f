package billing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"maskline/controller/delivery"
	"maskline/models"
	"maskline/models/store"
)

// ArrearsStore is what Arrears asks of the database.
type ArrearsStore interface {
	GuardStore
	PlanStore
	Now(ctx context.Context) (time.Time, error)
	TenantBalances(ctx context.Context, after int64, n int) ([]store.TenantBalance, error)
	// HeldTenant is Tenant, and keeps others from changing him until the transaction ends.
	HeldTenant(ctx context.Context, id int64) (models.Tenant, error)
	// SetArrears notes it and gives the numbers whose state changed with it: on suspends those that are normal, off restores those that it suspended.
	SetArrears(ctx context.Context, tenantID int64, on bool) ([]models.Number, error)
	// Warnings and SetWarnings keep what contacts have been warned of, and in which month.
	Warnings(ctx context.Context, after, last int64) (map[int64]map[string]string, error)
	SetWarnings(ctx context.Context, tenantID int64, standing []string, month string) (fresh []string, err error)
	Within(ctx context.Context, do func(ctx context.Context) error) error
	App(ctx context.Context, id int64) (models.App, error)
	AddDelivery(ctx context.Context, d *models.Delivery) error
	Audited(ctx context.Context, a models.Audit) error
}

// ArrearsOptions is how Arrears works. Store is required.
type ArrearsOptions struct {
	Store ArrearsStore
	Warn  []models.Amount         // balances below which contacts are warned
	Offer func([]models.Delivery) // takes pushes that were committed; nil leaves them to be found
	Tell  func(News) bool         // takes news for contacts; nil tells nobody
	Moved func(tenantID int64)    // is told whose arrears changed or were looked at by After, such as Guard.Forget; nil tells nobody
}

// Arrears watches balances: it warns, suspends and restores. Whether a tenant is in arrears follows from his balance and credit alone, so it does not
// matter who looks, how often, or how many at once.
type Arrears struct {
	o     ArrearsOptions
	plans *plans
}

// NewArrears makes an Arrears.
func NewArrears(o ArrearsOptions) *Arrears {
	if o.Offer == nil {
		o.Offer = func([]models.Delivery) {}
	}
	if o.Tell == nil {
		o.Tell = func(News) bool { return false }
	}
	if o.Moved == nil {
		o.Moved = func(int64) {}
	}
	return &Arrears{o, newPlans(o.Store)}
}

// Run looks at all tenants' balances, and gives how many were warned, suspended or restored. What fails for one tenant does not keep the others
// waiting.
func (a *Arrears) Run(ctx context.Context, now time.Time) (count int, err error) {
	var errs []error
	for after := int64(0); ; {
		list, err := a.o.Store.TenantBalances(ctx, after, tenantsAtOnce)
		if err != nil {
			return count, errors.Join(append(errs, fmt.Errorf("read balances: %w", err))...)
		}
		if len(list) == 0 {
			return count, errors.Join(errs...)
		}
		last := list[len(list)-1].Tenant.ID
		warned, err := a.o.Store.Warnings(ctx, after, last)
		if err != nil {
			return count, errors.Join(append(errs, fmt.Errorf("read warnings: %w", err))...)
		}
		for _, b := range list {
			changed, err := a.look(ctx, b, warned[b.Tenant.ID], now)
			if changed {
				count++
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("look at the balance of tenant %d: %w", b.Tenant.ID, err))
			}
			if ctx.Err() != nil || len(errs) >= failuresMost {
				return count, errors.Join(errs...)
			}
		}
		after = last
	}
}

// After looks at one tenant's balance at once: after a recharge, or whatever else moved it. The balance must have been committed.
func (a *Arrears) After(ctx context.Context, tenantID int64) error {
	now, err := a.o.Store.Now(ctx)
	if err != nil {
		return fmt.Errorf("read the time: %w", err)
	}
	b, err := a.read(ctx, tenantID)
	if err != nil {
		return err
	}
	warned, err := a.o.Store.Warnings(ctx, tenantID-1, tenantID)
	if err != nil {
		return fmt.Errorf("read warnings of tenant %d: %w", tenantID, err)
	}
	_, err = a.look(ctx, b, warned[tenantID], now)
	a.o.Moved(tenantID)
	return err
}

func (a *Arrears) read(ctx context.Context, tenantID int64) (store.TenantBalance, error) {
	t, err := a.o.Store.Tenant(ctx, tenantID)
	if err != nil {
		return store.TenantBalance{}, fmt.Errorf("read tenant %d: %w", tenantID, err)
	}
	balance, err := a.o.Store.Balance(ctx, models.TenantAccount(tenantID))
	if err != nil {
		return store.TenantBalance{}, fmt.Errorf("read the balance of tenant %d: %w", tenantID, err)
	}
	return store.TenantBalance{Tenant: t, Balance: balance}, nil
}

// owing says that a balance is beyond its tenant's credit.
func owing(b store.TenantBalance) bool { return b.Balance < -b.Tenant.Credit }

// turns is how often in a row a balance may move between being read and acted on.
const turns = 5

// look brings a tenant's arrears in line with his balance, then his warnings. After each change the balance is read again: it may have moved while
// the change was written, and whoever moved it saw the tenant as he stood before.
func (a *Arrears) look(ctx context.Context, b store.TenantBalance, warned map[string]string, now time.Time) (changed bool, err error) {
	for range turns {
		on := owing(b)
		if on == b.Tenant.Arrears {
			break
		}
		numbers, done, err := a.set(ctx, b, on)
		if err != nil {
			return changed, err
		}
		a.o.Moved(b.Tenant.ID)
		if done {
			changed = true
			a.tellChange(b, on, numbers)
		}
		if b, err = a.read(ctx, b.Tenant.ID); err != nil {
			return changed, err
		}
	}
	news, err := a.warn(ctx, b, warned, now)
	return changed || news, err
}

// set writes that a tenant is in arrears or is not, with the pushes of the numbers that it suspends or restores.
// done is false when another daemon has written it meanwhile.
func (a *Arrears) set(ctx context.Context, b store.TenantBalance, on bool) (numbers int, done bool, err error) {
	var pushes []models.Delivery
	err = a.o.Store.Within(ctx, func(ctx context.Context) error {
		pushes, numbers, done = nil, 0, false
		t, err := a.o.Store.HeldTenant(ctx, b.Tenant.ID)
		if err != nil || t.Arrears == on {
			return err
		}
		changed, err := a.o.Store.SetArrears(ctx, b.Tenant.ID, on)
		if err != nil {
			return err
		}
		if pushes, err = a.push(ctx, changed); err != nil {
			return err
		}
		numbers, done = len(changed), true
		return a.audit(ctx, b, on, numbers)
	})
	if err != nil {
		return 0, false, fmt.Errorf("set arrears of tenant %d to %t: %w", b.Tenant.ID, on, err)
	}
	if len(pushes) > 0 {
		a.o.Offer(pushes)
	}
	return numbers, done, nil
}

// push writes the status pushes of numbers, those of one app together.
func (a *Arrears) push(ctx context.Context, numbers []models.Number) (pushes []models.Delivery, err error) {
	var order []int64
	byApp := map[int64][]delivery.NumberItem{}
	for _, n := range numbers {
		if byApp[n.AppID] == nil {
			order = append(order, n.AppID)
		}
		byApp[n.AppID] = append(byApp[n.AppID], delivery.NumberItem{Number: n.Number, Status: n.State, Cause: n.Cause})
	}
	for _, id := range order {
		app, err := a.o.Store.App(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read app %d: %w", id, err)
		}
		for _, d := range delivery.NumberStatus(app, byApp[id]) {
			if err := a.o.Store.AddDelivery(ctx, &d); err != nil {
				return nil, fmt.Errorf("write the push of numbers: %w", err)
			}
			pushes = append(pushes, d)
		}
	}
	return pushes, nil
}

// standing is a tenant's arrears as audit lines show it.
type standing struct {
	Arrears bool          `json:"arrears"`
	Balance models.Amount `json:"balance"`
	Numbers int           `json:"numbers,omitempty"` // that changed with it
}

func (a *Arrears) audit(ctx context.Context, b store.TenantBalance, on bool, numbers int) error {
	before, err := json.Marshal(standing{Arrears: b.Tenant.Arrears, Balance: b.Balance})
	if err != nil {
		return fmt.Errorf("write an audit line: %w", err)
	}
	after, err := json.Marshal(standing{on, b.Balance, numbers})
	if err != nil {
		return fmt.Errorf("write an audit line: %w", err)
	}
	return a.o.Store.Audited(ctx, models.Audit{Who: "job:arrears", TenantID: b.Tenant.ID, Action: "tenant.arrears", Object: fmt.Sprint(b.Tenant.ID),
		Before: string(before), After: string(after)})
}
