package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"maskline/models"
)

// Job is one entry of the schedule.
type Job struct {
	Name string
	Spec string // five cron fields in UTC, or @every DURATION
	// Do does it, as of a time of the store's clock, and gives how many things it touched. It returns soon when ctx ends.
	Do func(ctx context.Context, now time.Time) (int, error)
}

// Store is what the schedule needs of the database.
type Store interface {
	Now(ctx context.Context) (time.Time, error)
	Acquire(ctx context.Context, name, holder string, ttl time.Duration) (models.Lease, bool, error)
	Renew(ctx context.Context, lease models.Lease, ttl time.Duration) (renewed models.Lease, ok bool, err error)
	Release(ctx context.Context, lease models.Lease) error
	StartRun(ctx context.Context, name, by string) (models.JobRun, error)
	EndRun(ctx context.Context, r models.JobRun, count int, failure error) error
	JobRuns(ctx context.Context, page models.Page) ([]models.JobRun, int, error)
}

// Options are what a schedule stands on. All but Observe and Log are needed.
type Options struct {
	Store  Store
	Holder string // this daemon among the others: unique while it lives
	Jobs   []Job
	// Observe is told of every run that has ended here.
	Observe func(r models.JobRun, took time.Duration)
	Log     *slog.Logger
}

const (
	lease     = time.Minute      // how long a daemon that died holds a job up
	most      = 30 * time.Minute // one run
	sayIn     = 5 * time.Second  // to write down how a run went, also when its own time is over
	sameRunIn = 30 * time.Second // how far the clocks of two daemons may lie apart
)

// Schedule runs jobs. Make it with New; Run it once. RunNow and Standings hold while it does not run, too.
type Schedule struct {
	Options
	entries []*entry
	ordered ordered
}

type entry struct {
	Job
	times cron.Schedule
	busy  sync.Mutex // held by the run of this daemon
}

// New checks the jobs: each has a name of its own and a schedule that can be read.
func New(o Options) (*Schedule, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(models.JobRun, time.Duration) {}
	}
	s := &Schedule{Options: o, ordered: ordered{end: make(chan struct{})}}
	for _, j := range o.Jobs {
		if s.find(j.Name) != nil {
			return nil, fmt.Errorf("schedule %s: there are two jobs of this name", j.Name)
		}
		// cron's parser panics on a time zone without a blank behind it (robfig/cron issue 554).
		if strings.Contains(j.Spec, "=") {
			return nil, fmt.Errorf("schedule %s: %q: time zones are not taken; times are UTC", j.Name, j.Spec)
		}
		times, err := cron.ParseStandard(j.Spec)
		if err != nil {
			return nil, fmt.Errorf("schedule %s: %w", j.Name, err)
		}
		s.entries = append(s.entries, &entry{Job: j, times: times})
	}
	return s, nil
}

// runs are the last runs of all jobs: a few tens.
func (s *Schedule) runs(ctx context.Context) ([]models.JobRun, error) {
	list, _, err := s.Store.JobRuns(ctx, models.Page{Limit: models.PageMax})
	return list, err
}

func (s *Schedule) find(name string) *entry {
	for _, e := range s.entries {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// Run runs the jobs at their times until ctx ends, and returns when those under way have ended. A job that still runs when it is due again is left
// out. A job that was due while no daemon ran, or that was cut short, is done at once.
func (s *Schedule) Run(ctx context.Context) {
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(cron.DiscardLogger))
	for _, e := range s.entries {
		c.Schedule(e.times, cron.FuncJob(func() { _ = s.due(ctx, e) }))
	}
	c.Start()
	s.makeGood(ctx)
	<-ctx.Done()
	s.ordered.stop()
	<-c.Stop().Done()
}

// makeGood runs what was missed. A job that was cut short together with its daemon has a lease that nobody gives back: it is waited out.
func (s *Schedule) makeGood(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, e := range s.missed(ctx) {
		all.Go(func() {
			if !errors.Is(s.due(ctx, e), errHeld) {
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(lease):
				if slices.Contains(s.missed(ctx), e) {
					_ = s.due(ctx, e) // it has told of its failure
				}
			}
		})
	}
}

// missed are the jobs that were due since they ran last, or whose last run failed or has not ended.
func (s *Schedule) missed(ctx context.Context) (list []*entry) {
	now, err := s.Store.Now(ctx)
	if err != nil {
		return nil // the next time of each job comes
	}
	runs, err := s.runs(ctx)
	if err != nil {
		return nil
	}
	for _, r := range runs {
		if e := s.find(r.Name); e != nil && (r.Error != "" || r.EndedAt.IsZero() || e.times.Next(r.StartedAt.UTC()).Before(now)) {
			list = append(list, e)
		}
	}
	return list
}

// due is a run at its time.
func (s *Schedule) due(ctx context.Context, e *entry) error {
	if !e.busy.TryLock() {
		return nil
	}
	defer e.busy.Unlock()
	_, err := s.once(ctx, e, s.Holder, true)
	if err != nil && !errors.Is(err, errHeld) && !errors.Is(err, errDone) && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "job failed", "job", e.Name, "error", err)
	}
	return err
}

// Standing is how a job stands.
type Standing struct {
	Name, Spec string
	Next       time.Time
	Last       models.JobRun // zero: it has not run yet
}

// Standings tells of every job, in the order in which they were given.
func (s *Schedule) Standings(ctx context.Context) ([]Standing, error) {
	now, err := s.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	runs, err := s.runs(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Standing, 0, len(s.entries))
	for _, e := range s.entries {
		v := Standing{Name: e.Name, Spec: e.Spec, Next: e.times.Next(now.UTC())}
		for _, r := range runs {
			if r.Name == e.Name {
				v.Last = r
			}
		}
		list = append(list, v)
	}
	return list, nil
}

var errLost = errors.New("another daemon may have the job: its lease could not be renewed in time")
