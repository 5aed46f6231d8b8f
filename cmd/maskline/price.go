package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"maskline/models"
	"maskline/web/admin"
)

// callPrices reads --call: MODE=PRICE[,free=S][,minimum=S][,increment=S].
func callPrices(flags []string) (map[models.Mode]models.CallPrice, error) {
	out := map[models.Mode]models.CallPrice{}
	for _, f := range flags {
		mode, rest, ok := strings.Cut(f, "=")
		if !ok {
			return nil, usagef("--call %s: write MODE=PRICE, such as axb=0.12, and behind it free=3, minimum=60 or increment=6 with commas", f)
		}
		minute, more, _ := strings.Cut(rest, ",")
		var p models.CallPrice
		var err error
		if p.Minute, err = models.ParseAmount("price", minute); err != nil {
			return nil, usagef("--call %s: %q is no price of a minute, such as 0.12", f, minute)
		}
		for pair := range strings.SplitSeq(more, ",") {
			if pair == "" {
				continue
			}
			name, value, _ := strings.Cut(pair, "=")
			to := map[string]*int{"free": &p.Free, "minimum": &p.Minimum, "increment": &p.Increment}[name]
			if to == nil {
				return nil, usagef("--call %s: %q is none of free, minimum, increment", f, name)
			}
			if *to, err = strconv.Atoi(value); err != nil {
				return nil, usagef("--call %s: %s is a number of seconds", f, name)
			}
		}
		out[models.Mode(mode)] = p
	}
	return out, nil
}

// rents reads --rent: KIND[:CITY]=PRICE.
func rents(flags []string) (map[string]models.Amount, error) {
	out := map[string]models.Amount{}
	for _, f := range flags {
		what, price, _ := strings.Cut(f, "=")
		a, err := models.ParseAmount("rent", price)
		if what == "" || err != nil {
			return nil, usagef("--rent %s: write KIND=PRICE or KIND:CITY=PRICE, such as private=10 or private:0755=15", f)
		}
		out[what] = a
	}
	return out, nil
}

// priceText is a plan's prices in a line.
func priceText(p admin.Plan) string {
	var parts []string
	for _, mode := range slices.Sorted(maps.Keys(p.Calls)) {
		cp := p.Calls[mode]
		words := []string{string(mode), cp.Minute.String()}
		for _, more := range []struct {
			name string
			n    int
		}{{"free", cp.Free}, {"minimum", cp.Minimum}, {"increment", cp.Increment}} {
			if more.n > 0 {
				words = append(words, fmt.Sprintf("%s=%d", more.name, more.n))
			}
		}
		parts = append(parts, strings.Join(words, " "))
	}
	for _, what := range slices.Sorted(maps.Keys(p.Rent)) {
		parts = append(parts, fmt.Sprintf("rent %s %s", what, p.Rent[what]))
	}
	return strings.Join(parts, ", ")
}

func planRow(p admin.Plan) []string {
	whose := "all others"
	if p.TenantID != 0 {
		whose = id(p.TenantID)
	}
	return []string{id(p.ID), p.Name, whose, clock(&p.From), clock(p.Until), onlyYes(p.CutCalls), priceText(p)}
}

const planHeading = "ID NAME TENANT FROM UNTIL CUTS_CALLS PRICES"

func (c *cli) printPlan(p admin.Plan) error { return c.table(planHeading, [][]string{planRow(p)}) }

func (c *cli) priceCommand() *cobra.Command {
	return c.group("price", "Price plans: what calls and numbers cost, from when until when", "", "",
		listCommand(c, "/prices", "List price plans", "  maskline price list --tenant Acme", planHeading, planRow, func(cmd *cobra.Command, q *query) {
			q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
			q.mark(cmd, "platform", "platform", "only those of all tenants who have none of their own")
		}),
		c.priceAdd(), c.priceEnd(), c.priceShow(),
	)
}

func (c *cli) priceAdd() *cobra.Command {
	var in admin.PlanRequest
	var from, until string
	var calls, rent []string
	cmd := c.leaf("add --name NAME --from TIME [--tenant TENANT] --call MODE=PRICE… --rent KIND=PRICE…", "Add a price plan, of a tenant or of all who have none",
		`  maskline price add --name standard --from 2026-12-01 --call axb=0.12 --call callnotify=0.10,increment=6 --rent private=10 --rent private:0755=15
  maskline price add --name acme-2027 --tenant Acme --from 2027-01-01 --until 2028-01-01 --call axb=0.09,free=3`, noArgs,
		func(ctx context.Context, _ []string) (err error) {
			if in.From, err = future("from", from); err != nil {
				return err
			}
			if until != "" {
				t, err := future("until", until)
				if err != nil {
					return err
				}
				in.Until = &t
			}
			if in.Calls, err = callPrices(calls); err != nil {
				return err
			}
			if in.Rent, err = rents(rent); err != nil {
				return err
			}
			return ask(ctx, c, http.MethodPost, "/prices", nil, in, c.printPlan)
		})
	f := cmd.Flags()
	f.StringVar(&in.Name, "name", "", "its name, 1 to 64 characters")
	f.StringVar(&in.Tenant, "tenant", "", "whose it is: a tenant's id or name; of all who have none if it is not given")
	f.StringVar(&from, "from", "", "when it begins: 2006-01-02, 2006-01-02T15:04:05+08:00, or now")
	f.StringVar(&until, "until", "", "when it ends; for the time being if it is not given")
	f.StringArrayVar(&calls, "call", nil, "price of a minute by `MODE=PRICE`[,free=S][,minimum=S][,increment=S]; may be repeated; a mode without one is free")
	f.StringArrayVar(&rent, "rent", nil, "rent of a number a month by `KIND=PRICE` or KIND:CITY=PRICE; may be repeated")
	f.BoolVar(&in.CutCalls, "cut-calls", false, "end calls in progress when the money is gone, by a limit that the switch keeps")
	require(cmd, "name", "from")
	return cmd
}

