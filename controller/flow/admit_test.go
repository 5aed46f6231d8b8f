package flow

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/esl/wire"
	"maskline/models"
	"maskline/models/store"
)

// overs counts the calls that were one too many.
type overs struct {
	Silent
	mu  sync.Mutex
	why map[Overload]int
}

func (o *overs) Overloaded(why Overload) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why == nil {
		o.why = map[Overload]int{}
	}
	o.why[why]++
}

func (o *overs) are(t *testing.T, want map[Overload]int) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if fmt.Sprint(o.why) != fmt.Sprint(want) {
		t.Errorf("refused %v, want %v", o.why, want)
	}
}

// looked counts look-ups.
type looked struct {
	Store
	mu sync.Mutex
	n  int
}

func (s *looked) Sight(ctx context.Context, dialled string, caller models.Party, extension string) (models.Sight, error) {
	s.mu.Lock()
	s.n++
	s.mu.Unlock()
	return s.Store.Sight(ctx, dialled, caller, extension)
}

// crowd binds n pairs on X and gives their callers; a callee talks for half a minute.
func (l *lab) crowd(n int) (callers []sim.Caller) {
	l.Helper()
	for i := range n {
		a, b := fmt.Sprintf("+86138%08d", i), fmt.Sprintf("+86139%08d", i)
		_, err := l.st.Bind(l.ctx, store.BindRequest{App: l.app, Where: store.Where{X: xLine}, A: models.MustParty(a), B: models.MustParty(b)})
		l.must(err)
		callers = append(callers, sim.Caller{From: a, To: xLine, Callee: &sim.Phone{Number: b, Rings: time.Second, HangsUpAfter: 30 * time.Second}})
	}
	return callers
}

// turnedAway checks that a caller was turned away within a second, heard nothing, and was answered 503 with the time to wait.
func (l *lab) turnedAway(a *sim.Line, retryAfter string) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.ctx, time.Second)
	defer cancel()
	if err := a.Wait(ctx); err != nil {
		l.Fatalf("not refused at once: %v", a.Ladder())
	}
	said := ""
	for _, m := range a.Heard() {
		if m.What == "playback" || m.What == "answer" {
			l.Errorf("heard %v", m)
		}
		for _, h := range m.Header {
			if h.Name == "Retry-After" {
				said = h.Value
			}
		}
	}
	if a.Status() != 503 || said != retryAfter {
		l.Errorf("status %d, Retry-After %q; want 503, %q", a.Status(), said, retryAfter)
	}
}

// oneRecordEach checks that every call has its one CDR, and how many ended how.
func (l *lab) oneRecordEach(lines []*sim.Line, want map[models.StateCode]int) {
	l.Helper()
	got := map[models.StateCode]int{}
	for _, a := range lines {
		got[l.record(a).Fail]++
	}
	_, total, err := l.st.CDRs(l.ctx, store.CDRFilter{}, models.Page{Limit: 1})
	l.must(err)
	if total != len(lines) || fmt.Sprint(got) != fmt.Sprint(want) {
		l.Errorf("%d records of %d calls, ended %v, want %v", total, len(lines), got, want)
	}
}

// More calls a second than may come: those beyond are refused at once, unheard and without a look-up; the others talk as ever. A second later
// there is room again.
func TestMoreCallsASecondThanMayCome(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		callers, seen, db := l.crowd(12), &overs{}, &looked{Store: l.st}
		l.observe = seen
		l.tune = func(e *Engine) { e.Store, e.admit = db, newAdmission(e, 2, 4) }
		l.daemon()
		var lines []*sim.Line
		for _, c := range callers[:10] {
			lines = append(lines, l.dial(c))
		}
		time.Sleep(200 * time.Millisecond)
		for _, a := range lines { // which of them came first is the switch's to say
			if a.Status() != 0 {
				l.turnedAway(a, "1")
			}
		}
		seen.are(t, map[Overload]int{OverRate: 6})
		if db.n != 4 {
			t.Errorf("%d look-ups for 4 calls that were taken", db.n)
		}
		if n := strings.Count(l.logs.String(), "calls were refused"); n != 1 {
			t.Errorf("%d lines in the log of one second", n)
		}
		time.Sleep(time.Second)
		lines = append(lines, l.dial(callers[10]), l.dial(callers[11]))
		l.oneRecordEach(lines, map[models.StateCode]int{models.Hungup: 6, models.PortsExhausted: 6})
		if n := l.sw.Channels(); n != 0 {
			t.Errorf("%d channels are left", n)
		}
	})
}

