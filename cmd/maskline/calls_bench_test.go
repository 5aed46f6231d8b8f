package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/glebarez/sqlite"

	"maskline/conf"
	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

// BenchmarkCalls carries whole calls, from the INVITE to the record, on SQLite and a simulated switch in another process. The daemon has one
// core. calls/s is how fast they come through on this machine, switch and telephones included; daemon-cpu-ms/call is the daemon's own CPU, and
// calls/core-s how many it could control a second, had it the core for itself.
//
// It compares as many bindings as are named, beside the thousand that call:
//
//	MASKLINE_BENCH_BINDINGS=10000,1000000 go test -run '^$' -bench Calls -benchtime 2000x ./cmd/maskline
func BenchmarkCalls(b *testing.B) {
	for word := range strings.SplitSeq(cmp.Or(os.Getenv("MASKLINE_BENCH_BINDINGS"), "1000"), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil {
			b.Fatal(err)
		}
		p := openProcess(b, "log: {level: error}\nbinding: {cool_off: 0s}\n")
		st := p.open()
		var to pairs
		to.callers, to.callees, to.x = bind(b, st, 1000)
		p.crowd(b, n-len(to.callers))
		b.Setenv("GOMAXPROCS", "1") // of the daemon: this process has read its own
		p.begin()
		b.Run(fmt.Sprint("bindings-", n), func(b *testing.B) { p.carry(b, st, to) })
		_ = p.signal(syscall.SIGTERM)
	}
}

// pairs are who call whom over which number.
type pairs struct{ callers, callees, x []string }

// records counts the CDRs.
func records(b *testing.B, st *store.Store) int {
	b.Helper()
	_, total, err := st.CDRs(b.Context(), store.CDRFilter{}, models.Page{Limit: 1})
	if err != nil {
		b.Fatal(err)
	}
	return total
}

func (p *process) carry(b *testing.B, st *store.Store, to pairs) {
	const atOnce = 50
	before := records(b, st)
	room := make(chan struct{}, atOnce)
	var calls sync.WaitGroup
	b.ResetTimer()
	used, began := p.used(), time.Now()
	for i := range b.N {
		room <- struct{}{}
		i %= len(to.callers)
		line, err := p.sw.Call(sim.Caller{From: to.callers[i], To: to.x[i], Callee: &sim.Phone{Number: to.callees[i], HangsUpAfter: 50 * time.Millisecond}})
		if err != nil {
			b.Fatal(err)
		}
		calls.Go(func() {
			<-line.Done()
			<-room
		})
	}
	calls.Wait()
	p.await("the records", func() error {
		if n := records(b, st) - before; n < min(b.N, store.CountMax-before) {
			return fmt.Errorf("%d of %d", n, b.N)
		}
		return nil
	})
	b.StopTimer()
	each := (p.used() - used).Seconds() / float64(b.N)
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "calls/s")
	b.ReportMetric(each*1000, "daemon-cpu-ms/call")
	b.ReportMetric(1/each, "calls/core-s")
}

// crowd writes n more bindings with their routes straight into the process's database: copies of the first, for other people on other numbers.
func (p *process) crowd(b *testing.B, n int) {
	b.Helper()
	cfg, err := conf.Load(p.config, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	dsn, err := cfg.Database.DSN.Reveal()
	if err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open(sqlite.DriverName, dsn+"?_pragma=busy_timeout(60000)&_pragma=synchronous(OFF)&_pragma=cache_size(-200000)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	const x, a, other = "printf('+86179%08d', i / 250)", "printf('+86158%08d', i)", "printf('+86159%08d', i)"
	began := time.Now()
	for _, t := range []struct {
		table, of string
		as        map[string]string
	}{
		{"bindings", "(SELECT * FROM bindings ORDER BY seq LIMIT 1)",
			map[string]string{"seq": "NULL", "id": "printf('%08x-0000-4000-8000-%012x', i, i)", "x": x, "a": a, "b": other}},
		{"routes", "(SELECT * FROM routes WHERE binding_id = (SELECT id FROM bindings ORDER BY seq LIMIT 1))",
			map[string]string{"binding_id": "printf('%08x-0000-4000-8000-%012x', i, i)", "dialled": x, "display": x,
				"caller": "iif(side = '" + string(models.SideA) + "', " + a + ", " + other + ")", "destination": "iif(side = '" + string(models.SideA) + "', " + other + ", " + a + ")"}},
	} {
		columns, err := columnsOf(b.Context(), db, t.table, t.as)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := db.ExecContext(b.Context(), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO "+t.table+" SELECT "+
			strings.Join(columns, ", ")+" FROM n, "+t.of+" WHERE ? > 0", n, n); err != nil {
			b.Fatal(err)
		}
	}
	if n > 0 {
		b.Logf("%d more bindings loaded in %s", n, time.Since(began).Round(time.Second))
	}
}

// columnsOf names a table's columns, or what as puts in their place.
func columnsOf(ctx context.Context, db *sql.DB, table string, as map[string]string) (columns []string, err error) {
	rows, err := db.QueryContext(ctx, "SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c string
		if err := rows.Scan(&c); err != nil {
			return nil, err
		}
		columns = append(columns, cmp.Or(as[c], c))
	}
	return columns, rows.Err()
}
