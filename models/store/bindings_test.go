package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

// destination is who a caller reaches on a number now; the zero Party is nobody.
func (h *house) destination(t testing.TB, x string, caller models.Party) models.Party {
	t.Helper()
	v := must[models.Sight](t)(h.Sight(context.Background(), x, caller, models.NoExtension))
	if v.Route == nil || !v.Route.Live(v.Now) {
		return models.Party{}
	}
	if v.Binding == nil || !v.Binding.Live(v.Now) {
		t.Fatalf("a live route without a live binding: %+v", v)
	}
	return v.Route.Destination
}

// pairs is the count that the number's row holds.
func (h *house) pairs(t testing.TB, x string) (n int) {
	t.Helper()
	if _, err := one(h.read, []any{num(&n)}, "SELECT pairs FROM numbers WHERE number = ?", x); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestBindAndSight(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		r := h.request(x1, alice, bob)
		r.Settings = models.BindingSettings{Direction: models.OnlyAToB, Lifetime: 60, MaxDuration: 5, LastMinVoice: "last.wav", PreVoiceA: "a.wav",
			PreVoiceB: "b.wav", Record: true, RecordHintTone: "hint.wav", PrivateSMS: true, UserData: "order 1"}
		b := must[models.Binding](t)(h.Bind(ctx, r))
		if got := must[models.Binding](t)(h.Binding(ctx, h.app.ID, b.ID)); got != b {
			t.Errorf("stored %#v, returned %#v", got, b)
		}
		v := must[models.Sight](t)(h.Sight(ctx, x1, bob, models.NoExtension))
		if v.Number.Number != x1 || v.App.Key != "key-1" || v.Tenant.ID != h.tenant.ID || *v.Binding != b {
			t.Errorf("sight %+v", v)
		}
		if v.Route.Destination != alice || v.Route.Display != x1 || v.Route.Side != models.SideB || !v.Route.Forbidden || !v.Route.ExpiresAt.Equal(b.ExpiresAt) {
			t.Errorf("route of B %+v", *v.Route)
		}
		if !v.Now.Equal(h.clock.Now()) {
			t.Errorf("now is %v, the clock says %v", v.Now, h.clock.Now())
		}
		stranger := must[models.Sight](t)(h.Sight(ctx, x1, carol, models.NoExtension))
		if stranger.Number == nil || stranger.App == nil || stranger.Route != nil || stranger.Binding != nil {
			t.Errorf("a stranger sees %+v", stranger)
		}
		nothing := must[models.Sight](t)(h.Sight(ctx, "+8617099999999", models.Hidden, models.NoExtension))
		if nothing.Number != nil || nothing.App != nil || nothing.Tenant != nil || nothing.Route != nil {
			t.Errorf("an unknown number shows %+v", nothing)
		}
		h.clock.advance(60*time.Second - time.Microsecond)
		if h.destination(t, x1, alice) != bob {
			t.Error("the binding is dead before its second")
		}
		h.clock.advance(time.Microsecond)
		if !h.destination(t, x1, alice).IsZero() {
			t.Error("the binding lives at its second of expiry")
		}
	})
}

func TestBindRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		other := h.newApp(t, "key-2")
		if err := h.AddNumbers(ctx, []models.Number{{AppID: other.ID, Number: "+8617000000009", AreaCode: "0755"}}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.SetNumberState(ctx, x2, models.NumberBindFrozen, 0, nil); err != nil {
			t.Fatal(err)
		}
		h.bind(t, x1, alice, bob, 0)
		one := h.app
		one.PairsPerNumber = 1
		tests := []struct {
			name  string
			r     BindRequest
			code  models.Code
			param string
		}{
			{"A is bound", h.request(x1, alice, carol), models.NumberBound, alice.Reveal()},
			{"A is bound as B", h.request(x1, bob, carol), models.NumberBound, bob.Reveal()},
			{"B is bound", h.request(x1, carol, bob), models.NumberBound, bob.Reveal()},
			{"the same pair", h.request(x1, alice, bob), models.NumberBound, alice.Reveal()},
			{"A is B", h.request(x1, carol, carol), models.Invalid, "calleeNum"},
			{"A is hidden", h.request(x1, models.Hidden, carol), models.Invalid, "callerNum"},
			{"no B", h.request(x1, carol, models.Party{}), models.Invalid, "calleeNum"},
			{"A is a number of ours", h.request(x1, models.MustParty(x3), carol), models.Invalid, "callerNum"},
			{"B is a number of another app", h.request(x1, carol, models.MustParty("+8617000000009")), models.Invalid, "calleeNum"},
			{"X of another app", h.request("+8617000000009", carol, dave), models.NumberNotOwned, "relationNum"},
			{"X of nobody", h.request("+8617000000099", carol, dave), models.NumberNotOwned, "relationNum"},
			{"X takes no binding", h.request(x2, carol, dave), models.NumberAbnormal, "relationNum"},
			{"X is full", BindRequest{App: one, Where: Where{X: x1}, A: carol, B: dave}, models.NoNumber, "relationNum"},
			{"duration", BindRequest{App: h.app, Where: Where{X: x1}, A: carol, B: dave, Settings: models.BindingSettings{Lifetime: 59}}, models.Invalid, "duration"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				_, err := h.Bind(ctx, tt.r)
				wantCode(t, err, tt.code)
				if e, _ := errors.AsType[*models.Error](err); e.Param != tt.param {
					t.Errorf("param %s, want %s", e.Param, tt.param)
				}
			})
		}
		if _, total, err := h.Bindings(ctx, BindingFilter{}, models.Page{}); err != nil || total != 1 {
			t.Errorf("%d bindings after refusals (%v), want 1", total, err)
		}
		if h.pairs(t, x1) != 1 || h.pairs(t, x2) != 0 {
			t.Errorf("pairs %d and %d, want 1 and 0", h.pairs(t, x1), h.pairs(t, x2))
		}
	})
}

func TestExpiredBindingGivesWay(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		start := h.clock.Now()
		old := h.bind(t, x1, alice, bob, 60)
		h.clock.advance(100 * time.Second)
		h.bind(t, x1, alice, carol, 0)
		got := must[models.Binding](t)(h.Binding(ctx, 0, old.ID))
		if got.Reason != models.ClosedExpired || !got.ClosedAt.Equal(old.ExpiresAt) {
			t.Errorf("the old binding ended %v (%s), want %v (expired)", got.ClosedAt, got.Reason, old.ExpiresAt)
		}
		if h.destination(t, x1, alice) != carol || !h.destination(t, x1, bob).IsZero() {
			t.Error("routes are not those of the new binding")
		}
		for at, want := range map[time.Duration]models.Party{0: bob, 59 * time.Second: bob, 60 * time.Second: {}, 100 * time.Second: carol, -time.Second: {}} {
			v := must[models.Sight](t)(h.SightAt(ctx, x1, alice, models.NoExtension, start.Add(at)))
			var dest models.Party
			if v.Route != nil && v.Route.Live(v.Now) && v.Binding.Live(v.Now) {
				dest = v.Route.Destination
			}
			if dest != want {
				t.Errorf("at %v alice would have reached %v, want %v", at, dest, want)
			}
		}
		if n := h.pairs(t, x1); n != 1 {
			t.Errorf("pairs %d, want 1", n)
		}
	})
}

func TestFullNumberMakesRoomByExpiry(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		h.app.PairsPerNumber = 1
		h.bind(t, x1, alice, bob, 60)
		h.clock.advance(time.Minute)
		h.bind(t, x1, carol, dave, 0)
		if n := h.pairs(t, x1); n != 1 {
			t.Errorf("pairs %d, want 1", n)
		}
	})
}

