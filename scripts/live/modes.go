package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// ofMode is what must come of a call beside want, in the modes other than AXB.
type ofMode struct {
	direction int
	digits    []string // that the customer is told of
	extension string   // of the CDR
	unbound   bool     // the CDR names no binding
}

// settings are the apps of the other modes. One is told of by the name of its mode, or by that and what is special about it.
var settings = []struct {
	name, mode string
	settings   map[string]any
}{
	{"ax", "ax", nil},
	{"axe", "axe", map[string]any{"extension": map[string]any{"digits": 2, "repeats": 1, "gap": 3}}},
	{"axe, answers", "axe", map[string]any{"extension": map[string]any{"digits": 2, "repeats": 1, "gap": 3, "answer_first": true}}},
	{"axyb", "axyb", nil},
	{"x", "x", nil},
}

// otherModes is the house of the modes other than AXB. Its calls run at once; when they are over, its daemon is killed over two more.
func (l *lab) otherModes(ctx context.Context, only string) (*house, error) {
	h, err := l.newHouse("three")
	if err != nil {
		return nil, err
	}
	h.addTrunk("in", 0, ", addresses: [127.0.0.1/32], trust_caller: true")
	var first []*stage
	for _, sc := range slices.Concat(ax(), axe(), axyb(), asked(), stops()) {
		if !wanted(sc, only) {
			continue
		}
		s, err := h.cast(sc)
		if err != nil {
			return nil, err
		}
		first = append(first, s)
	}
	var death modeDeaths
	if only == "" || slices.Contains(strings.Split(only, "|"), "modecrash") {
		if death, err = h.castModeDeaths(); err != nil {
			return nil, err
		}
	}
	if len(h.stages) == 0 {
		return h, nil
	}
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	if err := h.openModes(ctx); err != nil {
		return nil, err
	}
	var calls sync.WaitGroup
	for _, s := range first {
		calls.Go(func() { s.play(ctx) })
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	calls.Wait()
	if death.talks != nil && ctx.Err() == nil {
		death.play(ctx)
	}
	return h, nil
}

// openModes makes the apps of the other modes.
func (h *house) openModes(ctx context.Context) error {
	h.modes = map[string]app{}
	for i, m := range settings {
		a, err := h.newApp(ctx, fmt.Sprintf("mode%d", i), m.mode, m.settings)
		if err != nil {
			return err
		}
		h.modes[m.name] = a
	}
	return nil
}

// modeOf is the mode of a stage's app.
func (s *stage) modeOf() string {
	mode, _, _ := strings.Cut(s.mode, ",")
	return mode
}

// ofMode checks what events and CDR of a mode have, or must not have (spec/privatenumber.md §4.1, §4.4).
func (e *evidence) ofMode() {
	mode, w, r := e.modeOf(), e.want.of, e.record
	var digits []string
	for _, ev := range e.events {
		s, callin := ev.StatusInfo, ev.EventType == "callin"
		if ev.EventType == "collectInfo" {
			digits = append(digits, s.DigitInfo)
			if s.Caller != "" || s.Called != "" {
				e.fault("collectInfo names numbers")
			}
			continue
		}
		notify := ""
		switch {
		case mode == "x" && callin:
			notify = "Block"
		case mode == "x":
			notify = "Notify"
		}
		if s.NotifyMode != notify {
			e.fault("notifyMode of %s is %q, want %q", ev.EventType, s.NotifyMode, notify)
		}
		id := r.SubscriptionID
		if callin && (mode == "axe" || mode == "x") {
			id = ""
		}
		if s.SubscriptionID != id && (!callin || e.id != "?") {
			e.fault("subscriptionId of %s is not the one of the CDR", ev.EventType)
		}
	}
	if !slices.Equal(digits, w.digits) {
		e.fault("told of the digits %q, want %q", digits, w.digits)
	}
	block := map[bool]string{true: "Block"}[mode == "x"]
	if r.Direction != w.direction || r.ExtendNum != w.extension || r.NotifyMode != block || r.AppKey != e.app.key {
		e.fault("CDR: direction %d, extendNum %q, notifyMode %q; want %d, %q, %q", r.Direction, r.ExtendNum, r.NotifyMode, w.direction, w.extension, block)
	}
	if bound := r.SubscriptionID != ""; bound == (w.unbound || mode == "x") {
		e.fault("the CDR names a binding: %t", bound)
	}
	if len(e.bs) > 0 && e.data != "?" && r.UserData != e.data {
		e.fault("userData is %q, want %q", r.UserData, e.data)
	}
}

// between gives roles: who dials the number, and whom he reaches.
func between(pick func(party) (dials, reaches string)) func(*stage) {
	return func(s *stage) { s.dials, s.reaches = pick(s.who) }
}

var (
	anyoneToA = between(func(p party) (string, string) { return p.c, p.a })
	aToB      = between(func(p party) (string, string) { return p.a, p.b })
	aToAnyone = between(func(p party) (string, string) { return p.a, p.c })
	bToA      = between(func(p party) (string, string) { return p.b, p.a })
)

// body is a tenant's order with the userData of the stage.
func (s *stage) body(pairs ...string) map[string]any {
	s.data = s.userData()
	m := map[string]any{"userData": s.data}
	maps.Copy(m, s.bind)
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

func bindAX(ctx context.Context, s *stage) error {
	r, err := s.h.order(ctx, s.app, http.MethodPost, "/rest/provision/caas/privatenumber/v1.0", s.body("origNum", "+86"+s.who.a, "privateNum", "+86"+s.who.x))
	s.id = r.SubscriptionID
	return err
}

// bindAXTemp also names whom A reaches with his next call.
func bindAXTemp(ctx context.Context, s *stage) error {
	if err := bindAX(ctx, s); err != nil {
		return err
	}
	_, err := s.h.order(ctx, s.app, http.MethodPut, "/rest/caas/privatenumber/calleenumber/v1.0", map[string]any{"subscriptionId": s.id, "calleeNum": "+86" + s.who.b})
	return err
}

var (
	rings  = phone{scenario: "callee-answer", ring: sec(1.5)}
	brief  = phone{scenario: "caller-plain", talk: sec(3)}
	talked = want{final: 200, events: answered, hungUpBy: 1, talk: sec(3)}
)

// as adds what a mode must show.
func (w want) as(of ofMode) want {
	w.of = of
	return w
}

func ax() []scene {
	noCallee := want{final: 603, state: 8013, events: refused, prompt: "no_binding.wav", of: ofMode{direction: 1}}
	busy := want{final: 486, state: 8102, events: refused, prompt: "busy.wav"}
	return []scene{
		{name: "AX: somebody dials X", expect: "reaches A, who sees X; a second caller hears busy.wav and 486; then X is free", mode: "ax", order: bindAX, roles: anyoneToA,
			caller: phone{scenario: "caller-plain", talk: sec(12)}, callee: []phone{rings}, want: want{final: 200, events: answered, hungUpBy: 1, talk: sec(12)}, extra: hearsRing,
			meanwhile: []scene{{name: "AX: second caller", expect: "busy.wav, 486, CDR 8102", roles: bToA, caller: brief, want: busy}},
			then:      []scene{{name: "AX: next caller", expect: "X is free again", roles: anyoneToA, caller: brief, callee: []phone{rings}, want: talked}}},
		{name: "AX: A dials X, temporary callee", expect: "reaches him once, who sees X; then 8013", mode: "ax", order: bindAXTemp, roles: aToB, caller: brief, callee: []phone{rings},
			want: talked.as(ofMode{direction: 1}), extra: hearsRing,
			then: []scene{{name: "AX: A dials X again", expect: "the callee is used up: 8013", roles: aToB, caller: brief, want: noCallee}}},
		{name: "AX: A dials X", expect: "never himself: no_binding.wav, CDR 8013", mode: "ax", order: bindAX, roles: aToB, caller: brief, want: noCallee},
	}
}

func bindAXE(ctx context.Context, s *stage) error {
	r, err := s.h.order(ctx, s.app, http.MethodPost, "/rest/caas/extendnumber/v1.0", s.body("virtualNum", "+86"+s.who.x, "bindNum", "+86"+s.who.a, "extendNum", "12"))
	s.id = r.SubscriptionID
	return err
}

// keys is a caller who presses keys so long after the prompt began.
func keys(scenario string, wait time.Duration, more ...string) phone {
	return phone{scenario: scenario, talk: sec(3), keys: append([]string{"wait", fmt.Sprint(wait.Milliseconds())}, more...)}
}

func axe() []scene {
	collected := "callin collectInfo callout alerting answer disconnect"
	through := want{final: 200, events: collected, hungUpBy: 1, talk: sec(3), of: ofMode{digits: []string{"12"}, extension: "12"}}
	rung := phone{scenario: "callee-answer", ring: sec(4)}
	way := func(name string, caller phone) scene {
		return scene{name: "AXE: " + name, expect: "put through to A, who sees X; ring-back after the prompt", mode: "axe", order: bindAXE, roles: anyoneToA, caller: caller,
			callee: []phone{rung}, want: through, extra: hearsTone}
	}
	whole := way("keys by RFC 2833", keys("caller-keys", sec(5.5), "keys", "12"))
	whole.extra = func(e *evidence) {
		hearsTone(e)
		e.hearsToo("the caller", e.a.media, "extension_input.wav")
	}
	whole.then = []scene{{name: "AXE: A calls back", expect: "reaches the last caller, who sees X", roles: aToAnyone, caller: brief, callee: []phone{rings},
		want: talked.as(ofMode{direction: 1})}}
	first := way("A's answer first", phone{scenario: "caller-keys-answered", talk: sec(9), keys: []string{"wait", "1500", "keys", "12"}})
	first.mode, first.expect, first.extra = "axe, answers", "200, then the prompt; ring-back until A answers", ringsAfterAnswer
	first.want.talk = 0
	second := way("telephone-event promised, tones sent", keys("caller-keys-promised", sec(9.5)))
	second.expect = "asked again, listened to, put through"
	return []scene{
		whole, way("keys by SIP INFO", keys("caller-keys-info", sec(1), "key1", "1", "key2", "2")), way("keys as tones", keys("caller-keys-tones", sec(1))), first,
		{name: "AXE: a # too many, then right", expect: "wrong, asked again, put through", mode: "axe", order: bindAXE, roles: anyoneToA, callee: []phone{rung},
			caller: keys("caller-keys-twice", sec(1), "keys", "99#", "wait2", "7000", "keys2", "12"), want: want{final: 200, events: "callin collectInfo collectInfo callout alerting answer disconnect",
				hungUpBy: 1, talk: sec(3), of: ofMode{digits: []string{"99", "12"}, extension: "12"}}, extra: func(e *evidence) { e.hearsToo("the caller", e.a.media, "extension_wrong.wav") }},
		{name: "AXE: wrong twice", expect: "extension_wrong.wav, extension_giveup.wav, 603; CDR 8022", mode: "axe", order: bindAXE, roles: anyoneToA,
			caller: keys("caller-keys-twice", sec(1), "keys", "98", "wait2", "7000", "keys2", "99"), want: want{final: 603, state: 8022, events: "callin collectInfo collectInfo disconnect",
				prompt: "extension_giveup.wav", of: ofMode{digits: []string{"98", "99"}, unbound: true, direction: 2, extension: "99"}},
			extra: func(e *evidence) { e.hears("extension_wrong.wav") }},
		way("telephone-event, and tones as well", keys("caller-keys-both", sec(1), "keys", "12")),
		second,
		{name: "AXE: no key", expect: "asked twice, extension_missing.wav, 603; CDR 8033", mode: "axe", order: bindAXE, roles: anyoneToA, caller: brief,
			want:  want{final: 603, state: 8033, events: refused, prompt: "extension_missing.wav", of: ofMode{unbound: true}},
			extra: func(e *evidence) { e.hears("extension_input.wav") }},
		{name: "AXE: leaves while asked", expect: "487; CDR 7516", mode: "axe", order: bindAXE, roles: anyoneToA, caller: phone{scenario: "caller-cancel", ring: sec(3)},
			want: want{final: 487, state: 7516, events: refused, hungUpBy: 1, of: ofMode{unbound: true}}},
		{name: "AXE: A dials X, nobody called", expect: "no_binding.wav, 603; CDR 8019", mode: "axe", order: bindAXE, roles: aToAnyone, caller: brief,
			want: want{final: 603, state: 8019, events: refused, prompt: "no_binding.wav", of: ofMode{direction: 1}}},
	}
}

// ringsAfterAnswer checks that a caller who was answered before he was asked heard the prompt's beginning, and ring-back until his callee answered.
func ringsAfterAnswer(e *evidence) {
	answer, ok := find(e.fromB, 200, "INVITE")
	if !ok || e.answeredAt().After(answer.at) {
		e.fault("the caller was not answered first")
		return
	}
	if s := seconds(e.until(e.a.media, answer.at), ringTone); s < 0.8 {
		e.fault("the caller heard %.1f s of ring-back", s)
	}
}

// bindAXYB is the first step: an X of the scene's own city, which has two numbers.
func bindAXYB(ctx context.Context, s *stage) error {
	s.who.y = "171" + s.who.x[3:]
	if err := s.own(ctx, s.who.y); err != nil {
		return err
	}
	r, err := s.h.order(ctx, s.app, http.MethodPost, "/rest/omp/xyrelationnumber/v1.0?app_key="+s.app.key, s.body("origNum", "+86"+s.who.a, "areaCode", s.area()))
	if err != nil {
		return err
	}
	if r.RelationNumber == "+86"+s.who.y {
		s.who.x, s.who.y = s.who.y, s.who.x
	}
	s.id, s.data = "?", "?" // the relation's, which is not there yet
	s.parent = r.SubscriptionID
	return nil
}

// bindYB is both steps.
func bindYB(ctx context.Context, s *stage) error {
	if err := bindAXYB(ctx, s); err != nil {
		return err
	}
	r, err := s.h.order(ctx, s.app, http.MethodPost, "/rest/omp/xyrelationnumber/v1.0?app_key="+s.app.key, s.body("origNum", "+86"+s.who.b, "subscriptionId", s.parent))
	s.id = r.SubscriptionID
	if err == nil && r.RelationNumber != "+86"+s.who.y {
		err = errors.New("the Y given to B is not the one of the city")
	}
	return err
}

func axyb() []scene {
	toA := func(pick func(party) string) func(*stage) {
		return func(s *stage) { s.dials, s.reaches, s.shown = pick(s.who), s.who.a, s.who.y }
	}
	b, anyone := func(p party) string { return p.b }, func(p party) string { return p.c }
	back := func(pick func(party) string) []scene {
		return []scene{{name: "AXYB: A dials Y", expect: "reaches him, who sees X", roles: func(s *stage) { s.dials, s.reaches, s.dialled = s.who.a, pick(s.who), s.who.y },
			caller: brief, callee: []phone{rings}, want: talked.as(ofMode{direction: 1})}}
	}
	own := scene{name: "AXYB: A dials X", expect: "no_permission.wav, 603; CDR 8032", mode: "axyb", order: bindAXYB, roles: aToB, caller: brief,
		want: want{final: 603, state: 8032, events: refused, prompt: "no_permission.wav", of: ofMode{direction: 1}}}
	return []scene{
		{name: "AXYB: both steps, B dials X", expect: "reaches A, who sees Y", mode: "axyb", order: bindYB, roles: toA(b), caller: brief, callee: []phone{rings}, want: talked,
			then: back(b)},
		{name: "AXYB: first call to X", expect: "is given a Y; A sees it", mode: "axyb", order: bindAXYB, roles: toA(anyone), caller: brief, callee: []phone{rings}, want: talked,
			then: back(anyone)},
		own,
	}
}

// connectTo is a customer's answer that puts the caller through.
func connectTo(s *stage) string {
	to := map[string]any{"calleeNum": "+86" + s.reaches, "userData": s.userData()}
	maps.Copy(to, s.bind)
	b, _ := json.Marshal(map[string]any{"operation": "connect", "connectInfo": []any{to}})
	return string(b)
}

// says is a customer who answers the question so, and all else with 200.
func says(f func(s *stage) string) func(*stage, event) (int, string) {
	return func(s *stage, e event) (int, string) {
		if e.EventType != "callin" {
			return http.StatusOK, ""
		}
		return http.StatusOK, f(s)
	}
}

func asked() []scene {
	none := func(_ context.Context, s *stage) error { s.data = s.userData(); return nil }
	nothing := want{final: 603, state: 8014, events: refused, prompt: "abnormal.wav", of: ofMode{direction: 1}}
	toB := between(func(p party) (string, string) { return p.c, p.b })
	make := func(name, expect string, answer func(s *stage) string, w want, callee ...phone) scene {
		return scene{name: "X: " + name, expect: expect, mode: "x", order: none, roles: toB, answers: says(answer), caller: brief, callee: callee, want: w}
	}
	return []scene{
		make("connect", "put through, X is seen", connectTo, talked.as(ofMode{direction: 1}), rings),
		make("close", "closeHintTone, 603; CDR 0", func(*stage) string { return `{"operation":"close","closeInfo":{"closeHintTone":"wait.wav"}}` },
			want{final: 603, events: refused, prompt: "wait.wav", of: ofMode{direction: 1}}),
		make("the customer is late", "abnormal.wav after 4 s, 603; CDR 8014", func(s *stage) string { time.Sleep(sec(6)); return connectTo(s) }, nothing),
		make("the customer talks nonsense", "abnormal.wav, 603; CDR 8014", func(*stage) string { return "<html>" }, nothing),
		make("the customer names the caller", "abnormal.wav, 603; CDR 8014", func(s *stage) string { return strings.Replace(connectTo(s), s.reaches, s.dials, 1) }, nothing),
	}
}

// stopAt is a customer who ends the call from inside the handler of an event, before he answers the push, and thinks about it first. At once after
// the callee's answer is too early for a talk: the switch may not have sent the caller his 200 yet, and ends him with 480.
func stopAt(kind string, thinks time.Duration) func(*stage, event) (int, string) {
	return func(s *stage, e event) (int, string) {
		if e.EventType == kind {
			time.Sleep(thinks)
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_, err := s.h.order(ctx, s.app, http.MethodPost, "/rest/httpsessions/callStop/v2.0", map[string]any{"sessionid": e.StatusInfo.SessionID, "signal": "call_stop"})
			s.stopped(err)
		}
		return http.StatusOK, ""
	}
}

func stops() []scene {
	stopped := func(e *evidence) {
		e.stopMu.Lock()
		defer e.stopMu.Unlock()
		if len(e.stops) != 1 || e.stops[0] != nil {
			e.fault("callStop: %v", e.stops)
		}
	}
	return []scene{
		{name: "callStop while it rings", expect: "both are ended; CDR 8017, disconnect 0", mode: "ax", order: bindAX, roles: anyoneToA, answers: stopAt("alerting", 0), caller: brief,
			callee: []phone{{scenario: "callee-no-answer"}}, want: want{final: 480, state: 8017, q850: 16, events: rang}, extra: stopped},
		{name: "callStop while they talk", expect: "both are ended; CDR 8017, disconnect 0", mode: "ax", order: bindAX, roles: anyoneToA, answers: stopAt("answer", time.Second),
			caller: phone{scenario: "caller-waits"}, callee: []phone{rings}, want: want{final: 200, state: 8017, events: answered}, extra: stopped},
	}
}
