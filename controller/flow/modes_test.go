package flow

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

const (
	yLine = "+8617000000010"
	cat   = "+8613600000004"
)

// mode makes the lab's app one of another mode, with two numbers.
func (l *lab) mode(m models.Mode, s models.AppSettings) {
	l.Helper()
	tenant, err := l.st.Tenant(l.ctx, l.app.TenantID)
	l.must(err)
	l.app = models.App{TenantID: tenant.ID, Key: "key-" + string(m), Name: string(m), Mode: m, State: models.StateNormal, PushScheme: models.PushAKSK,
		StatusURL: "http://customer/status", FeeURL: "http://customer/fee", Record: true, Settings: s, CreatedAt: time.Now()}
	l.must(l.st.CreateApp(l.ctx, &l.app, "secret"))
	l.x, l.y = "+8617100000001", "+8617100000002"
	for _, n := range []string{l.x, l.y} {
		l.must(l.st.AddNumbers(l.ctx, []models.Number{{TenantID: tenant.ID, AppID: l.app.ID, Number: n, AreaCode: "0755", State: models.NumberNormal, CreatedAt: time.Now()}}))
	}
}

// talks is a phone that rings a second and hangs up after ten.
func talks(number string) sim.Phone {
	return sim.Phone{Number: number, Rings: time.Second, HangsUpAfter: 10 * time.Second}
}

func (l *lab) reaches(from, to, callee, shown string) models.CDR {
	l.Helper()
	before := len(l.sw.Rang(callee))
	_, c := l.call(sim.Caller{From: from, To: to})
	rang := l.sw.Rang(callee)
	if len(rang) != before+1 || c.Fail != models.Hungup || c.Callee.Reveal() != callee {
		l.Fatalf("%s dialled %s: %s rang %d times, state %d, reached %s; log:\n%s", from, to, callee, len(rang)-before, c.Fail, c.Callee, l.logs)
	}
	if got := rang[len(rang)-1].Shown; got != shown {
		l.Errorf("%s dialled %s: %s saw %s, want %s", from, to, callee, got, shown)
	}
	return c
}

func (l *lab) refused(from, to string, want models.StateCode, prompt string) models.CDR {
	l.Helper()
	a, c := l.call(sim.Caller{From: from, To: to})
	if c.Fail != want || a.Answered() || lastPlayed(a) != prompt {
		l.Errorf("%s dialled %s: state %d after %q, want %d after %q; %q", from, to, c.Fail, lastPlayed(a), want, prompt, a.Ladder())
	}
	return c
}

func TestAX(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.mode(models.ModeAX, models.AppSettings{})
		b, err := l.st.BindAX(l.ctx, store.AXRequest{App: l.app, Where: store.Where{X: l.x}, A: models.MustParty(ann)})
		l.must(err)
		l.daemon()
		for _, n := range []string{ann, ben, eve} {
			l.sw.SetPhone(talks(n))
		}
		if c := l.reaches(eve, l.x, ann, l.x); c.Direction != 0 || c.BindingID != b.ID {
			t.Errorf("%+v", c)
		}
		l.refused(ann, l.x, models.NoTempCallee, "no_binding.wav")
		by := store.AXBy{SubscriptionID: b.ID}
		_, err = l.st.SetTemp(l.ctx, l.app.ID, by, models.MustParty(ben), time.Minute)
		l.must(err)
		if c := l.reaches(ann, l.x, ben, l.x); c.Direction != 1 {
			t.Errorf("%+v", c)
		}
		l.refused(ann, l.x, models.NoTempCallee, "no_binding.wav") // used up by the answer

		_, err = l.st.SetTemp(l.ctx, l.app.ID, by, models.MustParty(ben), time.Minute)
		l.must(err)
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second, Busy: true})
		l.refused(ann, l.x, models.CalleeBusy, "busy.wav")
		l.sw.SetPhone(talks(ben))
		l.reaches(ann, l.x, ben, l.x) // a redial: a busy callee has not used it up
		_, err = l.st.SetTemp(l.ctx, l.app.ID, by, models.MustParty(ben), time.Minute)
		l.must(err)
		time.Sleep(time.Minute)
		l.refused(ann, l.x, models.NoTempCallee, "no_binding.wav") // a minute is over

		first := l.dial(sim.Caller{From: eve, To: l.x})
		time.Sleep(5 * time.Second)
		l.refused(cat, l.x, models.CalleeBusy, "busy.wav")
		l.record(first)
		l.reaches(cat, l.x, ann, l.x) // free again

		_, err = l.st.ModifyAX(l.ctx, l.app.ID, by, func(b *models.Binding) error { b.Off = true; return nil })
		l.must(err)
		l.refused(eve, l.x, models.NoPermission, "no_permission.wav")
		l.must(l.st.UnbindAX(l.ctx, l.app.ID, by))
		l.refused(eve, l.x, models.NoPermission, "no_permission.wav")
	})
}

