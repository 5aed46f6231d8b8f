package store

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

// recorded ends a call that was recorded: its CDR's push is held.
func (h *house) recorded(t testing.TB, id string, wait time.Duration) models.Change {
	t.Helper()
	ch := h.end(id)
	until := h.clock.Now().Add(wait)
	ch.CDR.RecordFile = id + ".wav"
	ch.Recording = &models.Recording{Name: id + ".wav", SessionID: id, TenantID: h.tenant.ID, AppID: h.app.ID, Switch: "fs1",
		State: models.RecordingWaiting, BeganAt: h.clock.Now().Add(-wait), WaitUntil: until}
	ch.Deliveries[1].State, ch.Deliveries[1].DueAt = models.DeliveryHeld, until
	if !h.record(t, ch) {
		t.Fatal("not applied")
	}
	return ch
}

func TestRecordings(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		var calls []models.Change
		for i, wait := range []time.Duration{3 * time.Minute, time.Minute, 2 * time.Minute} {
			calls = append(calls, h.recorded(t, fmt.Sprintf("s%d", i), wait))
		}
		if got := must[models.Recording](t)(h.Recording(ctx, "s0.wav")); got != *calls[0].Recording {
			t.Errorf("read %+v, want %+v", got, *calls[0].Recording)
		}
		waiting := must[[]models.Recording](t)(h.WaitingRecordings(ctx, 2))
		if want := []models.Recording{*calls[1].Recording, *calls[2].Recording}; !reflect.DeepEqual(waiting, want) {
			t.Errorf("waiting %+v", waiting)
		}
		kept := *calls[1].Recording
		kept.State, kept.Bytes, kept.Duration, kept.KeptAt = models.RecordingKept, 96044, 3*time.Second, h.clock.Now()
		if err := h.SetRecording(ctx, kept); err != nil {
			t.Fatal(err)
		}
		if got := must[models.Recording](t)(h.Recording(ctx, kept.Name)); got != kept {
			t.Errorf("read %+v, want %+v", got, kept)
		}
		set := func(name string, st models.RecordingState, code models.Code) {
			t.Helper()
			if err := h.SetRecording(ctx, models.Recording{Name: name, State: st}); models.CodeOf(err) != code {
				t.Errorf("%s: %v, want %q", st, err, code)
			}
		}
		set(kept.Name, models.RecordingMissing, models.Conflict)
		set(kept.Name, models.RecordingWaiting, models.Conflict)
		set("s0.wav", models.RecordingMissing, "")
		set("s0.wav", models.RecordingShort, "") // it came after all
		set("s0.wav", models.RecordingRemoved, "")
		set("s0.wav", models.RecordingKept, models.Conflict)
		set("none.wav", models.RecordingKept, models.NotFound)
		set("s0.wav", "lost", models.Invalid)
		for f, want := range map[RecordingFilter]int{{}: 3, {AppID: h.app.ID}: 3, {TenantID: 99}: 0, {SessionID: "s1"}: 1, {State: models.RecordingKept}: 1,
			{State: models.RecordingWaiting, Until: h.clock.Now()}: 1, {Until: h.clock.Now().Add(-2 * time.Minute)}: 1} {
			if _, n, err := h.RecordingsOf(ctx, f, models.Page{}); err != nil || n != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, n, want, err)
			}
		}
		_, err := h.Recording(ctx, "none.wav")
		wantCode(t, err, models.NotFound)
		// A name that is taken does not hold up the end of a call.
		last := h.end("s9")
		last.Recording = &models.Recording{Name: "s0.wav", SessionID: "s9"}
		if !h.record(t, last) {
			t.Error("the end is not applied")
		}
		if got := must[models.Recording](t)(h.Recording(ctx, "s0.wav")); got.SessionID != "s0" {
			t.Errorf("the name's owner is %s", got.SessionID)
		}
	})
}

