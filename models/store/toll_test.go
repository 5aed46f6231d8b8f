package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/models"
)

// dial is the step in which a call dials somebody, under its tenant's limits.
func (h *house) dial(id string, l models.Limits) error {
	_, err := h.Record(context.Background(), models.Change{Session: h.session(id), Limits: l})
	return err
}

// endCounted is the end of a call that was counted, after talk.
func (h *house) endCounted(t testing.TB, id string, talk time.Duration) {
	t.Helper()
	ch := h.end(id)
	ch.Session = must[models.Session](t)(h.Session(context.Background(), id))
	ch.Session.Stage, ch.Session.EndedAt = models.StageEnded, h.clock.Now()
	ch.CDR.AnswerAt, ch.CDR.EndAt = h.clock.Now().Add(-talk), h.clock.Now()
	if !h.record(t, ch) {
		t.Errorf("the end of %s is not applied", id)
	}
}

func TestLimits(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		used := func(want models.Limits) {
			t.Helper()
			if got := must[models.Limits](t)(h.TollUsed(ctx, h.tenant.ID)); got != want {
				t.Errorf("used %+v, want %+v", got, want)
			}
		}
		l := models.Limits{AtOnce: 2, PerHour: 3, PerDay: 4}
		wantCode(t, h.dial("s1", l), "")
		wantCode(t, h.dial("s1", l), "") // told again: counted once
		wantCode(t, h.dial("s2", l), "")
		used(models.Limits{AtOnce: 2, PerHour: 2, PerDay: 2})
		wantCode(t, h.dial("s3", l), models.PortsFull)
		if _, err := h.Session(ctx, "s3"); models.CodeOf(err) != models.NotFound {
			t.Errorf("a refused change left something: %v", err)
		}
		h.endCounted(t, "s1", 0)
		if h.record(t, h.end("s1")) {
			t.Error("a call ended twice")
		}
		wantCode(t, h.dial("s3", l), "")
		h.endCounted(t, "s2", 0)
		wantCode(t, h.dial("s4", l), models.TenantTooOften)
		wantCode(t, h.dial("s1", l), "") // it has ended, and says so: nothing is counted
		used(models.Limits{AtOnce: 1, PerHour: 3, PerDay: 3})
		h.clock.advance(time.Hour)
		wantCode(t, h.dial("s4", l), "")
		h.endCounted(t, "s4", 0)
		wantCode(t, h.dial("s5", l), models.TenantTooOften)
		h.clock.advance(24 * time.Hour)
		wantCode(t, h.dial("s5", l), "")
		wantCode(t, h.dial("s6", models.Limits{}), "")
		used(models.Limits{AtOnce: 2, PerHour: 1, PerDay: 1, Minutes: 25 * 60})
		h.endCounted(t, "s3", 0)
		h.endCounted(t, "s5", 0)
		var left int
		if _, err := one(h.read, []any{num(&left)}, "SELECT COUNT(*) FROM toll_calls"); err != nil || left != 0 {
			t.Errorf("%d calls are counted still: %v", left, err)
		}
	})
}

// The minutes of calls that go on count as well as those of calls that are over.
func TestLimitOfMinutes(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx, l := context.Background(), models.Limits{Minutes: 10}
		left := func(want time.Duration) {
			t.Helper()
			if got, bounded, err := h.TollLeft(ctx, h.tenant.ID, l); got != want || !bounded || err != nil {
				t.Errorf("%s are left, want %s (%v)", got, want, err)
			}
		}
		if _, bounded, err := h.TollLeft(ctx, h.tenant.ID, models.Limits{PerDay: 1}); bounded || err != nil {
			t.Error(bounded, err)
		}
		left(10 * time.Minute)
		wantCode(t, h.dial("s1", l), "")
		h.clock.advance(4 * time.Minute)
		left(6 * time.Minute)
		h.endCounted(t, "s1", 3*time.Minute) // it rang for a minute
		left(7 * time.Minute)
		wantCode(t, h.dial("s2", l), "")
		wantCode(t, h.dial("s3", l), "")
		h.clock.advance(4 * time.Minute)
		left(0)
		wantCode(t, h.dial("s4", l), models.TenantTooOften)
		h.endCounted(t, "s2", 0)
		left(3 * time.Minute)
		wantCode(t, h.dial("s4", l), "")
	})
}

