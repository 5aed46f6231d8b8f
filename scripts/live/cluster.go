package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// addSecond writes the configuration of another daemon of a house that is open, with addresses of its own and the same database and switch.
func (h *house) addSecond() (*house, error) {
	o := &house{lab: h.lab, name: h.name + "/second"}
	ports := make([]int, 3)
	for i := range ports {
		var err error
		if ports[i], err = h.ports.take(); err != nil {
			return nil, err
		}
	}
	o.api, o.admin = ports[0], ports[1]
	text, err := os.ReadFile(h.config)
	if err != nil {
		return nil, err
	}
	other := strings.NewReplacer(fmt.Sprintf("api: '127.0.0.1:%d'", h.api), fmt.Sprintf("api: '127.0.0.1:%d'", o.api),
		fmt.Sprintf("admin: '127.0.0.1:%d'", h.admin), fmt.Sprintf("admin: '127.0.0.1:%d'", o.admin), fmt.Sprintf(", intake: '127.0.0.1:%d'", h.sw.intake), ", intake: ''",
		fmt.Sprintf("peers: '127.0.0.1:%d'", h.peers), fmt.Sprintf("peers: '127.0.0.1:%d'", ports[2])).Replace(string(text))
	if err := os.MkdirAll(o.in(), 0o750); err != nil {
		return nil, err
	}
	o.config = o.in("maskline.yaml")
	return o, os.WriteFile(o.config, []byte(other), 0o600) //nolint:gosec // the run's own file
}

// clusters are the calls over which a switch goes from daemon to daemon.
type clusters struct {
	stop, rings, early, talks, after *stage
	other                            *house
}

func (h *house) castCluster() (c *clusters, err error) {
	c = &clusters{}
	ring := phone{scenario: "callee-answer", ring: sec(1)}
	say := func(talk float64) phone { return phone{scenario: "caller-plain", talk: sec(talk)} }
	ok := func(talk float64) want { return want{final: 200, events: answered, hungUpBy: 1, talk: sec(talk)} }
	for _, x := range []struct {
		at **stage
		scene
	}{
		{&c.stop, scene{name: "two daemons: callStop through the other", expect: "ended by the one that has the switch; CDR 8017", caller: phone{scenario: "caller-waits"}, callee: []phone{ring},
			answers: c.stopThroughOther, want: want{final: 200, state: 8017, events: answered}}},
		{&c.rings, scene{name: "two daemons: kill -9 of the owner, B rings", expect: "B answers; told once, by the other", caller: say(5), callee: []phone{{scenario: "callee-answer", ring: sec(11)}}, want: ok(5)}},
		{&c.early, scene{name: "two daemons: call while nobody owns", expect: "claimed by the other within 10 s", caller: say(3), callee: []phone{ring}, want: ok(3)}},
		{&c.talks, scene{name: "two daemons: the owner is frozen", expect: "they talk on; told once, by the other", caller: say(16), callee: []phone{ring}, want: ok(16)}},
		{&c.after, scene{name: "two daemons: call after it woke", expect: "carried by the other", caller: say(2), callee: []phone{ring}, want: ok(2)}},
	} {
		if *x.at, err = h.cast(x.scene); err != nil {
			return c, err
		}
	}
	return c, nil
}

// stopThroughOther ends the call by the API of the daemon that does not have the switch.
func (c *clusters) stopThroughOther(s *stage, e event) (int, string) {
	if e.EventType == "answer" {
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err := c.other.order(ctx, s.app, http.MethodPost, "/rest/httpsessions/callStop/v2.0", map[string]any{"sessionid": e.StatusInfo.SessionID, "signal": "call_stop"})
		s.stopped(err)
	}
	return http.StatusOK, ""
}

// play kills and freezes whoever owns the switch.
func (c *clusters) play(ctx context.Context, h *house) error {
	all := []*stage{c.stop, c.rings, c.early, c.talks, c.after}
	var calls sync.WaitGroup
	defer func() {
		calls.Wait()
		for _, s := range all {
			s.clear()
		}
	}()
	for _, s := range all {
		s.ready(ctx)
	}
	begin := func(s *stage) {
		calls.Go(func() {
			if s.dial(ctx) {
				s.finish(ctx)
			}
		})
	}
	pause := func(seconds float64) {
		select {
		case <-time.After(sec(seconds)):
		case <-ctx.Done():
		}
	}
	begin(c.stop)
	calls.Wait()
	begin(c.rings)
	pause(2)
	h.proc.kill()
	pause(1)
	begin(c.early)
	calls.Wait()
	if err := h.serve(ctx); err != nil {
		return err
	}
	begin(c.talks)
	pause(4)
	_ = c.other.proc.cmd.Process.Signal(syscall.SIGSTOP)
	pause(9)
	_ = c.other.proc.cmd.Process.Signal(syscall.SIGCONT)
	begin(c.after)
	calls.Wait()
	return nil
}

// twoDaemons is the house in which a switch goes from daemon to daemon.
func (l *lab) twoDaemons(ctx context.Context, only string) (*house, error) {
	h, err := l.newHouse("daemons")
	if err != nil {
		return nil, err
	}
	if only != "" && !slices.Contains(strings.Split(only, "|"), "cluster") {
		return h, nil
	}
	h.addTrunk("in", 0, ", addresses: [127.0.0.1/32], trust_caller: true")
	c, err := h.castCluster()
	if err != nil {
		return nil, err
	}
	if h.peers, err = l.ports.take(); err != nil {
		return nil, err
	}
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	if c.other, err = h.addSecond(); err != nil {
		return nil, err
	}
	if err := c.other.serve(ctx); err != nil {
		return nil, err
	}
	defer func() { c.other.proc.stop(syscall.SIGTERM, 15*time.Second) }()
	if err := c.play(ctx, h); err != nil {
		return nil, err
	}
	for _, s := range c.stop.stops {
		if s != nil {
			c.stop.fault("callStop through the other daemon: %v", s)
		}
	}
	return h, nil
}
