package store

import (
	"context"
	"database/sql"
	"math"
	"time"

	"maskline/models"
)

// AuditFilter narrows audit lines; zero fields narrow nothing.
type AuditFilter struct {
	Who      string
	TenantID int64
	Action   string
	Object   string
	Since    time.Time // at or after
	Until    time.Time // before
}

// auditPage is how many lines are read at a time where all of them are: with lines of the greatest size, 24 MB.
const auditPage = 200

// where turns the filter into conditions. Lines stand in order of time, so a span of time is one of ids, and any index serves it in order.
func (s *Store) auditWhere(ctx context.Context, f AuditFilter) (c conditions, err error) {
	is(&c, "t.who", f.Who)
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.action", f.Action)
	is(&c, "t.object", f.Object)
	for _, end := range []struct {
		term string
		at   time.Time
	}{{"t.id >= ?", f.Since}, {"t.id < ?", f.Until}} {
		if end.at.IsZero() {
			continue
		}
		id, err := s.auditFrom(ctx, end.at)
		if err != nil {
			return c, err
		}
		c.add(end.term, id)
	}
	return c, nil
}

// auditFrom is the id of the first line at or after a time, greater than any when there is none.
func (s *Store) auditFrom(ctx context.Context, at time.Time) (int64, error) {
	id := int64(math.MaxInt64)
	_, err := one(s.reader(ctx), []any{num(&id)}, "SELECT id FROM audit WHERE at >= ? ORDER BY at, id LIMIT 1", micros(at))
	return id, wrap("find audit lines of a time", err)
}

// AuditLines lists audit lines, newest first.
func (s *Store) AuditLines(ctx context.Context, f AuditFilter, page models.Page) ([]models.Audit, int, error) {
	c, err := s.auditWhere(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	return listed(ctx, s, auditColumns, c, "t.id DESC", page)
}

// EachAudit gives every audit line that the filter takes to do, oldest first, and ends with do's first error. It holds neither memory nor a
// connection while do works, so a slow reader of an export costs nothing.
func (s *Store) EachAudit(ctx context.Context, f AuditFilter, do func(models.Audit) error) error {
	c, err := s.auditWhere(ctx, f)
	if err != nil {
		return err
	}
	for after := int64(math.MinInt64); ; {
		p := c
		p.terms, p.args = append([]string{}, c.terms...), append([]any{}, c.args...)
		p.add("t.id > ?", after)
		lines, err := auditColumns.all(s.reader(ctx), p.String()+" ORDER BY t.id LIMIT ?", append(p.args, auditPage)...)
		if err != nil {
			return wrap("read audit lines", err)
		}
		for _, a := range lines {
			if err := do(a); err != nil {
				return err
			}
			after = a.ID
		}
		if len(lines) < auditPage {
			return nil
		}
	}
}

// VerifyAudit computes the chain anew. broken is 0 when every line is as it was written, in its place, and the chain's end agrees; else the id of
// the first line that is not, or that is missing. checked is how many lines before it are good. Lines that are appended meanwhile are left to
// the next time. One who may write the database can also write a new chain that is right in itself: see AuditEnd.
func (s *Store) VerifyAudit(ctx context.Context) (checked int, broken int64, err error) {
	end, last, err := s.auditSpan(ctx)
	if err != nil {
		return 0, 0, err
	}
	previous, at := "", time.Time{}
	for after := int64(math.MinInt64); checked < int(end.Length); {
		lines, err := auditColumns.all(s.reader(ctx), "WHERE t.id > ? AND t.id <= ? ORDER BY t.id LIMIT ?", after, end.Length, auditPage)
		if err != nil {
			return checked, 0, wrap("read audit lines", err)
		}
		for _, a := range lines {
			if a.ID != int64(checked)+1 || a.Previous != previous || a.Hash != auditHash(a) || a.At.Before(at) {
				return checked, int64(checked) + 1, nil
			}
			checked, after, previous, at = checked+1, a.ID, a.Hash, a.At
		}
		if len(lines) == 0 {
			return checked, int64(checked) + 1, nil
		}
	}
	switch {
	case last > end.Length: // written past the end that is known
		return checked, end.Length + 1, nil
	case previous != end.Hash || !at.Equal(end.At):
		return max(0, checked-1), max(1, end.Length), nil
	}
	return checked, 0, nil
}

// auditSpan reads the chain's end and the greatest id in one statement: at any moment they are the same.
func (s *Store) auditSpan(ctx context.Context) (e AuditEnd, last int64, err error) {
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		return rows.Scan(num(&e.Length), when(&e.At), text(&e.Hash), num(&last))
	}, "SELECT h.length, h.at, h.hash, (SELECT MAX(id) FROM audit) FROM (SELECT 1 AS one) q LEFT JOIN audit_head h ON h.id = 1")
	return e, last, wrap("read the audit's end", err)
}
