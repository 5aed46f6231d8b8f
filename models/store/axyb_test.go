package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

func TestAXYB(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		x := axybNumbers[0]
		ax := must[models.Binding](t)(h.BindAXYB(ctx, AXYBRequest{App: h.axyb, Where: Where{X: x}, A: alice, Settings: models.BindingSettings{Lifetime: 600,
			YBLifetime: 60, Direction: models.OnlyBToA, PreVoiceA: "a.wav", PreVoiceB: "b.wav", UserData: "ride", Record: true}}))
		if got := h.reach(t, x, bob, models.NoExtension); got != (reached{alice, x, models.SideB, false, true}) {
			t.Errorf("before a Y bob reaches %+v", got)
		}
		if got := h.reach(t, x, alice, models.NoExtension); !got.own || !got.to.IsZero() {
			t.Errorf("alice on her own X reaches %+v", got)
		}
		yb := must[models.Binding](t)(h.BindYB(ctx, h.axyb.ID, ax.ID, bob, Where{Area: "010"}, models.BindingSettings{PreVoiceB: "y.wav", UserData: "bob"}))
		y := axybNumbers[3]
		if yb.Y != y || yb.Parent != ax.ID || yb.A != alice || yb.B != bob || yb.X != x || !yb.ExpiresAt.Equal(ax.ExpiresAt) || yb.PreVoiceA != "a.wav" ||
			yb.PreVoiceB != "y.wav" || yb.UserData != "bob" || !yb.Record || yb.Direction != models.OnlyBToA {
			t.Errorf("relation %+v", yb)
		}
		if got := must[models.Binding](t)(h.Binding(ctx, h.axyb.ID, yb.ID)); got != yb {
			t.Errorf("stored %#v, returned %#v", got, yb)
		}
		for name, tt := range map[string]struct {
			dialled string
			caller  models.Party
			want    reached
		}{
			"bob on X":     {x, bob, reached{alice, y, models.SideB, true, true}},
			"alice on Y":   {y, alice, reached{bob, x, models.SideA, true, true}},
			"bob on Y":     {y, bob, reached{}},
			"carol on X":   {x, carol, reached{alice, x, models.SideB, false, true}},
			"carol on Y":   {y, carol, reached{}},
			"alice on X":   {x, alice, reached{models.Party{}, x, models.SideA, true, true}},
			"hidden on X":  {x, models.Hidden, reached{alice, x, models.SideB, false, true}},
			"nobody's own": {axybNumbers[1], alice, reached{}},
		} {
			if got := h.reach(t, tt.dialled, tt.caller, models.NoExtension); got != tt.want {
				t.Errorf("%s reaches %+v, want %+v", name, got, tt.want)
			}
		}
		given := must[models.Binding](t)(h.AllocateY(ctx, ax.ID, carol))
		if given.Y == x || given.Y == y || !given.ExpiresAt.Equal(h.clock.Now().Add(time.Minute)) || given.UserData != "ride" {
			t.Errorf("carol was given %+v", given)
		}
		if again := must[models.Binding](t)(h.AllocateY(ctx, ax.ID, carol)); again.ID != given.ID {
			t.Errorf("carol was given another Y: %+v", again)
		}
		h.sound(t)
		h.clock.advance(time.Minute)
		if got := h.reach(t, x, carol, models.NoExtension); got.own || got.to != alice {
			t.Errorf("after her Y's end carol reaches %+v, want the X as anyone does", got)
		}
		if got := h.reach(t, given.Y, alice, models.NoExtension); got.bound {
			t.Errorf("after its end a Y leads to %+v", got)
		}
		if got := outcome(t, must[models.Sight](t)(h.SightAt(ctx, x, carol, models.NoExtension, h.clock.Now()))); got.own || got.to != alice {
			t.Errorf("looked back at, carol reached %+v", got)
		}
		must[models.Binding](t)(h.AllocateY(ctx, ax.ID, carol))
		h.clock.advance(9 * time.Minute)
		if got := h.reach(t, x, bob, models.NoExtension); got.bound {
			t.Errorf("after the X's end bob reaches %+v", got)
		}
		_, err := h.AllocateY(ctx, ax.ID, dave)
		wantCode(t, err, models.NotFound)
		if n := must[int](t)(h.ExpireBindings(ctx, 10)); n != 3 {
			t.Errorf("closed %d, want the X and the two relations left", n)
		}
		h.sound(t)
	})
}

func TestBindYBRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		ax := h.bindAXYB(t, axybNumbers[0], alice, 0, 0)
		other := h.bindAXYB(t, axybNumbers[1], bob, 0, 0)
		yb := must[models.Binding](t)(h.BindYB(ctx, h.axyb.ID, ax.ID, carol, Where{Area: "0755"}, models.BindingSettings{}))
		if yb.Y != axybNumbers[2] {
			t.Fatalf("chose %s, want the only number that is no X", yb.Y)
		}
		for name, tt := range map[string]struct {
			parent string
			b      models.Party
			where  Where
			code   models.Code
		}{
			"again":              {ax.ID, carol, Where{Area: "010"}, models.NumberBound},
			"again by name":      {ax.ID, carol, Where{X: axybNumbers[3]}, models.NumberBound},
			"A himself":          {ax.ID, alice, Where{}, models.Invalid},
			"hidden":             {ax.ID, models.Hidden, Where{}, models.Invalid},
			"a number of ours":   {ax.ID, models.MustParty(x1), Where{}, models.Invalid},
			"no such parent":     {models.NewID(), dave, Where{}, models.NotFound},
			"a relation":         {yb.ID, dave, Where{}, models.NotFound},
			"the Y of another B": {ax.ID, dave, Where{Area: "0755"}, models.NoNumber},
			"an X as Y":          {ax.ID, dave, Where{X: axybNumbers[1]}, models.NoNumber},
			"its own X as Y":     {ax.ID, dave, Where{X: axybNumbers[0]}, models.NoNumber},
			"another app's":      {ax.ID, dave, Where{X: x1}, models.NumberNotOwned},
		} {
			if _, err := h.BindYB(ctx, h.axyb.ID, tt.parent, tt.b, tt.where, models.BindingSettings{}); models.CodeOf(err) != tt.code {
				t.Errorf("%s: %v, want %s", name, err, tt.code)
			}
		}
		if again := must[models.Binding](t)(h.BindYB(ctx, h.axyb.ID, other.ID, carol, Where{Area: "0755"}, models.BindingSettings{Lifetime: 60})); again.Y != yb.Y {
			t.Errorf("another A's relation got %s, want the same Y", again.Y)
		}
		for code, r := range map[models.Code]AXYBRequest{
			models.NoNumber:     {App: h.axyb, Where: Where{X: yb.Y}, A: carol}, // it is a Y
			models.NumberTaken:  {App: h.axyb, Where: Where{X: axybNumbers[0]}, A: carol},
			models.BoundAlready: {App: h.axyb, Where: Where{X: axybNumbers[0]}, A: alice},
		} {
			_, err := h.BindAXYB(ctx, r)
			wantCode(t, err, code)
		}
		_, err := h.BindYB(ctx, h.app.ID, ax.ID, dave, Where{}, models.BindingSettings{})
		wantCode(t, err, models.NotFound)
		h.sound(t)
	})
}

func TestUnbindAXYB(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		x := axybNumbers[3]
		ax := h.bindAXYB(t, x, alice, 0, 0)
		relate := func(b models.Party) models.Binding {
			t.Helper()
			return must[models.Binding](t)(h.BindYB(ctx, h.axyb.ID, ax.ID, b, Where{Area: "0755"}, models.BindingSettings{}))
		}
		ybs := []models.Binding{relate(bob), relate(carol), relate(dave)}
		if ybs[0].Y == ybs[1].Y || ybs[1].Y == ybs[2].Y || ybs[0].Y == ybs[2].Y {
			t.Errorf("one A has two Bs behind one Y: %+v", ybs)
		}
		wantCode(t, h.UnbindAXYB(ctx, h.app.ID, AXYBBy{SubscriptionID: ax.ID}), models.NotFound)
		wantCode(t, h.UnbindAXYB(ctx, h.axyb.ID, AXYBBy{SubscriptionID: ax.ID, Y: ybs[0].Y, B: carol}), "") // Y wins
		wantCode(t, h.UnbindAXYB(ctx, h.axyb.ID, AXYBBy{SubscriptionID: ax.ID, Y: ybs[0].Y}), models.NotFound)
		wantCode(t, h.UnbindAXYB(ctx, h.axyb.ID, AXYBBy{SubscriptionID: ax.ID, B: carol}), "")
		wantCode(t, h.UnbindAXYB(ctx, h.axyb.ID, AXYBBy{SubscriptionID: ax.ID, B: carol}), models.NotFound)
		for _, b := range []models.Party{bob, carol} {
			if got := h.reach(t, x, b, models.NoExtension); got.own {
				t.Errorf("%v has a relation still: %+v", b, got)
			}
		}
		if got := h.reach(t, ybs[2].Y, alice, models.NoExtension); got.to != dave {
			t.Errorf("the relation left leads to %+v", got)
		}
		list, total, err := h.Bindings(ctx, BindingFilter{AppID: h.axyb.ID, Parent: ax.ID, Open: true}, models.Page{})
		if err != nil || total != 1 || list[0].ID != ybs[2].ID {
			t.Errorf("open relations: %+v, %v", list, err)
		}
		for f, want := range map[BindingFilter]int{{Y: ybs[2].Y}: 1, {Parent: ax.ID}: 3, {Mode: models.ModeAXYB, X: x}: 4, {Mode: models.ModeAX, X: x}: 0, {Parent: models.NewID()}: 0} {
			if _, total, err := h.Bindings(ctx, f, models.Page{}); err != nil || total != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, total, want, err)
			}
		}
		wantCode(t, h.UnbindAXYB(ctx, h.axyb.ID, AXYBBy{SubscriptionID: ax.ID}), "")
		wantCode(t, h.UnbindAXYB(ctx, h.axyb.ID, AXYBBy{SubscriptionID: ax.ID}), models.NotFound)
		if h.reach(t, x, dave, models.NoExtension).bound || h.reach(t, ybs[2].Y, alice, models.NoExtension).bound {
			t.Error("something is left of the binding")
		}
		h.sound(t)
	})
}

