package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func daemonRow(d admin.Daemon) []string {
	return []string{d.Name, d.State, d.Version, clock(&d.StartedAt), clock(&d.SeenAt), strings.Join(d.Switches, ","), strconv.Itoa(d.OutboxLanes), strconv.Itoa(d.QueueLanes), d.URL}
}

func (c *cli) daemonCommand() *cobra.Command {
	return c.group("daemon", "Daemons that share the database", "", "",
		listCommand(c, "/daemons", "List the daemons of the last 24 hours and what each of them has of the work", "  maskline daemon list",
			"NAME STATE VERSION STARTED SEEN SWITCHES OUTBOX_LANES QUEUE_LANES URL", daemonRow, nil),
	)
}
