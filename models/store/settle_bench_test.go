package store

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/glebarez/sqlite"

	"maskline/models"
)

// BenchmarkSettle settles an hour with so many charges, by turns with SELECT SUM over the same rows, and reports the ratio of the medians, that
// of late chunks to early ones, and how much the heap grew at most. A million rows a turn take minutes:
//
//	go test -run '^$' -bench 'Settle/sqlite/1000000' -benchtime 1x ./models/store
func BenchmarkSettle(b *testing.B) {
	benchEach(b, func(b *testing.B, config func() Config) {
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprint(n), func(b *testing.B) { benchSettle(b, config(), n) })
		}
	})
}

func benchSettle(b *testing.B, cfg Config, n int) {
	h := &house{clock: newClock()}
	cfg.Clock = h.clock.Now
	h.Store = open(b, cfg)
	h.furnish(b)
	var settled, summed, chunks []time.Duration
	var grown uint64
	for b.Loop() {
		b.StopTimer()
		hour := h.clock.Now().Truncate(time.Hour)
		h.buy(b, hour.Format(time.RFC3339), int64(n), hour.Add(time.Hour)) // pays a half
		h.loadCharges(b, cfg, hour, n)
		h.clock.advance(time.Hour)
		var sum models.Amount
		began := time.Now()
		if _, err := one(h.read, []any{num(&sum)}, "SELECT SUM(amount) FROM charges WHERE tenant_id = ? AND end_at >= ? AND end_at < ?", h.tenant.ID, micros(hour),
			micros(hour.Add(time.Hour))); err != nil {
			b.Fatal(err)
		}
		summed = append(summed, time.Since(began))
		b.StartTimer()
		before := heap()
		began = time.Now()
		chunks = chunks[:0]
		for done, count := false, 0; !done; {
			chunk := time.Now()
			v, err := h.SettleChunk(context.Background(), TenantHour{h.tenant.ID, hour}, SettleMost, h.clock.Now())
			if err != nil {
				b.Fatal(err)
			}
			count, done = count+v.Charges, v.Done
			chunks = append(chunks, time.Since(chunk))
			if count%(10*SettleMost) == 0 {
				grown = max(grown, heap()-min(before, heap()))
			}
			sum -= v.Amount
		}
		settled = append(settled, time.Since(began))
		if want := models.Amount(n/2) * 1200; sum != want {
			b.Fatalf("packages paid %s, want %s", sum, want)
		}
	}
	slices.Sort(settled)
	slices.Sort(summed)
	ours, plain := settled[len(settled)/2], summed[len(summed)/2]
	b.ReportMetric(float64(ours.Nanoseconds())/float64(n), "ns/charge")
	b.ReportMetric(float64(plain.Nanoseconds())/float64(n), "ns/row-summed")
	b.ReportMetric(float64(ours)/float64(plain), "ratio")
	b.ReportMetric(lateToEarly(chunks), "late/early")
	b.ReportMetric(float64(grown)/(1<<20), "MB-grown")
	b.ReportMetric(0, "ns/op")
}

// lateToEarly is the ratio of the median chunk of an hour's second half to that of its first half; the last one, which closes the hour, is left out. 1 says
// that a chunk costs the same however many have gone before it.
func lateToEarly(chunks []time.Duration) float64 {
	half := (len(chunks) - 1) / 2
	if half == 0 {
		return 1
	}
	early, late := slices.Sorted(slices.Values(chunks[:half])), slices.Sorted(slices.Values(chunks[half:len(chunks)-1]))
	return float64(late[len(late)/2]) / float64(early[len(early)/2])
}

// heap is what is alive.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// loadCharges writes charges of two minutes each in bulk, past the store's methods.
func (h *house) loadCharges(b *testing.B, cfg Config, hour time.Time, n int) {
	b.Helper()
	db, chunk := h.pools[0], 1000
	if cfg.Driver == SQLite {
		var err error
		if db, err = sql.Open(sqlite.DriverName, cfg.DSN+"?_pragma=synchronous(OFF)&_pragma=busy_timeout(10000)&_pragma=cache_size(-200000)"); err != nil {
			b.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		defer func() { _ = db.Close() }()
		chunk = 25 // the driver's time to bind arguments grows with their square
	}
	for from := 0; from < n; from += 50 * chunk {
		tx := must[*sql.Tx](b)(db.Begin())
		for at := from; at < min(n, from+50*chunk); at += chunk {
			var args []any
			to := min(n, at+chunk)
			for i := at; i < to; i++ {
				c := h.charge(fmt.Sprintf("%d-%08d@fs1", hour.Unix(), i), hour.Add(time.Duration(i)*time.Hour/time.Duration(n)), 2, 1200)
				args = append(args, chargeColumns.values(&c)...)
			}
			mustRun(b, tx, chargeColumns.insert(to-at), args...)
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	if cfg.Driver == SQLite {
		mustExec(b, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
}
