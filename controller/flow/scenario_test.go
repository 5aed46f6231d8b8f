package flow

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

// scenario is one call of one mode, and every push of it, in order, as names of numbers and fields.
type scenario struct {
	name   string
	mode   models.Mode
	settle func(*stage) // binds; nil for mode X
	from   string       // a name: A, B, C
	to     string       // X or Y
	hidden bool
	keys   string
	phone  sim.Phone
	answer string // mode X
	want   []string
}

// stage is a lab in which numbers and bindings have short names.
type stage struct {
	*lab
	names map[string]string // by what stands on the wire
}

func (s *stage) call1(id string) { s.names[id] = "1" }

var busyPhone = sim.Phone{Rings: time.Second, Busy: true}

// The parties of every scenario: A is bound, B is whom he talks to, C is a stranger.
const aParty, bParty, cParty = ann, ben, eve

func bindAXB(d models.Direction) func(*stage) {
	return func(s *stage) {
		b, err := s.st.Bind(s.ctx, store.BindRequest{App: s.app, Where: store.Where{X: s.x}, A: models.MustParty(aParty), B: models.MustParty(bParty),
			Settings: models.BindingSettings{UserData: "u", Direction: d}})
		s.must(err)
		s.call1(b.ID)
	}
}

func bindAX(set models.BindingSettings, temporary string) func(*stage) {
	return func(s *stage) {
		set.UserData = "u"
		b, err := s.st.BindAX(s.ctx, store.AXRequest{App: s.app, Where: store.Where{X: s.x}, A: models.MustParty(aParty), Settings: set})
		s.must(err)
		s.call1(b.ID)
		if temporary != "" {
			_, err = s.st.SetTemp(s.ctx, s.app.ID, store.AXBy{SubscriptionID: b.ID}, models.MustParty(temporary), time.Minute)
			s.must(err)
		}
	}
}

func bindAXE(set models.BindingSettings) func(*stage) {
	return func(s *stage) {
		set.UserData = "u"
		s.call1(s.lab.bindAXE(aParty, "12", set).ID)
	}
}

// bindAXYB makes the first step, and with a B the second, whose name is 2.
func bindAXYB(d models.Direction, b string) func(*stage) {
	return func(s *stage) {
		first, err := s.st.BindAXYB(s.ctx, store.AXYBRequest{App: s.app, Where: store.Where{X: s.x}, A: models.MustParty(aParty),
			Settings: models.BindingSettings{UserData: "u", Direction: d}})
		s.must(err)
		s.call1(first.ID)
		if b != "" {
			yb, err := s.st.BindYB(s.ctx, s.app.ID, first.ID, models.MustParty(b), store.Where{}, models.BindingSettings{UserData: "v"})
			s.must(err)
			s.names[yb.ID] = "2"
		}
	}
}

// answered are the events of a second leg that was answered and hung up by the callee.
func answered(leg2, rest string) []string {
	return []string{"callout " + leg2 + rest, "alerting " + leg2 + rest, "answer " + leg2 + rest, "disconnect " + leg2 + rest + " state=0"}
}

// unanswered are those of one that rang and failed.
func unanswered(leg2, rest string, state int) []string {
	return []string{"callout " + leg2 + rest, "alerting " + leg2 + rest, fmt.Sprintf("disconnect %s%s state=%d", leg2, rest, state)}
}

const (
	talked = " fail=0 q850=0 sip=0 in,start,alert,answer,end"
	wasbsy = " fail=8102 q850=17 sip=486 in,start,alert,end,fail"
	toBusy = "q850=0 sip=0 in,end,fail"
)

func told(parts ...[]string) []string { return slices.Concat(parts...) }

func line(s string) []string { return []string{s} }

