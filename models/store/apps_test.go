package store

import (
	"context"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

func TestTenants(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		wantCode(t, h.CreateTenant(ctx, &models.Tenant{Name: "Acme", SpID: "other"}), models.Conflict)
		wantCode(t, h.CreateTenant(ctx, &models.Tenant{Name: "", SpID: "other"}), models.Invalid)
		second := models.Tenant{Name: "acme", SpID: "lower"} // keys tell capitals apart
		if err := h.CreateTenant(ctx, &second); err != nil || second.ID == h.tenant.ID || second.State != models.StateNormal {
			t.Fatalf("created %+v: %v", second, err)
		}
		if err := h.SetTenantState(ctx, second.ID, models.StateFrozen); err != nil {
			t.Fatal(err)
		}
		second.State = models.StateFrozen
		if got := must[models.Tenant](t)(h.Tenant(ctx, second.ID)); !reflect.DeepEqual(got, second) {
			t.Errorf("read %+v, want %+v", got, second)
		}
		wantCode(t, h.SetTenantState(ctx, 99, models.StateFrozen), models.NotFound)
		wantCode(t, h.SetTenantState(ctx, second.ID, "odd"), models.Invalid)
		list, total, err := h.Tenants(ctx, TenantFilter{}, models.Page{Limit: 1})
		if err != nil || total != 2 || len(list) != 1 || list[0].ID != second.ID {
			t.Errorf("page %+v of %d: %v", list, total, err)
		}
		list, total, err = h.Tenants(ctx, TenantFilter{Name: "Ac", State: models.StateNormal}, models.Page{})
		if err != nil || total != 1 || list[0].ID != h.tenant.ID {
			t.Errorf("filtered %+v of %d: %v", list, total, err)
		}
	})
}

func TestApps(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		a := models.App{TenantID: h.tenant.ID, Key: "full", Name: "快递", Mode: models.ModeAXB, StatusURL: "https://example.com/s", FeeURL: "https://example.com/f",
			PushScheme: models.PushBoth, Record: true, SMS: true, OneUseNonce: true, AllowFrom: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")},
			PairsPerNumber: 7, Prompts: map[string]string{"busy.wav": "ours.wav"}}
		if err := h.CreateApp(ctx, &a, "s"); err != nil {
			t.Fatal(err)
		}
		if got := must[models.App](t)(h.AppByKey(ctx, "full")); !reflect.DeepEqual(got, a) {
			t.Errorf("read %+v, want %+v", got, a)
		}
		_, err := h.AppByKey(ctx, "FULL")
		wantCode(t, err, models.UnknownApp)
		wantCode(t, h.CreateApp(ctx, &models.App{TenantID: h.tenant.ID, Key: "full", Name: "n", Mode: models.ModeAXB}, "s"), models.Conflict)
		wantCode(t, h.CreateApp(ctx, &models.App{TenantID: 99, Key: "lost", Name: "n", Mode: models.ModeAXB}, "s"), models.NotFound)
		err = h.UpdateApp(ctx, a.ID, func(a *models.App) error {
			a.Key, a.ID, a.FeeURL, a.AllowFrom, a.State = "changed", 77, "", nil, models.StateSuspended
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		a.FeeURL, a.AllowFrom, a.State = "", nil, models.StateSuspended
		if got := must[models.App](t)(h.App(ctx, a.ID)); !reflect.DeepEqual(got, a) {
			t.Errorf("updated %+v, want %+v", got, a)
		}
		wantCode(t, h.UpdateApp(ctx, a.ID, func(a *models.App) error { a.Name = ""; return nil }), models.Invalid)
		wantCode(t, h.UpdateApp(ctx, 99, func(*models.App) error { return nil }), models.NotFound)
		list, total, err := h.Apps(ctx, AppFilter{TenantID: h.tenant.ID, State: models.StateSuspended}, models.Page{})
		if err != nil || total != 1 || list[0].Key != "full" {
			t.Errorf("filtered %+v of %d: %v", list, total, err)
		}
	})
}

