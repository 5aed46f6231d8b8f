package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"maskline/esl/sim"
	"maskline/esl/wire"
)

// counter reads one sample of /metrics; -1 when it is not there.
func (h *house) counter(t *testing.T, sample string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(sample) + ` (\d+)$`).FindStringSubmatch(h.get("/metrics"))
	if m == nil {
		return -1
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A list of channels that cannot be read after a lost connection ends no call. It is counted, and whoever looks is told.
func TestAListThatCannotBeReadIsCountedAndEndsNoCall(t *testing.T) {
	var failing atomic.Bool
	sw := sim.New(sim.Options{Hostname: "fs1", Password: "esl-password", CDR: sim.CDR{Spool: t.TempDir()}})
	sw.Faults.Command = func(q wire.Request) *sim.CommandFate {
		if failing.Load() && q.Verb == "api" && strings.HasPrefix(q.Args, "show channels") {
			return &sim.CommandFate{Reply: "-ERR SQL Error [locked]"}
		}
		return nil
	}
	at, err := sw.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sw.Close() })
	h := openHouse(t, fmt.Sprintf("switches: [{name: fs1, addr: %q, password: esl-password}]\n", at))
	h.bound()
	line := h.dial(sw, sim.Phone{}, true)
	failing.Store(true)
	sw.CutConnections()
	h.await("failed looks", func() error {
		if n := h.counter(t, `maskline_switch_resyncs_total{ok="false",switch="fs1"}`); n < 5 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	if got := h.get("/readyz"); !strings.Contains(got, `"ready":false`) {
		t.Errorf("ready while no event of the switch is heard: %s", got)
	}
	if got := h.counter(t, `maskline_switch_up{switch="fs1"}`); got != 0 {
		t.Errorf("switch_up is %d", got)
	}
	select {
	case <-line.Done():
		t.Fatalf("the call was ended: %v", line.Ladder())
	default:
	}
	failing.Store(false)
	h.await("a look that works", func() error {
		if got := h.get("/readyz"); !strings.Contains(got, `"ready":true`) {
			return errors.New(got)
		}
		return nil
	})
	line.HangUp()
	if r := h.oneRecord(); r.AnswerAt == nil || r.State != 0 || r.Source == "lost" {
		t.Errorf("record: %+v", r)
	}
}