// The rows follow spec/privatenumber.md §3 (who reaches whom), §4.1 (which event has which field) and §4.4 (the CDR).
var scenarios = []scenario{
	{name: "A calls B", mode: models.ModeAXB, settle: bindAXB(0), from: "A", to: "X", want: told(line("callin A>X sub=1 user=u"),
		answered("X>B", " sub=1 user=u"), line("cdr 004 A>X X>B direction=1 sub=1 user=u"+talked))},
	{name: "B calls A", mode: models.ModeAXB, settle: bindAXB(0), from: "B", to: "X", want: told(line("callin B>X sub=1 user=u"),
		answered("X>A", " sub=1 user=u"), line("cdr 004 B>X X>A direction=1 sub=1 user=u"+talked))},
	{name: "B is busy", mode: models.ModeAXB, settle: bindAXB(0), from: "A", to: "X", phone: busyPhone, want: told(line("callin A>X sub=1 user=u"),
		unanswered("X>B", " sub=1 user=u", 8102), line("cdr 004 A>X X>B direction=1 sub=1 user=u"+wasbsy))},
	{name: "a stranger", mode: models.ModeAXB, settle: bindAXB(0), from: "C", to: "X", want: []string{"callin C>X", "disconnect C>X state=8014",
		"cdr 004 C>X > direction=2 fail=8014 " + toBusy}},
	{name: "the direction is barred", mode: models.ModeAXB, settle: bindAXB(models.OnlyAToB), from: "B", to: "X", want: []string{"callin B>X sub=1 user=u",
		"disconnect B>X sub=1 user=u state=8016", "cdr 004 B>X > direction=1 sub=1 user=u fail=8016 " + toBusy}},

	{name: "somebody calls A", mode: models.ModeAX, settle: bindAX(models.BindingSettings{}, ""), from: "C", to: "X", want: told(line("callin C>X sub=1 user=u"),
		answered("X>A", " sub=1 user=u"), line("cdr 003 C>X X>A direction=0 sub=1 user=u"+talked))},
	{name: "somebody without a number calls A", mode: models.ModeAX, settle: bindAX(models.BindingSettings{}, ""), from: "C", hidden: true, to: "X",
		want: told(line("callin anonymous>X sub=1 user=u"), answered("X>A", " sub=1 user=u"), line("cdr 003 anonymous>X X>A direction=0 sub=1 user=u"+talked))},
	{name: "A calls his temporary callee", mode: models.ModeAX, settle: bindAX(models.BindingSettings{}, bParty), from: "A", to: "X", want: told(line("callin A>X sub=1 user=u"),
		answered("X>B", " sub=1 user=u"), line("cdr 003 A>X X>B direction=1 sub=1 user=u"+talked))},
	{name: "A has none", mode: models.ModeAX, settle: bindAX(models.BindingSettings{}, ""), from: "A", to: "X", want: []string{"callin A>X sub=1 user=u",
		"disconnect A>X sub=1 user=u state=8013", "cdr 003 A>X > direction=1 sub=1 user=u fail=8013 " + toBusy}},
	{name: "switched off", mode: models.ModeAX, settle: bindAX(models.BindingSettings{Off: true}, ""), from: "C", to: "X", want: []string{"callin C>X sub=1 user=u",
		"disconnect C>X sub=1 user=u state=8018", "cdr 003 C>X > direction=0 sub=1 user=u fail=8018 " + toBusy}},
	{name: "the real caller is wanted", mode: models.ModeAX, settle: bindAX(models.BindingSettings{ShowCaller: true}, ""), from: "C", to: "X", want: []string{"callin C>X sub=1 user=u",
		"disconnect C>X sub=1 user=u state=8024", "cdr 003 C>X > direction=0 sub=1 user=u fail=8024 " + toBusy}},
	{name: "nobody's X", mode: models.ModeAX, settle: func(*stage) {}, from: "C", to: "X", want: []string{"callin C>X", "disconnect C>X state=8018",
		"cdr 003 C>X > direction=2 fail=8018 " + toBusy}},

	{name: "the right keys", mode: models.ModeAXE, settle: bindAXE(models.BindingSettings{}), from: "C", to: "X", keys: "12", want: told(line("callin C>X"), line("collectInfo digits=12"),
		answered("X>A", " sub=1 user=u"), line("cdr 006 C>X X>A direction=0 sub=1 user=u ext=12"+talked))},
	{name: "A is busy", mode: models.ModeAXE, settle: bindAXE(models.BindingSettings{}), from: "C", to: "X", keys: "12", phone: busyPhone, want: told(line("callin C>X"),
		line("collectInfo digits=12"), unanswered("X>A", " sub=1 user=u", 8102), line("cdr 006 C>X X>A direction=0 sub=1 user=u ext=12"+wasbsy))},
	{name: "the wrong keys", mode: models.ModeAXE, settle: bindAXE(models.BindingSettings{}), from: "C", to: "X", keys: "34", want: []string{"callin C>X", "collectInfo digits=34",
		"disconnect C>X state=8022", "cdr 006 C>X > direction=2 ext=34 fail=8022 " + toBusy}},
	{name: "no keys", mode: models.ModeAXE, settle: bindAXE(models.BindingSettings{}), from: "C", to: "X", want: []string{"callin C>X",
		"disconnect C>X state=8033", "cdr 006 C>X > direction=0 fail=8033 " + toBusy}},
	{name: "A without a caller", mode: models.ModeAXE, settle: bindAXE(models.BindingSettings{}), from: "A", to: "X", want: []string{"callin A>X user=u",
		"disconnect A>X sub=1 user=u state=8019", "cdr 006 A>X > direction=1 sub=1 user=u fail=8019 " + toBusy}},
	{name: "A and callbackNum", mode: models.ModeAXE, settle: bindAXE(models.BindingSettings{CallbackNum: bParty}), from: "A", to: "X", want: told(line("callin A>X user=u"),
		answered("X>B", " sub=1 user=u"), line("cdr 006 A>X X>B direction=1 sub=1 user=u"+talked))},
	{name: "A and callbackTone", mode: models.ModeAXE, settle: bindAXE(models.BindingSettings{CallbackTone: "wait.wav"}), from: "A", to: "X", want: []string{"callin A>X user=u",
		"disconnect A>X sub=1 user=u state=8019", "cdr 006 A>X > direction=1 sub=1 user=u fail=8019 " + toBusy}},

	{name: "B calls A", mode: models.ModeAXYB, settle: bindAXYB(0, bParty), from: "B", to: "X", want: told(line("callin B>X sub=2 user=v"),
		answered("Y>A", " sub=2 user=v"), line("cdr 007 B>X Y>A direction=0 sub=2 user=v"+talked))},
	{name: "A calls B", mode: models.ModeAXYB, settle: bindAXYB(0, bParty), from: "A", to: "Y", want: told(line("callin A>Y sub=2 user=v"),
		answered("X>B", " sub=2 user=v"), line("cdr 007 A>Y X>B direction=1 sub=2 user=v"+talked))},
	{name: "B calls for the first time", mode: models.ModeAXYB, settle: bindAXYB(0, ""), from: "B", to: "X", want: told(line("callin B>X sub=1 user=u"),
		answered("Y>A", " sub=new user=u"), line("cdr 007 B>X Y>A direction=0 sub=new user=u"+talked))},
	{name: "no Y is left", mode: models.ModeAXYB, settle: bindAXYB(0, bParty), from: "C", to: "X", want: []string{"callin C>X sub=1 user=u",
		"disconnect C>X sub=1 user=u state=8031", "cdr 007 C>X > direction=0 sub=1 user=u fail=8031 " + toBusy}},
	{name: "A calls his own X", mode: models.ModeAXYB, settle: bindAXYB(0, bParty), from: "A", to: "X", want: []string{"callin A>X sub=1 user=u",
		"disconnect A>X sub=1 user=u state=8032", "cdr 007 A>X > direction=1 sub=1 user=u fail=8032 " + toBusy}},
	{name: "a stranger on Y", mode: models.ModeAXYB, settle: bindAXYB(0, bParty), from: "C", to: "Y", want: []string{"callin C>Y",
		"disconnect C>Y state=8030", "cdr 007 C>Y > direction=2 fail=8030 " + toBusy}},
	{name: "the direction is barred", mode: models.ModeAXYB, settle: bindAXYB(models.OnlyAToB, bParty), from: "B", to: "X", want: []string{"callin B>X sub=2 user=v",
		"disconnect B>X sub=2 user=v state=8016", "cdr 007 B>X > direction=0 sub=2 user=v fail=8016 " + toBusy}},

	{name: "the tenant connects", mode: models.ModeX, from: "C", to: "X", answer: `{"operation":"connect","connectInfo":[{"calleeNum":"` + bParty + `","userData":"w"}]}`,
		want: told(answered("X>B", " mode=Notify user=w"), line("cdr 005 C>X X>B direction=1 mode=Block user=w"+talked))},
	{name: "his callee is busy", mode: models.ModeX, from: "C", to: "X", answer: `{"operation":"connect","connectInfo":{"calleeNum":"` + bParty + `"}}`, phone: busyPhone,
		want: told(unanswered("X>B", " mode=Notify", 8102), line("cdr 005 C>X X>B direction=1 mode=Block"+wasbsy))},
	{name: "the tenant closes", mode: models.ModeX, from: "C", to: "X", answer: `{"operation":"close","closeInfo":{"userData":"w"}}`,
		want: []string{"disconnect C>X mode=Notify user=w state=0", "cdr 005 C>X > direction=1 mode=Block user=w fail=0 " + toBusy}},
	{name: "the tenant talks nonsense", mode: models.ModeX, from: "C", to: "X", answer: `{`,
		want: []string{"disconnect C>X mode=Notify state=8014", "cdr 005 C>X > direction=1 mode=Block fail=8014 " + toBusy}},
}

