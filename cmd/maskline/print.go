package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"maskline/web/admin"
)

func (c *cli) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(c.out, format, args...)
	return err
}

func (c *cli) printJSON(v any) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table prints rows under a heading, in columns.
func (c *cli) table(heading string, rows [][]string) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(w, strings.ReplaceAll(heading, " ", "\t")); err != nil {
		return err
	}
	for _, r := range rows {
		for i := range r {
			if r[i] == "" {
				r[i] = "-"
			}
		}
		if _, err := fmt.Fprintln(w, strings.Join(r, "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

// facts prints "name: value" lines from names and values in turn; empty values are left out.
func (c *cli) facts(pairs ...string) error {
	width := 0
	for pair := range slices.Chunk(pairs, 2) {
		if pair[len(pair)-1] != "" {
			width = max(width, len(pair[0]))
		}
	}
	for pair := range slices.Chunk(pairs, 2) {
		if pair[len(pair)-1] == "" {
			continue
		}
		if err := c.printf("%-*s  %s\n", width, pair[0], pair[len(pair)-1]); err != nil {
			return err
		}
	}
	return nil
}

// printList prints a page as a table, and how much more there is.
func printList[T any](c *cli, l admin.List[T], heading string, row func(T) []string) error {
	if c.json {
		return c.printJSON(l)
	}
	if l.Total == 0 {
		return c.printf("none\n")
	}
	rows := make([][]string, 0, len(l.Items))
	for _, item := range l.Items {
		rows = append(rows, row(item))
	}
	if err := c.table(heading, rows); err != nil {
		return err
	}
	if shown := int64(l.Offset + len(l.Items)); shown < l.Total {
		return c.printf("%d more; next: --offset %d\n", l.Total-shown, shown)
	}
	return nil
}

// clock prints a time in UTC, to the second; "" for none.
func clock(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

func id(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
