package flow

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
)

// The plain call: A dials X, B's phone rings 3 s showing X, they talk 20 s, B hangs up.
func TestMaskedCall(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		b := l.bind(models.BindingSettings{UserData: "order-7"})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: 3 * time.Second, HangsUpAfter: 20 * time.Second})
		line, c := l.call(sim.Caller{From: ann, To: xLine})

		callee := l.sw.Rang(ben)
		if len(callee) != 1 || callee[0].Shown != xLine {
			t.Fatalf("B's phone: %+v", callee)
		}
		if c.Fail != models.Hungup || c.TalkSeconds() != 20 || c.HungUpBy != 2 || c.BindingID != b.ID || c.UserData != "order-7" || c.Area != "0755" || c.CompletedAt.IsZero() || c.Source != models.SourceEvents {
			t.Errorf("CDR %+v", c)
		}
		if ring := c.AnswerAt.Sub(c.AlertingAt); ring < 2900*time.Millisecond || ring > 3100*time.Millisecond {
			t.Errorf("rang %s", ring)
		}
		want := []string{"callin " + ann + " > " + xLine, "callout " + xLine + " > " + ben, "alerting " + xLine + " > " + ben, "answer " + xLine + " > " + ben,
			"disconnect " + xLine + " > " + ben + " 0", "cdr"}
		if got := l.told(c.SessionID); !slices.Equal(got, want) {
			t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if !line.Answered() {
			t.Error("A was never answered")
		}
	})
}

// Each way in which a call ends without talk, with what A hears and gets, and what the customer is told.
func TestUnansweredCalls(t *testing.T) {
	for _, c := range []struct {
		name    string
		caller  sim.Caller
		phone   sim.Phone
		bind    models.BindingSettings
		state   models.StateCode
		q850    int
		sip     int
		status  int    // A's final answer
		hears   string // A's last prompt
		noPhone bool   // B's phone must not ring
	}{
		{"busy after 15 s", sim.Caller{From: ann}, sim.Phone{Rings: 15 * time.Second, Busy: true}, models.BindingSettings{}, models.CalleeBusy, 17, 486, 486, "busy.wav", false},
		{"90 s without answer", sim.Caller{From: ann}, sim.Phone{NoAnswer: true}, models.BindingSettings{}, models.AnswerTimeout, 19, 487, 480, "no_answer.wav", false},
		{"90 s of early media without answer", sim.Caller{From: ann}, sim.Phone{NoAnswer: true, EarlyMedia: true}, models.BindingSettings{}, models.AnswerTimeout, 19, 487, 480, "no_answer.wav", false},
		{"number does not exist", sim.Caller{From: ann}, sim.Phone{NotExist: true}, models.BindingSettings{}, models.CalleeNotExist, 1, 404, 404, "not_exist.wav", false},
		{"rejected", sim.Caller{From: ann}, sim.Phone{Rings: time.Second, Rejects: true}, models.BindingSettings{}, models.CalleeRejected, 21, 603, 603, "rejected.wav", false},
		{"powered off", sim.Caller{From: ann}, sim.Phone{PoweredOff: true}, models.BindingSettings{}, models.CalleeUnreachable, 18, 480, 408, "unreachable.wav", false},
		{"network failure", sim.Caller{From: ann}, sim.Phone{Status: 503}, models.BindingSettings{}, models.CalleeNetwork, 41, 503, 503, "unreachable.wav", false},
		{"caller gives up before the ring", sim.Caller{From: ann, CancelsAfter: time.Second}, sim.Phone{Delay: 5 * time.Second, NoAnswer: true}, models.BindingSettings{}, models.CallerLeftEarly, 16, 487, 0, "", false},
		{"caller gives up while it rings", sim.Caller{From: ann, CancelsAfter: 8 * time.Second}, sim.Phone{NoAnswer: true}, models.BindingSettings{}, models.CallerLeft, 16, 487, 0, "", false},
		{"a stranger to the binding", sim.Caller{From: eve}, sim.Phone{}, models.BindingSettings{}, models.NoBinding, 0, 0, 603, "no_binding.wav", true},
		{"a hidden caller", sim.Caller{From: ann, Hidden: true}, sim.Phone{}, models.BindingSettings{}, models.NoBinding, 0, 0, 603, "no_binding.wav", true},
		{"A may not call", sim.Caller{From: ann}, sim.Phone{}, models.BindingSettings{Direction: models.OnlyBToA}, models.DirectionBarred, 0, 0, 603, "direction_forbidden.wav", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				l.bind(c.bind)
				l.daemon()
				c.phone.Number, c.caller.To = ben, xLine
				l.sw.SetPhone(c.phone)
				a, r := l.call(c.caller)
				if r.Fail != c.state || r.Q850 != c.q850 || r.SIPStatus != c.sip || !r.AnswerAt.IsZero() || r.FailAt.IsZero() {
					t.Errorf("state %d, q850 %d, sip %d, answered %s; want %d, %d, %d", r.Fail, r.Q850, r.SIPStatus, r.AnswerAt, c.state, c.q850, c.sip)
				}
				if a.Answered() {
					t.Error("A was answered, and so has to pay")
				}
				if b := l.sw.Rang(ben); c.state == models.AnswerTimeout {
					if heard := b[0].Heard(); heard[len(heard)-1].At.Sub(heard[0].At) < 89*time.Second {
						t.Errorf("B's phone rang %s, want 90 s", heard[len(heard)-1].At.Sub(heard[0].At))
					}
				}
				if a.Status() != c.status {
					t.Errorf("A's final answer is %d, want %d; %q", a.Status(), c.status, a.Ladder())
				}
				if heard := lastPlayed(a); heard != c.hears {
					t.Errorf("A last heard %q, want %q; %q", heard, c.hears, a.Ladder())
				}
				if c.noPhone && len(l.sw.Rang(ben)) > 0 {
					t.Error("B's phone rang")
				}
				told := l.told(r.SessionID)
				if !strings.HasSuffix(told[len(told)-2], " "+strconv.Itoa(int(c.state.ForEvent()))) || told[len(told)-1] != "cdr" {
					t.Errorf("told %q", told)
				}
				if l.sw.Channels() != 0 {
					t.Errorf("%d channels are left", l.sw.Channels())
				}
			})
		})
	}
}