// TestScenarios compares the pushes of a call as they go out, field by field.
func TestScenarios(t *testing.T) {
	for _, c := range scenarios {
		t.Run(string(c.mode)+"/"+c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				l.mode(c.mode, models.AppSettings{Extension: models.ExtensionSettings{Digits: 2}})
				s := &stage{l, map[string]string{aParty: "A", bParty: "B", cParty: "C", l.x: "X", l.y: "Y", "anonymous": "anonymous", "": ""}}
				if c.mode == models.ModeX {
					l.ask = &customer{answer: c.answer, status: 200}
				} else {
					c.settle(s)
				}
				l.daemon()
				for _, n := range []string{aParty, bParty} {
					p := c.phone
					p.Number = n
					if !p.Busy {
						p = talks(n)
					}
					l.sw.SetPhone(p)
				}
				numbers := map[string]string{"A": aParty, "B": bParty, "C": cParty, "X": l.x, "Y": l.y}
				_, record := l.call(sim.Caller{From: numbers[c.from], To: numbers[c.to], Hidden: c.hidden, Digits: c.keys, DigitsEarly: true, DigitsAfter: time.Second})
				if got := s.wire(record.SessionID); !slices.Equal(got, c.want) {
					t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				}
			})
		})
	}
}

// wire gives a session's pushes. A field that is not expected in a push of its kind is an error.
func (s *stage) wire(sessionID string) (list []string) {
	s.Helper()
	for _, d := range s.box.of(sessionID) {
		var body map[string]any
		s.must(json.Unmarshal(d.Body, &body))
		if d.Kind == models.DeliverCDR {
			list = append(list, s.feeLine(body, sessionID))
			continue
		}
		info, ok := body["statusInfo"].(map[string]any)
		if !ok || len(body) != 2 {
			s.Fatalf("body %s", d.Body)
		}
		list = append(list, fmt.Sprint(body["eventType"], s.eventLine(info, sessionID)))
	}
	return list
}

