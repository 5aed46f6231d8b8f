package store

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

func TestAXE(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		x := axeNumbers[0]
		r := AXERequest{App: h.axe, Where: Where{X: x}, A: alice, Extension: "7", Settings: models.BindingSettings{TimeUnit: 1, BindTime: 2, CallbackTime: 5,
			CallbackTone: "t.wav", CallbackNum: "+8613800000009"}}
		b := must[models.Binding](t)(h.BindAXE(ctx, r))
		if got := must[models.Binding](t)(h.Binding(ctx, h.axe.ID, b.ID)); got != b || got.BoundUnit != 1 || got.BoundTime != 2 || got.Extension != "7" {
			t.Errorf("stored %#v, returned %#v", got, b)
		}
		if want := h.clock.Now().Add(2 * time.Minute); !b.ExpiresAt.Equal(want) {
			t.Errorf("expires %v, want %v", b.ExpiresAt, want)
		}
		h.bindAXE(t, x, bob, "8", 0)
		for name, tt := range map[string]struct {
			caller    models.Party
			extension string
			want      reached
		}{
			"carol dials":       {carol, models.NoExtension, reached{}},
			"carol keys 7":      {carol, "7", reached{alice, x, models.SideB, false, true}},
			"a hidden caller":   {models.Hidden, "8", reached{bob, x, models.SideB, false, true}},
			"carol keys 9":      {carol, "9", reached{}},
			"alice dials":       {alice, models.NoExtension, reached{models.Party{}, x, models.SideA, true, true}},
			"bob keys alice's":  {bob, "7", reached{alice, x, models.SideB, false, true}},
			"alice on the next": {alice, "", reached{models.Party{}, x, models.SideA, true, true}},
		} {
			if got := h.reach(t, x, tt.caller, tt.extension); got != tt.want {
				t.Errorf("%s: %+v, want %+v", name, got, tt.want)
			}
		}
		h.clock.advance(2 * time.Minute)
		if got := h.reach(t, x, carol, "7"); got.bound {
			t.Errorf("an expired extension leads to %+v", got)
		}
		if got := h.reach(t, x, alice, models.NoExtension); got.bound {
			t.Errorf("without a binding alice's own row leads to %+v", got)
		}
		h.sound(t)
		if n := must[int](t)(h.ExpireBindings(ctx, 10)); n != 1 {
			t.Errorf("closed %d", n)
		}
		h.sound(t)
		past, _, err := h.PastRoutes(ctx, PastRouteFilter{Dialled: x, Caller: alice}, models.Page{})
		if err != nil || len(past) != 1 || past[0].Reason != models.ClosedExpired || !past[0].ValidTo.Equal(b.ExpiresAt) {
			t.Errorf("history of the own row: %+v, %v", past, err)
		}
	})
}

func TestBindAXERefuses(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		x := axeNumbers[0]
		h.bindAXE(t, x, alice, "1", 0)
		few := h.axe
		few.Settings.Extension.PerNumber = 1
		for name, tt := range map[string]struct {
			r    AXERequest
			code models.Code
		}{
			"in use":         {AXERequest{App: h.axe, Where: Where{X: x}, A: bob, Extension: "1"}, models.ExtensionTaken},
			"in use by him":  {AXERequest{App: h.axe, Where: Where{X: x}, A: alice, Extension: "1"}, models.ExtensionTaken},
			"X is full":      {AXERequest{App: few, Where: Where{X: x}, A: bob}, models.ExtensionTaken},
			"0":              {AXERequest{App: h.axe, Where: Where{X: x}, A: bob, Extension: "0"}, models.Invalid},
			"too long":       {AXERequest{App: h.axe, Where: Where{X: x}, A: bob, Extension: "12"}, models.Invalid},
			"a letter":       {AXERequest{App: h.axe, Where: Where{X: x}, A: bob, Extension: "a"}, models.Invalid},
			"hidden":         {AXERequest{App: h.axe, Where: Where{X: x}, A: models.Hidden}, models.Invalid},
			"A is a number":  {AXERequest{App: h.axe, Where: Where{X: x}, A: models.MustParty(x1)}, models.Invalid},
			"another's X":    {AXERequest{App: h.axe, Where: Where{X: x1}, A: bob}, models.NumberNotOwned},
			"no such city":   {AXERequest{App: h.axe, Where: Where{Area: "020"}, A: bob}, models.NoNumber},
			"full, any city": {AXERequest{App: few, Where: Where{Area: "0755"}, A: bob}, models.NoNumber},
		} {
			if _, err := h.BindAXE(ctx, tt.r); models.CodeOf(err) != tt.code {
				t.Errorf("%s: %v, want %s", name, err, tt.code)
			}
		}
		h.sound(t)
	})
}

