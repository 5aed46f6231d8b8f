package flow

import (
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/controller/cdr"
	"maskline/esl"
	"maskline/esl/sim"
	"maskline/models"
)

// the whole story of a plain call, told once, whoever told it.
func (l *lab) toldOnce(c models.CDR) {
	l.Helper()
	want := []string{"callin " + ann + " > " + xLine, "callout " + xLine + " > " + ben, "alerting " + xLine + " > " + ben, "answer " + xLine + " > " + ben,
		"disconnect " + xLine + " > " + ben + " 0", "cdr"}
	if got := l.told(c.SessionID); !slices.Equal(got, want) {
		l.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The daemon goes away at each stage of a call and another takes its place: the two talk, and one set of events and one CDR come
// out (DESIGN §9).
func TestDaemonDies(t *testing.T) {
	for _, c := range []struct {
		name      string
		dies      time.Duration // after the INVITE; B rings from 0 to 10 s and talks until 40 s
		back      time.Duration
		source    models.Source
		afterCall bool
	}{
		{"while B rings, back while B rings", 4 * time.Second, 6 * time.Second, models.SourceResync, false},
		{"while B rings, back while they talk", 4 * time.Second, 20 * time.Second, models.SourceResync, false},
		{"while they talk", 15 * time.Second, 20 * time.Second, models.SourceResync, false},
		{"while B rings, back after the call", 4 * time.Second, time.Hour, models.SourcePost, true},
		{"while they talk, back after the call", 20 * time.Second, time.Hour, models.SourcePost, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				l.bind(models.BindingSettings{})
				_, stop := l.daemon()
				l.sw.SetPhone(sim.Phone{Number: ben, Rings: 10 * time.Second, HangsUpAfter: 30 * time.Second})
				a := l.dial(sim.Caller{From: ann, To: xLine})
				time.Sleep(c.dies)
				stop()
				time.Sleep(c.back - c.dies)
				e, _ := l.daemon()
				r := l.record(a)
				if !a.Answered() || r.Fail != models.Hungup || r.TalkSeconds() != 30 || r.HungUpBy != 2 || r.Source != c.source {
					t.Errorf("%+v", r)
				}
				l.toldOnce(r)
				time.Sleep(2 * time.Minute)
				if e.Live() != 0 || e.reports.waiting() != 0 {
					t.Errorf("%d calls and %d reports are left", e.Live(), e.reports.waiting())
				}
				l.spoolIsEmpty()
			})
		})
	}
}

// Before anybody claimed it, a call waits ten seconds for a daemon.
func TestDaemonComesInTime(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.sw.SetPhone(sim.Phone{Number: ben, HangsUpAfter: 5 * time.Second})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(7 * time.Second)
		l.daemon()
		if c := l.record(a); c.Fail != models.Hungup || c.TalkSeconds() != 5 {
			t.Errorf("%+v", c)
		}
	})
}

func TestNobodyComes(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		a := l.dial(sim.Caller{From: ann, To: xLine})
		l.must(a.Wait(l.ctx))
		if a.Status() != 503 || a.Answered() {
			t.Errorf("status %d", a.Status())
		}
	})
}

// The link to the switch is cut while they talk: no call is ended for that, and nothing is told twice.
func TestLinkIsCut(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: 5 * time.Second, HangsUpAfter: 30 * time.Second})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		for range 6 {
			time.Sleep(4 * time.Second)
			l.sw.CutConnections()
		}
		c := l.record(a)
		if c.TalkSeconds() != 30 || c.Source != models.SourceResync {
			t.Errorf("%+v", c)
		}
		l.toldOnce(c)
	})
}

// The call ends while the link is down: the switch's own record completes it.
func TestCallEndsWhileTheLinkIsDown(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second, HangsUpAfter: 20 * time.Second})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(10 * time.Second)
		l.sw.Faults.Refuse(true)
		l.sw.CutConnections()
		time.Sleep(time.Minute)
		l.sw.Faults.Refuse(false)
		c := l.record(a)
		if c.Fail != models.Hungup || c.TalkSeconds() != 20 || c.Source != models.SourcePost {
			t.Errorf("%+v", c)
		}
		l.toldOnce(c)
	})
}

