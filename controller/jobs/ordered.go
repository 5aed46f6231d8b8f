package jobs

import (
	"context"
	"errors"
	"sync"

	"maskline/models"
)

// ordered are the runs that somebody ordered. They outlive the request that did, and end with the schedule.
type ordered struct {
	mu    sync.Mutex
	over  bool
	end   chan struct{}
	under sync.WaitGroup
}

// start runs do by itself; false when the schedule has ended.
func (o *ordered) start(ctx context.Context, do func(context.Context)) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return false
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	o.under.Go(func() {
		select {
		case <-o.end:
			cancel()
		case <-ctx.Done():
		}
	})
	o.under.Go(func() {
		defer cancel()
		do(ctx)
	})
	return true
}

// stop ends those under way and waits.
func (o *ordered) stop() {
	o.mu.Lock()
	if !o.over {
		o.over = true
		close(o.end)
	}
	o.mu.Unlock()
	o.under.Wait()
}

// RunNow runs a job at once, on somebody's order, and tells how it went; the run's own failure is in JobRun.Error. When ctx ends before the job, the job
// goes on and EndedAt is zero. models.NotFound, and Conflict while it runs, here or on another daemon.
func (s *Schedule) RunNow(ctx context.Context, name, by string) (models.JobRun, error) {
	e := s.find(name)
	if e == nil {
		return models.JobRun{}, models.Fail(models.NotFound, "job", "no job is named %q; list them with: maskline job list", name)
	}
	type outcome struct {
		run models.JobRun
		err error
	}
	done := make(chan outcome, 1)
	started := s.ordered.start(ctx, func(ctx context.Context) {
		run, err := s.order(ctx, e, by)
		done <- outcome{run, err}
	})
	if !started {
		return models.JobRun{}, models.Fail(models.Conflict, "job", "the daemon ends; order the job from another, or when it is back")
	}
	select {
	case o := <-done:
		return o.run, o.err
	case <-ctx.Done():
		return models.JobRun{Name: name, By: by}, nil
	}
}

func (s *Schedule) order(ctx context.Context, e *entry, by string) (models.JobRun, error) {
	running := models.Fail(models.Conflict, "job", "%s runs now; see maskline job list", e.Name)
	if !e.busy.TryLock() {
		return models.JobRun{}, running
	}
	defer e.busy.Unlock()
	run, err := s.once(ctx, e, by, false)
	switch {
	case run.Error != "":
		return run, nil // it is told in the run
	case errors.Is(err, errHeld):
		return run, running
	}
	return run, err
}
