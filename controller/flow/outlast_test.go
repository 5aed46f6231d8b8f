package flow

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/esl/wire"
	"maskline/models"
)

// rescues counts why callers were rescued.
type rescues struct {
	Silent
	mu  sync.Mutex
	why []string
}

func (r *rescues) Rescued(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.why = append(r.why, why)
}

// were asks that it was so.
func (r *rescues) were(l *lab, why ...string) {
	l.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.why, why) {
		l.Errorf("rescued for %q, want %q", r.why, why)
	}
}

// dead asks that the caller is rid of the call within a time, and that nothing of it is left.
func (l *lab) dead(a *sim.Line, within time.Duration) {
	l.Helper()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-a.Done():
	case <-timer.C:
		l.Fatalf("the caller still holds the line after %s: %v; log:\n%s", within, a.Ladder(), l.logs)
	}
}

// B is busy while no daemon looks: the switch gives A back to nobody, and the next daemon ends him with B's cause.
func TestCalleeFailsWhileNoDaemonLooks(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		_, stop := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: 10 * time.Second, Busy: true})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(4 * time.Second)
		stop()
		time.Sleep(10 * time.Second)
		l.daemon()
		l.dead(a, 10*time.Second)
		if c := l.record(a); c.Fail != models.CalleeBusy || c.Q850 != 17 || a.Status() != 486 {
			t.Errorf("status %d, %+v", a.Status(), c)
		}
	})
}

// The same while the link is down.
func TestCalleeFailsWhileTheLinkIsDown(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		seen := &rescues{}
		l.observe = seen
		l.bind(models.BindingSettings{})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: 10 * time.Second, Busy: true})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(4 * time.Second)
		l.sw.Faults.Refuse(true)
		l.sw.CutConnections()
		time.Sleep(15 * time.Second)
		l.sw.Faults.Refuse(false)
		l.dead(a, 20*time.Second)
		if c := l.record(a); c.Fail != models.CalleeBusy {
			t.Errorf("%+v", c)
		}
		seen.were(l, "callee")
	})
}

// A daemon dies between the claim and the first mark that it leaves on the leg: the caller does not wait for the park's bound of minutes.
func TestDaemonDiesRightAfterTheClaim(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		seen := &rescues{}
		l.observe = seen
		l.bind(models.BindingSettings{})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(time.Second)
		if r := l.ask1("api sched_del " + a.Leg); !strings.Contains(r, "Deleted: 1") {
			t.Fatalf("claim: %q", r)
		}
		l.daemon()
		l.dead(a, 15*time.Second)
		if a.Answered() {
			t.Error("he was answered")
		}
		seen.were(l, "claim")
	})
}

// The link breaks at each command of the set-up, and is back after a while: either they are connected, or the caller is refused soon; the CDR
// says which, and no leg is left.
func TestLinkBreaksWhileACallIsSetUp(t *testing.T) {
	for _, c := range []struct {
		command string
		fate    sim.CommandFate
		talk    bool
	}{
		{"uuid_setvar_multi", sim.CommandFate{Cut: true}, false},
		{"ring_ready", sim.CommandFate{Cut: true}, false},
		{"bridge", sim.CommandFate{Cut: true}, false},
		{"bridge", sim.CommandFate{Swallow: true}, true},
	} {
		t.Run(c.command, func(t *testing.T) {
			var sw *sim.Switch
			var met atomic.Bool
			inLab(t, sim.Options{}, func(l *lab) {
				sw = l.sw
				sw.Faults.Command = func(q wire.Request) *sim.CommandFate {
					if strings.Contains(q.Args+q.Get("execute-app-name"), c.command) && met.CompareAndSwap(false, true) {
						sw.Faults.Refuse(true)
						go func() { sw.CutConnections() }()
						return &c.fate
					}
					return nil
				}
				seen := &rescues{}
				l.observe = seen
				l.bind(models.BindingSettings{})
				l.daemon()
				l.sw.SetPhone(sim.Phone{Number: ben, Rings: 10 * time.Second, HangsUpAfter: 60 * time.Second})
				a := l.dial(sim.Caller{From: ann, To: xLine})
				time.Sleep(7 * time.Second)
				l.sw.Faults.Refuse(false)
				if !c.talk {
					l.dead(a, 30*time.Second)
				}
				r := l.record(a)
				if !met.Load() || a.Answered() != c.talk || r.AnswerAt.IsZero() == c.talk || c.talk && r.TalkSeconds() != 60 {
					t.Errorf("answered %t: %+v\n%s", a.Answered(), r, l.logs)
				}
				if c.talk {
					seen.were(l)
				} else {
					seen.were(l, "link")
				}
				time.Sleep(2 * time.Minute)
				if n := l.sw.Channels(); n != 0 {
					t.Errorf("%d legs are left", n)
				}
			})
		})
	}
}

// ask1 gives one command to the switch over a connection of its own.
func (l *lab) ask1(command string) string {
	l.Helper()
	c, err := l.sw.Dial()
	l.must(err)
	defer func() { _ = c.Close() }()
	r := wire.NewReader(c)
	answer := ""
	for _, line := range []string{"", "auth ClueCon\n\n", command + "\n\n"} {
		if line != "" {
			_, err := c.Write([]byte(line))
			l.must(err)
		}
		f, err := r.Next()
		l.must(err)
		answer = string(f.Body)
	}
	return answer
}
