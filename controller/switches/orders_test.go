package switches

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/esl"
	"maskline/models"
)

func TestDrainAndResume(t *testing.T) {
	inLab(t, func(l *lab) {
		d, stop := l.daemon("d1")
		defer stop()
		l.stands(models.SwitchServing, 0, 2*time.Second)
		first, _ := l.call()
		l.order(models.SwitchDraining, false)
		l.stands(models.SwitchDraining, 1, 2*time.Second)
		if !d.Draining("fs1") || d.Draining("fs2") {
			t.Error("whoever places calls is not told")
		}
		l.refused()
		if wanted, is, _ := l.seen.get(); wanted != models.SwitchDraining || is != models.SwitchDraining {
			t.Errorf("observed %s, %s", wanted, is)
		}
		if first.Cause() != "" {
			t.Errorf("the call that was up ended with %s", first.Cause())
		}
		l.must(first.Wait(l.ctx)) // 10 s, as ever
		l.stands(models.SwitchDrained, 0, 5*time.Second)
		l.refused()
		time.Sleep(time.Minute)
		l.stands(models.SwitchDrained, 0, 0)
		if r := l.row(); r.Sight.Daemon != "d1" || time.Since(r.Sight.At) > 10*time.Second || r.Order.By != "ann" {
			t.Errorf("row %+v", r)
		}
		l.order(models.SwitchServing, false)
		l.stands(models.SwitchServing, 0, 2*time.Second)
		l.letIn()
		if d.Draining("fs1") {
			t.Error("still draining for whoever places calls")
		}
		for _, text := range []string{"switch takes no new calls", "switch is drained", "switch takes calls again"} {
			if n := l.logs.count(text); n != 1 {
				t.Errorf("%q was logged %d times:\n%s", text, n, l.logs)
			}
		}
	})
}

func TestResumeBeforeTheEnd(t *testing.T) {
	inLab(t, func(l *lab) {
		_, stop := l.daemon("d1")
		defer stop()
		l.call()
		l.order(models.SwitchDraining, true)
		l.stands(models.SwitchDraining, 1, 2*time.Second)
		l.order(models.SwitchServing, false)
		l.stands(models.SwitchServing, 0, 2*time.Second) // from the last HEARTBEAT: nobody waits for the count
		l.letIn()
		time.Sleep(time.Minute)
		if l.sw.Ended() {
			t.Error("shut down after all")
		}
	})
}

func TestShutdownIsOrderedOnce(t *testing.T) {
	inLab(t, func(l *lab) {
		_, stop := l.daemon("d1")
		defer stop()
		first, _ := l.call()
		l.order(models.SwitchDraining, true)
		l.stands(models.SwitchDraining, 1, 2*time.Second)
		if l.sw.Ended() {
			t.Fatal("shut down with a call up")
		}
		l.must(first.Wait(l.ctx))
		time.Sleep(5 * time.Second)
		if !l.sw.Ended() {
			t.Fatalf("not shut down: %+v\n%s", l.row(), l.logs)
		}
		l.sw.Restart() // by whoever watches over processes, or the operator with a new version
		time.Sleep(time.Minute)
		if l.sw.Ended() {
			t.Fatal("shut down again")
		}
		l.stands(models.SwitchDrained, 0, 5*time.Second)
		l.refused()
		l.order(models.SwitchDraining, true)
		time.Sleep(5 * time.Second)
		if !l.sw.Ended() {
			t.Fatalf("a new order was not carried out: %+v", l.row())
		}
	})
}

// A new process of the switch is paused for nobody: the order is carried out again.
func TestOrderHoldsWhenTheSwitchRestarts(t *testing.T) {
	inLab(t, func(l *lab) {
		_, stop := l.daemon("d1")
		defer stop()
		l.order(models.SwitchDraining, false)
		l.stands(models.SwitchDrained, 0, 5*time.Second)
		before := l.row().Sight.Core
		l.sw.Restart()
		for l.row().Sight.Core == before {
			time.Sleep(100 * time.Millisecond)
		}
		l.refused()
	})
}