// TestAllocateExtensions fills a number, and sees that an extension just left goes to nobody new.
func TestAllocateExtensions(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		x := axeNumbers[0]
		bind := func(a models.Party) (models.Binding, error) {
			return h.BindAXE(ctx, AXERequest{App: h.axe, Where: Where{X: x}, A: a, Settings: models.BindingSettings{TimeUnit: 1, BindTime: 60}})
		}
		seen := map[string]models.Binding{}
		for range 9 {
			b := must[models.Binding](t)(bind(alice))
			seen[b.Extension] = b
		}
		for i := range 9 {
			if seen[strconv.Itoa(i+1)].ID == "" {
				t.Errorf("extension %d was not given: %v", i+1, seen)
			}
		}
		_, err := bind(bob)
		wantCode(t, err, models.ExtensionTaken)
		wantCode(t, h.UnbindAXE(ctx, h.axe.ID, AXEBy{X: x, Extension: "5"}), "")
		wantCode(t, h.UnbindAXE(ctx, h.axe.ID, AXEBy{X: x, Extension: "5"}), models.NotFound)
		_, err = bind(bob)
		wantCode(t, err, models.ExtensionTaken)
		if b := must[models.Binding](t)(bind(alice)); b.Extension != "5" {
			t.Errorf("alice got %s back, want the 5 she had", b.Extension)
		}
		wantCode(t, h.UnbindAXE(ctx, h.axe.ID, AXEBy{X: x, Extension: "5"}), "")
		must[models.Binding](t)(h.BindAXE(ctx, AXERequest{App: h.axe, Where: Where{X: x}, A: bob, Extension: "5"})) // named: the tenant's choice
		// All of alice's have expired, nobody has closed them, and they rest.
		h.clock.advance(time.Hour)
		_, err = bind(carol)
		wantCode(t, err, models.ExtensionTaken)
		h.clock.advance(DefaultCoolOff)
		must[models.Binding](t)(bind(carol))
		h.sound(t)
		four := h.axe
		four.Settings.Extension.Digits = 4
		if b := must[models.Binding](t)(h.BindAXE(ctx, AXERequest{App: four, Where: Where{X: x}, A: bob})); len(b.Extension) != 4 {
			t.Errorf("allocated %q, want four digits", b.Extension)
		}
	})
}

