package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/models"
)

func (o *office) acquire(t testing.TB, name, holder string, ttl time.Duration) models.Lease {
	t.Helper()
	l, ok, err := o.Acquire(context.Background(), name, holder, ttl)
	if err != nil || !ok {
		t.Fatalf("%s got no lease of %s: %v", holder, name, err)
	}
	return l
}

func (o *office) refused(t testing.TB, name, holder string) {
	t.Helper()
	if l, ok, err := o.Acquire(context.Background(), name, holder, time.Minute); err != nil || ok {
		t.Fatalf("%s got %+v, %v", holder, l, err)
	}
}

func TestLease(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		began := o.clock.Now()
		l := o.acquire(t, "job:rent", "d1", time.Minute)
		if want := (models.Lease{Name: "job:rent", Holder: "d1", Token: 1, ExpiresAt: began.Add(time.Minute)}); l != want {
			t.Errorf("lease %+v, want %+v", l, want)
		}
		o.refused(t, "job:rent", "d2")
		o.refused(t, "job:rent", "d1") // a second run in the same daemon
		o.acquire(t, "job:expiry", "d2", time.Minute)
		o.clock.advance(40 * time.Second)
		renewed, ok, err := o.Renew(ctx, l, time.Minute)
		if err != nil || !ok || renewed.Token != 1 || !renewed.ExpiresAt.Equal(began.Add(100*time.Second)) {
			t.Errorf("renewed %+v, %v, %v", renewed, ok, err)
		}
		o.clock.advance(59 * time.Second)
		if is, held, err := o.Lease(ctx, "job:rent"); err != nil || !held || is != renewed {
			t.Errorf("held: %+v, %v, %v", is, held, err)
		}
		o.refused(t, "job:rent", "d2")
		o.clock.advance(time.Second)
		if _, held, err := o.Lease(ctx, "job:rent"); err != nil || held {
			t.Errorf("expired and held: %v, %v", held, err)
		}
		if _, ok, err := o.Renew(ctx, renewed, time.Minute); err != nil || ok {
			t.Errorf("an expired lease was renewed: %v, %v", ok, err)
		}
		second := o.acquire(t, "job:rent", "d2", time.Minute)
		if second.Token != 2 {
			t.Errorf("token %d of the second holder", second.Token)
		}
		if err := o.Release(ctx, renewed); err != nil { // by the one who lost it
			t.Error(err)
		}
		o.refused(t, "job:rent", "d1")
		if err := o.Release(ctx, second); err != nil {
			t.Error(err)
		}
		if third := o.acquire(t, "job:rent", "d2", time.Minute); third.Token != 3 {
			t.Errorf("token %d after a release", third.Token)
		}
	})
}

func TestLeaseInvalid(t *testing.T) {
	o := newOffice(t, sqliteConfig(t))
	for _, tt := range []struct {
		name, holder string
		ttl          time.Duration
	}{{"", "d", time.Minute}, {"n", "", time.Minute}, {"n", "d", 0}, {"n", "d", -time.Minute}, {strings.Repeat("n", 129), "d", time.Minute}} {
		_, ok, err := o.Acquire(context.Background(), tt.name, tt.holder, tt.ttl)
		if wantCode(t, err, models.Invalid); ok {
			t.Errorf("%+v was given", tt)
		}
	}
}

// TestLeaseAtOnce: of many daemons that ask together one gets it, each time; the first time the row is not there yet.
func TestLeaseAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		for round := range 5 {
			var won atomic.Int32
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					l, ok, err := o.Acquire(ctx, "job:rent", fmt.Sprint("d", i), time.Minute)
					if err != nil {
						t.Error(err)
					}
					if ok {
						won.Add(1)
						if l.Token != int64(round)+1 {
							t.Errorf("round %d: token %d", round, l.Token)
						}
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Errorf("round %d: %d daemons hold the lease", round, won.Load())
			}
			o.clock.advance(time.Minute)
		}
	})
}

