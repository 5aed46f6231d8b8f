package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

func TestReturnNumber(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		x := h.stock(t, 1)[0]
		must[models.Order](t)(h.DeliverOrder(ctx, h.approvedOrder(t, 1).ID, "olga", []string{x}))
		delivered := h.clock.Now()
		if err := h.SetHolder(ctx, models.Holder{Number: x, Name: "Acme", IDNumber: "91440300MA5EXAMPLE"}); err != nil {
			t.Fatal(err)
		}
		h.clock.advance(time.Hour)
		if err := h.ReturnNumber(ctx, x, "olga", "not needed", 24*time.Hour); err != nil {
			t.Fatal(err)
		}
		_, err := h.Number(ctx, x)
		wantCode(t, err, models.NotFound)
		wantCode(t, h.ReturnNumber(ctx, x, "olga", "", 0), models.NotFound)
		_, err = h.Bind(ctx, h.request(x, alice, bob))
		wantCode(t, err, models.NumberNotOwned)
		_, err = h.Holder(ctx, x)
		wantCode(t, err, models.NotFound)
		list, _, err := h.ReturnedNumbers(ctx, ReturnedFilter{Number: x}, models.Page{})
		want := models.Returned{ID: 1, Number: x, TenantID: h.tenant.ID, AppID: h.app.ID, Kind: models.NumberPrivate, AreaCode: "0755", DeliveredAt: delivered,
			ReturnedAt: h.clock.Now(), ReturnedBy: "olga", Reason: "not needed"}
		if err != nil || len(list) != 1 || list[0] != want {
			t.Errorf("returned %+v, want %+v (%v)", list, want, err)
		}
		stock, _, err := h.StockList(ctx, StockFilter{}, models.Page{})
		if err != nil || len(stock) != 1 || stock[0].Carrier != "cm" || stock[0].Trunk != "sz-1" || stock[0].FreeAt != h.clock.Now().Add(24*time.Hour) {
			t.Errorf("in stock %+v (%v)", stock, err)
		}
		o := h.approvedOrder(t, 1)
		h.clock.advance(24*time.Hour - time.Microsecond)
		_, err = h.DeliverOrder(ctx, o.ID, "olga", nil)
		wantCode(t, err, models.Conflict)
		h.clock.advance(time.Microsecond)
		must[models.Order](t)(h.DeliverOrder(ctx, o.ID, "olga", nil))
		if n := must[models.Number](t)(h.Number(ctx, x)); n.DeliveredAt != h.clock.Now() || n.AppID != h.app.ID {
			t.Errorf("delivered again %+v", n)
		}
		// A number that never was in stock goes there too.
		if err := h.ReturnNumber(ctx, x3, "olga", "", 0); err != nil {
			t.Fatal(err)
		}
		if stock, _, err = h.StockList(ctx, StockFilter{}, models.Page{}); err != nil || len(stock) != 1 || stock[0].Number != x3 || stock[0].AreaCode != "010" {
			t.Errorf("in stock %+v (%v)", stock, err)
		}
		wantCode(t, h.ReturnNumber(ctx, x1, "olga", "", -1), models.Invalid)
		wantCode(t, h.ReturnNumber(ctx, x1, "olga", strings.Repeat("x", 513), 0), models.Invalid)
	})
}

