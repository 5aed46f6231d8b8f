package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func bindingRow(b admin.Binding) []string {
	state := "open"
	if b.ClosedAt != nil {
		state = b.Reason
	}
	return []string{b.ID, b.Mode, b.X, b.A, b.B, b.Extension, b.Y, strconv.Itoa(b.Direction), state, clock(b.ExpiresAt), id(b.AppID)}
}

func (c *cli) bindingCommand() *cobra.Command {
	show := &query{}
	showCmd := c.leaf("show SUBSCRIPTION_ID", "Show one binding", "  maskline binding show 7f2c1f0e-5b3e-4a53-9d0e-3f6f0f6a1c11", oneArg("subscription id"),
		func(ctx context.Context, args []string) error {
			v, err := show.encode()
			if err != nil {
				return err
			}
			return ask(ctx, c, http.MethodGet, "/bindings/"+url.PathEscape(args[0]), v, nil, c.printBinding)
		})
	show.mark(showCmd, "reveal", "reveal", "show the real numbers; it is logged")
	return c.group("binding", "Relations that tenants made", "", "",
		listCommand(c, "/bindings", "List bindings, newest first", "  maskline binding list --x +8617000000001 --open",
			"SUBSCRIPTION_ID MODE X A B EXTENSION Y DIRECTION STATE EXPIRES APP", bindingRow, func(cmd *cobra.Command, q *query) {
				q.text(cmd, "app", "app", "only of this `APP`, by id or app_key")
				q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
				q.text(cmd, "mode", "mode", "only of this `MODE`: axb, ax, axe, axyb")
				q.text(cmd, "x", "x", "only on this private `NUMBER`")
				q.text(cmd, "y", "y", "only with this `NUMBER` as Y (axyb)")
				q.text(cmd, "extension", "extension", "only with this extension (axe)")
				q.text(cmd, "parent", "parent", "only the second steps of this `SUBSCRIPTION` (axyb)")
				q.text(cmd, "a", "a", "only with this `NUMBER` as A")
				q.text(cmd, "b", "b", "only with this `NUMBER` as B")
				q.mark(cmd, "open", "open", "only those that are open")
				q.mark(cmd, "reveal", "reveal", "show the real numbers; it is logged")
			}),
		showCmd, c.bindingExplain(),
	)
}

func (c *cli) printBinding(b admin.Binding) error {
	return c.facts("subscription_id", b.ID, "app", id(b.AppID), "tenant", id(b.TenantID), "mode", b.Mode, "parent", b.Parent, "x", b.X, "extension", b.Extension,
		"y", b.Y, "a", b.A, "b", b.B, "direction", strconv.Itoa(b.Direction), "created", clock(&b.CreatedAt), "expires", clock(b.ExpiresAt),
		"closed", clock(b.ClosedAt), "reason", b.Reason, "record", yes(b.Record), "max_duration", strconv.Itoa(b.MaxDuration)+" min", "user_data", b.UserData,
		"callback_num", b.CallbackNum, "callback_tone", b.CallbackTone, "callback", seconds(b.CallbackTime), "y lives", seconds(b.YLifetime),
		"off", onlyYes(b.Off), "show_caller", onlyYes(b.ShowCaller))
}

// seconds is a time in seconds for a line that is left out when there is none.
func seconds(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n) + " s"
}

// onlyYes is yes for a line that is left out otherwise.
func onlyYes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func (c *cli) bindingExplain() *cobra.Command {
	q := &query{}
	cmd := c.leaf("explain --dialled X --caller A [--extension E] [--at TIME]", "Say whom a caller of a number would reach, and why",
		`  maskline binding explain --dialled +8617000000001 --caller +8613800000001
  maskline binding explain --dialled +8617000000001 --caller anonymous --extension 1234
  maskline binding explain --dialled +8617000000001 --caller +8613800000001 --at 2h`, noArgs,
		func(ctx context.Context, _ []string) error {
			v, err := q.encode()
			if err != nil {
				return err
			}
			return ask(ctx, c, http.MethodGet, "/explain", v, nil, c.printExplanation)
		})
	q.text(cmd, "dialled", "dialled", "the private number that is dialled")
	q.text(cmd, "caller", "caller", "who dials it; anonymous for a hidden caller")
	q.text(cmd, "extension", "extension", "what the caller keys (axe)")
	q.text(cmd, "at", "at", "when; now if it is not given")
	q.mark(cmd, "reveal", "reveal", "show the real numbers; it is logged")
	require(cmd, "dialled", "caller")
	return cmd
}

func (c *cli) printExplanation(e admin.Explanation) error {
	note := ""
	if e.Past {
		note = "from the history of routes; states and settings of number, app and tenant are today's, and a number held by another call, black lists, rules that count calls, money and whether A is registered are not judged"
	}
	return c.facts("at", clock(&e.At), "outcome", outcome(e), "why", e.Why, "prompt", e.Prompt, "subscription_id", e.Binding, "mode", e.Mode, "app", id(e.AppID),
		"would refuse", findings(e.Findings), "note", note)
}

// findings are the risk rules that only report.
func findings(list []admin.Finding) string {
	texts := make([]string, len(list))
	for i, f := range list {
		texts[i] = fmt.Sprintf("%d %s", f.State, f.StateText)
	}
	return strings.Join(texts, "; ")
}

// outcome says in words what would happen to the call.
func outcome(e admin.Explanation) string {
	switch e.Outcome {
	case admin.OutcomeConnect:
		text := fmt.Sprintf("connected to %s, who sees %s", e.To, e.Shown)
		if e.Temporary {
			text += "; that is a temporary callee, used up when he answers"
		}
		if e.CallBack {
			text += "; he may call the caller back afterwards"
		}
		return text
	case admin.OutcomeRefuse:
		return fmt.Sprintf("refused: %d %s", e.State, e.StateText)
	case admin.OutcomeCollect:
		text := "asked for an extension"
		if q := e.Collect; q != nil {
			text += fmt.Sprintf(" of at most %d digits, and asked again %d times; %d s without a key end it", q.Digits, q.Repeats, q.Gap)
			if q.AnswerFirst {
				text += "; the call is answered first"
			}
		}
		return text + "; see who is behind one with --extension"
	case admin.OutcomeAsk:
		return "the tenant is asked at " + e.AskURL
	case admin.OutcomeAllocate:
		return "given a Y of its own, then connected to A, who sees that Y"
	}
	return e.Outcome
}
