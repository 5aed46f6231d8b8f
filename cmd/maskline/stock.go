package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func stockRow(s admin.Stock) []string {
	return []string{s.Number, s.Kind, s.Area, s.Carrier, s.Trunk, clock(s.FreeAt), clock(&s.AddedAt)}
}

func (c *cli) stockCommand() *cobra.Command {
	return c.group("stock", "Numbers that the operator has and no app does", "", "",
		listCommand(c, "/stock", "List numbers in stock", "  maskline stock list --area 0755", "NUMBER KIND AREA CARRIER TRUNK RESTS_UNTIL ADDED", stockRow,
			func(cmd *cobra.Command, q *query) {
				q.text(cmd, "area", "area", "only of this city `CODE`, such as 0755")
				q.text(cmd, "kind", "kind", "only of this `KIND`: private, display")
				q.text(cmd, "carrier", "carrier", "only of this `CARRIER`")
				q.text(cmd, "prefix", "prefix", "only numbers that begin so")
			}),
		c.tableCommand("import FILE", "Put the numbers of a table in stock: CSV or XLSX with the columns number, area, kind, carrier, trunk; up to 5000 rows",
			"  maskline stock import numbers.xlsx", "/stock/import"),
		c.leaf("remove NUMBER", "Take a number out of stock", "  maskline stock remove +8617000000001", oneArg("number"),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodDelete, "/stock/"+url.PathEscape(args[0]), nil, nil, func(admin.Count) error {
					return c.printf("removed %s\n", args[0])
				})
			}),
	)
}

// tableCommand uploads a table and prints what became of its rows. It fails when a row was refused.
func (c *cli) tableCommand(use, short, example, path string) *cobra.Command {
	return c.leaf(use, short, example, oneArg("file"), func(ctx context.Context, args []string) error {
		file, err := os.Open(args[0]) //nolint:gosec // the operator names the file
		if err != nil {
			return fmt.Errorf("open the table: %w", err)
		}
		defer func() { _ = file.Close() }()
		cl, err := c.client()
		if err != nil {
			return err
		}
		var r admin.Report
		if err := cl.upload(ctx, path, nil, "application/octet-stream", file, &r); err != nil {
			return err
		}
		if err := c.printReport(r); err != nil {
			return err
		}
		if r.Refused > 0 {
			return fmt.Errorf("%d of %d rows were refused; mend them and send them alone", r.Refused, len(r.Rows))
		}
		return nil
	})
}

// printReport prints the rows that were refused, and how many were done.
func (c *cli) printReport(r admin.Report) error {
	if c.json {
		return c.printJSON(r)
	}
	var rows [][]string
	for _, row := range r.Rows {
		if !row.OK {
			rows = append(rows, []string{strconv.Itoa(row.Line), row.Number, row.Error})
		}
	}
	if len(rows) > 0 {
		if err := c.table("LINE NUMBER ERROR", rows); err != nil {
			return err
		}
	}
	return c.printf("%d of %d rows done\n", r.Done, len(r.Rows))
}

// numberLifeCommands are those of "maskline number" that are about its end and its place.
func (c *cli) numberLifeCommands() []*cobra.Command {
	one := func(ctx context.Context, number, verb string, in any) error {
		return ask(ctx, c, http.MethodPost, "/numbers/"+url.PathEscape(number)+"/"+verb, nil, in, func(n admin.Number) error {
			return c.table(numberHeading, [][]string{numberRow(n)})
		})
	}
	var app string
	move := c.leaf("move NUMBER --app APP", "Give a number without bindings to another app of its tenant", "  maskline number move +8617000000001 --app 4", oneArg("number"),
		func(ctx context.Context, args []string) error {
			return one(ctx, args[0], "move", admin.MoveRequest{App: app})
		})
	move.Flags().StringVar(&app, "app", "", "the other app, by id or app_key")
	require(move, "app")
	return []*cobra.Command{
		move, c.numberReturn(),
		c.leaf("unsubscribe NUMBER", "Let a number end with the month: on or before the 25th with this one, else with the next", "  maskline number unsubscribe +8617000000001",
			oneArg("number"), func(ctx context.Context, args []string) error { return one(ctx, args[0], "unsubscribe", nil) }),
		c.leaf("subscribe NUMBER", "Take an unsubscription back before the number has ended", "  maskline number subscribe +8617000000001",
			oneArg("number"), func(ctx context.Context, args []string) error { return one(ctx, args[0], "subscribe", nil) }),
		c.tableCommand("change FILE", "Change the numbers of a table: CSV or XLSX with the column number, and state, cause, area, trunk or app; up to 5000 rows",
			"  maskline number change states.csv", "/numbers/changes"),
	}
}

func (c *cli) numberReturn() *cobra.Command {
	var in admin.ReturnRequest
	var days int
	cmd := c.leaf("return NUMBER [--reason TEXT] [--rest-days N]", "Take a number from its app now; it rests in stock before it is handed out again",
		`  maskline number return +8617000000001 --reason "complaints"`, oneArg("number"), func(ctx context.Context, args []string) error {
			if days >= 0 {
				in.CoolDown = &days
			}
			return ask(ctx, c, http.MethodPost, "/numbers/"+url.PathEscape(args[0])+"/return", nil, in, func(r admin.Returned) error {
				return c.facts("number", r.Number, "was of tenant", id(r.TenantID), "app", id(r.AppID), "returned", clock(&r.ReturnedAt), "reason", r.Reason)
			})
		})
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why")
	cmd.Flags().IntVar(&days, "rest-days", -1, "days that it rests; as orders.cool_down says if it is not given")
	return cmd
}