// TestCallBack follows A's own row through calls, binds, modifies and ends of A's bindings.
func TestCallBack(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		x, start := axeNumbers[0], h.clock.Now()
		one := h.bindAXE(t, x, alice, "1", 10)
		var moments []models.Party
		wants := func(want models.Party) {
			t.Helper()
			if got := h.reach(t, x, alice, models.NoExtension); got.to != want {
				t.Errorf("alice calls back %v, want %v", got.to, want)
			}
			moments = append(moments, want)
			h.clock.advance(time.Second)
			h.sound(t)
		}
		call := func(b models.Binding, caller models.Party, lasts time.Duration) {
			t.Helper()
			v := h.session(models.NewID())
			v.Dialled, v.Caller, v.Callee, v.BindingID, v.Extension, v.Area = x, caller, b.A, b.ID, b.Extension, "0755"
			ch := models.Change{Session: v, CallBack: true}
			if lasts > 0 {
				ch.CallBackUntil = h.clock.Now().Add(lasts)
			}
			h.record(t, ch)
			if got := must[models.Session](t)(h.Session(ctx, v.ID)); got.Extension != b.Extension || got.Area != "0755" {
				t.Errorf("stored session %+v", got)
			}
		}
		named := func(b models.Binding) {
			t.Helper()
			if v := must[models.Sight](t)(h.Sight(ctx, x, alice, models.NoExtension)); v.Binding.ID != b.ID {
				t.Errorf("alice's own row names %s, want %s", v.Binding.ID, b.ID)
			}
		}
		wants(models.Party{})
		call(one, bob, 0)
		wants(bob)
		two := h.bindAXE(t, x, alice, "2", 20)
		named(two)
		wants(bob)
		call(one, carol, 2*time.Second)
		named(one)
		wants(carol)
		call(one, models.Hidden, 0)
		wants(carol)
		wants(models.Party{}) // two seconds are over
		call(two, dave, 0)
		call(one, bob, 0)
		wants(bob)
		// The binding that the row names expires; the other one keeps the row, at once and after the job.
		h.clock.advance(10 * time.Minute)
		named(two)
		moments = nil
		second := h.clock.Now()
		wants(bob)
		must[int](t)(h.ExpireBindings(ctx, 10))
		named(two)
		wants(bob)
		two = must[models.Binding](t)(h.ModifyAXE(ctx, h.axe.ID, AXEBy{X: x, Extension: "2"}, func(b *models.Binding) error { b.BindTime, b.A = 30, bob; return nil }))
		if want := h.clock.Now().Add(30 * time.Minute); !two.ExpiresAt.Equal(want) || two.BoundTime != 20 || two.A != alice {
			t.Errorf("modified %+v, want to expire %v", two, want)
		}
		same := must[models.Binding](t)(h.ModifyAXE(ctx, h.axe.ID, AXEBy{SubscriptionID: two.ID}, func(b *models.Binding) error { b.TimeUnit = 0; return nil }))
		if !same.ExpiresAt.Equal(two.ExpiresAt) {
			t.Errorf("timeUnit alone moved the expiry to %v", same.ExpiresAt)
		}
		wants(bob)
		wantCode(t, h.UnbindAXE(ctx, h.axe.ID, AXEBy{SubscriptionID: two.ID}), "")
		call(two, dave, 0) // a call that was under way
		wants(models.Party{})
		h.bindAXE(t, x, alice, "3", 0)
		wants(models.Party{})
		for i, w := range moments {
			if got := outcome(t, must[models.Sight](t)(h.SightAt(ctx, x, alice, models.NoExtension, second.Add(time.Duration(i)*time.Second)))); got.to != w {
				t.Errorf("%d s after the expiry alice would have called back %v, want %v", i, got.to, w)
			}
		}
		if got := outcome(t, must[models.Sight](t)(h.SightAt(ctx, x, alice, models.NoExtension, start.Add(3*time.Second)))); got.to != carol {
			t.Errorf("in the fourth second alice would have called back %v, want carol", got.to)
		}
	})
}

func TestConcurrentAXE(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		people := []models.Party{alice, bob, carol}
		var wg sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for i := range 40 {
			wg.Go(func() {
				r := AXERequest{App: h.axe, A: people[i%3]}
				if i%2 == 0 {
					r.X = axeNumbers[i/2%2]
				}
				if i%4 == 0 {
					r.Extension = strconv.Itoa(i%9 + 1)
				}
				b, err := h.BindAXE(ctx, r)
				switch models.CodeOf(err) {
				case "":
					mu.Lock()
					made++
					mu.Unlock()
				case models.ExtensionTaken, models.NoNumber:
				default:
					t.Error(err)
				}
				if err == nil && i%5 == 0 {
					v := h.session(models.NewID())
					v.Dialled, v.Caller, v.Callee, v.BindingID = b.X, dave, b.A, b.ID
					if _, err := h.Record(ctx, models.Change{Session: v, CallBack: true}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if made != 18 {
			t.Errorf("%d extensions are bound, want all 18", made)
		}
		h.sound(t)
	})
}
