package voice

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// A flood of one app keeps another app's calls waiting for no longer than their own pace.
func TestFairness(t *testing.T) {
	inLab(t, func(l *lab) {
		flood := l.newApp("flood", models.VoiceSettings{Rate: 20, Ports: 1000}, "+867550000011")
		small := l.newApp("small", models.VoiceSettings{Rate: 2}, "+867550000012")
		l.trunks[0].Rate = 10 // what both share
		l.wait(flood, 600, nil)
		l.run(l.queue())
		time.Sleep(10 * second)
		l.wait(small, 10, nil)
		began := time.Now()
		time.Sleep(20 * second)
		calls := l.dialled()
		mine := of(calls, small)
		if len(mine) != 10 {
			t.Fatalf("%d of the small app's 10 calls were dialled", len(mine))
		}
		if took := mine[9].at.Sub(began); took > 7*second {
			t.Errorf("the small app's 10 calls took %v at 2 a second", took)
		}
		if n := most(mine); n > 2 {
			t.Errorf("%d calls of the small app in one second", n)
		}
		if n := most(calls); n > 10 {
			t.Errorf("%d calls in one second on a trunk that takes 10", n)
		}
		if n := len(calls); n < 295 {
			t.Errorf("only %d calls in 30 s on a trunk that takes 10 a second", n)
		}
	})
}

// The pace is never exceeded and never wasted, whatever was configured, and nobody is dialled twice.
func TestPaceOfApp(t *testing.T) {
	for _, rate := range []float64{0.5, 3, 50, 200} {
		inLab(t, func(l *lab) {
			l.settings(&l.app, models.VoiceSettings{Rate: rate, Ports: 10_000})
			n := int(min(800, 10*rate)) + 1
			l.wait(l.app, n, nil)
			l.run(l.queue())
			time.Sleep(time.Duration(float64(n)/rate*float64(second)) + 10*second)
			l.once(n)
			calls := l.dialled()
			if got := most(calls); got > int(math.Ceil(rate)) {
				t.Errorf("rate %v: %d calls in one second", rate, got)
			}
			if took := calls[len(calls)-1].at.Sub(calls[0].at).Seconds(); took > float64(n)/rate+0.5 {
				t.Errorf("rate %v: %d calls took %v s", rate, n, took)
			}
		})
	}
}

// Ports of an app, ports and pace of a number, and channels of the trunks hold.
func TestPorts(t *testing.T) {
	inLab(t, func(l *lab) {
		l.settings(&l.app, models.VoiceSettings{Rate: 100, Ports: 7, Number: models.NumberPace{Ports: 2, Rate: 4}})
		other := func(o *models.Outgoing) { o.Session.Dialled, o.Session.Plan.Place.Show = lineB, lineB }
		l.wait(l.app, 300, nil) // more than the window holds
		l.wait(l.app, 20, other)
		q := l.queue()
		l.run(q)
		time.Sleep(30 * second)
		if q.Idle(l.app) != 3 {
			t.Errorf("%d ports are idle of 7 while two numbers with 2 each have calls waiting", q.Idle(l.app))
		}
		byNumber := map[string][]dialled{}
		for _, d := range l.dialled() {
			byNumber[d.o.Session.Dialled] = append(byNumber[d.o.Session.Dialled], d)
		}
		for _, n := range []string{lineA, lineB} {
			if calls := byNumber[n]; len(calls) < 8 || atOnce(calls) > 2 || most(calls) > 4 {
				t.Errorf("%d calls of number %s, %d at once, %d in a second", len(calls), n, atOnce(calls), most(calls))
			}
		}
		l.settings(&l.app, models.VoiceSettings{Rate: 100, Ports: 3})
		time.Sleep(20 * second)
		late := slices.DeleteFunc(l.dialled(), func(d dialled) bool { return time.Since(d.at) > 10*second })
		if n := atOnce(late); n != 3 {
			t.Errorf("%d calls at once on 3 ports", n)
		}
		l.mu.Lock()
		l.full = true
		l.mu.Unlock()
		time.Sleep(second)
		before := len(l.dialled())
		time.Sleep(20 * second)
		if n := len(l.dialled()); n != before {
			t.Errorf("%d calls were dialled without a channel", n-before)
		}
		l.mu.Lock()
		l.full = false
		l.mu.Unlock()
		time.Sleep(second)
		if len(l.dialled()) == before {
			t.Error("nobody was dialled after a channel became free")
		}
	})
}

