package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"maskline/models"
	"maskline/web/admin"
)

// keyFlag adds --key: the same request with the same key moves money once.
func keyFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("key", "", "a `NAME` of this request, such as a payment's number: sent again, it moves nothing; made up if it is not given")
}

// moneyAsk is ask for what moves money. When it is not known whether the daemon did it, the error says how to ask again without doing it twice.
func moneyAsk[T any](ctx context.Context, c *cli, path, key string, in any, print func(T) error) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	if cl.key = key; key == "" {
		cl.key = models.NewID()
	}
	var out T
	if err := cl.do(ctx, http.MethodPost, path, nil, in, &out); err != nil {
		if isRefusal(err) {
			return err
		}
		return fmt.Errorf("%w; it may have been done: to be sure, repeat the command with --key %s", err, cl.key)
	}
	if c.json {
		return c.printJSON(out)
	}
	return print(out)
}

func tenantPath(tenant string) string { return "/tenants/" + url.PathEscape(tenant) }

// amountArgs are a tenant and an amount.
func amountArgs(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return usagef("name the tenant and the amount, such as: Acme 500.00")
	}
	return nil
}

func (c *cli) printMoved(m admin.Moved) error {
	if m.Repeated {
		if err := c.printf("This request was posted before; nothing was done now.\n"); err != nil {
			return err
		}
	}
	return c.facts("entry", id(m.Entry.ID), "key", m.Entry.Key, "kind", m.Entry.Kind, "memo", m.Entry.Memo, "balance", m.Balance.String())
}

// tenantMoney are recharge, refund and adjust.
func (c *cli) tenantMoney(verb, short, example string, reason bool) *cobra.Command {
	var in admin.AmountRequest
	var key *string
	use := verb + " TENANT AMOUNT [--key NAME]"
	if reason {
		use = verb + " TENANT AMOUNT --reason TEXT [--key NAME]"
	}
	cmd := c.leaf(use, short, example, amountArgs, func(ctx context.Context, args []string) (err error) {
		if in.Amount, err = models.ParseAmount("amount", args[1]); err != nil {
			return usagef("%q is no amount such as 500.00, with at most four decimals", args[1])
		}
		return moneyAsk(ctx, c, tenantPath(args[0])+"/"+verb, *key, in, c.printMoved)
	})
	key = keyFlag(cmd)
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why; it stands in the ledger")
	if reason {
		require(cmd, "reason")
	}
	return cmd
}

// tenantMoneyCommands are those of "maskline tenant" that are about money.
func (c *cli) tenantMoneyCommands() []*cobra.Command {
	return []*cobra.Command{
		c.tenantMoney("recharge", "Note money that a tenant paid in; what was suspended for arrears works again at once",
			"  maskline tenant recharge Acme 500.00 --key payment-20261120-17", false),
		c.tenantMoney("refund", "Note money that was paid back to a tenant", `  maskline tenant refund Acme 120.50 --reason "contract ended" --key refund-4`, true),
		c.tenantAdjust(), c.tenantCredit(),
	}
}

// tenantAdjust takes its amount from a flag: an argument that begins with a minus would be one.
func (c *cli) tenantAdjust() *cobra.Command {
	var in admin.AmountRequest
	var amount string
	var key *string
	cmd := c.leaf("adjust TENANT --by AMOUNT --reason TEXT [--key NAME]", "Correct a tenant's balance, upwards or downwards",
		`  maskline tenant adjust Acme --by=-3.20 --reason "double charge of ticket 812, the other way round" --key ticket-812`, oneArg("tenant, by id or name"),
		func(ctx context.Context, args []string) (err error) {
			if in.Amount, err = models.ParseAmount("by", amount); err != nil {
				return usagef("--by %q is no amount such as -3.20, with at most four decimals", amount)
			}
			return moneyAsk(ctx, c, tenantPath(args[0])+"/adjust", *key, in, c.printMoved)
		})
	key = keyFlag(cmd)
	cmd.Flags().StringVar(&amount, "by", "", "how much is added; with a minus, taken away")
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why; it stands in the ledger")
	require(cmd, "by", "reason")
	return cmd
}

func (c *cli) printBalance(b admin.Balance) error {
	return c.facts("tenant", id(b.TenantID), "balance", b.Balance.String(), "credit", b.Credit.String(), "in arrears", yes(b.Arrears))
}

