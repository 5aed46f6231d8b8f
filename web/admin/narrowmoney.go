package admin

import (
	"context"
	"slices"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// ofTenant refuses a question about another tenant than the caller's.
func ofTenant(ctx context.Context, tenantID int64) error {
	if own := tenantOf(ctx); own != 0 && own != tenantID {
		return models.Fail(models.NotFound, "tenant", "no such tenant")
	}
	return nil
}

// ask is a question about one tenant, put only for whom it concerns.
func ask[T any](ctx context.Context, tenantID int64, question func() (T, error)) (T, error) {
	if err := ofTenant(ctx, tenantID); err != nil {
		var none T
		return none, err
	}
	return question()
}

func (n narrowed) PlanAt(ctx context.Context, tenantID int64, at time.Time) (models.PricePlan, bool, error) {
	if err := ofTenant(ctx, tenantID); err != nil {
		return models.PricePlan{}, false, err
	}
	return n.Store.PlanAt(ctx, tenantID, at)
}

func (n narrowed) Entry(ctx context.Context, id int64) (models.Entry, error) {
	e, err := n.Store.Entry(ctx, id)
	return mine(ctx, e, e.TenantID, err, "entry")
}

func (n narrowed) Entries(ctx context.Context, f store.EntryFilter, page models.Page) ([]models.Entry, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.Entries(ctx, f, page)
}

func (n narrowed) EachEntry(ctx context.Context, f store.EntryFilter, do func(models.Entry) error) error {
	own(ctx, &f.TenantID)
	return n.Store.EachEntry(ctx, f, do)
}

func (n narrowed) Balance(ctx context.Context, a models.Account) (models.Amount, error) {
	if own := tenantOf(ctx); own != 0 && a != models.TenantAccount(own) {
		return 0, models.Fail(models.NotFound, "tenant", "no such tenant")
	}
	return n.Store.Balance(ctx, a)
}

func (n narrowed) Charges(ctx context.Context, f store.ChargeFilter, page models.Page) ([]models.Charge, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.Charges(ctx, f, page)
}

func (n narrowed) EachCharge(ctx context.Context, f store.ChargeFilter, do func(models.Charge) error) error {
	own(ctx, &f.TenantID)
	return n.Store.EachCharge(ctx, f, do)
}

func (n narrowed) Packages(ctx context.Context, f store.PackageFilter, page models.Page) ([]models.Package, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.Packages(ctx, f, page)
}

func (n narrowed) EachCDR(ctx context.Context, f store.CDRFilter, do func(models.CDR) error) error {
	own(ctx, &f.TenantID)
	return n.Store.EachCDR(ctx, f, do)
}

func (n narrowed) SearchedSince(ctx context.Context, f store.CDRFilter) (time.Time, error) {
	own(ctx, &f.TenantID)
	return n.Store.SearchedSince(ctx, f)
}

func (n narrowed) SubmitEnterprise(ctx context.Context, e *models.Enterprise, forbidden []string) error {
	if err := ofTenant(ctx, e.TenantID); err != nil {
		return err
	}
	return n.Store.SubmitEnterprise(ctx, e, forbidden)
}

func (n narrowed) Enterprise(ctx context.Context, tenantID int64) (models.Enterprise, error) {
	return ask(ctx, tenantID, func() (models.Enterprise, error) { return n.Store.Enterprise(ctx, tenantID) })
}

func (n narrowed) Enterprises(ctx context.Context, f store.EnterpriseFilter, page models.Page) ([]models.Enterprise, int, error) {
	own := tenantOf(ctx)
	if own == 0 {
		return n.Store.Enterprises(ctx, f, page)
	}
	e, err := n.Store.Enterprise(ctx, own)
	switch {
	case models.CodeOf(err) == models.NotFound || err == nil && f.State != "" && e.State != f.State:
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	case page.Offset > 0:
		return nil, 1, nil
	}
	return []models.Enterprise{e}, 1, nil
}

// PlaceOrder takes orders for apps of the caller.
func (n narrowed) PlaceOrder(ctx context.Context, o *models.Order, needsEnterprise bool) error {
	if _, err := n.App(ctx, o.AppID); err != nil {
		return err
	}
	return n.Store.PlaceOrder(ctx, o, needsEnterprise)
}

func (n narrowed) Order(ctx context.Context, tenantID, id int64) (models.Order, error) {
	own(ctx, &tenantID)
	return n.Store.Order(ctx, tenantID, id)
}

func (n narrowed) Orders(ctx context.Context, f store.OrderFilter, page models.Page) ([]models.Order, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.Orders(ctx, f, page)
}

func (n narrowed) WithdrawOrder(ctx context.Context, tenantID, id int64, by string) (models.Order, error) {
	own(ctx, &tenantID)
	return n.Store.WithdrawOrder(ctx, tenantID, id, by)
}

func (n narrowed) ReturnedNumbers(ctx context.Context, f store.ReturnedFilter, page models.Page) ([]models.Returned, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.ReturnedNumbers(ctx, f, page)
}

// Holders leaves out those who held the number before it came to the caller's tenant: they are people of whoever had it then.
func (n narrowed) Holders(ctx context.Context, number string, page models.Page) ([]models.Holder, int, error) {
	if tenantOf(ctx) == 0 {
		return n.Store.Holders(ctx, number, page)
	}
	x, err := n.Number(ctx, number)
	if err != nil {
		return nil, 0, err
	}
	all, _, err := n.Store.Holders(ctx, number, models.Page{Limit: models.PageMax})
	if err != nil {
		return nil, 0, err
	}
	own := slices.DeleteFunc(all, func(h models.Holder) bool { return !h.Until.IsZero() && !h.Until.After(came(x)) })
	return inMemory(own)(page)
}

func (n narrowed) RegisteredParties(ctx context.Context, f store.RegisteredFilter, page models.Page) ([]models.RegisteredParty, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.RegisteredParties(ctx, f, page)
}

func (n narrowed) AddContact(ctx context.Context, c *models.Contact) error {
	if err := ofTenant(ctx, c.TenantID); err != nil {
		return err
	}
	return n.Store.AddContact(ctx, c)
}

func (n narrowed) ChangeContact(ctx context.Context, c models.Contact) error {
	if err := ofTenant(ctx, c.TenantID); err != nil {
		return err
	}
	return n.Store.ChangeContact(ctx, c)
}

func (n narrowed) RemoveContact(ctx context.Context, tenantID, id int64) error {
	if err := ofTenant(ctx, tenantID); err != nil {
		return err
	}
	return n.Store.RemoveContact(ctx, tenantID, id)
}

func (n narrowed) Contact(ctx context.Context, tenantID, id int64) (models.Contact, error) {
	return ask(ctx, tenantID, func() (models.Contact, error) { return n.Store.Contact(ctx, tenantID, id) })
}

func (n narrowed) Contacts(ctx context.Context, tenantID int64) ([]models.Contact, error) {
	return ask(ctx, tenantID, func() ([]models.Contact, error) { return n.Store.Contacts(ctx, tenantID) })
}
