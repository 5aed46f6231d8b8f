package store

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"maskline/models"
)

func TestOneCallAtATime(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		ctx := context.Background()
		take := func(id, x string) error {
			v := h.session(id)
			v.Dialled = x
			_, err := h.Record(ctx, models.Change{Session: v, Exclusive: true, Events: []models.CallEvent{event(id, models.EventCallIn)}})
			return err
		}
		busy := func(x string) bool {
			return must[models.Sight](t)(h.Sight(ctx, x, alice, models.NoExtension)).Busy
		}
		if busy(x1) {
			t.Error("a number without a call is busy")
		}
		for range 2 {
			wantCode(t, take("s1", x1), "")
		}
		wantCode(t, take("s2", x1), models.NumberBusy)
		if _, err := h.Session(ctx, "s2"); models.CodeOf(err) != models.NotFound || h.keys(t, "s2") != "" {
			t.Errorf("a refused change left something: %v", err)
		}
		wantCode(t, take("s3", x2), "")
		if !busy(x1) || !busy(x2) || busy(x3) {
			t.Error("busy is not what was taken")
		}
		if !h.record(t, h.end("s1")) {
			t.Error("the end is not applied")
		}
		if busy(x1) || !busy(x2) {
			t.Error("the end frees the number of its session, and no other")
		}
		if applied, err := h.Record(ctx, models.Change{Session: h.session("s1"), Exclusive: true}); applied || err != nil {
			t.Errorf("an ended session took a number: %v, %v", applied, err)
		}
		wantCode(t, take("s4", x1), "")
		if applied, err := h.Record(ctx, models.Change{Session: h.session("s1"), Exclusive: true}); applied || err != nil {
			t.Errorf("an ended session was told busy: %v, %v", applied, err)
		}
		// A row that was left behind by a session that has ended holds nobody up.
		mustExec(t, h.pools[0], "UPDATE busy SET session_id = 's1' WHERE number = '"+x1+"'")
		if busy(x1) {
			t.Error("a session that has ended keeps the number busy")
		}
		wantCode(t, take("s5", x1), "")
		left := 0
		for _, id := range []string{"s3", "s4", "s5"} {
			h.record(t, h.end(id))
		}
		if _, err := one(h.read, []any{num(&left)}, "SELECT COUNT(*) FROM busy"); err != nil || left != 0 {
			t.Errorf("%d rows are left, %v", left, err)
		}
	})
}

// TestManyWantOneNumber has calls arrive together, so that they meet in one commit and in several; two stores stand for two daemons.
func TestManyWantOneNumber(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newEstate(t, cfg)
		stores := []*Store{h.Store, h.Store}
		if cfg.Driver == MySQL {
			cfg.Clock = h.clock.Now
			stores[1] = open(t, cfg)
		}
		var wg sync.WaitGroup
		var taken, others atomic.Int64
		for i := range 60 {
			wg.Go(func() {
				v := h.session(models.NewID())
				ch := models.Change{Session: v, Exclusive: i%3 > 0}
				_, err := stores[i%2].Record(context.Background(), ch)
				switch code := models.CodeOf(err); {
				case code == "" && ch.Exclusive:
					taken.Add(1)
				case code == "":
					others.Add(1)
				case code == models.NumberBusy && ch.Exclusive:
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if taken.Load() != 1 || others.Load() != 20 {
			t.Errorf("%d calls took the number and %d needed none, want 1 and 20", taken.Load(), others.Load())
		}
	})
}