func (s *stage) eventLine(info map[string]any, sessionID string) (text string) {
	s.Helper()
	if stamp, _ := take(info, "timestamp"); info["sessionId"] != sessionID || len(stamp) != len(time.DateTime) {
		s.Errorf("event of %v at %q", info["sessionId"], stamp)
	}
	delete(info, "sessionId")
	if digits, ok := take(info, "digitInfo"); ok {
		text += " digits=" + digits
	}
	if caller, ok := take(info, "caller"); ok {
		called, _ := take(info, "called")
		text += " " + s.name(caller) + ">" + s.name(called)
	}
	text += s.common(info)
	if state, ok := take(info, "stateCode"); ok {
		text += " state=" + state
		if desc, _ := take(info, "stateDesc"); desc == "" {
			s.Error("a state without stateDesc")
		}
	}
	if len(info) > 0 {
		s.Errorf("fields that do not belong here: %v", info)
	}
	return text
}

func (s *stage) feeLine(r map[string]any, sessionID string) string {
	s.Helper()
	get := func(name string) string { v, _ := take(r, name); return v }
	if get("sessionId") != sessionID || get("spId") != "sp1" || get("appKey") != s.app.Key || get("icid") == "" || get("hostName") != "sw1" {
		s.Error("the record does not say whose it is")
	}
	text := fmt.Sprintf("cdr %s %s>%s %s>%s direction=%s", get("serviceType"), s.name(get("callerNum")), s.name(get("calleeNum")), s.name(get("fwdDisplayNum")),
		s.name(get("fwdDstNum")), get("direction"))
	if bound := get("bindNum"); !strings.Contains(text, ">"+s.name(bound)+" ") {
		s.Errorf("bindNum %s", s.name(bound))
	}
	if sub, mpty := r["subscriptionId"], get("mptyId"); mpty != "" && sub != mpty || mpty == "" && sub != nil {
		s.Errorf("mptyId %s, subscriptionId %v", mpty, sub)
	}
	text += s.common(r)
	if ext := get("extendNum"); ext != "" {
		text += " ext=" + ext
	}
	text += fmt.Sprintf(" fail=%s q850=%s sip=%s ", get("ulFailReason"), get("fwdUnaswRsn"), get("sipStatusCode"))
	var times []string
	for _, t := range [][2]string{{"callInTime", "in"}, {"fwdStartTime", "start"}, {"fwdAlertingTime", "alert"}, {"fwdAnswerTime", "answer"}, {"callEndTime", "end"}, {"failTime", "fail"}} {
		if get(t[0]) != "" {
			times = append(times, t[1])
		}
	}
	for _, zero := range []string{"callOutUnaswRsn", "recordFlag", "ttsPlayTimes", "ttsTransDuration", "voiceCheckType"} {
		if v, ok := take(r, zero); !ok || v != "0" {
			s.Errorf("%s is %q", zero, v)
		}
	}
	if len(r) > 0 {
		s.Errorf("fields that do not belong here: %v", r)
	}
	return text + strings.Join(times, ",")
}

// common are the fields of events and CDRs alike, in the order of the table.
func (s *stage) common(info map[string]any) (text string) {
	if mode, ok := take(info, "notifyMode"); ok {
		text += " mode=" + mode
	}
	if sub, ok := take(info, "subscriptionId"); ok {
		text += " sub=" + s.name(sub)
	}
	if user, ok := take(info, "userData"); ok {
		text += " user=" + user
	}
	return text
}

// name is the short name of a number or a binding; new for a binding that the call made.
func (s *stage) name(wire string) string {
	if n, ok := s.names[wire]; ok {
		return n
	}
	if strings.HasPrefix(wire, "+") {
		s.Errorf("number %s is nobody's", wire)
	}
	return "new"
}

// take removes a field and gives it as text.
func take(from map[string]any, field string) (string, bool) {
	v, ok := from[field]
	delete(from, field)
	if !ok {
		return "", false
	}
	return fmt.Sprint(v), true
}
