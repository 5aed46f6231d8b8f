package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

const jobHeading = "NAME SCHEDULE NEXT STATE LAST TOOK COUNT BY ERROR"

// jobState is how a job stands, in a word.
func jobState(j admin.Job) string {
	switch {
	case j.Last == nil:
		return "never ran"
	case j.Running:
		return "running"
	case j.Last.Error != "":
		return "failed"
	}
	return "ok"
}

// took is how long something lasted, in as many digits as people read.
func took(from, to *time.Time) string {
	if from == nil || to == nil {
		return ""
	}
	d := to.Sub(*from)
	if d < time.Minute {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func jobRow(j admin.Job) []string {
	row := []string{j.Name, j.Schedule, clock(j.NextAt), jobState(j), "", "", "", "", ""}
	if j.Last != nil {
		copy(row[4:], []string{clock(j.Last.StartedAt), took(j.Last.StartedAt, j.Last.EndedAt), strconv.Itoa(j.Last.Count), j.Last.By, j.Last.Error})
	}
	return row
}

func (c *cli) jobCommand() *cobra.Command {
	return c.group("job", "What the daemon does by itself: settle, rent, expire, remove what is old", `Each job runs on one daemon at a time, at the times of the configuration's section schedule (UTC).`, "",
		listCommand(c, "/jobs", "List the jobs, when they run next and how they went last", "  maskline job list", jobHeading, jobRow, nil),
		c.leaf("run NAME", "Run a job now, whatever its schedule", "  maskline job run settle", oneArg("job, such as settle"),
			func(ctx context.Context, args []string) error {
				return askLong(ctx, c, http.MethodPost, "/jobs/"+url.PathEscape(args[0])+"/run", func(r admin.JobRun) error {
					if r.Error != "" {
						return fmt.Errorf("%s failed after %s: %s", args[0], took(r.StartedAt, r.EndedAt), r.Error)
					}
					return nil
				}, func(r admin.JobRun) error {
					if r.EndedAt == nil {
						return c.printf("%s goes on; see maskline job list\n", args[0])
					}
					return c.printf("%s done: %d in %s\n", args[0], r.Count, took(r.StartedAt, r.EndedAt))
				})
			}),
	)
}
