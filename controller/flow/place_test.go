package flow

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

const (
	shownA = "+8675580000001"
	shownB = "+8675580000002"
)

// order puts a call of our own into the queue.
func (l *lab) order(mode models.Mode, p models.Place) models.Outgoing {
	l.Helper()
	if p.To == "" {
		p.To = ann
	}
	p.Show, p.AnswerIn, p.Replays = shownA, 30*time.Second, 3
	leg := models.NewID()
	s := models.Session{ID: models.SessionID(leg, "sw1"), LegA: leg, Host: "sw1", TenantID: l.app.TenantID, AppID: l.app.ID, Mode: mode, Dialled: shownA,
		Caller: models.MustParty(p.To), UserData: "u", Plan: models.Plan{Place: &p}, Stage: models.StageQueued, StartedAt: time.Now().UTC()}
	if p.Then != nil {
		p.Then.Show, p.Then.AnswerIn = shownB, 30*time.Second
		s.Callee = models.MustParty(p.Then.To)
	}
	o := models.Outgoing{Session: s, State: models.OutgoingQueued, QueuedAt: time.Now().UTC(), GiveUpAt: time.Now().Add(time.Hour).UTC()}
	l.must(l.st.Enqueue(l.ctx, o, []store.Cap(nil)))
	return o
}

// place places a call and waits for its end and its CDR.
func (l *lab) place(e *Engine, o models.Outgoing) models.CDR {
	l.Helper()
	l.must(e.Place(l.ctx, l.adapter, o))
	return l.cdrOf(o)
}

func (l *lab) cdrOf(o models.Outgoing) models.CDR {
	l.Helper()
	for range 4000 {
		if c, err := l.st.CDR(l.ctx, o.Session.ID); err == nil {
			return c
		}
		time.Sleep(500 * time.Millisecond)
	}
	l.Fatalf("no CDR; log:\n%s", l.logs)
	return models.CDR{}
}

// legsTold is what was pushed of a placed call, as "answer:a"; collectInfo with its digits, disconnect with its code.
func (l *lab) legsTold(o models.Outgoing) string {
	l.Helper()
	var out []string
	for _, line := range l.told(o.Session.ID) {
		f := strings.Fields(line)
		if f[0] == "cdr" {
			continue
		}
		leg := ":?"
		switch strings.Join(f[1:4], " ") {
		case shownA + " > " + o.Session.Caller.Reveal():
			leg = ":a"
		case shownB + " > " + o.Session.Callee.Reveal():
			leg = ":b"
		}
		if f[0] == "disconnect" {
			leg += "=" + f[4]
		}
		out = append(out, f[0]+leg)
	}
	return strings.Join(out, " ")
}

// nothingWaits checks that the queue is empty and the engine idle.
func (l *lab) nothingWaits(e *Engine) {
	l.Helper()
	time.Sleep(2 * time.Minute)
	if list, n, err := l.st.OutgoingList(l.ctx, store.OutgoingFilter{}, models.Page{}); err != nil || n != 0 || len(list) != 0 {
		l.Errorf("%d calls wait (%v)", n, err)
	}
	if e.Live() != 0 || e.reports.waiting() != 0 {
		l.Errorf("%d calls and %d reports are left", e.Live(), e.reports.waiting())
	}
	l.spoolIsEmpty()
}

func plays(names ...string) models.Item { return models.Item{Prompts: names} }

var busyWav = models.Item{Prompts: []string{"busy.wav"}}