func TestChooseNumber(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		auto := func(area string, loose bool, a, b models.Party) (string, error) {
			r := h.request("", a, b)
			r.Area, r.Loose = area, loose
			got, err := h.Bind(ctx, r)
			return got.X, err
		}
		first := must[string](t)(auto("0755", false, alice, bob))
		second := must[string](t)(auto("0755", false, alice, bob))
		if first == second || first == x3 || second == x3 {
			t.Fatalf("chose %s and %s", first, second)
		}
		_, err := auto("0755", false, carol, bob)
		wantCode(t, err, models.NoNumber)
		if x := must[string](t)(auto("0755", true, carol, bob)); x != x3 {
			t.Errorf("loose match chose %s, want %s of another city", x, x3)
		}
		if _, err := auto("020", false, carol, dave); models.CodeOf(err) != models.NoNumber {
			t.Errorf("a city without numbers: %v", err)
		}
		// Lightly used first: with x1 carrying one pair more, the next pair goes to x2.
		h.bind(t, x1, models.MustParty("+8613900000001"), models.MustParty("+8613900000002"), 0)
		if x := must[string](t)(auto("0755", false, carol, dave)); x != x2 {
			t.Errorf("chose %s, want the less used %s", x, x2)
		}
	})
}

func TestCoolOff(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		r := h.request("", alice, carol)
		r.Area = "010"
		b := h.bind(t, x3, alice, bob, 0)
		must[int](t)(h.Unbind(ctx, h.app.ID, UnbindBy{SubscriptionID: b.ID}))
		_, err := h.Bind(ctx, r)
		wantCode(t, err, models.NoNumber)
		// The same two parties may have it again: a late call reaches whom it reached.
		again := r
		again.A, again.B = bob, alice
		b = must[models.Binding](t)(h.Bind(ctx, again))
		must[int](t)(h.Unbind(ctx, h.app.ID, UnbindBy{SubscriptionID: b.ID}))
		h.clock.advance(DefaultCoolOff - time.Second)
		_, err = h.Bind(ctx, r)
		wantCode(t, err, models.NoNumber)
		h.clock.advance(time.Second)
		got := must[models.Binding](t)(h.Bind(ctx, r))
		must[int](t)(h.Unbind(ctx, h.app.ID, UnbindBy{SubscriptionID: got.ID}))
		// Expired and not yet closed counts from the expiry; a named number is the tenant's choice.
		h.clock.advance(DefaultCoolOff)
		h.bind(t, x3, alice, bob, 60)
		h.clock.advance(time.Hour)
		_, err = h.Bind(ctx, r)
		wantCode(t, err, models.NoNumber)
		r.X = x3
		must[models.Binding](t)(h.Bind(ctx, r))
	})
}

func TestUnbind(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		other := h.newApp(t, "key-2")
		b := h.bind(t, x1, alice, bob, 0)
		_, err := h.Unbind(ctx, other.ID, UnbindBy{SubscriptionID: b.ID})
		wantCode(t, err, models.NotFound)
		_, err = h.Unbind(ctx, other.ID, UnbindBy{X: x1})
		wantCode(t, err, models.NumberNotOwned)
		_, err = h.Unbind(ctx, h.app.ID, UnbindBy{X: x2})
		wantCode(t, err, models.NotFound)
		if n := must[int](t)(h.Unbind(ctx, h.app.ID, UnbindBy{SubscriptionID: b.ID, X: x2})); n != 1 {
			t.Errorf("unbound %d, want 1", n)
		}
		_, err = h.Unbind(ctx, h.app.ID, UnbindBy{SubscriptionID: b.ID})
		wantCode(t, err, models.NotFound)
		if !h.destination(t, x1, alice).IsZero() || h.pairs(t, x1) != 0 {
			t.Error("something is left of the binding")
		}
		for i := range closeBatch + 5 {
			h.bind(t, x1, models.MustParty(fmt.Sprintf("+86139%08d", 2*i)), models.MustParty(fmt.Sprintf("+86139%08d", 2*i+1)), 60*(i%2))
		}
		h.clock.advance(time.Minute)
		if n := must[int](t)(h.Unbind(ctx, h.app.ID, UnbindBy{X: x1})); n != closeBatch/2+3 {
			t.Errorf("unbound %d live ones, want %d", n, closeBatch/2+3)
		}
		if _, total, err := h.Bindings(ctx, BindingFilter{X: x1, Open: true}, models.Page{}); err != nil || total != 0 || h.pairs(t, x1) != 0 {
			t.Errorf("%d open, %d pairs, %v", total, h.pairs(t, x1), err)
		}
	})
}

