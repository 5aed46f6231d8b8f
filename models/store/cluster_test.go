package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"maskline/models"
)

// A daemon that was restarted under its name does not wait for what it held; another one does, and the token tells the two lives apart.
func TestRetake(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		first := o.acquire(t, "switch/fs1", "d1", time.Minute)
		if _, ok, err := o.Retake(ctx, "switch/fs1", "d2", time.Minute); err != nil || ok {
			t.Fatalf("another one retook it: %v, %v", ok, err)
		}
		again, ok, err := o.Retake(ctx, "switch/fs1", "d1", time.Minute)
		if err != nil || !ok || again.Token != 2 {
			t.Fatalf("retaken %+v, %v, %v", again, ok, err)
		}
		left, err := o.RenewAll(ctx, []models.Lease{first}, time.Minute)
		if err != nil || len(left) != 0 {
			t.Errorf("the former life renewed %v, %v", left, err)
		}
	})
}

func TestRenewAll(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		var held []models.Lease
		for _, name := range []string{"outbox/00", "outbox/01", "switch/fs1"} {
			held = append(held, o.acquire(t, name, "d1", 6*time.Second))
		}
		o.acquire(t, "switch/fs2", "d2", time.Minute)
		o.clock.advance(5 * time.Second)
		if err := o.Release(ctx, held[1]); err != nil {
			t.Fatal(err)
		}
		o.acquire(t, "outbox/01", "d2", time.Minute)
		left, err := o.RenewAll(ctx, held, 6*time.Second)
		if err != nil || len(left) != 2 || left[0].Name != "outbox/00" || left[1].Name != "switch/fs1" || !left[0].ExpiresAt.Equal(o.clock.Now().Add(6*time.Second)) {
			t.Errorf("renewed %+v, %v", left, err)
		}
		all, err := o.Leases(ctx, "")
		if err != nil || len(all) != 4 || !slices.IsSortedFunc(all, func(a, b models.Lease) int {
			if a.Name < b.Name {
				return -1
			}
			return 1
		}) {
			t.Errorf("leases %+v, %v", all, err)
		}
		if some, err := o.Leases(ctx, "switch/"); err != nil || len(some) != 2 {
			t.Errorf("switches' leases %+v, %v", some, err)
		}
		o.clock.advance(time.Hour)
		o.acquire(t, "outbox/00", "d2", time.Minute)
		if left, err := o.RenewAll(ctx, held, time.Minute); err != nil || len(left) != 1 || left[0].Name != "switch/fs1" {
			t.Errorf("of those that had run out the one that nobody took is renewed: %+v, %v", left, err)
		}
		if err := o.Release(ctx, held[2]); err != nil {
			t.Fatal(err)
		}
		if left, err := o.RenewAll(ctx, held, time.Minute); err != nil || len(left) != 0 {
			t.Errorf("given back and renewed: %+v, %v", left, err)
		}
	})
}

// What is written under a lease that has gone to another is not written, and takes nobody's change of the same group with it.
func TestRecordUnderLease(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		old := o.acquire(t, "switch/fs1", "d1", time.Minute)
		session := func(id string, under models.Lease) models.Change {
			return models.Change{Session: models.Session{ID: id, LegA: id, Switch: "fs1", StartedAt: o.clock.Now()}, Under: under}
		}
		if ok, err := o.Record(ctx, session("a", old)); err != nil || !ok {
			t.Fatalf("recorded %v, %v", ok, err)
		}
		o.clock.advance(time.Minute)
		fresh := o.acquire(t, "switch/fs1", "d2", time.Minute)
		type outcome struct {
			ok  bool
			err error
		}
		results := make([]outcome, 40)
		done := make(chan struct{})
		for i := range results {
			go func() {
				defer func() { done <- struct{}{} }()
				under := []models.Lease{old, fresh, {}}[i%3]
				name := "b" + string(rune('a'+i%26)) + string(rune('a'+i/26))
				results[i].ok, results[i].err = o.Record(ctx, session(name, under))
			}()
		}
		for range results {
			<-done
		}
		for i, r := range results {
			if i%3 == 0 && (r.ok || !errors.Is(r.err, ErrLeaseLost)) {
				t.Errorf("change %d under a lost lease: %v, %v", i, r.ok, r.err)
			}
			if i%3 != 0 && (!r.ok || r.err != nil) {
				t.Errorf("change %d: %v, %v", i, r.ok, r.err)
			}
		}
	})
}