// A code goes before calls that have waited for long, also one that another daemon accepted.
func TestPriority(t *testing.T) {
	inLab(t, func(l *lab) {
		l.settings(&l.app, models.VoiceSettings{Rate: 1})
		l.wait(l.app, 500, nil)
		q := l.queue()
		l.run(q)
		time.Sleep(5 * second)
		urgent := func(o *models.Outgoing) {
			o.Priority, o.Session.Mode = models.VoicePriority[models.ModeVerify], models.ModeVerify
			q.Offer(*o)
		}
		id := l.wait(l.app, 1, urgent)[0]
		began := time.Now()
		time.Sleep(3 * second)
		l.wasDialled(id, began, 2*second)
		id = l.wait(l.app, 1, func(o *models.Outgoing) { o.Priority = 0 })[0] // offered to nobody here
		began = time.Now()
		time.Sleep(10 * second)
		l.wasDialled(id, began, freshenAgain+2*second)
	})
}

func (l *lab) wasDialled(id string, since time.Time, within time.Duration) {
	l.Helper()
	for _, d := range l.dialled() {
		if d.o.Session.ID == id {
			if took := d.at.Sub(since); took > within {
				l.Errorf("dialled after %v", took)
			}
			return
		}
	}
	l.Error("not dialled")
}

// What was held back by a limit for too long ends with that limit's code, an event and a CDR, and nobody is rung.
func TestGiveUp(t *testing.T) {
	hour := func(models.Outgoing) time.Duration { return time.Hour }
	brief := models.VoiceSettings{WaitFor: 5}
	with := func(change func(*models.VoiceSettings)) models.VoiceSettings {
		v := brief
		change(&v)
		return v
	}
	for name, c := range map[string]struct {
		settings models.VoiceSettings
		spoil    func(*lab)
		dialled  int
		want     models.StateCode
	}{
		"ports of the app":    {with(func(v *models.VoiceSettings) { v.Ports = 2 }), nil, 2, models.TenantPortsFull},
		"pace of the app":     {with(func(v *models.VoiceSettings) { v.Rate = 0.05 }), nil, 1, models.AppTooManyCalls},
		"ports of the number": {with(func(v *models.VoiceSettings) { v.Number.Ports = 2 }), nil, 2, models.NumberTooManyCalls},
		"pace of the number":  {with(func(v *models.VoiceSettings) { v.Number.Rate = 0.05 }), nil, 1, models.NumberTooManyCalls},
		"channels":            {brief, func(l *lab) { l.full = true }, 0, models.TenantPortsFull},
		"pace of the trunk":   {brief, func(l *lab) { l.trunks[0].Rate = 0.05 }, 1, models.TenantPortsFull},
		"engine":              {brief, func(l *lab) { l.refuse = errors.New("full") }, 0, models.TenantPortsFull},
		"switch":              {brief, func(l *lab) { l.switches[0].up = false }, 0, models.NotConnected},
		"tenant": {brief, func(l *lab) { l.must(l.st.SetTenantState(l.ctx, l.tenant.ID, models.StateFrozen)) }, 0,
			models.AccountFrozen},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.talk = hour
				l.settings(&l.app, c.settings)
				if c.spoil != nil {
					c.spoil(l)
				}
				q := l.queue()
				l.run(q)
				time.Sleep(settleIn + second)
				ids := l.wait(l.app, 6, nil)
				time.Sleep(8 * second)
				l.once(c.dialled)
				ended := 0
				for _, id := range ids {
					if l.state(id) != c.want {
						continue
					}
					ended++
					told := l.box.told(l, id)
					if len(told) != 2 || told[1] != "fee" {
						t.Errorf("told: %v", told)
					}
				}
				if ended != 6-c.dialled {
					t.Errorf("%d calls ended with %d, not %d; the first with %d", ended, c.want, 6-c.dialled, l.state(ids[5]))
				}
				if _, _, gone, _ := q.Progress(l.app.ID); int(gone) != ended {
					t.Errorf("%d gave up as it is told", gone)
				}
				if depth, err := l.st.QueueDepth(l.ctx, l.app.ID); err != nil || depth != 0 {
					t.Errorf("%d wait still, %v", depth, err)
				}
			})
		})
	}
}

