package freeswitch

import (
	"context"
	"sync"

	"maskline/esl"
)

// mailbox holds a call's events until its one reader takes them. Putting never blocks. Room grows as it is needed.
type mailbox struct {
	most int
	bell chan struct{} // has room for one ring

	mu     sync.Mutex
	events []esl.Event
	full   bool // it overflowed: what was queued is still given out, then ErrOverflow
	closed bool
}

func newMailbox(most int) *mailbox {
	return &mailbox{most: most, bell: make(chan struct{}, 1)}
}

// put queues an event. It fails with ErrClosed, and with ErrOverflow for the first event that finds no room.
func (m *mailbox) put(e esl.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return esl.ErrClosed
	case m.full:
		return nil
	}
	defer m.ring()
	if len(m.events) >= m.most {
		m.full = true
		return esl.ErrOverflow
	}
	m.events = append(m.events, e)
	return nil
}

func (m *mailbox) ring() {
	select {
	case m.bell <- struct{}{}:
	default:
	}
}

// next takes the oldest event, or waits for one.
func (m *mailbox) next(ctx context.Context) (esl.Event, error) {
	for {
		if e, ok, err := m.take(); ok {
			return e, err
		}
		select {
		case <-m.bell:
		case <-ctx.Done():
			return esl.Event{}, ctx.Err()
		}
	}
}

// take gives the oldest event; not ok if the caller has to wait.
func (m *mailbox) take() (e esl.Event, ok bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return e, true, esl.ErrClosed
	case len(m.events) > 0:
		e = m.events[0]
		m.events[0] = esl.Event{} // lets go of its headers
		if m.events = m.events[1:]; len(m.events) == 0 {
			m.events = nil
		}
		return e, true, nil
	case m.full:
		return e, true, esl.ErrOverflow
	}
	return e, false, nil
}

func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.events = true, nil
	m.ring()
}
