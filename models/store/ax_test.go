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

func TestAX(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		x := axNumbers[0]
		r := AXRequest{App: h.ax, Where: Where{X: x}, A: alice, Settings: models.BindingSettings{Off: true, ShowCaller: true, DirectionGiven: true,
			Direction: models.OnlyBToA, PreVoiceA: "a.wav", UserData: "u"}}
		b := must[models.Binding](t)(h.BindAX(ctx, r))
		if got := must[models.Binding](t)(h.Binding(ctx, h.ax.ID, b.ID)); got != b || got.A != alice || !got.B.IsZero() || !got.ExpiresAt.IsZero() {
			t.Errorf("stored %#v, returned %#v", got, b)
		}
		for caller, want := range map[models.Party]reached{
			bob: {alice, x, models.SideB, false, true}, models.Hidden: {alice, x, models.SideB, false, true}, alice: {models.Party{}, x, models.SideA, true, true},
		} {
			if got := h.reach(t, x, caller, models.NoExtension); got != want {
				t.Errorf("%v reaches %+v, want %+v", caller, got, want)
			}
		}
		if v := must[models.Sight](t)(h.Sight(ctx, x, alice, models.NoExtension)); !v.Route.Forbidden {
			t.Error("A may call though only others may")
		}
		h.sound(t)
	})
}

func TestBindAXRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		h.bindAX(t, axNumbers[0], alice)
		for i := range xPerA {
			h.bindAX(t, axNumbers[i+1], bob)
		}
		if _, _, err := h.SetNumberState(ctx, axNumbers[6], models.NumberBindFrozen, 0, nil); err != nil {
			t.Fatal(err)
		}
		for name, tt := range map[string]struct {
			x     string
			a     models.Party
			code  models.Code
			param string
		}{
			"another's": {axNumbers[0], carol, models.NumberTaken, "privateNum"},
			"his own":   {axNumbers[0], alice, models.BoundAlready, "privateNum"},
			"frozen":    {axNumbers[6], carol, models.NumberAbnormal, "relationNum"},
			"none free": {"", carol, models.NoNumber, "areaCode"},
			"sixth":     {"", bob, models.NumberTaken, "origNum"},
			"not ours":  {x1, carol, models.NumberNotOwned, "privateNum"},
			"of nobody": {"+8617999999999", carol, models.NumberNotOwned, "privateNum"},
			"a is x":    {axNumbers[0], models.MustParty(x2), models.Invalid, "origNum"},
			"hidden":    {axNumbers[0], models.Hidden, models.Invalid, "origNum"},
		} {
			_, err := h.BindAX(ctx, AXRequest{App: h.ax, Where: Where{X: tt.x}, A: tt.a})
			if models.CodeOf(err) != tt.code || paramOf(err) != tt.param {
				t.Errorf("%s: %v, want %s (%s)", name, err, tt.code, tt.param)
			}
		}
		if _, _, err := h.SetNumberState(ctx, axNumbers[6], models.NumberNormal, 0, nil); err != nil {
			t.Fatal(err)
		}
		_, err := h.BindAX(ctx, AXRequest{App: h.ax, Where: Where{X: axNumbers[6]}, A: bob})
		wantCode(t, err, models.NumberTaken)
		_, err = h.ModifyAX(ctx, h.ax.ID, AXBy{X: axNumbers[0]}, func(b *models.Binding) error { b.A = bob; return nil })
		wantCode(t, err, models.NumberTaken)
		h.sound(t)
	})
}

func paramOf(err error) string {
	if e, ok := errors.AsType[*models.Error](err); ok {
		return e.Param
	}
	return ""
}

