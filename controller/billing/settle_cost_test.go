package billing_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/controller/billing"
	"maskline/models"
	"maskline/models/store"
)

// fill writes n charges of one tenant's hour, past the store's methods: every third is half paid by what a package may still have.
func (b *database) fill(t testing.TB, tenant int64, at time.Time, n int) (sum int64) {
	t.Helper()
	const columns = 17
	tx, err := b.raw.Begin()
	if err != nil {
		t.Fatal(err)
	}
	insert := "INSERT INTO " + b.table("charges") + " (session_id, leg, cdr_id, tenant_id, app_id, mode, end_at, seconds, units, minutes, plan_id, amount, why, entry_id, package_minutes, billed, settled_at) VALUES "
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + ")"
	for from := 0; from < n; from += 10 { // the time of SQLite's driver to bind arguments grows with their square
		var args []any
		to := min(n, from+10)
		for i := from; i < to; i++ {
			minutes := int64(1 + i%5)
			amount := minutes * int64(700+i%11)
			sum += amount
			args = append(args, fmt.Sprintf("s%d-%d", at.Unix(), i), 2, i+1, tenant, 1, "axb", at.UnixMicro()+int64(i)*int64(time.Hour/time.Microsecond)/int64(n),
				minutes*60, minutes, minutes, 1, amount, "", 0, 0, 0, 0)
		}
		if _, err := tx.Exec(insert+strings.TrimSuffix(strings.Repeat(one+",", to-from), ","), args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return sum
}

// chunks counts what a settlement asks of the store.
type chunks struct {
	*store.Store
	settled, looks, charges int
}

func (c *chunks) OpenHours(ctx context.Context, before time.Time, n int) ([]store.TenantHour, error) {
	c.looks++
	return c.Store.OpenHours(ctx, before, n)
}

func (c *chunks) SettleChunk(ctx context.Context, h store.TenantHour, n int, now time.Time) (store.Settled, error) {
	c.settled++
	done, err := c.Store.SettleChunk(ctx, h, n, now)
	c.charges += done.Charges
	return done, err
}

// growth is how far the memory of this process, that of SQLite in it too, grows at most while something runs, in bytes; 0 where /proc does not tell.
func growth(do func()) (most int64) {
	debug.FreeOSMemory()
	before := resident()
	var over atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !over.Load() {
			most = max(most, resident()-before)
			time.Sleep(time.Millisecond)
		}
	})
	do()
	over.Store(true)
	wg.Wait()
	return most
}

func resident() (n int64) {
	b, err := os.ReadFile("/proc/self/statm")
	if f := strings.Fields(string(b)); err == nil && len(f) > 1 {
		n, _ = strconv.ParseInt(f[1], 10, 64)
	}
	return n * int64(os.Getpagesize())
}

// busyHour is a database with a tenant and the hour to be settled.
func busyHour(t testing.TB, base *database) (*store.Store, models.Tenant, time.Time) {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, base.Config)
	if err == nil {
		err = st.Migrate(ctx)
	}
	tenant := models.Tenant{Name: "busy", SpID: "busy"}
	if err == nil {
		err = st.CreateTenant(ctx, &tenant)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		base.close(t)
	})
	return st, tenant, time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
}

// TestSettlementOfABusyHour settles an hour, and one of ten times as many charges: the work follows the charges, in transactions of one
// size, and what it holds in memory does not grow with the hour.
func TestSettlementOfABusyHour(t *testing.T) {
	ctx := context.Background()
	onEach(t, func(t *testing.T, open func(t *testing.T) *database) {
		base := open(t)
		st, tenant, at := busyHour(t, base)
		var grown []int64
		total := int64(0)
		for k, n := range []int{scale(10_000), scale(100_000)} {
			at := at.Add(time.Duration(k) * time.Hour)
			total += base.fill(t, tenant.ID, at, n)
			c := &chunks{Store: st}
			var count int
			var err error
			grown = append(grown, growth(func() { count, err = billing.NewSettlement(c).Run(ctx, at.Add(time.Hour)) }))
			if err != nil || count != n || c.charges != n {
				t.Fatalf("%d charges were settled (%d), %v", count, c.charges, err)
			}
			if most := n/5000 + 2; c.settled > most || c.looks > 3 {
				t.Errorf("%d charges took %d transactions and %d looks", n, c.settled, c.looks)
			}
			t.Logf("%d charges: %d transactions, %d KiB more memory at most", n, c.settled, grown[k]>>10)
		}
		if grown[1] > grown[0]+48<<20 {
			t.Errorf("memory in use grew by %d and by %d KiB: it grows with the hour", grown[0]>>10, grown[1]>>10)
		}
		balance, err := st.Balance(ctx, models.TenantAccount(tenant.ID))
		if err != nil || int64(balance) != -total {
			t.Errorf("the balance is %d, the charges make %d, %v", int64(balance), total, err)
		}
	})
}

const childDriver, childDSN = "MASKLINE_YEAR_DRIVER", "MASKLINE_YEAR_DSN"