func TestSecrets(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		if err := h.AddAppSecret(ctx, h.app.ID, "second", time.Hour); err != nil {
			t.Fatal(err)
		}
		want := []string{"second", "secret of key-1"}
		if got := must[[]string](t)(h.AppSecrets(ctx, h.app.ID)); !slices.Equal(got, want) {
			t.Errorf("secrets %q, want %q", got, want)
		}
		app, tenant, secrets, err := h.Credentials(ctx, "key-1")
		if err != nil || !reflect.DeepEqual(app, h.app) || !reflect.DeepEqual(tenant, h.tenant) || !slices.Equal(secrets, want) {
			t.Errorf("credentials %+v %+v %q: %v", app, tenant, secrets, err)
		}
		_, _, _, err = h.Credentials(ctx, "nobody")
		wantCode(t, err, models.UnknownApp)
		h.clock.advance(time.Hour)
		if got := must[[]string](t)(h.AppSecrets(ctx, h.app.ID)); !slices.Equal(got, want[:1]) {
			t.Errorf("secrets %q after an hour, want %q", got, want[:1])
		}
		if _, _, secrets, err = h.Credentials(ctx, "key-1"); err != nil || !slices.Equal(secrets, want[:1]) {
			t.Errorf("credentials hold %q after an hour: %v", secrets, err)
		}
		wantCode(t, h.AddAppSecret(ctx, 99, "x", 0), models.NotFound)
	})
}

func TestSealedAtRestAndRotated(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		h := newHouse(t, cfg)
		var sealed []byte
		if _, err := one(h.read, []any{&sealed}, "SELECT sealed FROM app_secrets"); err != nil || strings.Contains(string(sealed), "secret") {
			t.Fatalf("stored %q: %v", sealed, err)
		}
		with := func(k Keys) *Store {
			cfg.Keys = k
			return open(t, cfg)
		}
		wrong := testKeys("k1")
		wrong.ByID["k1"][0]++
		if _, err := with(wrong).AppSecrets(ctx, h.app.ID); err == nil || !strings.Contains(err.Error(), `"k1" is not the one that sealed it`) {
			t.Errorf("a wrong key: %v", err)
		}
		if _, err := with(testKeys("k2")).AppSecrets(ctx, h.app.ID); err == nil || !strings.Contains(err.Error(), `sealed with key "k1", which is not configured`) {
			t.Errorf("a missing key: %v", err)
		}
		if _, err := with(testKeys("k2")).Reseal(ctx); err == nil {
			t.Error("a secret was resealed without its key")
		}
		if n := must[int](t)(with(testKeys("2k", "k1")).Reseal(ctx)); n != 1 {
			t.Errorf("resealed %d, want 1", n)
		}
		if n := must[int](t)(with(testKeys("2k")).Reseal(ctx)); n != 0 {
			t.Errorf("resealed %d again, want 0", n)
		}
		if got := must[[]string](t)(with(testKeys("2k")).AppSecrets(ctx, h.app.ID)); !slices.Equal(got, []string{"secret of key-1"}) {
			t.Errorf("secrets %q with the new key alone", got)
		}
		if err := with(Keys{}).AddAppSecret(ctx, h.app.ID, "x", 0); err == nil {
			t.Error("a secret was stored without a key")
		}
		// A secret does not open in another app's row.
		second := h.newApp(t, "key-2")
		if err := h.write.Exec("UPDATE app_secrets SET app_id = ? WHERE app_id = ?", h.app.ID, second.ID).Error; err != nil {
			t.Fatal(err)
		}
		if _, err := with(testKeys("k1", "2k")).AppSecrets(ctx, h.app.ID); err == nil {
			t.Error("a secret moved to another app still opens")
		}
	})
}

func TestKeysAreChecked(t *testing.T) {
	for name, k := range map[string]Keys{
		"short":      {Current: "a", ByID: map[string][]byte{"a": make([]byte, 16)}},
		"no current": {Current: "b", ByID: map[string][]byte{"a": make([]byte, 32)}},
	} {
		if _, err := newSealer(k); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNumbers(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		err := h.AddNumbers(ctx, []models.Number{{AppID: h.app.ID, Number: "+8617000000010", AreaCode: "0755"}, {AppID: h.app.ID, Number: x2, AreaCode: "0755"}})
		wantCode(t, err, models.Conflict)
		if !strings.Contains(err.Error(), models.Mask(x2)) || strings.Contains(err.Error(), x2) {
			t.Errorf("the error does not name the number masked: %v", err)
		}
		_, err = h.Number(ctx, "+8617000000010")
		wantCode(t, err, models.NotFound)
		for name, bad := range map[string][]models.Number{
			"twice":  {{AppID: h.app.ID, Number: "+8617000000010", AreaCode: "0755"}, {AppID: h.app.ID, Number: "+8617000000010", AreaCode: "0755"}},
			"form":   {{AppID: h.app.ID, Number: "17000000010", AreaCode: "0755"}},
			"state":  {{AppID: h.app.ID, Number: "+8617000000010", AreaCode: "0755", State: 1}},
			"no app": {{AppID: 99, Number: "+8617000000010", AreaCode: "0755"}},
		} {
			if err := h.AddNumbers(ctx, bad); models.CodeOf(err) != models.Invalid && models.CodeOf(err) != models.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
		h.numberStates(t)
		n := must[models.Number](t)(h.Number(ctx, x1))
		if n.TenantID != h.tenant.ID || n.State != models.NumberNormal || n.AreaCode != "0755" {
			t.Errorf("read %+v", n)
		}
		if _, _, err := h.SetNumberState(ctx, x1, models.NumberSuspended, 0, nil); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			f    NumberFilter
			want int
		}{
			{NumberFilter{}, 3}, {NumberFilter{AppID: h.app.ID, Area: "0755"}, 2}, {NumberFilter{TenantID: h.tenant.ID, State: models.NumberSuspended}, 1},
			{NumberFilter{Number: "+861700"}, 3}, {NumberFilter{Number: x2}, 1}, {NumberFilter{Number: "+8618"}, 0},
		} {
			if _, total, err := h.Numbers(ctx, tt.f, models.Page{}); err != nil || total != tt.want {
				t.Errorf("%+v finds %d, want %d (%v)", tt.f, total, tt.want, err)
			}
		}
	})
}

