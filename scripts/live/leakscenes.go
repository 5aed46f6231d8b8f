package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// leakSeed repeats a run's leak scenes: 0 draws one. It is printed.
type leakSeed uint64

func (s leakSeed) drawn() leakSeed {
	if s == 0 {
		return leakSeed(rand.Uint64N(1_000_000)) //nolint:gosec // not a secret
	}
	return s
}

// leakMode is a way in which one reaches another through a number.
type leakMode struct {
	name, mode string
	order      func(context.Context, *stage) error
	roles      func(*stage)
	fromB      bool
	press      string
	of         ofMode
	after      string // what the customer is told of between callin and callout
	answers    func(*stage, event) (int, string)
}

var leakModes = []leakMode{
	{name: "AXB"}, {name: "AXB from B", fromB: true},
	{name: "AX", mode: "ax", order: bindAX, roles: anyoneToA}, {name: "AX temporary", mode: "ax", order: bindAXTemp, roles: aToB, of: ofMode{direction: 1}},
	{name: "AXE", mode: "axe", order: bindAXE, roles: anyoneToA, press: "12", after: "collectInfo ", of: ofMode{digits: []string{"12"}, extension: "12"}},
	{name: "AXYB", mode: "axyb", order: bindYB, roles: func(s *stage) { s.dials, s.reaches, s.shown = s.who.b, s.who.a, s.who.y }},
	{name: "X", mode: "x", order: func(_ context.Context, s *stage) error { s.data = s.userData(); return nil }, roles: between(func(p party) (string, string) { return p.c, p.b }),
		answers: says(connectTo), of: ofMode{direction: 1}},
}

// leakEnd is how a call goes.
type leakEnd struct {
	name           string
	caller, callee plot
	bind           map[string]any
	stops          bool // the customer stops it
	want           want
	talk           float64  // seconds until the one hangs up who does
	not            []string // modes in which it cannot be played
	strange        bool     // somebody calls whom nobody is bound to
}

// leakEnds are the ends; %s in the events stands for what a mode tells between callin and callout.
var leakEnds = []leakEnd{
	{name: "answered", want: want{final: 200, events: "callin %scallout alerting answer disconnect", hungUpBy: 1}, caller: plot{mixed: true}, callee: plot{waits: true, final: 200}},
	{name: "181, then answered", want: want{final: 200, events: "callin %scallout alerting answer disconnect", hungUpBy: 1}, callee: plot{waits: true, forwarded: true, final: 200}},
	{name: "early media", want: want{final: 200, events: "callin %scallout alerting answer disconnect", hungUpBy: 1}, callee: plot{waits: true, early: true, final: 200}},
	{name: "B hangs up", want: want{final: 200, events: "callin %scallout alerting answer disconnect", hungUpBy: 2}, caller: plot{waits: true}, callee: plot{final: 200}},
	{name: "recorded", bind: map[string]any{"recordFlag": "true", "recordHintTone": "record_hint.wav"}, talk: 4,
		want: want{final: 200, events: "callin %scallout alerting answer disconnect", hungUpBy: 1}, callee: plot{waits: true, final: 200}},
	{name: "to the last minute", bind: map[string]any{"maxDuration": 2, "lastMinVoice": "last_minute.wav"}, caller: plot{waits: true}, callee: plot{waits: true, final: 200},
		want: want{final: 200, state: 8010, events: "callin %scallout alerting answer disconnect"}, not: []string{"AXE", "AXYB"}},
	{name: "callStop", stops: true, caller: plot{waits: true}, callee: plot{waits: true, final: 200}, want: want{final: 200, state: 8017, events: "callin %scallout alerting answer disconnect"}, not: []string{"X"}},
	{name: "busy", callee: plot{final: 486}, want: want{final: 486, state: 8102, q850: 17, sip: 486, events: "callin %scallout alerting disconnect", prompt: "busy.wav"}},
	{name: "181, then busy", callee: plot{final: 486, forwarded: true}, want: want{final: 486, state: 8102, q850: 17, sip: 486, events: "callin %scallout alerting disconnect", prompt: "busy.wav"}},
	{name: "rejected", callee: plot{final: 603}, want: want{final: 603, state: 7503, q850: 21, sip: 603, events: "callin %scallout disconnect", prompt: "rejected.wav"}},
	{name: "off", callee: plot{final: 480}, want: want{final: 408, state: 8103, q850: 18, sip: 480, events: "callin %scallout disconnect", prompt: "unreachable.wav"}},
	{name: "A leaves", caller: plot{leaves: true}, callee: plot{final: 0}, want: want{final: 487, state: 7502, q850: 16, sip: 487, events: "callin %scallout alerting disconnect", hungUpBy: 1}, not: []string{"AXE"}},
	{name: "refused to a stranger", strange: true, want: want{final: 603, state: 8014, events: "callin disconnect", prompt: "no_binding.wav"},
		not: []string{"AXB from B", "AX", "AX temporary", "AXE", "AXYB", "X"}},
	{name: "forwarded by 302", callee: plot{final: 302, away: "9999@127.0.0.9"}, want: want{final: 503, state: 7506, q850: 44, sip: 302, events: "callin %scallout disconnect", prompt: "unreachable.wav"}},
}