func TestAXByItsNames(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		x := axNumbers[0]
		b := h.bindAX(t, x, alice)
		other := h.stranger(t)
		touch := func(*models.Binding) error { return nil }
		for name, tt := range map[string]struct {
			by   AXBy
			code models.Code
		}{
			"by id":                {AXBy{SubscriptionID: b.ID, X: axNumbers[1]}, ""},
			"by x":                 {AXBy{X: x}, ""},
			"by x and a":           {AXBy{X: x, A: alice}, ""},
			"by x and another a":   {AXBy{X: x, A: bob}, models.NotFound},
			"an x of nobody":       {AXBy{X: axNumbers[1]}, models.NotBound},
			"an x of another app":  {AXBy{X: x1}, models.NotFound},
			"a number of nobody's": {AXBy{X: "+8617999999999"}, models.NotFound},
			"an id of nobody":      {AXBy{SubscriptionID: models.NewID()}, models.NotFound},
		} {
			_, err := h.ModifyAX(ctx, h.ax.ID, tt.by, touch)
			if models.CodeOf(err) != tt.code {
				t.Errorf("modify %s: %v, want %q", name, err, tt.code)
			}
			_, err = h.SetTemp(ctx, h.ax.ID, tt.by, carol, time.Minute)
			if models.CodeOf(err) != tt.code {
				t.Errorf("set temporary callee %s: %v, want %q", name, err, tt.code)
			}
		}
		_, err := h.ModifyAX(ctx, other.ID, AXBy{SubscriptionID: b.ID}, touch)
		wantCode(t, err, models.NotFound)
		wantCode(t, h.UnbindAX(ctx, h.ax.ID, AXBy{X: axNumbers[1]}), models.NotBound)
		wantCode(t, h.UnbindAX(ctx, other.ID, AXBy{X: x}), models.NotFound)
		wantCode(t, h.UnbindAX(ctx, h.ax.ID, AXBy{X: x, A: bob}), "") // origNum is not looked at
		wantCode(t, h.UnbindAX(ctx, h.ax.ID, AXBy{X: x}), models.NotBound)
		wantCode(t, h.UnbindAX(ctx, h.ax.ID, AXBy{SubscriptionID: b.ID}), models.NotFound)
		if got := h.reach(t, x, bob, models.NoExtension); got.bound {
			t.Errorf("an unbound X leads to %+v", got)
		}
		h.sound(t)
	})
}

func TestModifyAXMovesBothRows(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		x, start := axNumbers[0], h.clock.Now()
		h.bindAX(t, x, alice)
		must[models.Binding](t)(h.SetTemp(ctx, h.ax.ID, AXBy{X: x}, carol, 0))
		h.clock.advance(time.Second)
		must[models.Binding](t)(h.ModifyAX(ctx, h.ax.ID, AXBy{X: x}, func(b *models.Binding) error { b.Direction = models.OnlyBToA; return nil }))
		if got := h.reach(t, x, alice, models.NoExtension); got.to != carol {
			t.Errorf("a modify lost the temporary callee: %+v", got)
		}
		h.clock.advance(time.Second)
		b := must[models.Binding](t)(h.ModifyAX(ctx, h.ax.ID, AXBy{X: x}, func(b *models.Binding) error {
			b.A, b.UserData, b.X, b.Extension = bob, "new", axNumbers[1], "9"
			return nil
		}))
		if b.A != bob || b.X != x || b.Extension != "" || b.UserData != "new" {
			t.Errorf("modified %+v", b)
		}
		if got := h.reach(t, x, alice, models.NoExtension); got.to != bob {
			t.Errorf("the old A reaches %+v, want the new one", got)
		}
		if got := h.reach(t, x, bob, models.NoExtension); !got.own || !got.to.IsZero() {
			t.Errorf("the new A reaches %+v, want nobody: the temporary callee was the old A's", got)
		}
		for at, want := range map[time.Duration]models.Party{0: carol, time.Second: carol, 2 * time.Second: bob} {
			if got := outcome(t, must[models.Sight](t)(h.SightAt(ctx, x, alice, models.NoExtension, start.Add(at)))); got.to != want {
				t.Errorf("at %v alice would have reached %v, want %v", at, got.to, want)
			}
		}
		h.sound(t)
	})
}

func TestChooseAX(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		auto := func(a models.Party, w Where) (string, error) {
			b, err := h.BindAX(ctx, AXRequest{App: h.ax, Where: w, A: a})
			return b.X, err
		}
		beijing := axNumbers[len(axNumbers)-1]
		if x := must[string](t)(auto(alice, Where{AreaOfA: "010"})); x != beijing {
			t.Fatalf("chose %s in Beijing", x)
		}
		_, err := auto(bob, Where{Area: "010"})
		wantCode(t, err, models.NoNumber)
		if x := must[string](t)(auto(bob, Where{Area: "010", Loose: true})); x == beijing {
			t.Error("chose a number that is bound")
		}
		// What alice left is nobody else's for a while; she may have it again.
		wantCode(t, h.UnbindAX(ctx, h.ax.ID, AXBy{X: beijing}), "")
		_, err = auto(bob, Where{Area: "010"})
		wantCode(t, err, models.NoNumber)
		must[string](t)(auto(alice, Where{Area: "010"}))
		wantCode(t, h.UnbindAX(ctx, h.ax.ID, AXBy{X: beijing}), "")
		h.clock.advance(DefaultCoolOff)
		must[string](t)(auto(bob, Where{Area: "010"}))
		h.sound(t)
	})
}

