package sim

import (
	"sync"
	"time"

	"maskline/esl/wire"
)

// Faults are what can go wrong between a switch and its client. The zero value is a switch in good health. The function fields are set
// before the switch is used and are called with its lock held, so they must not block nor call the switch; the methods may be called at
// any time.
type Faults struct {
	// Event decides what becomes of an event: nil for nothing special.
	Event func(e *Event) *EventFate
	// Command decides what becomes of a request: nil for nothing special.
	Command func(q wire.Request) *CommandFate
	// CDR decides whether a leg's record cannot be posted, as if nobody listened.
	CDR func(leg string) bool

	mu      sync.Mutex
	refuse  bool
	holding bool
	held    []*Event
}

// EventFate is what becomes of an event. The zero value sends it once.
type EventFate struct {
	Drop     bool
	Repeat   int           // sent so many times more
	Delay    time.Duration // sent later
	Overtake bool          // sent after the event that follows it
}

// CommandFate is what becomes of a request. The zero value carries it out and answers.
type CommandFate struct {
	After   time.Duration // first wait; nothing else is read on that connection meanwhile
	Cut     bool          // break the connection and do nothing
	Reply   string        // do nothing and answer this, such as "-ERR no"
	Swallow bool          // do it, but lose the answer
}

func (f *Faults) refuses() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refuse
}

// Refuse makes the switch refuse new connections, or take them again.
func (f *Faults) Refuse(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse = on
}

// watches tells whether events must be made even if nobody has subscribed to them.
func (f *Faults) watches() bool { return f.Event != nil }

// command asks for a request's fate.
func (f *Faults) command(s *Switch, q wire.Request) *CommandFate {
	if f.Command == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.Command(q)
}

// pass gives the events to send now, in order, in e's place; s.mu is held.
func (f *Faults) pass(s *Switch, e *Event) []*Event {
	var now []*Event
	fate := EventFate{}
	if f.Event != nil {
		if x := f.Event(e); x != nil {
			fate = *x
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case fate.Drop:
	case fate.Delay > 0:
		s.schedule("fault", fate.Delay, func() { s.broadcast(e) })
	case f.holding || fate.Overtake:
		if len(f.held) < maxEvents {
			f.held = append(f.held, e)
		}
		return nil
	default:
		for range 1 + max(0, fate.Repeat) {
			now = append(now, e)
		}
	}
	if !f.holding && len(now) > 0 {
		now, f.held = append(now, f.held...), nil
	}
	return now
}

// HoldEvents keeps every event back until ReleaseEvents.
func (s *Switch) HoldEvents() {
	s.start()
	s.Faults.mu.Lock()
	defer s.Faults.mu.Unlock()
	s.Faults.holding = true
}

// ReleaseEvents sends what was held, in order, and holds nothing more.
func (s *Switch) ReleaseEvents() {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Faults.mu.Lock()
	held := s.Faults.held
	s.Faults.held, s.Faults.holding = nil, false
	s.Faults.mu.Unlock()
	for _, e := range held {
		s.broadcast(e)
	}
}

// CutConnections breaks every connection to the Event Socket and tells how many there were. Calls go on.
func (s *Switch) CutConnections() int {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.conns)
	for c := range s.conns {
		c.close()
	}
	return n
}

// Freeze stops everything that the switch says on its connections, as a machine that hangs would; they stay open. Calls go on.
func (s *Switch) Freeze(on bool) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.frozen = on
		c.kick()
	}
}

// Garbage sends raw bytes on every connection that has logged in: a frame that is too long, negative, truncated or not UTF-8.
func (s *Switch) Garbage(raw []byte) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.authed {
			c.reply(raw)
		}
	}
}
