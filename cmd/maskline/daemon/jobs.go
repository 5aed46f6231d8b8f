package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/robfig/cron/v3"

	"maskline/conf"
	"maskline/controller/delivery"
	"maskline/models"
	"maskline/models/store"
)

const (
	jobBatch = 500              // rows a transaction
	jobIn    = 30 * time.Minute // one run of a job
)

// job is one entry of the schedule. It gives how many things it touched.
type job struct {
	name, spec string
	run        func(ctx context.Context) (int, error)
}

// schedule starts the jobs and gives the function that ends them and waits. A job that still runs when it is due again is skipped.
func schedule(ctx context.Context, jobs []job, log *slog.Logger, observe func(name string, ok bool)) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	quiet := cron.PrintfLogger(slog.NewLogLogger(log.Handler(), slog.LevelWarn))
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(quiet), cron.WithChain(cron.Recover(quiet), cron.SkipIfStillRunning(cron.DiscardLogger)))
	for _, j := range jobs {
		if err := conf.CheckSpec(j.spec); err != nil {
			cancel()
			return nil, fmt.Errorf("schedule %s: %w", j.name, err)
		}
		if _, err := c.AddFunc(j.spec, func() { j.once(ctx, log, observe) }); err != nil {
			cancel()
			return nil, fmt.Errorf("schedule %s: %w", j.name, err)
		}
	}
	c.Start()
	return func() {
		cancel()
		<-c.Stop().Done()
	}, nil
}

func (j job) once(ctx context.Context, log *slog.Logger, observe func(string, bool)) {
	ctx, cancel := context.WithTimeout(ctx, jobIn)
	defer cancel()
	began := time.Now()
	n, err := j.run(ctx)
	observe(j.name, err == nil)
	switch {
	case err != nil && ctx.Err() == nil:
		log.ErrorContext(ctx, "job failed", "job", j.name, "error", err)
	case n > 0:
		log.InfoContext(ctx, "job done", "job", j.name, "count", n, "took", time.Since(began))
	}
}

// batches repeats a bounded step until it finds less than a batch.
func batches(ctx context.Context, step func(context.Context) (int, error)) (total int, err error) {
	for {
		n, err := step(ctx)
		total += n
		if err != nil || n < jobBatch || ctx.Err() != nil {
			return total, err
		}
	}
}

// jobs is the schedule of a daemon.
func (d *Daemon) jobs() []job {
	s, keep := d.cfg.Schedule, d.replayWindow()
	return []job{
		{"expire_bindings", s.ExpireBindings, func(ctx context.Context) (int, error) {
			return batches(ctx, func(ctx context.Context) (int, error) { return d.store.ExpireBindings(ctx, jobBatch) })
		}},
		{"prune_replies", s.PruneReplies, func(ctx context.Context) (int, error) {
			now, err := d.store.Now(ctx)
			if err != nil {
				return 0, err
			}
			return batches(ctx, func(ctx context.Context) (int, error) { return d.store.PruneReplies(ctx, now.Add(-keep), jobBatch) })
		}},
		{"recordings", s.Recordings, func(ctx context.Context) (int, error) { return d.keeper.Expire(ctx, time.Now()) }},
		{"dead_files", s.DeadFiles, func(ctx context.Context) (int, error) { return d.deadFiles(ctx, time.Now().AddDate(0, 0, -1)) }},
	}
}

// deadFiles writes the CDRs of every app that died on a day.
func (d *Daemon) deadFiles(ctx context.Context, day time.Time) (int, error) {
	total := 0
	for offset := 0; ; offset += models.PageMax {
		apps, _, err := d.store.Apps(ctx, store.AppFilter{}, models.Page{Offset: offset, Limit: models.PageMax})
		if err != nil {
			return total, err
		}
		files, err := delivery.DeadFiles(ctx, d.store, d.cfg.Delivery.DeadFiles, day, apps)
		total += len(files)
		if err != nil || len(apps) < models.PageMax {
			return total, err
		}
	}
}

func (m *metrics) job(name string, ok bool) {
	m.jobs.WithLabelValues(name, strconv.FormatBool(ok)).Inc()
}