func TestOrderHoldsWhenTheDaemonRestarts(t *testing.T) {
	inLab(t, func(l *lab) {
		_, stop := l.daemon("d1")
		l.order(models.SwitchDraining, false)
		l.stands(models.SwitchDrained, 0, 5*time.Second)
		stop()
		l.order(models.SwitchServing, false) // while nobody is there
		l.refused()
		_, stop = l.daemon("d2")
		l.stands(models.SwitchServing, 0, 2*time.Second)
		l.letIn()
		stop()
		l.order(models.SwitchDraining, false)
		sw, cut := l.adapter()
		defer cut()
		third := New(Options{Store: l.st, Switches: []esl.Switch{sw}, Daemon: "d3", Observe: &l.seen})
		l.must(third.Load(l.ctx))
		if wanted, is, _ := l.seen.get(); !third.Draining("fs1") || wanted != models.SwitchDraining || is != models.SwitchServing {
			t.Errorf("before its first look it knows nothing: %s, %s", wanted, is)
		}
	})
}

func TestAPauseByHandIsLeftAlone(t *testing.T) {
	inLab(t, func(l *lab) {
		sw, cut := l.adapter()
		defer cut()
		if _, err := sw.API(l.ctx, "fsctl", "pause inbound"); err != nil {
			t.Fatal(err)
		}
		_, stop := l.daemon("d1")
		defer stop()
		l.stands(models.SwitchServing, 0, 2*time.Second)
		l.refused()
	})
}

// flaky is a store that can be away.
type flaky struct {
	Store
	mu   sync.Mutex
	away bool
}

func (f *flaky) set(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

func (f *flaky) Switches(ctx context.Context, page models.Page) ([]models.SwitchRow, int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, 0, errors.New("connection refused")
	}
	return f.Store.Switches(ctx, page)
}

func TestOrdersHoldWithoutTheDatabase(t *testing.T) {
	inLab(t, func(l *lab) {
		l.order(models.SwitchDraining, false)
		f := &flaky{Store: l.st}
		sw, cut := l.adapter()
		defer cut()
		d := New(Options{Store: f, Switches: []esl.Switch{sw}, Daemon: "d1"})
		ctx, cancel := context.WithCancel(l.ctx)
		var wg sync.WaitGroup
		wg.Go(func() { d.Run(ctx) })
		defer wg.Wait()
		defer cancel()
		l.stands(models.SwitchDrained, 0, 5*time.Second)
		f.set(true)
		time.Sleep(time.Minute)
		if !d.Draining("fs1") {
			t.Error("failed is not empty")
		}
		l.refused()
	})
}

// stub answers api commands from a list of session counts; the last one stays.
type stub struct {
	esl.Switch
	up     bool
	counts []string
	asked  []string
	failed error
}

func (*stub) Name() string         { return "fs1" }
func (s *stub) Status() esl.Status { return esl.Status{Up: s.up, Core: "core-1"} }
func (s *stub) API(_ context.Context, command, arg string) (string, error) {
	if s.failed != nil {
		return "", s.failed
	}
	if command == "status" {
		n := s.counts[0]
		if len(s.counts) > 1 {
			s.counts = s.counts[1:]
		}
		return "UP 0 years\n5 session(s) since startup\n" + n + " session(s) - peak 1, last 5min 1 \n", nil
	}
	if strings.HasPrefix(arg, "pause_check") {
		last := strings.Join(s.asked, " ")
		paused := strings.HasSuffix(last, "pause") || arg == "pause_check inbound" && len(s.asked) > 0
		return map[bool]string{true: "true", false: "false"}[paused], nil
	}
	s.asked = append(s.asked, arg)
	return "+OK\n", nil
}