// future reads a time that is usually to come: RFC 3339, a date, or now.
func future(flag, s string) (time.Time, error) {
	if s == "now" {
		return time.Now().UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usagef("--%s %q is no time such as 2027-01-01, 2027-01-01T00:00:00+08:00 or now", flag, s)
}

// priceShow shows the plan that holds for a tenant.
func (c *cli) priceShow() *cobra.Command {
	q := &query{}
	cmd := c.leaf("show TENANT [--at TIME]", "Show the price plan that holds for a tenant: his own, else everybody's", "  maskline price show Acme", oneArg("tenant, by id or name"),
		func(ctx context.Context, args []string) error {
			v, err := q.encode()
			if err != nil {
				return err
			}
			return ask(ctx, c, http.MethodGet, tenantPath(args[0])+"/plan", v, nil, c.printPlan)
		})
	q.text(cmd, "at", "at", "at this `TIME`; now if it is not given")
	return cmd
}

func (c *cli) priceEnd() *cobra.Command {
	var until string
	cmd := c.leaf("end ID --at TIME", "Let a price plan end, so that another can follow it", "  maskline price end 3 --at 2027-01-01T00:00:00+08:00", oneArg("plan's id"),
		func(ctx context.Context, args []string) error {
			t, err := future("at", until)
			if err != nil {
				return err
			}
			return ask(ctx, c, http.MethodPut, "/prices/"+url.PathEscape(args[0])+"/end", nil, admin.EndRequest{Until: &t}, c.printPlan)
		})
	cmd.Flags().StringVar(&until, "at", "", "when it ends: 2006-01-02, 2006-01-02T15:04:05+08:00, or now")
	require(cmd, "at")
	return cmd
}

func packageRow(p admin.Package) []string {
	modes := make([]string, 0, len(p.Modes))
	for _, m := range p.Modes {
		modes = append(modes, string(m))
	}
	if len(modes) == 0 {
		modes = []string{"all"}
	}
	return []string{id(p.ID), p.Name, id(p.TenantID), strings.Join(modes, ","), strconv.FormatInt(p.Left, 10) + "/" + strconv.FormatInt(p.Minutes, 10), p.Price.String(),
		clock(&p.From), clock(&p.Until)}
}

const packageHeading = "ID NAME TENANT MODES LEFT PRICE FROM UNTIL"

func (c *cli) packageCommand() *cobra.Command {
	return c.group("package", "Minutes that tenants bought ahead", "", "",
		listCommand(c, "/packages", "List packages", "  maskline package list --tenant Acme", packageHeading, packageRow, func(cmd *cobra.Command, q *query) {
			q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
			q.mark(cmd, "open", "open", "only those with minutes left that have not expired")
		}),
		c.packageBuy(),
	)
}

func (c *cli) packageBuy() *cobra.Command {
	var in admin.PackageRequest
	var tenant, price, until string
	var modes []string
	var key *string
	cmd := c.leaf("buy --tenant TENANT --name NAME --minutes N --price AMOUNT --until TIME [--modes axb,ax]", "Sell a tenant a package; it pays his calls from the next full hour on",
		"  maskline package buy --tenant Acme --name m1000 --minutes 1000 --price 80 --until 2027-12-01 --key order-77", noArgs,
		func(ctx context.Context, _ []string) (err error) {
			if in.Price, err = models.ParseAmount("price", price); err != nil {
				return usagef("--price %q is no amount such as 80.00", price)
			}
			if in.Until, err = future("until", until); err != nil {
				return err
			}
			for _, m := range modes {
				in.Modes = append(in.Modes, models.Mode(m))
			}
			return moneyAsk(ctx, c, tenantPath(tenant)+"/packages", *key, in, func(b admin.Bought) error {
				if b.Repeated {
					if err := c.printf("This request was done before; nothing was done now.\n"); err != nil {
						return err
					}
				}
				if err := c.table(packageHeading, [][]string{packageRow(b.Package)}); err != nil {
					return err
				}
				return c.printf("balance %s\n", b.Balance)
			})
		})
	key = keyFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&tenant, "tenant", "", "who buys it: a tenant's id or name")
	f.StringVar(&in.Name, "name", "", "its name, 1 to 64 characters")
	f.Int64Var(&in.Minutes, "minutes", 0, "how many minutes")
	f.StringVar(&price, "price", "", "what it costs")
	f.StringVar(&until, "until", "", "when it expires: 2006-01-02 or 2006-01-02T15:04:05+08:00")
	f.StringSliceVar(&modes, "modes", nil, "whose calls it pays; every mode's if it is not given")
	require(cmd, "tenant", "name", "minutes", "price", "until")
	return cmd
}
