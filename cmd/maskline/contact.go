package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"maskline/models"
	"maskline/web/admin"
)

func contactRow(v admin.Contact) []string {
	notices := make([]string, 0, len(v.Notices))
	for _, n := range v.Notices {
		notices = append(notices, string(n))
	}
	return []string{id(v.ID), v.Name, v.Mail, v.Webhook, v.Phone, strings.Join(notices, ",")}
}

const contactHeading = "ID NAME MAIL WEBHOOK PHONE NOTICES"

func (c *cli) contactCommand() *cobra.Command {
	return c.group("contact", "Who is told of what concerns a tenant", "", "",
		c.leaf("list TENANT", "List a tenant's contacts", "  maskline contact list Acme", oneArg("tenant, by id or name"),
			func(ctx context.Context, args []string) error {
				cl, err := c.client()
				if err != nil {
					return err
				}
				return fetchList(ctx, c, cl, tenantPath(args[0])+"/contacts", nil, contactHeading, contactRow)
			}),
		c.contactAdd(),
		c.leaf("remove TENANT ID", "Remove a contact", "  maskline contact remove Acme 2", cobra.MatchAll(cobra.ExactArgs(2)),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodDelete, tenantPath(args[0])+"/contacts/"+url.PathEscape(args[1]), nil, nil, func(admin.Count) error {
					return c.printf("removed contact %s\n", args[1])
				})
			}),
	)
}

func (c *cli) contactAdd() *cobra.Command {
	var in admin.ContactRequest
	var notices []string
	cmd := c.leaf("add TENANT --name NAME [--mail ADDRESS] [--webhook URL] [--notices balance,number]", "Add a contact, up to ten a tenant",
		"  maskline contact add Acme --name Lin --mail lin@acme.example --notices balance,rent,service", oneArg("tenant, by id or name"),
		func(ctx context.Context, args []string) error {
			for _, n := range notices {
				in.Notices = append(in.Notices, models.Notice(n))
			}
			return ask(ctx, c, http.MethodPost, tenantPath(args[0])+"/contacts", nil, in, func(v admin.Contact) error {
				return c.table(contactHeading, [][]string{contactRow(v)})
			})
		})
	f := cmd.Flags()
	f.StringVar(&in.Name, "name", "", "who it is")
	f.StringVar(&in.Mail, "mail", "", "his mail address")
	f.StringVar(&in.Webhook, "webhook", "", "a URL to which notices are posted as JSON")
	f.StringVar(&in.Phone, "phone", "", "his telephone, for people to call")
	f.StringSliceVar(&notices, "notices", []string{"balance", "review", "number", "rent", "service"}, "what he is told of")
	require(cmd, "name")
	return cmd
}
