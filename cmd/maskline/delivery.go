package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func deliveryRow(d admin.Delivery) []string {
	return []string{id(d.ID), d.Kind, d.State, strconv.Itoa(d.Attempts), strconv.Itoa(d.LastStatus), clock(d.DueAt), d.SessionID, d.LastError}
}

func (c *cli) deliveryCommand() *cobra.Command {
	const heading = "ID KIND STATE ATTEMPTS STATUS DUE SESSION ERROR"
	filters := func(cmd *cobra.Command, q *query) {
		q.text(cmd, "app", "app", "only of this `APP`, by id or app_key")
		q.text(cmd, "session", "session", "only of this `SESSION`")
		q.text(cmd, "kind", "kind", "only this `KIND`: event, cdr")
		q.span(cmd)
	}
	dead := listCommand(c, "/deliveries/dead", "List deliveries whose every attempt failed", "  maskline delivery dead --app 3", heading, deliveryRow, filters)
	dead.Use = "dead [flags]"
	return c.group("delivery", "Pushes to customers' URLs", "", "",
		listCommand(c, "/deliveries", "List deliveries, newest first", "  maskline delivery list --state retry", heading, deliveryRow,
			func(cmd *cobra.Command, q *query) {
				filters(cmd, q)
				q.text(cmd, "state", "state", "only in this `STATE`: held, waiting, retry, done, dead")
			}),
		dead, c.deliveryFiles(), c.deliveryReplay(),
	)
}

// deliveryFiles writes what the daemon writes every night.
func (c *cli) deliveryFiles() *cobra.Command {
	var in admin.DayRequest
	cmd := c.leaf("files --day DATE", "Write the CDRs that died on a day to files, one an app, in delivery.dead_files of the daemon",
		"  maskline delivery files --day 2026-11-20", noArgs, func(ctx context.Context, _ []string) error {
			return ask(ctx, c, http.MethodPost, "/deliveries/dead/files", nil, in, func(n admin.Count) error {
				return c.printf("%d files written\n", n.Count)
			})
		})
	cmd.Flags().StringVar(&in.Day, "day", "", "the day, UTC")
	require(cmd, "day")
	return cmd
}

func (c *cli) deliveryReplay() *cobra.Command {
	var in admin.ReplayRequest
	var since, until string
	cmd := c.leaf("replay [--app APP] [--session SESSION] [--since TIME] [flags]", "Push done or dead deliveries again",
		"  maskline delivery replay --session 5ac1c1c2-…@fs1 --state done\n  maskline delivery replay --app 3 --since 24h", noArgs,
		func(ctx context.Context, _ []string) error {
			for _, m := range []struct {
				text string
				to   **time.Time
			}{{since, &in.Since}, {until, &in.Until}} {
				if m.text == "" {
					continue
				}
				t, err := moment(m.text, time.Now())
				if err != nil {
					return err
				}
				*m.to = &t
			}
			if in.App == "" && in.Session == "" && in.Since == nil {
				return usagef("name what to replay: --app, --session or --since")
			}
			return ask(ctx, c, http.MethodPost, "/deliveries/replay", nil, in, func(n admin.Count) error {
				return c.printf("%d deliveries wait again\n", n.Count)
			})
		})
	f := cmd.Flags()
	f.StringVar(&in.App, "app", "", "of this `APP`, by id or app_key")
	f.StringVar(&in.Session, "session", "", "of this `SESSION`")
	f.StringVar(&in.State, "state", "dead", "those that are dead or done")
	f.StringVar(&in.Kind, "kind", "", "only event or cdr")
	f.StringVar(&since, "since", "", "made from this `TIME` on: 2006-01-02T15:04:05Z, or ago: 2h")
	f.StringVar(&until, "until", "", "made before this `TIME`")
	return cmd
}
