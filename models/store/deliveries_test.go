package store

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"maskline/models"
)

func ids(list []models.Delivery) (out []int64) {
	for _, d := range list {
		out = append(out, d.ID)
	}
	return out
}

func TestDeliveries(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		for i := range 4 {
			h.record(t, h.end(fmt.Sprintf("s%d", i))) // a disconnect and a CDR each
		}
		waiting := must[[]models.Delivery](t)(h.WaitingDeliveries(ctx, 0, nil, 100))
		if len(waiting) != 8 || waiting[0].Key != "disconnect" || waiting[1].Key != "cdr" || waiting[0].State != models.DeliveryWaiting {
			t.Fatalf("waiting %+v", waiting)
		}
		if got := must[[]models.Delivery](t)(h.WaitingDeliveries(ctx, waiting[4].ID, nil, 2)); !reflect.DeepEqual(got, waiting[5:7]) {
			t.Errorf("a page of waiting ones: %+v", got)
		}
		now := h.clock.Now()
		for i := range waiting {
			d := &waiting[i]
			d.Attempts, d.FirstAt, d.LastStatus = 1, now.Add(-time.Duration(i)*time.Second), 500
			switch i {
			case 0:
				d.State, d.LastStatus, d.EndedAt = models.DeliveryDone, 200, now
			case 1, 3:
				d.State, d.LastError, d.EndedAt = models.DeliveryDead, "no answer within 5s", now.Add(-time.Duration(i)*time.Millisecond)
			default:
				d.State, d.DueAt = models.DeliveryRetry, now.Add(time.Duration(10-i)*time.Minute)
			}
		}
		if err := h.SaveAttempt(ctx, waiting); err != nil {
			t.Fatal(err)
		}
		all, total, err := h.Deliveries(ctx, DeliveryFilter{AppID: h.app.ID}, models.Page{})
		if err != nil || total != 8 {
			t.Fatalf("%d deliveries: %v", total, err)
		}
		for i := range all {
			if !reflect.DeepEqual(all[i], waiting[7-i]) {
				t.Errorf("read %+v, want %+v", all[i], waiting[7-i])
			}
		}
		due := must[[]models.Delivery](t)(h.DueDeliveries(ctx, now.Add(5*time.Minute), nil, 10))
		if want := []int64{waiting[7].ID, waiting[6].ID, waiting[5].ID}; !reflect.DeepEqual(ids(due), want) {
			t.Errorf("due %v, want %v", ids(due), want)
		}
		dead := must[[]models.Delivery](t)(h.DeadCDRs(ctx, now, h.app.ID, 0, 10))
		if want := []int64{waiting[1].ID, waiting[3].ID}; !reflect.DeepEqual(ids(dead), want) {
			t.Errorf("dead %v, want %v", ids(dead), want)
		}
		if got := must[[]models.Delivery](t)(h.DeadCDRs(ctx, now.AddDate(0, 0, 1), h.app.ID, 0, 10)); len(got) != 0 {
			t.Errorf("dead on the next day: %v", ids(got))
		}
		_, err = h.Replay(ctx, DeliveryFilter{State: models.DeliveryRetry})
		wantCode(t, err, models.Invalid)
		if n := must[int](t)(h.Replay(ctx, DeliveryFilter{State: models.DeliveryDead, SessionID: "s0"})); n != 1 {
			t.Errorf("replayed %d of s0, want 1", n)
		}
		if n := must[int](t)(h.Replay(ctx, DeliveryFilter{AppID: h.app.ID})); n != 2 {
			t.Errorf("replayed %d of the rest, want 2", n)
		}
		again := must[[]models.Delivery](t)(h.WaitingDeliveries(ctx, 0, nil, 100))
		if len(again) != 3 || again[0].Attempts != 0 || !again[0].FirstAt.IsZero() || !again[0].EndedAt.IsZero() || again[1].LastError != "" {
			t.Errorf("after replay %+v", again)
		}
		wantCode(t, h.SaveAttempt(ctx, []models.Delivery{{ID: 12345}}), models.NotFound)
	})
}

func TestReplayOfMany(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		var list []models.Delivery
		for range 450 {
			d := models.Delivery{AppID: h.app.ID, Kind: models.DeliverTest, URL: "https://example.com", Key: "may repeat", CreatedAt: h.clock.Now()}
			if err := h.AddDelivery(ctx, &d); err != nil || d.ID == 0 {
				t.Fatal(err)
			}
			d.State = models.DeliveryDead
			list = append(list, d)
		}
		if err := h.SaveAttempt(ctx, list); err != nil {
			t.Fatal(err)
		}
		if n := must[int](t)(h.Replay(ctx, DeliveryFilter{Kind: models.DeliverTest})); n != 450 {
			t.Errorf("replayed %d, want 450", n)
		}
	})
}