func (c *cli) tenantCredit() *cobra.Command {
	return c.leaf("credit TENANT AMOUNT", "Say how far below zero a tenant's balance may go", "  maskline tenant credit Acme 1000.00", amountArgs,
		func(ctx context.Context, args []string) error {
			a, err := models.ParseAmount("amount", args[1])
			if err != nil {
				return usagef("%q is no amount such as 1000.00", args[1])
			}
			return ask(ctx, c, http.MethodPut, tenantPath(args[0])+"/credit", nil, admin.CreditRequest{Credit: a}, c.printBalance)
		})
}

func entryRow(e admin.Entry) []string {
	moved := make([]string, 0, len(e.Postings))
	for _, p := range e.Postings {
		moved = append(moved, string(p.Account)+" "+p.Amount.String())
	}
	return []string{id(e.ID), clock(&e.At), e.Kind, id(e.TenantID), clock(&e.For), strings.Join(moved, ", "), e.By, shortened(e.Memo, 40), e.Key}
}

func (c *cli) ledgerCommand() *cobra.Command {
	return c.group("ledger", "Money: balances, entries, charges, and whether they agree", "", "",
		c.leaf("balance TENANT", "Show what a tenant has", "  maskline ledger balance Acme", oneArg("tenant, by id or name"),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodGet, tenantPath(args[0])+"/balance", nil, nil, c.printBalance)
			}),
		renamed(listCommand(c, "/entries", "List entries, newest first", "  maskline ledger entries --tenant Acme --since 720h",
			"ID AT KIND TENANT FOR POSTINGS BY MEMO KEY", entryRow, func(cmd *cobra.Command, q *query) {
				q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
				q.text(cmd, "kind", "kind", "only of this `KIND`: recharge, refund, adjustment, settlement, correction, rent, package")
				q.text(cmd, "account", "account", "only with a posting on this `ACCOUNT`, such as platform:rent")
				q.span(cmd)
			}), "entries [flags]"),
		renamed(listCommand(c, "/charges", "List what calls cost, newest first", "  maskline ledger charges --tenant Acme --unsettled",
			"SESSION LEG MODE END SECONDS UNITS AMOUNT PACKAGE_MINUTES BILLED SETTLED ENTRY", chargeRow, func(cmd *cobra.Command, q *query) {
				q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
				q.text(cmd, "app", "app", "only of this `APP`, by id or app_key")
				q.text(cmd, "session", "session", "only of this `SESSION`")
				q.mark(cmd, "unsettled", "unsettled", "only those that wait for their hour")
				q.span(cmd)
			}), "charges [flags]"),
		c.ledgerVerify(),
	)
}

// renamed gives a list another name than "list".
func renamed(cmd *cobra.Command, use string) *cobra.Command {
	cmd.Use = use
	return cmd
}

func chargeRow(ch admin.Charge) []string {
	return []string{ch.SessionID, strconv.Itoa(ch.Leg), ch.Mode, clock(&ch.EndAt), strconv.FormatInt(ch.Seconds, 10), strconv.FormatInt(ch.Units, 10),
		ch.Amount.String(), strconv.FormatInt(ch.PackageMinutes, 10), ch.Billed.String(), clock(ch.SettledAt), id(ch.EntryID)}
}

func (c *cli) ledgerVerify() *cobra.Command {
	return c.leaf("verify", "Compute all balances anew from the postings, and compare settled charges with their entries; it fails when they do not agree",
		"  maskline ledger verify", noArgs, func(ctx context.Context, _ []string) error {
			return askLong(ctx, c, http.MethodGet, "/ledger/verify", func(v admin.LedgerFindings) error {
				if !v.OK {
					return fmt.Errorf("the ledger does not agree in %d places: %s", v.Broken, strings.Join(v.Problems, "; "))
				}
				return nil
			}, func(v admin.LedgerFindings) error {
				return c.printf("%d entries, %d postings on %d accounts and %d charges agree\n", v.Entries, v.Postings, v.Accounts, v.Charges)
			})
		})
}

// cdrExplain says how a call's charges came about.
func (c *cli) cdrExplain() *cobra.Command {
	return c.leaf("explain SESSION", "Say what a call costs and how that was computed", "  maskline cdr explain 5ac1c1c2-…@fs1", oneArg("session id"),
		func(ctx context.Context, args []string) error {
			return ask(ctx, c, http.MethodGet, "/cdrs/"+url.PathEscape(args[0])+"/explain", nil, nil, func(x admin.ChargeExplanation) error {
				return c.printf("%s\n", strings.TrimSpace(x.Text))
			})
		})
}
