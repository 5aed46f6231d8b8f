package store

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"maskline/models"
)

// orderColumns are those of a list: the numbers of an order are read with the order alone.
var orderColumns = columns[models.Order]{
	table: "orders",
	names: []string{"id", "tenant_id", "app_id", "kind", "area_code", "carrier", "wanted", "quick", "recording", "inspection", "state", "requested_by",
		"requested_at", "reviewed_by", "reviewed_at", "reason", "delivered_by", "delivered_at"},
	dest: func(o *models.Order) []any {
		return []any{num(&o.ID), num(&o.TenantID), num(&o.AppID), text(&o.Kind), text(&o.AreaCode), text(&o.Carrier), num(&o.Count), flag(&o.Quick),
			flag(&o.Recording), flag(&o.Inspection), text(&o.State), text(&o.RequestedBy), when(&o.RequestedAt), text(&o.ReviewedBy), when(&o.ReviewedAt),
			text(&o.Reason), text(&o.DeliveredBy), when(&o.DeliveredAt)}
	},
}

// wholeOrder is orderColumns with the numbers.
var wholeOrder = columns[models.Order]{
	table: "orders",
	names: append(slices.Clone(orderColumns.names), "numbers"),
	values: func(o *models.Order) []any {
		return []any{idOrNull(o.ID), o.TenantID, o.AppID, string(o.Kind), o.AreaCode, o.Carrier, o.Count, bit(o.Quick), bit(o.Recording), bit(o.Inspection),
			string(o.State), o.RequestedBy, micros(o.RequestedAt), o.ReviewedBy, micros(o.ReviewedAt), o.Reason, o.DeliveredBy, micros(o.DeliveredAt),
			strings.Join(o.Numbers, ",")}
	},
	dest: func(o *models.Order) []any { return append(orderColumns.dest(o), listOf(&o.Numbers)) },
}

// listOf reads a list of words that is stored with commas between.
func listOf(to *[]string) scanner {
	return func(src any) error {
		var joined string
		err := text(&joined).Scan(src)
		if *to = nil; joined != "" {
			*to = strings.Split(joined, ",")
		}
		return err
	}
}

// PlaceOrder stores an order, which waits for its review then, and sets ID, TenantID, State, RequestedAt and Recording, which is what the app has
// now. Kind "" is the app's. needsEnterprise lets only tenants order whose enterprise is approved.
//
// models.NotFound (the app), Invalid (the quality inspection of an app that does not record, too), AppUnavailable, TenantFrozen, or Conflict (the
// enterprise).
func (s *Store) PlaceOrder(ctx context.Context, o *models.Order, needsEnterprise bool) error {
	row := models.Order{AppID: o.AppID, Kind: o.Kind, AreaCode: o.AreaCode, Carrier: o.Carrier, Count: o.Count, Quick: o.Quick, Inspection: o.Inspection,
		RequestedBy: o.RequestedBy, State: models.OrderWaiting}
	err := s.within(ctx, "place order", func(ctx context.Context, tx *gorm.DB) error {
		app, err := s.servedApp(ctx, row.AppID)
		if err != nil {
			return err
		}
		row.TenantID, row.Recording = app.TenantID, app.Record
		row.Kind = kindIn(app, row.Kind)
		if err := validOrder(row, app); err != nil {
			return err
		}
		if needsEnterprise {
			if err := s.enterpriseApproved(ctx, row.TenantID); err != nil {
				return err
			}
		}
		if row.RequestedAt, err = s.Now(ctx); err != nil {
			return err
		}
		row.ID = 0
		row.ID, err = wholeOrder.insertOne(tx, &row)
		return err
	})
	if err == nil {
		*o = row
	}
	return err
}

func validOrder(o models.Order, app models.App) error {
	if err := o.Validate(); err != nil {
		return err
	}
	if utf8.RuneCountInString(o.Carrier) > 64 {
		return models.Fail(models.Invalid, "carrier", "a carrier's name has at most 64 characters")
	}
	if err := kindFits(app, o.Kind, models.Invalid); err != nil {
		return err
	}
	return validWho(o.RequestedBy)
}

// kindFits says whether an app's mode uses numbers of a kind.
func kindFits(app models.App, kind models.NumberKind, code models.Code) error {
	if fits := kindIn(app, ""); kind != fits {
		return models.Fail(code, "kind", "an app of mode %s has %s numbers", app.Mode, fits)
	}
	return nil
}

// servedApp reads an app that may be given numbers: neither it nor its tenant is suspended (spec/privatenumber.md §7).
func (s *Store) servedApp(ctx context.Context, id int64) (models.App, error) {
	app, err := s.App(ctx, id)
	if err != nil {
		return app, err
	}
	tenant, err := s.Tenant(ctx, app.TenantID)
	switch {
	case err != nil:
		return app, err
	case tenant.State != models.StateNormal:
		return app, models.Fail(models.TenantFrozen, "tenant", "the tenant is %s and gets no numbers", tenant.State)
	case tenant.Arrears:
		return app, models.Fail(models.TenantFrozen, "tenant", "the tenant is in arrears and gets no numbers until he has paid")
	case app.State != models.StateNormal:
		return app, models.Fail(models.AppUnavailable, "app", "the app is %s and gets no numbers", app.State)
	}
	return app, nil
}

// Order reads an order with its numbers, of a tenant or of anyone when tenantID is 0; models.NotFound.
func (s *Store) Order(ctx context.Context, tenantID, id int64) (models.Order, error) {
	o, found, err := wholeOrder.first(s.reader(ctx), "WHERE t.id = ?", id)
	if found && tenantID != 0 && o.TenantID != tenantID {
		o, found = models.Order{}, false
	}
	return o, known(found, wrap("read order", err), "order", "no such order")
}

