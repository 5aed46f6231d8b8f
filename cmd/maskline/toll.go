package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"maskline/models"
	"maskline/web/admin"
)

// limitText is a bound in words.
func limitText(own, platform, used int) string {
	out := strconv.Itoa(own)
	switch {
	case own < 0:
		return "no bound"
	case own == 0 && platform <= 0:
		return "no bound (the platform's)"
	case own == 0:
		out = strconv.Itoa(platform) + " (the platform's)"
	}
	return out + ", " + strconv.Itoa(used) + " used"
}

func (c *cli) printToll(t admin.Toll) error {
	l, p, u := t.Limits, t.Platform.Limits, t.Used
	return c.facts("tenant", id(t.TenantID), "may call", strings.Join(t.Allow, " "), "may not call", strings.Join(t.Deny, " "),
		"else may call", strings.Join(t.Platform.Allow, " "), "else may not call", strings.Join(t.Platform.Deny, " "),
		"calls at once", limitText(l.AtOnce, p.AtOnce, u.AtOnce), "calls an hour", limitText(l.PerHour, p.PerHour, u.PerHour),
		"calls a day", limitText(l.PerDay, p.PerDay, u.PerDay), "minutes a day", limitText(l.Minutes, p.Minutes, u.Minutes))
}

func (c *cli) tenantLimit() *cobra.Command {
	var allow, deny []string
	var l models.Limits
	var cmd *cobra.Command
	cmd = c.leaf("limit TENANT [--allow PREFIX,…] [--deny PREFIX,…] [--at-once N] [--per-hour N] [--per-day N] [--minutes-per-day N]",
		"Show, or change, where a tenant's calls may go and what bounds them: against misuse that costs money",
		"  maskline tenant limit Acme\n  maskline tenant limit Acme --allow +852,+853 --at-once 50 --minutes-per-day 20000\n  maskline tenant limit Acme --allow \"\" --at-once 0",
		oneArg("tenant, by id or name"),
		func(ctx context.Context, args []string) error {
			var in admin.TollChange
			set := cmd.Flags().Changed
			given(set, "allow", &allow, &in.Allow)
			given(set, "deny", &deny, &in.Deny)
			given(set, "at-once", &l.AtOnce, &in.AtOnce)
			given(set, "per-hour", &l.PerHour, &in.PerHour)
			given(set, "per-day", &l.PerDay, &in.PerDay)
			given(set, "minutes-per-day", &l.Minutes, &in.Minutes)
			if in == (admin.TollChange{}) {
				return ask(ctx, c, http.MethodGet, tenantPath(args[0])+"/limits", nil, nil, c.printToll)
			}
			return ask(ctx, c, http.MethodPatch, tenantPath(args[0])+"/limits", nil, in, c.printToll)
		})
	f := cmd.Flags()
	f.StringSliceVar(&allow, "allow", nil, "`PREFIXES` of numbers that may be called, such as +852; these lists go before the platform's; \"\" is none")
	f.StringSliceVar(&deny, "deny", nil, "`PREFIXES` that may not; the longest that fits decides")
	f.IntVar(&l.AtOnce, "at-once", 0, "calls at once, all apps together; 0 is the platform's bound, -1 none")
	f.IntVar(&l.PerHour, "per-hour", 0, "calls in a clock hour")
	f.IntVar(&l.PerDay, "per-day", 0, "calls in a day, UTC")
	f.IntVar(&l.Minutes, "minutes-per-day", 0, "minutes of talk in a day, UTC, on legs that the platform dials")
	return cmd
}
