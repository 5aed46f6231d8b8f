package billing

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/models"
	"maskline/models/store"
)

func TestSettlement(t *testing.T) { bothEngines(t, settlementOn) }

func settlementOn(t *testing.T, e engine) {
	l := newLabOn(t, e, at("09:00:00"), "")
	l.plan(at("00:00:00"), 100, nil)
	rater := NewRater(l.Store)
	other, otherApp := l.add("second", "")
	for i := range 30 { // over three hours, half a minute each
		l.call(rater, l.tenant, l.app, at("09:00:00").Add(time.Duration(i)*6*time.Minute), 30)
		l.call(rater, other, otherApp, at("09:00:00").Add(time.Duration(i)*6*time.Minute), 90)
	}
	s := NewSettlement(l.Store)
	for _, step := range []struct {
		name  string
		now   time.Time
		count int
		first models.Amount
	}{
		{"while the hour runs", at("09:59:59"), 0, 0},
		{"at its end", at("10:00:00"), 20, -1000},
		{"again", at("10:00:00"), 0, -1000},
		{"two hours late, both that were missed", at("12:05:00"), 40, -3000},
		{"again", at("12:06:00"), 0, -3000},
	} {
		l.set(step.now)
		n, err := s.Run(l.ctx, step.now)
		if err != nil || n != step.count || l.balance(l.tenant.ID) != step.first || l.balance(other.ID) != 2*step.first {
			t.Fatalf("%s: %d charges, balances %s and %s, error %v", step.name, n, l.balance(l.tenant.ID), l.balance(other.ID), err)
		}
	}
	l.sound()
}

func TestALateCallBecomesACorrectionOfItsHour(t *testing.T) {
	bothEngines(t, aLateCallBecomesACorrectionOfItsHourOn)
}

func aLateCallBecomesACorrectionOfItsHourOn(t *testing.T, e engine) {
	l := newLabOn(t, e, at("09:00:00"), "")
	l.plan(at("00:00:00"), 100, nil)
	rater := NewRater(l.Store)
	l.call(rater, l.tenant, l.app, at("09:10:00"), 30)
	s := NewSettlement(l.Store)
	l.set(at("10:05:00"))
	_, err := s.Run(l.ctx, at("10:05:00"))
	l.must(err)
	l.call(rater, l.tenant, l.app, at("09:20:00"), 30)
	later := at("10:05:00").Add(48 * time.Hour)
	l.set(later)
	n, err := s.Run(l.ctx, later)
	if err != nil || n != 1 || l.balance(l.tenant.ID) != -200 {
		t.Fatalf("%d charges, balance %s, error %v", n, l.balance(l.tenant.ID), err)
	}
	list, _, err := l.Entries(l.ctx, store.EntryFilter{TenantID: l.tenant.ID, Kind: models.EntryCorrection}, models.Page{})
	if err != nil || len(list) != 1 || !list[0].For.Equal(at("09:00:00")) || !list[0].At.Equal(later) {
		t.Errorf("corrections %+v, error %v", list, err)
	}
	l.sound()
}

func TestManySettleAtOnce(t *testing.T) { bothEngines(t, manySettleAtOnceOn) }

