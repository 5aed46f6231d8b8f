package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"maskline/esl/sim"
	"maskline/web/admin"
)

// standing waits until the only switch is told of as it should be.
func (h *house) standing(what string, is func(admin.Switch) bool) {
	h.t.Helper()
	h.await(what, func() error {
		var all admin.List[admin.Switch]
		h.ask(&all, "switch", "list")
		if len(all.Items) != 1 || !is(all.Items[0]) {
			return fmt.Errorf("%+v", all.Items)
		}
		return nil
	})
}

// knock calls X and gives the status with which the switch refused it at once, 0 when it was let in; then it hangs up.
func knock(t *testing.T, sw *sim.Switch) int {
	t.Helper()
	line, err := sw.Call(sim.Caller{From: "+8613700000009", To: numX})
	if err != nil {
		t.Fatal(err)
	}
	line.HangUp()
	<-line.Done()
	return line.Status()
}

func TestASwitchIsDrainedAndResumed(t *testing.T) {
	sw, more := outside(t)
	h := openHouse(t, more)
	h.bound()
	line := h.dial(sw, sim.Phone{}, true)
	if out := h.must("switch", "drain", "fs1"); !strings.Contains(out, "maskline: warning: no other switch takes calls") {
		t.Errorf("the last switch was drained without a word: %s", out)
	}
	h.standing("draining", func(s admin.Switch) bool { return s.State == "draining" && s.Sessions == 2 && s.Up && s.Daemon != "" })
	if status := knock(t, sw); status != 503 {
		t.Errorf("a new call got %d", status)
	}
	if got := h.get("/readyz"); !strings.Contains(got, `"ready":true`) || !strings.Contains(got, "switch fs1: draining, ordered by ") {
		t.Errorf("readyz: %s", got)
	}
	h.metricsTell(t, `maskline_switch_draining{switch="fs1"} 1`, `maskline_switch_drained{switch="fs1"} 0`, `maskline_draining 0`, `maskline_drain_waiting{what="calls"} 0`)
	line.HangUp()
	if r := h.oneRecord(); r.AnswerAt == nil || r.Source != "events" {
		t.Errorf("the record of the call that was up: %+v", r)
	}
	h.standing("drained", func(s admin.Switch) bool { return s.State == "drained" && s.Sessions == 0 })
	h.metricsTell(t, `maskline_switch_drained{switch="fs1"} 1`)
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	h.start() // the order outlives the daemon
	h.standing("drained", func(s admin.Switch) bool { return s.State == "drained" && s.Up })
	h.metricsTell(t, `maskline_switch_draining{switch="fs1"} 1`)
	h.must("switch", "resume", "fs1")
	h.standing("serving", func(s admin.Switch) bool { return s.State == "serving" })
	if status := knock(t, sw); status == 503 {
		t.Error("a call was refused by a switch that serves again")
	}
	h.must("switch", "drain", "fs1", "--shutdown")
	h.await("the switch's end", func() error {
		if !sw.Ended() {
			return errors.New("it still runs")
		}
		return nil
	})
	if out, code := h.run("switch", "drain", "fs9"); code != exitFailure || !strings.Contains(out, `"fs9"; there is: fs1`) {
		t.Errorf("an unknown switch: %d %s", code, out)
	}
	h.await("the log", func() error {
		for _, line := range []string{"switch takes no new calls", "switch is drained", "switch takes calls again", "switch is told to shut down"} {
			if !strings.Contains(h.log.String(), line) {
				return errors.New(line)
			}
		}
		return nil
	})
}

// A daemon that ends says so where monitoring and load balancers look, and what it waits for, and does not wait for longer than it may.
func TestADaemonThatEndsSaysWhatItWaitsFor(t *testing.T) {
	sw, more := outside(t)
	h := openHouse(t, more)
	h.bound()
	line, err := sw.Call(sim.Caller{From: "+8613700000009", To: numX}) // nobody's binding: he hears a prompt, for longer than the daemon may wait
	if err != nil {
		t.Fatal(err)
	}
	h.await("the prompt", func() error {
		if ladder := strings.Join(line.Ladder(), ", "); !strings.Contains(ladder, "playback") {
			return errors.New(ladder)
		}
		return nil
	})
	ended := make(chan error, 1)
	go func() { ended <- h.stop() }()
	h.await("the drain", func() error {
		res, err := http.Get("http://" + h.daemon.Addr("admin") + "/readyz")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(b), "the daemon is draining") {
			return fmt.Errorf("%d %s", res.StatusCode, b)
		}
		return nil
	})
	h.metricsTell(t, `maskline_draining 1`, `maskline_drain_waiting{what="calls"} 1`, `maskline_drain_waiting{what="pushes"} `, `maskline_drain_waiting{what="requests"} `)
	if err := <-ended; err != nil {
		t.Errorf("end: %v", err)
	}
	if n := strings.Count(h.log.String(), "daemon waits for its last work"); n == 0 || n > 10 {
		t.Errorf("it told %d times what it waits for", n)
	}
	if !strings.Contains(h.log.String(), `"calls":1`) && !strings.Contains(h.log.String(), "calls=1") {
		t.Error("it did not tell of the call")
	}
}

// Whoever is told, the daemon that runs the switch drains it; and whoever runs it next keeps it drained.
func TestADrainIsOrderedOnAnyDaemonAndOutlivesItsOwner(t *testing.T) {
	p := openPair(t)
	p.a.begin()
	p.await(p.a, "all switches", []string{"fs1", "fs2"}, nil)
	p.b.begin()
	p.b.await("what the other tells of its switches", func() error {
		var all admin.List[admin.Switch]
		p.b.ask(&all, "switch", "list")
		for _, s := range all.Items {
			if !s.Up {
				return fmt.Errorf("%+v", s)
			}
		}
		return nil
	})
	var ordered admin.Switch
	p.b.ask(&ordered, "switch", "drain", "fs1")
	if ordered.Warning != "" {
		t.Errorf("warning with another switch at work: %s", ordered.Warning)
	}
	state := func(what string, of admin.Switch) {
		t.Helper()
		p.b.await(what, func() error {
			var all admin.List[admin.Switch]
			p.b.ask(&all, "switch", "list")
			for _, s := range all.Items {
				if s.Name == "fs1" && s.State == of.State && s.Up && s.Error == "" && (of.Daemon == "" || strings.HasSuffix(s.Daemon, of.Daemon)) {
					return nil
				}
			}
			return fmt.Errorf("%+v", all.Items)
		})
	}
	port := func(d *process) string { return d.admin[strings.LastIndexByte(d.admin, ':'):] }
	state("drained by its owner", admin.Switch{State: "drained", Daemon: port(p.a)})
	if status := knock(t, p.sw[0]); status != 503 {
		t.Errorf("a new call got %d", status)
	}
	if status := knock(t, p.sw[1]); status == 503 {
		t.Error("the other switch refuses calls too")
	}
	if err := p.a.signal(syscall.SIGKILL); err == nil {
		t.Error("the daemon ended well when it was killed")
	}
	state("drained under its next owner", admin.Switch{State: "drained", Daemon: port(p.b)})
	p.b.ask(&ordered, "switch", "resume", "fs1")
	state("resumed by its next owner", admin.Switch{State: "serving", Daemon: port(p.b)})
	if status := knock(t, p.sw[0]); status == 503 {
		t.Error("a call was refused by a switch that serves again")
	}
}