// Two callers at the very same time: one talks, the other hears busy.
func TestAXTwoAtOnce(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.mode(models.ModeAX, models.AppSettings{})
		_, err := l.st.BindAX(l.ctx, store.AXRequest{App: l.app, Where: store.Where{X: l.x}, A: models.MustParty(ann)})
		l.must(err)
		l.daemon()
		l.sw.SetPhone(talks(ann))
		var lines []*sim.Line
		for _, from := range []string{ben, eve, cat} {
			lines = append(lines, l.dial(sim.Caller{From: from, To: l.x}))
		}
		var talked, busy int
		for _, a := range lines {
			switch c := l.record(a); c.Fail {
			case models.Hungup:
				talked++
			case models.CalleeBusy:
				busy++
			}
		}
		if talked != 1 || busy != 2 || len(l.sw.Rang(ann)) != 1 {
			t.Errorf("%d talked, %d heard busy, A's phone rang %d times", talked, busy, len(l.sw.Rang(ann)))
		}
	})
}

func (l *lab) bindAXE(a, extension string, s models.BindingSettings) models.Binding {
	l.Helper()
	b, err := l.st.BindAXE(l.ctx, store.AXERequest{App: l.app, Where: store.Where{X: l.x}, A: models.MustParty(a), Extension: extension, Settings: s})
	l.must(err)
	return b
}

func TestAXE(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.mode(models.ModeAXE, models.AppSettings{Extension: models.ExtensionSettings{Digits: 2, Repeats: 1}})
		b := l.bindAXE(ann, "12", models.BindingSettings{CallbackTime: 1})
		l.bindAXE(ben, "34", models.BindingSettings{})
		l.daemon()
		for _, n := range []string{ann, ben, eve} {
			l.sw.SetPhone(talks(n))
		}
		l.refused(ann, l.x, models.NoCallback, "no_binding.wav") // nobody has called

		a, c := l.call(sim.Caller{From: eve, To: l.x, Digits: "12", DigitsEarly: true, DigitsAfter: 2 * time.Second})
		if c.Fail != models.Hungup || c.Callee.Reveal() != ann || c.Extension != "12" || c.BindingID != b.ID || c.Direction != 0 {
			t.Fatalf("%+v; %q; log:\n%s", c, a.Ladder(), l.logs)
		}
		want := []string{"callin " + eve + " > " + l.x, "collectInfo  > ", "callout " + l.x + " > " + ann, "alerting " + l.x + " > " + ann, "answer " + l.x + " > " + ann,
			"disconnect " + l.x + " > " + ann + " 0", "cdr"}
		if told := l.told(c.SessionID); !slices.Equal(told, want) {
			t.Errorf("told %q\nwant %q", told, want)
		}
		if back := l.reaches(ann, l.x, eve, l.x); back.Direction != 1 {
			t.Errorf("%+v", back)
		}
		l.reaches(ann, l.x, eve, l.x) // again: a callback is not used up
		time.Sleep(time.Hour)
		l.refused(ann, l.x, models.NoCallback, "no_binding.wav") // the hour is over
	})
}

