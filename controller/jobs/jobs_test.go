package jobs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"maskline/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// board is a database of leases and runs that two daemons share. Its clock is the bubble's.
type board struct {
	mu     sync.Mutex
	leases map[string]models.Lease
	runs   map[string]models.JobRun
	cut    map[string]bool // holders that do not reach it
}

func newBoard() *board {
	return &board{leases: map[string]models.Lease{}, runs: map[string]models.JobRun{}, cut: map[string]bool{}}
}

func (b *board) Now(context.Context) (time.Time, error) { return time.Now(), nil }

func (b *board) Acquire(_ context.Context, name, holder string, ttl time.Duration) (models.Lease, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, there := b.leases[name]
	if there && time.Now().Before(l.ExpiresAt) {
		return models.Lease{}, false, nil
	}
	b.leases[name] = models.Lease{Name: name, Holder: holder, Token: l.Token + 1, ExpiresAt: time.Now().Add(ttl)}
	return b.leases[name], true, nil
}

func (b *board) Renew(_ context.Context, l models.Lease, ttl time.Duration) (models.Lease, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cut[l.Holder] {
		return l, false, errors.New("no connection")
	}
	now := b.leases[l.Name]
	if now.Token != l.Token {
		return l, false, nil
	}
	now.ExpiresAt = time.Now().Add(ttl)
	b.leases[l.Name] = now
	return now, true, nil
}

func (b *board) Release(_ context.Context, l models.Lease) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.leases[l.Name]; now.Token == l.Token {
		b.leases[l.Name] = models.Lease{Name: l.Name, Token: l.Token}
	}
	return nil
}

func (b *board) StartRun(_ context.Context, name, by string) (models.JobRun, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runs[name] = models.JobRun{Name: name, Run: b.runs[name].Run + 1, StartedAt: time.Now(), By: by}
	return b.runs[name], nil
}

func (b *board) EndRun(_ context.Context, r models.JobRun, count int, failure error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Run != b.runs[r.Name].Run {
		return nil
	}
	r.EndedAt, r.Count, r.Error = time.Now(), count, ""
	if failure != nil {
		r.Error = failure.Error()
	}
	b.runs[r.Name] = r
	return nil
}

func (b *board) JobRuns(context.Context, models.Page) (list []models.JobRun, n int, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.runs {
		list = append(list, r)
	}
	return list, len(list), nil
}

// last is how a job went last.
func (b *board) last(name string) models.JobRun {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.runs[name]
}

// daemon is a schedule that runs until the test, or stop, ends it.
func daemon(t *testing.T, b *board, holder string, list ...Job) (s *Schedule, stop func()) {
	t.Helper()
	s, err := New(Options{Store: b, Holder: holder, Jobs: list})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return s, stop
}

// work is a job that takes some time and counts how often it was begun and how many were at it at once.
type work struct {
	mu                  sync.Mutex
	begun, inside, most int
	takes               time.Duration
	fails               error
}

func (w *work) do(ctx context.Context, _ time.Time) (int, error) {
	w.mu.Lock()
	w.begun++
	w.inside++
	w.most = max(w.most, w.inside)
	w.mu.Unlock()
	defer func() { w.mu.Lock(); w.inside--; w.mu.Unlock() }()
	select {
	case <-time.After(w.takes):
		return 3, w.fails
	case <-ctx.Done():
		return 1, ctx.Err()
	}
}

func (w *work) counts() (begun, most int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun, w.most
}

func TestOneOfTwoDaemonsRunsAJob(t *testing.T) {
	for _, takes := range []time.Duration{0, time.Second, 3 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			b, w := newBoard(), &work{takes: takes}
			for _, holder := range []string{"one", "two", "three"} {
				daemon(t, b, holder, Job{"settle", "5 * * * *", w.do})
			}
			time.Sleep(5*time.Hour + 30*time.Minute)
			if begun, most := w.counts(); begun != 6 || most != 1 {
				t.Errorf("a job of %s ran %d times in five hours and a half, %d at once", takes, begun, most)
			}
		})
	}
}

func TestHowAJobWentIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, w := newBoard(), &work{takes: 2 * time.Second, fails: errors.New("no price plan")}
		s, _ := daemon(t, b, "one", Job{"settle", "5 * * * *", w.do}, Job{"rent", "@every 1h", func(context.Context, time.Time) (int, error) { panic("rent") }})
		run, err := s.RunNow(t.Context(), "settle", "ops")
		if err != nil || run.Error != "no price plan" || run.Count != 3 || run.By != "ops" || run.EndedAt.Sub(run.StartedAt) != 2*time.Second {
			t.Errorf("%+v, %v", run, err)
		}
		if run, err := s.RunNow(t.Context(), "rent", "ops"); err != nil || !strings.Contains(run.Error, "panicked: rent") {
			t.Errorf("a panic: %+v, %v", run, err)
		}
		list, err := s.Standings(t.Context())
		if err != nil || len(list) != 2 || list[0].Last != run || list[0].Next.Minute() != 5 || list[1].Spec != "@every 1h" {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := s.RunNow(t.Context(), "setle", "ops"); models.CodeOf(err) != models.NotFound {
			t.Errorf("an unknown job: %v", err)
		}
	})
}

func TestAnOrderedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, w := newBoard(), &work{takes: 10 * time.Minute}
		s, _ := daemon(t, b, "one", Job{"settle", "0 0 1 1 *", w.do})
		other, _ := daemon(t, b, "two", Job{"settle", "0 0 1 1 *", w.do})
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		run, err := s.RunNow(soon, "settle", "ops")
		if err != nil || !run.EndedAt.IsZero() {
			t.Errorf("a request that ended first: %+v, %v", run, err)
		}
		for _, d := range []*Schedule{s, other} {
			if _, err := d.RunNow(t.Context(), "settle", "ops"); models.CodeOf(err) != models.Conflict {
				t.Errorf("while it runs: %v", err)
			}
		}
		time.Sleep(10 * time.Minute)
		if r := b.last("settle"); r.EndedAt.IsZero() || r.Error != "" || r.Count != 3 {
			t.Errorf("it did not go on: %+v", r)
		}
		// Straight after another run it is done again: somebody wants it.
		if run, err := s.RunNow(t.Context(), "settle", "ops"); err != nil || run.Count != 3 {
			t.Errorf("%+v, %v", run, err)
		}
	})
}

func TestWhatWasMissedIsMadeGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, missed, cut, fine := newBoard(), &work{}, &work{}, &work{}
		now := time.Now()
		b.runs["missed"] = models.JobRun{Name: "missed", StartedAt: now.Add(-49 * time.Hour), EndedAt: now.Add(-48 * time.Hour)}
		b.runs["cut"] = models.JobRun{Name: "cut", StartedAt: now.Add(-time.Minute)}
		b.runs["fine"] = models.JobRun{Name: "fine", StartedAt: now.Add(-time.Minute), EndedAt: now}
		b.runs["gone"] = models.JobRun{Name: "gone"}
		daemon(t, b, "one", Job{"missed", "0 4 * * *", missed.do}, Job{"cut", "0 4 * * *", cut.do}, Job{"fine", "0 4 * * *", fine.do})
		synctest.Wait()
		for _, c := range []struct {
			name string
			w    *work
			want int
		}{{"missed", missed, 1}, {"cut", cut, 1}, {"fine", fine, 0}} {
			if begun, _ := c.w.counts(); begun != c.want {
				t.Errorf("%s ran %d times at the start, want %d", c.name, begun, c.want)
			}
		}
	})
}

// A daemon that was killed in a run has left its lease behind; the next one waits it out.
func TestARunThatWasKilledIsDoneAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, w := newBoard(), &work{}
		b.runs["rent"] = models.JobRun{Name: "rent", StartedAt: time.Now()}
		if _, ok, err := b.Acquire(t.Context(), "job:rent", "killed", lease); !ok || err != nil {
			t.Fatal(ok, err)
		}
		daemon(t, b, "one", Job{"rent", "0 4 * * *", w.do})
		time.Sleep(2 * lease)
		if begun, _ := w.counts(); begun != 1 {
			t.Errorf("it ran %d times", begun)
		}
	})
}

// A daemon that does not reach the database stops before another may have its lease.
func TestALostLeaseEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, w := newBoard(), &work{takes: 20 * time.Minute}
		s, _ := daemon(t, b, "one", Job{"settle", "0 0 1 1 *", w.do})
		other, _ := daemon(t, b, "two", Job{"settle", "0 0 1 1 *", w.do})
		go func() {
			time.Sleep(5 * time.Minute)
			b.mu.Lock()
			b.cut["one"] = true
			b.mu.Unlock()
		}()
		run, err := s.RunNow(t.Context(), "settle", "ops")
		if err != nil || !strings.Contains(run.Error, "lease") || run.EndedAt.Sub(run.StartedAt) > 5*time.Minute+lease {
			t.Errorf("%+v, %v", run, err)
		}
		if run, err := other.RunNow(t.Context(), "settle", "ops"); err != nil || run.Error != "" {
			t.Errorf("the other: %+v, %v", run, err)
		}
		if _, most := w.counts(); most != 1 {
			t.Errorf("%d at once", most)
		}
	})
}

func TestTheEndCutsRunsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, w := newBoard(), &work{takes: time.Hour}
		s, stop := daemon(t, b, "one", Job{"settle", "@every 1m", w.do}, Job{"rent", "0 0 1 1 *", w.do})
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.RunNow(soon, "rent", "ops"); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Minute)
		stop()
		for _, name := range []string{"settle", "rent"} {
			if r := b.last(name); r.Error == "" || r.Count != 1 {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if _, err := s.RunNow(t.Context(), "rent", "ops"); models.CodeOf(err) != models.Conflict {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestSchedulesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		list []Job
		says string
	}{
		{[]Job{{"a", "hourly", nil}}, "schedule a"},
		{[]Job{{"a", "TZ=UTC", nil}}, "times are UTC"},
		{[]Job{{"a", "@daily", nil}, {"a", "@daily", nil}}, "two jobs"},
	} {
		if _, err := New(Options{Jobs: c.list}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v, want %q", c.list, err, c.says)
		}
	}
}
