package sim

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestPauseChecksBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		c := dialSwitch(t, &s)
		for _, step := range []struct{ do, all, in, out string }{
			{"pause inbound", "false", "true", "false"},
			{"pause outbound", "true", "true", "true"},
			{"resume inbound", "false", "false", "true"},
			{"pause", "true", "true", "true"},
			{"resume", "false", "false", "false"},
		} {
			if got := c.do("api fsctl %s", step.do); strings.TrimSpace(got) != "+OK" {
				t.Errorf("%s: %q", step.do, got)
			}
			for arg, want := range map[string]string{"": step.all, " inbound": step.in, " outbound": step.out} {
				if got := c.do("api fsctl pause_check%s", arg); got != want {
					t.Errorf("after %s: pause_check%s is %s, want %s", step.do, arg, got, want)
				}
			}
		}
		for _, wrong := range []string{"api fsctl", "api fsctl dance", "api fsctl shutdown elegant"} {
			if got := c.do("%s", wrong); !strings.Contains(got, "-USAGE: ") {
				t.Errorf("%s: %q", wrong, got)
			}
		}
	})
}

func TestPausedSwitchRefusesWithoutALeg(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		c := dialSwitch(t, &s)
		c.do("api fsctl pause inbound")
		a, err := s.Call(Caller{From: "1", To: "2"})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Wait(t.Context()); err != nil || a.Status() != 503 {
			t.Errorf("status %d, %v", a.Status(), err)
		}
		a.HangUp() // of a call that is over
		a.Press("1")
		if s.Channels() != 0 {
			t.Errorf("%d channels", s.Channels())
		}
		s.Restart() // a new process is paused for nobody
		if b, err := s.Call(Caller{From: "1", To: "2"}); err != nil || b.Status() != 0 {
			t.Errorf("after a restart: %v", err)
		}
	})
}

func TestShutdownEndsTheSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Switch
		defer s.Close()
		c := dialSwitch(t, &s)
		a := parked(t, &s, c)
		if got := c.do("api fsctl shutdown"); strings.TrimSpace(got) != "+OK" {
			t.Errorf("shutdown: %q", got)
		}
		for range c.frames { // until the connection is closed
			continue
		}
		if !s.Ended() || a.Cause() != "SYSTEM_SHUTDOWN" {
			t.Errorf("ended %v, the call by %q", s.Ended(), a.Cause())
		}
		if _, err := s.Dial(); err == nil {
			t.Error("a switch that is down was connected to")
		}
		if _, err := s.Call(Caller{From: "1", To: "2"}); !errors.Is(err, ErrEnded) {
			t.Errorf("call: %v", err)
		}
		core := s.Core()
		s.Restart()
		if s.Ended() || s.Core() == core {
			t.Error("it has not started again")
		}
		parked(t, &s, dialSwitch(t, &s))
	})
}