// numberStates sees that a change of a number's state commits with the pushes that tell it, and that what is no change tells nothing.
func (h *house) numberStates(t *testing.T) {
	t.Helper()
	ctx, calls := context.Background(), 0
	tell := func(app models.App, n models.Number) []models.Delivery {
		calls++
		return []models.Delivery{{AppID: app.ID, Kind: models.DeliverNumber, URL: "https://example.com", Body: []byte(n.Number), CreatedAt: h.clock.Now()}}
	}
	for i, tt := range []struct {
		state models.NumberState
		cause int
		calls int
	}{
		{models.NumberNormal, 0, 0}, {models.NumberUnavailable, 2, 1}, {models.NumberUnavailable, 2, 1}, {models.NumberUnavailable, 3, 2}, {models.NumberNormal, 0, 3},
	} {
		n, told, err := h.SetNumberState(ctx, x1, tt.state, tt.cause, tell)
		if err != nil || calls != tt.calls || n.State != tt.state || n.Cause != tt.cause || n != must[models.Number](t)(h.Number(ctx, x1)) {
			t.Errorf("step %d: %+v, told %d times, %v", i, n, calls, err)
		}
		for _, d := range told {
			got := must[[]models.Delivery](t)(h.WaitingDeliveries(ctx, d.ID-1, nil, 1))
			if len(got) != 1 || got[0].ID != d.ID || string(got[0].Body) != x1 {
				t.Errorf("step %d: delivery %+v", i, got)
			}
		}
	}
	for _, bad := range []struct {
		number string
		state  models.NumberState
		cause  int
		code   models.Code
	}{
		{x1, 1, 0, models.Invalid}, {x1, models.NumberUnavailable, 10, models.Invalid}, {x1, models.NumberSuspended, 1, models.Invalid},
		{"+8617999999999", models.NumberSuspended, 0, models.NotFound},
	} {
		if _, _, err := h.SetNumberState(ctx, bad.number, bad.state, bad.cause, tell); models.CodeOf(err) != bad.code {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if calls != 3 {
		t.Errorf("told %d times, want 3", calls)
	}
}

func TestAppSettings(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		want := models.AppSettings{AskURL: "https://example.com/ask", PushNumberStatus: true,
			Extension: models.ExtensionSettings{Digits: 3, Repeats: 2, AnswerFirst: true, CallbackTone: "t.wav"}, Risk: models.Risk{Frequency: models.WatchReport, PerCaller: 7}}
		if err := h.UpdateApp(ctx, h.app.ID, func(a *models.App) error { a.Settings = want; return nil }); err != nil {
			t.Fatal(err)
		}
		if got := must[models.App](t)(h.App(ctx, h.app.ID)); !reflect.DeepEqual(got.Settings, want) {
			t.Errorf("read %+v, want %+v", got.Settings, want)
		}
		if v := must[models.Sight](t)(h.Sight(ctx, x1, alice, "")); !reflect.DeepEqual(v.App.Settings, want) || v.Extension != models.NoExtension {
			t.Errorf("sight shows %+v of extension %q", v.App.Settings, v.Extension)
		}
		mustExec(t, h.pools[0], "UPDATE apps SET settings = ''") // as the migration leaves it
		if got := must[models.App](t)(h.App(ctx, h.app.ID)); !reflect.DeepEqual(got.Settings, models.AppSettings{}) {
			t.Errorf("read %+v, want nothing", got.Settings)
		}
	})
}
