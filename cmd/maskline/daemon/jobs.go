package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"maskline/controller/delivery"
	"maskline/controller/jobs"
	"maskline/models"
	"maskline/models/store"
)

const jobBatch = 500 // rows a transaction

// job does one of the schedule's jobs, as of a time, and gives how many things it touched.
type job func(ctx context.Context, now time.Time) (int, error)

// makeJobs makes the schedule. Each of its keys has a job, or the daemon does not start.
func (d *Daemon) makeJobs(context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("name this daemon: %w", err)
	}
	do := d.jobs()
	var list []jobs.Job
	for _, e := range d.cfg.Schedule.Entries() {
		if do[e.Job] == nil {
			return fmt.Errorf("schedule.%s: this daemon has no such job", e.Job)
		}
		list = append(list, jobs.Job{Name: e.Job, Spec: e.Spec, Do: do[e.Job]})
	}
	// Two daemons of one host are two holders.
	d.schedule, err = jobs.New(jobs.Options{Store: d.store, Holder: host + "/" + models.NewID()[:8], Jobs: list, Observe: d.metrics.jobDone, Log: d.log})
	return err
}

// jobs are what the schedule names. What moves money, takes numbers back or removes records leaves an audit line.
func (d *Daemon) jobs() map[string]job {
	keep := d.replayWindow()
	all := map[string]job{
		"expire_bindings": func(ctx context.Context, _ time.Time) (int, error) {
			return batches(ctx, func(ctx context.Context) (int, error) { return d.store.ExpireBindings(ctx, jobBatch) })
		},
		"prune_replies": func(ctx context.Context, now time.Time) (int, error) {
			return batches(ctx, func(ctx context.Context) (int, error) { return d.store.PruneReplies(ctx, now.Add(-keep), jobBatch) })
		},
		"prune_logins": func(ctx context.Context, _ time.Time) (int, error) {
			return batches(ctx, func(ctx context.Context) (int, error) { return d.store.PruneLogins(ctx, jobBatch) })
		},
		"recordings":       d.noted("recordings", func(ctx context.Context, now time.Time) (int, error) { return d.keeper.Expire(ctx, now) }),
		"dead_files":       func(ctx context.Context, now time.Time) (int, error) { return d.deadFiles(ctx, now.AddDate(0, 0, -1)) },
		"end_numbers":      d.noted("end_numbers", d.endNumbers),
		"verify_audit":     d.verifyAudit,
		"prune_cdrs":       d.noted("prune_cdrs", older(d.cfg.Retention.CDRs, d.store.PruneCDRs)),
		"prune_events":     d.noted("prune_events", older(d.cfg.Retention.Events, d.store.PruneEvents)),
		"prune_deliveries": d.noted("prune_deliveries", older(d.cfg.Retention.Deliveries, d.store.PruneDeliveries)),
	}
	maps.Copy(all, d.moneyJobs())
	return all
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

// older removes what is older than so many days; 0 removes nothing.
func older(days int, prune func(ctx context.Context, olderThan time.Time) (int, error)) job {
	return func(ctx context.Context, now time.Time) (int, error) {
		if days == 0 {
			return 0, nil
		}
		return prune(ctx, now.AddDate(0, 0, -days))
	}
}

// noted leaves an audit line of a run that touched something. What it did stands in the ledger or the tables; the line says that it was the job.
func (d *Daemon) noted(name string, do job) job {
	return func(ctx context.Context, now time.Time) (int, error) {
		n, err := do(ctx, now)
		if n == 0 {
			return n, err
		}
		note, cancel := context.WithTimeout(context.WithoutCancel(ctx), partIn)
		defer cancel()
		line := models.Audit{Who: "job:" + name, Action: "jobs." + name, Object: name, After: fmt.Sprintf(`{"touched":%d,"complete":%t}`, n, err == nil)}
		return n, errors.Join(err, d.store.Audited(note, line))
	}
}

// endNumbers takes back the numbers whose subscription has ended. One that is in use stays until the next run.
func (d *Daemon) endNumbers(ctx context.Context, _ time.Time) (n int, err error) {
	var errs []error
	for last := (models.Number{}); ; {
		list, err := d.store.EndedNumbers(ctx, last, jobBatch)
		if err != nil || len(list) == 0 {
			return n, errors.Join(append(errs, err)...)
		}
		for _, number := range list {
			err := d.store.ReturnNumber(ctx, number.Number, "job:end_numbers", "unsubscribed", d.cfg.Orders.CoolDown)
			switch {
			case err == nil:
				n++
			case models.CodeOf(err) != models.InUse:
				errs = append(errs, err)
			}
			if ctx.Err() != nil || len(errs) >= 10 {
				return n, errors.Join(append(errs, ctx.Err())...)
			}
		}
		last = list[len(list)-1]
	}
}

// verifyAudit follows the audit's chain. A broken one is a failure of the job, and so an alert.
func (d *Daemon) verifyAudit(ctx context.Context, _ time.Time) (int, error) {
	checked, broken, err := d.store.VerifyAudit(ctx)
	if err == nil && broken != 0 {
		err = fmt.Errorf("audit line %d is not as it was written: maskline audit verify", broken)
	}
	return checked, err
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