// What callers key, and where it leads.
func TestAXECollection(t *testing.T) {
	for _, c := range []struct {
		name   string
		caller sim.Caller
		state  models.StateCode
		reach  string
		last   string   // prompt
		keyed  []string // collectInfo
	}{
		{"short, ended by #", sim.Caller{From: eve, Digits: "7#"}, models.Hungup, cat, "extension_input.wav", []string{"7"}},
		{"short, ended by waiting", sim.Caller{From: eve, Digits: "7"}, models.Hungup, cat, "extension_input.wav", []string{"7"}},
		{"nothing at all", sim.Caller{From: eve}, models.ExtensionEmpty, "", "extension_missing.wav", nil},
		{"wrong twice", sim.Caller{From: eve, Digits: "9999", DigitGap: 6 * time.Second}, models.NoExtensionBound, "", "extension_giveup.wav", []string{"9", "9"}},
		{"letters and stars", sim.Caller{From: eve, Digits: "*AB", DigitGap: 2 * time.Second}, models.NoExtensionBound, "", "extension_giveup.wav", []string{"*A", "B"}},
		{"a hidden caller is put through", sim.Caller{From: eve, Hidden: true, Digits: "12"}, models.Hungup, ann, "extension_input.wav", []string{"12"}},
		{"leaves during the prompt", sim.Caller{From: eve, CancelsAfter: time.Second}, models.CallerLeftBefore, "", "extension_input.wav", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				l.mode(models.ModeAXE, models.AppSettings{Extension: models.ExtensionSettings{Digits: 2, Repeats: 1, Gap: 5}})
				l.bindAXE(ann, "12", models.BindingSettings{})
				l.bindAXE(cat, "7", models.BindingSettings{})
				e, _ := l.daemon()
				l.sw.SetPhone(talks(ann))
				l.sw.SetPhone(talks(cat))
				c.caller.To, c.caller.DigitsEarly, c.caller.DigitsAfter = l.x, true, 2*time.Second
				a, r := l.call(c.caller)
				if r.Fail != c.state || r.Callee.Reveal() != c.reach || lastPlayed(a) != c.last {
					t.Errorf("state %d, reached %s, last heard %q; want %d, %s, %q; %q\n%s", r.Fail, r.Callee, lastPlayed(a), c.state, models.Mask(c.reach), c.last, a.Ladder(), l.logs)
				}
				var keyed []string
				for _, ev := range l.events(r.SessionID) {
					if ev.Type == models.EventCollect {
						keyed = append(keyed, ev.Digits)
					}
				}
				if !slices.Equal(keyed, c.keyed) {
					t.Errorf("told of %q, want %q", keyed, c.keyed)
				}
				if c.caller.Hidden {
					l.refused(ann, l.x, models.NoCallback, "no_binding.wav") // he was never recorded
				}
				if e.Live() != 0 || l.sw.Channels() != 0 {
					t.Errorf("%d calls and %d channels are left", e.Live(), l.sw.Channels())
				}
			})
		})
	}
}

func (l *lab) events(sessionID string) []models.CallEvent {
	l.Helper()
	list, err := l.st.Events(l.ctx, sessionID)
	l.must(err)
	return list
}

// A is answered before he is asked, where the app says so: the carrier passes no digits before.
func TestAXEAnswersFirst(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.mode(models.ModeAXE, models.AppSettings{Extension: models.ExtensionSettings{Digits: 2, AnswerFirst: true}})
		l.bindAXE(ann, "12", models.BindingSettings{})
		l.daemon()
		l.sw.SetPhone(talks(ann))
		a, c := l.call(sim.Caller{From: eve, To: l.x, Digits: "12", DigitsAfter: time.Second})
		if c.Fail != models.Hungup || c.TalkSeconds() != 10 || !a.Answered() {
			t.Errorf("%+v; %q", c, a.Ladder())
		}
		if ladder := a.Ladder(); !slices.Contains(ladder, "200 OK") || slices.Index(ladder, "200 OK") > 1 {
			t.Errorf("%q", ladder)
		}
	})
}

