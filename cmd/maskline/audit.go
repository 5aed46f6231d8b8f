package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

// walkIn bounds what goes through all of a long table.
const walkIn = 35 * time.Minute

func auditRow(a admin.AuditLine) []string {
	return []string{id(a.ID), clock(&a.At), a.Who, a.Role, id(a.TenantID), a.Action, a.Object, shortened(string(a.After), 60), a.From}
}

// shortened bounds a text for a column.
func shortened(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func auditFilters(cmd *cobra.Command, q *query) {
	q.text(cmd, "who", "who", "only what this `NAME` did; config:NAME for a token of the configuration, job:NAME for a job")
	q.text(cmd, "tenant", "tenant", "only about this `TENANT`, by id or name")
	q.text(cmd, "action", "action", "only this `ACTION`, such as tenants.state")
	q.text(cmd, "object", "object", "only about this `OBJECT`")
	q.span(cmd)
}

func (c *cli) auditCommand() *cobra.Command {
	return c.group("audit", "Who changed what: each line holds the hash of the one before", "", "",
		listCommand(c, "/audit", "List audit lines, newest first", "  maskline audit list --tenant Acme --since 24h", "ID AT WHO ROLE TENANT ACTION OBJECT AFTER FROM", auditRow, auditFilters),
		c.auditVerify(), c.auditExport(),
	)
}

func (c *cli) auditVerify() *cobra.Command {
	return c.leaf("verify", "Compute the chain of audit lines anew; it fails when a line was altered, removed or moved",
		"  maskline audit verify", noArgs, func(ctx context.Context, _ []string) error {
			return askLong(ctx, c, http.MethodGet, "/audit/verify", func(v admin.AuditCheck) error {
				if !v.OK {
					return fmt.Errorf("audit line %d is altered, missing or out of its place; %d lines before it are good", v.Broken, v.Checked)
				}
				return nil
			}, func(v admin.AuditCheck) error {
				if err := c.printf("%d lines are as they were written\n", v.Checked); err != nil {
					return err
				}
				return c.facts("length", strconv.FormatInt(v.Length, 10), "hash", v.Hash, "last", clock(v.At))
			})
		})
}

// askLong asks for what takes long and may turn out badly: judge gives the error with which the command fails, also beside --json.
func askLong[T any](ctx context.Context, c *cli, method, path string, judge, print func(T) error) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	cl.http.Timeout = walkIn
	var out T
	if err := cl.do(ctx, method, path, nil, nil, &out); err != nil {
		return err
	}
	bad := judge(out)
	switch {
	case c.json:
		return errors.Join(c.printJSON(out), bad)
	case bad != nil:
		return bad
	}
	return print(out)
}

func (c *cli) auditExport() *cobra.Command {
	q := &query{}
	cmd := c.exportCommand("export [flags] --out FILE", "Write audit lines to a file, oldest first, one JSON document a line",
		"  maskline audit export --since 720h --out audit.jsonl", "/audit/export", q)
	auditFilters(cmd, q)
	return cmd
}

// exportCommand streams what a route answers to a file or to standard output.
func (c *cli) exportCommand(use, short, example, path string, q *query) *cobra.Command {
	var out string
	cmd := c.leaf(use, short, example, noArgs, func(ctx context.Context, _ []string) error {
		v, err := q.encode()
		if err != nil {
			return err
		}
		cl, err := c.client()
		if err != nil {
			return err
		}
		cl.http.Timeout = walkIn
		res, err := cl.send(ctx, http.MethodGet, path, v, "", nil)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if out == "-" {
			_, err := io.Copy(c.out, res.Body)
			return err
		}
		n, err := save(out, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, res.Body)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(map[string]any{"file": out, "bytes": n})
		}
		return c.printf("wrote %s, %d bytes\n", out, n)
	})
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write, - for standard output")
	require(cmd, "out")
	return cmd
}
