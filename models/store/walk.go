package store

import (
	"context"
	"slices"
	"time"

	"maskline/models"
)

// walkPage is how many rows a walk reads at a time.
const walkPage = 1000

// walk is a way through many rows by the page, in order of a column of time and the id. It holds no transaction and no connection between pages, so a
// slow reader costs nothing; what is written behind its place during the walk is not seen.
type walk[T any] struct {
	cols  columns[T]
	where conditions
	by    string // column of time
	id    string // column of the id
	old   bool   // oldest first
	place func(T) (at time.Time, id int64)
}

// each gives do the rows, a page at a time, until it fails.
func (w walk[T]) each(ctx context.Context, s *Store, do func([]T) error) error {
	order, past := " ORDER BY "+w.by+" DESC, "+w.id+" DESC LIMIT ?", w.by+" <= ? AND ("+w.by+" < ? OR "+w.id+" < ?)"
	if w.old {
		order, past = " ORDER BY "+w.by+", "+w.id+" LIMIT ?", w.by+" >= ? AND ("+w.by+" > ? OR "+w.id+" > ?)"
	}
	for c := w.where; ; {
		rows, err := w.cols.all(s.reader(ctx), c.String()+order, append(slices.Clip(c.args), walkPage)...)
		if err != nil {
			return wrap("walk "+w.cols.table, err)
		}
		if err := do(rows); err != nil {
			return err
		}
		if len(rows) < walkPage {
			return nil
		}
		at, id := w.place(rows[len(rows)-1])
		c = w.where
		c.terms, c.args = slices.Clip(c.terms), slices.Clip(c.args)
		c.add(past, micros(at), micros(at), id)
	}
}

// one by one, for do that takes a single row.
func oneByOne[T any](do func(T) error) func([]T) error {
	return func(rows []T) error {
		for _, r := range rows {
			if err := do(r); err != nil {
				return err
			}
		}
		return nil
	}
}

// EachCDR gives do every record of the filter, in the order of CDRs, until do fails.
func (s *Store) EachCDR(ctx context.Context, f CDRFilter, do func(models.CDR) error) error {
	c, err := s.cdrConditions(ctx, f)
	if err != nil {
		return err
	}
	w := walk[models.CDR]{cdrColumns, c, "t.call_in_at", "t.id", f.OldestFirst, func(c models.CDR) (time.Time, int64) { return c.CallInAt, c.ID }}
	return w.each(ctx, s, oneByOne(do))
}

// EachCharge gives do every charge of the filter, that of the call that ended last first, until do fails.
func (s *Store) EachCharge(ctx context.Context, f ChargeFilter, do func(models.Charge) error) error {
	w := walk[models.Charge]{chargeColumns, f.conditions(), "t.end_at", "t.id", false, func(c models.Charge) (time.Time, int64) { return c.EndAt, c.ID }}
	return w.each(ctx, s, oneByOne(do))
}

// EachEntry gives do every entry of the filter with its postings, newest first, until do fails.
func (s *Store) EachEntry(ctx context.Context, f EntryFilter, do func(models.Entry) error) error {
	c, at := f.conditions()
	id := "t.id"
	if f.Account != "" {
		id = "p.entry_id"
	}
	w := walk[models.Entry]{entryColumns, c, at, id, false, func(e models.Entry) (time.Time, int64) { return e.At, e.ID }}
	return w.each(ctx, s, func(rows []models.Entry) error {
		if err := fillPostings(s.reader(ctx), rows); err != nil {
			return wrap("walk entries", err)
		}
		return oneByOne(do)(rows)
	})
}
