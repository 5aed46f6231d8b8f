package flow

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/controller/route"
	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

// prevented counts the leaks that were prevented, by what would have leaked.
type prevented struct {
	Silent
	mu  sync.Mutex
	got map[string]int
}

func (p *prevented) LeakPrevented(where string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.got == nil {
		p.got = map[string]int{}
	}
	p.got[where]++
}

// misnamed are prompts of which one lies under a path that holds a number.
type misnamed struct {
	Prompts
	name, number string
}

func (m misnamed) Find(spID, name string) (string, bool) {
	path, ok := m.Prompts.Find(spID, name)
	if name == m.name {
		path = filepath.Join(filepath.Dir(path), m.number, m.name)
	}
	return path, ok
}

// tamper lets the lab's prompt of this name lie under a path with a number, and counts what is prevented.
func (l *lab) tamper(name, number string) *prevented {
	p := &prevented{}
	l.tune = func(e *Engine) {
		e.Observe, e.Prompts = p, misnamed{e.Prompts, name, strings.TrimPrefix(number, "+86")}
	}
	return p
}

// alarmed checks that a leak was prevented and told of, without the number.
func (l *lab) alarmed(p *prevented, where string) {
	l.Helper()
	log := l.logs.String()
	if p.got[where] == 0 || !strings.Contains(log, "LEAK PREVENTED") {
		l.Errorf("prevented %v; log:\n%s", p.got, log)
	}
	for _, n := range []string{ann, ben, eve} {
		if strings.Contains(log, n[3:]) {
			l.Errorf("the log holds a number:\n%s", log)
		}
	}
}

// Whatever would show B the caller's number, and A the callee's, refuses the call: nobody is rung, the caller hears an apology and gets 503.
func TestLeakRefusesTheCall(t *testing.T) {
	for _, c := range []struct {
		name, where string
		tamper      func(*lab) *prevented
		bind        models.BindingSettings
	}{
		{"a trunk's domain", "dial", func(l *lab) *prevented {
			l.trunks[0].FromDomain = "8613800000001.carrier.example"
			return l.tamper("", "")
		}, models.BindingSettings{}},
		{"the tone before the ring", "variable", func(l *lab) *prevented { return l.tamper("wait.wav", ben) }, models.BindingSettings{PreVoiceA: "wait.wav"}},
		{"the hint of a recording", "dial", func(l *lab) *prevented { return l.tamper("record_hint.wav", ann) }, models.BindingSettings{Record: true}},
		{"a prompt of the last minute", "dial", func(l *lab) *prevented { return l.tamper("last_minute.wav", ann) }, models.BindingSettings{MaxDuration: 2, LastMinVoice: "last_minute.wav"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				p := c.tamper(l)
				l.bind(c.bind)
				l.daemon()
				l.sw.SetPhone(talks(ben))
				a, r := l.call(sim.Caller{From: ann, To: xLine})
				if r.Fail != models.InternalError || r.Q850 != 0 || len(l.sw.Rang(ben)) != 0 || a.Answered() || a.Status() != 503 || lastPlayed(a) != "system_busy.wav" {
					t.Errorf("state %d, q850 %d, rang %d times, final %d after %q", r.Fail, r.Q850, len(l.sw.Rang(ben)), a.Status(), lastPlayed(a))
				}
				if got := l.told(r.SessionID); len(got) != 3 || !strings.HasSuffix(got[1], " 8011") {
					t.Errorf("told %q", got)
				}
				l.alarmed(p, c.where)
			})
		})
	}
}

// A caller who keyed a wrong extension is not told whose it could have been.
func TestLeakInThePromptThatAsksAgain(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		p := l.tamper("extension_wrong.wav", ann)
		l.mode(models.ModeAXE, models.AppSettings{Extension: models.ExtensionSettings{Digits: 2, Repeats: 1, Gap: 3}})
		l.bindAXE(ben, "12", models.BindingSettings{})
		l.daemon()
		a, r := l.call(sim.Caller{From: ann, To: l.x, Digits: "77", DigitsEarly: true, DigitsAfter: time.Second})
		if r.Fail != models.InternalError || a.Answered() || a.Status() != 503 || lastPlayed(a) != "system_busy.wav" {
			t.Errorf("state %d, final %d after %q", r.Fail, a.Status(), lastPlayed(a))
		}
		l.alarmed(p, "application")
	})
}

// A placed call ends before it is dialled, with the other product's code.
func TestLeakInAPlacedCall(t *testing.T) {
	for name, number := range map[string]string{"the other party's number": ben, "the listener's own": ann} {
		t.Run(name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				p := l.tamper("busy.wav", number)
				e, _ := l.daemon()
				l.sw.SetPhone(talks(ann))
				l.sw.SetPhone(talks(ben))
				o := l.order(models.ModeClick, models.Place{Play: []models.Item{busyWav}, Then: &models.Connect{To: ben}})
				if r := l.place(e, o); r.Fail != models.PlacedInternal || len(l.sw.Rang(ann))+len(l.sw.Rang(ben)) != 0 {
					t.Errorf("state %d; log:\n%s", r.Fail, l.logs)
				}
				l.alarmed(p, "application")
				l.nothingWaits(e)
			})
		})
	}
}

// Where the platform allows it and the binding asks for it, and only there, the callee sees the real caller.
func TestRealCallerWhereThePlanShowsHim(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.tune = func(e *Engine) { e.Rules = route.Rules{AllowRealCaller: true} }
		l.mode(models.ModeAX, models.AppSettings{})
		b, err := l.st.BindAX(l.ctx, store.AXRequest{App: l.app, Where: store.Where{X: l.x}, A: models.MustParty(ann), Settings: models.BindingSettings{ShowCaller: true}})
		l.must(err)
		l.daemon()
		l.sw.SetPhone(talks(ann))
		l.sw.SetPhone(talks(ben))
		l.reaches(eve, l.x, ann, eve)
		_, err = l.st.SetTemp(l.ctx, l.app.ID, store.AXBy{SubscriptionID: b.ID}, models.MustParty(ben), time.Minute)
		l.must(err)
		l.reaches(ann, l.x, ben, l.x)
	})
}
