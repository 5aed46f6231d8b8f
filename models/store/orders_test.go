package store

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

// shelf names the numbers that stock puts in stock.
func shelf(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("+86170100%05d", i)
	}
	return out
}

func (h *house) stock(t testing.TB, n int) []string {
	t.Helper()
	numbers := shelf(n)
	list := make([]models.Stock, n)
	for i, x := range numbers {
		list[i] = models.Stock{Number: x, AreaCode: "0755", Carrier: "cm", Trunk: "sz-1"}
	}
	if added, _, err := h.AddStock(context.Background(), list); err != nil || added != n {
		t.Fatalf("added %d of %d: %v", added, n, err)
	}
	return numbers
}

func (h *house) order(t testing.TB, count int) models.Order {
	t.Helper()
	o := models.Order{AppID: h.app.ID, AreaCode: "0755", Count: count, RequestedBy: "acme"}
	if err := h.PlaceOrder(context.Background(), &o, false); err != nil {
		t.Fatal(err)
	}
	return o
}

func (h *house) approvedOrder(t testing.TB, count int) models.Order {
	t.Helper()
	return must[models.Order](t)(h.DecideOrder(context.Background(), h.order(t, count).ID, models.OrderApproved, "rita", ""))
}

func TestOrderFromRequestToDelivery(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		numbers := h.stock(t, 4)
		o := models.Order{AppID: h.app.ID, AreaCode: "0755", Carrier: "cm", Count: 2, Quick: true, RequestedBy: "acme"}
		wantCode(t, h.PlaceOrder(ctx, &o, true), models.Conflict)
		h.submit(t)
		err := h.PlaceOrder(ctx, &o, true)
		if wantCode(t, err, models.Conflict); !strings.Contains(err.Error(), "深圳快递") {
			t.Errorf("it does not name the enterprise: %v", err)
		}
		must[models.Enterprise](t)(h.DecideEnterprise(ctx, h.tenant.ID, EnterpriseDecision{State: models.ReviewApproved}))
		if err := h.PlaceOrder(ctx, &o, true); err != nil || o.ID == 0 || o.TenantID != h.tenant.ID || o.Kind != models.NumberPrivate || o.State != models.OrderWaiting {
			t.Fatalf("placed %+v: %v", o, err)
		}
		if got := must[models.Order](t)(h.Order(ctx, h.tenant.ID, o.ID)); !reflect.DeepEqual(got, o) {
			t.Errorf("read %+v, want %+v", got, o)
		}
		_, err = h.Order(ctx, 99, o.ID)
		wantCode(t, err, models.NotFound)
		_, err = h.DeliverOrder(ctx, o.ID, "olga", numbers[:2])
		wantCode(t, err, models.Conflict)
		_, err = h.DecideOrder(ctx, o.ID, models.OrderRejected, "rita", "")
		wantCode(t, err, models.Invalid)
		_, err = h.DecideOrder(ctx, o.ID, models.OrderDelivered, "rita", "x")
		wantCode(t, err, models.Invalid)
		must[models.Order](t)(h.DecideOrder(ctx, o.ID, models.OrderApproved, "rita", ""))
		_, err = h.DecideOrder(ctx, o.ID, models.OrderRejected, "rolf", "no")
		wantCode(t, err, models.Conflict)
		h.clock.advance(time.Hour)
		done := must[models.Order](t)(h.DeliverOrder(ctx, o.ID, "olga", []string{numbers[3], numbers[1]}))
		if got := must[models.Order](t)(h.Order(ctx, 0, o.ID)); !reflect.DeepEqual(got, done) || got.State != models.OrderDelivered || got.DeliveredBy != "olga" ||
			!slices.Equal(got.Numbers, []string{numbers[3], numbers[1]}) || got.DeliveredAt != h.clock.Now() {
			t.Errorf("read %+v, want %+v", got, done)
		}
		n := must[models.Number](t)(h.Number(ctx, numbers[3]))
		if n.AppID != h.app.ID || n.TenantID != h.tenant.ID || n.State != models.NumberNormal || n.Trunk != "sz-1" || n.DeliveredAt != h.clock.Now() {
			t.Errorf("delivered %+v", n)
		}
		h.bind(t, numbers[3], alice, bob, 60)
		for name, call := range map[string]func() error{
			"deliver":  func() error { _, err := h.DeliverOrder(ctx, o.ID, "olga", numbers[:2]); return err },
			"withdraw": func() error { _, err := h.WithdrawOrder(ctx, 0, o.ID, "acme"); return err },
		} {
			if err := call(); models.CodeOf(err) != models.Conflict {
				t.Errorf("%s again: %v", name, err)
			}
		}
		left, total, err := h.StockList(ctx, StockFilter{}, models.Page{})
		if err != nil || total != 2 || left[0].Number != numbers[2] || left[1].Number != numbers[0] {
			t.Errorf("%d left in stock: %+v (%v)", total, left, err)
		}
		for f, want := range map[OrderFilter]int{{}: 1, {TenantID: h.tenant.ID}: 1, {TenantID: 99}: 0, {AppID: h.app.ID, State: models.OrderDelivered}: 1, {State: models.OrderWaiting}: 0} {
			if _, n, err := h.Orders(ctx, f, models.Page{}); err != nil || n != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, n, want, err)
			}
		}
	})
}

func TestPlaceOrderRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		place := func(change func(*models.Order)) error {
			o := models.Order{AppID: h.app.ID, AreaCode: "0755", Count: 1}
			change(&o)
			return h.PlaceOrder(ctx, &o, false)
		}
		for _, bad := range []func(*models.Order){
			func(o *models.Order) { o.Count = 0 }, func(o *models.Order) { o.Count = 1001 }, func(o *models.Order) { o.AreaCode = "Shenzhen" },
			func(o *models.Order) { o.Kind = models.NumberDisplay }, func(o *models.Order) { o.Kind = "pink" }, func(o *models.Order) { o.Carrier = strings.Repeat("x", 65) },
			func(o *models.Order) { o.RequestedBy = strings.Repeat("x", 129) }, func(o *models.Order) { o.Inspection = true },
			func(o *models.Order) { o.Inspection, o.Recording = true, true }, // what the app has counts, not what the order says
		} {
			wantCode(t, place(bad), models.Invalid)
		}
		wantCode(t, place(func(o *models.Order) { o.AppID = 99 }), models.NotFound)
		set := func(change func(*models.App)) {
			t.Helper()
			if err := h.UpdateApp(ctx, h.app.ID, func(a *models.App) error { change(a); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		set(func(a *models.App) { a.Record = true })
		o := models.Order{AppID: h.app.ID, AreaCode: "0755", Count: 1, Inspection: true}
		if err := h.PlaceOrder(ctx, &o, false); err != nil || !o.Recording {
			t.Errorf("an app that records: %+v, %v", o, err)
		}
		set(func(a *models.App) { a.State = models.StateSuspended })
		wantCode(t, place(func(*models.Order) {}), models.AppUnavailable)
		if err := h.SetTenantState(ctx, h.tenant.ID, models.StateFrozen); err != nil {
			t.Fatal(err)
		}
		wantCode(t, place(func(*models.Order) {}), models.TenantFrozen)
	})
}

func TestDeliverOrderRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		n := h.stock(t, 3)
		later := h.clock.Now().Add(time.Hour)
		odd := []models.Stock{
			{Number: "+8617020000001", AreaCode: "010"}, {Number: "+8617020000002", AreaCode: "0755", Kind: models.NumberDisplay},
			{Number: "+8617020000003", AreaCode: "0755", FreeAt: later},
		}
		if added, _, err := h.AddStock(ctx, odd); err != nil || added != 3 {
			t.Fatal(added, err)
		}
		o := h.approvedOrder(t, 2)
		for name, tt := range map[string]struct {
			numbers []string
			code    models.Code
			says    string
		}{
			"too few": {n[:1], models.Invalid, "asks for 2 numbers, 1 are named"}, "too many": {n[:3], models.Invalid, "asks for 2"}, "twice": {[]string{n[0], n[0]}, models.Invalid, "twice"},
			"unknown": {[]string{n[0], "+8617099999999"}, models.Conflict, "not in stock"}, "city": {[]string{n[0], odd[0].Number}, models.Conflict, "010"},
			"kind": {[]string{n[0], odd[1].Number}, models.Conflict, "display"}, "resting": {[]string{n[0], odd[2].Number}, models.Conflict, "rests until"},
			"an app's": {[]string{n[0], x1}, models.Conflict, "not in stock"},
		} {
			_, err := h.DeliverOrder(ctx, o.ID, "olga", tt.numbers)
			if models.CodeOf(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("%s: %v", name, err)
			}
			// Nothing of it happened.
			if got := must[models.Order](t)(h.Order(ctx, 0, o.ID)); got.State != models.OrderApproved || got.Numbers != nil {
				t.Errorf("%s left %+v", name, got)
			}
			if _, total, err := h.StockList(ctx, StockFilter{}, models.Page{}); err != nil || total != 6 {
				t.Errorf("%s left %d in stock (%v)", name, total, err)
			}
		}
		_, err := h.DeliverOrder(ctx, 99, "olga", n[:2])
		wantCode(t, err, models.NotFound)
		wide := h.approvedOrder(t, 5)
		_, err = h.DeliverOrder(ctx, wide.ID, "olga", nil)
		if wantCode(t, err, models.Conflict); !strings.Contains(err.Error(), "3 of its kind and city") {
			t.Error(err)
		}
		h.clock.advance(time.Hour)
		four := h.approvedOrder(t, 4) // the one that rested may go now, and the store chooses
		got := must[models.Order](t)(h.DeliverOrder(ctx, four.ID, "olga", nil))
		if want := append(slices.Clone(n), odd[2].Number); !slices.Equal(got.Numbers, want) {
			t.Errorf("chose %v, want %v", got.Numbers, want)
		}
		if err := h.SetTenantState(ctx, h.tenant.ID, models.StateSuspended); err != nil {
			t.Fatal(err)
		}
		_, err = h.DeliverOrder(ctx, o.ID, "olga", nil)
		wantCode(t, err, models.TenantFrozen)
	})
}