// TestFrozenHolder: a daemon is stopped in the middle of its work, the lease runs out, a second one takes over, and the first wakes up with a lease
// that it takes for its own. Nothing of what it writes stays.
func TestFrozenHolder(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		work := func(l models.Lease, what string) error {
			return o.Within(ctx, func(ctx context.Context) error {
				if err := o.StillHeld(ctx, l); err != nil {
					return err
				}
				return o.Audited(ctx, models.Audit{Who: l.Holder, Action: what})
			})
		}
		first := o.acquire(t, "job:rent", "d1", time.Minute)
		if err := work(first, "before"); err != nil {
			t.Fatal(err)
		}
		o.clock.advance(time.Minute) // frozen: nobody has taken it yet
		if err := work(first, "late"); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("written under an expired lease: %v", err)
		}
		second := o.acquire(t, "job:rent", "d2", time.Minute)
		if err := work(first, "later"); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("written under another's lease: %v", err)
		}
		if err := work(second, "after"); err != nil {
			t.Error(err)
		}
		o.clock.advance(time.Minute)
		third := o.acquire(t, "job:rent", "d1", time.Minute) // the same daemon's name, another lease
		if err := work(first, "much later"); !errors.Is(err, ErrLeaseLost) || third.Token != 3 {
			t.Errorf("the first lease of a daemon counts under its third, token %d: %v", third.Token, err)
		}
		if err := o.Release(ctx, third); err != nil {
			t.Error(err)
		}
		if err := work(third, "given back"); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("written under a lease that was given back: %v", err)
		}
		if got := fmt.Sprint(o.lines(t, AuditFilter{})); got != "[1 2]" {
			t.Errorf("lines %s", got)
		}
		if err := o.StillHeld(ctx, second); err == nil || errors.Is(err, ErrLeaseLost) {
			t.Errorf("checked outside of a transaction: %v", err)
		}
	})
}

// TestLeaseHeldUntilCommit: between the check and the commit nobody else gets the lease, even if it runs out in that time.
func TestLeaseHeldUntilCommit(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		l := o.acquire(t, "job:rent", "d1", time.Minute)
		next := make(chan models.Lease, 1)
		var committing atomic.Bool
		err := o.Within(ctx, func(tx context.Context) error {
			if err := o.StillHeld(tx, l); err != nil {
				return err
			}
			o.clock.advance(time.Hour)
			go func() {
				got, _, err := o.Acquire(ctx, "job:rent", "d2", time.Minute)
				if err != nil || !committing.Load() {
					t.Errorf("the lease went over before the commit, or not at all: %v", err)
				}
				next <- got
			}()
			if err := o.Audited(tx, models.Audit{Who: "d1", Action: "a"}); err != nil {
				return err
			}
			committing.Store(true)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := <-next; got.Token != 2 {
			t.Errorf("next lease %+v", got)
		}
	})
}

func TestJobRuns(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		only := func() models.JobRun {
			t.Helper()
			runs, total, err := o.JobRuns(ctx, models.Page{})
			if err != nil || total != 1 || len(runs) != 1 {
				t.Fatalf("%d runs of %d, %v", len(runs), total, err)
			}
			return runs[0]
		}
		t0 := o.clock.Now()
		r := must[models.JobRun](t)(o.StartRun(ctx, "rent", "d1"))
		if want := (models.JobRun{Name: "rent", Run: 1, StartedAt: t0, By: "d1"}); r != want || only() != want {
			t.Errorf("started %+v, stored %+v", r, only())
		}
		o.clock.advance(time.Minute)
		t1 := o.clock.Now()
		if err := o.EndRun(ctx, r, 7, errors.New("disk is full"+strings.Repeat("!", 600))); err != nil {
			t.Fatal(err)
		}
		failed := only()
		if failed.Count != 7 || !strings.HasPrefix(failed.Error, "disk is full") || failed.LastError != failed.Error || !failed.EndedAt.Equal(t1) || !failed.FailedAt.Equal(t1) {
			t.Errorf("failed run %+v", failed)
		}
		second := must[models.JobRun](t)(o.StartRun(ctx, "rent", "ada"))
		if second.Error != "" || second.LastError != failed.Error || !second.EndedAt.IsZero() || second.Run != 2 || second.By != "ada" {
			t.Errorf("second run %+v", second)
		}
		if err := o.EndRun(ctx, r, 99, nil); err != nil { // of the daemon that was frozen
			t.Error(err)
		}
		if only() != second {
			t.Errorf("the end of an older run was kept: %+v", only())
		}
		if err := o.EndRun(ctx, second, 3, nil); err != nil {
			t.Fatal(err)
		}
		if got := only(); got.Error != "" || got.Count != 3 || got.LastError != failed.Error || !got.FailedAt.Equal(t1) {
			t.Errorf("good run %+v", got)
		}
		must[models.JobRun](t)(o.StartRun(ctx, "expiry", "d1"))
		runs, _, err := o.JobRuns(ctx, models.Page{})
		if err != nil || len(runs) != 2 || runs[0].Name != "expiry" {
			t.Errorf("runs %+v, %v", runs, err)
		}
		_, err = o.StartRun(ctx, "", "d1")
		wantCode(t, err, models.Invalid)
	})
}