// B dials X and reaches A.
func TestCalleeCallsBack(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ann, Rings: time.Second})
		_, c := l.call(sim.Caller{From: ben, To: xLine, HangsUpAfter: 5 * time.Second})
		if c.Callee.Reveal() != ann || c.TalkSeconds() != 5 || c.HungUpBy != 1 || l.sw.Rang(ann)[0].Shown != xLine {
			t.Errorf("%+v", c)
		}
	})
}

func TestExpiredBindingReachesNobody(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{Lifetime: 60})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben})
		time.Sleep(time.Minute)
		if _, c := l.call(sim.Caller{From: ann, To: xLine}); c.Fail != models.NoBinding || c.BindingID != "" || c.Direction != 2 {
			t.Errorf("%+v", c)
		}
	})
}

// maxDuration, the last-minute prompt, the recording with its hint: all in the switch, from B's answer.
func TestLimitsAndRecording(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{MaxDuration: 2, LastMinVoice: "last_minute.wav", Record: true})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: 10 * time.Second})
		a, c := l.call(sim.Caller{From: ann, To: xLine})
		if c.Fail != models.DurationReached || c.TalkSeconds() < 119 || c.TalkSeconds() > 121 || c.HungUpBy != 0 {
			t.Errorf("%+v", c)
		}
		if !c.Record || c.RecordFile == "" || !c.RecordAt.Equal(c.AnswerAt) {
			t.Errorf("recording: %+v", c)
		}
		b := l.sw.Rang(ben)[0]
		for who, line := range map[string]*sim.Line{"A": a, "B": b} {
			if heard := strings.Join(line.Ladder(), "; "); !strings.Contains(heard, "last_minute.wav") {
				t.Errorf("%s did not hear the last minute: %s", who, heard)
			}
		}
	})
}

// A trunk whose caller numbers nobody vouches for reaches nobody: a spoofed A is no A.
func TestUntrustedTrunk(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.trunks[0].TrustCaller = false
		l.bind(models.BindingSettings{})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben})
		if _, c := l.call(sim.Caller{From: ann, To: xLine}); c.Fail != models.NoBinding || c.Caller != models.Hidden {
			t.Errorf("%+v", c)
		}
	})
}