func TestWithdrawOrder(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	ctx := context.Background()
	for _, o := range []models.Order{h.order(t, 1), h.approvedOrder(t, 1)} {
		_, err := h.WithdrawOrder(ctx, 99, o.ID, "stranger")
		wantCode(t, err, models.NotFound)
		if got := must[models.Order](t)(h.WithdrawOrder(ctx, h.tenant.ID, o.ID, "acme")); got.State != models.OrderWithdrawn {
			t.Errorf("withdrawn %+v", got)
		}
		_, err = h.DecideOrder(ctx, o.ID, models.OrderApproved, "rita", "")
		wantCode(t, err, models.Conflict)
	}
	_, err := h.WithdrawOrder(ctx, 0, 99, "acme")
	wantCode(t, err, models.NotFound)
}

// TestDeliveriesRace lets two daemons deliver overlapping orders, named and chosen: no number goes to two, and each order has all or nothing.
func TestDeliveriesRace(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		cfg.Clock = h.clock.Now
		other := open(t, cfg)
		ctx := context.Background()
		numbers := h.stock(t, 10)
		orders := make([]models.Order, 8)
		for i := range orders {
			orders[i] = h.approvedOrder(t, 3)
		}
		var wg sync.WaitGroup
		for i, o := range orders {
			wg.Go(func() {
				var named []string
				if i%2 == 0 {
					named = []string{numbers[(i+2)%10], numbers[(i+1)%10], numbers[i]}
				}
				if _, err := []*Store{h.Store, other}[i/2%2].DeliverOrder(ctx, o.ID, "olga", named); err != nil && models.CodeOf(err) != models.Conflict {
					t.Errorf("order %d: %v", o.ID, err)
				}
			})
		}
		wg.Wait()
		var out []string
		went := 0
		for _, o := range orders {
			switch got := must[models.Order](t)(h.Order(ctx, 0, o.ID)); {
			case got.State == models.OrderDelivered && len(got.Numbers) == 3:
				went++
				out = append(out, got.Numbers...)
			case got.State != models.OrderApproved || got.Numbers != nil:
				t.Errorf("order %+v", got)
			}
		}
		slices.Sort(out)
		if all := len(out); went == 0 || all > 9 || len(slices.Compact(out)) != all {
			t.Errorf("%d orders got %v", went, out)
		}
		_, total, err := h.StockList(ctx, StockFilter{}, models.Page{})
		if err != nil || total != 10-3*went {
			t.Errorf("%d left in stock after %d deliveries (%v)", total, went, err)
		}
		if _, n, err := h.Numbers(ctx, NumberFilter{AppID: h.app.ID, Number: "+86170100"}, models.Page{}); err != nil || n != 3*went {
			t.Errorf("the app has %d (%v)", n, err)
		}
	})
}

// TestOneNumberTwoOrders is the race in its smallest form, many times.
func TestOneNumberTwoOrders(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		for _, x := range h.stock(t, 10) {
			a, b := h.approvedOrder(t, 1), h.approvedOrder(t, 1)
			var wg sync.WaitGroup
			var errs [2]error
			for i, o := range []models.Order{a, b} {
				wg.Go(func() { _, errs[i] = h.DeliverOrder(ctx, o.ID, "olga", []string{x}) })
			}
			wg.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Errorf("%s went to %v", x, errs)
			}
			for _, err := range errs {
				if err != nil {
					wantCode(t, err, models.Conflict)
				}
			}
		}
	})
}

