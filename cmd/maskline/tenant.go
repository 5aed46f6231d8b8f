package main

import (
	"context"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func tenantRow(t admin.Tenant) []string {
	return []string{id(t.ID), t.Name, t.SpID, t.State, clock(&t.CreatedAt)}
}

func (c *cli) printTenant(t admin.Tenant) error {
	return c.facts("tenant", id(t.ID), "name", t.Name, "sp_id", t.SpID, "state", t.State)
}

func (c *cli) tenantCommand() *cobra.Command {
	return c.group("tenant", "Companies that rent numbers", "", "",
		c.tenantCreate(),
		listCommand(c, "/tenants", "List tenants", "  maskline tenant list --state suspended", "ID NAME SP_ID STATE CREATED", tenantRow,
			func(cmd *cobra.Command, q *query) {
				q.text(cmd, "name", "name", "only names that begin so")
				q.text(cmd, "state", "state", "only this `STATE`: normal, suspended, frozen")
			}),
		c.tenantState("suspend", "suspended", "Refuse a tenant's requests and calls"),
		c.tenantState("resume", "normal", "Let a suspended tenant work again"),
	)
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

func (c *cli) tenantState(verb, state, short string) *cobra.Command {
	return c.leaf(verb+" TENANT", short, "  maskline tenant "+verb+" Acme", oneArg("tenant, by id or name"),
		func(ctx context.Context, args []string) error {
			return ask(ctx, c, http.MethodPut, "/tenants/"+url.PathEscape(args[0])+"/state", nil, admin.StateRequest{State: state}, c.printTenant)
		})
}