func TestNumberInUseStays(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		e := newEstate(t, cfg)
		v := &voices{house: e.house}
		v.voice = v.voiceApp(t, "voice-1")
		ctx := context.Background()
		if err := e.AddNumbers(ctx, []models.Number{{AppID: v.voice.ID, Number: showing, AreaCode: "0755"}}); err != nil {
			t.Fatal(err)
		}
		other := e.newApp(t, "key-2")
		stays := func(x, why string) {
			t.Helper()
			_, moved := e.MoveNumber(ctx, x, other.ID)
			for _, err := range []error{e.ReturnNumber(ctx, x, "olga", "", 0), moved} {
				if models.CodeOf(err) != models.InUse || !strings.Contains(err.Error(), why) {
					t.Errorf("%s with %s: %v", x, why, err)
				}
			}
		}
		goes := func(x string) {
			t.Helper()
			if err := e.ReturnNumber(ctx, x, "olga", "", 0); err != nil {
				t.Errorf("%s: %v", x, err)
			}
		}
		b := e.bind(t, x1, alice, bob, 60)
		e.bind(t, x2, alice, bob, 60)
		stays(x1, "open bindings")
		must[int](t)(e.Unbind(ctx, e.app.ID, UnbindBy{SubscriptionID: b.ID}))
		e.record(t, models.Change{Session: e.session("live")})
		stays(x1, "live call")
		e.record(t, e.end("live"))
		goes(x1)
		stays(x2, "open bindings")
		e.clock.advance(time.Minute) // it has expired, and the job has not been by
		goes(x2)

		// Every mode's bindings, the Y of a relation too.
		ax := e.bindAX(t, axNumbers[0], alice)
		stays(axNumbers[0], "open bindings")
		if err := e.UnbindAX(ctx, e.ax.ID, AXBy{SubscriptionID: ax.ID}); err != nil {
			t.Fatal(err)
		}
		goes(axNumbers[0])
		e.bindAXE(t, axeNumbers[0], alice, "1", 1)
		stays(axeNumbers[0], "open bindings")
		e.clock.advance(time.Minute)
		goes(axeNumbers[0])
		xy := e.bindAXYB(t, axybNumbers[0], alice, 0, 0)
		must[models.Binding](t)(e.BindYB(ctx, e.axyb.ID, xy.ID, bob, Where{X: axybNumbers[1]}, models.BindingSettings{}))
		stays(axybNumbers[0], "open bindings")
		stays(axybNumbers[1], "open bindings")
		if err := e.UnbindAXYB(ctx, e.axyb.ID, AXYBBy{SubscriptionID: xy.ID}); err != nil {
			t.Fatal(err)
		}
		goes(axybNumbers[0])
		goes(axybNumbers[1])
		o := v.enqueue(t, v.voice, 1)
		stays(showing, "wait to be placed")
		e.record(t, v.givingUp(o))
		goes(showing)
		for _, r := range must[[]models.Route](t)(routeColumns.all(e.read, "")) {
			t.Errorf("a route is left: %+v", r)
		}
	})
}

// TestReturnAgainstBind lets binds and returns of one number meet: either the number is bound and stays, or it goes and nothing is bound on it.
func TestReturnAgainstBind(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		for _, x := range h.stock(t, 8) {
			must[models.Order](t)(h.DeliverOrder(ctx, h.approvedOrder(t, 1).ID, "olga", []string{x}))
			var wg sync.WaitGroup
			var bound, returned error
			wg.Go(func() { _, bound = h.Bind(ctx, h.request(x, alice, bob)) })
			wg.Go(func() { returned = h.ReturnNumber(ctx, x, "olga", "", 0) })
			wg.Wait()
			_, err := h.Number(ctx, x)
			switch {
			case bound == nil && models.CodeOf(returned) == models.InUse && err == nil:
			case returned == nil && models.CodeOf(bound) == models.NumberNotOwned && models.CodeOf(err) == models.NotFound:
			default:
				t.Errorf("bound: %v, returned: %v, the number: %v", bound, returned, err)
			}
			h.clock.advance(time.Second)
		}
	})
}

