package store

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"maskline/models"
)

func (h *house) due(t testing.TB, month, after string, n int) (numbers []string) {
	t.Helper()
	for _, v := range must[[]models.Number](t)(h.RentDue(context.Background(), h.tenant.ID, month, after, n)) {
		numbers = append(numbers, v.Number)
	}
	return numbers
}

func TestRent(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		want := func(got []string, want ...string) {
			t.Helper()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("due %v, want %v", got, want)
			}
		}
		want(h.due(t, "2026-11", "", 9), x1, x2, x3)
		want(h.due(t, "2026-11", x1, 1), x2)
		want(h.due(t, "2026-10", "", 9))
		month := time.Date(2026, 11, 1, 0, 0, 0, 0, models.Beijing)
		var rents []models.Entry
		for _, x := range []string{x1, x3} {
			rents = append(rents, models.Entry{Key: models.RentKey(x, month), Kind: models.EntryRent, TenantID: h.tenant.ID, For: month, Memo: x,
				Postings: models.Transfer(models.TenantAccount(h.tenant.ID), models.AccountRent, 15*models.Unit)})
		}
		for _, posted := range []int{2, 0} {
			h.clock.advance(time.Hour)
			if n := must[int](t)(h.PostRents(ctx, rents)); n != posted {
				t.Errorf("%d rents posted, want %d", n, posted)
			}
		}
		want(h.due(t, "2026-11", "", 9), x2)
		want(h.due(t, "2026-12", "", 9), x1, x2, x3)
		other := rents[0]
		other.Postings = models.Transfer(models.TenantAccount(h.tenant.ID), models.AccountRent, 16*models.Unit)
		fresh := rents[0]
		fresh.Key = models.RentKey(x2, month)
		_, err := h.PostRents(ctx, []models.Entry{fresh, other})
		wantCode(t, err, models.Conflict)
		want(h.due(t, "2026-11", "", 9), x2) // all or none
		h.wantBalance(t, models.AccountRent, 30*models.Unit)
		mustExec(t, h.pools[0], "UPDATE numbers SET ends_at = ? WHERE number = ?", micros(month.AddDate(0, 0, 24)), x1)
		mustExec(t, h.pools[0], "UPDATE numbers SET ends_at = ? WHERE number = ?", micros(month.AddDate(0, 0, 25)), x3)
		want(h.due(t, "2026-12", "", 9), x2, x3)
		want(h.due(t, "2027-01", "", 9), x2)
		_, err = h.RentDue(ctx, h.tenant.ID, "2026-13", "", 9)
		wantCode(t, err, models.Invalid)
		_, err = h.RentDue(ctx, 99, "2026-12", "", 9)
		wantCode(t, err, models.NotFound)
		h.verified(t)
	})
}

// TestRentPages reads more numbers than a statement does, most of them paid for.
func TestRentPages(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		month := time.Date(2026, 11, 1, 0, 0, 0, 0, models.Beijing)
		var list []models.Number
		var rents []models.Entry
		for i := range 2*rentPage + 10 {
			x := fmt.Sprintf("+86171%08d", i)
			list = append(list, models.Number{AppID: h.app.ID, Number: x, AreaCode: "020"})
			if i%100 != 0 {
				rents = append(rents, models.Entry{Key: models.RentKey(x, month), Kind: models.EntryRent, TenantID: h.tenant.ID, For: month,
					Postings: models.Transfer(models.TenantAccount(h.tenant.ID), models.AccountRent, 1)})
			}
		}
		if err := h.AddNumbers(context.Background(), list); err != nil {
			t.Fatal(err)
		}
		must[int](t)(h.PostRents(context.Background(), rents))
		var got []string
		for after := ""; ; {
			some := h.due(t, "2026-11", after, 3)
			if len(some) == 0 {
				break
			}
			got, after = append(got, some...), some[len(some)-1]
		}
		want := []string{x1, x2, x3}
		for i := 0; i < 2*rentPage+10; i += 100 {
			want = append(want, fmt.Sprintf("+86171%08d", i))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("due %v, want %v", got, want)
		}
	})
}

