package store

import (
	"context"
	"slices"
	"testing"

	"maskline/models"
)

// Numbers of the apps of the other modes: the last of each kind is in Beijing, the others in Shenzhen.
var (
	axNumbers   = []string{"+8617100000001", "+8617100000002", "+8617100000003", "+8617100000004", "+8617100000005", "+8617100000006", "+8617100000007"}
	axeNumbers  = []string{"+8617200000001", "+8617200000002"}
	axybNumbers = []string{"+8617300000001", "+8617300000002", "+8617300000003", "+8617300000004"}
)

// estate is a house with an app of each mode.
type estate struct {
	*house
	ax, axe, axyb models.App
}

func newEstate(t testing.TB, cfg Config) *estate {
	t.Helper()
	e := &estate{house: newHouse(t, cfg)}
	e.ax = e.appOf(t, models.ModeAX, axNumbers)
	e.axe = e.appOf(t, models.ModeAXE, axeNumbers)
	e.axyb = e.appOf(t, models.ModeAXYB, axybNumbers)
	return e
}

func (e *estate) appOf(t testing.TB, mode models.Mode, numbers []string) models.App {
	t.Helper()
	ctx := context.Background()
	a := models.App{TenantID: e.tenant.ID, Key: "key-" + string(mode), Name: string(mode), Mode: mode}
	a.Settings.Extension = models.ExtensionSettings{Digits: 1}
	if err := e.CreateApp(ctx, &a, "secret"); err != nil {
		t.Fatal(err)
	}
	var list []models.Number
	for i, n := range numbers {
		area := "0755"
		if i == len(numbers)-1 {
			area = "010"
		}
		list = append(list, models.Number{AppID: a.ID, Number: n, AreaCode: area})
	}
	if err := e.AddNumbers(ctx, list); err != nil {
		t.Fatal(err)
	}
	return a
}

func (e *estate) bindAX(t testing.TB, x string, a models.Party) models.Binding {
	t.Helper()
	return must[models.Binding](t)(e.BindAX(context.Background(), AXRequest{App: e.ax, Where: Where{X: x}, A: a}))
}

func (e *estate) bindAXE(t testing.TB, x string, a models.Party, extension string, minutes int) models.Binding {
	t.Helper()
	return must[models.Binding](t)(e.BindAXE(context.Background(), AXERequest{App: e.axe, Where: Where{X: x}, A: a, Extension: extension,
		Settings: models.BindingSettings{TimeUnit: 1, BindTime: minutes}}))
}

func (e *estate) bindAXYB(t testing.TB, x string, a models.Party, lifetime, ybLifetime int) models.Binding {
	t.Helper()
	return must[models.Binding](t)(e.BindAXYB(context.Background(), AXYBRequest{App: e.axyb, Where: Where{X: x}, A: a,
		Settings: models.BindingSettings{Lifetime: lifetime, YBLifetime: ybLifetime}}))
}

// reached is what a look-up comes to.
type reached struct {
	to    models.Party // zero: nobody
	show  string
	side  models.Side
	own   bool // by a row of the caller's own, not everyone's
	bound bool // some row lives
}

func outcome(t testing.TB, v models.Sight) reached {
	t.Helper()
	if v.Route == nil || !v.Route.Live(v.Now) {
		return reached{}
	}
	if v.Binding == nil || !v.Binding.Live(v.Now) {
		t.Errorf("%v on %s: a live route without a live binding: %+v of %+v", v.Caller, v.Dialled, v.Binding, v.Route)
	}
	r := reached{to: v.Route.Destination, show: v.Route.Display, side: v.Route.Side, own: v.Route.Caller != models.Anyone, bound: true}
	if temp, set := v.Route.TempLive(v.Now); set {
		r.to = temp
	}
	return r
}

func (e *estate) reach(t testing.TB, x string, caller models.Party, extension string) reached {
	t.Helper()
	return outcome(t, must[models.Sight](t)(e.Sight(context.Background(), x, caller, extension)))
}

// sound checks what must hold at any time: the rows are those of the open bindings, A's own rows of AXE live as long as his bindings, and
// every number counts the places that are taken.
func (h *house) sound(t testing.TB) {
	t.Helper()
	open := must[[]models.Binding](t)(bindingColumns.all(h.read, "WHERE t.closed_at = 0 ORDER BY t.seq"))
	type key struct {
		dialled   string
		caller    models.Party
		extension string
	}
	want, owners, taken := map[key]models.Route{}, map[key][]models.Binding{}, map[string]int{}
	for _, b := range open {
		for _, r := range routesOf(b, b.CreatedAt) {
			k := key{r.Dialled, r.Caller, r.Extension}
			if _, twice := want[k]; twice {
				t.Errorf("%+v has two destinations", k)
			}
			want[k] = r
		}
		if b.Mode == models.ModeAXE {
			k := key{b.X, b.A, models.NoExtension}
			owners[k] = append(owners[k], b)
		}
		taken[roomOn(b)] += placesOf(b)
	}
	for _, r := range must[[]models.Route](t)(routeColumns.all(h.read, "")) {
		k := key{r.Dialled, r.Caller, r.Extension}
		if list := owners[k]; len(list) > 0 {
			last := ownRowOf(list, r.BindingID, "", r.ValidFrom)
			if now := h.clock.Now(); r.Live(now) && (last.BindingID != r.BindingID || !last.ExpiresAt.Equal(r.ExpiresAt)) {
				t.Errorf("A's own row %+v, want %+v", r, last)
			}
			delete(owners, k)
			continue
		}
		if w := want[k]; w.BindingID != r.BindingID || w.Destination != r.Destination || w.Display != r.Display || w.Side != r.Side ||
			w.Forbidden != r.Forbidden || !w.ExpiresAt.Equal(r.ExpiresAt) {
			t.Errorf("row %+v, want %+v", r, w)
		}
		delete(want, k)
	}
	if len(want) > 0 {
		t.Errorf("%d rows are missing: %+v", len(want), want)
	}
	for k, list := range owners {
		if slices.ContainsFunc(list, func(b models.Binding) bool { return b.Live(h.clock.Now()) }) {
			t.Errorf("A has no row of his own: %+v", k)
		}
	}
	for _, x := range slices.Concat([]string{x1, x2, x3}, axNumbers, axeNumbers, axybNumbers) {
		if got := h.pairs(t, x); got != taken[x] {
			t.Errorf("%s counts %d places, %d are taken", x, got, taken[x])
		}
	}
}

// stranger is another app with a number, of AX.
func (e *estate) stranger(t testing.TB) models.App {
	t.Helper()
	a := models.App{TenantID: e.tenant.ID, Key: "stranger", Name: "stranger", Mode: models.ModeAX}
	if err := e.CreateApp(context.Background(), &a, "secret"); err != nil {
		t.Fatal(err)
	}
	return a
}