// A waiting call that its customer stops ends with 8017 and is not dialled. One that was dialled is not the Queue's to stop.
func TestStop(t *testing.T) {
	inLab(t, func(l *lab) {
		l.settings(&l.app, models.VoiceSettings{Rate: 1})
		ids := l.wait(l.app, 5, nil)
		q := l.queue()
		l.run(q)
		time.Sleep(500 * time.Millisecond)
		l.must(q.Stop(l.ctx, ids[2]))
		if err := q.Stop(l.ctx, ids[2]); models.CodeOf(err) != models.SessionOver {
			t.Errorf("stopped twice: %v", err)
		}
		if err := q.Stop(l.ctx, ids[0]); models.CodeOf(err) != models.SessionOver {
			t.Errorf("one that is up: %v", err)
		}
		if err := q.Stop(l.ctx, "nobody"); models.CodeOf(err) != models.SessionOver {
			t.Errorf("an unknown one: %v", err)
		}
		time.Sleep(20 * second)
		l.once(4)
		if got := l.state(ids[2]); got != models.StoppedByCustomer {
			t.Errorf("it ended with %d", got)
		}
		s, err := l.st.Session(l.ctx, ids[2])
		if err != nil || !s.Stopped || s.EndedAt.IsZero() || s.Stage != models.StageEnded {
			t.Errorf("session %+v, %v", s, err)
		}
		want := []string{"disconnect 8017 " + lineA + " > " + s.Caller.Reveal(), "fee"}
		if told := l.box.told(l, ids[2]); !slices.Equal(told, want) {
			t.Errorf("told %v, not %v", told, want)
		}
	})
}

// A second Queue on the same store, after the first was stopped anywhere: what was dialled counts, what waits is dialled, and nobody twice.
func TestRestart(t *testing.T) {
	inLab(t, func(l *lab) {
		l.settings(&l.app, models.VoiceSettings{Rate: 20, Ports: 60})
		l.talk = func(models.Outgoing) time.Duration { return 20 * second }
		l.wait(l.app, 200, nil)
		stop := l.run(l.queue())
		time.Sleep(2500 * time.Millisecond)
		stop()
		first := len(l.dialled())
		if first < 40 || first > 60 {
			t.Fatalf("%d calls before the restart", first)
		}
		q := l.queue()
		l.run(q)
		time.Sleep(3 * second)
		if n := atOnce(l.dialled()); n != 60 || q.Idle(l.app) != 0 {
			t.Errorf("%d calls at once on 60 ports over a restart, %d idle", n, q.Idle(l.app))
		}
		time.Sleep(3 * time.Minute)
		l.once(200)
		if n := atOnce(l.dialled()); n != 60 {
			t.Errorf("%d calls at once on 60 ports in the end", n)
		}
		// Calls of before tell another Queue of their end: the count mends itself.
		if n := q.Idle(l.app); n != 60 {
			t.Errorf("%d of 60 ports are idle when all is over", n)
		}
	})
}

// Two Queues on one store, as two daemons: nobody is dialled twice, nobody is forgotten.
func TestTwoQueues(t *testing.T) {
	inLab(t, func(l *lab) {
		l.settings(&l.app, models.VoiceSettings{Rate: 50, Ports: 1000})
		other := l.newApp("other", models.VoiceSettings{Rate: 10}, "+867550000011")
		a, b := l.queue(), l.queue()
		l.run(a)
		l.run(b)
		time.Sleep(second)
		var wg sync.WaitGroup
		wg.Go(func() { l.wait(l.app, 500, func(o *models.Outgoing) { a.Offer(*o); b.Offer(*o) }) })
		wg.Wait()
		l.wait(other, 50, nil)
		time.Sleep(time.Minute)
		l.once(550)
		if n := most(of(l.dialled(), l.app)); n > 100 {
			t.Errorf("%d calls in one second with two Queues of 50", n)
		}
		if depth, err := l.st.QueueDepth(l.ctx, l.app.ID); err != nil || depth != 0 {
			t.Errorf("%d wait still, %v", depth, err)
		}
	})
}