// Several daemons that count at once let no call more through, and nobody waits for ever.
func TestLimitsOfSeveralDaemons(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		stores := []*Store{h.Store}
		if cfg.Driver == MySQL {
			stores = append(stores, must[*Store](t)(Open(context.Background(), h.cfg)))
			t.Cleanup(func() { _ = stores[1].Close() })
		}
		other := models.Tenant{Name: "other", SpID: "other"}
		if err := h.CreateTenant(context.Background(), &other); err != nil {
			t.Fatal(err)
		}
		const calls, most = 40, 7
		var mu sync.Mutex
		through := map[int64]int{}
		var wg sync.WaitGroup
		for i := range calls {
			for n, tenant := range []int64{h.tenant.ID, other.ID} {
				v := h.session(fmt.Sprintf("t%d-%d", n, i))
				v.TenantID = tenant
				wg.Go(func() {
					_, err := stores[i%len(stores)].Record(context.Background(), models.Change{Session: v, Limits: models.Limits{AtOnce: most, PerHour: 30}})
					if code := models.CodeOf(err); code != "" && code != models.PortsFull {
						t.Error(err)
					} else if code == "" {
						mu.Lock()
						through[tenant]++
						mu.Unlock()
					}
				})
			}
		}
		wg.Wait()
		if through[h.tenant.ID] != most || through[other.ID] != most {
			t.Errorf("%v calls went through, want %d each", through, most)
		}
	})
}

// A call that waits again is not counted while it waits.
func TestLimitsOfACallThatWaitsAgain(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		v := newVoices(t, cfg)
		ctx, l := context.Background(), models.Limits{AtOnce: 1}
		one, two := v.enqueue(t, v.voice, 1), v.enqueue(t, v.voice, 1)
		take := func(o models.Outgoing) error {
			ch := taking(o, "fs1")
			ch.Limits = l
			_, err := v.Record(ctx, ch)
			return err
		}
		wantCode(t, take(one), "")
		wantCode(t, take(two), models.PortsFull)
		if o := must[models.Outgoing](t)(v.Outgoing(ctx, two.Session.ID)); o.State != models.OutgoingQueued {
			t.Errorf("a call that was refused is %s, and does not wait on", o.State)
		}
		if !must[bool](t)(v.Requeue(ctx, one.Session.LegA)) {
			t.Error("it does not wait again")
		}
		wantCode(t, take(two), "")
		wantCode(t, take(one), models.PortsFull)
	})
}

func TestSetTenantToll(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		toll := models.Toll{Destinations: models.Destinations{Allow: []string{"+852"}, Deny: []string{"+852900"}}, Limits: models.Limits{AtOnce: 5, PerDay: models.NoLimit}}
		wantCode(t, h.SetTenantToll(ctx, h.tenant.ID, toll), "")
		got := must[models.Tenant](t)(h.Tenant(ctx, h.tenant.ID)).Toll
		if len(got.Allow) != 1 || got.Allow[0] != "+852" || got.Deny[0] != "+852900" || got.Limits != toll.Limits {
			t.Errorf("%+v", got)
		}
		h.bind(t, x1, alice, bob, 60)
		if s := must[models.Sight](t)(h.Sight(ctx, x1, alice, models.NoExtension)); s.Tenant == nil || s.Tenant.Toll.Limits != toll.Limits {
			t.Errorf("a call's tenant is %+v", s.Tenant)
		}
		wantCode(t, h.SetTenantToll(ctx, h.tenant.ID, models.Toll{Destinations: models.Destinations{Deny: []string{"86"}}}), models.Invalid)
		wantCode(t, h.SetTenantToll(ctx, h.tenant.ID+99, toll), models.NotFound)
	})
}

// BenchmarkLimits commits the dialling and the end of calls of one tenant, 32 at a time, without limits and with all of them.
func BenchmarkLimits(b *testing.B) {
	benchEach(b, func(b *testing.B, config func() Config) {
		for name, l := range map[string]models.Limits{"none": {}, "all": {AtOnce: 1e6, PerHour: 1e8, PerDay: 1e8, Minutes: 1e8}} {
			b.Run(name, func(b *testing.B) {
				h := newHouse(b, config())
				var n atomic.Int64
				b.SetParallelism(16)
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						id := fmt.Sprint(name, n.Add(1))
						if err := h.dial(id, l); err != nil {
							b.Error(err)
						}
						end := h.end(id)
						end.Session.Counted = l.Any()
						if _, err := h.Record(context.Background(), end); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	})
}
