package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func promptRow(p admin.Prompt) []string {
	return []string{id(p.ID), p.Name, id(p.TenantID), p.State, onlyYes(p.Urgent), length(p.Seconds), p.Encoding, clock(&p.UploadedAt), p.Reason}
}

const promptHeading = "ID NAME TENANT STATE URGENT LENGTH ENCODING UPLOADED REASON"

// length is how long a sound is.
func length(seconds float64) string { return strconv.FormatFloat(seconds, 'f', 1, 64) + " s" }

func promptPath(id string) string { return "/prompts/" + url.PathEscape(id) }

func (c *cli) printPrompt(p admin.Prompt) error {
	return c.table(promptHeading, [][]string{promptRow(p)})
}

func (c *cli) promptCommand() *cobra.Command {
	return c.group("prompt", "Tenants' tone files: upload, review, download", "", "",
		c.promptAdd(),
		listCommand(c, "/prompts", "List prompts, newest first", "  maskline prompt list --state waiting", promptHeading, promptRow,
			func(cmd *cobra.Command, q *query) {
				q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
				q.text(cmd, "name", "name", "only of this `NAME`")
				reviewFilters(cmd, q)
			}),
		c.soundCommand("get ID [--out FILE]", "Download a prompt as it was uploaded, to listen to it", "  maskline prompt get 12 --out - | aplay", "prompt's id",
			func(args []string) (string, string, any) { return http.MethodGet, promptPath(args[0]) + "/sound", nil }),
		decideCommand(c, "approve", "prompt", "Approve a prompt: calls play it from now on", promptPath, c.printPrompt),
		decideCommand(c, "reject", "prompt", "Reject a prompt", promptPath, c.printPrompt),
		urgeCommand(c, "prompt", promptPath), removeCommand(c, "prompt", "Remove a prompt; not while a live binding or an app names it", promptPath),
	)
}

// reviewFilters are the filters that prompts and templates share.
func reviewFilters(cmd *cobra.Command, q *query) {
	q.text(cmd, "state", "state", "only in this `STATE`: waiting, approved, rejected, removed")
	q.mark(cmd, "urgent", "urgent", "only those for which speed was asked")
}

func (c *cli) promptAdd() *cobra.Command {
	var tenant, name string
	var urgent bool
	cmd := c.leaf("add --tenant TENANT [--name NAME.wav] [--urgent] FILE", "Upload a prompt: A-law, µ-law or 16-bit PCM, 8 kHz, mono, at most 2 MB; it waits for its review",
		"  maskline prompt add --tenant Acme welcome.wav\n  maskline prompt add --tenant Acme --name wait.wav /tmp/music.wav --urgent", oneArg("file"),
		func(ctx context.Context, args []string) error {
			file, err := os.Open(args[0]) //nolint:gosec // the operator names the file
			if err != nil {
				return fmt.Errorf("open the prompt: %w", err)
			}
			defer func() { _ = file.Close() }()
			if name == "" {
				name = filepath.Base(args[0])
			}
			v := url.Values{"tenant": {tenant}, "name": {name}}
			if urgent {
				v.Set("urgent", "true")
			}
			cl, err := c.client()
			if err != nil {
				return err
			}
			var p admin.Prompt
			if err := cl.upload(ctx, "/prompts", v, "audio/wav", file, &p); err != nil {
				return err
			}
			if c.json {
				return c.printJSON(p)
			}
			return c.printPrompt(p)
		})
	cmd.Flags().StringVar(&tenant, "tenant", "", "whose it is: a tenant's id or name")
	cmd.Flags().StringVar(&name, "name", "", "its name, by which requests name it; the file's own if it is not given")
	cmd.Flags().BoolVar(&urgent, "urgent", false, "ask for speed")
	require(cmd, "tenant")
	return cmd
}

// decideCommand is "approve ID" and "reject ID --reason TEXT" of prompts and templates.
func decideCommand[T any](c *cli, verb, what, short string, path func(string) string, print func(T) error) *cobra.Command {
	var in admin.ReasonRequest
	use, example := verb+" ID", fmt.Sprintf("  maskline %s %s 12", what, verb)
	if verb == "reject" {
		use, example = use+" --reason TEXT", example+` --reason "advertising needs the callee's consent"`
	}
	cmd := c.leaf(use, short, example, oneArg(what+"'s id"), func(ctx context.Context, args []string) error {
		return ask(ctx, c, http.MethodPost, path(args[0])+"/"+verb, nil, in, print)
	})
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why; the tenant is told")
	if verb == "reject" {
		require(cmd, "reason")
	}
	return cmd
}

// urgeCommand is "urge ID".
func urgeCommand(c *cli, what string, path func(string) string) *cobra.Command {
	return c.leaf("urge ID", "Ask for speed with the review", fmt.Sprintf("  maskline %s urge 12", what), oneArg(what+"'s id"),
		func(ctx context.Context, args []string) error {
			return ask(ctx, c, http.MethodPost, path(args[0])+"/urge", nil, nil, func(admin.Count) error { return c.printf("marked as urgent\n") })
		})
}

// removeCommand is "remove ID".
func removeCommand(c *cli, what, short string, path func(string) string) *cobra.Command {
	var reason string
	cmd := c.leaf("remove ID [--reason TEXT]", short, fmt.Sprintf("  maskline %s remove 12", what), oneArg(what+"'s id"),
		func(ctx context.Context, args []string) error {
			v := url.Values{}
			if reason != "" {
				v.Set("reason", reason)
			}
			return ask(ctx, c, http.MethodDelete, path(args[0]), v, nil, func(admin.Count) error { return c.printf("removed\n") })
		})
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	return cmd
}