// loudPhone is a loud phone.
func loudPhone(p plot, seed uint64, caller bool, talk float64) phone {
	side := map[bool]string{true: "caller", false: "callee"}[caller]
	return phone{scenario: "loud-" + side, talk: sec(talk), script: func(number string) string { return p.script(seed, number, caller) }}
}

// leakScenes draws one scene for each end, each in a mode that has had the fewest, so that a run has every end, every mode, and every act.
func leakScenes(rnd *rand.Rand) (scenes []scene) {
	modes, ends := slices.Clone(leakModes), slices.Clone(leakEnds)
	rnd.Shuffle(len(modes), func(i, j int) { modes[i], modes[j] = modes[j], modes[i] })
	rnd.Shuffle(len(ends), func(i, j int) { ends[i], ends[j] = ends[j], ends[i] })
	// Who has the least choice chooses first.
	slices.SortStableFunc(ends, func(a, b leakEnd) int { return len(b.not) - len(a.not) })
	doing, had := dealActs(rnd), map[string]int{}
	for _, e := range ends {
		may := slices.DeleteFunc(slices.Clone(modes), func(m leakMode) bool { return slices.Contains(e.not, m.name) })
		m := slices.MinFunc(may, func(a, b leakMode) int { return had[a.name] - had[b.name] })
		had[m.name]++
		scenes = append(scenes, leakScene(rnd, m, e, doing))
	}
	return scenes
}

// dealActs gives each call some acts, a side's whole pack before any comes again.
func dealActs(rnd *rand.Rand) func() []string {
	var pack []string
	return func() (hand []string) {
		for range 3 {
			if len(pack) == 0 {
				pack = slices.Clone(acts)
				rnd.Shuffle(len(pack), func(i, j int) { pack[i], pack[j] = pack[j], pack[i] })
			}
			hand, pack = append(hand, pack[0]), pack[1:]
		}
		return hand
	}
}

func leakScene(rnd *rand.Rand, m leakMode, e leakEnd, doing func() []string) scene {
	talk := e.talk
	if e.want.final == 200 && !e.stops {
		if e.caller.acts = doing(); !e.caller.waits {
			e.callee.acts = doing()
			talk += 4 // until the callee has done his
		} else {
			e.callee.acts = doing()[:2]
			if !e.callee.waits {
				talk += 4
			}
		}
	}
	e.caller.press = m.press
	e.want.events = strings.Replace(e.want.events, "%s", m.after, 1)
	e.want.of = m.of
	sc := scene{name: "leak: " + m.name + ", " + e.name, expect: "no number crosses" + done("A", e.caller.acts) + done("B", e.callee.acts), mode: m.mode, order: m.order, roles: m.roles, fromB: m.fromB,
		answers: m.answers, bind: e.bind, want: e.want, caller: loudPhone(e.caller, rnd.Uint64(), true, talk), callee: []phone{loudPhone(e.callee, rnd.Uint64(), false, talk)}}
	if e.stops {
		sc.answers = stopAt("answer", time.Second)
	}
	if e.strange {
		sc.other, sc.callee = true, nil
	}
	if e.callee.final == 302 { // another trunk is tried, and another: all are forwarded
		sc.trunk, sc.callee = "f-1", slices.Repeat(sc.callee, 3)
	}
	return sc
}