// What the operator changes acts on calls that wait already, few as they are.
func TestSettingsChange(t *testing.T) {
	inLab(t, func(l *lab) {
		l.settings(&l.app, models.VoiceSettings{Ports: 1})
		l.talk = func(models.Outgoing) time.Duration { return time.Hour }
		l.wait(l.app, 3, nil)
		l.run(l.queue())
		time.Sleep(10 * second)
		l.once(1)
		l.settings(&l.app, models.VoiceSettings{Ports: 2})
		time.Sleep(10 * second)
		l.once(2)
		l.must(l.st.UpdateApp(l.ctx, l.app.ID, func(a *models.App) error {
			a.State, a.Settings.Voice.Ports = models.StateSuspended, 5
			return nil
		}))
		time.Sleep(10 * second)
		l.once(2)
		l.must(l.st.UpdateApp(l.ctx, l.app.ID, func(a *models.App) error { a.State = models.StateNormal; return nil }))
		time.Sleep(10 * second)
		l.once(3)
	})
}

// A call goes to the switch that is up and carries the fewest; when none is, it waits.
func TestSwitches(t *testing.T) {
	inLab(t, func(l *lab) {
		l.switches = append(l.switches, &box{name: "sw2", up: true}, &box{name: "sw3"})
		l.settings(&l.app, models.VoiceSettings{Rate: 10, Ports: 1000})
		l.talk = func(models.Outgoing) time.Duration { return time.Hour }
		q := l.queue()
		l.run(q)
		l.wait(l.app, 40, nil)
		time.Sleep(settleIn - 2*second)
		if n := len(l.dialled()); n != 0 {
			t.Errorf("%d calls were dialled before the third switch had had its time", n)
		}
		time.Sleep(10 * second)
		by := map[string]int{}
		for _, d := range l.dialled() {
			by[d.by]++
		}
		if by["sw1"] != 20 || by["sw2"] != 20 {
			t.Errorf("calls by switch: %v", by)
		}
		for _, b := range l.switches {
			b.set(false)
		}
		l.wait(l.app, 5, nil)
		time.Sleep(10 * second)
		l.once(40)
		l.switches[2].set(true)
		time.Sleep(3 * second)
		l.once(45)
		if last := l.dialled()[44]; last.by != "sw3" {
			t.Errorf("the last went to %s", last.by)
		}
	})
}

// A trunk that a number prefers is waited for; others are filled up one after the other, each at its pace.
func TestTrunks(t *testing.T) {
	inLab(t, func(l *lab) {
		l.trunks = []models.Trunk{{Name: "second", Proxy: "192.0.2.2", Rate: 3, Order: 2}, {Name: "first", Proxy: "192.0.2.1", Rate: 5, Order: 1}, {Name: "in"}}
		l.settings(&l.app, models.VoiceSettings{Rate: 100, Ports: 1000})
		l.wait(l.app, 80, nil)
		l.run(l.queue())
		time.Sleep(15 * second)
		l.once(80)
		by := map[string][]dialled{}
		for _, d := range l.dialled() {
			by[d.o.Session.Plan.Place.Trunk] = append(by[d.o.Session.Plan.Place.Trunk], d)
		}
		if most(by["first"]) > 5 || most(by["second"]) > 3 || len(by["first"])+len(by["second"]) != 80 || len(by["second"]) < 28 {
			t.Errorf("%d in a second and %d in all on the first, %d and %d on the second", most(by["first"]), len(by["first"]), most(by["second"]), len(by["second"]))
		}
		began := time.Now()
		l.wait(l.app, 12, func(o *models.Outgoing) { o.Session.Plan.Place.Trunk = "second" })
		time.Sleep(10 * second)
		for _, d := range l.dialled()[80:] {
			if d.o.Session.Plan.Place.Trunk != "second" {
				t.Errorf("went by %s", d.o.Session.Plan.Place.Trunk)
			}
		}
		if took := l.dialled()[91].at.Sub(began); took < 3*second {
			t.Errorf("12 calls took %v on a trunk that takes 3 a second", took)
		}
	})
}

