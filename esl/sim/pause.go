package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"maskline/esl"
)

// ErrEnded says that the switch was shut down (fsctl shutdown) and nobody has started it again.
var ErrEnded = errors.New("simulated switch has shut down")

// paused is what fsctl pause has ended for a while: new calls from outside, and new legs of the switch's own.
type paused struct{ inbound, outbound bool }

const fsctlUsage = "-USAGE: [pause [inbound|outbound]|resume [inbound|outbound]|pause_check [inbound|outbound]|shutdown]\n"

// fsctl controls the switch itself; s.mu is held. Without a direction both are meant; pause_check is true only when both are paused then.
func (s *Switch) fsctl(arg string) string {
	f := strings.Fields(strings.ToLower(arg))
	if len(f) == 0 {
		return fsctlUsage
	}
	in, out := true, true
	if len(f) > 1 && slices.Contains([]string{"inbound", "outbound"}, f[1]) {
		in, out = f[1] == "inbound", f[1] == "outbound"
	}
	switch f[0] {
	case "pause", "resume":
		if in {
			s.paused.inbound = f[0] == "pause"
		}
		if out {
			s.paused.outbound = f[0] == "pause"
		}
		return "+OK\n"
	case "pause_check":
		return strconv.FormatBool((s.paused.inbound || !in) && (s.paused.outbound || !out))
	case "shutdown":
		if len(f) > 1 {
			return fsctlUsage
		}
		s.spawn(s.shutDown)
		return "+OK\n"
	}
	return "-ERR Invalid command\n" + fsctlUsage
}

// shutDown is the end of the process: calls are hung up, connections close once what waits for them has been read, and new ones are refused,
// until Restart.
func (s *Switch) shutDown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for _, c := range slices.Clone(s.order) {
		c.hangup("SYSTEM_SHUTDOWN", "")
	}
	for c := range s.conns {
		c.final = true
		c.kick()
	}
}

// Ended tells whether the switch was shut down.
func (s *Switch) Ended() bool {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// refuse is a caller who gets 503 before there is a leg: no event tells of him. s.mu is held.
func (s *Switch) refuse(script Caller) *Line {
	c := &channel{sw: s, inbound: true, hungUp: true, lost: true, done: make(chan struct{}), over: make(chan struct{})}
	l := &Line{Number: script.From, Shown: script.To, sw: s, channel: c, script: script, cause: esl.SwitchCongestion, status: 503}
	c.line = l
	close(c.done)
	close(c.over)
	l.note(Moment{Sent: true, What: "INVITE", Header: script.invite()})
	l.told(503, "Maximum Calls In Progress")
	return l
}

// takes tells whether a call can come in now, with the caller's line if it is refused; s.mu is held.
func (s *Switch) takes(script Caller) (refused *Line, err error) {
	switch {
	case s.closed:
		return nil, fmt.Errorf("call from a simulated phone: %w", ErrClosed)
	case s.ended:
		return nil, fmt.Errorf("call from a simulated phone: %w", ErrEnded)
	case s.paused.inbound:
		return s.refuse(script), nil
	}
	return nil, nil //nolint:nilnil // he is let in
}