func TestArrears(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		// x2 is suspended by the operator, x3 takes no bindings; later ones are normal.
		more := []string{"+8617000000011", "+8617000000012", "+8617000000013"}
		for _, x := range more {
			if err := h.AddNumbers(ctx, []models.Number{{AppID: h.app.ID, Number: x, AreaCode: "0755", DeliveredAt: h.clock.Now()}}); err != nil {
				t.Fatal(err)
			}
		}
		pushes := 0
		state := func(x string, st models.NumberState) {
			t.Helper()
			if _, _, err := h.SetNumberState(ctx, x, st, 0, func(models.App, models.Number) []models.Delivery { pushes++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		set := func(on bool, want ...string) {
			t.Helper()
			var got []string
			for _, n := range must[[]models.Number](t)(h.SetArrears(ctx, h.tenant.ID, on)) {
				got = append(got, n.Number)
				if read := must[models.Number](t)(h.Number(ctx, n.Number)); read != n || (n.State == models.NumberSuspended) != on {
					t.Errorf("changed to %+v, is %+v", n, read)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("changed %v, want %v", got, want)
			}
		}
		state(x2, models.NumberSuspended)
		state(x3, models.NumberBindFrozen)
		if err := h.SetTenantState(ctx, h.tenant.ID, models.StateSuspended); err != nil {
			t.Fatal(err)
		}
		set(true, x1, more[0], more[1], more[2])
		set(true)
		v := must[models.Sight](t)(h.Sight(ctx, x1, alice, models.NoExtension))
		if !v.Tenant.Arrears || v.Tenant.State != models.StateSuspended || v.Number.SuspendedFor != models.SuspendedForArrears {
			t.Errorf("sight %+v, %+v", v.Tenant, v.Number)
		}
		if _, tenant, _, err := h.Credentials(ctx, "key-1"); err != nil || !tenant.Arrears {
			t.Errorf("credentials %+v, %v", tenant, err)
		}
		_, err := h.Bind(ctx, h.request(x1, alice, bob))
		wantCode(t, err, models.TenantFrozen)
		pushes = 0
		state(more[0], models.NumberSuspended) // the operator's word now; nothing to tell
		state(more[1], models.NumberUnavailable)
		state(more[2], models.NumberNormal)
		if pushes != 2 {
			t.Errorf("%d pushes", pushes)
		}
		set(false, x1)
		set(false)
		for x, want := range map[string]models.NumberState{x1: 5, x2: 9, x3: 11, more[0]: 9, more[1]: 10, more[2]: 5} {
			if n := must[models.Number](t)(h.Number(ctx, x)); n.State != want || n.SuspendedFor != "" {
				t.Errorf("%s is %+v, want %d", x, n, want)
			}
		}
		if got := must[models.Tenant](t)(h.Tenant(ctx, h.tenant.ID)); got.Arrears || got.State != models.StateSuspended {
			t.Errorf("tenant %+v", got)
		}
		_, err = h.SetArrears(ctx, 99, true)
		wantCode(t, err, models.NotFound)
	})
}

func TestTenantMoney(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		wantCode(t, h.SetTenantCredit(ctx, h.tenant.ID, 500), "")
		wantCode(t, h.SetTenantCredit(ctx, h.tenant.ID, -1), models.Invalid)
		wantCode(t, h.SetTenantCredit(ctx, 99, 1), models.NotFound)
		wantCode(t, h.SetTenantZone(ctx, h.tenant.ID, "Europe/Berlin"), "")
		wantCode(t, h.SetTenantZone(ctx, h.tenant.ID, "Mars/Olympus"), models.Invalid)
		wantCode(t, h.SetTenantZone(ctx, 99, "UTC"), models.NotFound)
		if got := must[models.Tenant](t)(h.Tenant(ctx, h.tenant.ID)); got.Credit != 500 || got.Location().String() != "Europe/Berlin" {
			t.Errorf("tenant %+v", got)
		}
		made := models.Tenant{Name: "n", SpID: "s", Credit: 7, Zone: "UTC"}
		if err := h.CreateTenant(ctx, &made); err != nil {
			t.Fatal(err)
		}
		if got := must[models.Tenant](t)(h.Tenant(ctx, made.ID)); !reflect.DeepEqual(got, made) {
			t.Errorf("read %+v, want %+v", got, made)
		}
	})
}
