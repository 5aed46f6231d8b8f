package admin

import (
	"context"
	"testing"
	"time"

	"maskline/controller/jobs"
	"maskline/models"
	"maskline/models/store"
)

// board is a schedule with fixed answers.
type board struct {
	run models.JobRun
	by  string
}

func (b *board) Standings(context.Context) ([]jobs.Standing, error) {
	at := time.Date(2026, 11, 20, 12, 5, 0, 0, time.UTC)
	return []jobs.Standing{
		{Name: "settle", Spec: "5 * * * *", Next: at.Add(time.Hour), Last: models.JobRun{Name: "settle", StartedAt: at, EndedAt: at.Add(time.Second), Count: 12, By: "host/1",
			FailedAt: at.Add(-time.Hour), LastError: "no connection"}},
		{Name: "rent", Spec: "@every 1h", Next: at, Last: models.JobRun{Name: "rent", StartedAt: at, By: "ops"}},
		{Name: "rate", Spec: "@every 5m", Next: at},
	}, nil
}

func (b *board) RunNow(_ context.Context, name, by string) (models.JobRun, error) {
	b.by = by
	switch name {
	case "busy":
		return models.JobRun{}, models.Fail(models.Conflict, "job", "busy runs now")
	case "none":
		return models.JobRun{}, models.Fail(models.NotFound, "job", "no job is named none")
	}
	return b.run, nil
}

func TestJobs(t *testing.T) {
	l := newLab(t)
	l.do("GET", "/jobs", "", 404, nil) // this daemon has none
	l.do("POST", "/jobs/settle/run", "", 404, nil)
	b := &board{run: models.JobRun{Name: "settle", By: "config:ops"}}
	engine, err := New(Options{Store: l.store, Tokens: []Token{{"ops", token}}, Jobs: b})
	if err != nil {
		t.Fatal(err)
	}
	l.engine = engine
	var list List[Job]
	l.do("GET", "/jobs?limit=2", "", 200, &list)
	if list.Total != 3 || len(list.Items) != 2 || list.Items[0].Running || list.Items[0].LastError != "no connection" || list.Items[0].Last.Count != 12 || !list.Items[1].Running {
		t.Errorf("%+v", list)
	}
	var run JobRun
	l.do("POST", "/jobs/settle/run", "", 202, &run)
	if run.EndedAt != nil || b.by != "config:ops" {
		t.Errorf("one that goes on: %+v, by %s", run, b.by)
	}
	b.run.StartedAt, b.run.EndedAt, b.run.Error = time.Now(), time.Now(), "no connection"
	l.do("POST", "/jobs/settle/run", "", 200, &run)
	if run.EndedAt == nil || run.Error != "no connection" {
		t.Errorf("one that failed: %+v", run)
	}
	l.do("POST", "/jobs/busy/run", "", 409, nil)
	l.do("POST", "/jobs/none/run", "", 404, nil)
	lines, _, err := l.store.AuditLines(t.Context(), store.AuditFilter{Action: "jobs.run"}, models.Page{})
	if err != nil || len(lines) != 2 || lines[0].Object != "settle" {
		t.Errorf("audit lines: %+v, %v", lines, err)
	}
}
