package main

import (
	"context"
	"sync"
	"time"
)

// modeDeaths are the calls over which the daemon dies in the house of the other modes.
type modeDeaths struct{ talks, collects *stage }

func (h *house) castModeDeaths() (d modeDeaths, err error) {
	d.talks, err = h.cast(scene{name: "AX: kill -9 after the bridge", expect: "they talk on, told once; then X is free", mode: "ax", order: bindAX, roles: anyoneToA,
		caller: phone{scenario: "caller-plain", talk: sec(14)}, callee: []phone{rings}, want: want{final: 200, events: answered, hungUpBy: 1, talk: sec(14)},
		then: []scene{{name: "AX: next caller after that", expect: "X is free again", roles: bToA, caller: brief, callee: []phone{rings}, want: talked}}})
	if err != nil {
		return d, err
	}
	d.collects, err = h.cast(scene{name: "AXE: kill -9 while it collects", expect: "the restarted daemon ends it, with its CDR", mode: "axe", order: bindAXE, roles: anyoneToA,
		caller: brief, want: want{final: 503, state: 8020, events: refused, of: ofMode{unbound: true}}})
	return d, err
}

// play kills the daemon 4 s into both calls and starts it again.
func (d modeDeaths) play(ctx context.Context) {
	h := d.talks.h
	var calls sync.WaitGroup
	calls.Go(func() { d.talks.play(ctx) })
	select {
	case <-time.After(sec(3)):
	case <-ctx.Done():
	}
	calls.Go(func() { d.collects.play(ctx) })
	select {
	case <-time.After(sec(4)):
	case <-ctx.Done():
	}
	h.proc.kill()
	if err := h.serve(ctx); err != nil {
		d.talks.fault("%s", err)
	}
	calls.Wait()
}
