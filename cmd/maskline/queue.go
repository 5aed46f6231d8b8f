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

func waitingRow(w admin.WaitingCall) []string {
	return []string{strconv.Itoa(w.Position), w.SessionID, w.Mode, w.State, id(w.AppID), w.Shown, w.To, w.Then, clock(&w.QueuedAt), clock(&w.GiveUpAt)}
}

const waitingHeading = "PLACE SESSION KIND STATE APP SHOWN TO THEN SINCE UNTIL"

func progressRow(p admin.Progress) []string {
	return []string{id(p.AppID), p.Name, strconv.Itoa(p.Waiting), rough(p.Oldest), fmt.Sprintf("%d/%d", p.Live, p.Ports), perSecond(p.Rate),
		strconv.FormatInt(p.Placed, 10), strconv.FormatInt(p.GaveUp, 10), perSecond(p.Pace), rough(p.Left)}
}

const progressHeading = "APP NAME WAITING OLDEST PORTS RATE PLACED GAVE_UP PACE LEFT"

// rough is a time in seconds, to the second; "" for none.
func rough(seconds float64) string {
	if seconds == 0 {
		return ""
	}
	return (time.Duration(seconds * float64(time.Second))).Round(time.Second).String()
}

func perSecond(rate float64) string { return strconv.FormatFloat(rate, 'g', 3, 64) + "/s" }

// callList lists calls, and below them how the queues of placed calls go; with --waiting the calls that wait.
func (c *cli) callList() *cobra.Command {
	q := &query{}
	var waiting bool
	cmd := c.leaf("list [flags]", "List calls, newest first, and how the queues of placed calls go",
		"  maskline call list --live\n  maskline call list --since 1h --app 3\n  maskline call list --waiting --app 4", noArgs,
		func(ctx context.Context, _ []string) error {
			v, err := q.encode()
			if err != nil {
				return err
			}
			cl, err := c.client()
			if err != nil {
				return err
			}
			if waiting {
				err = fetchList(ctx, c, cl, "/queue", v, waitingHeading, waitingRow)
			} else {
				err = fetchList(ctx, c, cl, "/calls", v, "SESSION STAGE CALLER DIALLED CALLEE SWITCH STARTED ENDED", callRow)
			}
			if err != nil || c.json {
				return err
			}
			return c.progressBelow(ctx, cl, v)
		})
	q.mark(cmd, "live", "live", "only those that go on now")
	cmd.Flags().BoolVar(&waiting, "waiting", false, "those that wait to be placed, the next one first (with --app and --tenant)")
	callFilters(cmd, q)
	q.text(cmd, "switch", "switch", "only on this `SWITCH`")
	q.page(cmd)
	return cmd
}

// fetchList gets a page and prints it.
func fetchList[T any](ctx context.Context, c *cli, cl *client, path string, v url.Values, heading string, row func(T) []string) error {
	var l admin.List[T]
	if err := cl.do(ctx, http.MethodGet, path, v, nil, &l); err != nil {
		return err
	}
	return printList(c, l, heading, row)
}

// progressBelow prints how the queues go, where something waits.
func (c *cli) progressBelow(ctx context.Context, cl *client, filters url.Values) error {
	v := url.Values{"limit": {"500"}}
	for _, name := range []string{"app", "tenant"} {
		if filters.Has(name) {
			v.Set(name, filters.Get(name))
		}
	}
	var l admin.List[admin.Progress]
	if err := cl.do(ctx, http.MethodGet, "/queue/progress", v, nil, &l); err != nil {
		return err
	}
	rows := make([][]string, 0, len(l.Items))
	for _, p := range l.Items {
		if p.Waiting > 0 || p.Live > 0 {
			rows = append(rows, progressRow(p))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if err := c.printf("\n"); err != nil {
		return err
	}
	return c.table(progressHeading, rows)
}

// callProgress tells of the queues alone.
func (c *cli) callProgress() *cobra.Command {
	cmd := listCommand(c, "/queue/progress", "Say how the queues of placed calls go: waiting, placed, pace", "  maskline call progress --app 4", progressHeading, progressRow,
		func(cmd *cobra.Command, q *query) {
			q.text(cmd, "app", "app", "only of this `APP`, by id or app_key; also when nothing waits")
			q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
		})
	cmd.Use = "progress [flags]"
	return cmd
}