// As many calls are up as may be: those that come are refused, those that are up notice nothing, and the first that ends makes room.
func TestMoreCallsThanMayBeUp(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		callers, seen := l.crowd(60), &overs{}
		l.observe = seen
		l.tune = func(e *Engine) { e.MaxCalls = 2 }
		e, _ := l.daemon()
		var lines []*sim.Line
		for _, c := range callers[:2] {
			lines = append(lines, l.dial(c))
		}
		time.Sleep(10 * time.Second)
		for _, c := range callers[2:59] {
			lines = append(lines, l.dial(c))
			l.turnedAway(lines[len(lines)-1], "5")
		}
		seen.are(t, map[Overload]int{OverCalls: 57})
		if e.Live() != 2 {
			t.Errorf("%d calls are up", e.Live())
		}
		for _, a := range lines[:2] {
			if r := l.record(a); r.TalkSeconds() != 30 || r.Source != models.SourceEvents {
				t.Errorf("a call that was up: %+v", r)
			}
		}
		lines = append(lines, l.dial(callers[59]))
		l.oneRecordEach(lines, map[models.StateCode]int{models.Hungup: 3, models.PortsExhausted: 57})
	})
}

// Calls that are up are taken over by the next daemon, however few it may have.
func TestCallsThatAreUpAreTakenOverBeyondTheBound(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		callers := l.crowd(3)
		_, stop := l.daemon()
		lines := []*sim.Line{l.dial(callers[0]), l.dial(callers[1])}
		time.Sleep(5 * time.Second)
		stop()
		l.tune = func(e *Engine) { e.MaxCalls = 1 }
		e, _ := l.daemon()
		if e.Live() != 2 {
			t.Errorf("carries %d calls of 2 that were up", e.Live())
		}
		third := l.dial(callers[2])
		l.turnedAway(third, "5")
		l.oneRecordEach(append(lines, third), map[models.StateCode]int{models.Hungup: 2, models.PortsExhausted: 1})
	})
}

// A switch that is near its own bound keeps what is left for the callees of the calls that it has. What has ended since it last said how many
// sessions it has makes room at once.
func TestSwitchNearItsBound(t *testing.T) {
	inLab(t, sim.Options{MaxCalls: 10}, func(l *lab) {
		callers, seen := l.crowd(12), &overs{}
		l.observe = seen
		l.daemon()
		time.Sleep(25 * time.Second) // it has said how many it may have
		var lines []*sim.Line
		for _, c := range callers[:9] {
			lines = append(lines, l.dial(c))
			time.Sleep(100 * time.Millisecond)
		}
		lines = append(lines, l.dial(callers[9]))
		l.turnedAway(lines[9], "5")
		time.Sleep(20 * time.Second) // now it says so itself
		lines = append(lines, l.dial(callers[10]))
		l.turnedAway(lines[10], "5")
		lines[0].HangUp()
		time.Sleep(time.Second)
		lines = append(lines, l.dial(callers[11]))
		time.Sleep(2 * time.Second)
		seen.are(t, map[Overload]int{OverSwitch: 2})
		l.oneRecordEach(lines, map[models.StateCode]int{models.Hungup: 10, models.PortsExhausted: 2})
	})
}

// A switch that is slow to take commands has no more than a bounded line of refusals to be told of; the rest it refuses by itself. Commands of
// a call that is up wait behind no more than those under way.
func TestRefusalsAreBounded(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		var slow bool
		var mu sync.Mutex
		l.sw.Faults.Command = func(q wire.Request) *sim.CommandFate {
			mu.Lock()
			defer mu.Unlock()
			if slow && strings.Contains(q.Args, "sched_del") {
				return &sim.CommandFate{After: 100 * time.Millisecond}
			}
			return nil
		}
		callers, seen := l.crowd(1), &overs{}
		l.observe = seen
		l.tune = func(e *Engine) { e.MaxCalls = 1 }
		e, _ := l.daemon()
		up := l.dial(callers[0])
		time.Sleep(5 * time.Second)
		mu.Lock()
		slow = true
		mu.Unlock()
		const more = refuseQueue + 200
		lines := make([]*sim.Line, 0, more)
		for range more {
			lines = append(lines, l.dial(sim.Caller{From: eve, To: xLine}))
		}
		time.Sleep(time.Second)
		e.admit.mu.Lock()
		waiting, workers := len(e.admit.of("sw1").waiting), e.admit.of("sw1").workers
		e.admit.mu.Unlock()
		if waiting > refuseQueue || workers > refuseAtOnce {
			t.Errorf("%d refusals wait, %d are under way", waiting, workers)
		}
		began := time.Now()
		l.must(e.Stop(l.ctx, models.SessionID(up.Leg, "sw1")))
		if took := time.Since(began); took > time.Second {
			t.Errorf("a command of the call that is up took %s of virtual time", took)
		}
		for _, a := range lines {
			l.must(a.Wait(l.ctx))
			if a.Status() != 503 {
				t.Fatalf("status %d", a.Status())
			}
		}
		seen.mu.Lock()
		left := seen.why[OverQueue]
		seen.mu.Unlock()
		if left == 0 || left >= more {
			t.Errorf("%d were left to the switch", left)
		}
	})
}
