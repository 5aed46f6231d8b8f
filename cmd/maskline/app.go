package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"maskline/web/admin"
)

func appRow(a admin.App) []string {
	return []string{id(a.ID), a.Key, a.Name, a.Mode, a.State, id(a.TenantID), yes(a.Record)}
}

func (c *cli) printApp(a admin.App) error {
	facts := []string{"app", id(a.ID), "name", a.Name, "tenant", id(a.TenantID), "mode", a.Mode, "state", a.State,
		"app_key", a.Key, "app_secret", a.Secret, "status_url", a.StatusURL, "fee_url", a.FeeURL, "push_scheme", a.PushScheme,
		"record", yes(a.Record), "sms", yes(a.SMS), "one_use_nonce", yes(a.OneUseNonce), "allow_from", strings.Join(a.AllowFrom, ", ")}
	err := c.facts(append(facts, settingFacts(a)...)...)
	if err == nil && a.Secret != "" {
		err = c.printf("Keep app_secret now; it is not shown again.\n")
	}
	return err
}

func (c *cli) appCommand() *cobra.Command {
	return c.group("app", "Applications of tenants: a key, a secret, a mode, URLs", "", "",
		c.appCreate(),
		listCommand(c, "/apps", "List apps", "  maskline app list --tenant Acme", "ID APP_KEY NAME MODE STATE TENANT RECORD", appRow,
			func(cmd *cobra.Command, q *query) {
				q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
				q.text(cmd, "mode", "mode", "only of this `MODE`: axb, ax, axe, axyb, x, voice")
				q.text(cmd, "state", "state", "only this `STATE`: normal, suspended")
			}),
		c.leaf("show APP", "Show one app", "  maskline app show 3", oneArg("app, by id or app_key"),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodGet, appPath(args[0]), nil, nil, c.printApp)
			}),
		c.appSet(), c.appSecret(), c.appTestPush(),
	)
}

func appPath(app string) string { return "/apps/" + url.PathEscape(app) }

// appFlags adds the settings that create and set share; those given end up in the request that the function returns.
func appFlags(f *pflag.FlagSet) func() (admin.AppRequest, error) {
	var (
		name     = f.String("name", "", "its name, 1 to 64 characters")
		status   = f.String("status-url", "", "where call events are pushed")
		fee      = f.String("fee-url", "", "where CDRs are pushed")
		scheme   = f.String("push-scheme", "aksk", "how pushes are signed: aksk, wsse or both")
		record   = f.Bool("record", false, "its calls may be recorded")
		sms      = f.Bool("sms", false, "its bindings may name privateSms")
		nonce    = f.Bool("one-use-nonce", false, "refuse a nonce that comes again with another request")
		allow    = f.StringSlice("allow-from", nil, "addresses and prefixes its requests may come from; empty is everywhere")
		pairs    = f.Int("pairs-per-number", 0, "bindings one X may carry, 1 to 5000; 0 is 5000")
		prompts  = f.StringToString("prompt", nil, "own tone file for a default one: `busy.wav=mine.wav`")
		state    = f.String("state", "", "normal or suspended")
		settings = settingsFlags(f)
		ifSet    = func(flag string) bool { return f.Changed(flag) }
	)
	return func() (r admin.AppRequest, err error) {
		given(ifSet, "name", name, &r.Name)
		given(ifSet, "status-url", status, &r.StatusURL)
		given(ifSet, "fee-url", fee, &r.FeeURL)
		given(ifSet, "push-scheme", scheme, &r.PushScheme)
		given(ifSet, "record", record, &r.Record)
		given(ifSet, "sms", sms, &r.SMS)
		given(ifSet, "one-use-nonce", nonce, &r.OneUseNonce)
		given(ifSet, "allow-from", allow, &r.AllowFrom)
		given(ifSet, "pairs-per-number", pairs, &r.PairsPerNumber)
		given(ifSet, "state", state, &r.State)
		if ifSet("prompt") {
			r.Prompts = *prompts
		}
		r.Settings, err = settings()
		return r, err
	}
}

// given points to at the flag's value if the flag was written.
func given[T any](ifSet func(string) bool, flag string, value *T, to **T) {
	if ifSet(flag) {
		*to = value
	}
}