// Every way in which a notification goes, with what is told and recorded of it (spec/voicecall.md §3, §6, §9).
func TestNotification(t *testing.T) {
	heard := "callout:a alerting:a answer:a disconnect:a=0"
	asks := func(digits int, replayOn string) models.Item {
		return models.Item{Prompts: []string{"busy.wav"}, Collect: digits, Replay: replayOn != "", ReplayOn: replayOn}
	}
	for _, c := range []struct {
		name  string
		phone sim.Phone
		play  []models.Item
		told  string
		state models.StateCode // of the CDR
		out   int
		sip   int
		keyed []string
	}{
		{name: "heard to its end", play: []models.Item{busyWav}, told: heard},
		{name: "three rounds of three files", play: []models.Item{{Prompts: []string{"busy.wav", "wait.wav", "busy.wav"}, Rounds: 3}}, told: heard},
		{name: "hung up early", phone: sim.Phone{HangsUpAfter: 2 * time.Second}, play: []models.Item{busyWav}, told: heard},
		{name: "busy", phone: sim.Phone{Rings: 2 * time.Second, Busy: true}, play: []models.Item{busyWav}, told: "callout:a alerting:a disconnect:a=8102", state: 8102, out: 17, sip: 486},
		{name: "refused while it rings", phone: sim.Phone{Rings: 2 * time.Second, Rejects: true}, play: []models.Item{busyWav}, told: "callout:a alerting:a disconnect:a=8004", state: 8004, out: 21, sip: 603},
		{name: "refused at once", phone: sim.Phone{Silent: true, Rejects: true}, play: []models.Item{busyWav}, told: "callout:a disconnect:a=8105", state: 8105, out: 21, sip: 603},
		{name: "does not exist", phone: sim.Phone{Silent: true, NotExist: true}, play: []models.Item{busyWav}, told: "callout:a disconnect:a=8100", state: 8100, out: 1, sip: 404},
		{name: "powered off", phone: sim.Phone{Silent: true, PoweredOff: true}, play: []models.Item{busyWav}, told: "callout:a disconnect:a=8103", state: 8103, out: 18, sip: 480},
		{name: "carrier fails", phone: sim.Phone{Silent: true, Status: 503}, play: []models.Item{busyWav}, told: "callout:a disconnect:a=8001", state: 8001, out: 41, sip: 503},
		{name: "no answer", phone: sim.Phone{NoAnswer: true}, play: []models.Item{busyWav}, told: "callout:a alerting:a disconnect:a=8003", state: 8003, out: 19, sip: 487},
		{name: "early media is nobody's answer", phone: sim.Phone{EarlyMedia: true, NoAnswer: true}, play: []models.Item{busyWav}, told: "callout:a alerting:a disconnect:a=8003", state: 8003, out: 19, sip: 487},
		{name: "keys", phone: sim.Phone{Digits: "5", DigitsAfter: 8 * time.Second}, play: []models.Item{asks(1, "")}, told: "callout:a alerting:a answer:a collectInfo:a disconnect:a=0", keyed: []string{"5"}},
		{name: "keys too early are not kept", phone: sim.Phone{Digits: "5", DigitsAfter: time.Second}, play: []models.Item{asks(1, "")}, told: "callout:a alerting:a answer:a disconnect:a=8008", state: models.NoDigits},
		{name: "no keys", play: []models.Item{asks(2, "")}, told: "callout:a alerting:a answer:a disconnect:a=8008", state: models.NoDigits},
		{name: "the trigger, then another key", phone: sim.Phone{Digits: "12", DigitsAfter: 7 * time.Second, DigitGap: 8 * time.Second}, play: []models.Item{asks(1, "1")},
			told: "callout:a alerting:a answer:a collectInfo:a collectInfo:a disconnect:a=0", keyed: []string{"1", "2"}},
		{name: "the trigger for ever", phone: sim.Phone{Digits: "1111111", DigitsAfter: 7 * time.Second, DigitGap: 8 * time.Second}, play: []models.Item{asks(1, "1")},
			told: "callout:a alerting:a answer:a collectInfo:a collectInfo:a collectInfo:a collectInfo:a disconnect:a=0", keyed: []string{"1", "1", "1", "1"}},
		{name: "keys between items", phone: sim.Phone{Digits: "3", DigitsAfter: 14 * time.Second}, play: []models.Item{busyWav, asks(1, "1"), busyWav, busyWav},
			told: "callout:a alerting:a answer:a collectInfo:a disconnect:a=0", keyed: []string{"3"}},
		{name: "keys after two items", phone: sim.Phone{Digits: "34", DigitsAfter: 8 * time.Second, DigitGap: 16 * time.Second}, play: []models.Item{asks(1, ""), busyWav, asks(1, "")},
			told: "callout:a alerting:a answer:a collectInfo:a collectInfo:a disconnect:a=0", keyed: []string{"3", "4"}},
		{name: "a prompt is gone", play: []models.Item{plays("no_such.wav")}, told: "disconnect:a=8006", state: 8006},
		{name: "no engine speaks", play: []models.Item{{Speech: &models.Speech{Text: "你好"}}}, told: "disconnect:a=8005", state: 8005},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				e, _ := l.daemon()
				c.phone.Number = ann
				if c.phone.Rings == 0 {
					c.phone.Rings = time.Second
				}
				l.sw.SetPhone(c.phone)
				o := l.order(models.ModeNotify, models.Place{Play: c.play})
				r := l.place(e, o)
				if got := l.legsTold(o); got != c.told {
					t.Errorf("told %q, want %q\n%s", got, c.told, l.logs)
				}
				if r.Fail != c.state || r.OutQ850 != c.out || r.SIPStatus != c.sip || r.Q850 != 0 || r.Source != models.SourceEvents {
					t.Errorf("state %d, out %d, sip %d, source %s; want %d, %d, %d", r.Fail, r.OutQ850, r.SIPStatus, r.Source, c.state, c.out, c.sip)
				}
				if r.Mode != models.ModeNotify || r.X != shownA || r.Caller.Reveal() != ann || !r.Callee.IsZero() || r.UserData != "u" || r.Host != "sw1" || r.CallInAt != o.Session.StartedAt.Truncate(time.Microsecond) {
					t.Errorf("CDR %+v", r)
				}
				if answered := strings.Contains(c.told, "answer:a"); answered == r.OutAnswerAt.IsZero() || answered != r.FailAt.IsZero() || !r.AnswerAt.IsZero() {
					t.Errorf("answered at %s, failed at %s", r.OutAnswerAt, r.FailAt)
				}
				events, err := l.st.Events(l.ctx, o.Session.ID)
				l.must(err)
				var keyed []string
				for _, ev := range events {
					if ev.Type == models.EventCollect {
						keyed = append(keyed, ev.Digits)
					}
				}
				if !slices.Equal(keyed, c.keyed) {
					t.Errorf("keyed %q, want %q", keyed, c.keyed)
				}
				if rang := l.sw.Rang(ann); len(rang) > 1 || len(rang) == 1 && rang[0].Shown != shownA {
					t.Errorf("rang %d times", len(rang))
				}
				l.nothingWaits(e)
			})
		})
	}
}

