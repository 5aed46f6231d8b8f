package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func templateRow(t admin.Template) []string {
	return []string{t.ID, t.Name, id(t.TenantID), t.State, onlyYes(t.Urgent), clock(&t.UploadedAt), t.Content, t.Reason}
}

func templatePath(id string) string { return "/templates/" + url.PathEscape(id) }

func (c *cli) printTemplate(t admin.Template) error {
	return c.facts("template_id", t.ID, "name", t.Name, "tenant", id(t.TenantID), "state", t.State, "urgent", onlyYes(t.Urgent), "content", t.Content, "voice", t.Voice,
		"rate", strconv.Itoa(t.Rate)+" %", "scene", t.Scene, "uploaded", clock(&t.UploadedAt), "by", t.UploadedBy, "reviewed", clock(t.ReviewedAt), "reviewed by", t.ReviewedBy,
		"reason", t.Reason)
}

func (c *cli) templateCommand() *cobra.Command {
	return c.group("template", "Texts for speech with places for values: add, review, try", "", "",
		c.templateAdd(),
		listCommand(c, "/templates", "List templates, newest first", "  maskline template list --state waiting", "TEMPLATE_ID NAME TENANT STATE URGENT UPLOADED CONTENT REASON", templateRow,
			func(cmd *cobra.Command, q *query) {
				q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
				reviewFilters(cmd, q)
			}),
		c.leaf("show ID", "Show one template", "  maskline template show 5f0c6c1c2b8f4f0f9f6f3b1c1c2b8f4f", oneArg("template's id"),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodGet, templatePath(args[0]), nil, nil, c.printTemplate)
			}),
		c.templateTry(),
		decideCommand(c, "approve", "template", "Approve a template: requests may name it from now on", templatePath, c.printTemplate),
		decideCommand(c, "reject", "template", "Reject a template", templatePath, c.printTemplate),
		urgeCommand(c, "template", templatePath), removeCommand(c, "template", "Remove a template; calls that wait still speak it", templatePath),
	)
}

func (c *cli) templateAdd() *cobra.Command {
	var in admin.TemplateRequest
	cmd := c.leaf("add --tenant TENANT --name NAME [flags] TEXT", "Add a template; it waits for its review",
		`  maskline template add --tenant Acme --name parcel '您的快递${TXT_8}已到，取件码${NUM_6}。'`, oneArg("text"),
		func(ctx context.Context, args []string) error {
			in.Content = args[0]
			return ask(ctx, c, http.MethodPost, "/templates", nil, in, c.printTemplate)
		})
	cmd.Long = cmd.Short + `.
The text has at most 900 bytes and begins with a Chinese character. Its variables: ${TXT_n} text of up to n characters, ${NUM_n} up to n digits,
${DATE} as 2017/12/31, ${TIME} as 23:59 or 23:59:59. Digits are read one by one.`
	f := cmd.Flags()
	f.StringVar(&in.Tenant, "tenant", "", "whose it is: a tenant's id or name")
	f.StringVar(&in.Name, "name", "", "its name, 1 to 64 characters")
	f.StringVar(&in.Voice, "voice", "", "the engine's voice; its own if it is not given")
	f.IntVar(&in.Rate, "rate", 0, "speed in percent, 50 to 200; 0 is 100")
	f.StringVar(&in.Scene, "scene", "", "what it is for, for the reviewer")
	f.BoolVar(&in.Urgent, "urgent", false, "ask for speed")
	require(cmd, "tenant", "name")
	return cmd
}

// templateTry fills a template: it prints the text, or with --out saves the sound.
func (c *cli) templateTry() *cobra.Command {
	var out string
	cmd := c.leaf("try ID [VALUE...] [--out FILE]", "Fill a template with values and print what would be spoken; with --out, save its sound",
		"  maskline template try 5f0c6c1c2b8f4f0f9f6f3b1c1c2b8f4f 中通 123456 --out try.wav", cobra.ArbitraryArgs,
		func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				return usagef("name the template's id")
			}
			in := admin.FillRequest{Paras: args[1:]}
			if out != "" {
				return c.download(ctx, http.MethodPost, templatePath(args[0])+"/sound", in, out)
			}
			return ask(ctx, c, http.MethodPost, templatePath(args[0])+"/try", nil, in, func(f admin.Filled) error {
				return c.printf("%s\n", strings.TrimSpace(f.Text))
			})
		})
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write, - for standard output")
	return cmd
}
