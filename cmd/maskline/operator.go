package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func operatorRow(o admin.Operator) []string {
	return []string{id(o.ID), o.Name, o.Role, id(o.TenantID), o.State, yes(o.Password), clock(&o.CreatedAt), clock(o.LoginAt)}
}

const operatorHeading = "ID NAME ROLE TENANT STATE PASSWORD CREATED LOGIN"

func operatorPath(name string) string { return "/operators/" + url.PathEscape(name) }

func (c *cli) printOperator(o admin.Operator) error {
	return c.table(operatorHeading, [][]string{operatorRow(o)})
}

func (c *cli) operatorCommand() *cobra.Command {
	return c.group("operator", "Who may use the admin API: accounts, roles, passwords, tokens",
		`Roles: operator (everything but money and reviews), reviewer, finance, admin (everything, and operators); tenant_admin and tenant_read see what is
their tenant's. The tokens of the configuration have the role admin.`, "",
		c.operatorAdd(),
		listCommand(c, "/operators", "List accounts", "  maskline operator list --role finance", operatorHeading, operatorRow, func(cmd *cobra.Command, q *query) {
			q.text(cmd, "name", "name", "only names that begin so")
			q.text(cmd, "role", "role", "only this `ROLE`")
			q.text(cmd, "state", "state", "only this `STATE`: normal, suspended")
			q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
		}),
		c.operatorPassword(), c.operatorToken(), c.operatorLogins(), c.operatorEnd(),
		c.operatorState("suspend", "suspended", "Refuse an account: its sessions and tokens too, from now on"),
		c.operatorState("resume", "normal", "Let a suspended account work again"),
		c.operatorRole(),
		c.leaf("remove NAME", "Remove an account with its sessions and tokens", "  maskline operator remove lin", oneArg("operator, by id or name"),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodDelete, operatorPath(args[0]), nil, nil, func(admin.Count) error { return c.printf("removed %s\n", args[0]) })
			}),
	)
}

func (c *cli) operatorAdd() *cobra.Command {
	var in admin.OperatorRequest
	cmd := c.leaf("add --role ROLE [--tenant TENANT] NAME", "Make an account; it can log in once it has a password or a token",
		"  maskline operator add --role finance lin\n  maskline operator add --role tenant_admin --tenant Acme ops@acme.example", oneArg("account"),
		func(ctx context.Context, args []string) error {
			in.Name = args[0]
			return ask(ctx, c, http.MethodPost, "/operators", nil, in, c.printOperator)
		})
	cmd.Flags().StringVar(&in.Role, "role", "", "operator, reviewer, finance, admin, tenant_admin or tenant_read")
	cmd.Flags().StringVar(&in.Tenant, "tenant", "", "of a tenant's role: the tenant's id or name")
	require(cmd, "role")
	return cmd
}

func (c *cli) operatorPassword() *cobra.Command {
	var generate bool
	cmd := c.leaf("passwd NAME [--generate]", "Set an account's password from standard input, and end its sessions",
		`  read -rs PW; printf %s "$PW" | maskline operator passwd lin
  maskline operator passwd lin --generate`, oneArg("operator, by id or name"),
		func(ctx context.Context, args []string) error {
			var in admin.PasswordRequest
			if generate {
				in.Password = strings.ToLower(rand.Text())
			} else {
				line, err := bufio.NewReader(io.LimitReader(c.in, 4096)).ReadString('\n')
				if in.Password = strings.TrimRight(line, "\r\n"); in.Password == "" {
					if err != nil && err != io.EOF { //nolint:errorlint // io.Reader promises the value
						return fmt.Errorf("read the password: %w", err)
					}
					return usagef("no password on standard input; pipe one in, or use --generate")
				}
			}
			return ask(ctx, c, http.MethodPut, operatorPath(args[0])+"/password", nil, in, func(o admin.Operator) error {
				if !generate {
					return c.printf("%s has a new password\n", o.Name)
				}
				return c.facts("name", o.Name, "password", in.Password)
			})
		})
	cmd.Flags().BoolVar(&generate, "generate", false, "make a password and print it, once")
	return cmd
}

func (c *cli) operatorToken() *cobra.Command {
	var in admin.TokenRequest
	cmd := c.leaf("token NAME --for WHAT [--days N]", "Make an API token with the rights of an account and print it, once",
		"  maskline operator token lin --for reports --days 365", oneArg("operator, by id or name"),
		func(ctx context.Context, args []string) error {
			return ask(ctx, c, http.MethodPost, operatorPath(args[0])+"/tokens", nil, in, func(t admin.TokenAnswer) error {
				if err := c.facts("token", t.Token, "id", id(t.ID), "for", t.Name, "until", clock(t.ExpiresAt)); err != nil {
					return err
				}
				return c.printf("Keep it now; it is not shown again.\n")
			})
		})
	cmd.Flags().StringVar(&in.Name, "for", "", "what it is for")
	cmd.Flags().IntVar(&in.Days, "days", 0, "days that it holds, at most 3650; 0 is until it is removed")
	require(cmd, "for")
	return cmd
}

func (c *cli) operatorLogins() *cobra.Command {
	return c.leaf("logins NAME", "List an account's sessions and tokens", "  maskline operator logins lin", oneArg("operator, by id or name"),
		func(ctx context.Context, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			return fetchList(ctx, c, cl, operatorPath(args[0])+"/logins", url.Values{"limit": {"500"}}, "ID KIND NAME FROM CREATED UNTIL USED", func(l admin.Login) []string {
				return []string{id(l.ID), l.Kind, l.Name, l.From, clock(&l.CreatedAt), clock(l.ExpiresAt), clock(l.UsedAt)}
			})
		})
}

func (c *cli) operatorEnd() *cobra.Command {
	return c.leaf("logout NAME LOGIN", "End a session, or take a token away", "  maskline operator logout lin 12", cobra.MatchAll(cobra.ExactArgs(2)),
		func(ctx context.Context, args []string) error {
			return ask(ctx, c, http.MethodDelete, operatorPath(args[0])+"/logins/"+url.PathEscape(args[1]), nil, nil, func(admin.Count) error {
				return c.printf("ended %s of %s\n", args[1], args[0])
			})
		})
}

func (c *cli) operatorState(verb, state, short string) *cobra.Command {
	return c.leaf(verb+" NAME", short, "  maskline operator "+verb+" lin", oneArg("operator, by id or name"), func(ctx context.Context, args []string) error {
		return ask(ctx, c, http.MethodPatch, operatorPath(args[0]), nil, admin.OperatorChange{State: &state}, c.printOperator)
	})
}

func (c *cli) operatorRole() *cobra.Command {
	var role, tenant string
	cmd := c.leaf("set NAME --role ROLE [--tenant TENANT]", "Give an account another role", "  maskline operator set lin --role reviewer", oneArg("operator, by id or name"),
		func(ctx context.Context, args []string) error {
			return ask(ctx, c, http.MethodPatch, operatorPath(args[0]), nil, admin.OperatorChange{Role: &role, Tenant: &tenant}, c.printOperator)
		})
	cmd.Flags().StringVar(&role, "role", "", "its role")
	cmd.Flags().StringVar(&tenant, "tenant", "", "of a tenant's role: the tenant's id or name")
	require(cmd, "role")
	return cmd
}
