package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
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

const (
	pairsEach = 250
	callers   = 10_000
)

func (c *crowd) number(i int) string       { return fmt.Sprintf("+86175%08d", i/pairsEach) }
func (c *crowd) partyA(i int) models.Party { return models.MustParty(fmt.Sprintf("+86138%08d", i)) }
func (c *crowd) partyB(i int) models.Party { return models.MustParty(fmt.Sprintf("+86139%08d", i)) }
func (c *crowd) anyone() (i int)           { return rand.IntN(c.bindings) }

// caller is one of those who call today: callers of them, spread over all bindings, however many there are.
func (c *crowd) caller() (i int) { return int(int64(rand.IntN(callers)) * int64(c.bindings) / callers) }
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
	began := time.Now()
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
	if n > 100_000 {
		b.Logf("%d bindings loaded in %s", n, time.Since(began).Round(time.Second))
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
func (c *crowd) lookUp(b *testing.B, n int, who func() int) time.Duration {
	b.Helper()
	ctx := context.Background()
	began := time.Now()
	for k := range n {
		i := who()
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

// bindingsEnv names the sizes to compare, where ten thousand and a million are not all that is wanted. Ten million take minutes to load and
// 10 GB on SQLite:
//
//	MASKLINE_BENCH_BINDINGS=10000,1000000,10000000 go test -run '^$' -bench Sight -benchtime 200x -timeout 1h ./models/store
const bindingsEnv = "MASKLINE_BENCH_BINDINGS"

func bindingSizes(b *testing.B) (sizes []int) {
	b.Helper()
	for word := range strings.SplitSeq(cmp.Or(os.Getenv(bindingsEnv), "10000,1000000"), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 {
			b.Fatalf("%s: %q is no number of bindings", bindingsEnv, word)
		}
		sizes = append(sizes, n)
	}
	return sizes
}

// BenchmarkSight looks calls up among ten thousand and among a million bindings (or see bindingsEnv), by turns, and reports the ratio of the
// medians to the first. In today, as many people call whatever the number of bindings, and all have called before. In anyone, everybody
// may call: most routes are looked up for the first time, and that is as cold as the database's memory is small.
func BenchmarkSight(b *testing.B) {
	benchEach(b, func(b *testing.B, config func() Config) {
		sizes := bindingSizes(b)
		crowds := make([]*crowd, len(sizes))
		for i, n := range sizes {
			crowds[i] = newCrowd(b, config(), n)
		}
		const batch = 50
		for _, c := range crowds {
			c.lookUp(b, 4*callers, c.caller)
		}
		for name, who := range map[string]func(*crowd) int{"today": (*crowd).caller, "anyone": (*crowd).anyone} {
			b.Run(name, func(b *testing.B) {
				took := make([][]time.Duration, len(sizes))
				for b.Loop() {
					for i, c := range crowds {
						took[i] = append(took[i], c.lookUp(b, batch, func() int { return who(c) })/batch)
					}
				}
				reportTurns(b, sizes, took)
			})
		}
	})
}

func reportTurns(b *testing.B, sizes []int, took [][]time.Duration) {
	median := func(i int) float64 {
		slices.Sort(took[i])
		return float64(took[i][len(took[i])/2].Nanoseconds())
	}
	for i, n := range sizes {
		b.ReportMetric(median(i), fmt.Sprintf("ns/lookup-%d", n))
		if i > 0 {
			b.ReportMetric(median(i)/median(0), fmt.Sprintf("ratio-%d", n))
		}
	}
	b.ReportMetric(0, "ns/op")
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

// BenchmarkRecord commits the ends of 64 calls at once, one event, the CDR and two deliveries each, and, in events, a step of a call: its session
// and one event with its delivery.
func BenchmarkRecord(b *testing.B) {
	benchEach(b, func(b *testing.B, config func() Config) {
		h := newHouse(b, config())
		for name, step := range map[string]func(id string) models.Change{
			"ends": h.end,
			"events": func(id string) models.Change {
				return models.Change{Session: h.session(id), Events: []models.CallEvent{event(id, models.EventCallIn)}, Deliveries: []models.Delivery{h.push(id, "callin", models.DeliverEvent)}}
			},
		} {
			b.Run(name, func(b *testing.B) {
				b.SetParallelism(32)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := h.Record(context.Background(), step(models.NewID())); err != nil {
							b.Error(err)
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "event-rows/s")
			})
		}
	})
}
