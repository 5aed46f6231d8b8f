package store

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

func TestSwitchOrderAndSight(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		began := o.clock.Now()
		see := func(state models.SwitchState, sessions int) {
			t.Helper()
			if err := o.SeeSwitch(ctx, "fs1", models.SwitchSight{State: state, Daemon: "d1", Up: true, Core: "core-1", Version: "1.11.1", Sessions: sessions}); err != nil {
				t.Fatal(err)
			}
		}
		row := func() models.SwitchRow {
			t.Helper()
			rows, total, err := o.Switches(ctx, models.Page{})
			if err != nil || total != 1 || len(rows) != 1 {
				t.Fatalf("rows %+v, %d, %v", rows, total, err)
			}
			return rows[0]
		}
		see(models.SwitchServing, 4)
		want := models.SwitchRow{Name: "fs1", Order: models.SwitchOrder{Wanted: models.SwitchServing}, Sight: models.SwitchSight{
			State: models.SwitchServing, Since: began, Daemon: "d1", Up: true, Core: "core-1", Version: "1.11.1", Sessions: 4, At: began,
		}}
		if got := row(); got != want {
			t.Errorf("seen %+v, want %+v", got, want)
		}
		o.clock.advance(time.Minute)
		order := models.SwitchOrder{Wanted: models.SwitchDraining, Shutdown: true, By: "ann"}
		got, err := o.OrderSwitch(ctx, "fs1", order)
		want.Order = order
		want.Order.At = began.Add(time.Minute)
		if err != nil || got != want || !got.Draining() {
			t.Errorf("ordered %+v, %v; want %+v", got, err, want)
		}
		see(models.SwitchDraining, 2)
		o.clock.advance(time.Minute)
		see(models.SwitchDraining, 1) // since stays, the rest does not
		want.Sight = models.SwitchSight{State: models.SwitchDraining, Since: began.Add(time.Minute), Daemon: "d1", Up: true, Core: "core-1", Version: "1.11.1", Sessions: 1,
			At: began.Add(2 * time.Minute)}
		if got := row(); got != want {
			t.Errorf("draining %+v, want %+v", got, want)
		}
	})
}

func TestSwitchShutIsMarkedUnderItsOrder(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		order := func(wanted models.SwitchState, shutdown bool) models.SwitchRow {
			t.Helper()
			o.clock.advance(time.Second)
			r, err := o.OrderSwitch(ctx, "fs1", models.SwitchOrder{Wanted: wanted, Shutdown: shutdown, By: "ann"})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		mark := func(r models.SwitchRow, core string, want bool) {
			t.Helper()
			if marked, err := o.MarkShut(ctx, r, core); err != nil || marked != want {
				t.Errorf("marked %v, %v; want %v", marked, err, want)
			}
		}
		mark(order(models.SwitchDraining, false), "core-1", false)
		first := order(models.SwitchDraining, true)
		mark(first, "core-1", true)
		mark(first, "core-1", true) // told twice is as well
		again := order(models.SwitchDraining, true)
		if again.Sight.ShutCore != "" {
			t.Errorf("a new order keeps the old one's core: %+v", again)
		}
		mark(first, "core-1", false) // of an order that holds no more
		mark(again, "core-2", true)
		resumed := order(models.SwitchServing, false)
		mark(again, "core-2", false)
		mark(resumed, "core-2", false)
		if resumed.Sight.ShutCore != "" || resumed.Draining() {
			t.Errorf("resumed %+v", resumed)
		}
	})
}

func TestSwitchOrderInvalid(t *testing.T) {
	s := open(t, sqliteConfig(t))
	for _, tt := range []struct {
		name  string
		order models.SwitchOrder
	}{
		{"", models.SwitchOrder{Wanted: models.SwitchDraining}},
		{strings.Repeat("x", 65), models.SwitchOrder{Wanted: models.SwitchDraining}},
		{"fs1", models.SwitchOrder{}},
		{"fs1", models.SwitchOrder{Wanted: models.SwitchDrained}},
		{"fs1", models.SwitchOrder{Wanted: models.SwitchServing, Shutdown: true}},
	} {
		if _, err := s.OrderSwitch(context.Background(), tt.name, tt.order); models.CodeOf(err) != models.Invalid {
			t.Errorf("%q %+v: %v", tt.name, tt.order, err)
		}
	}
	if rows, _, err := s.Switches(context.Background(), models.Page{}); err != nil || len(rows) != 0 {
		t.Errorf("rows %+v, %v", rows, err)
	}
}

func TestSwitchRowIsMadeOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		stores := []*Store{open(t, cfg), open(t, cfg)}
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				var err error
				if i%4 < 2 {
					err = stores[i%2].SeeSwitch(context.Background(), "fs1", models.SwitchSight{State: models.SwitchServing})
				} else {
					_, err = stores[i%2].OrderSwitch(context.Background(), "fs1", models.SwitchOrder{Wanted: models.SwitchDraining})
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		rows, _, err := stores[0].Switches(context.Background(), models.Page{})
		if err != nil || len(rows) != 1 || !rows[0].Draining() || rows[0].Sight.State != models.SwitchServing {
			t.Errorf("rows %+v, %v", rows, err)
		}
	})
}