// The first trunk is down: the second carries the call, in one CDR. A busy callee is not rung again through it.
func TestTrunkFailover(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		second := l.trunks[0]
		second.Name, second.Order = "carrier-b", 1
		l.trunks = append(l.trunks, second)
		l.bind(models.BindingSettings{})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Gateway: "carrier-a", Status: 503})
		l.sw.SetPhone(sim.Phone{Number: ben, Gateway: "carrier-b", Rings: time.Second, HangsUpAfter: 10 * time.Second})
		if _, c := l.call(sim.Caller{From: ann, To: xLine}); c.Fail != models.Hungup || c.Trunk != "carrier-b" || c.TalkSeconds() != 10 {
			t.Errorf("%+v", c)
		}
		l.sw.SetPhone(sim.Phone{Number: ben, Gateway: "carrier-a", Rings: time.Second, Busy: true})
		if _, c := l.call(sim.Caller{From: ann, To: xLine}); c.Fail != models.CalleeBusy || c.Trunk != "carrier-a" {
			t.Errorf("%+v", c)
		}
		if n := len(l.sw.Rang(ben)); n != 3 {
			t.Errorf("B's phone was tried %d times, want 3: twice for the first call, once for the busy one", n)
		}
	})
}

func TestFullTrunk(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.trunks[0].Channels = 1
		l.bind(models.BindingSettings{})
		e, _ := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben})
		first := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(5 * time.Second)
		if _, c := l.call(sim.Caller{From: ann, To: xLine}); c.Fail != models.PortsExhausted {
			t.Errorf("%+v", c)
		}
		first.HangUp()
		l.record(first)
		if _, c := l.call(sim.Caller{From: ann, To: xLine, HangsUpAfter: time.Second}); c.Fail != models.Hungup {
			t.Errorf("the channel was not given back: %+v", c)
		}
		if e.Live() != 0 {
			t.Errorf("%d calls are left", e.Live())
		}
	})
}

func TestStop(t *testing.T) {
	for name, after := range map[string]time.Duration{"while it rings": 2 * time.Second, "while they talk": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				l.bind(models.BindingSettings{})
				e, _ := l.daemon()
				l.sw.SetPhone(sim.Phone{Number: ben, Rings: 10 * time.Second})
				a := l.dial(sim.Caller{From: ann, To: xLine})
				time.Sleep(after)
				id := models.SessionID(a.Leg, "sw1")
				l.must(e.Stop(l.ctx, id))
				c := l.record(a)
				if c.Fail != models.StoppedByCustomer {
					t.Errorf("%+v", c)
				}
				if told := l.told(id); !strings.HasSuffix(told[len(told)-2], " 0") {
					t.Errorf("8017 stands in CDRs only; told %q", told)
				}
				if models.CodeOf(e.Stop(l.ctx, id)) != models.SessionOver {
					t.Error("a call that is over was stopped again")
				}
			})
		})
	}
}

// Nothing that is logged or shown to a party holds the other's number.
func TestNumbersStayApart(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second, HangsUpAfter: time.Second})
		a, _ := l.call(sim.Caller{From: ann, To: xLine, Display: ann, PAI: ann, Header: []sim.Header{{Name: "Diversion", Value: "<sip:" + ann + "@x>"}, {Name: "X-Real", Value: ann}}})
		b := l.sw.Rang(ben)[0]
		for what, c := range map[string]struct {
			line   *sim.Line
			secret string
		}{"A": {a, ben[3:]}, "B": {b, ann[3:]}} {
			for _, m := range c.line.Heard() {
				for _, h := range m.Header {
					if !m.Sent && strings.Contains(h.Value, c.secret) {
						t.Errorf("%s sees the other's number in %s of %s", what, h.Name, m.What)
					}
				}
			}
		}
		if log := l.logs.String(); strings.Contains(log, ann[3:]) || strings.Contains(log, ben[3:]) || !strings.Contains(log, "sessionId=") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func lastPlayed(l *sim.Line) string {
	last := ""
	for _, m := range l.Heard() {
		if m.What == "playback" {
			last = m.Text[strings.LastIndexByte(m.Text, '/')+1:]
		}
	}
	return last
}
