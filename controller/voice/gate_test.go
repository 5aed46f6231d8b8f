package voice

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskline/models"
)

// However late the calls of a busy database come to be dialled, no second holds more of them than the rate.
func TestGateKeepsThePaceOfLateCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(Options{})
		q.line(1).tune(models.App{ID: 1, State: models.StateNormal, Settings: models.AppSettings{Voice: models.VoiceSettings{Rate: 20}}}, models.Tenant{State: models.StateNormal}, time.Now())
		var mu sync.Mutex
		var passed []time.Time
		var all sync.WaitGroup
		for i := range 100 {
			// A stall of a second, after which everything comes at once.
			late := time.Duration(i) * 50 * time.Millisecond
			if i < 40 {
				late = 2 * time.Second
			}
			all.Go(func() {
				time.Sleep(late)
				done, err := q.Pass(t.Context(), models.Outgoing{Session: models.Session{AppID: 1, Dialled: "+8675580000001", Plan: models.Plan{Place: &models.Place{}}}})
				if err != nil {
					t.Error(err)
				}
				if i%25 < 20 { // the switch is slow in answering, and then answers all at once
					time.Sleep(time.Until(time.Now().Truncate(700 * time.Millisecond).Add(700 * time.Millisecond)))
				}
				mu.Lock()
				done()
				passed = append(passed, time.Now())
				mu.Unlock()
			})
		}
		all.Wait()
		for i := range passed {
			n := 0
			for _, at := range passed[i:] {
				if at.Sub(passed[i]) < time.Second {
					n++
				}
			}
			if n > 20 {
				t.Fatalf("%d calls in a second", n)
			}
		}
		if took := passed[99].Sub(passed[0]); took > 12*time.Second {
			t.Errorf("100 calls at 20 a second took %s", took)
		}
	})
}

func TestGateEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(Options{})
		q.line(1).tune(models.App{ID: 1, Settings: models.AppSettings{Voice: models.VoiceSettings{Rate: 0.1}}}, models.Tenant{}, time.Now())
		o := models.Outgoing{Session: models.Session{AppID: 1, Plan: models.Plan{Place: &models.Place{}}}}
		done, err := q.Pass(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		done()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.Pass(ctx, o); err == nil {
			t.Error("passed before its time")
		}
	})
}
