package api

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
)

// BenchmarkBindHTTP binds over a kept connection, signature checked, answer remembered, committed on disk; and beside each bind it writes
// the same rows raw into the same database, in one transaction. The ratio of the two is x-raw. Each is alone with the disk while it runs.
func BenchmarkBindHTTP(b *testing.B) {
	h := newHouse(b, func(o *Options) { o.KeepAlive, o.Rate = true, -1 })
	srv := httptest.NewServer(h.handler)
	defer srv.Close()
	client := srv.Client()
	raw := openRaw(b, h.path)
	var overHTTP, asRows time.Duration
	for i := 0; b.Loop(); i++ {
		body := fmt.Sprintf(`{"callerNum":"+86139%08d","calleeNum":"+86138%08d","relationNum":%q,"userData":"bench"}`, i, i, []string{x1, x2, x3}[i%3])
		began := time.Now()
		req := signed(testKey, http.MethodPost, srv.URL+pathAXB, body)
		req.RequestURI = ""
		resp, err := client.Do(req)
		must(b, err)
		answer, err := io.ReadAll(resp.Body)
		must(b, err)
		must(b, resp.Body.Close())
		overHTTP += time.Since(began)
		if resp.StatusCode != http.StatusOK {
			b.Fatalf("bind %d: %d %s", i, resp.StatusCode, answer)
		}
		id := subscriptionField.FindSubmatch(answer)[1]
		if i == 0 {
			raw.learn(string(id))
		}
		began = time.Now()
		raw.write(i)
		asRows += time.Since(began)
		if i%12000 == 11999 { // an X carries 5000 pairs
			b.StopTimer()
			h.clear()
			b.StartTimer()
		}
	}
	n := time.Duration(b.N)
	b.ReportMetric(float64(overHTTP)/float64(asRows), "x-raw")
	b.ReportMetric(float64((overHTTP / n).Microseconds()), "µs/bind")
	b.ReportMetric(float64((asRows / n).Microseconds()), "µs/raw")
}

// clear unbinds everything.
func (h *house) clear() {
	for _, x := range []string{x1, x2, x3} {
		h.call(http.MethodDelete, pathAXB+"?relationNum="+strings.Replace(x, "+", "%2B", 1), "")
	}
}

// rawRows writes copies of the rows of one bind.
type rawRows struct {
	testing.TB
	db     *sql.DB
	tables []rawTable
}

type rawTable struct {
	insert string
	unique map[int]bool // columns that differ from row to row
	rows   [][]any
}

func openRaw(b *testing.B, path string) *rawRows {
	db, err := sql.Open(sqlite.DriverName, "file:"+filepath.ToSlash(path)+
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	must(b, err)
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { _ = db.Close() })
	return &rawRows{TB: b, db: db}
}

// learn reads the rows that a bind has written.
func (r *rawRows) learn(id string) {
	for _, t := range []struct{ query, unique string }{
		{"bindings WHERE id = '" + id + "'", "id"}, {"routes WHERE binding_id = '" + id + "'", "caller"},
		{"api_replies WHERE 1 = 1 LIMIT 1", "request_key nonce_key"},
	} {
		r.tables = append(r.tables, r.read(t.query, strings.Fields(t.unique)))
	}
}

func (r *rawRows) read(from string, unique []string) rawTable {
	rows, err := r.db.QueryContext(context.Background(), "SELECT * FROM "+from) //nolint:gosec // of this test's own making
	must(r, err)
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	must(r, err)
	t := rawTable{unique: map[int]bool{}}
	var keep []string
	for i, n := range names {
		if n == "seq" {
			continue // the database counts
		}
		keep = append(keep, n)
		for _, u := range unique {
			if u == n {
				t.unique[i] = true
			}
		}
	}
	for rows.Next() {
		row := make([]any, len(names))
		to := make([]any, len(names))
		for i := range row {
			to[i] = &row[i]
		}
		must(r, rows.Scan(to...))
		t.rows = append(t.rows, row)
	}
	must(r, rows.Err())
	if len(t.rows) == 0 {
		r.Fatalf("a bind left no row in %s", from)
	}
	table, _, _ := strings.Cut(from, " ")
	t.insert = "INSERT INTO " + table + " (" + strings.Join(keep, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(keep)-1) + ")"
	return t
}

// write commits one set of rows, and the count on the number beside it.
func (r *rawRows) write(i int) {
	ctx := context.Background()
	tx, err := r.db.BeginTx(ctx, nil)
	must(r, err)
	for _, t := range r.tables {
		skip := len(t.rows[0]) - strings.Count(t.insert, "?") // seq stands first
		for j, row := range t.rows {
			args := append([]any{}, row...)
			for c := range t.unique {
				args[c] = fmt.Sprintf("raw-%d-%d-%d", i, j, c)
			}
			_, err := tx.ExecContext(ctx, t.insert, args[skip:]...)
			must(r, err)
		}
	}
	_, err = tx.ExecContext(ctx, "UPDATE numbers SET area_code = area_code WHERE number = ?", x1)
	must(r, err)
	must(r, tx.Commit())
}
