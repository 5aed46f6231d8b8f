package store

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

// TestNothingScansLifecycle does for what numbers live through what TestNothingScans does for the rest.
func TestNothingScansLifecycle(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	ctx, page := context.Background(), models.Page{Limit: 1}
	fine := func(_ int, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	var log statementLog
	log.watch(t, h.read)
	log.watch(t, h.write)
	h.askNumbersLife(t, fine)
	for _, f := range []EnterpriseFilter{{}, {State: models.ReviewWaiting}} {
		_, n, err := h.Enterprises(ctx, f, page)
		fine(n, err)
	}
	for _, f := range []OrderFilter{{}, {TenantID: 1}, {AppID: 1}, {State: models.OrderWaiting}, {TenantID: 1, State: models.OrderWaiting}, {TenantID: 1, AppID: 1}} {
		_, n, err := h.Orders(ctx, f, page)
		fine(n, err)
	}
	for _, f := range []StockFilter{{}, {AreaCode: "0755"}, {Kind: models.NumberPrivate}, {AreaCode: "0755", Kind: models.NumberPrivate, FreeBy: h.clock.Now()}, {Carrier: "cm"},
		{AreaCode: "0755", Carrier: "cm"}, {FreeBy: h.clock.Now()}} {
		_, n, err := h.StockList(ctx, f, page)
		fine(n, err)
	}
	for _, f := range []ReturnedFilter{{}, {TenantID: 1}, {Number: x1}, {TenantID: 1, Number: x1}} {
		_, n, err := h.ReturnedNumbers(ctx, f, page)
		fine(n, err)
	}
	for _, f := range []RegisteredFilter{{}, {TenantID: 1}, {TenantID: 1, Party: alice}} {
		_, n, err := h.RegisteredParties(ctx, f, page)
		fine(n, err)
	}
	_, n, err := h.Holders(ctx, x1, page)
	fine(n, err)
	log.explain(t, h.write)
	if len(log.list) < 100 {
		t.Errorf("only %d statements were seen", len(log.list))
	}
}

// askNumbersLife takes numbers from stock to their return.
func (h *house) askNumbersLife(t *testing.T, fine func(int, error)) {
	t.Helper()
	ctx := context.Background()
	numbers := h.stock(t, 4)
	fine(0, h.RemoveStock(ctx, numbers[3]))
	h.submit(t)
	must[models.Enterprise](t)(h.DecideEnterprise(ctx, h.tenant.ID, EnterpriseDecision{State: models.ReviewApproved}))
	o := models.Order{AppID: h.app.ID, AreaCode: "0755", Carrier: "cm", Count: 1}
	fine(0, h.PlaceOrder(ctx, &o, true))
	must[models.Order](t)(h.DecideOrder(ctx, o.ID, models.OrderApproved, "rita", ""))
	must[models.Order](t)(h.DeliverOrder(ctx, o.ID, "olga", nil))
	o = h.approvedOrder(t, 1)
	if _, err := h.DeliverOrder(ctx, o.ID, "olga", []string{x1}); models.CodeOf(err) != models.Conflict {
		t.Error(err)
	}
	must[models.Order](t)(h.DeliverOrder(ctx, o.ID, "olga", []string{numbers[2]}))
	must[models.Order](t)(h.WithdrawOrder(ctx, 0, h.order(t, 1).ID, "acme"))
	must[models.Number](t)(h.UnsubscribeNumber(ctx, numbers[0], time.Time{}))
	must[[]models.Number](t)(h.EndedNumbers(ctx, models.Number{}, 9))
	must[models.Number](t)(h.SubscribeNumber(ctx, numbers[0]))
	for range 2 {
		fine(0, h.SetHolder(ctx, models.Holder{Number: numbers[0], Name: models.NewID(), IDNumber: "12345678"}))
	}
	must[models.Holder](t)(h.Holder(ctx, numbers[0]))
	trunk := "t"
	_, _, err := h.ChangeNumbers(ctx, []NumberChange{{Number: numbers[0], AppID: h.newApp(t, "key-2").ID, Trunk: &trunk, State: models.NumberSuspended}}, nil)
	fine(0, err)
	fine(0, h.ReturnNumber(ctx, numbers[0], "olga", "", 0))
	party := models.RegisteredParty{TenantID: h.tenant.ID, Party: alice, Name: "x"}
	fine(0, h.RegisterParties(ctx, []models.RegisteredParty{party, party}))
	fine(0, h.UnregisterParty(ctx, h.tenant.ID, alice))
	c := models.Contact{TenantID: h.tenant.ID, Name: "x", Mail: "a@b"}
	fine(0, h.AddContact(ctx, &c))
	fine(0, h.ChangeContact(ctx, c))
	fine(0, h.RemoveContact(ctx, h.tenant.ID, c.ID))
	must[int](t)(h.Reseal(ctx))
}

// TestNumbersAreInOnePlace lets four people on two daemons order, deliver, add, return, move and import the same few numbers at random. After each
// round every number is an app's or in stock, never both and never lost, and what orders say they delivered agrees with what was returned.
func TestNumbersAreInOnePlace(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		cfg.Clock = h.clock.Now
		stores := []*Store{h.Store, open(t, cfg)}
		ctx := context.Background()
		apps := []models.App{h.app, h.newApp(t, "key-2")}
		numbers := h.stock(t, 6)
		seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
		for round := range 4 {
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() {
					rnd := rand.New(rand.NewPCG(seed, uint64(4*round+w))) //nolint:gosec // a test's dice
					for range 8 {
						if err := trade(ctx, stores[w%2], rnd, apps, numbers); !refused(err) {
							t.Errorf("seed %d: %v", seed, err)
						}
					}
				})
			}
			wg.Wait()
			h.clock.advance(time.Minute)
			ordered, gone := h.inOnePlace(t, numbers)
			if round == 3 && (ordered == 0 || gone == 0) {
				t.Errorf("seed %d: nothing was tried: %d delivered, %d returned", seed, ordered, gone)
			}
		}
	})
}

