package main

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// query are the flags of a list command that become the query of its request.
type query struct {
	values map[string]*string
	flags  map[string]*bool
	offset int
	limit  int
	paged  bool
}

// text adds a flag that filters by a word.
func (q *query) text(cmd *cobra.Command, flag, param, usage string) {
	if q.values == nil {
		q.values = map[string]*string{}
	}
	q.values[param] = cmd.Flags().String(flag, "", usage)
}

// mark adds a flag that filters by yes.
func (q *query) mark(cmd *cobra.Command, flag, param, usage string) {
	if q.flags == nil {
		q.flags = map[string]*bool{}
	}
	q.flags[param] = cmd.Flags().Bool(flag, false, usage)
}

// span adds --since and --until.
func (q *query) span(cmd *cobra.Command) {
	q.text(cmd, "since", "since", "only from this `TIME` on: 2006-01-02T15:04:05Z, or ago: 2h")
	q.text(cmd, "until", "until", "only before this `TIME`")
}

// page adds --offset and --limit.
func (q *query) page(cmd *cobra.Command) {
	q.paged = true
	cmd.Flags().IntVar(&q.offset, "offset", 0, "skip so many")
	cmd.Flags().IntVar(&q.limit, "limit", 50, "show so many, at most 500")
}

func (q *query) encode() (url.Values, error) {
	v := url.Values{}
	for param, s := range q.values {
		if *s == "" {
			continue
		}
		value := *s
		if param == "since" || param == "until" || param == "at" {
			t, err := moment(value, time.Now())
			if err != nil {
				return nil, usagef("--%s: %w", param, err)
			}
			value = t.Format(time.RFC3339Nano)
		}
		v.Set(param, value)
	}
	for param, b := range q.flags {
		if *b {
			v.Set(param, "true")
		}
	}
	if q.paged {
		if q.offset < 0 || q.limit < 1 || q.limit > 500 {
			return nil, usagef("--offset is 0 or more, --limit 1 to 500")
		}
		v.Set("offset", strconv.Itoa(q.offset))
		v.Set("limit", strconv.Itoa(q.limit))
	}
	return v, nil
}

// moment reads a time: RFC 3339, a date, or a duration ago.
func moment(s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usagef("%q is no time such as 2006-01-02T15:04:05Z or 2h", s)
}

// listCommand is "… list": it gets a page and prints it.
func listCommand[T any](c *cli, path, short, example, heading string, row func(T) []string, flags func(*cobra.Command, *query)) *cobra.Command {
	q := &query{}
	cmd := c.leaf("list [flags]", short, example, noArgs, func(ctx context.Context, _ []string) error {
		v, err := q.encode()
		if err != nil {
			return err
		}
		cl, err := c.client()
		if err != nil {
			return err
		}
		return fetchList(ctx, c, cl, path, v, heading, row)
	})
	if flags != nil {
		flags(cmd, q)
	}
	q.page(cmd)
	return cmd
}

// ask sends one request and hands the answer to print, or prints it as JSON.
func ask[T any](ctx context.Context, c *cli, method, path string, query url.Values, in any, print func(T) error) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var out T
	if err := cl.do(ctx, method, path, query, in, &out); err != nil {
		return err
	}
	if c.json {
		return c.printJSON(out)
	}
	return print(out)
}
