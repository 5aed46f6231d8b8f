package main

import (
	"context"
	"strings"
	"time"
)

// overloadHouse is a daemon that may carry one call. A second one is refused while the first talks, and a third comes through after it.
func (l *lab) overloadHouse(ctx context.Context, only string) (*house, error) {
	h, err := l.newHouse("overload")
	if err != nil {
		return nil, err
	}
	h.more = "call: {at_once: 1}\n"
	h.addTrunk("in", 0, ", addresses: [127.0.0.1/32], trust_caller: true")
	ring, talks := phone{scenario: "callee-answer", ring: sec(1)}, func(talk float64) phone { return phone{scenario: "caller-plain", talk: sec(talk)} }
	ok := func(talk float64) want { return want{final: 200, events: answered, hungUpBy: 1, talk: sec(talk)} }
	var up, over, after *stage
	list := []struct {
		at **stage
		scene
	}{
		{&up, scene{name: "overload: a call that is up", expect: "it notices nothing, one CDR", caller: talks(10), callee: []phone{ring}, want: ok(10)}},
		{&over, scene{name: "overload: one call too many", expect: "503 with Retry-After at once, unheard; told and recorded later", caller: talks(1),
			want: want{final: 503, state: 522, events: refused}, extra: overloaded}},
		{&after, scene{name: "overload: a call after it", expect: "connected", caller: talks(2), callee: []phone{ring}, want: ok(2)}},
	}
	all := only == ""
	for _, x := range list {
		all = all || wanted(x.scene, only)
	}
	if !all {
		return h, nil
	}
	var stages []*stage
	for _, x := range list {
		if *x.at, err = h.cast(x.scene); err != nil {
			return nil, err
		}
		stages = append(stages, *x.at)
	}
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	for _, s := range stages {
		defer s.clear()
		s.ready(ctx)
	}
	if !up.dial(ctx) || !rest(ctx, 3) {
		return h, nil
	}
	if over.dial(ctx) {
		over.finish(ctx)
	}
	up.finish(ctx)
	if after.dial(ctx) {
		after.finish(ctx)
	}
	return h, nil
}

// overloaded reads the refusal in the packets.
func overloaded(e *evidence) {
	invite, _ := find(e.w.sent(e.a.sip), 0, "INVITE")
	answer, refused := find(e.toA, 503, "INVITE")
	switch {
	case !refused:
		e.fault("no 503 among the packets")
	case answer.header("Retry-After") != "5" || !strings.Contains(answer.first(), "Service Unavailable"):
		e.fault("refused with %q, Retry-After %q", answer.first(), answer.header("Retry-After"))
	case answer.at.Sub(invite.at) > time.Second:
		e.fault("refused after %s only", answer.at.Sub(invite.at))
	}
	if _, early := find(e.toA, 183, "INVITE"); early {
		e.fault("early media before the refusal")
	}
}
