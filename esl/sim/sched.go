package sim

import (
	"strings"
	"time"
)

// task is something the scheduler will do once.
type task struct {
	id    int
	group string // the leg's uuid, or what the command named
	timer *time.Timer
}

// schedule does f, with s.mu held, after d; s.mu is held.
func (s *Switch) schedule(group string, d time.Duration, f func()) int {
	if s.closed {
		return 0
	}
	s.taskID++
	t := &task{id: s.taskID, group: group}
	t.timer = time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.tasks[t.id] != t || s.closed {
			return
		}
		delete(s.tasks, t.id)
		f()
	})
	s.tasks[t.id] = t
	return t.id
}

// dropTasks deletes a group's tasks and tells how many there were; s.mu is held.
func (s *Switch) dropTasks(group string) int {
	n := 0
	for id, t := range s.tasks {
		if t.group == group || group == itoa(id) {
			t.timer.Stop()
			delete(s.tasks, id)
			n++
		}
	}
	return n
}

// schedHangup arms "+N [cause]" for a leg; s.mu is held.
func (s *Switch) schedHangup(c *channel, arg string) {
	when, cause, _ := strings.Cut(arg, " ")
	cause, _, _ = strings.Cut(cause, " ")
	s.schedule(c.uuid, seconds(when), func() { c.hangup(causeOf(orElse(cause, "NORMAL_CLEARING")), "") })
}

// schedBroadcast arms "+N path [aleg|bleg|both]" for a leg; s.mu is held.
func (s *Switch) schedBroadcast(c *channel, arg string) {
	words := strings.Fields(arg)
	if len(words) < 2 {
		return
	}
	who := "aleg"
	if len(words) > 2 {
		who = words[2]
	}
	s.schedule(c.uuid, seconds(words[0]), func() { c.broadcast(words[1], who) })
}

// broadcast plays a file, or runs app::arg, on a leg, on the one it talks with, or on both; s.mu is held.
func (c *channel) broadcast(what, who string) {
	m := message{app: "playback", arg: what}
	if app, arg, named := strings.Cut(what, "::"); named {
		m.app, m.arg = app, arg
	}
	legs := []*channel{c}
	switch {
	case strings.Contains(who, "both"):
		legs = append(legs, c.bridged)
	case strings.Contains(who, "bleg"):
		legs = []*channel{c.bridged}
	}
	for _, x := range legs {
		if x != nil && !x.hungUp && len(x.private) < maxPrivate {
			one := m
			x.private = append(x.private, &one)
			x.kick()
		}
	}
}
