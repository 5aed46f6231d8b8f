package admin

import (
	"context"
	"io"
	"strings"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// narrowed is the store as a caller sees it: of a tenant's role, what is that tenant's and nothing else. It is the one place where that is decided,
// so that no handler can forget it. What is another tenant's is answered exactly as what does not exist. Methods that are not here serve permissions
// that no tenant's role has, or take what was read through one that is here; a test lists them.
type narrowed struct{ Store }

// theirs says that a row was not found, or is none of the caller's.
func theirs(ctx context.Context, tenant int64, err error) bool {
	own := tenantOf(ctx)
	if own == 0 {
		return false
	}
	switch models.CodeOf(err) {
	case "":
		return tenant != own
	case models.NotFound, models.UnknownApp, models.RecordMissing:
		return true
	}
	return false
}

// mine gives a row to whom it belongs.
func mine[T any](ctx context.Context, row T, tenant int64, err error, what string) (T, error) {
	if theirs(ctx, tenant, err) {
		var none T
		return none, models.Fail(models.NotFound, "", "no such %s", what)
	}
	return row, err
}

// own narrows a filter's tenant.
func own(ctx context.Context, tenant *int64) {
	if id := tenantOf(ctx); id != 0 {
		*tenant = id
	}
}

func (n narrowed) Tenant(ctx context.Context, id int64) (models.Tenant, error) {
	t, err := n.Store.Tenant(ctx, id)
	return mine(ctx, t, t.ID, err, "tenant")
}

func (n narrowed) Tenants(ctx context.Context, f store.TenantFilter, page models.Page) ([]models.Tenant, int, error) {
	id := tenantOf(ctx)
	if id == 0 {
		return n.Store.Tenants(ctx, f, page)
	}
	t, err := n.Store.Tenant(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	if !strings.HasPrefix(t.Name, f.Name) || f.State != "" && f.State != t.State {
		return nil, 0, nil
	}
	if page.Offset > 0 {
		return nil, 1, nil
	}
	return []models.Tenant{t}, 1, nil
}

func (n narrowed) TollUsed(ctx context.Context, tenantID int64) (models.Limits, error) {
	own(ctx, &tenantID)
	return n.Store.TollUsed(ctx, tenantID)
}

func (n narrowed) CreateApp(ctx context.Context, a *models.App, secret string) error {
	own(ctx, &a.TenantID)
	return n.Store.CreateApp(ctx, a, secret)
}

func (n narrowed) App(ctx context.Context, id int64) (models.App, error) {
	a, err := n.Store.App(ctx, id)
	return mine(ctx, a, a.TenantID, err, "app")
}

func (n narrowed) AppByKey(ctx context.Context, key string) (models.App, error) {
	a, err := n.Store.AppByKey(ctx, key)
	return mine(ctx, a, a.TenantID, err, "app")
}

func (n narrowed) Apps(ctx context.Context, f store.AppFilter, page models.Page) ([]models.App, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.Apps(ctx, f, page)
}

func (n narrowed) UpdateApp(ctx context.Context, id int64, change func(*models.App) error) error {
	if _, err := n.App(ctx, id); err != nil {
		return err
	}
	return n.Store.UpdateApp(ctx, id, change)
}

func (n narrowed) AddAppSecret(ctx context.Context, appID int64, secret string, oldValidFor time.Duration) error {
	if _, err := n.App(ctx, appID); err != nil {
		return err
	}
	return n.Store.AddAppSecret(ctx, appID, secret, oldValidFor)
}

func (n narrowed) Number(ctx context.Context, number string) (models.Number, error) {
	x, err := n.Store.Number(ctx, number)
	return mine(ctx, x, x.TenantID, err, "number")
}

func (n narrowed) Numbers(ctx context.Context, f store.NumberFilter, page models.Page) ([]models.Number, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.Numbers(ctx, f, page)
}

func (n narrowed) Bindings(ctx context.Context, f store.BindingFilter, page models.Page) ([]models.Binding, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.Bindings(ctx, f, page)
}

// came is when a number came to its tenant.
func came(x models.Number) time.Time {
	if x.DeliveredAt.IsZero() {
		return x.CreatedAt
	}
	return x.DeliveredAt
}

// sees says whether the caller may ask what a number does; anybody else may ask about numbers that do not exist too.
func (n narrowed) sees(ctx context.Context, number string) error {
	if tenantOf(ctx) == 0 {
		return nil
	}
	_, err := n.Number(ctx, number)
	return err
}

func (n narrowed) Sight(ctx context.Context, dialled string, who models.Party, extension string) (models.Sight, error) {
	if err := n.sees(ctx, dialled); err != nil {
		return models.Sight{}, err
	}
	return n.Store.Sight(ctx, dialled, who, extension)
}

// SightAt tells nothing of the time before a number came to the caller's tenant: its calls were another's then.
func (n narrowed) SightAt(ctx context.Context, dialled string, who models.Party, extension string, at time.Time) (models.Sight, error) {
	if tenantOf(ctx) != 0 {
		x, err := n.Number(ctx, dialled)
		if err != nil {
			return models.Sight{}, err
		}
		if at.Before(came(x)) {
			return models.Sight{}, models.Fail(models.NotFound, "", "no such number")
		}
	}
	return n.Store.SightAt(ctx, dialled, who, extension, at)
}

func (n narrowed) BarredList(ctx context.Context, f store.BarredFilter, page models.Page) ([]models.Barred, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.BarredList(ctx, f, page)
}

func (n narrowed) Session(ctx context.Context, id string) (models.Session, error) {
	v, err := n.Store.Session(ctx, id)
	return mine(ctx, v, v.TenantID, err, "call")
}

func (n narrowed) Sessions(ctx context.Context, f store.SessionFilter, page models.Page) ([]models.Session, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.Sessions(ctx, f, page)
}

func (n narrowed) Events(ctx context.Context, sessionID string) ([]models.CallEvent, error) {
	if tenantOf(ctx) != 0 {
		if _, err := n.Session(ctx, sessionID); err != nil {
			return nil, err
		}
	}
	return n.Store.Events(ctx, sessionID)
}

func (n narrowed) CDR(ctx context.Context, sessionID string) (models.CDR, error) {
	r, err := n.Store.CDR(ctx, sessionID)
	return mine(ctx, r, r.TenantID, err, "record")
}

func (n narrowed) CDRs(ctx context.Context, f store.CDRFilter, page models.Page) ([]models.CDR, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.CDRs(ctx, f, page)
}

func (n narrowed) Outgoing(ctx context.Context, sessionID string) (models.Outgoing, error) {
	o, err := n.Store.Outgoing(ctx, sessionID)
	return mine(ctx, o, o.Session.TenantID, err, "call")
}

func (n narrowed) OutgoingList(ctx context.Context, f store.OutgoingFilter, page models.Page) ([]models.Outgoing, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.OutgoingList(ctx, f, page)
}

func (n narrowed) QueueApps(ctx context.Context) ([]store.QueueApp, error) {
	all, err := n.Store.QueueApps(ctx)
	id := tenantOf(ctx)
	if id == 0 || err != nil {
		return all, err
	}
	var list []store.QueueApp
	for _, a := range all {
		if a.TenantID == id {
			list = append(list, a)
		}
	}
	return list, nil
}

func (n narrowed) Recording(ctx context.Context, name string) (models.Recording, error) {
	r, err := n.Store.Recording(ctx, name)
	return mine(ctx, r, r.TenantID, err, "recording")
}

func (n narrowed) RecordingsOf(ctx context.Context, f store.RecordingFilter, page models.Page) ([]models.Recording, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.RecordingsOf(ctx, f, page)
}

func (n narrowed) Deliveries(ctx context.Context, f store.DeliveryFilter, page models.Page) ([]models.Delivery, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.Deliveries(ctx, f, page)
}

func (n narrowed) Replay(ctx context.Context, f store.DeliveryFilter) (int, error) {
	own(ctx, &f.TenantID)
	return n.Store.Replay(ctx, f)
}

func (n narrowed) AuditLines(ctx context.Context, f store.AuditFilter, page models.Page) ([]models.Audit, int, error) {
	own(ctx, &f.TenantID)
	return n.Store.AuditLines(ctx, f, page)
}

func (n narrowed) EachAudit(ctx context.Context, f store.AuditFilter, do func(models.Audit) error) error {
	own(ctx, &f.TenantID)
	return n.Store.EachAudit(ctx, f, do)
}

// narrowedShelf is the shelf as a caller sees it.
type narrowedShelf struct {
	Shelf
	store narrowed
}

func (n narrowedShelf) Open(ctx context.Context, id int64) (io.ReadCloser, models.Prompt, error) {
	if _, err := n.store.Prompt(ctx, id); err != nil {
		return nil, models.Prompt{}, err
	}
	return n.Shelf.Open(ctx, id)
}

func (n narrowedShelf) Remove(ctx context.Context, id int64, by, reason string) error {
	if _, err := n.store.Prompt(ctx, id); err != nil {
		return err
	}
	return n.Shelf.Remove(ctx, id, by, reason)
}