func TestUnsubscribe(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg) // on 2026-11-20, 16:00 in Shanghai
		ctx := context.Background()
		came := h.clock.Now()
		h.clock.advance(24 * time.Hour)
		at := h.clock.Now()
		n := must[models.Number](t)(h.UnsubscribeNumber(ctx, x1, time.Time{}))
		if got := must[models.Number](t)(h.Number(ctx, x1)); got != n || n.EndsAt != at {
			t.Errorf("unsubscribed %+v, read %+v", n, got)
		}
		for _, bad := range []time.Time{came.Add(-time.Second), at.Add(time.Second)} {
			_, err := h.UnsubscribeNumber(ctx, x2, bad)
			wantCode(t, err, models.Invalid)
		}
		_, err := h.UnsubscribeNumber(ctx, "+8617099999999", time.Time{})
		wantCode(t, err, models.NotFound)
		h.clock.advance(7 * 24 * time.Hour) // the 28th
		if n = must[models.Number](t)(h.UnsubscribeNumber(ctx, x1, time.Time{})); n.EndsAt != at {
			t.Errorf("unsubscribed twice: %v", n.EndsAt)
		}
		must[models.Number](t)(h.UnsubscribeNumber(ctx, x2, time.Time{}))
		must[models.Number](t)(h.UnsubscribeNumber(ctx, x3, at.Add(time.Hour)))
		h.bind(t, x1, alice, bob, 0) // it works still
		for _, tt := range []struct {
			day  string
			want []string
		}{
			{"2026-11-30T15:59:59Z", nil}, {"2026-11-30T16:00:00Z", []string{x1, x3}}, {"2026-12-31T15:59:59Z", []string{x1, x3}},
			{"2026-12-31T16:00:00Z", []string{x1, x3, x2}},
		} {
			day := must[time.Time](t)(time.Parse(time.RFC3339, tt.day))
			h.clock.advance(day.Sub(h.clock.Now()))
			var got []string
			for after := (models.Number{}); ; {
				page := must[[]models.Number](t)(h.EndedNumbers(ctx, after, 1))
				if len(page) == 0 {
					break
				}
				after = page[0]
				got = append(got, after.Number)
			}
			if all := must[[]models.Number](t)(h.EndedNumbers(ctx, models.Number{}, 10)); !slices.Equal(got, tt.want) || len(all) != len(got) {
				t.Errorf("ended by %s: %v and %d, want %v", tt.day, got, len(all), tt.want)
			}
			if tt.want == nil {
				if n = must[models.Number](t)(h.SubscribeNumber(ctx, x1)); !n.EndsAt.IsZero() {
					t.Errorf("subscribed again: %+v", n)
				}
				must[models.Number](t)(h.UnsubscribeNumber(ctx, x1, at))
			}
		}
		_, err = h.SubscribeNumber(ctx, x1)
		wantCode(t, err, models.Conflict)
	})
}

func TestMoveNumber(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		h := v.house
		ctx := context.Background()
		second := h.newApp(t, "key-2")
		if n := must[models.Number](t)(h.MoveNumber(ctx, x1, second.ID)); n.AppID != second.ID {
			t.Errorf("moved %+v", n)
		}
		must[models.Number](t)(h.MoveNumber(ctx, x1, second.ID))
		_, err := h.Bind(ctx, h.request(x1, alice, bob))
		wantCode(t, err, models.NumberNotOwned)
		r := h.request(x1, alice, bob)
		r.App = second
		must[models.Binding](t)(h.Bind(ctx, r))
		stranger := models.Tenant{Name: "Other", SpID: "other"}
		if err := h.CreateTenant(ctx, &stranger); err != nil {
			t.Fatal(err)
		}
		theirs := models.App{TenantID: stranger.ID, Key: "theirs", Name: "theirs", Mode: models.ModeAXB}
		if err := h.CreateApp(ctx, &theirs, "secret"); err != nil {
			t.Fatal(err)
		}
		for app, code := range map[int64]models.Code{theirs.ID: models.Conflict, v.voice.ID: models.Conflict, 99: models.NotFound} {
			_, err := h.MoveNumber(ctx, x2, app)
			wantCode(t, err, code)
		}
		_, err = h.MoveNumber(ctx, showing, h.app.ID)
		wantCode(t, err, models.Conflict)
		_, err = h.MoveNumber(ctx, "+8617099999999", h.app.ID)
		wantCode(t, err, models.NotFound)
	})
}