func TestAddStock(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		list := []models.Stock{
			{Number: "+8617030000001", AreaCode: "0755", Carrier: "中国移动", Trunk: "t", FreeAt: h.clock.Now().Add(time.Hour)},
			{Number: x1, AreaCode: "0755"},
			{Number: "17030000002", AreaCode: "0755"},
			{Number: "+8617030000003", AreaCode: "here"},
			{Number: "+8617030000001", AreaCode: "010"},
			{Number: "+8617030000004", AreaCode: "010", Kind: models.NumberDisplay},
			{Number: "+8617030000005", AreaCode: "010", Kind: "pink"},
		}
		added, rows, err := h.AddStock(ctx, list)
		if err != nil || added != 2 {
			t.Fatalf("added %d: %v", added, err)
		}
		want := []models.Code{"", models.Conflict, models.Invalid, models.Invalid, models.Conflict, "", models.Invalid}
		for i, err := range rows {
			if models.CodeOf(err) != want[i] {
				t.Errorf("row %d: %v, want %q", i, err, want[i])
			}
		}
		if added, rows, err = h.AddStock(ctx, list[:1]); err != nil || added != 0 || models.CodeOf(rows[0]) != models.Conflict {
			t.Errorf("the same again: %d, %v, %v", added, rows, err)
		}
		got, _, err := h.StockList(ctx, StockFilter{AreaCode: "0755"}, models.Page{})
		list[0].Kind, list[0].AddedAt = models.NumberPrivate, h.clock.Now()
		if err != nil || len(got) != 1 || got[0] != list[0] {
			t.Errorf("read %+v, want %+v (%v)", got, list[0], err)
		}
		for f, want := range map[StockFilter]int{{}: 2, {Kind: models.NumberDisplay}: 1, {Carrier: "中国移动"}: 1, {Number: "+861703"}: 2, {FreeBy: h.clock.Now()}: 1,
			{AreaCode: "010", Kind: models.NumberPrivate}: 0} {
			if _, n, err := h.StockList(ctx, f, models.Page{}); err != nil || n != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, n, want, err)
			}
		}
		// The operator gives a number to an app without an order: it leaves the stock. One that rests is not given.
		wantCode(t, h.AddNumbers(ctx, []models.Number{{AppID: h.app.ID, Number: "+8617030000004", AreaCode: "010"}, {AppID: h.app.ID, Number: list[0].Number, AreaCode: "0755"}}), models.Conflict)
		if err := h.AddNumbers(ctx, []models.Number{{AppID: h.app.ID, Number: "+8617030000004", AreaCode: "010"}}); err != nil {
			t.Fatal(err)
		}
		wantCode(t, h.RemoveStock(ctx, "+8617030000004"), models.InUse)
		if _, n, err := h.StockList(ctx, StockFilter{}, models.Page{}); err != nil || n != 1 {
			t.Errorf("%d are left (%v)", n, err)
		}
		if err := h.ReturnNumber(ctx, "+8617030000004", "olga", "", 0); err != nil {
			t.Fatal(err)
		}
		if err := h.RemoveStock(ctx, "+8617030000004"); err != nil {
			t.Error(err)
		}
		wantCode(t, h.RemoveStock(ctx, "+8617030000004"), models.NotFound)
		_, _, err = h.AddStock(ctx, make([]models.Stock, StockMost+1))
		wantCode(t, err, models.Invalid)
	})
}

// TestAddStockAtOnce lets two import the same list: each number is added once, and nobody's list fails.
func TestAddStockAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		cfg.Clock = h.clock.Now
		other := open(t, cfg)
		list := make([]models.Stock, 350)
		for i, x := range shelf(len(list)) {
			list[i] = models.Stock{Number: x, AreaCode: "0755"}
		}
		var wg sync.WaitGroup
		var added [4]int
		for i := range added {
			wg.Go(func() {
				var rows []error
				var err error
				if added[i], rows, err = []*Store{h.Store, other}[i%2].AddStock(context.Background(), list); err != nil {
					t.Error(err)
				}
				refused := 0
				for _, err := range rows {
					if err != nil {
						refused++
					}
				}
				if added[i]+refused != len(list) {
					t.Errorf("%d added and %d refused", added[i], refused)
				}
			})
		}
		wg.Wait()
		if sum := added[0] + added[1] + added[2] + added[3]; sum != len(list) {
			t.Errorf("added %v", added)
		}
	})
}