// Calls that must wait for their number do not keep those of other numbers out of sight, however many stand before them.
func TestBehindACrowd(t *testing.T) {
	inLab(t, func(l *lab) {
		l.settings(&l.app, models.VoiceSettings{Rate: 50, Ports: 1000, Number: models.NumberPace{Rate: 1}})
		l.wait(l.app, 2500, nil)
		l.wait(l.app, 10, func(o *models.Outgoing) { o.Session.Dialled, o.Session.Plan.Place.Show = lineB, lineB })
		l.run(l.queue())
		time.Sleep(30 * second)
		behind := slices.DeleteFunc(l.dialled(), func(d dialled) bool { return d.o.Session.Dialled != lineB })
		if len(behind) != 10 {
			t.Errorf("%d of the 10 calls of the number behind were dialled in 30 s", len(behind))
		}
		before := len(l.dialled()) - len(behind)
		if before < 29 {
			t.Errorf("%d calls of the number in front in 30 s at 1 a second", before)
		}
	})
}

// The store goes away and comes back: nothing is lost, nobody is dialled twice.
func TestStoreAway(t *testing.T) {
	inLab(t, func(l *lab) {
		l.settings(&l.app, models.VoiceSettings{Rate: 10, Ports: 1000})
		l.wait(l.app, 100, nil)
		e := &engine{lab: l}
		shaky := &shakyStore{Store: l.st}
		e.q = New(Options{Store: shaky, Placer: e, Outbox: l.box, Seats: l.seats(), Trunks: l.trunks})
		l.run(e.q)
		for range 10 {
			time.Sleep(2 * second)
			shaky.set(true)
			time.Sleep(2 * second)
			shaky.set(false)
		}
		time.Sleep(20 * second)
		l.once(100)
	})
}

// shakyStore fails to read when it is told to.
type shakyStore struct {
	*store.Store
	mu   sync.Mutex
	away bool
}

func (s *shakyStore) set(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

var errAway = errors.New("the database is away")

func (s *shakyStore) QueueApps(ctx context.Context) ([]store.QueueApp, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, errAway
	}
	return s.Store.QueueApps(ctx)
}

func (s *shakyStore) QueueHead(ctx context.Context, appID int64, after store.QueueMark, n int) ([]models.Outgoing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, errAway
	}
	return s.Store.QueueHead(ctx, appID, after, n)
}

// What metrics and operators are told.
func TestObserved(t *testing.T) {
	inLab(t, func(l *lab) {
		l.settings(&l.app, models.VoiceSettings{Rate: 4, Ports: 1000})
		accepted := time.Now()
		l.wait(l.app, 60, nil)
		seen := &observer{}
		e := &engine{lab: l}
		e.q = New(Options{Store: l.st, Placer: e, Outbox: l.box, Seats: l.seats(), Trunks: l.trunks, Observe: seen})
		l.run(e.q)
		time.Sleep(10500 * time.Millisecond)
		synctest.Wait()
		seen.mu.Lock()
		if b := seen.last; len(b) != 1 || b[0].AppKey != "key1" || b[0].Waiting > 22 || b[0].Waiting < 16 || b[0].Oldest.Before(accepted) {
			t.Errorf("waiting: %+v", b)
		}
		seen.mu.Unlock()
		live, placed, gaveUp, pace := e.q.Progress(l.app.ID)
		if live != 20 || placed < 40 || placed > 44 || gaveUp != 0 || pace < 3.8 || pace > 4.2 {
			t.Errorf("progress: %d live, %d placed, %d gave up, %v a second", live, placed, gaveUp, pace)
		}
		time.Sleep(30 * second)
		seen.mu.Lock()
		defer seen.mu.Unlock()
		if len(seen.last) != 0 || seen.dialled != 60 {
			t.Errorf("in the end %+v wait, %d were dialled", seen.last, seen.dialled)
		}
		if _, _, _, pace := e.q.Progress(l.app.ID); pace != 0 {
			t.Errorf("the pace is %v when all is over", pace)
		}
	})
}

type observer struct {
	Silent
	mu      sync.Mutex
	last    []Backlog
	dialled int
}

func (o *observer) Waiting(apps []Backlog) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = apps
}

func (o *observer) Dialled(models.Mode, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dialled++
}