// speaker says every text by one file, or nothing.
type speaker struct{ path string }

func (s speaker) Speak(context.Context, models.Speech) (string, time.Duration, error) {
	if s.path == "" {
		return "", 0, errors.New("the engine is broken")
	}
	return s.path, 3 * time.Second, nil
}

func TestSpeechIsCounted(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		path, err := filepath.Abs("../../conf/prompts/zh/busy.wav")
		l.must(err)
		l.voice = speaker{path}
		e, _ := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ann})
		r := l.place(e, l.order(models.ModeNotify, models.Place{Play: []models.Item{{Speech: &models.Speech{Text: "你好"}, Rounds: 2}}}))
		if r.Fail != 0 || r.SpeechPlays != 2 || r.SpeechSeconds != 6 {
			t.Errorf("state %d, %d plays of %d s\n%s", r.Fail, r.SpeechPlays, r.SpeechSeconds, l.logs)
		}
	})
}

// Click-to-dial in every way it goes (spec/voicecall.md §2).
func TestClickToDial(t *testing.T) {
	joined := "callout:a alerting:a answer:a callout:b alerting:b answer:b disconnect:b=0"
	talks := sim.Phone{Rings: 2 * time.Second, HangsUpAfter: 20 * time.Second}
	for _, c := range []struct {
		name  string
		a, b  sim.Phone
		place models.Place
		then  models.Connect
		told  string
		state models.StateCode
		out   int
		q850  int
		by    int
		hears string // the last prompt that A hears
	}{
		{name: "B hangs up", b: talks, told: joined, by: 2},
		{name: "A hangs up", a: sim.Phone{HangsUpAfter: 30 * time.Second}, b: sim.Phone{Rings: time.Second}, told: joined, by: 1},
		{name: "preVoice first", b: talks, place: models.Place{Play: []models.Item{busyWav}}, told: joined, by: 2},
		{name: "A is busy", a: sim.Phone{Rings: time.Second, Busy: true}, b: talks, told: "callout:a alerting:a disconnect:a=8108", state: 8108, out: 17},
		{name: "A does not exist", a: sim.Phone{Silent: true, NotExist: true}, b: talks, told: "callout:a disconnect:a=8106", state: 8106, out: 1},
		{name: "A does not answer", a: sim.Phone{NoAnswer: true}, b: talks, told: "callout:a alerting:a disconnect:a=8003", state: 8003, out: 19},
		{name: "A hangs up during preVoice", a: sim.Phone{HangsUpAfter: time.Second}, b: talks, place: models.Place{Play: []models.Item{busyWav}}, told: "callout:a alerting:a answer:a disconnect:a=8009", state: 8009, by: 1},
		{name: "A hangs up while B rings", a: sim.Phone{HangsUpAfter: 5 * time.Second}, b: sim.Phone{NoAnswer: true}, told: "callout:a alerting:a answer:a callout:b alerting:b disconnect:b=8009", state: 8009, q850: 16, by: 1},
		{name: "B is busy, calleeMedia fail", b: sim.Phone{Rings: time.Second, Busy: true}, then: models.Connect{Media: models.MediaFail}, told: "callout:a alerting:a answer:a callout:b alerting:b disconnect:b=8102", state: 8102, q850: 17, hears: "busy.wav"},
		{name: "B is busy, calleeMedia all", b: sim.Phone{Rings: time.Second, Busy: true}, then: models.Connect{Media: models.MediaAll}, told: "callout:a alerting:a answer:a callout:b alerting:b disconnect:b=8102", state: 8102, q850: 17, hears: "busy.wav"},
		{name: "B is busy, calleeMedia none", b: sim.Phone{Rings: time.Second, Busy: true}, then: models.Connect{Media: models.MediaNone, Wait: "wait.wav"}, told: "callout:a alerting:a answer:a callout:b alerting:b disconnect:b=8102", state: 8102, q850: 17},
		{name: "B does not answer", b: sim.Phone{NoAnswer: true}, told: "callout:a alerting:a answer:a callout:b alerting:b disconnect:b=8003", state: 8003, q850: 19, hears: "no_answer.wav"},
		{name: "B's early media, no answer", b: sim.Phone{EarlyMedia: true, NoAnswer: true}, then: models.Connect{Media: models.MediaAll}, told: "callout:a alerting:a answer:a callout:b alerting:b disconnect:b=8003", state: 8003, q850: 19},
		{name: "maxDuration", b: sim.Phone{Rings: time.Second}, then: models.Connect{MaxTalk: 2 * time.Minute, LastMinute: "last_minute.wav", LastMinuteTo: models.SideB}, told: strings.Replace(joined, "=0", "=8010", 1), state: 8010},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				e, _ := l.daemon()
				c.a.Number, c.b.Number = ann, ben
				if c.a.Rings == 0 {
					c.a.Rings = time.Second
				}
				l.sw.SetPhone(c.a)
				l.sw.SetPhone(c.b)
				c.then.To = ben
				c.place.Then = &c.then
				o := l.order(models.ModeClick, c.place)
				r := l.place(e, o)
				if got := l.legsTold(o); got != c.told {
					t.Errorf("told %q, want %q\n%s", got, c.told, l.logs)
				}
				if r.Fail != c.state || r.OutQ850 != c.out || r.Q850 != c.q850 || r.HungUpBy != c.by || r.Source != models.SourceEvents {
					t.Errorf("state %d, out %d, q850 %d, by %d, source %s; want %d, %d, %d, %d", r.Fail, r.OutQ850, r.Q850, r.HungUpBy, r.Source, c.state, c.out, c.q850, c.by)
				}
				if r.Display != shownB || r.Callee.Reveal() != ben || r.X != shownA || r.Caller.Reveal() != ann {
					t.Errorf("CDR %+v", r)
				}
				for number, shown := range map[string]string{ann: shownA, ben: shownB} {
					for _, line := range l.sw.Rang(number) {
						if line.Shown != shown {
							t.Errorf("%s saw %s", number, line.Shown)
						}
					}
				}
				if last := lastPrompt(l.sw.Rang(ann)); c.hears != "" && !strings.HasSuffix(last, c.hears) {
					t.Errorf("A heard %q last, want %q", last, c.hears)
				}
				l.nothingWaits(e)
			})
		})
	}
}

