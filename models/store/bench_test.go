package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/glebarez/sqlite"

	"maskline/models"
)

// The benchmarks print ratios of one run: the machine's noise is in both terms.
//
//	go test -run '^$' -bench Sight ./models/store
//	scripts/mariadb.sh go test -run '^$' -bench . ./models/store

// benchEach runs a benchmark on each database that is there.
func benchEach(b *testing.B, bench func(b *testing.B, config func() Config)) {
	b.Run(SQLite, func(b *testing.B) { bench(b, func() Config { return sqliteConfig(b) }) })
	if os.Getenv("MASKLINE_TEST_MYSQL") != "" {
		b.Run(MySQL, func(b *testing.B) { bench(b, func() Config { return mysqlTestConfig(b) }) })
	}
}

// crowd is a store full of bindings, pairsEach on every number.
type crowd struct {
	*house
	bindings int
}

const pairsEach = 250

func (c *crowd) number(i int) string       { return fmt.Sprintf("+86175%08d", i/pairsEach) }
func (c *crowd) partyA(i int) models.Party { return models.MustParty(fmt.Sprintf("+86138%08d", i)) }
func (c *crowd) partyB(i int) models.Party { return models.MustParty(fmt.Sprintf("+86139%08d", i)) }
func (c *crowd) anyone() (i int)           { return rand.IntN(c.bindings) }
func (c *crowd) binding(i int) models.Binding {
	now := c.clock.Now()
	// Ids in order only make the loading quick; the looking up is at random.
	return models.Binding{ID: fmt.Sprintf("%08x-0000-4000-8000-000000000000", i), TenantID: c.tenant.ID, AppID: c.app.ID, Mode: models.ModeAXB, X: c.number(i), A: c.partyA(i), B: c.partyB(i),
		CreatedAt: now, StartedAt: now, BindingSettings: models.BindingSettings{Lifetime: models.LifeMax}, ExpiresAt: now.Add(models.LifeMax * time.Second)}
}

// listIndexes of bindings serve lists and expiry. A million rows load much faster without them, and no look-up uses them.
var listIndexes = []string{"x", "expiry", "app", "open", "tenant", "a", "b", "a_open", "y"}