// TestHeldIsNotSent asks everything that the courier asks for: what waits for its recording is in none of it.
func TestHeldIsNotSent(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		h.recorded(t, "s0", time.Minute)
		held := must[[]models.Delivery](t)(h.HeldDeliveries(ctx, 10))
		if len(held) != 1 || held[0].Key != "cdr" || held[0].State != models.DeliveryHeld || held[0].DueAt != h.clock.Now().Add(time.Minute) {
			t.Fatalf("held %+v", held)
		}
		h.clock.advance(time.Hour)
		now := h.clock.Now()
		lists := [][]models.Delivery{must[[]models.Delivery](t)(h.WaitingDeliveries(ctx, 0, nil, 10)), must[[]models.Delivery](t)(h.DueDeliveries(ctx, now, nil, 10)),
			must[[]models.Delivery](t)(h.DeadCDRs(ctx, now, h.app.ID, 0, 10))}
		for i, list := range lists {
			for _, d := range list {
				if d.ID == held[0].ID {
					t.Errorf("list %d holds it", i)
				}
			}
		}
		if n := must[int](t)(h.Replay(ctx, DeliveryFilter{})); n != 0 {
			t.Errorf("%d replayed", n)
		}
		if got := must[[]models.Delivery](t)(h.HeldDeliveries(ctx, 10)); !reflect.DeepEqual(got, held) {
			t.Errorf("held %+v, want %+v", got, held)
		}
	})
}

// TestReleaseOnce releases deliveries from two daemons at once.
func TestReleaseOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		other := open(t, cfg)
		ctx := context.Background()
		for i := range 10 {
			id := fmt.Sprintf("s%d", i)
			end := h.recorded(t, id, time.Minute)
			var wg sync.WaitGroup
			var won [4]models.Delivery
			for k := range won {
				wg.Go(func() {
					cdr := *end.CDR
					cdr.RecordFile, cdr.Fail = fmt.Sprint("file ", k), models.StateCode(8000+k)
					d, ok, err := []*Store{h.Store, other}[k%2].ReleaseDelivery(ctx, id, fmt.Appendf(nil, "body %d", k), &cdr)
					if err != nil || ok != (d.ID != 0) {
						t.Errorf("release: %v, %v", ok, err)
					}
					won[k] = d
				})
			}
			wg.Wait()
			winner := -1
			for k, d := range won {
				if d.ID != 0 {
					if winner >= 0 {
						t.Errorf("%s was released twice", id)
					}
					winner = k
				}
			}
			if winner < 0 {
				t.Fatalf("%s was not released", id)
			}
			cdr := must[models.CDR](t)(h.CDR(ctx, id))
			if d := won[winner]; string(d.Body) != fmt.Sprint("body ", winner) || d.State != models.DeliveryWaiting || d.ID != end.Deliveries[1].ID ||
				cdr.RecordFile != fmt.Sprint("file ", winner) || cdr.Fail != models.StateCode(8000+winner) {
				t.Errorf("released by %d: %+v with %+v", winner, d, cdr)
			}
		}
		if got := must[[]models.Delivery](t)(h.WaitingDeliveries(ctx, 0, nil, 100)); len(got) != 20 {
			t.Errorf("%d deliveries wait", len(got))
		}
	})
}

// TestReleaseWithoutAPush: a call whose app has no URL has its CDR corrected all the same.
func TestReleaseWithoutAPush(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		end := h.end("s0")
		end.Deliveries = nil
		h.record(t, end)
		cdr := *end.CDR
		cdr.Record, cdr.Fail = false, models.RecordingFailed
		if _, ok, err := h.ReleaseDelivery(ctx, "s0", nil, &cdr); err != nil || ok {
			t.Errorf("released %v, %v", ok, err)
		}
		if got := must[models.CDR](t)(h.CDR(ctx, "s0")); got.Record || got.Fail != models.RecordingFailed {
			t.Errorf("its cdr %+v", got)
		}
		if _, ok, err := h.ReleaseDelivery(ctx, "none", nil, nil); err != nil || ok {
			t.Errorf("no call: released %v, %v", ok, err)
		}
	})
}

func TestPlacedCDR(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		end := h.end("s0")
		now := h.clock.Now()
		end.CDR.Mode, end.CDR.OutAt, end.CDR.OutAlertingAt, end.CDR.OutAnswerAt = models.ModeNotify, now, now.Add(time.Second), now.Add(2*time.Second)
		end.CDR.OutQ850, end.CDR.SpeechPlays, end.CDR.SpeechSeconds = 17, 2, 9
		h.record(t, end)
		got := must[models.CDR](t)(h.CDR(context.Background(), "s0"))
		if end.CDR.ID = got.ID; got != *end.CDR {
			t.Errorf("read %+v, want %+v", got, *end.CDR)
		}
	})
}