func manySettleAtOnceOn(t *testing.T, e engine) {
	l := newLabOn(t, e, at("09:00:00"), "")
	l.plan(at("00:00:00"), 100, nil)
	rater := NewRater(l.Store)
	for i := range 60 {
		l.call(rater, l.tenant, l.app, at("06:00:00").Add(time.Duration(i)*3*time.Minute), 61)
	}
	l.set(at("10:05:00"))
	var group sync.WaitGroup
	var mu sync.Mutex
	sum := 0
	for range 4 {
		group.Go(func() {
			n, err := NewSettlement(l.Store).Run(l.ctx, at("10:05:00"))
			mu.Lock()
			defer mu.Unlock()
			sum += n
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if sum != 60 || l.balance(l.tenant.ID) != -60*200 {
		t.Errorf("%d charges, balance %s", sum, l.balance(l.tenant.ID))
	}
	l.sound()
}

func TestCatchUp(t *testing.T) { bothEngines(t, catchUpOn) }

func catchUpOn(t *testing.T, e engine) {
	l := newLabOn(t, e, at("09:00:00"), "")
	l.plan(at("00:00:00"), 100, nil)
	rater := NewRater(l.Store)
	l.call(rater, l.tenant, l.app, at("09:10:00"), 30)
	for range cdrsAtOnce + 3 {
		l.call(nil, l.tenant, l.app, at("09:20:00"), 30)
	}
	u := NewCatchUp(l.Store, rater)
	l.set(at("10:00:00"))
	for i, want := range []int{cdrsAtOnce + 3, 0} {
		if n, err := u.Run(l.ctx, at("10:00:00")); err != nil || n != want {
			t.Fatalf("run %d: %d calls, %v", i, n, err)
		}
	}
	n, err := NewSettlement(l.Store).Run(l.ctx, at("10:00:00"))
	if err != nil || n != cdrsAtOnce+4 || l.balance(l.tenant.ID) != -100*(cdrsAtOnce+4) {
		t.Errorf("%d charges, balance %s, %v", n, l.balance(l.tenant.ID), err)
	}
}

// A call that cannot be rated waits, and the others do not wait for it.
func TestCatchUpCarriesOn(t *testing.T) {
	bad := masked("10:00:00", "11:00:00")
	bad.SessionID = "bad"
	dear := priced(models.CallPrice{Minute: 1 << 60})
	good := placed(models.ModeNotify, "10:00:00", "", "10:00:10")
	dear.Calls[models.ModeNotify] = models.CallPrice{Minute: 100}
	free := masked("10:00:00", "10:00:10")
	free.AnswerAt, free.SessionID = time.Time{}, "free"
	w := &waiting{list: []models.CDR{bad, good, free}}
	n, err := NewCatchUp(w, NewRater(book{dear})).Run(context.Background(), at("12:00:00"))
	if n != 2 || err == nil || !strings.Contains(err.Error(), "bad") || len(w.added) != 1 || w.added[0].Amount != 100 || len(w.free) != 1 || w.free[0] != "free" {
		t.Errorf("%d calls, added %+v, free %q, error %v", n, w.added, w.free, err)
	}
}

// waiting are calls without charges.
type waiting struct {
	list  []models.CDR
	added []models.Charge
	free  []string
}

func (w *waiting) UnratedCDRs(_ context.Context, after int64, _ time.Time, _ int) ([]models.CDR, error) {
	if after > 0 {
		return nil, nil
	}
	return w.list, nil
}

func (w *waiting) AddCharges(_ context.Context, list []models.Charge) error {
	w.added = append(w.added, list...)
	return nil
}

func (w *waiting) MarkRated(_ context.Context, ids []string) error {
	w.free = append(w.free, ids...)
	return nil
}

// hours is a store of open hours, some of which cannot be settled.
type hours struct {
	open   []store.TenantHour
	fails  func(store.TenantHour) error
	stuck  bool
	before func()
}

func (h *hours) OpenHours(_ context.Context, _ time.Time, n int) ([]store.TenantHour, error) {
	return append([]store.TenantHour{}, h.open[:min(n, len(h.open))]...), nil
}

func (h *hours) SettleChunk(ctx context.Context, hour store.TenantHour, _ int, _ time.Time) (store.Settled, error) {
	if h.before != nil {
		h.before()
	}
	if ctx.Err() != nil {
		return store.Settled{}, ctx.Err()
	}
	if h.fails != nil {
		if err := h.fails(hour); err != nil {
			return store.Settled{}, err
		}
	}
	if h.stuck {
		return store.Settled{Done: true}, nil
	}
	for i, o := range h.open {
		if o == hour {
			h.open = append(h.open[:i:i], h.open[i+1:]...)
			break
		}
	}
	return store.Settled{Charges: 1, Done: true}, nil
}

func TestOneTenantsFailureKeepsNobodyWaiting(t *testing.T) {
	h := &hours{fails: func(o store.TenantHour) error {
		if o.TenantID == 1 {
			return errors.New("broken")
		}
		return nil
	}}
	for tenant := range int64(3) {
		for i := range 2 * hoursAtOnce {
			h.open = append(h.open, store.TenantHour{TenantID: tenant + 1, Hour: at("00:00:00").Add(time.Duration(i) * time.Hour)})
		}
	}
	n, err := NewSettlement(h).Run(context.Background(), at("12:00:00"))
	if n != 4*hoursAtOnce || err == nil || strings.Count(err.Error(), "broken") != 1 || len(h.open) != 2*hoursAtOnce {
		t.Errorf("%d charges settled, %d hours are open, error %v", n, len(h.open), err)
	}
}

func TestAnHourThatDoesNotEndIsAnError(t *testing.T) {
	h := &hours{stuck: true, open: []store.TenantHour{{TenantID: 1, Hour: at("09:00:00")}}}
	if _, err := NewSettlement(h).Run(context.Background(), at("12:00:00")); err == nil {
		t.Error("it ended well")
	}
}

func TestSettlementEndsWhenItIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	h := &hours{open: []store.TenantHour{{TenantID: 1, Hour: at("09:00:00")}, {TenantID: 2, Hour: at("09:00:00")}}, before: cancel}
	if n, err := NewSettlement(h).Run(ctx, at("12:00:00")); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d charges, error %v", n, err)
	}
}
