package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"maskline/models"
)

// CountMax is where the totals of lists stop counting: a list with more rows says CountMax.
const CountMax = 100_000

// conditions is a WHERE clause in the making.
type conditions struct {
	join  string // another table that is asked too
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	c.terms = append(c.terms, term)
	c.args = append(c.args, args...)
}

// is adds "column = v" unless v is the zero value.
func is[T comparable](c *conditions, column string, v T) {
	var zero T
	if v != zero {
		c.add(column+" = ?", v)
	}
}

// span adds since <= column < until; zero times bound nothing.
func (c *conditions) span(column string, since, until time.Time) {
	if !since.IsZero() {
		c.add(column+" >= ?", micros(since))
	}
	if !until.IsZero() {
		c.add(column+" < ?", micros(until))
	}
}

func (c *conditions) String() string {
	if len(c.terms) == 0 {
		return c.join
	}
	return strings.TrimLeft(c.join+" WHERE ", " ") + strings.Join(c.terms, " AND ")
}

// listed reads one page of a table in the given order, and how many rows there are in all, up to CountMax.
func listed[T any](ctx context.Context, s *Store, cols columns[T], where conditions, order string, page models.Page) ([]T, int, error) {
	offset, limit := page.Bounds()
	db := s.reader(ctx)
	rows, err := cols.all(db, fmt.Sprintf("%s ORDER BY %s LIMIT ? OFFSET ?", where.String(), order), append(slices.Clip(where.args), limit, offset)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list %s: %w", cols.table, err)
	}
	if len(rows) < limit && (len(rows) > 0 || offset == 0) {
		return rows, offset + len(rows), nil
	}
	total := 0
	count := fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1 AS one FROM %s t %s LIMIT %d) counted", cols.table, where.String(), CountMax)
	if _, err := one(db, []any{num(&total)}, count, where.args...); err != nil {
		return nil, 0, fmt.Errorf("count %s: %w", cols.table, err)
	}
	return rows, total, nil
}