// The switch crashes: its calls end as lost with what is known.
func TestSwitchRestarts(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		e, _ := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(10 * time.Second)
		l.sw.Restart()
		time.Sleep(time.Minute)
		c := l.written(a)
		if c.Source != models.SourceLost || c.Fail != models.Abnormal || c.TalkSeconds() < 8 || c.TalkSeconds() > 9 {
			t.Errorf("nobody pays for longer than the call was known to live: %d s of %+v", c.TalkSeconds(), c)
		}
		if e.Live() != 0 {
			t.Errorf("%d calls are left", e.Live())
		}
		if _, next := l.call(sim.Caller{From: ann, To: xLine, HangsUpAfter: 3 * time.Second}); next.TalkSeconds() != 3 {
			t.Errorf("the next call: %+v", next)
		}
	})
}

// Switch and daemon die together and nothing is spooled: the call ends where it was last known to live, with what was told of it.
func TestEverythingDies(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		_, stop := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: 2 * time.Second})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(10 * time.Second)
		stop()
		l.sw.Restart()
		time.Sleep(time.Hour)
		l.daemon()
		c := l.written(a)
		if c.Source != models.SourceLost || c.Fail != models.Abnormal || c.AnswerAt.IsZero() || c.TalkSeconds() != 0 {
			t.Errorf("%d s of %+v", c.TalkSeconds(), c)
		}
		if told := l.told(c.SessionID); len(told) != 6 || told[3] != "answer "+xLine+" > "+ben {
			t.Errorf("told %q", told)
		}
	})
}

// Of a call that nobody watched to its end only the caller's record is left: the talk that was told of stays a talk, until the caller's end.
func TestTheCalleesRecordIsLost(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		_, stop := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: 2 * time.Second})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(10 * time.Second)
		stop()
		l.sw.Restart()
		session, err := l.st.Session(l.ctx, models.SessionID(a.Leg, "sw1"))
		l.must(err)
		e, _ := l.daemon()
		if !e.Report(cdr.Leg{ID: a.Leg, Call: a.Leg, Role: "a", Created: session.StartedAt, HungUp: session.StartedAt.Add(30 * time.Second),
			Cause: esl.NormalClearing, Disposition: "recv_bye"}, "sw1", nil) {
			t.Fatal("the report was not taken")
		}
		c := l.written(a)
		if c.Source != models.SourcePartial || c.Fail != models.Hungup || c.HungUpBy != 1 || c.TalkSeconds() < 27 || c.TalkSeconds() > 28 {
			t.Errorf("%d s of %+v", c.TalkSeconds(), c)
		}
		if told := l.told(c.SessionID); len(told) != 6 {
			t.Errorf("told %q", told)
		}
	})
}

// A daemon that is killed while a prompt runs: the next one ends the call politely.
func TestDaemonDiesInAPrompt(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.drain = 0 // it lets go of everything at once, as kill -9 does
		_, kill := l.daemon()
		a := l.dial(sim.Caller{From: eve, To: xLine})
		time.Sleep(time.Second)
		kill()
		if a.Status() != 0 {
			t.Fatal("the daemon that was killed ended the call itself")
		}
		l.daemon()
		died := time.Now()
		if c := l.record(a); c.Fail != models.NoBinding {
			t.Errorf("%+v", c)
		}
		if took := time.Since(died); took > 30*time.Second {
			t.Errorf("the call was left to the park's own bound: it ended after %s", took)
		}
	})
}

func TestMaxCalls(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		e, _ := l.daemon()
		e.MaxCalls = 1
		l.sw.SetPhone(sim.Phone{Number: ben})
		first := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(2 * time.Second)
		second := l.dial(sim.Caller{From: ann, To: xLine})
		l.must(second.Wait(l.ctx))
		if second.Status() != 503 || second.Cause() != "SWITCH_CONGESTION" {
			t.Errorf("status %d, cause %s", second.Status(), second.Cause())
		}
		first.HangUp()
		l.record(first)
	})
}
