package billing_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"maskline/models"
	"maskline/models/store"
)

var (
	yearFull = flag.Bool("year.full", false, "simulate 200 tenants, who make 2 million calls a year")
	yearDays = flag.Int("year.days", 366, "days of the full simulation")
	yearSeed = flag.Uint64("year.seed", 0, "seed of the simulated year; 0 is a new one")
)

// TestYear lets tenants call, pay, buy packages and numbers, and run out of money, while jobs run late, twice, on two daemons at once, and are
// killed in the middle. An auditor agrees with every balance after each hour; another one, who has the raw rows of cdrs, agrees at the end.
//
//	go test ./controller/billing -run Year/sqlite -timeout 3h -args -year.full
//
// The whole year takes about twenty minutes of processor time, with TMPDIR in memory.
func TestYear(t *testing.T) {
	// To April 5: over the end of February in a leap year, the 25th, and the change to summer time on several continents. The race detector has the
	// last ten days of it.
	s := size{tenants: 20, calls: scale(20_000), hours: 24 * max(10, scale(45)), outages: 0.2, rents: 0.2}
	s.from = 95*24*time.Hour - time.Duration(s.hours)*time.Hour
	if *yearFull {
		s = size{tenants: 200, calls: 2_000_000 / 366 * *yearDays, hours: *yearDays * 24, outages: 0.01, rents: 0.04}
	}
	seed := *yearSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	onEach(t, func(t *testing.T, open func(t *testing.T) *database) {
		t.Logf("go test ./controller/billing -run Year -args -year.seed %d", seed)
		began := time.Now()
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(s.from)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := &world{T: t, size: s, ctx: ctx, rnd: rand.New(rand.NewPCG(seed, 1)), live: newAuditor(), base: open(t)}
			defer w.base.close(t)
			for range 2 {
				st, err := store.Open(ctx, w.base.Config)
				w.must(err)
				defer func() {
					if err := st.Close(); err != nil {
						t.Error(err)
					}
				}()
				w.must(st.Migrate(ctx))
				w.daemons = append(w.daemons, newDaemon(st))
			}
			w.furnish()
			w.run()
			w.replay()
			t.Logf("%+v", w.stats)
		})
		t.Logf("%d tenants, %d calls, %d hours in %v", s.tenants, s.calls, s.hours, time.Since(began).Round(time.Second))
	})
}

// run lets the hours pass.
func (w *world) run() {
	down := 0 // hours for which every daemon is down: calls go on, their CDRs are written, nobody settles
	for _, bursts := range w.bursts {
		from := time.Now().Truncate(time.Hour)
		time.Sleep(time.Until(from.Add(30 * time.Minute)))
		w.business()
		time.Sleep(20 * time.Second) // what the daemons keep in memory is old by then
		w.makeCalls(from, bursts)
		time.Sleep(time.Until(from.Add(65 * time.Minute)))
		switch {
		case down > 0:
			down--
			continue
		case w.chance(w.outages):
			down = w.rnd.IntN(30)
		}
		w.jobs()
	}
	w.bursts = nil
	time.Sleep(2 * time.Hour)
	w.jobs()
}

// jobs runs what cron runs every hour, and compares every balance with the live auditor's.
func (w *world) jobs() {
	now := time.Now()
	w.harass(func(ctx context.Context, d *daemon) error { _, err := d.catchUp.Run(ctx, now); return err })
	w.harass(func(ctx context.Context, d *daemon) error { _, err := d.settlement.Run(ctx, now); return err })
	if w.chance(w.rents) || len(w.bursts) == 0 {
		w.harass(func(ctx context.Context, d *daemon) error { _, err := d.rent.Run(ctx, now); return err })
		w.tell(func(a *auditor) { a.rent(now.UnixMicro()) })
	}
	w.harass(func(ctx context.Context, d *daemon) error { _, err := d.arrears.Run(ctx, now); return err })
	w.tell(func(a *auditor) { a.settle(now.UnixMicro()) })
	for _, c := range w.clients {
		w.noteArrears(c)
	}
	w.compare(w.live)
}