func lastPrompt(lines []*sim.Line) (last string) {
	for _, line := range lines {
		for _, m := range line.Heard() {
			if m.What == "playback" {
				last = m.Text
			}
		}
	}
	return last
}

// The first trunk fails: the second reaches leg 1, and all that follows happens there.
func TestPlacedFailover(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		second := l.trunks[0]
		second.Name, second.Order, second.Proxy = "carrier-b", 2, "127.0.0.1:5091"
		l.trunks = append(l.trunks, second)
		e, _ := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ann, Gateway: "carrier-a", Silent: true, Status: 503})
		l.sw.SetPhone(sim.Phone{Number: ann, Gateway: "carrier-b", Rings: time.Second, Digits: "7", DigitsAfter: 8 * time.Second})
		o := l.order(models.ModeNotify, models.Place{Play: []models.Item{{Prompts: []string{"busy.wav"}, Collect: 1}}})
		r := l.place(e, o)
		if r.Trunk != "carrier-b" || r.Fail != 0 || r.OutQ850 != 0 {
			t.Errorf("%+v\n%s", r, l.logs)
		}
		if got, want := l.legsTold(o), "callout:a alerting:a answer:a collectInfo:a disconnect:a=0"; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
		l.nothingWaits(e)
	})
}

// callStop at each stage (spec/voicecall.md §5).
func TestStopPlaced(t *testing.T) {
	for _, c := range []struct {
		name string
		at   time.Duration
		told string
	}{
		{"while A rings", 2 * time.Second, "callout:a alerting:a disconnect:a=8017"},
		{"while A hears something", 8 * time.Second, "callout:a alerting:a answer:a disconnect:a=8017"},
		{"while B rings", 14 * time.Second, "callout:a alerting:a answer:a callout:b alerting:b disconnect:b=8017"},
		{"while they talk", 30 * time.Second, "callout:a alerting:a answer:a callout:b alerting:b answer:b disconnect:b=8017"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				second := l.trunks[0]
				second.Name, second.Order, second.Proxy = "carrier-b", 2, "127.0.0.1:5091"
				l.trunks = append(l.trunks, second)
				e, _ := l.daemon()
				l.sw.SetPhone(sim.Phone{Number: ann, Rings: 5 * time.Second})
				l.sw.SetPhone(sim.Phone{Number: ben, Rings: 8 * time.Second})
				o := l.order(models.ModeClick, models.Place{Play: []models.Item{busyWav}, Then: &models.Connect{To: ben}})
				l.must(e.Place(l.ctx, l.adapter, o))
				time.Sleep(c.at)
				l.must(e.Stop(l.ctx, o.Session.ID))
				r := l.cdrOf(o)
				if a, b := len(l.sw.Rang(ann)), len(l.sw.Rang(ben)); a != 1 || b > 1 {
					t.Errorf("rang %d and %d times: the next trunk was tried", a, b)
				}
				if got := l.legsTold(o); got != c.told || r.Fail != models.StoppedByCustomer {
					t.Errorf("told %q, CDR %d; want %q\n%s", got, r.Fail, c.told, l.logs)
				}
				l.nothingWaits(e)
			})
		})
	}
}