// TestChild is not a test but the other process of TestSettlementSurvivesKill.
func TestChild(t *testing.T) {
	driver := os.Getenv(childDriver)
	if driver == "" {
		t.Skip("it is run by TestSettlementSurvivesKill")
	}
	ctx := context.Background()
	st, err := store.Open(ctx, store.Config{Driver: driver, DSN: os.Getenv(childDSN), Keys: testKeys})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("open") // what comes after it may be killed
	_, err = billing.NewSettlement(small{st}).Run(ctx, time.Date(2026, 5, 1, 11, 0, 0, 0, time.UTC))
	if err != nil {
		t.Error(err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// small settles in small chunks, so that there is much that can be between two of them.
type small struct{ *store.Store }

func (s small) SettleChunk(ctx context.Context, h store.TenantHour, n int, now time.Time) (store.Settled, error) {
	return s.Store.SettleChunk(ctx, h, min(n, 50), now)
}

// TestSettlementSurvivesKill kills processes that settle an hour with SIGKILL, each some chunks further on, until one comes to the end.
func TestSettlementSurvivesKill(t *testing.T) {
	ctx := context.Background()
	onEach(t, func(t *testing.T, open func(t *testing.T) *database) {
		base := open(t)
		st, tenant, at := busyHour(t, base)
		const n, minutes = 4000, 3001 // 80 chunks; the package runs out in one of them
		base.fill(t, tenant.ID, at, n)
		p := models.Package{TenantID: tenant.ID, Name: "p", Minutes: minutes, BoughtAt: at.Add(-time.Hour), From: at, Until: at.Add(time.Hour)}
		if _, err := st.BuyPackage(ctx, &p, &models.Entry{Key: "package"}); err != nil {
			t.Fatal(err)
		}
		killed := 0
		for done := int64(0); done < n; {
			want := done + 600
			c := exec.Command(os.Args[0], "-test.run=^TestChild$")
			c.Env = append(os.Environ(), childDriver+"="+base.Driver, childDSN+"="+base.DSN)
			out := &bytes.Buffer{}
			c.Stdout, c.Stderr = out, out
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- c.Wait() }()
			var err error
			over := false
			for !over {
				select {
				case err = <-ended:
					over = true
				case <-time.After(time.Millisecond):
					if done = settledOf(t, base.raw, base.table("charges")); done >= want && done < n {
						_ = c.Process.Kill()
						err = <-ended
						over = true
						killed++
					}
				}
			}
			if done = settledOf(t, base.raw, base.table("charges")); done < want && done < n {
				t.Fatalf("a process ended with %d charges settled: %v\n%s", done, err, out)
			}
		}
		if killed < 2 {
			t.Errorf("only %d processes were killed", killed)
		}
		want := hourByHand(n, minutes)
		balance, err := st.Balance(ctx, models.TenantAccount(tenant.ID))
		if err != nil || int64(balance) != -want {
			t.Errorf("the balance is %d, by hand it is %d, %v", int64(balance), -want, err)
		}
		if report, err := st.VerifyLedger(ctx); err != nil || !report.OK() {
			t.Errorf("ledger %+v, %v", report, err)
		}
		t.Logf("%d processes were killed", killed)
	})
}

// hourByHand is what fill's charges cost beside a package.
func hourByHand(n int, left int64) (sum int64) {
	for i := range n {
		minutes := int64(1 + i%5)
		rest := minutes - min(minutes, left)
		left -= minutes - rest
		cost := new(big.Rat).Mul(new(big.Rat).SetInt64(minutes*int64(700+i%11)), big.NewRat(rest, minutes))
		sum += fractionUp(1, cost.Num().Int64(), cost.Denom().Int64())
	}
	return sum
}

func settledOf(t testing.TB, raw *sql.DB, table string) (n int64) {
	t.Helper()
	if err := raw.QueryRow("SELECT COUNT(*) FROM " + table + " WHERE settled_at > 0").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// BenchmarkSettleHour settles an hour of one tenant. The time for a charge is to stay what it is when the hour has a hundred times as many.
//
//	scripts/mariadb.sh go test -run '^$' -bench SettleHour -benchtime 1x ./controller/billing
func BenchmarkSettleHour(b *testing.B) {
	open := map[string]func(b *testing.B) *database{store.SQLite: func(b *testing.B) *database { return sqliteDatabase(b, b.TempDir()) }}
	if os.Getenv("MASKLINE_TEST_MYSQL") != "" {
		open[store.MySQL] = func(b *testing.B) *database { return mysqlDatabase(b) }
	}
	for driver, open := range open {
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", driver, n), func(b *testing.B) {
				base := open(b)
				st, tenant, at := busyHour(b, base)
				grown, last := int64(0), 0
				for range b.N {
					b.StopTimer()
					base.fill(b, tenant.ID, at, n)
					c := &chunks{Store: st}
					var count int
					var err error
					b.StartTimer()
					grown = max(grown, growth(func() { count, err = billing.NewSettlement(c).Run(context.Background(), at.Add(time.Hour)) }))
					if err != nil || count != n {
						b.Fatalf("%d charges were settled, %v", count, err)
					}
					at, last = at.Add(time.Hour), c.settled
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/charge")
				b.ReportMetric(float64(grown>>20), "MiB-more")
				b.ReportMetric(float64(last), "transactions")
			})
		}
	}
}