func TestModify(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		start := h.clock.Now()
		b := h.bind(t, x1, alice, bob, 600)
		h.bind(t, x1, carol, dave, 60)
		modify := func(change func(*models.Binding)) (models.Binding, error) {
			return h.Modify(ctx, h.app.ID, b.ID, func(b *models.Binding) error { change(b); return nil })
		}
		_, err := modify(func(b *models.Binding) { b.B = carol })
		wantCode(t, err, models.NumberBound)
		_, err = modify(func(b *models.Binding) { b.B = alice })
		wantCode(t, err, models.Invalid)
		_, err = modify(func(b *models.Binding) { b.Lifetime = 1 })
		wantCode(t, err, models.Invalid)
		if h.destination(t, x1, alice) != bob || h.destination(t, x1, carol) != dave {
			t.Fatal("a refused modify changed routes")
		}
		h.clock.advance(100 * time.Second) // carol and dave have expired
		got := must[models.Binding](t)(modify(func(b *models.Binding) { b.B, b.UserData, b.Direction, b.ID = carol, "new", models.OnlyBToA, "x" }))
		if got.ID != b.ID || got.UserData != "new" || !got.ExpiresAt.Equal(b.ExpiresAt) {
			t.Errorf("modified %+v", got)
		}
		if h.destination(t, x1, alice) != carol || h.destination(t, x1, carol) != alice || !h.destination(t, x1, bob).IsZero() {
			t.Error("routes do not follow the parties")
		}
		if v := must[models.Sight](t)(h.Sight(ctx, x1, alice, models.NoExtension)); !v.Route.Forbidden {
			t.Error("routes do not follow the direction")
		}
		h.clock.advance(100 * time.Second)
		got = must[models.Binding](t)(modify(func(b *models.Binding) { b.StartedAt = time.Time{} }))
		if want := h.clock.Now().Add(600 * time.Second); !got.ExpiresAt.Equal(want) {
			t.Errorf("restarted clock ends %v, want %v", got.ExpiresAt, want)
		}
		if got := must[models.Binding](t)(h.Binding(ctx, h.app.ID, b.ID)); got.B != carol || !got.StartedAt.Equal(h.clock.Now()) {
			t.Errorf("stored %+v", got)
		}
		v := must[models.Sight](t)(h.SightAt(ctx, x1, alice, models.NoExtension, start.Add(50*time.Second)))
		if v.Route == nil || v.Route.Destination != bob || v.Binding.B != bob || v.Binding.ID != b.ID {
			t.Errorf("the past shows %+v", v)
		}
		past, total, err := h.PastRoutes(ctx, PastRouteFilter{Dialled: x1, Caller: alice}, models.Page{})
		if err != nil || total != 2 || past[0].Reason != models.ClosedModified {
			t.Errorf("history %+v (%v)", past, err)
		}
		must[int](t)(h.Unbind(ctx, h.app.ID, UnbindBy{SubscriptionID: b.ID}))
		_, err = modify(func(*models.Binding) {})
		wantCode(t, err, models.NotFound)
		if h.pairs(t, x1) != 0 {
			t.Errorf("pairs %d, want 0", h.pairs(t, x1))
		}
	})
}

