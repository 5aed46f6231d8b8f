package flow

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/esl/wire"
	"maskline/models"
	"maskline/models/store"
)

// leakModes and leakEnds are what the calls of TestNoNumberLeaks are drawn from; each seed has every mode, with an end of its own.
var leakModes = []models.Mode{models.ModeAXB, models.ModeAX, models.ModeAXE, models.ModeAXYB, models.ModeX, models.ModeClick, models.ModeNotify}

// leakEnds are how a call may end, each with the phone of the party that is called last.
var leakEnds = map[string]sim.Phone{
	"answered":      {Rings: time.Second, HangsUpAfter: 20 * time.Second},
	"early media":   {Rings: 3 * time.Second, EarlyMedia: true, HangsUpAfter: 5 * time.Second},
	"silent":        {Rings: 3 * time.Second, Silent: true, HangsUpAfter: 5 * time.Second},
	"busy":          {Rings: time.Second, Busy: true},
	"rejected":      {Rings: time.Second, Rejects: true},
	"forwarded":     {Status: 302},
	"no answer":     {NoAnswer: true},
	"off":           {PoweredOff: true},
	"gone":          {NotExist: true},
	"trunk fails":   {Silent: true, Status: 503},
	"long":          {Rings: time.Second}, // until maxDuration
	"stopped":       {Rings: time.Second}, // by callStop
	"caller leaves": {NoAnswer: true},
	"daemon dies":   {Rings: 10 * time.Second, HangsUpAfter: 30 * time.Second},
}

// eavesdropper hears all that leaves the daemon: what it says to the switch, metrics' labels, log and pushes come from the lab.
type eavesdropper struct {
	mu    sync.Mutex
	said  []string
	label []string
}

func (e *eavesdropper) command(q wire.Request) *sim.CommandFate {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, strings.Join([]string{q.Verb, q.Args, q.Get("call-command"), q.Get("execute-app-name"), q.Arg(), q.Get("event-uuid"), string(q.Body)}, "\n"))
	return nil
}

// labels is an Observe that keeps every word it is told.
type labels struct {
	Silent
	*eavesdropper
}

func (l labels) hear(words ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.label = append(l.label, fmt.Sprint(words...))
}
func (l labels) CallStarted(m models.Mode)                                    { l.hear(m) }
func (l labels) CallEnded(m models.Mode, s models.StateCode, o models.Source) { l.hear(m, s, o) }
func (l labels) Stage(name string, _ time.Duration)                           { l.hear(name) }
func (l labels) StrangerRefused(name string)                                  { l.hear(name) }
func (l labels) ReportDropped(why string)                                     { l.hear(why) }
func (l labels) Rescued(why string)                                           { l.hear(why) }
func (l labels) LeakPrevented(where string)                                   { l.hear("leak prevented: ", where) }

// TestNoNumberLeaks lets calls of every mode end in every way, at random, and reads all that the daemon said meanwhile: to the switch, in its log, its
// metrics, its pushes, and the names of files. The number of nobody may stand anywhere but where a leg of his own is dialled. The spellings that
// are looked for are this test's own, beside those of controller/guard.
func TestNoNumberLeaks(t *testing.T) {
	rounds := max(1, scale(6))
	if *seedFlag != 0 {
		rounds = 1
	}
	for range rounds {
		t.Run("", func(t *testing.T) {
			rnd := chance(t)
			ends := leakEndNames()
			rnd.Shuffle(len(ends), func(i, j int) { ends[i], ends[j] = ends[j], ends[i] })
			for i, mode := range leakModes {
				for _, end := range []string{ends[i], ends[i+len(leakModes)]} {
					inLab(t, sim.Options{}, func(l *lab) { (&leakCall{lab: l, rnd: rnd, mode: mode, end: end}).play() })
				}
			}
		})
	}
}

