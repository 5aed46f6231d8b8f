package store

import (
	"context"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/models"
)

// recharge is an entry that pays an amount in.
func (h *house) recharge(key string, a models.Amount) models.Entry {
	return models.Entry{Key: key, Kind: models.EntryRecharge, TenantID: h.tenant.ID, Memo: "by transfer", By: "fin",
		Postings: models.Transfer(models.AccountCash, models.TenantAccount(h.tenant.ID), a)}
}

func (h *house) post(t testing.TB, e models.Entry) models.Entry {
	t.Helper()
	if !must[bool](t)(h.Post(context.Background(), &e)) {
		t.Fatalf("%s was posted before", e.Key)
	}
	return e
}

func (h *house) wantBalance(t testing.TB, a models.Account, want models.Amount) {
	t.Helper()
	if got := must[models.Amount](t)(h.Balance(context.Background(), a)); got != want {
		t.Errorf("%s has %s, want %s", a, got, want)
	}
}

// verified checks the books.
func (h *house) verified(t testing.TB) LedgerReport {
	t.Helper()
	r := must[LedgerReport](t)(h.VerifyLedger(context.Background()))
	if !r.OK() {
		t.Fatalf("the ledger is broken: %s", strings.Join(r.Problems, "; "))
	}
	return r
}

func TestPost(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		mine := models.TenantAccount(h.tenant.ID)
		first := h.post(t, h.recharge("recharge:1", 100*models.Unit))
		if first.ID == 0 || !first.At.Equal(h.clock.Now()) || !first.For.Equal(first.At) {
			t.Errorf("posted %+v", first)
		}
		h.clock.advance(time.Hour)
		again := h.recharge("recharge:1", 100*models.Unit)
		again.By = "somebody else"
		if posted, err := h.Post(ctx, &again); err != nil || posted || !reflect.DeepEqual(again, first) {
			t.Errorf("again: %v, %v, %+v", posted, err, again)
		}
		rent := models.Entry{Key: "rent:1", Kind: models.EntryRent, TenantID: h.tenant.ID, For: h.clock.Now().Add(-time.Hour), Postings: models.Transfer(mine, models.AccountRent, 15)}
		for i, change := range []func(e *models.Entry){
			func(e *models.Entry) { e.Postings = models.Transfer(models.AccountCash, mine, 99) },
			func(e *models.Entry) { e.Kind = models.EntryRefund },
			func(e *models.Entry) { e.TenantID = 7 },
			func(e *models.Entry) { e.Memo = "" },
			func(e *models.Entry) { e.For = first.For.Add(time.Hour) },
			func(e *models.Entry) { e.Postings = models.Transfer(models.AccountAdjustments, mine, 100*models.Unit) },
		} {
			e := h.recharge("recharge:1", 100*models.Unit)
			change(&e)
			_, err := h.Post(ctx, &e)
			if wantCode(t, err, models.Conflict); !strings.Contains(err.Error(), "recharge:1") && !strings.Contains(err.Error(), models.Mask("recharge:1")) {
				t.Errorf("%d: %v does not name the key", i, err)
			}
		}
		for i, change := range []func(e *models.Entry){
			func(e *models.Entry) { e.Key = "" },
			func(e *models.Entry) { e.Kind = "" },
			func(e *models.Entry) { e.Postings[0].Amount++ },
			func(e *models.Entry) { e.Postings = e.Postings[:1] },
			func(e *models.Entry) {
				e.Postings = append(e.Postings, models.Transfer(models.AccountCash, mine, 1)...)
			},
			func(e *models.Entry) { e.Memo = strings.Repeat("长", memoMost+1) },
			func(e *models.Entry) { e.By = strings.Repeat("b", byMost+1) },
		} {
			e := h.recharge("recharge:3", 5)
			change(&e)
			if _, err := h.Post(ctx, &e); models.CodeOf(err) != models.Invalid {
				t.Errorf("%d: %v", i, err)
			}
		}
		rent = h.post(t, rent)
		if got := must[models.Entry](t)(h.Entry(ctx, rent.ID)); !reflect.DeepEqual(got, rent) {
			t.Errorf("read %+v, want %+v", got, rent)
		}
		h.wantBalance(t, mine, 100*models.Unit-15)
		h.wantBalance(t, models.AccountCash, -100*models.Unit)
		h.wantBalance(t, models.AccountRent, 15)
		h.wantBalance(t, "tenant:99", 0)
		_, err := h.Entry(ctx, 99)
		wantCode(t, err, models.NotFound)
		now := h.clock.Now()
		for f, want := range map[EntryFilter]int{{}: 2, {TenantID: h.tenant.ID}: 2, {TenantID: 99}: 0, {Kind: models.EntryRent}: 1, {Account: mine}: 2,
			{Account: models.AccountCash}: 1, {Account: mine, Kind: models.EntryRent, Since: now}: 1, {Until: now}: 1, {Since: now}: 1, {Account: mine, Until: now}: 1} {
			list, n, err := h.Entries(ctx, f, models.Page{})
			if err != nil || n != want || len(list) != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, n, want, err)
			}
			for _, e := range list {
				if len(e.Postings) != 2 {
					t.Errorf("%+v has no postings", e)
				}
			}
		}
		list, _, err := h.Entries(ctx, EntryFilter{Account: mine}, models.Page{Limit: 1})
		if err != nil || !reflect.DeepEqual(list, []models.Entry{rent}) {
			t.Errorf("newest %+v, %v", list, err)
		}
		balances := must[[]TenantBalance](t)(h.TenantBalances(ctx, 0, 10))
		if len(balances) != 1 || balances[0].Balance != 100*models.Unit-15 || balances[0].Tenant.Name != "Acme" {
			t.Errorf("balances %+v", balances)
		}
		if r := h.verified(t); r.Entries != 2 || r.Postings != 4 || r.Accounts != 3 {
			t.Errorf("verified %+v", r)
		}
	})
}

