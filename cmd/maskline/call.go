package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func callRow(s admin.Call) []string {
	return []string{s.SessionID, s.Stage, s.Caller, s.Dialled, s.Callee, s.Switch, clock(&s.StartedAt), clock(s.EndedAt)}
}

func (c *cli) callCommand() *cobra.Command {
	return c.group("call", "Calls: waiting, live and past", "", "",
		c.callList(), c.callProgress(),
		showCommand(c, "Show one call with its events and its record", "  maskline call show 5ac1c1c2-…@fs1", "/calls/", c.printCall),
		c.leaf("stop SESSION", "End a live call, or take one that waits out of the queue", "  maskline call stop 5ac1c1c2-…@fs1", oneArg("session id"),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodPost, "/calls/"+url.PathEscape(args[0])+"/stop", nil, nil, func(admin.Count) error {
					return c.printf("stopping %s\n", args[0])
				})
			}),
	)
}

// callFilters are the filters that calls and records share.
func callFilters(cmd *cobra.Command, q *query) {
	q.text(cmd, "app", "app", "only of this `APP`, by id or app_key")
	q.text(cmd, "tenant", "tenant", "only of this `TENANT`, by id or name")
	q.text(cmd, "caller", "caller", "only from this `NUMBER`")
	q.text(cmd, "callee", "callee", "only to this `NUMBER`")
	q.span(cmd)
	q.mark(cmd, "reveal", "reveal", "show the real numbers; it is logged")
}

// showCommand is "show SESSION" of calls and records.
func showCommand[T any](c *cli, short, example, path string, print func(T) error) *cobra.Command {
	q := &query{}
	cmd := c.leaf("show SESSION", short, example, oneArg("session id"), func(ctx context.Context, args []string) error {
		v, err := q.encode()
		if err != nil {
			return err
		}
		return ask(ctx, c, http.MethodGet, path+url.PathEscape(args[0]), v, nil, print)
	})
	q.mark(cmd, "reveal", "reveal", "show the real numbers; it is logged")
	return cmd
}

func (c *cli) printCall(s admin.Call) error {
	err := c.facts("session", s.SessionID, "stage", s.Stage, "caller", s.Caller, "dialled", s.Dialled, "extension", s.Extension, "callee", s.Callee, "switch", s.Switch,
		"trunk", s.Trunk, "app", id(s.AppID), "tenant", id(s.TenantID), "binding", s.Binding, "started", clock(&s.StartedAt), "ended", clock(s.EndedAt))
	if err != nil {
		return err
	}
	if len(s.Events) > 0 {
		rows := make([][]string, 0, len(s.Events))
		for _, e := range s.Events {
			state := ""
			if e.Type == "disconnect" {
				state = strconv.Itoa(e.State) + " " + e.StateText
			}
			if e.Digits != "" {
				state = "keyed " + e.Digits
			}
			rows = append(rows, []string{clock(&e.At), e.Type, e.Caller, e.Called, state})
		}
		if err := c.printf("\n"); err != nil {
			return err
		}
		if err := c.table("AT EVENT CALLER CALLED STATE", rows); err != nil {
			return err
		}
	}
	if s.CDR == nil {
		return nil
	}
	if err := c.printf("\n"); err != nil {
		return err
	}
	return c.printCDR(*s.CDR)
}

func cdrRow(r admin.CDR) []string {
	return []string{r.SessionID, clock(r.CallInAt), r.Caller, r.X, r.Callee, strconv.FormatInt(r.Talk, 10), strconv.Itoa(r.State), r.StateText}
}

// count is a number for a line that is left out when it is 0.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (c *cli) printCDR(r admin.CDR) error {
	return c.facts("session", r.SessionID, "caller", r.Caller, "x", r.X, "extension", r.Extension, "callee", r.Callee, "shown", r.Shown, "call in", clock(r.CallInAt),
		"leg 1 dialled", clock(r.OutAt), "leg 1 alerting", clock(r.OutAlertingAt), "leg 1 answered", clock(r.OutAnswerAt), "leg 1 q850", count(r.OutQ850), "speech", seconds(r.SpeechSeconds),
		"dialled out", clock(r.StartAt), "alerting", clock(r.AlertingAt), "answered", clock(r.AnswerAt), "ended", clock(r.EndAt),
		"talk", strconv.FormatInt(r.Talk, 10)+" s", "state", strconv.Itoa(r.State)+" "+r.StateText, "q850", strconv.Itoa(r.Q850),
		"sip status", strconv.Itoa(r.SIPStatus), "recording", r.RecordFile, "source", r.Source, "incomplete", r.Shortfall)
}

func (c *cli) cdrCommand() *cobra.Command {
	return c.group("cdr", "Records of calls", "", "",
		listCommand(c, "/cdrs", "List records, newest first", "  maskline cdr list --since 24h --json",
			"SESSION CALL_IN CALLER X CALLEE TALK STATE TEXT", cdrRow, func(cmd *cobra.Command, q *query) {
				callFilters(cmd, q)
				q.text(cmd, "x", "x", "only through this private `NUMBER`")
				q.text(cmd, "session", "session", "only of this `SESSION`")
			}),
		showCommand(c, "Show one record", "  maskline cdr show 5ac1c1c2-…@fs1", "/cdrs/", c.printCDR),
		c.cdrExplain(),
	)
}
