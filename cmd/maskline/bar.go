package main

import (
	"context"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

const barHeading = "ID KIND NUMBER TENANT APP SINCE REASON"

func barRow(b admin.Barred) []string {
	tenant, app := id(b.TenantID), id(b.AppID)
	if b.TenantID == 0 {
		tenant = "everybody"
	}
	if b.AppID == 0 {
		app = "all"
	}
	return []string{id(b.ID), b.Kind, b.Number, tenant, app, clock(&b.CreatedAt), b.Reason}
}

func (c *cli) barCommand() *cobra.Command {
	return c.group("bar", "Black lists: who may not call or be called, and what a private number may do", `Entries act through the rules of an app:
maskline app set APP --risk black_lists=refuse for caller and callee, direction=refuse for receive and place; report in place of refuse is a dry run.`, "",
		c.barAdd(),
		listCommand(c, "/barred", "List entries, newest first", "  maskline bar list --kind caller\n  maskline bar list --number +8613800000001", barHeading, barRow,
			func(cmd *cobra.Command, q *query) {
				q.text(cmd, "app", "app", "only of this `APP`, by id or app_key")
				q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
				q.text(cmd, "kind", "kind", "only this `KIND`: caller, callee, receive, place")
				q.text(cmd, "number", "number", "only about this `NUMBER`")
				q.mark(cmd, "reveal", "reveal", "show the real numbers; it is logged")
			}),
		c.leaf("remove ID", "Take an entry off", "  maskline bar remove 7", oneArg("entry, by id"), func(ctx context.Context, args []string) error {
			return ask(ctx, c, http.MethodDelete, "/barred/"+url.PathEscape(args[0]), nil, nil, func(admin.Count) error {
				return c.printf("entry %s removed\n", args[0])
			})
		}),
	)
}

func (c *cli) barAdd() *cobra.Command {
	var in admin.BarRequest
	cmd := c.leaf("add --kind KIND [--app APP | --tenant TENANT | --everybody] NUMBER", "Bar a person, or say what a private number may do",
		`  maskline bar add --kind caller --app 3 +8613800000001 --reason "threatened a driver"
  maskline bar add --kind callee --everybody +8613800000002
  maskline bar add --kind receive +8617000000001`, oneArg("number"),
		func(ctx context.Context, args []string) error {
			in.Number = args[0]
			return ask(ctx, c, http.MethodPost, "/barred", nil, in, func(b admin.Barred) error { return c.table(barHeading, [][]string{barRow(b)}) })
		})
	f := cmd.Flags()
	f.StringVar(&in.Kind, "kind", "", "caller (places no calls), callee (is not called); of a private number: receive (only A is called on it), place (only A calls from it)")
	f.StringVar(&in.App, "app", "", "in calls of this `APP`, by id or app_key")
	f.StringVar(&in.Tenant, "tenant", "", "in calls of every app of this `TENANT`, by id or name")
	f.BoolVar(&in.Everybody, "everybody", false, "in everybody's calls")
	f.StringVar(&in.Reason, "reason", "", "why, for those who read the list")
	require(cmd, "kind")
	cmd.MarkFlagsMutuallyExclusive("app", "tenant", "everybody")
	return cmd
}
