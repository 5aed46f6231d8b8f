package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// failovers are calls of a house with the trunks f-1, f-2 and f-3, which every call may try in this order. They run one after another.
func failovers() []scene {
	say := phone{scenario: "caller-plain", talk: sec(2)}
	down, ring := phone{scenario: "callee-503"}, phone{scenario: "callee-answer", ring: sec(1)}
	away := phone{scenario: "callee-302", keys: []string{"target", "9999", "target_host", "127.0.0.9"}}
	ok := want{final: 200, events: answered, hungUpBy: 1}
	return []scene{
		{name: "first trunk: 503", expect: "the second carries the call, one CDR", caller: say, callee: []phone{down, ring}, want: ok},
		{name: "first trunk: nobody there", expect: "the second carries the call, one CDR", caller: say, callee: []phone{{}, ring}, want: ok},
		{name: "first trunk: 100 and silence", expect: "the second carries the call after 12 s", caller: say, callee: []phone{{scenario: "callee-dead"}, ring}, want: ok},
		{name: "all trunks: 503", expect: "unreachable.wav as early media, then 503; CDR 7506", caller: say, callee: []phone{down, down, down},
			want: want{final: 503, state: 7506, q850: 41, sip: 503, events: unrung, prompt: "unreachable.wav"}},
		{name: "302", expect: "not followed; A hears unreachable.wav", caller: say, callee: []phone{away, away, away},
			want: want{final: 503, state: 7506, q850: 44, sip: 302, events: unrung, prompt: "unreachable.wav"}, extra: func(e *evidence) {
				for addr := range e.w.to {
					if addr.Addr().String() == "127.0.0.9" {
						e.fault("the switch called where the 302 pointed")
					}
				}
			}},
		{name: "first trunk: busy", expect: "B is not rung again through the second", caller: say, callee: []phone{{scenario: "callee-busy", ring: sec(1)}, ring},
			want: want{final: 486, state: 8102, q850: 17, sip: 486, events: rang, prompt: "busy.wav"}, extra: func(e *evidence) {
				if _, again := find(e.w.received(e.bs[1].sip), 0, "INVITE"); again {
					e.fault("the second trunk was tried")
				}
			}},
		{name: "trunk that logs in", expect: "asked for its password, then connected", callee: []phone{ring}, want: ok,
			caller: phone{scenario: "caller-authenticates", talk: sec(2), from: "127.0.0.5"}},
		{name: "stranger, where trunks log in", expect: "asked for a password, not connected", caller: phone{scenario: "caller-plain", from: "127.0.0.2"}, want: want{final: 407, silent: true}},
	}
}

// crashes are the calls over which the daemon, and at last the switch, die.
type crashes struct {
	rings, talks, ends, prompt, early, late, orderly, lost, next *stage
}

func (h *house) castCrashes() (c crashes, err error) {
	stays, ring := phone{scenario: "caller-waits-audio"}, phone{scenario: "callee-answer", ring: sec(1)}
	say := func(talk float64) phone { return phone{scenario: "caller-plain", talk: sec(talk)} }
	ok := func(talk float64) want { return want{final: 200, events: answered, hungUpBy: 1, talk: sec(talk)} }
	for _, x := range []struct {
		at **stage
		scene
	}{
		{&c.rings, scene{name: "kill -9 while B rings", expect: "B answers: connected, hint, recorded, ended after 60 s; told once", caller: stays,
			callee: []phone{{scenario: "callee-answer-audio", ring: sec(5)}}, bind: map[string]any{"maxDuration": 1, "recordFlag": "true", "recordHintTone": "record_hint.wav"},
			want: want{final: 200, state: 8010, events: answered, talk: sec(60)}, extra: isRecorded}},
		{&c.talks, scene{name: "kill -9 after the bridge", expect: "they talk on; told once", caller: say(22), callee: []phone{ring}, want: ok(22)}},
		{&c.ends, scene{name: "call ends while no daemon runs", expect: "the CDR comes from the switch's spool", caller: say(6), callee: []phone{ring}, want: ok(6)}},
		{&c.prompt, scene{name: "kill -9 during a prompt", expect: "the restarted daemon ends it, with its CDR", other: true, caller: say(1),
			want: want{final: 503, state: 8014, events: refused}}},
		{&c.early, scene{name: "call while no daemon runs", expect: "refused after 10 s, 503; told once, when a daemon is back", caller: say(1),
			want: want{final: 503, state: 7102, events: refused}}},
		{&c.late, scene{name: "call 6 s before the daemon is back", expect: "claimed in time and connected", caller: say(3), callee: []phone{ring}, want: ok(3)}},
		{&c.orderly, scene{name: "daemon ended by SIGTERM and started", expect: "they talk on; told once", caller: say(12), callee: []phone{ring}, want: ok(12)}},
		{&c.lost, scene{name: "kill -9 of FreeSWITCH", expect: "the call ends as lost, one CDR 8020", caller: say(150), callee: []phone{ring}, cut: true,
			want: want{final: 200, state: 8020, events: answered}}},
		{&c.next, scene{name: "call after FreeSWITCH is back", expect: "connected", caller: say(2), callee: []phone{ring}, want: ok(2)}},
	} {
		if *x.at, err = h.cast(x.scene); err != nil {
			return c, err
		}
	}
	return c, nil
}

