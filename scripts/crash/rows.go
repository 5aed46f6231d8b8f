package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// rows is what the database says of a round's sessions, read with SQL of the checker's own.
type rows struct {
	sessions map[string]*session   // by id
	byCall   map[string][]*session // by the first leg
}

type session struct {
	id, legA, mode, stage string
	switchName            string
	ended                 time.Time
	events                map[string]int // by type
	cdrs                  []cdrRow
	charges               map[int]chargeRow // by leg
	pushes                map[string][]pushRow
	recordings            []recordingRow
}

type cdrRow struct {
	answer, end, outAnswer time.Time
	source                 string
	fail, hungUpBy         int
	record                 bool
	file                   string
}

type chargeRow struct{ seconds, units, amount int64 }

type pushRow struct{ state, key string }

type recordingRow struct{ name, state string }

// lastSession is where the next round's sessions begin.
func lastSession(ctx context.Context, db *sql.DB) (seq int64, err error) {
	err = db.QueryRowContext(ctx, "SELECT COALESCE(MAX(seq), 0) FROM sessions").Scan(&seq)
	return seq, err
}

// load reads everything about the sessions after seq.
func load(ctx context.Context, db *sql.DB, seq int64) (*rows, error) {
	r := &rows{sessions: map[string]*session{}, byCall: map[string][]*session{}}
	each := func(query string, scan func(*sql.Rows) error) error {
		list, err := db.QueryContext(ctx, query, seq)
		if err != nil {
			return fmt.Errorf("check: %w", err)
		}
		defer func() { _ = list.Close() }()
		for list.Next() {
			if err := scan(list); err != nil {
				return fmt.Errorf("check: %w", err)
			}
		}
		return list.Err()
	}
	err := each("SELECT id, leg_a, mode, stage, `switch`, ended_at FROM sessions WHERE seq > ?", func(l *sql.Rows) error {
		s := &session{events: map[string]int{}, charges: map[int]chargeRow{}, pushes: map[string][]pushRow{}}
		err := l.Scan(&s.id, &s.legA, &s.mode, &s.stage, &s.switchName, micro{&s.ended})
		r.sessions[s.id] = s
		r.byCall[s.legA] = append(r.byCall[s.legA], s)
		return err
	})
	if err != nil {
		return nil, err
	}
	const of = " t JOIN sessions s ON s.id = t.session_id WHERE s.seq > ?"
	for _, q := range []struct {
		query string
		scan  func(l *sql.Rows, id *string) (func(*session), error)
	}{
		{"SELECT t.session_id, t.type FROM call_events" + of, func(l *sql.Rows, id *string) (func(*session), error) {
			var kind string
			err := l.Scan(id, &kind)
			return func(s *session) { s.events[kind]++ }, err
		}},
		{"SELECT t.session_id, t.answer_at, t.end_at, t.out_answer_at, t.source, t.fail, t.hung_up_by, t.record, t.record_file FROM cdrs" + of,
			func(l *sql.Rows, id *string) (func(*session), error) {
				var c cdrRow
				err := l.Scan(id, micro{&c.answer}, micro{&c.end}, micro{&c.outAnswer}, &c.source, &c.fail, &c.hungUpBy, &c.record, &c.file)
				return func(s *session) { s.cdrs = append(s.cdrs, c) }, err
			}},
		{"SELECT t.session_id, t.leg, t.seconds, t.units, t.amount FROM charges" + of, func(l *sql.Rows, id *string) (func(*session), error) {
			var leg int
			var c chargeRow
			err := l.Scan(id, &leg, &c.seconds, &c.units, &c.amount)
			return func(s *session) { s.charges[leg] = c }, err
		}},
		{"SELECT t.session_id, t.kind, t.state, COALESCE(t.dkey, '') FROM deliveries" + of, func(l *sql.Rows, id *string) (func(*session), error) {
			var kind string
			var p pushRow
			err := l.Scan(id, &kind, &p.state, &p.key)
			return func(s *session) { s.pushes[kind] = append(s.pushes[kind], p) }, err
		}},
		{"SELECT t.session_id, t.name, t.state FROM recordings" + of, func(l *sql.Rows, id *string) (func(*session), error) {
			var x recordingRow
			err := l.Scan(id, &x.name, &x.state)
			return func(s *session) { s.recordings = append(s.recordings, x) }, err
		}},
	} {
		err := each(q.query, func(l *sql.Rows) error {
			var id string
			put, err := q.scan(l, &id)
			if s := r.sessions[id]; err == nil && s != nil {
				put(s)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// micro scans microseconds since 1970; 0 is the zero time.
type micro struct{ t *time.Time }

// Scan takes the column's value.
func (m micro) Scan(v any) error {
	var n sql.NullInt64
	if err := n.Scan(v); err != nil {
		return err
	}
	if n.Int64 != 0 {
		*m.t = time.UnixMicro(n.Int64)
	}
	return nil
}

// leases looks at who holds what: each switch must be held by one of the daemons that run, and nothing may be held for longer than any lease
// lasts (a job's is a minute).
func leases(ctx context.Context, db *sql.DB, switches []*gateway) (found []string, err error) {
	now := time.Now()
	for _, g := range switches {
		var until time.Time
		err := db.QueryRowContext(ctx, "SELECT expires_at FROM leases WHERE name = ?", "switch/"+g.name).Scan(micro{&until})
		if err != nil || until.Before(now) {
			found = append(found, fmt.Sprintf("nobody runs %s since %s (%v)", g.name, clock(until), err))
		}
	}
	var n int
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM leases WHERE expires_at > ?", now.Add(10*time.Minute).UnixMicro()).Scan(&n)
	if n > 0 {
		found = append(found, fmt.Sprintf("%d leases that last for more than ten minutes", n))
	}
	return found, err
}

// left is what a quiet house has none of, by name.
func left(ctx context.Context, db *sql.DB) (map[string]int, error) {
	counts := map[string]int{}
	for name, query := range map[string]string{
		"live sessions":         "SELECT COUNT(*) FROM sessions WHERE ended_at = 0",
		"busy numbers":          "SELECT COUNT(*) FROM busy",
		"calls taken or queued": "SELECT COUNT(*) FROM outgoing",
		"held pushes":           "SELECT COUNT(*) FROM deliveries WHERE state = 'held'",
		"pushes to be made":     "SELECT COUNT(*) FROM deliveries WHERE state IN ('waiting', 'retry')",
		"CDRs without a price":  "SELECT COUNT(*) FROM cdrs WHERE unrated = 1",
		"recordings waited for": "SELECT COUNT(*) FROM recordings WHERE state = 'waiting'",
	} {
		var n int
		if err := db.QueryRowContext(ctx, query).Scan(&n); err != nil {
			return nil, fmt.Errorf("check %s: %w", name, err)
		}
		if n > 0 {
			counts[name] = n
		}
	}
	return counts, nil
}
