package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"maskline/models"
	"maskline/web/admin"
)

func tenantRow(t admin.Tenant) []string {
	return []string{id(t.ID), t.Name, t.SpID, t.State, clock(&t.CreatedAt)}
}

func (c *cli) printTenant(t admin.Tenant) error {
	return c.facts("tenant", id(t.ID), "name", t.Name, "sp_id", t.SpID, "state", t.State, "placed calls", capText(t.Calls), "time zone", t.Zone)
}

func (c *cli) tenantCommand() *cobra.Command {
	cmd := c.group("tenant", "Companies that rent numbers", "", "",
		c.tenantCreate(),
		listCommand(c, "/tenants", "List tenants", "  maskline tenant list --state suspended", "ID NAME SP_ID STATE CREATED", tenantRow,
			func(cmd *cobra.Command, q *query) {
				q.text(cmd, "name", "name", "only names that begin so")
				q.text(cmd, "state", "state", "only this `STATE`: normal, suspended, frozen")
			}),
		c.tenantSet(),
		c.tenantLimit(),
		c.tenantState("suspend", "suspended", "Refuse a tenant's requests and calls"),
		c.tenantState("resume", "normal", "Let a suspended tenant work again"),
	)
	cmd.AddCommand(c.tenantMoneyCommands()...)
	return cmd
}

func (c *cli) tenantCreate() *cobra.Command {
	var in admin.TenantRequest
	cmd := c.leaf("create --name NAME [--sp-id ID]", "Make a tenant", "  maskline tenant create --name Acme", noArgs,
		func(ctx context.Context, _ []string) error {
			return ask(ctx, c, http.MethodPost, "/tenants", nil, in, c.printTenant)
		})
	cmd.Flags().StringVar(&in.Name, "name", "", "its name, 1 to 64 characters")
	cmd.Flags().StringVar(&in.SpID, "sp-id", "", "spId of its records; made up if it is not given")
	require(cmd, "name")
	return cmd
}

// capText is a bound of calls in words; "" for none.
func capText(b models.CallCap) string {
	var parts []string
	for _, p := range []struct {
		n    int
		each string
	}{{b.PerHour, "an hour"}, {b.PerDay, "a day"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.each))
		}
	}
	return strings.Join(parts, ", ")
}

func (c *cli) tenantSet() *cobra.Command {
	var calls models.CallCap
	var zone string
	var cmd *cobra.Command
	cmd = c.leaf("set TENANT [--calls-per-hour N --calls-per-day N] [--zone ZONE]", "Bound the calls that all apps of a tenant may have placed (0 is no bound), or set the time zone of his months",
		"  maskline tenant set Acme --calls-per-hour 5000 --calls-per-day 50000\n  maskline tenant set Acme --zone Europe/Berlin", oneArg("tenant, by id or name"),
		func(ctx context.Context, args []string) error {
			var in admin.TenantChange
			given(cmd.Flags().Changed, "calls-per-hour", &calls, &in.Calls)
			given(cmd.Flags().Changed, "zone", &zone, &in.Zone)
			return ask(ctx, c, http.MethodPatch, "/tenants/"+url.PathEscape(args[0]), nil, in, c.printTenant)
		})
	cmd.Flags().IntVar(&calls.PerHour, "calls-per-hour", 0, "accepted calls in a clock hour")
	cmd.Flags().IntVar(&calls.PerDay, "calls-per-day", 0, "accepted calls in a day, UTC")
	cmd.Flags().StringVar(&zone, "zone", "", "where his months begin, such as Asia/Shanghai: for rent and what is unsubscribed")
	cmd.MarkFlagsRequiredTogether("calls-per-hour", "calls-per-day")
	cmd.MarkFlagsOneRequired("calls-per-hour", "zone")
	return cmd
}

func (c *cli) tenantState(verb, state, short string) *cobra.Command {
	return c.leaf(verb+" TENANT", short, "  maskline tenant "+verb+" Acme", oneArg("tenant, by id or name"),
		func(ctx context.Context, args []string) error {
			return ask(ctx, c, http.MethodPut, "/tenants/"+url.PathEscape(args[0])+"/state", nil, admin.StateRequest{State: state}, c.printTenant)
		})
}
