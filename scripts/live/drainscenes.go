package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// drains are calls over which a switch is told to take no new ones, to take them again, and to end.
type drains struct {
	h                           *house
	up, through, refused, after *stage
	ending                      result
}

func (l *lab) drainHouse(ctx context.Context, only string) (*house, error) {
	h, err := l.newHouse("six")
	if err != nil {
		return nil, err
	}
	d := &drains{h: h, ending: result{name: "drain: with --shutdown", want: "nothing happens while a call is up; then FreeSWITCH ends by itself"}}
	h.addTrunk("in", 0, ", addresses: [127.0.0.1/32], trust_caller: true")
	for i := range 2 {
		port, err := l.ports.take()
		if err != nil {
			return nil, err
		}
		h.shared = append(h.shared, port)
		h.addTrunk(fmt.Sprintf("f-%d", i+1), port, fmt.Sprintf(", order: %d", i+1))
	}
	ring, talks := phone{scenario: "callee-answer", ring: sec(1)}, func(talk float64) phone { return phone{scenario: "caller-plain", talk: sec(talk)} }
	ok := func(talk float64) want { return want{final: 200, events: answered, hungUpBy: 1, talk: sec(talk)} }
	list := []struct {
		at **stage
		scene
	}{
		{&d.up, scene{name: "drain: a call that is up", expect: "it goes on to its own end, one CDR; then the switch is drained", caller: talks(16), callee: []phone{ring}, want: ok(16)}},
		{&d.through, scene{name: "drain: a call whose first trunk is silent", expect: "the second trunk is dialled while the switch drains", trunk: "f-1", caller: talks(3),
			callee: []phone{{scenario: "callee-dead"}, ring}, want: ok(3)}},
		{&d.refused, scene{name: "drain: a new call", expect: "503 at once; nobody is told", caller: talks(1), want: want{final: 503, silent: true}, extra: refusedAtOnce}},
		{&d.after, scene{name: "drain: a call after resume", expect: "connected", caller: talks(6), callee: []phone{ring}, want: ok(6)}},
	}
	all := only == ""
	for _, x := range list {
		all = all || wanted(x.scene, only)
	}
	if !all {
		return h, nil
	}
	for _, x := range list {
		if *x.at, err = h.cast(x.scene); err != nil {
			return nil, err
		}
	}
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	d.play(ctx)
	l.report(d.ending)
	return h, nil
}

// refusedAtOnce reads the refusal in the packets: the switch made it before anything of the call was looked at.
func refusedAtOnce(e *evidence) {
	invite, _ := find(e.w.sent(e.a.sip), 0, "INVITE")
	answer, refused := find(e.toA, 503, "INVITE")
	switch {
	case !refused:
		e.fault("no 503 among the packets")
	case !strings.Contains(answer.first(), "Maximum Calls In Progress") || answer.header("Retry-After") == "":
		e.fault("refused with %q", answer.first())
	case answer.at.Sub(invite.at) > time.Second:
		e.fault("refused after %s only", answer.at.Sub(invite.at))
	}
}

// play drains the switch under two calls, one of which is still to be dialled, resumes it for a third, and drains it for good under that one.
func (d *drains) play(ctx context.Context) {
	h := d.h
	stages := []*stage{d.up, d.through, d.refused, d.after}
	for _, s := range stages {
		defer s.clear()
		s.ready(ctx)
	}
	failed := func(err error) {
		for _, s := range stages {
			if s.a == nil || !s.a.over() {
				s.fault("%s", err)
			}
		}
		d.ending.faults = append(d.ending.faults, err.Error())
	}
	if !d.up.dial(ctx) || !rest(ctx, 4) || !d.through.dial(ctx) || !rest(ctx, 1.5) {
		return
	}
	if err := d.order(ctx, "draining", false); err != nil {
		failed(err)
		return
	}
	if err := d.stands(ctx, "draining", 3*time.Second); err != nil {
		failed(err)
		return
	}
	if d.refused.dial(ctx) {
		d.refused.finish(ctx)
	}
	d.through.finish(ctx)
	d.up.finish(ctx)
	if err := d.stands(ctx, "drained", 6*time.Second); err != nil {
		d.up.fault("%s", err)
	}
	if err := d.order(ctx, "serving", false); err != nil {
		failed(err)
		return
	}
	if err := d.stands(ctx, "serving", 3*time.Second); err != nil {
		failed(err)
		return
	}
	if !d.after.dial(ctx) || !rest(ctx, 3) {
		return
	}
	if err := d.order(ctx, "draining", true); err != nil {
		failed(err)
		return
	}
	if rest(ctx, 2.5); h.sw.over() {
		d.ending.faults = append(d.ending.faults, "FreeSWITCH ended with a call up")
	}
	d.after.finish(ctx)
	select {
	case <-h.sw.ended:
		if code := h.sw.code(); code != 0 {
			d.ending.faults = append(d.ending.faults, fmt.Sprintf("FreeSWITCH ended with %d", code))
		}
	case <-ctx.Done():
	case <-time.After(30 * time.Second):
		d.ending.faults = append(d.ending.faults, "FreeSWITCH has not ended half a minute after its last call")
	}
}

// rest waits; false when the run ends.
func rest(ctx context.Context, seconds float64) bool {
	select {
	case <-time.After(sec(seconds)):
		return true
	case <-ctx.Done():
		return false
	}
}

// order tells the switch, through the admin API, to drain or to serve.
func (d *drains) order(ctx context.Context, state string, shutdown bool) error {
	body, err := json.Marshal(map[string]any{"state": state, "shutdown": shutdown})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://127.0.0.1:"+strconv.Itoa(d.h.admin)+"/admin/v1/switches/"+d.h.name+"/state", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", "application/json")
	status, answer, err := do(req)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("order %s: %d %s", state, status, tail(answer, 200))
	}
	return err
}

// stands waits until the switch is told of so.
func (d *drains) stands(ctx context.Context, want string, within time.Duration) error {
	var list struct {
		Items []struct {
			State    string `json:"state"`
			Sessions int    `json:"sessions"`
		} `json:"items"`
	}
	for deadline := time.Now().Add(within); ; {
		text, err := d.h.get(ctx, "/admin/v1/switches")
		if err == nil {
			err = json.Unmarshal([]byte(text), &list)
		}
		if err == nil && len(list.Items) == 1 && list.Items[0].State == want {
			return nil
		}
		if !time.Now().Before(deadline) || !rest(ctx, 0.1) {
			return errors.Join(fmt.Errorf("the switch is not %s within %s: %+v", want, within, list.Items), err)
		}
	}
}