// refused says that an error, if it is one, is an answer and no failure.
func refused(err error) bool {
	return err == nil || models.CodeOf(err) != models.Internal
}

// trade does one thing to a number.
func trade(ctx context.Context, s *Store, rnd *rand.Rand, apps []models.App, numbers []string) error {
	x, app := numbers[rnd.IntN(len(numbers))], apps[rnd.IntN(len(apps))]
	switch rnd.IntN(7) {
	case 0:
		return s.AddNumbers(ctx, []models.Number{{AppID: app.ID, Number: x, AreaCode: "0755"}})
	case 1:
		_, _, err := s.AddStock(ctx, []models.Stock{{Number: x, AreaCode: "0755"}})
		return err
	case 2:
		_, err := s.MoveNumber(ctx, x, app.ID)
		return err
	case 3, 4:
		return s.ReturnNumber(ctx, x, "olga", "", time.Duration(rnd.IntN(2))*time.Minute)
	default:
		o := models.Order{AppID: app.ID, AreaCode: "0755", Count: 1}
		if err := s.PlaceOrder(ctx, &o, false); err != nil {
			return err
		}
		if _, err := s.DecideOrder(ctx, o.ID, models.OrderApproved, "rita", ""); err != nil {
			return err
		}
		_, err := s.DeliverOrder(ctx, o.ID, "olga", [][]string{nil, {x}}[rnd.IntN(2)])
		return err
	}
}

func (h *house) inOnePlace(t *testing.T, numbers []string) (ordered, gone int) {
	t.Helper()
	ctx := context.Background()
	count := func(query string, args ...any) (n int) {
		t.Helper()
		if _, err := one(h.read, []any{num(&n)}, query, args...); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, x := range numbers {
		owned := count("SELECT COUNT(*) FROM numbers WHERE number = ?", x)
		free := count("SELECT COUNT(*) FROM stock WHERE number = ? AND order_id = 0", x)
		if owned+free != 1 {
			t.Errorf("%s: an app's %d times, in stock %d times", x, owned, free)
		}
	}
	gone = count("SELECT COUNT(*) FROM returned_numbers")
	list, total, err := h.ReturnedNumbers(ctx, ReturnedFilter{}, models.Page{Limit: models.PageMax})
	if err != nil || total != gone || len(list) != gone {
		t.Errorf("%d returns, %d listed (%v)", gone, len(list), err)
	}
	ordered = count("SELECT COUNT(*) FROM orders WHERE state = 'delivered'")
	if owned := count("SELECT COUNT(*) FROM numbers WHERE number LIKE '+86170100%'"); ordered-gone > owned {
		t.Errorf("%d numbers were delivered and %d returned; the apps have %d", ordered, gone, owned)
	}
	return ordered, gone
}
