package main

import (
	"context"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func switchRow(s admin.Switch) []string {
	state := "down"
	if s.Up {
		state = "up"
	}
	return []string{s.Name, state, clock(s.Since), strconv.Itoa(s.Sessions), s.Version, s.Error}
}

func (c *cli) switchCommand() *cobra.Command {
	return c.group("switch", "FreeSWITCHes", "", "",
		listCommand(c, "/switches", "List switches and how their connections are", "  maskline switch list",
			"NAME STATE SINCE SESSIONS VERSION ERROR", switchRow, nil),
	)
}

func (c *cli) keyCommand() *cobra.Command {
	return c.group("key", "Keys that seal the app secrets", "", "",
		c.leaf("rotate", "Seal every app secret again with the first key of the configuration",
			"  # put a new key first in keys, restart the daemon, then\n  maskline key rotate --config /etc/maskline/maskline.yaml", noArgs,
			func(ctx context.Context, _ []string) error {
				return ask(ctx, c, http.MethodPost, "/keys/rotate", nil, nil, func(n admin.Count) error {
					return c.printf("%d secrets sealed again\n", n.Count)
				})
			}),
	)
}