// newCrowd loads n bindings in bulk, past the store's methods.
func newCrowd(b *testing.B, cfg Config, n int) *crowd {
	b.Helper()
	c := &crowd{house: &house{clock: newClock()}, bindings: n}
	cfg.Clock = c.clock.Now
	c.Store = open(b, cfg)
	c.furnish(b)
	db := c.pools[0]
	if cfg.Driver == SQLite {
		var err error
		if db, err = sql.Open(sqlite.DriverName, cfg.DSN+"?_pragma=synchronous(OFF)&_pragma=busy_timeout(10000)&_pragma=cache_size(-200000)"); err != nil {
			b.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		defer func() { _ = db.Close() }()
	}
	if n > 100_000 {
		for _, name := range listIndexes {
			drop := "DROP INDEX bindings_" + name
			if cfg.Driver == MySQL {
				drop += " ON bindings"
			}
			mustExec(b, db, drop)
		}
	}
	chunk := 1000
	if cfg.Driver == SQLite {
		chunk = 25 // the driver's time to bind arguments grows with their square
	}
	for from := 0; from < n; from += 50 * chunk {
		tx := must[*sql.Tx](b)(db.Begin())
		for at := from; at < min(n, from+50*chunk); at += chunk {
			c.load(b, tx, at, min(n, at+chunk))
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	if cfg.Driver == SQLite {
		mustExec(b, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	} else {
		mustExec(b, db, "ANALYZE TABLE numbers, routes, bindings, route_history")
	}
	return c
}

func (c *crowd) load(b *testing.B, tx *sql.Tx, from, to int) {
	b.Helper()
	var numbers, bindings, routes []any
	counts := [3]int{}
	for i := from; i < to; i++ {
		if i%pairsEach == 0 {
			numbers = append(numbers, newNumbers.values(&models.Number{TenantID: c.tenant.ID, AppID: c.app.ID, Number: c.number(i), AreaCode: "0755", State: models.NumberNormal})...)
			counts[0]++
		}
		v := c.binding(i)
		bindings = append(bindings, bindingColumns.values(&v)...)
		counts[1]++
		for _, r := range models.AXBRoutes(v, v.CreatedAt) {
			routes = append(routes, routeColumns.values(&r)...)
			counts[2]++
		}
	}
	for i, args := range [][]any{numbers, bindings, routes} {
		if counts[i] == 0 {
			continue
		}
		stmt := []func(int) string{newNumbers.insert, bindingColumns.insert, routeColumns.insert}[i](counts[i])
		if _, err := tx.Exec(stmt, args...); err != nil {
			b.Fatal(err)
		}
	}
}

// lookUp times one batch of look-ups, half of them from A.
func (c *crowd) lookUp(b *testing.B, n int) time.Duration {
	b.Helper()
	ctx := context.Background()
	began := time.Now()
	for k := range n {
		i := c.anyone()
		caller, want := c.partyA(i), c.partyB(i)
		if k%2 == 1 {
			caller, want = want, caller
		}
		v, err := c.Sight(ctx, c.number(i), caller, models.NoExtension)
		if err != nil || v.Route == nil || v.Route.Destination != want || v.Binding == nil || v.App == nil {
			b.Fatalf("look-up of %d: %+v, %v", i, v, err)
		}
	}
	return time.Since(began)
}

// BenchmarkSight looks calls up among ten thousand and among a million bindings, by turns, and reports the ratio of the medians. Both were
// looked through once before: a route that nobody calls is as cold on any database.
func BenchmarkSight(b *testing.B) {
	benchEach(b, func(b *testing.B, config func() Config) {
		small, large := newCrowd(b, config(), 10_000), newCrowd(b, config(), 1_000_000)
		const batch = 50
		for range 400 {
			small.lookUp(b, batch)
			large.lookUp(b, batch)
		}
		b.Run("turns", func(b *testing.B) {
			var s, l []time.Duration
			for b.Loop() {
				s = append(s, small.lookUp(b, batch)/batch)
				l = append(l, large.lookUp(b, batch)/batch)
			}
			slices.Sort(s)
			slices.Sort(l)
			b.ReportMetric(float64(s[len(s)/2].Nanoseconds()), "ns/lookup-10k")
			b.ReportMetric(float64(l[len(l)/2].Nanoseconds()), "ns/lookup-1M")
			b.ReportMetric(float64(l[len(l)/2])/float64(s[len(s)/2]), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	})
}

// BenchmarkBind makes bindings on named numbers, one after the other.
func BenchmarkBind(b *testing.B) {
	benchEach(b, func(b *testing.B, config func() Config) {
		c := newCrowd(b, config(), 10_000)
		i := c.bindings
		for b.Loop() {
			r := c.request(c.number(i%c.bindings), c.partyA(i), c.partyB(i))
			if _, err := c.Bind(context.Background(), r); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

// BenchmarkBindByArea lets the store choose among 5000 numbers with history.
func BenchmarkBindByArea(b *testing.B) {
	benchEach(b, func(b *testing.B, config func() Config) {
		c := newCrowd(b, config(), 10_000)
		var list []models.Number
		for i := range 5000 {
			list = append(list, models.Number{AppID: c.app.ID, Number: fmt.Sprintf("+86171%08d", i), AreaCode: "020"})
		}
		if err := c.AddNumbers(context.Background(), list); err != nil {
			b.Fatal(err)
		}
		i := 0
		for b.Loop() {
			r := c.request("", c.partyA(i%500), c.partyB(i)) // 500 people with many bindings each
			r.Area = "020"
			v, err := c.Bind(context.Background(), r)
			if err != nil {
				b.Fatal(err)
			}
			if i%2 == 0 {
				if _, err := c.Unbind(context.Background(), c.app.ID, UnbindBy{SubscriptionID: v.ID}); err != nil {
					b.Fatal(err)
				}
			}
			i++
		}
	})
}

// BenchmarkRawInsert writes the rows of a bind (the binding, its two routes, the number's count) in one plain transaction: what the
// database itself takes.
func BenchmarkRawInsert(b *testing.B) {
	benchEach(b, func(b *testing.B, config func() Config) {
		c := newCrowd(b, config(), 10_000)
		db, i := c.pools[0], c.bindings
		for b.Loop() {
			v := c.binding(i)
			v.X = c.number(i % c.bindings)
			routes := models.AXBRoutes(v, v.CreatedAt)
			tx := must[*sql.Tx](b)(db.Begin())
			mustRun(b, tx, bindingColumns.insert(1), bindingColumns.values(&v)...)
			mustRun(b, tx, routeColumns.insert(2), append(routeColumns.values(&routes[0]), routeColumns.values(&routes[1])...)...)
			mustRun(b, tx, "UPDATE numbers SET pairs = pairs + 1 WHERE number = ?", v.X)
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

func mustRun(b *testing.B, tx *sql.Tx, stmt string, args ...any) {
	b.Helper()
	if _, err := tx.Exec(stmt, args...); err != nil {
		b.Fatalf("%s: %v", strings.SplitN(stmt, " (", 2)[0], err)
	}
}

// BenchmarkRecord commits steps of 64 calls at once.
func BenchmarkRecord(b *testing.B) {
	benchEach(b, func(b *testing.B, config func() Config) {
		h := newHouse(b, config())
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				id := models.NewID()
				if _, err := h.Record(context.Background(), h.end(id)); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