// play kills the daemon, and then the switch, while calls are up.
func (c crashes) play(ctx context.Context) {
	all := []*stage{c.rings, c.talks, c.ends, c.prompt, c.early, c.late, c.orderly, c.lost, c.next}
	h := c.rings.h
	var calls sync.WaitGroup
	defer func() {
		calls.Wait()
		for _, s := range all {
			s.clear()
		}
	}()
	for _, s := range []*stage{c.talks, c.ends, c.rings, c.prompt, c.early, c.late, c.orderly} { // as long as there is a daemon to bind
		s.ready(ctx)
	}
	begin := func(s *stage) {
		calls.Go(func() {
			if s.dial(ctx) {
				s.finish(ctx)
			}
		})
	}
	failed := func(err error) {
		for _, s := range all {
			if s.a == nil || !s.a.over() {
				s.fault("%s", err)
			}
		}
	}
	pause := func(seconds float64) bool {
		select {
		case <-time.After(sec(seconds)):
			return true
		case <-ctx.Done():
			return false
		}
	}
	begin(c.talks)
	begin(c.ends)
	pause(3)
	begin(c.rings)
	begin(c.prompt)
	pause(2)
	h.proc.kill()
	pause(0.5)
	begin(c.early)
	pause(5.5)
	begin(c.late)
	pause(6)
	if err := h.serve(ctx); err != nil {
		failed(err)
		return
	}
	pause(4)
	begin(c.orderly)
	pause(5)
	h.proc.stop(syscall.SIGTERM, 15*time.Second)
	if err := h.serve(ctx); err != nil {
		failed(err)
		return
	}
	calls.Wait()
	if ctx.Err() == nil {
		c.loseSwitch(ctx, failed, pause)
	}
}

// loseSwitch kills FreeSWITCH under a call, starts it again and makes another.
func (c crashes) loseSwitch(ctx context.Context, failed func(error), pause func(float64) bool) {
	h := c.lost.h
	c.lost.ready(ctx)
	c.next.ready(ctx)
	if !c.lost.dial(ctx) || !pause(5) {
		return
	}
	h.sw.kill()
	c.lost.clear()
	if err := h.sw.boot(ctx); err != nil {
		failed(err)
		return
	}
	c.lost.awaitRecord(ctx)
	if c.next.dial(ctx) {
		c.next.finish(ctx)
	}
}

// searchAll looks for every number of every scene where no number may stand: daemon's log, metrics, names of recordings, the switch's log; and in
// what the other customer was pushed. The bodies of pushes to a customer hold the numbers of his own calls, and must not hold others.
func (h *house) searchAll(ctx context.Context) result {
	r := result{name: h.name + ": logs, metrics, file names", want: "no number; no push to the wrong customer"}
	places, err := h.sw.logs()
	if err != nil {
		r.faults = append(r.faults, err.Error())
		return r
	}
	places["the daemon's log"] = tailOf(h.in("maskline.log"), 64<<20)
	if places["metrics"], err = h.get(ctx, "/metrics"); err != nil {
		r.faults = append(r.faults, err.Error())
	}
	_ = filepath.WalkDir(h.in(), func(path string, _ os.DirEntry, _ error) error {
		places["names of files"] += path + "\n" // recordings, records, prompts, speech
		return nil
	})
	for place, content := range places {
		t := newText(content)
		for _, who := range h.parties() {
			for _, n := range []string{who.a, who.b, who.c} {
				for _, line := range newSecret(n).search(t) {
					r.faults = append(r.faults, "LEAK in "+place+": "+line)
				}
			}
		}
	}
	h.customer.mu.Lock()
	defer h.customer.mu.Unlock()
	for customer, bodies := range h.customer.bodies {
		for _, body := range bodies {
			t := newText(body)
			for _, s := range h.stages {
				if h.pushesTo(s) != customer && (newSecret(s.who.a).in(t) != "" || newSecret(s.who.b).in(t) != "") {
					r.faults = append(r.faults, "a push about "+s.name+" went to the wrong customer")
				}
			}
		}
	}
	r.faults = append(r.faults, h.customer.faults...)
	return r
}

// parties are all whose numbers may stand nowhere.
func (h *house) parties() (all []party) {
	for _, s := range h.stages {
		all = append(all, s.who)
	}
	for _, s := range h.placed {
		all = append(all, s.who)
	}
	return all
}
