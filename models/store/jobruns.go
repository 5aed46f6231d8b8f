package store

import (
	"context"
	"errors"
	"log/slog"

	"gorm.io/gorm"

	"maskline/models"
)

var jobRunColumns = columns[models.JobRun]{
	table: "job_runs",
	names: []string{"name", "run", "started_at", "ended_at", "touched", "failure", "run_by", "failed_at", "last_error"},
	values: func(r *models.JobRun) []any {
		return []any{r.Name, r.Run, micros(r.StartedAt), micros(r.EndedAt), r.Count, r.Error, r.By, micros(r.FailedAt), r.LastError}
	},
	dest: func(r *models.JobRun) []any {
		return []any{text(&r.Name), num(&r.Run), when(&r.StartedAt), when(&r.EndedAt), num(&r.Count), text(&r.Error), text(&r.By), when(&r.FailedAt), text(&r.LastError)}
	},
}

// StartRun notes that a job begins, started by a daemon or an operator, and gives the run, to be handed to EndRun. Of each job the last run is
// kept, and the last error. A name has 1 to 64 characters.
func (s *Store) StartRun(ctx context.Context, name, by string) (r models.JobRun, err error) {
	if name == "" || clip(name, 64) != name {
		return r, models.Fail(models.Invalid, "name", "a job's name has 1 to 64 characters")
	}
	by = clip(by, whoMost)
	err = s.within(ctx, "note start of job", func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		err = s.firstRun(tx, name)
		if err != nil {
			return err
		}
		_, err = run(tx, "UPDATE job_runs SET run = run + 1, started_at = ?, ended_at = 0, touched = 0, failure = '', run_by = ? WHERE name = ?", micros(now), by, name)
		if err != nil {
			return err
		}
		r, _, err = jobRunColumns.first(tx, "WHERE t.name = ?", name)
		return err
	})
	return r, err
}

// firstRun makes the row of a job that has never run.
func (s *Store) firstRun(tx *gorm.DB, name string) error {
	_, found, err := jobRunColumns.first(tx, "WHERE t.name = ?", name)
	if err != nil || found {
		return err
	}
	err = jobRunColumns.add(tx, &models.JobRun{Name: name})
	if errors.Is(err, gorm.ErrDuplicatedKey) { // another daemon made it just now
		return nil
	}
	return err
}

// EndRun notes how a run ended: what it touched, and why it failed, nil when it did not. The end of a run that is not the job's last one any
// more is not kept.
func (s *Store) EndRun(ctx context.Context, r models.JobRun, count int, failure error) error {
	said := ""
	if failure != nil {
		said = clip(failure.Error(), reasonMost)
	}
	return s.within(ctx, "note end of job", func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		stmt, args := "UPDATE job_runs SET ended_at = ?, touched = ?, failure = ?", []any{micros(now), count, said}
		if failure != nil {
			stmt, args = stmt+", failed_at = ?, last_error = ?", append(args, micros(now), said)
		}
		n, err := run(tx, stmt+" WHERE name = ? AND run = ?", append(args, r.Name, r.Run)...)
		if err == nil && n == 0 {
			s.log.LogAttrs(ctx, slog.LevelWarn, "a job's run ended after the next had begun", slog.String("job", r.Name), slog.Int64("run", r.Run))
		}
		return err
	})
}

// JobRuns lists the last run of each job, by name.
func (s *Store) JobRuns(ctx context.Context, page models.Page) ([]models.JobRun, int, error) {
	return listed(ctx, s, jobRunColumns, conditions{}, "t.name", page)
}
