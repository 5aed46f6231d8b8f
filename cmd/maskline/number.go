package main

import (
	"context"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func numberRow(n admin.Number) []string {
	return []string{n.Number, n.Area, n.State, id(n.AppID), id(n.TenantID), n.Trunk}
}

const numberHeading = "NUMBER AREA STATE APP TENANT TRUNK"

func (c *cli) numberCommand() *cobra.Command {
	return c.group("number", "Private numbers (X)", "", "",
		c.numberAdd(),
		listCommand(c, "/numbers", "List numbers", "  maskline number list --area 0755", numberHeading, numberRow,
			func(cmd *cobra.Command, q *query) {
				q.text(cmd, "app", "app", "only of this `APP`, by id or app_key")
				q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
				q.text(cmd, "area", "area", "only of this city `CODE`, such as 0755")
				q.text(cmd, "state", "state", "only in this `STATE`: normal, suspended, unavailable, bind-frozen")
				q.text(cmd, "prefix", "prefix", "only numbers that begin so")
			}),
		c.leaf("set-state NUMBER STATE", "Set a number's state: normal, suspended, unavailable (no calls), bind-frozen (no new bindings)",
			"  maskline number set-state +8617000000001 bind-frozen", cobra.MatchAll(cobra.ExactArgs(2)),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodPut, "/numbers/"+url.PathEscape(args[0])+"/state", nil, admin.StateRequest{State: args[1]},
					func(n admin.Number) error { return c.table(numberHeading, [][]string{numberRow(n)}) })
			}),
	)
}

func (c *cli) numberAdd() *cobra.Command {
	var in admin.NumbersRequest
	cmd := c.leaf("add --app APP --area CODE [--trunk NAME] NUMBER...", "Give numbers to an app, all or none",
		"  maskline number add --app 3 --area 0755 +8617000000001 +8617000000002", cobra.ArbitraryArgs,
		func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				return usagef("name the numbers, such as +8617000000001")
			}
			in.Numbers = args
			return ask(ctx, c, http.MethodPost, "/numbers", nil, in, func(l admin.List[admin.Number]) error {
				rows := make([][]string, 0, len(l.Items))
				for _, n := range l.Items {
					rows = append(rows, numberRow(n))
				}
				return c.table(numberHeading, rows)
			})
		})
	cmd.Flags().StringVar(&in.App, "app", "", "whose they are: an app's id or app_key")
	cmd.Flags().StringVar(&in.Area, "area", "", "their city code, such as 0755")
	cmd.Flags().StringVar(&in.Trunk, "trunk", "", "the trunk that carries them outward first")
	require(cmd, "app", "area")
	return cmd
}
