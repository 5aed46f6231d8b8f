package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func numberRow(n admin.Number) []string {
	state := n.State
	if n.Cause != 0 {
		state += "(" + strconv.Itoa(n.Cause) + ")"
	}
	return []string{n.Number, n.Kind, n.Area, state, id(n.AppID), id(n.TenantID), n.Trunk}
}

const numberHeading = "NUMBER KIND AREA STATE APP TENANT TRUNK"

func (c *cli) numberCommand() *cobra.Command {
	cmd := c.group("number", "Numbers of apps: private ones (X), and those that placed calls show", "", "",
		c.numberAdd(),
		listCommand(c, "/numbers", "List numbers", "  maskline number list --area 0755", numberHeading, numberRow,
			func(cmd *cobra.Command, q *query) {
				q.text(cmd, "app", "app", "only of this `APP`, by id or app_key")
				q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
				q.text(cmd, "area", "area", "only of this city `CODE`, such as 0755")
				q.text(cmd, "state", "state", "only in this `STATE`: normal, suspended, unavailable, bind-frozen")
				q.text(cmd, "kind", "kind", "only of this `KIND`: private, display")
				q.text(cmd, "prefix", "prefix", "only numbers that begin so")
			}),
		c.numberState(),
	)
	cmd.AddCommand(c.numberLifeCommands()...)
	return cmd
}

func (c *cli) numberState() *cobra.Command {
	var in admin.NumberStateRequest
	cmd := c.leaf("set-state NUMBER STATE [--cause N]", "Set a number's state: normal, suspended or unavailable (no bindings, no calls), bind-frozen (no new bindings)",
		`  maskline number set-state +8617000000001 bind-frozen
  maskline number set-state +8617000000001 unavailable --cause 5`, cobra.MatchAll(cobra.ExactArgs(2)),
		func(ctx context.Context, args []string) error {
			in.State = args[1]
			return ask(ctx, c, http.MethodPut, "/numbers/"+url.PathEscape(args[0])+"/state", nil, in,
				func(n admin.Number) error { return c.table(numberHeading, [][]string{numberRow(n)}) })
		})
	cmd.Long = cmd.Short + `.
It acts at once: calls that talk go on, the next one is judged by the new state. Apps with --push-number-status are told.`
	cmd.Flags().IntVar(&in.Cause, "cause", 0, "why it is unavailable: 1 deleted, 2 arrears, 3 out of service, 5 barred by the carrier, 6 barring lifted, 7 forwarded, 8 forwarded when nobody answers, 9 forwarded when busy")
	return cmd
}

func (c *cli) numberAdd() *cobra.Command {
	var in admin.NumbersRequest
	cmd := c.leaf("add --app APP --area CODE [--trunk NAME] NUMBER...", "Give numbers to an app, all or none",
		"  maskline number add --app 3 --area 0755 +8617000000001 +8617000000002\n  maskline number add --app 4 --area 0755 --kind display +8675528780808", cobra.ArbitraryArgs,
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
	cmd.Flags().StringVar(&in.Kind, "kind", "", "private, or display in an app of mode voice; what the app's mode has if it is not given")
	cmd.Flags().StringVar(&in.Trunk, "trunk", "", "the trunk that carries them outward first")
	require(cmd, "app", "area")
	return cmd
}