// The daemon goes away at each stage of a placed call and another takes its place: what the switch was given it finishes, and one set of
// events and one CDR come out (DESIGN §6.1, §9).
func TestDaemonDiesOverPlacedCall(t *testing.T) {
	click := models.Place{Play: []models.Item{busyWav}, Then: &models.Connect{To: ben, MaxTalk: time.Minute}}
	joined := "callout:a alerting:a answer:a callout:b alerting:b answer:b disconnect:b=8010"
	for _, c := range []struct {
		name string
		mode models.Mode
		p    models.Place
		dies time.Duration // A rings from 0 to 5 s; he hears 6 s; B rings 8 s
		back time.Duration
		told string
	}{
		{"click: A rings, back at once", models.ModeClick, click, 2 * time.Second, 3 * time.Second, joined},
		{"click: A rings, back while B rings", models.ModeClick, click, 2 * time.Second, 14 * time.Second, joined},
		{"click: A hears, back while they talk", models.ModeClick, click, 8 * time.Second, 30 * time.Second, joined},
		{"click: B rings, back after the call", models.ModeClick, click, 14 * time.Second, time.Hour, joined},
		{"click: A rings, back after the call", models.ModeClick, click, 2 * time.Second, time.Hour, joined},
		{"notify: A rings, back while he hears", models.ModeNotify, models.Place{Play: []models.Item{busyWav, busyWav}}, 2 * time.Second, 8 * time.Second, "callout:a alerting:a answer:a disconnect:a=0"},
		{"notify: A hears, back after the call", models.ModeNotify, models.Place{Play: []models.Item{busyWav, busyWav}}, 8 * time.Second, time.Hour, "callout:a alerting:a answer:a disconnect:a=0"},
		{"keys while nobody looks", models.ModeNotify, models.Place{Play: []models.Item{{Prompts: []string{"busy.wav"}, Collect: 1}, busyWav}}, 8 * time.Second, 18 * time.Second,
			"callout:a alerting:a answer:a collectInfo:a disconnect:a=0"},
		{"keys while nobody looks, back after the call", models.ModeNotify, models.Place{Play: []models.Item{{Prompts: []string{"busy.wav"}, Collect: 1}, busyWav}}, 8 * time.Second, time.Hour,
			"callout:a alerting:a answer:a collectInfo:a disconnect:a=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				l.drain = 0
				e, stop := l.daemon()
				l.sw.SetPhone(sim.Phone{Number: ann, Rings: 5 * time.Second, Digits: "9", DigitsAfter: 8 * time.Second})
				l.sw.SetPhone(sim.Phone{Number: ben, Rings: 8 * time.Second})
				p := c.p
				o := l.order(c.mode, p)
				l.must(e.Place(l.ctx, l.adapter, o))
				time.Sleep(c.dies)
				stop()
				time.Sleep(c.back - c.dies)
				e, _ = l.daemon()
				r := l.cdrOf(o)
				if got := l.legsTold(o); got != c.told {
					t.Errorf("told %q, want %q\n%s", got, c.told, l.logs)
				}
				if len(l.sw.Rang(ann)) != 1 || len(l.sw.Rang(ben)) > 1 {
					t.Errorf("rang %d and %d times", len(l.sw.Rang(ann)), len(l.sw.Rang(ben)))
				}
				if r.Source == models.SourceEvents || r.Source == models.SourceLost {
					t.Errorf("source %s", r.Source)
				}
				l.nothingWaits(e)
			})
		})
	}
}