func TestACallOnItsWayIsNotCutOff(t *testing.T) {
	inLab(t, func(l *lab) {
		l.order(models.SwitchDraining, false)
		s := &stub{up: true, counts: []string{"0", "0", "1", "1", "0", "0", "0"}}
		d := New(Options{Store: l.st, Switches: []esl.Switch{s}, Daemon: "d1"})
		var states []string
		for range 5 {
			l.look(d)
			states = append(states, string(l.row().Sight.State))
		}
		if got, want := strings.Join(states, " "), "draining draining draining draining drained"; got != want {
			t.Errorf("states %s, want %s", got, want)
		}
		if got, want := strings.Join(s.asked, ", "), "pause inbound, pause, resume outbound, pause"; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	})
}

func TestOnlyWhoHoldsTheSwitchCarriesOrdersOut(t *testing.T) {
	inLab(t, func(l *lab) {
		l.order(models.SwitchDraining, true)
		s := &stub{}
		l.look(New(Options{Store: l.st, Switches: []esl.Switch{s}, Daemon: "d1"}))
		if len(s.asked) > 0 || !l.row().Sight.At.IsZero() {
			t.Errorf("told %q, row %+v", s.asked, l.row())
		}
	})
}

func TestFailureIsCountedAndLoggedOnce(t *testing.T) {
	inLab(t, func(l *lab) {
		l.order(models.SwitchDraining, false)
		s := &stub{up: true, failed: errors.New("-ERR")}
		d := New(Options{Store: l.st, Switches: []esl.Switch{s}, Daemon: "d1", Observe: &l.seen, Log: slog.New(slog.NewTextHandler(l.logs, nil))})
		for range 5 {
			l.look(d)
		}
		if _, _, failures := l.seen.get(); failures != 5 || l.logs.count("could not be carried out") != 1 {
			t.Errorf("%d failures; log:\n%s", failures, l.logs)
		}
		if l.row().Sight.State == models.SwitchDraining {
			t.Error("told of as draining, though it takes calls")
		}
	})
}

// mute is a switch that takes commands and answers none.
type mute struct{ esl.Switch }

func (mute) Name() string       { return "fs2" }
func (mute) Status() esl.Status { return esl.Status{Up: true, Core: "core-2"} }
func (mute) API(ctx context.Context, _, _ string) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

func TestASwitchThatDoesNotAnswerHoldsNoOtherUp(t *testing.T) {
	inLab(t, func(l *lab) {
		sw, cut := l.adapter()
		defer cut()
		d := New(Options{Store: l.st, Switches: []esl.Switch{mute{}, sw}, Daemon: "d1", Observe: &l.seen})
		ctx, cancel := context.WithCancel(l.ctx)
		var wg sync.WaitGroup
		wg.Go(func() { d.Run(ctx) })
		defer wg.Wait()
		defer cancel()
		_, err := l.st.OrderSwitch(l.ctx, "fs2", models.SwitchOrder{Wanted: models.SwitchDraining})
		l.must(err)
		time.Sleep(2 * time.Second) // the look at fs2 goes on
		l.order(models.SwitchDraining, false)
		time.Sleep(1500 * time.Millisecond)
		l.refused()
		time.Sleep(10 * time.Second)
		if _, _, failures := l.seen.get(); failures == 0 {
			t.Error("the one that does not answer was not counted")
		}
	})
}

func TestCountIn(t *testing.T) {
	for _, tt := range []struct {
		status string
		want   int
		ok     bool
	}{
		{"UP 0 years, 0 days\nFreeSWITCH (Version 1.11.1 64bit) is ready\n7 session(s) since startup\n3 session(s) - peak 9, last 5min 4 \n1 session(s) per Sec out of max 30, peak 2, last 5min 1 \n", 3, true},
		{"0 session(s) - peak 0, last 5min 0 \n", 0, true},
		{"UP\n7 session(s) since startup\n", 0, false},
		{"many session(s) - peak 0\n", 0, false},
		{"-1 session(s) - peak 0\n", 0, false},
		{"", 0, false},
	} {
		n, err := countIn(tt.status)
		if n != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: %d, %v", tt.status, n, err)
		}
	}
}