func done(who string, what []string) string {
	if len(what) == 0 {
		return ""
	}
	return "; " + who + ": " + strings.Join(what, ", ")
}

// leakVoice are placed calls between loud phones.
func leakVoice(rnd *rand.Rand) []voiceScene {
	doing := dealActs(rnd)
	phone := func(p plot, talk float64) phone { return loudPhone(p, rnd.Uint64(), false, talk) }
	answers := func(n int) plot { return plot{final: 200, waits: true, acts: doing()[:n]} }
	leaves := plot{final: 200, acts: doing()[:2], forwarded: true}
	stop := after(sec(9), func(ctx context.Context, s *voiceStage) { s.stop(ctx) })
	return []voiceScene{
		{name: "leak: click-to-dial, B hangs up", expect: "no number crosses", op: "click2Call", first: phone(answers(3), 0), second: phone(leaves, 4), want: voiceWant{events: joined, party: "callee"}},
		{name: "leak: click-to-dial, recorded, callStop", expect: "no number crosses", op: "click2Call", first: phone(answers(2), 0), second: phone(answers(2), 0), meanwhile: stop,
			body: func(*voiceStage) map[string]any { return map[string]any{"recordFlag": "true"} },
			want: voiceWant{events: joined, party: "platform", state: 8017, reason: 8017, record: 1}},
		{name: "leak: click-to-dial, B busy", expect: "no number crosses", op: "click2Call", first: phone(plot{final: 200, waits: true}, 0), second: phone(plot{final: 486, forwarded: true}, 0),
			body: func(*voiceStage) map[string]any { return map[string]any{"calleeMedia": "fail"} },
			want: voiceWant{events: "callout:a alerting:a answer:a callout:b alerting:b disconnect:b", state: 8102, reason: 8102, q850: 17, sip: 486, party: "platform"}},
		{name: "leak: notification", expect: "nothing is written of the number", op: "callnotify", first: phone(answers(3), 0), body: items(item(myLong)), want: voiceWant{events: notified}},
	}
}

// leakHouse is the house of those who name themselves in everything they send. Its calls begin when many of the others' are over.
func (l *lab) leakHouse(ctx context.Context, only string) (*house, error) {
	h, err := l.newHouse("loud")
	if err != nil {
		return nil, err
	}
	seed := l.seed.drawn()
	rnd := rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // not a secret
	h.addTrunk("in", 0, ", addresses: [127.0.0.1/32], trust_caller: true")
	for i := range 3 {
		port, err := l.ports.take()
		if err != nil {
			return nil, err
		}
		h.shared = append(h.shared, port)
		h.addTrunk(fmt.Sprintf("f-%d", i+1), port, fmt.Sprintf(", order: %d", i+1))
	}
	for _, sc := range leakScenes(rnd) {
		if wanted(sc, only) {
			if _, err := h.cast(sc); err != nil {
				return nil, err
			}
		}
	}
	for _, sc := range leakVoice(rnd) {
		if wanted(scene{name: sc.name}, only) {
			if err := h.castVoice(sc); err != nil {
				return nil, err
			}
		}
	}
	if len(h.stages)+len(h.placed) == 0 {
		return h, nil
	}
	fmt.Printf("live: leak scenes of seed %d; -only leak: -seed %d repeats them\n", seed, seed)
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	if err := h.openModes(ctx); err != nil {
		return nil, err
	}
	if err := h.openVoice(ctx); err != nil {
		return nil, err
	}
	return h, h.talkAll(ctx, only == "")
}

// talkAll lets all call, a third of a second apart. later leaves the machine to the other houses first, whose sound is measured.
func (h *house) talkAll(ctx context.Context, later bool) error {
	if later {
		select {
		case <-time.After(45 * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var calls sync.WaitGroup
	defer calls.Wait()
	var all []func(context.Context)
	for _, s := range h.stages {
		all = append(all, s.play)
	}
	for _, s := range h.placed {
		all = append(all, s.play)
	}
	for _, play := range all {
		calls.Go(func() { play(ctx) })
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