func (c *cli) appCreate() *cobra.Command {
	var tenant, mode string
	var request func() (admin.AppRequest, error)
	cmd := c.leaf("create --tenant TENANT --name NAME [--mode axb] [flags]", "Make an app and print its key and secret, once",
		`  maskline app create --tenant Acme --mode axb --name delivery --record \
    --status-url https://acme.example/status --fee-url https://acme.example/fee
  maskline app create --tenant Acme --mode axe --name shops --digits 3 --repeats 2 --callback-tone nobody.wav
  maskline app create --tenant Acme --mode x --name calls --status-url https://acme.example/status --ask-url https://acme.example/route
  maskline app create --tenant Acme --mode voice --name notices --fee-url https://acme.example/fee --voice ports=50,rate=20`, noArgs,
		func(ctx context.Context, _ []string) error {
			in, err := request()
			if err != nil {
				return err
			}
			in.Tenant, in.Mode = tenant, mode
			return ask(ctx, c, http.MethodPost, "/apps", nil, in, c.printApp)
		})
	cmd.Flags().StringVar(&tenant, "tenant", "", "whose it is: a tenant's id or name")
	cmd.Flags().StringVar(&mode, "mode", "axb", "what its numbers do, for good: axb, ax, axe, axyb, x or voice (placed calls)")
	request = appFlags(cmd.Flags())
	require(cmd, "tenant", "name")
	return cmd
}

func (c *cli) appSet() *cobra.Command {
	var request func() (admin.AppRequest, error)
	cmd := c.leaf("set APP [flags]", "Change settings of an app; what is not named stays", `  maskline app set 3 --status-url https://acme.example/v2 --record=false
  maskline app set 3 --state suspended
  maskline app set 3 --risk frequency=report,per_caller=20 --risk period=refuse,from=08:00,until=22:00
  maskline app set 4 --voice ports=200,rate=50,number.rate=5 --voice services=callnotify+callverify`, oneArg("app, by id or app_key"),
		func(ctx context.Context, args []string) error {
			in, err := request()
			if err != nil {
				return err
			}
			return ask(ctx, c, http.MethodPatch, appPath(args[0]), nil, in, c.printApp)
		})
	request = appFlags(cmd.Flags())
	return cmd
}

func (c *cli) appSecret() *cobra.Command {
	var keep time.Duration
	rotate := c.leaf("rotate APP [--keep-old 24h]", "Give an app a new secret and print it, once", "  maskline app secret rotate 3 --keep-old 24h",
		oneArg("app, by id or app_key"), func(ctx context.Context, args []string) error {
			if keep < 0 || keep > 365*24*time.Hour {
				return usagef("--keep-old is 0 to 8760h")
			}
			in := admin.SecretRequest{OldValid: int(keep.Seconds())}
			return ask(ctx, c, http.MethodPost, appPath(args[0])+"/secrets", nil, in, func(s admin.SecretAnswer) error {
				if err := c.facts("app_key", s.Key, "app_secret", s.Secret); err != nil {
					return err
				}
				return c.printf("Keep app_secret now; it is not shown again. The old one holds for %s more.\n", keep)
			})
		})
	rotate.Flags().DurationVar(&keep, "keep-old", 24*time.Hour, "how long the old secret still holds")
	return c.group("secret", "Secrets of an app", "", "", rotate)
}

func (c *cli) appTestPush() *cobra.Command {
	return c.leaf("test-push APP", "Push one signed sample event to the app's URLs", "  maskline app test-push 3", oneArg("app, by id or app_key"),
		func(ctx context.Context, args []string) error {
			var failed error
			err := ask(ctx, c, http.MethodPost, appPath(args[0])+"/test-push", nil, nil, func(p admin.PushTest) error {
				if !p.OK {
					failed = fmt.Errorf("the push failed: %s (status %d after %.2f s)", p.Error, p.Status, p.Seconds)
					return nil
				}
				return c.printf("ok: status %d after %.2f s\n", p.Status, p.Seconds)
			})
			if err != nil {
				return err
			}
			return failed
		})
}
