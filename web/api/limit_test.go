package api

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskline/models"
	"maskline/models/store"
)

const (
	flowSentence      = "The flow control upper limit is reached on the platform, try again in one minute."
	voiceFlowSentence = "The flow control upper limit is reached on the platform."
)

func TestPaceOfAnApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlow(Options{Rate: 10, Burst: 3, AtOnce: 100})
		count := func(app int64) (n int) {
			for range 10 {
				switch f.enter(app) {
				case "":
					n++
					f.leave(app)
				case OverAtOnce:
					t.Error("nobody is under way")
				}
			}
			return n
		}
		if a, b := count(1), count(2); a != 3 || b != 3 {
			t.Errorf("%d and %d of ten at once, want 3 each", a, b)
		}
		time.Sleep(200 * time.Millisecond)
		if n := count(1); n != 2 {
			t.Errorf("%d after a fifth of a second, want 2", n)
		}
	})
}

func TestFlowControlOnTheWire(t *testing.T) {
	var why []string
	h := newHouse(t, func(o *Options) {
		o.Rate, o.Burst, o.FlowCode = 0.001, 1, "1019999"
		o.Limited = func(s string) { why = append(why, s) }
	})
	h.wants("the first", http.MethodGet, pathAXB+"?subscriptionId=x", "", 403, missingAnswer)
	h.wants("one too many", http.MethodGet, pathAXB+"?subscriptionId=x", "", 403, wireResult("1019999", flowSentence))
	if len(why) != 1 || why[0] != OverRate {
		t.Errorf("counted %q", why)
	}
}

func TestVoiceFlowCodeIsTheConfigured(t *testing.T) {
	h, _ := counterHouse(t, func(o *Options) { o.Rate, o.Burst, o.VoiceFlowCode = 0.001, 1, "1018888" })
	h.call(http.MethodPost, pathClick, `{}`)
	for _, path := range []string{pathClick, pathCallStop} {
		h.wants(path, http.MethodPost, path, `{}`, 403, wireResult("1018888", voiceFlowSentence))
	}
}

// hanging is a database that answers nothing until it is let go, or the request's time is over.
type hanging struct {
	Store
	here chan struct{} // one for each who waits
	free chan struct{} // closed: it answers again
	late bool          // it knows who signed, and hangs at the query that the crowd asks
}

func (h *hanging) wait(ctx context.Context) error {
	select {
	case <-h.free:
		return nil
	default:
	}
	h.here <- struct{}{}
	select {
	case <-h.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hanging) Credentials(ctx context.Context, key string) (models.App, models.Tenant, []string, error) {
	if !h.late {
		if err := h.wait(ctx); err != nil {
			return models.App{}, models.Tenant{}, nil, err
		}
	}
	return h.Store.Credentials(ctx, key)
}

func (h *hanging) Bindings(ctx context.Context, f store.BindingFilter, p models.Page) ([]models.Binding, int, error) {
	if h.late && f.X == x1 {
		if err := h.wait(ctx); err != nil {
			return nil, 0, err
		}
	}
	return h.Store.Bindings(ctx, f, p)
}

// flooded is a house on a database that hangs, in which n requests of its app wait. done waits for their answers.
func flooded(t *testing.T, db *hanging, n int, edit func(*Options)) (h *house, done func() []int) {
	t.Helper()
	db.here, db.free = make(chan struct{}, 1000), make(chan struct{})
	h = newHouse(t, func(o *Options) {
		db.Store, o.Store = o.Store, db
		edit(o)
	})
	var wg sync.WaitGroup
	answers := make(chan int, n)
	for range n {
		wg.Go(func() {
			answers <- h.send(signed(testKey, http.MethodGet, pathAXB+"?relationNum=%2B"+x1[1:], "")).Code
		})
		<-db.here
	}
	return h, func() (codes []int) {
		wg.Wait()
		close(answers)
		for c := range answers {
			codes = append(codes, c)
		}
		return codes
	}
}

// A database that hangs holds as many requests as may be under way. Every other one is answered at once, in its own product's words.
func TestHangingDatabaseHoldsABoundedCrowd(t *testing.T) {
	db, over := &hanging{}, 0
	h, done := flooded(t, db, 4, func(o *Options) {
		o.AtOnce, o.FlowCode, o.VoiceFlowCode = 4, "1019999", "1018888"
		o.Limited = func(why string) {
			if over++; why != OverAtOnce {
				t.Errorf("counted as %s", why)
			}
		}
	})
	for range 100 {
		h.wants("one too many", http.MethodGet, pathAXB+"?subscriptionId=x", "", 403, wireResult("1019999", flowSentence))
		h.wants("of placed calls", http.MethodPost, pathClick, "{}", 403, wireResult("1018888", voiceFlowSentence))
	}
	if len(db.here) != 0 || over != 200 {
		t.Errorf("%d more requests wait for the database, %d were counted", len(db.here), over)
	}
	close(db.free)
	for _, code := range done() {
		if code != http.StatusForbidden { // nothing is bound, says the database
			t.Errorf("a request that waited was answered %d", code)
		}
	}
	h.wants("afterwards", http.MethodGet, pathAXB+"?subscriptionId=x", "", 403, missingAnswer)
}

// Who waits is let go when his time is over, and leaves his place.
func TestHangingDatabaseHoldsNobodyForGood(t *testing.T) {
	db := &hanging{}
	h, done := flooded(t, db, 4, func(o *Options) { o.AtOnce, o.Timeout = 4, 50*time.Millisecond })
	for _, code := range done() {
		if code != http.StatusInternalServerError {
			t.Errorf("answered %d", code)
		}
	}
	close(db.free)
	h.wants("afterwards", http.MethodGet, pathAXB+"?subscriptionId=x", "", 403, missingAnswer)
}

// One app's slow requests leave half of the places to the others.
func TestOneAppLeavesHalfToTheOthers(t *testing.T) {
	db := &hanging{late: true}
	h, done := flooded(t, db, 3, func(o *Options) { o.AtOnce = 6 })
	h.wants("the app's own fourth", http.MethodGet, pathAXB+"?subscriptionId=x", "", 403, wireResult("1010023", flowSentence))
	other := *h
	other.key = "OTHERKEY"
	other.wants("another app's", http.MethodGet, pathAXB+"?subscriptionId=x", "", 403, missingAnswer)
	close(db.free)
	done()
}
