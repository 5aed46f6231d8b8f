package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func recordingRow(r admin.Recording) []string {
	return []string{r.Name, r.SessionID, id(r.AppID), r.State, length(r.Seconds), strconv.FormatInt(r.Bytes, 10), clock(&r.BeganAt), clock(r.RemovedAt)}
}

func (c *cli) recordingCommand() *cobra.Command {
	return c.group("recording", "Recordings of calls", "", "",
		listCommand(c, "/recordings", "List recordings, newest first", "  maskline recording list --state missing\n  maskline recording list --session 5ac1c1c2-…@fs1",
			"NAME SESSION APP STATE LENGTH BYTES BEGAN REMOVED", recordingRow, func(cmd *cobra.Command, q *query) {
				q.text(cmd, "app", "app", "only of this `APP`, by id or app_key")
				q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
				q.text(cmd, "session", "session", "only of this `SESSION`")
				q.text(cmd, "state", "state", "only in this `STATE`: waiting, kept, short, missing, removed")
				q.text(cmd, "until", "until", "only begun before this `TIME`: 2006-01-02T15:04:05Z, or ago: 2h")
			}),
		c.soundCommand("get NAME [--out FILE]", "Download a recording; it is logged", "  maskline recording get 26112017001412345678901.wav --out call.wav", "recording's name",
			func(args []string) (string, string, any) {
				return http.MethodGet, "/recordings/" + url.PathEscape(args[0]) + "/sound", nil
			}),
		c.leaf("remove NAME", "Remove a recording before its days are over; it is logged", "  maskline recording remove 26112017001412345678901.wav", oneArg("recording's name"),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodDelete, "/recordings/"+url.PathEscape(args[0]), nil, nil, func(admin.Count) error { return c.printf("removed\n") })
			}),
	)
}
