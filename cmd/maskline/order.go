package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func orderRow(o admin.Order) []string {
	return []string{id(o.ID), o.State, id(o.TenantID), id(o.AppID), o.Kind, o.Area, o.Carrier, strconv.Itoa(o.Count), onlyYes(o.Quick), onlyYes(o.Inspection),
		clock(&o.RequestedAt), o.RequestedBy, o.Reason}
}

const orderHeading = "ID STATE TENANT APP KIND AREA CARRIER COUNT QUICK INSPECTION REQUESTED BY REASON"

func orderPath(id string) string { return "/orders/" + url.PathEscape(id) }

func (c *cli) printOrder(o admin.Order) error {
	if err := c.table(orderHeading, [][]string{orderRow(o)}); err != nil || len(o.Numbers) == 0 {
		return err
	}
	return c.printf("numbers: %s\n", strings.Join(o.Numbers, " "))
}

func (c *cli) orderCommand() *cobra.Command {
	return c.group("order", "Orders of numbers: place, review, deliver from stock", "", "",
		listCommand(c, "/orders", "List orders, newest first", "  maskline order list --state waiting", orderHeading, orderRow, func(cmd *cobra.Command, q *query) {
			q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
			q.text(cmd, "app", "app", "only of this `APP`, by id or app_key")
			q.text(cmd, "state", "state", "only in this `STATE`: waiting, approved, rejected, delivered, withdrawn")
		}),
		c.leaf("show ID", "Show one order, with its numbers once they are delivered", "  maskline order show 7", oneArg("order's id"),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodGet, orderPath(args[0]), nil, nil, c.printOrder)
			}),
		c.orderPlace(),
		decideCommand(c, "approve", "order", "Approve an order; it can be delivered then", orderPath, c.printOrder),
		decideCommand(c, "reject", "order", "Reject an order", orderPath, c.printOrder),
		c.orderDeliver(),
		c.leaf("withdraw ID", "Take an order back before it is delivered", "  maskline order withdraw 7", oneArg("order's id"),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodPost, orderPath(args[0])+"/withdraw", nil, nil, c.printOrder)
			}),
	)
}

func (c *cli) orderPlace() *cobra.Command {
	var in admin.OrderRequest
	cmd := c.leaf("place --app APP --area CODE --count N [flags]", "Order numbers of a city for an app",
		"  maskline order place --app 3 --area 0755 --count 50 --quick", noArgs,
		func(ctx context.Context, _ []string) error {
			return ask(ctx, c, http.MethodPost, "/orders", nil, in, c.printOrder)
		})
	f := cmd.Flags()
	f.StringVar(&in.App, "app", "", "for which app: its id or app_key")
	f.StringVar(&in.Area, "area", "", "city code, such as 0755")
	f.IntVar(&in.Count, "count", 0, "how many, 1 to 1000")
	f.StringVar(&in.Kind, "kind", "", "private or display; what the app's mode has if it is not given")
	f.StringVar(&in.Carrier, "carrier", "", "of this carrier; any if it is not given")
	f.BoolVar(&in.Quick, "quick", false, "from stock alone")
	f.BoolVar(&in.Inspection, "inspection", false, "with quality inspection; the app must record")
	require(cmd, "app", "area", "count")
	return cmd
}

func (c *cli) orderDeliver() *cobra.Command {
	return c.leaf("deliver ID [NUMBER...]", "Give an approved order its numbers: those named, or what has been in stock for longest",
		"  maskline order deliver 7\n  maskline order deliver 7 +8617000000001 +8617000000002", cobra.MinimumNArgs(1),
		func(ctx context.Context, args []string) error {
			return ask(ctx, c, http.MethodPost, orderPath(args[0])+"/deliver", nil, admin.DeliverRequest{Numbers: args[1:]}, c.printOrder)
		})
}