// TestRolesRest: a number that was a Y is no X for a while, and one that was an X is another A's X no sooner.
func TestRolesRest(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		auto := func(a models.Party) error {
			_, err := h.BindAXYB(ctx, AXYBRequest{App: h.axyb, Where: Where{Area: "010"}, A: a})
			return err
		}
		ax := h.bindAXYB(t, axybNumbers[0], alice, 0, 60)
		must[models.Binding](t)(h.BindYB(ctx, h.axyb.ID, ax.ID, bob, Where{X: axybNumbers[3]}, models.BindingSettings{Lifetime: 60}))
		wantCode(t, auto(carol), models.NoNumber) // a Y
		h.clock.advance(time.Minute)
		wantCode(t, auto(carol), models.NoNumber) // expired, not closed
		must[int](t)(h.ExpireBindings(ctx, 10))
		wantCode(t, auto(carol), models.NoNumber) // it rests
		h.clock.advance(DefaultCoolOff - time.Minute)
		wantCode(t, auto(carol), models.NoNumber)
		h.clock.advance(time.Minute)
		wantCode(t, auto(carol), "")
		h.sound(t)
		// Named, a number that looks like a Y by an expired relation alone is an X at once.
		must[models.Binding](t)(h.BindYB(ctx, h.axyb.ID, ax.ID, bob, Where{X: axybNumbers[1]}, models.BindingSettings{Lifetime: 60}))
		_, err := h.BindAXYB(ctx, AXYBRequest{App: h.axyb, Where: Where{X: axybNumbers[1]}, A: dave})
		wantCode(t, err, models.NoNumber)
		h.clock.advance(time.Minute)
		must[models.Binding](t)(h.BindAXYB(ctx, AXYBRequest{App: h.axyb, Where: Where{X: axybNumbers[1]}, A: dave}))
		h.sound(t)
	})
}

// TestConcurrentFirstCalls lets several people call an X for the first time, each several times at once, while the X may be unbound.
func TestConcurrentFirstCalls(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		ax := h.bindAXYB(t, axybNumbers[0], alice, 0, 60)
		second := h.bindAXYB(t, axybNumbers[1], bob, 0, 60)
		callers := []models.Party{carol, dave, models.MustParty("+8613800000005")}
		var wg sync.WaitGroup
		var mu sync.Mutex
		given := map[string][]string{}
		for i := range 48 {
			wg.Go(func() {
				parent, b := []models.Binding{ax, second}[i%2], callers[i/2%3]
				yb, err := h.AllocateY(ctx, parent.ID, b)
				mu.Lock()
				defer mu.Unlock()
				key := fmt.Sprint(i%2, i/2%3)
				switch models.CodeOf(err) {
				case "":
					given[key] = append(given[key], yb.Y+yb.ID)
				case models.NoNumber: // two Shenzhen numbers of four are X, one is left to be Y: one B each
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(given) != 2 {
			t.Errorf("%d callers were given a Y, want one on each X: %v", len(given), given)
		}
		for key, list := range given {
			if slices.Sort(list); len(slices.Compact(list)) != 1 {
				t.Errorf("caller %s was given %v", key, list)
			}
		}
		h.sound(t)
		for i := range 12 {
			wg.Go(func() {
				if i == 5 {
					if err := h.UnbindAXYB(ctx, h.axyb.ID, AXYBBy{SubscriptionID: ax.ID}); err != nil {
						t.Error(err)
					}
					return
				}
				_, err := h.BindYB(ctx, h.axyb.ID, ax.ID, callers[i%3], Where{Area: "0755", Loose: true}, models.BindingSettings{})
				if code := models.CodeOf(err); code != "" && code != models.NumberBound && code != models.NoNumber && code != models.NotFound {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if _, total, err := h.Bindings(ctx, BindingFilter{X: axybNumbers[0], Open: true}, models.Page{}); err != nil || total != 0 {
			t.Errorf("%d bindings are left of an unbound X, %v", total, err)
		}
		h.sound(t)
	})
}
