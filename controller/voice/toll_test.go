package voice

import (
	"context"
	"testing"
	"time"

	"maskline/esl"
	"maskline/models"
)

// No request names a number that its tenant may not call, in any of the three kinds.
func TestBarredDestinations(t *testing.T) {
	inLab(t, func(l *lab) {
		var barred []string
		d := l.desk(&idle{ports: 10})
		d.o.Destinations, d.o.International = models.Destinations{Allow: []string{"+86", "+852"}, Deny: []string{"+86139"}}, true
		d.o.Barred = func(app string) { barred = append(barred, app) }
		ask := func(tenant models.Tenant, to string) (codes []models.Code) {
			c, n, v := click(), notify(PlayItem{NotifyVoice: "hello.wav"}), verify()
			c.Caller, c.Callee = models.MustParty("+8613700000001"), models.MustParty(to)
			n.Callee, v.Callee = models.MustParty(to), models.MustParty(to)
			_, err := d.Click(l.ctx, l.app, tenant, c)
			codes = append(codes, models.CodeOf(err))
			c.Caller, c.Callee = c.Callee, c.Caller
			_, err = d.Click(l.ctx, l.app, tenant, c)
			codes = append(codes, models.CodeOf(err))
			_, err = d.Notify(l.ctx, l.app, tenant, n)
			codes = append(codes, models.CodeOf(err))
			_, err = d.Verify(l.ctx, l.app, tenant, v)
			return append(codes, models.CodeOf(err))
		}
		refused := []models.Code{models.CalleeNumber, models.CallerNumber, models.CalleeNumber, models.CalleeNumber}
		for _, c := range []struct {
			to      string
			own     models.Destinations
			refused bool
		}{
			{"+8613800000001", models.Destinations{}, false},
			{"+8613900000002", models.Destinations{}, true},
			{"+14155550123", models.Destinations{}, true},
			{"+85291234567", models.Destinations{}, false},
			{"+14155550123", models.Destinations{Allow: []string{"+1415"}}, false},
			{"+8613800000001", models.Destinations{Deny: []string{"+861380"}}, true},
		} {
			tenant := l.tenant
			tenant.Toll.Destinations = c.own
			want := make([]models.Code, 4)
			if c.refused {
				want = refused
			}
			for i, got := range ask(tenant, c.to) {
				if got != want[i] {
					t.Errorf("request %d to %s under %+v: %q, want %q", i, c.to, c.own, got, want[i])
				}
			}
		}
		if len(barred) != 12 || barred[0] != "key1" {
			t.Errorf("told of %v", barred)
		}
	})
}

// An app whose tenant has reached his limits waits, and is not tried over and over; a call that gives up meanwhile says why.
func TestLimited(t *testing.T) {
	inLab(t, func(l *lab) {
		l.wait(l.app, 20, nil)
		q := l.queue()
		tried := &limits{q: q}
		q.o.Placer = tried
		stop := l.run(q)
		time.Sleep(20 * time.Second)
		stop()
		if tried.n < 4 || tried.n > 10 {
			t.Errorf("tried %d times in 20 s", tried.n)
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		if why := q.why(q.lines[l.app.ID].window[0].o, time.Now()); why != models.TenantTooManyCalls {
			t.Errorf("a call that gives up now ends with %d", why)
		}
	})
}

// limits dials nobody: the tenant's are reached.
type limits struct {
	q *Queue
	n int
}

func (*limits) Room() bool { return true }

func (p *limits) Place(_ context.Context, _ esl.Switch, o models.Outgoing) error {
	p.n++
	p.q.wg.Go(func() {
		p.q.Limited(o.Session, models.TenantTooManyCalls)
		p.q.Ended(o.Session)
	})
	return nil
}