// A call was taken and its daemon died before the switch heard of it: it waits again, if the switch is the one that would know; else it is ended
// as lost, since nobody may be called twice.
func TestTakenNeverDialled(t *testing.T) {
	for _, same := range []bool{true, false} {
		t.Run(fmt.Sprint("same core ", same), func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				_, stop := l.daemon()
				core := l.adapter.Status().Core
				stop()
				o := l.order(models.ModeNotify, models.Place{Play: []models.Item{busyWav}})
				s := o.Session
				s.Stage, s.Switch = models.StagePlacing, "sw1"
				if !same {
					core = "another"
				}
				taken, err := l.st.Record(l.ctx, models.Change{Session: s, Take: true, Core: core})
				l.must(err)
				if !taken {
					t.Fatal("not taken")
				}
				e, _ := l.daemon()
				time.Sleep(time.Minute)
				waits, err := l.st.Outgoing(l.ctx, s.ID)
				if !same {
					if r := l.cdrOf(o); r.Source != models.SourceLost || r.Fail != models.NotConnected || models.CodeOf(err) != models.NotFound {
						t.Errorf("%+v, %v", r, err)
					}
					return
				}
				l.must(err)
				if waits.State != models.OutgoingQueued {
					t.Fatalf("it is %s", waits.State)
				}
				l.sw.SetPhone(sim.Phone{Number: ann})
				if r := l.place(e, waits); r.Fail != 0 || len(l.sw.Rang(ann)) != 1 {
					t.Errorf("%+v", r)
				}
				l.nothingWaits(e)
			})
		})
	}
}

// The switch takes no command for a while: the call is not ended for that, it waits again.
func TestSwitchTakesNoCommand(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		e, _ := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ann})
		o := l.order(models.ModeNotify, models.Place{Play: []models.Item{busyWav}})
		e.OnDial(func(ctx context.Context, _ models.Outgoing) (func(), error) { return nil, context.DeadlineExceeded })
		l.must(e.Place(l.ctx, l.adapter, o))
		if s := <-l.ends; s.Stage != models.StageQueued {
			t.Errorf("stage %s", s.Stage)
		}
		waits, err := l.st.Outgoing(l.ctx, o.Session.ID)
		l.must(err)
		if waits.State != models.OutgoingQueued {
			t.Fatalf("it is %s", waits.State)
		}
		e.OnDial(nil)
		if r := l.place(e, waits); r.Fail != 0 || len(l.sw.Rang(ann)) != 1 {
			t.Errorf("%+v", r)
		}
		l.nothingWaits(e)
	})
}
