package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"maskline/models"
)

// Why a run did not happen.
var (
	errHeld = errors.New("another daemon has the job's lease")
	errDone = errors.New("another daemon has just done the job")
)

// once runs a job under its lease: errHeld, and errDone of a run that is due. Beside the run's own failure the run tells of it.
func (s *Schedule) once(ctx context.Context, e *entry, by string, due bool) (run models.JobRun, err error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	taken := time.Now() // before it is asked for: the lease ends by the database's clock
	held, ok, err := s.Store.Acquire(ctx, "job:"+e.Name, s.Holder, lease)
	if err == nil && !ok {
		err = errHeld
	}
	if err != nil {
		return run, fmt.Errorf("take the lease of job %s: %w", e.Name, err)
	}
	defer func() { err = errors.Join(err, s.release(ctx, held)) }()
	now, err := s.Store.Now(ctx)
	if err != nil {
		return run, err
	}
	if due {
		if err := s.justDone(ctx, e, now); err != nil {
			return run, err
		}
	}
	if run, err = s.Store.StartRun(ctx, e.Name, by); err != nil {
		return run, fmt.Errorf("note the start of job %s: %w", e.Name, err)
	}
	began := time.Now()
	run.Count, err = s.underLease(ctx, held, taken, func(ctx context.Context) (int, error) { return e.attempt(ctx, now) })
	took := time.Since(began)
	run.EndedAt = run.StartedAt.Add(took)
	if err != nil {
		run.Error = err.Error()
	}
	s.Observe(run, took)
	if run.Count > 0 {
		s.Log.InfoContext(ctx, "job done", "job", e.Name, "count", run.Count, "took", took, "by", by)
	}
	return run, errors.Join(err, s.note(ctx, run, err))
}

// justDone is errDone when another daemon did this very run: its clock was ahead.
func (s *Schedule) justDone(ctx context.Context, e *entry, now time.Time) error {
	runs, err := s.runs(ctx)
	if err != nil {
		return fmt.Errorf("read how job %s went: %w", e.Name, err)
	}
	next := e.times.Next(now)
	near := min(sameRunIn, e.times.Next(next).Sub(next)/2)
	for _, r := range runs {
		if r.Name == e.Name && r.By != s.Holder && r.Error == "" && !r.EndedAt.IsZero() && now.Sub(r.StartedAt) < near {
			return errDone
		}
	}
	return nil
}

// attempt does the job. A panic is a failure of this run, not of the daemon.
func (e *entry) attempt(ctx context.Context, now time.Time) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("job %s panicked: %v at %s", e.Name, p, place())
		}
	}()
	return e.Do(ctx, now)
}

// place is the stack of a panic, as far as a line in the database bears it.
func place() string {
	stack := debug.Stack()
	return string(stack[:min(len(stack), 4096)])
}

// underLease calls do and renews its lease meanwhile. The context of do ends when the lease is lost, or has not been renewed for two thirds of its time
// by our own clock: then another daemon may take it before ours would know.
func (s *Schedule) underLease(ctx context.Context, held models.Lease, taken time.Time, do func(context.Context) (int, error)) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.keep(ctx, held, taken, cancel)
	}()
	n, err := do(ctx)
	if errors.Is(context.Cause(ctx), errLost) {
		err = errors.Join(errLost, err)
	}
	cancel(nil)
	<-ended
	return n, err
}

// keep renews a lease until ctx ends.
func (s *Schedule) keep(ctx context.Context, held models.Lease, renewed time.Time, lost context.CancelCauseFunc) {
	tick := time.NewTicker(lease / 6)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asked := time.Now()
		limit, cancel := context.WithTimeout(ctx, lease/6)
		fresh, ok, err := s.Store.Renew(limit, held, lease)
		cancel()
		switch {
		case ok:
			held, renewed = fresh, asked
		case err == nil || time.Since(renewed) >= lease*2/3:
			lost(errLost)
			return
		}
	}
}

// release and note are done also when the run's own time is over.
func (s *Schedule) release(ctx context.Context, held models.Lease) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sayIn)
	defer cancel()
	return wrap("release the lease "+held.Name, s.Store.Release(ctx, held))
}

func (s *Schedule) note(ctx context.Context, run models.JobRun, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sayIn)
	defer cancel()
	return wrap("note the end of job "+run.Name, s.Store.EndRun(ctx, run, run.Count, failure))
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