// OrderFilter narrows Orders; zero fields narrow nothing.
type OrderFilter struct {
	TenantID, AppID int64
	State           models.OrderState
}

// Orders lists orders without their numbers, newest first.
func (s *Store) Orders(ctx context.Context, f OrderFilter, page models.Page) ([]models.Order, int, error) {
	var c conditions
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.app_id", f.AppID)
	is(&c, "t.state", f.State)
	return listed(ctx, s, orderColumns, c, "t.id DESC", page)
}

// DecideOrder approves or rejects an order that waits; a rejection says why. models.NotFound, Invalid, or Conflict when it does not wait any more.
func (s *Store) DecideOrder(ctx context.Context, id int64, state models.OrderState, by, reason string) (models.Order, error) {
	review := map[models.OrderState]models.ReviewState{models.OrderApproved: models.ReviewApproved, models.OrderRejected: models.ReviewRejected}[state]
	v, err := decision(review, by, reason)
	if err != nil {
		return models.Order{}, err
	}
	return s.changeOrder(ctx, "decide on an order", 0, id, func(_ context.Context, _ *gorm.DB, o *models.Order, now time.Time) error {
		if o.State != models.OrderWaiting {
			return orderIs(*o)
		}
		o.State, o.ReviewedBy, o.ReviewedAt, o.Reason = state, v.by, now, v.reason
		return nil
	})
}

// WithdrawOrder takes an order back that has not been delivered, of a tenant or of anyone when tenantID is 0. models.NotFound or Conflict.
func (s *Store) WithdrawOrder(ctx context.Context, tenantID, id int64, by string) (models.Order, error) {
	if err := validWho(by); err != nil {
		return models.Order{}, err
	}
	return s.changeOrder(ctx, "withdraw order", tenantID, id, func(_ context.Context, _ *gorm.DB, o *models.Order, now time.Time) error {
		if o.State != models.OrderWaiting && o.State != models.OrderApproved {
			return orderIs(*o)
		}
		o.State, o.ReviewedBy, o.ReviewedAt, o.Reason = models.OrderWithdrawn, by, now, "withdrawn"
		return nil
	})
}

// DeliverOrder takes numbers from stock into the order's app, all that the order asks for or none. Without numbers it takes those that have been
// in stock for longest. models.NotFound, TenantFrozen, AppUnavailable, Invalid (how many there are, one named twice), or Conflict: the order is
// not approved, or a number, which Param names, is not in stock, rests still, is of another kind, city or carrier, or belongs to an app.
func (s *Store) DeliverOrder(ctx context.Context, id int64, by string, numbers []string) (models.Order, error) {
	if err := validWho(by); err != nil {
		return models.Order{}, err
	}
	return s.changeOrder(ctx, "deliver order", 0, id, func(ctx context.Context, tx *gorm.DB, o *models.Order, now time.Time) error {
		if o.State != models.OrderApproved {
			return orderIs(*o)
		}
		app, err := s.servedApp(ctx, o.AppID)
		if err != nil {
			return err
		}
		list := numbers
		if len(list) == 0 {
			if list, err = pickStock(tx, *o, now); err != nil {
				return err
			}
		}
		if err := asOrdered(*o, list); err != nil {
			return err
		}
		took, err := takeStock(tx, *o, list, now)
		if err != nil {
			return err
		}
		o.State, o.DeliveredBy, o.DeliveredAt, o.Numbers = models.OrderDelivered, by, now, slices.Clone(list)
		return insertNumbers(tx, delivered(app, took, now))
	})
}

// asOrdered checks how many numbers are to be delivered.
func asOrdered(o models.Order, numbers []string) error {
	if len(numbers) != o.Count {
		return models.Fail(models.Invalid, "numbers", "the order asks for %d numbers, %d are named", o.Count, len(numbers))
	}
	seen := map[string]bool{}
	for _, n := range numbers {
		if seen[n] {
			return models.Fail(models.Invalid, n, "the number is named twice")
		}
		seen[n] = true
	}
	return nil
}

// delivered are the numbers that an app gets from stock.
func delivered(app models.App, took []models.Stock, now time.Time) []models.Number {
	out := make([]models.Number, len(took))
	for i, v := range took {
		out[i] = models.Number{TenantID: app.TenantID, AppID: app.ID, Number: v.Number, AreaCode: v.AreaCode, Kind: v.Kind, State: models.NumberNormal,
			Trunk: v.Trunk, CreatedAt: now, DeliveredAt: now}
	}
	return out
}

func orderIs(o models.Order) error {
	return models.Fail(models.Conflict, "state", "the order is %s", o.State)
}

// changeOrder lets change alter an order under its row's lock and writes it.
func (s *Store) changeOrder(ctx context.Context, what string, tenantID, id int64,
	change func(context.Context, *gorm.DB, *models.Order, time.Time) error,
) (out models.Order, err error) {
	err = s.within(ctx, what, func(ctx context.Context, tx *gorm.DB) error {
		if _, err := run(tx, "UPDATE orders SET id = id WHERE id = ?", id); err != nil {
			return err
		}
		o, err := s.Order(ctx, tenantID, id)
		if err != nil {
			return err
		}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		if err := change(ctx, tx, &o, now); err != nil {
			return err
		}
		out = o
		_, err = wholeOrder.update(tx, &o, "id = ?", id)
		return err
	})
	if err != nil {
		return models.Order{}, err
	}
	return out, nil
}