func TestSaveAttemptUnderLease(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		one, two := o.acquire(t, "outbox/00", "d1", time.Minute), o.acquire(t, "outbox/01", "d1", time.Minute)
		d := models.Delivery{AppID: 1, SessionID: "s", Kind: models.DeliverEvent, URL: "https://x.example"}
		if err := o.AddDelivery(ctx, &d); err != nil {
			t.Fatal(err)
		}
		if d.Lane != models.LaneOf("s") {
			t.Errorf("lane %d", d.Lane)
		}
		d.State, d.Attempts = models.DeliveryDone, 1
		if err := o.SaveAttempt(ctx, []models.Delivery{d}, one, two); err != nil {
			t.Error(err)
		}
		o.clock.advance(time.Minute)
		o.acquire(t, "outbox/01", "d2", time.Minute)
		d.State = models.DeliveryDead
		if err := o.SaveAttempt(ctx, []models.Delivery{d}, one, two); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("saved under a lost lease: %v", err)
		}
		list, _, err := o.Deliveries(ctx, DeliveryFilter{}, models.Page{})
		if err != nil || len(list) != 1 || list[0].State != models.DeliveryDone {
			t.Errorf("deliveries %+v, %v", list, err)
		}
	})
}

// The rows of other lanes are stepped over, whether they wait or are due.
func TestDeliveriesOfLanes(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		of := map[int]int{}
		for i := range 64 {
			d := models.Delivery{AppID: 1, SessionID: models.NewID(), Kind: models.DeliverEvent, URL: "https://x.example"}
			if err := o.AddDelivery(ctx, &d); err != nil {
				t.Fatal(err)
			}
			of[d.Lane]++
			if i%2 == 0 {
				d.State, d.DueAt = models.DeliveryRetry, o.clock.Now()
				if err := o.SaveAttempt(ctx, []models.Delivery{d}); err != nil {
					t.Fatal(err)
				}
			}
		}
		lanes := []int{1, 5, 9}
		waiting := must[[]models.Delivery](t)(o.WaitingDeliveries(ctx, 0, lanes, 100))
		due := must[[]models.Delivery](t)(o.DueDeliveries(ctx, o.clock.Now(), lanes, 100))
		for _, d := range slices.Concat(waiting, due) {
			if !slices.Contains(lanes, d.Lane) || d.Lane != models.LaneOf(d.SessionID) {
				t.Errorf("read lane %d", d.Lane)
			}
		}
		if n := len(waiting) + len(due); n != of[1]+of[5]+of[9] || n == 0 {
			t.Errorf("read %d of %v", n, of)
		}
		if none := must[[]models.Delivery](t)(o.WaitingDeliveries(ctx, 0, []int{}, 100)); len(none) != 0 {
			t.Errorf("without a lane %d rows were read", len(none))
		}
	})
}

func TestDaemons(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		began := o.clock.Now()
		see := func(d models.Daemon) {
			if _, err := o.SeeDaemon(ctx, d); err != nil {
				t.Fatal(err)
			}
		}
		see(models.Daemon{Name: "d1", Version: "v1", URL: "http://10.0.0.1:8082", StartedAt: began})
		see(models.Daemon{Name: "d2", Version: "v1", StartedAt: began})
		o.clock.advance(5 * time.Second)
		see(models.Daemon{Name: "d1", Version: "v2", StartedAt: began, Draining: true})
		see(models.Daemon{Name: "d1", Version: "v2", StartedAt: began, Draining: true})
		list := must[[]models.Daemon](t)(o.Daemons(ctx, began))
		want := []models.Daemon{{Name: "d1", Version: "v2", StartedAt: began, SeenAt: o.clock.Now(), Draining: true}, {Name: "d2", Version: "v1", StartedAt: began, SeenAt: began}}
		if !slices.Equal(list, want) {
			t.Errorf("daemons %+v", list)
		}
		if late := must[[]models.Daemon](t)(o.Daemons(ctx, began.Add(time.Second))); len(late) != 1 {
			t.Errorf("seen lately %+v", late)
		}
		if err := o.ForgetDaemon(ctx, "d1"); err != nil {
			t.Fatal(err)
		}
		if list := must[[]models.Daemon](t)(o.Daemons(ctx, began)); len(list) != 1 {
			t.Errorf("after the end %+v", list)
		}
	})
}