func TestAXYB(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.mode(models.ModeAXYB, models.AppSettings{})
		b, err := l.st.BindAXYB(l.ctx, store.AXYBRequest{App: l.app, Where: store.Where{X: l.x}, A: models.MustParty(ann), Settings: models.BindingSettings{YBLifetime: 3600}})
		l.must(err)
		l.daemon()
		for _, n := range []string{ann, ben, eve} {
			l.sw.SetPhone(talks(n))
		}
		c := l.reaches(ben, l.x, ann, l.y) // B's first call is given a Y
		if c.Direction != 0 || c.BindingID == b.ID {
			t.Errorf("%+v", c)
		}
		l.reaches(ben, l.x, ann, l.y)
		if c := l.reaches(ann, l.y, ben, l.x); c.Direction != 1 {
			t.Errorf("%+v", c)
		}
		l.refused(ann, l.x, models.DialledOwnX, "no_permission.wav")
		l.refused(eve, l.y, models.NoRelation, "no_binding.wav")
		l.refused(eve, l.x, models.NoYNumber, "abnormal.wav") // the one Y is taken on this A
		time.Sleep(time.Hour)
		l.refused(ann, l.y, models.NoRelation, "no_binding.wav") // YB is over
		l.must(l.st.UnbindAXYB(l.ctx, l.app.ID, store.AXYBBy{SubscriptionID: b.ID}))
		l.refused(ben, l.x, models.NoRelation, "no_binding.wav")
	})
}

// Two first calls of one B at once get one Y.
func TestAXYBTwoFirstCalls(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.mode(models.ModeAXYB, models.AppSettings{})
		b, err := l.st.BindAXYB(l.ctx, store.AXYBRequest{App: l.app, Where: store.Where{X: l.x}, A: models.MustParty(ann)})
		l.must(err)
		l.daemon()
		l.sw.SetPhone(talks(ann))
		first, second := l.dial(sim.Caller{From: ben, To: l.x}), l.dial(sim.Caller{From: ben, To: l.x})
		if one, two := l.record(first), l.record(second); one.Fail != models.Hungup || two.Fail != models.Hungup || one.BindingID != two.BindingID {
			t.Errorf("%+v\n%+v", one, two)
		}
		list, _, err := l.st.Bindings(l.ctx, store.BindingFilter{Parent: b.ID}, models.Page{})
		l.must(err)
		if len(list) != 1 {
			t.Errorf("%d relations", len(list))
		}
	})
}

// customer answers the question of mode X.
type customer struct {
	answer string
	status int
	after  time.Duration
	asked  []models.CallEvent
}

func (c *customer) Ask(ctx context.Context, _ models.App, _ models.Session, e models.CallEvent) ([]byte, int, error) {
	c.asked = append(c.asked, e)
	timer := time.NewTimer(c.after)
	defer timer.Stop()
	select {
	case <-timer.C:
		return []byte(c.answer), c.status, nil
	case <-ctx.Done():
		return nil, 0, errors.New("no answer in time")
	}
}