// TestPostAtOnce posts one business from two daemons at once, many times over.
func TestPostAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		other := open(t, cfg)
		var posted atomic.Int64
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for _, key := range []string{"a", "b", "c", "d", "e"} {
					e := h.recharge(key, 7)
					e.At = h.clock.Now()
					ok, err := []*Store{h.Store, other}[i%2].Post(context.Background(), &e)
					if err != nil || e.ID == 0 {
						t.Error(err)
					}
					if ok {
						posted.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if posted.Load() != 5 {
			t.Errorf("%d of 5 were posted", posted.Load())
		}
		h.wantBalance(t, models.TenantAccount(h.tenant.ID), 35)
		h.verified(t)
	})
}

// TestPostJoins: what a caller's transaction undoes is not posted.
func TestPostJoins(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		e := h.recharge("r", 7)
		_, _, _, err := h.Once(context.Background(), replyKey("n", ""), time.Hour, func(ctx context.Context) (int, []byte, error) {
			if _, err := h.Post(ctx, &e); err != nil {
				return 0, nil, err
			}
			return 409, nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		h.wantBalance(t, models.TenantAccount(h.tenant.ID), 0)
		if r := h.verified(t); r.Entries != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestPlans(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		day := func(n int) time.Time {
			if n == 0 {
				return time.Time{}
			}
			return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC)
		}
		plan := func(tenant int64, from, until int) models.PricePlan {
			return models.PricePlan{TenantID: tenant, Name: "plan", From: day(from), Until: day(until), CutCalls: true,
				Calls: map[models.Mode]models.CallPrice{models.ModeAXB: {Minute: 600, Free: 3, Minimum: 6, Increment: 6}}, Rent: map[string]models.Amount{"private": 50000}}
		}
		mine := h.tenant.ID
		ids := map[int]int64{}
		for i, c := range []struct {
			tenant      int64
			from, until int
			want        models.Code
		}{
			{mine, 5, 10, ""}, {mine, 10, 15, ""}, {mine, 9, 11, models.Conflict}, {mine, 1, 0, models.Conflict}, {mine, 14, 0, models.Conflict}, {mine, 15, 0, ""},
			{mine, 20, 0, models.Conflict}, {mine, 1, 5, ""}, {mine, 6, 7, models.Conflict}, {0, 1, 0, ""}, {0, 9, 0, models.Conflict}, {99, 1, 0, models.NotFound},
			{mine, 7, 7, models.Invalid},
		} {
			p := plan(c.tenant, c.from, c.until)
			err := h.AddPlan(ctx, &p)
			if models.CodeOf(err) != c.want {
				t.Errorf("%d: %v, want %q", i, err, c.want)
			}
			if ids[i] = p.ID; err == nil {
				if got := must[models.PricePlan](t)(h.Plan(ctx, p.ID)); !reflect.DeepEqual(got, p) {
					t.Errorf("read %+v, want %+v", got, p)
				}
			}
			if c.want == models.Conflict && !strings.Contains(err.Error(), `"plan"`) {
				t.Errorf("%v does not name the other", err)
			}
		}
		at := func(tenant int64, when time.Time, want int) {
			t.Helper()
			p, found, err := h.PlanAt(ctx, tenant, when)
			if err != nil || found != (want >= 0) || found && p.ID != ids[want] {
				t.Errorf("at %v: %v, plan %d, %v", when, found, p.ID, err)
			}
		}
		at(mine, day(5).Add(-time.Microsecond), 7)
		at(mine, day(5), 0)
		at(mine, day(10).Add(-time.Microsecond), 0)
		at(mine, day(10), 1)
		at(99, day(10), 9)
		at(0, day(10), 9)
		at(99, day(1).Add(-time.Microsecond), -1)
		wantCode(t, h.EndPlan(ctx, ids[0], day(11)), models.Conflict)
		wantCode(t, h.EndPlan(ctx, ids[0], day(5)), models.Invalid)
		wantCode(t, h.EndPlan(ctx, 999, day(5)), models.NotFound)
		wantCode(t, h.EndPlan(ctx, ids[0], day(8)), "")
		wantCode(t, h.EndPlan(ctx, ids[5], day(28)), "")
		wantCode(t, h.EndPlan(ctx, ids[5], time.Time{}), "")
		at(mine, day(9), 9) // his own leaves a gap, and the platform's fills it
		for f, want := range map[PlanFilter]int{{}: 5, {TenantID: mine}: 4, {Platform: true}: 1} {
			if list, n, err := h.Plans(ctx, f, models.Page{}); err != nil || n != want || len(list) != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, n, want, err)
			}
		}
	})
}