func leakEndNames() []string {
	var names []string
	for n := range leakEnds {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// leakCall is one call that is listened to.
type leakCall struct {
	*lab
	rnd    *rand.Rand
	mode   models.Mode
	end    string
	ear    eavesdropper
	a, b   string // who calls, who is called
	third  string // who else is bound
	engine *Engine
	kill   func()
}

func (c *leakCall) play() {
	c.Helper()
	c.sw.Faults.Command = c.ear.command
	c.tune = func(e *Engine) { e.Observe = labels{eavesdropper: &c.ear} }
	// Numbers of every length that a person's can have, at home and abroad.
	numbers := []string{
		fmt.Sprintf("+861%d%09d", 3+c.rnd.IntN(7), c.rnd.IntN(1e9)), fmt.Sprintf("+86755%08d", 20_000_000+c.rnd.IntN(60_000_000)),
		fmt.Sprintf("+8610%08d", 50_000_000+c.rnd.IntN(30_000_000)), fmt.Sprintf("+1415555%04d", c.rnd.IntN(1e4)), fmt.Sprintf("+852%08d", 20_000_000+c.rnd.IntN(7e7)),
	}
	c.rnd.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
	c.a, c.b, c.third = numbers[0], numbers[1], numbers[2]
	for i := range c.trunks {
		c.trunks[i].DialForm = pick(c.rnd, models.FormGlobal, models.FormE164, models.FormNational)
		c.trunks[i].ShowIn = pick(c.rnd, nil, []models.HeaderField{models.FieldPAI}, []models.HeaderField{models.FieldRPID})
	}
	phone := leakEnds[c.end]
	c.sw.SetPhone(phone)
	if c.mode == models.ModeClick || c.mode == models.ModeNotify {
		c.playPlaced(phone)
	} else {
		c.playMasked()
	}
	c.search()
}

// settings are limits and prompts of which every one leaves for the switch.
func (c *leakCall) settings() models.BindingSettings {
	s := models.BindingSettings{Record: c.rnd.IntN(2) == 0, UserData: "order-7"}
	if c.end == "long" {
		s.MaxDuration, s.LastMinVoice = 2, "last_minute.wav"
	}
	if c.rnd.IntN(2) == 0 {
		s.PreVoiceA, s.PreVoiceB = "wait.wav", "wait.wav"
	}
	return s
}

func (c *leakCall) playMasked() {
	c.Helper()
	from, to := c.a, ""
	switch c.mode {
	case models.ModeAXB:
		_, err := c.st.Bind(c.ctx, store.BindRequest{App: c.app, Where: store.Where{X: xLine}, A: models.MustParty(c.a), B: models.MustParty(c.b), Settings: c.settings()})
		c.must(err)
		to = xLine
	case models.ModeAX:
		c.lab.mode(c.mode, models.AppSettings{})
		b, err := c.st.BindAX(c.ctx, store.AXRequest{App: c.app, Where: store.Where{X: c.x}, A: models.MustParty(c.b), Settings: c.settings()})
		c.must(err)
		if to = c.x; c.rnd.IntN(2) == 0 { // A calls whom he named
			_, err = c.st.SetTemp(c.ctx, c.app.ID, store.AXBy{SubscriptionID: b.ID}, models.MustParty(c.a), time.Minute)
			c.must(err)
			from = c.b
			c.a, c.b = c.b, c.a
		}
	case models.ModeAXE:
		c.lab.mode(c.mode, models.AppSettings{Extension: models.ExtensionSettings{Digits: 2, Repeats: 1, Gap: 3}})
		c.bindAXE(c.b, "12", c.settings())
		c.bindAXE(c.third, "13", c.settings())
		to = c.x
	case models.ModeAXYB:
		c.lab.mode(c.mode, models.AppSettings{})
		first, err := c.st.BindAXYB(c.ctx, store.AXYBRequest{App: c.app, Where: store.Where{X: c.x}, A: models.MustParty(c.b), Settings: c.settings()})
		c.must(err)
		to = first.X
	case models.ModeX:
		c.ask = leakTenant{c}
		c.lab.mode(c.mode, models.AppSettings{})
		to = c.x
	}
	c.engine, c.kill = c.daemon()
	caller := sim.Caller{From: from, To: to}
	if c.end == "caller leaves" {
		caller.CancelsAfter = 20 * time.Second
	}
	if c.mode == models.ModeAXE {
		caller.Digits, caller.DigitsEarly, caller.DigitsAfter = pick(c.rnd, "12", "99", "12"), true, time.Second
	}
	line := c.dial(caller)
	c.meanwhile(func() string { return models.SessionID(line.Leg, "sw1") })
	c.record(line)
}

func (c *leakCall) playPlaced(phone sim.Phone) {
	c.Helper()
	c.engine, c.kill = c.daemon()
	p := models.Place{To: c.a, Play: []models.Item{busyWav}}
	if c.mode == models.ModeClick {
		p.Then = &models.Connect{To: c.b, Record: c.rnd.IntN(2) == 0, RecordTone: "record_hint.wav", Wait: pick(c.rnd, "", "wait.wav"), Media: pick(c.rnd, models.MediaNone, models.MediaFail, models.MediaAll)}
		if c.end == "long" {
			p.Then.MaxTalk, p.Then.LastMinute = 2*time.Minute, "last_minute.wav"
		}
		for _, form := range []string{c.a, c.a[1:], strings.TrimPrefix(c.a, "+86"), (models.Numbering{}).NationalForm(c.a)} {
			c.sw.SetPhone(sim.Phone{Number: form, Rings: time.Second, HangsUpAfter: 3 * time.Minute})
		}
	}
	o := c.order(c.mode, p)
	c.must(c.engine.Place(c.ctx, c.adapter, o))
	c.meanwhile(func() string { return o.Session.ID })
	c.cdrOf(o)
}

// meanwhile does to a call what its end asks for.
func (c *leakCall) meanwhile(session func() string) {
	switch c.end {
	case "stopped":
		time.Sleep(4 * time.Second)
		_ = c.engine.Stop(c.ctx, session()) // it may be over: a wrong extension
	case "daemon dies":
		time.Sleep(5 * time.Second)
		c.drain = 0
		c.kill()
		time.Sleep(2 * time.Second)
		c.engine, c.kill = c.daemon()
	}
}

// leakTenant answers the question of mode X.
type leakTenant struct{ c *leakCall }

func (t leakTenant) Ask(context.Context, models.App, models.Session, models.CallEvent) ([]byte, int, error) {
	return fmt.Appendf(nil, `{"operation":"connect","connectInfo":[{"calleeNum":%q,"recordFlag":"true","maxDuration":2,"lastMinVoice":"last_minute.wav"}]}`, t.c.b), http.StatusOK, nil
}

// spellings are a number as somebody could write it, made without controller/guard.
func spellings(global string) []string {
	n := strings.TrimPrefix(strings.TrimPrefix(global, "+86"), "+")
	list := []string{n, hex.EncodeToString([]byte(n))}
	for lead := range 3 {
		in := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", lead) + n))
		list = append(list, in[(lead*4+2)/3:len(in)-1])
	}
	return list
}

// search reads all that was said.
func (c *leakCall) search() {
	c.Helper()
	for _, number := range []string{c.a, c.b, c.third} {
		words := spellings(number)
		for place, texts := range c.heard() {
			for _, text := range texts {
				if i := slices.IndexFunc(words, func(w string) bool { return strings.Contains(c.withoutDialling(place, text), w) }); i >= 0 {
					c.Errorf("%s, %s: LEAK of %s in %s, spelling %d:\n%s", c.mode, c.end, models.Mask(number), place, i, text)
				}
			}
		}
	}
	if i := slices.IndexFunc(c.ear.label, func(l string) bool { return strings.HasPrefix(l, "leak prevented") }); i >= 0 {
		c.Errorf("%s, %s: %s; what is it that had to be withheld?\n%s", c.mode, c.end, c.ear.label[i], c.logs)
	}
	for _, push := range c.box.rows {
		if push.AppID != c.app.ID {
			c.Errorf("%s, %s: a push went to another app", c.mode, c.end)
		}
	}
	for _, number := range []string{c.a, c.b} { // what the phones saw
		for _, form := range []string{number, number[1:], (models.Numbering{}).NationalForm(number)} {
			for _, line := range c.sw.Rang(form) {
				for _, m := range line.Heard() {
					for _, other := range []string{c.a, c.b, c.third} {
						if other != number && strings.Contains(fmt.Sprint(m.Header, m.Text), spellings(other)[0]) {
							c.Errorf("%s, %s: %s saw %s in %s", c.mode, c.end, models.Mask(number), models.Mask(other), m)
						}
					}
				}
			}
		}
	}
}

// heard is all that left the daemon, by where it went.
func (c *leakCall) heard() map[string][]string {
	c.Helper()
	files := []string{}
	for _, dir := range []string{c.recDir, c.spool} {
		_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			files = append(files, path)
			return err
		})
	}
	c.ear.mu.Lock()
	defer c.ear.mu.Unlock()
	if len(c.ear.said) < 5 || len(c.ear.label) == 0 || c.logs.String() == "" {
		c.Error("nothing was heard")
	}
	return map[string][]string{"words to the switch": c.ear.said, "metrics": c.ear.label, "the log": strings.Split(c.logs.String(), "\n"), "names of files": files}
}

// withoutDialling takes out the one place where a number must stand: behind the gateway of the leg that is dialled.
func (c *leakCall) withoutDialling(place, text string) string {
	if place != "words to the switch" {
		return text
	}
	for _, n := range []string{c.a, c.b} {
		for _, form := range []string{n, n[1:], (models.Numbering{}).NationalForm(n)} {
			text = strings.ReplaceAll(text, "]sofia/gateway/carrier-a/"+form, "]")
		}
	}
	return text
}