func TestExpireBindings(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		forever := h.bind(t, x1, alice, bob, 0)
		var ids []string
		for i := range 10 {
			a, b := models.MustParty(fmt.Sprintf("+86139%08d", 2*i)), models.MustParty(fmt.Sprintf("+86139%08d", 2*i+1))
			ids = append(ids, h.bind(t, []string{x1, x2, x3}[i%3], a, b, 60+i).ID)
		}
		h.clock.advance(65 * time.Second)
		if n := must[int](t)(h.ExpireBindings(ctx, 4)); n != 4 {
			t.Errorf("closed %d, want the 4 allowed", n)
		}
		if n := must[int](t)(h.ExpireBindings(ctx, 100)); n != 2 {
			t.Errorf("closed %d, want the 2 left", n)
		}
		for i, id := range ids {
			b := must[models.Binding](t)(h.Binding(ctx, 0, id))
			if closed := !b.ClosedAt.IsZero(); closed != (i <= 5) || closed && (!b.ClosedAt.Equal(b.ExpiresAt) || b.Reason != models.ClosedExpired) {
				t.Errorf("binding %d: closed %v (%s), expires %v", i, b.ClosedAt, b.Reason, b.ExpiresAt)
			}
		}
		if b := must[models.Binding](t)(h.Binding(ctx, 0, forever.ID)); !b.Live(h.clock.Now()) {
			t.Error("a binding without an end ended")
		}
		if sum := h.pairs(t, x1) + h.pairs(t, x2) + h.pairs(t, x3); sum != 5 {
			t.Errorf("%d pairs, want 5", sum)
		}
	})
}

// TestConcurrentBinds lets 100 binds fight for the same few people on the same numbers.
func TestConcurrentBinds(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		people := make([]models.Party, 8)
		for i := range people {
			people[i] = models.MustParty(fmt.Sprintf("+861390000%04d", i))
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		var made []models.Binding
		for i := range 100 {
			wg.Go(func() {
				r := h.request([]string{x1, x2, ""}[i%3], people[i%8], people[(i/8+i+1)%8])
				if r.A == r.B {
					r.B = people[(i+3)%8]
				}
				r.Area = "0755"
				b, err := h.Bind(ctx, r)
				switch models.CodeOf(err) {
				case "":
					mu.Lock()
					made = append(made, b)
					mu.Unlock()
				case models.NumberBound, models.NoNumber:
				default:
					t.Errorf("bind: %v", err)
				}
			})
		}
		wg.Wait()
		h.consistent(t, made)
	})
}

// consistent checks that exactly the given bindings are open, that each has both routes, that no caller occurs twice on a number, and that
// the counts agree.
func (h *house) consistent(t testing.TB, open []models.Binding) {
	t.Helper()
	stored := must[[]models.Binding](t)(bindingColumns.all(h.read, "WHERE t.closed_at = 0 ORDER BY t.id"))
	slices.SortFunc(open, func(a, b models.Binding) int { return slices.Compare([]byte(a.ID), []byte(b.ID)) })
	if !slices.Equal(stored, open) {
		t.Errorf("%d bindings are stored, %d were made, and they differ", len(stored), len(open))
	}
	type key struct {
		x      string
		caller models.Party
	}
	want, pairs := map[key]models.Party{}, map[string]int{}
	for _, b := range open {
		for _, r := range models.AXBRoutes(b, b.StartedAt) {
			if _, twice := want[key{b.X, r.Caller}]; twice {
				t.Errorf("%v has two destinations on %s", r.Caller, b.X)
			}
			want[key{b.X, r.Caller}] = r.Destination
		}
		pairs[b.X]++
	}
	for _, r := range must[[]models.Route](t)(routeColumns.all(h.read, "")) {
		k := key{r.Dialled, r.Caller}
		if want[k] != r.Destination {
			t.Errorf("%v on %s reaches %v, want %v", r.Caller, r.Dialled, r.Destination, want[k])
		}
		delete(want, k)
	}
	if len(want) > 0 {
		t.Errorf("%d routes are missing", len(want))
	}
	for _, x := range []string{x1, x2, x3} {
		if got := h.pairs(t, x); got != pairs[x] {
			t.Errorf("%s counts %d pairs, carries %d", x, got, pairs[x])
		}
	}
}