// TestConcurrentAX lets many A fight for few X, one of them for more than he may have.
func TestConcurrentAX(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		people := []models.Party{alice, alice, bob, carol}
		var wg sync.WaitGroup
		var mu sync.Mutex
		held := map[models.Party]int{}
		for i := range 40 {
			wg.Go(func() {
				x := ""
				if i%3 == 0 {
					x = axNumbers[i%len(axNumbers)]
				}
				a := people[i%len(people)]
				_, err := h.BindAX(context.Background(), AXRequest{App: h.ax, Where: Where{X: x}, A: a})
				switch models.CodeOf(err) {
				case "":
					mu.Lock()
					held[a]++
					mu.Unlock()
				case models.NumberTaken, models.BoundAlready, models.NoNumber:
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		sum := 0
		for a, n := range held {
			sum += n
			if n > xPerA {
				t.Errorf("%v holds %d", a, n)
			}
		}
		if sum != len(axNumbers) {
			t.Errorf("%d of %d numbers are bound: %v", sum, len(axNumbers), held)
		}
		h.sound(t)
	})
}

func TestTemporaryCallee(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		x, start := axNumbers[0], h.clock.Now()
		h.bindAX(t, x, alice)
		h.clock.advance(time.Second)
		set := func(callee models.Party, ttl time.Duration) {
			t.Helper()
			must[models.Binding](t)(h.SetTemp(ctx, h.ax.ID, AXBy{X: x}, callee, ttl))
		}
		call := func(to models.Party, use bool) {
			t.Helper()
			v := h.session(models.NewID())
			v.Dialled, v.Caller, v.Callee = x, alice, to
			h.record(t, models.Change{Session: v, UseTemp: use})
		}
		wants := func(want models.Party) {
			t.Helper()
			if got := h.reach(t, x, alice, models.NoExtension); got.to != want {
				t.Errorf("alice reaches %v, want %v", got.to, want)
			}
			if got := h.reach(t, x, bob, models.NoExtension); got.to != alice {
				t.Errorf("bob reaches %v, want alice", got.to)
			}
			h.clock.advance(time.Second)
		}
		for name, callee := range map[string]models.Party{"a": alice, "x": models.MustParty(x), "hidden": models.Hidden, "nobody": {}} {
			_, err := h.SetTemp(ctx, h.ax.ID, AXBy{X: x}, callee, time.Minute)
			if models.CodeOf(err) != models.Invalid {
				t.Errorf("%s as temporary callee: %v", name, err)
			}
		}
		wants(models.Party{}) // 1 s
		set(bob, time.Minute) // 2 s
		wants(bob)
		set(carol, time.Minute) // 3 s
		wants(carol)
		call(bob, true) // the callee before carol, late: carol stays
		wants(carol)    // 4 s
		call(carol, false)
		wants(carol)      // 5 s
		call(carol, true) // 6 s
		wants(models.Party{})
		call(carol, true)
		set(dave, 30*time.Second) // 7 s
		h.clock.advance(30*time.Second - time.Microsecond)
		wants(dave)
		wants(models.Party{})
		want := []models.Party{{}, {}, bob, carol, carol, carol, {}, dave, dave}
		for i, w := range want {
			v := must[models.Sight](t)(h.SightAt(ctx, x, alice, models.NoExtension, start.Add(time.Duration(i)*time.Second)))
			if got := outcome(t, v); got.to != w {
				t.Errorf("at %d s alice would have reached %v, want %v", i, got.to, w)
			}
		}
		if got := outcome(t, must[models.Sight](t)(h.SightAt(ctx, x, alice, models.NoExtension, start.Add(37*time.Second)))); !got.to.IsZero() {
			t.Errorf("at its expiry the temporary callee is %v", got.to)
		}
		past, _, err := h.PastRoutes(ctx, PastRouteFilter{Dialled: x, Caller: alice}, models.Page{})
		var reasons []models.CloseReason
		for _, p := range past {
			reasons = append(reasons, p.Reason)
		}
		slices.Reverse(reasons)
		if got := fmt.Sprint(reasons); err != nil || got != "[temp_set temp_set temp_used temp_set]" {
			t.Errorf("history %s, %v", got, err)
		}
		h.sound(t)
	})
}
