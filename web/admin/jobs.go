package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/controller/jobs"
	"maskline/models"
)

// jobIn is how long a request waits for the job that it ordered. The job goes on.
const jobIn = 60 * time.Second

// Jobs is the schedule of this daemon. *jobs.Schedule has it.
type Jobs interface {
	Standings(ctx context.Context) ([]jobs.Standing, error)
	RunNow(ctx context.Context, name, by string) (models.JobRun, error)
}

// Job is how a job of the schedule stands.
type Job struct {
	Name     string     `json:"name"`
	Schedule string     `json:"schedule"`
	NextAt   *time.Time `json:"next_at,omitempty"`
	Running  bool       `json:"running"`
	Last     *JobRun    `json:"last,omitempty"`
	// When it failed last, and what it said; a good run since then leaves it.
	FailedAt  *time.Time `json:"failed_at,omitempty"`
	LastError string     `json:"last_error,omitempty"`
}

// JobRun is how a job went. Without EndedAt it still runs.
type JobRun struct {
	Name      string     `json:"name"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Count     int        `json:"count"`
	Error     string     `json:"error,omitempty"`
	By        string     `json:"by"`
}

func showRun(r models.JobRun) JobRun {
	return JobRun{Name: r.Name, StartedAt: at(r.StartedAt), EndedAt: at(r.EndedAt), Count: r.Count, Error: r.Error, By: r.By}
}

func showJob(j jobs.Standing) Job {
	out := Job{Name: j.Name, Schedule: j.Spec, NextAt: at(j.Next), FailedAt: at(j.Last.FailedAt), LastError: j.Last.LastError}
	if !j.Last.StartedAt.IsZero() {
		run := showRun(j.Last)
		out.Last, out.Running = &run, j.Last.EndedAt.IsZero()
	}
	return out
}

func (s *server) routeJobs(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/jobs", JobsView, s.listJobs)
	s.handle(g, http.MethodPost, "/jobs/:job/run", JobsRun, s.runJob, outside)
}

func (s *server) noJobs(c *gin.Context) bool {
	if s.Jobs == nil {
		s.fail(c, models.Fail(models.NotFound, "", "this daemon has no schedule"))
	}
	return s.Jobs == nil
}

func (s *server) listJobs(c *gin.Context) {
	if s.noJobs(c) {
		return
	}
	all, err := s.Jobs.Standings(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, inMemory(all), showJob)
}

// runJob runs a job at once: 200 when it is over, well or not, 202 when it goes on.
func (s *server) runJob(c *gin.Context) {
	if s.noJobs(c) {
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), jobIn)
	defer cancel()
	run, err := s.Jobs.RunNow(ctx, c.Param("job"), visitOf(ctx).who())
	status := http.StatusOK
	if run.EndedAt.IsZero() {
		status = http.StatusAccepted
	}
	s.answer(c, status, showRun(run), err)
}
