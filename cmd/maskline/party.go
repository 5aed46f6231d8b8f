package main

import (
	"context"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func partyRow(p admin.RegisteredParty) []string {
	return []string{p.Party, p.Name, id(p.TenantID), clock(&p.RegisteredAt)}
}

func partyPath(tenant string) string { return tenantPath(tenant) + "/parties" }

func (c *cli) partyCommand() *cobra.Command {
	return c.group("party", "People who have shown who they are, for apps with --require-registered", "", "",
		c.partyList(), c.partyRegister(),
		c.leaf("remove TENANT NUMBER", "Take a party off the register", "  maskline party remove Acme +8613800000001", cobra.MatchAll(cobra.ExactArgs(2)),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodDelete, partyPath(args[0])+"/"+url.PathEscape(args[1]), nil, nil, func(admin.Count) error { return c.printf("removed\n") })
			}),
	)
}

func (c *cli) partyList() *cobra.Command {
	q := &query{}
	cmd := c.leaf("list TENANT [flags]", "List a tenant's registered parties", "  maskline party list Acme", oneArg("tenant, by id or name"),
		func(ctx context.Context, args []string) error {
			v, err := q.encode()
			if err != nil {
				return err
			}
			cl, err := c.client()
			if err != nil {
				return err
			}
			return fetchList(ctx, c, cl, partyPath(args[0]), v, "PARTY NAME TENANT REGISTERED", partyRow)
		})
	q.text(cmd, "number", "party", "only this `NUMBER`")
	q.mark(cmd, "reveal", "reveal", "show the real numbers; it is logged")
	q.page(cmd)
	return cmd
}

func (c *cli) partyRegister() *cobra.Command {
	var name string
	cmd := c.leaf("register TENANT NUMBER --name NAME", "Register a party: its calls are put through where that is required", "  maskline party register Acme +8613800000001 --name Lin",
		cobra.MatchAll(cobra.ExactArgs(2)), func(ctx context.Context, args []string) error {
			in := admin.PartiesRequest{Parties: []admin.PartyRequest{{Party: args[1], Name: name}}}
			return ask(ctx, c, http.MethodPost, partyPath(args[0]), nil, in, func(admin.Count) error { return c.printf("registered\n") })
		})
	cmd.Flags().StringVar(&name, "name", "", "who it is")
	require(cmd, "name")
	return cmd
}