// compare looks at every balance in the store, and at times at everything else that must agree.
func (w *world) compare(a *auditor) {
	w.Helper()
	for after, seen := int64(0), 0; ; {
		list, err := w.daemons[0].st.TenantBalances(w.ctx, after, 100)
		w.must(err)
		if len(list) == 0 {
			if seen != len(w.clients) {
				w.Fatalf("%d tenants have a balance, %d have not", seen, len(w.clients)-seen)
			}
			break
		}
		for _, b := range list {
			seen++
			if after = b.Tenant.ID; int64(b.Balance) != a.books[b.Tenant.ID].balance {
				w.differ(a, b.Tenant.ID, b.Balance)
			}
		}
	}
	if w.chance(0.05) {
		c := w.clients[w.rnd.IntN(len(w.clients))]
		w.compareState(c)
	}
}

// differ says which kind of entry is not as the auditor has it.
func (w *world) differ(a *auditor, tenant int64, balance models.Amount) {
	w.Helper()
	got := map[string]int64{}
	rows, err := w.base.raw.Query("SELECT e.kind, SUM(p.amount) FROM "+w.base.table("entries")+" e JOIN "+w.base.table("postings")+
		" p ON p.entry_id = e.id WHERE e.tenant_id = ? AND p.account = ? GROUP BY e.kind", tenant, string(models.TenantAccount(tenant)))
	w.must(err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var kind string
		var sum int64
		w.must(rows.Scan(&kind, &sum))
		got[kind] = sum
	}
	w.must(rows.Err())
	b := a.books[tenant]
	w.Fatalf("%v: tenant %d has %v, the auditor says %v; by kind %v, the auditor %v", time.Now().UTC(), tenant, int64(balance), b.balance, got, b.by)
}

// compareState looks whether a tenant is in arrears when he must be, and whether his numbers are suspended for that reason and no other.
func (w *world) compareState(c *client) {
	w.Helper()
	st := w.daemons[0].st
	t, err := st.Tenant(w.ctx, c.ID)
	w.must(err)
	if t.Arrears != c.arrears || t.State != models.StateNormal {
		w.Fatalf("tenant %d: arrears %v, state %s, balance %d", c.ID, t.Arrears, t.State, w.live.books[c.ID].balance)
	}
	for _, number := range c.numbers {
		n, err := st.Number(w.ctx, number)
		w.must(err)
		want, why := models.NumberNormal, ""
		switch {
		case c.held[number]:
			want = models.NumberSuspended
		case c.arrears:
			want, why = models.NumberSuspended, models.SuspendedForArrears
		}
		if n.State != want || n.SuspendedFor != why {
			w.Fatalf("number %s of tenant %d (arrears %v): state %d for %q, not %d for %q", number, c.ID, c.arrears, n.State, n.SuspendedFor, want, why)
		}
	}
}

func (w *world) count(query string) (n int64) {
	w.Helper()
	w.must(w.base.raw.QueryRow(query).Scan(&n))
	return n
}

// rows reads every CDR in the order in which they were written.
func (w *world) rows() []cdrRow {
	rows, err := w.base.raw.Query("SELECT tenant_id, mode, out_answer_at, answer_at, end_at, completed_at FROM " + w.base.table("cdrs"))
	w.must(err)
	defer func() { _ = rows.Close() }()
	var list []cdrRow
	for rows.Next() {
		var r cdrRow
		w.must(rows.Scan(&r.tenant, &r.mode, &r.outAnswered, &r.answered, &r.ended, &r.complete))
		list = append(list, r)
	}
	w.must(rows.Err())
	if len(list) != w.stats.calls {
		w.Fatalf("%d rows of %d calls", len(list), w.stats.calls)
	}
	sortRows(list)
	return list
}