func TestChangeNumbers(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		second := h.newApp(t, "key-2")
		h.bind(t, x2, alice, bob, 0)
		trunk, long := "sz-9", strings.Repeat("t", 65)
		tell := func(app models.App, n models.Number) []models.Delivery {
			return []models.Delivery{{AppID: app.ID, Kind: models.DeliverNumber, URL: "https://example.com", Body: []byte(n.Number), CreatedAt: h.clock.Now()}}
		}
		rows, told, err := h.ChangeNumbers(ctx, []NumberChange{
			{Number: x3, AreaCode: "021", Trunk: &trunk, AppID: second.ID, State: models.NumberUnavailable, Cause: 3},
			{Number: x2, AreaCode: "021", AppID: second.ID}, // bound: nothing of the row is done
			{Number: x1, State: models.NumberSuspended},
			{Number: x1, State: 77, Trunk: &trunk},
			{Number: x1, Trunk: &long},
			{Number: x1, AreaCode: "here"},
			{Number: x1, TenantID: 99, Trunk: &trunk},
			{Number: "+8617099999999", State: models.NumberNormal},
			{Number: x1},
		}, tell)
		if err != nil {
			t.Fatal(err)
		}
		want := []models.Code{"", models.InUse, "", models.Invalid, models.Invalid, models.Invalid, models.NotFound, models.NotFound, ""}
		for i, err := range rows {
			if models.CodeOf(err) != want[i] {
				t.Errorf("row %d: %v, want %q", i, err, want[i])
			}
		}
		if len(told) != 2 || string(told[0].Body) != x3 || told[0].AppID != second.ID || string(told[1].Body) != x1 || told[1].ID == 0 {
			t.Errorf("told %+v", told)
		}
		for x, want := range map[string]models.Number{
			x1: {AppID: h.app.ID, AreaCode: "0755", State: models.NumberSuspended}, x2: {AppID: h.app.ID, AreaCode: "0755", State: models.NumberNormal},
			x3: {AppID: second.ID, AreaCode: "021", Trunk: trunk, State: models.NumberUnavailable, Cause: 3},
		} {
			n := must[models.Number](t)(h.Number(ctx, x))
			if n.AppID != want.AppID || n.AreaCode != want.AreaCode || n.Trunk != want.Trunk || n.State != want.State || n.Cause != want.Cause {
				t.Errorf("%s is %+v", x, n)
			}
		}
		_, _, err = h.ChangeNumbers(ctx, make([]NumberChange, ChangesMost+1), nil)
		wantCode(t, err, models.Invalid)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, _, err = h.ChangeNumbers(gone, []NumberChange{{Number: x1, Trunk: &trunk}}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who left: %v", err)
		}
	})
}

// TestChangeManyNumbers crosses the bounds of transactions.
func TestChangeManyNumbers(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		numbers := h.stock(t, 2*changesBatch+1)
		must[models.Order](t)(h.DeliverOrder(ctx, h.approvedOrder(t, len(numbers)).ID, "olga", nil))
		var changes []NumberChange
		for _, x := range numbers {
			changes = append(changes, NumberChange{Number: x, AreaCode: "021"}, NumberChange{Number: x + "9"})
		}
		rows, _, err := h.ChangeNumbers(ctx, changes, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, err := range rows {
			if want := map[int]models.Code{1: models.NotFound}[i%2]; models.CodeOf(err) != want {
				t.Errorf("row %d: %v", i, err)
			}
		}
		if _, n, err := h.Numbers(ctx, NumberFilter{AppID: h.app.ID, Area: "021"}, models.Page{}); err != nil || n != len(numbers) {
			t.Errorf("%d were changed (%v)", n, err)
		}
	})
}