func TestX(t *testing.T) {
	connect := `{"operation":"connect","connectInfo":[{"calleeNum":"` + ben + `","userData":"u9","maxDuration":1}]}`
	for _, c := range []struct {
		name     string
		customer customer
		state    models.StateCode
		reach    string
		last     string
		userData string
	}{
		{"connect", customer{answer: connect, status: 200}, models.Hungup, ben, "", "u9"},
		{"connect, in the last moment", customer{answer: connect, status: 200, after: 3900 * time.Millisecond}, models.Hungup, ben, "", "u9"},
		{"too late", customer{answer: connect, status: 200, after: 5 * time.Second}, models.NoBinding, "", "abnormal.wav", ""},
		{"500", customer{answer: connect, status: 500}, models.NoBinding, "", "abnormal.wav", ""},
		{"close with a tone", customer{answer: `{"operation":"close","closeInfo":[{"closeHintTone":"wait.wav","userData":"c"}]}`, status: 200}, models.Hungup, "", "wait.wav", "c"},
		{"nonsense", customer{answer: `{"operation":"dance"}`, status: 200}, models.NoBinding, "", "abnormal.wav", ""},
		{"a number of ours: no circles", customer{answer: `{"operation":"connect","connectInfo":{"calleeNum":"` + xLine + `"}}`, status: 200}, models.NoBinding, "", "abnormal.wav", ""},
		{"the caller himself", customer{answer: `{"operation":"connect","connectInfo":{"calleeNum":"` + eve + `"}}`, status: 200}, models.NoBinding, "", "abnormal.wav", ""},
		{"a tone that is not there", customer{answer: `{"operation":"connect","connectInfo":{"calleeNum":"` + ben + `","waitVoice":"no.wav"}}`, status: 200}, models.PromptGone, "", "abnormal.wav", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				l.mode(models.ModeX, models.AppSettings{})
				l.ask = &c.customer
				e, _ := l.daemon()
				l.sw.SetPhone(talks(ben))
				a, r := l.call(sim.Caller{From: eve, To: l.x})
				if r.Fail != c.state || r.Callee.Reveal() != c.reach || lastPlayed(a) != c.last || r.UserData != c.userData || r.BindingID != "" {
					t.Errorf("state %d, reached %s, last heard %q, userData %q; %q\n%s", r.Fail, r.Callee, lastPlayed(a), r.UserData, a.Ladder(), l.logs)
				}
				if len(c.customer.asked) != 1 || c.customer.asked[0].Type != models.EventCallIn {
					t.Errorf("asked %d times", len(c.customer.asked))
				}
				for _, d := range l.box.of(r.SessionID) {
					if strings.Contains(string(d.Body), `"callin"`) {
						t.Error("the question was pushed as well")
					}
					var doc any
					l.must(json.Unmarshal(d.Body, &doc))
				}
				if e.Live() != 0 || l.sw.Channels() != 0 {
					t.Errorf("%d calls and %d channels are left", e.Live(), l.sw.Channels())
				}
			})
		})
	}
}

// The caller leaves while the tenant thinks.
func TestXCallerLeaves(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.mode(models.ModeX, models.AppSettings{})
		l.ask = &customer{answer: `{"operation":"dance"}`, status: 200, after: 3 * time.Second}
		l.daemon()
		l.sw.SetPhone(talks(ben))
		_, r := l.call(sim.Caller{From: eve, To: l.x, CancelsAfter: time.Second})
		if r.Fail != models.CallerLeftBefore || len(l.sw.Rang(ben)) != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestRisk(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.mode(models.ModeAX, models.AppSettings{Risk: models.Risk{Frequency: models.WatchRefuse, PerCaller: 2, BlackLists: models.WatchRefuse}})
		_, err := l.st.BindAX(l.ctx, store.AXRequest{App: l.app, Where: store.Where{X: l.x}, A: models.MustParty(ann)})
		l.must(err)
		l.must(l.st.Bar(l.ctx, &models.Barred{TenantID: l.app.TenantID, AppID: l.app.ID, Kind: models.BarCaller, Party: models.MustParty(cat), CreatedAt: time.Now()}))
		l.daemon()
		l.sw.SetPhone(talks(ann))
		l.reaches(eve, l.x, ann, l.x)
		l.reaches(eve, l.x, ann, l.x)
		l.refused(eve, l.x, models.CallerTooOften, "no_permission.wav")
		l.refused(cat, l.x, models.CallerBarred, "no_permission.wav")
		time.Sleep(time.Hour)
		l.reaches(eve, l.x, ann, l.x)
	})
}
