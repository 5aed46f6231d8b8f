package freeswitch

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"maskline/esl"
)

var _ esl.Switch = (*Switch)(nil)

// Switch is one FreeSWITCH, reached over its Event Socket. Make it with New.
type Switch struct {
	opt     Options
	wrong   error // what is wrong with the options; Run returns it
	lines   []*line
	book    book
	running atomic.Bool
	doubts  chan struct{} // has room for one: a call's dialling is in doubt
	chosen  atomic.Uint32 // turns among the lines

	mu      sync.Mutex
	status  esl.Status
	synced  bool          // the event connection is up and resynchronised
	linesUp int           // command connections that are logged in
	seen    time.Time     // until when the switch was known to live, while the event connection is down or new
	wake    chan struct{} // closed when a command connection comes up, and then made anew
}

// New makes a Switch. Nothing is dialled before Run; wrong options are reported by it.
func New(o Options) *Switch {
	s := &Switch{opt: o, wake: make(chan struct{}), doubts: make(chan struct{}, 1)}
	s.wrong = s.opt.fill()
	s.book.init()
	s.status.Err = errors.New("not started")
	if s.wrong == nil {
		for range s.opt.Commands {
			s.lines = append(s.lines, newLine(s))
		}
	}
	return s
}

// Name is the switch's name in our configuration.
func (s *Switch) Name() string { return s.opt.Name }

// Status tells how the connections are now.
func (s *Switch) Status() esl.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Run keeps the connections up until ctx ends. It can run once at a time.
func (s *Switch) Run(ctx context.Context, h esl.Handler) error {
	if s.wrong != nil {
		return s.wrong
	}
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("switch " + s.opt.Name + " runs already")
	}
	defer s.running.Store(false)
	var owned sync.WaitGroup
	for _, l := range s.lines {
		owned.Go(func() { l.run(ctx) })
	}
	for failures := 0; ; {
		synced, err := s.attend(ctx, h)
		if ctx.Err() != nil {
			break
		}
		if synced {
			failures = 0
			s.lastSeen(err)
		}
		failures++
		pause := backoff(failures)
		s.down(err, pause)
		s.opt.Logger.Log(ctx, weight(failures), "event connection lost", slog.Any("error", err), slog.Duration("pause", pause))
		sleep(ctx, pause)
	}
	owned.Wait()
	s.down(ctx.Err(), 0)
	return ctx.Err()
}

// lastSeen notes until when the switch was known to live: until its connection broke, or, if that had fallen silent, until it last spoke.
// Calls whose end nobody saw ended no earlier.
func (s *Switch) lastSeen(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = time.Now()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.seen = s.status.LastBeat
	}
}

// lostAt is the time of a Lost event.
func (s *Switch) lostAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen.IsZero() {
		return time.Now().UTC()
	}
	return s.seen.UTC()
}

// down notes that the event connection is gone.
func (s *Switch) down(err error, pause time.Duration) {
	s.update(func(st *esl.Status) {
		s.synced = false
		st.Err, st.Backoff = err, pause
	})
}

// update changes the status and tells of Up when it changes with it.
func (s *Switch) update(change func(*esl.Status)) {
	s.mu.Lock()
	change(&s.status)
	up := s.synced && s.linesUp > 0
	turned := up != s.status.Up
	if turned {
		s.status.Up, s.status.Since = up, time.Now()
	}
	if up {
		s.status.Err, s.status.Backoff = nil, 0
	}
	s.mu.Unlock()
	if turned && s.opt.Metrics.Up != nil {
		s.opt.Metrics.Up(up)
	}
}

// lineUp and lineDown count the command connections.
func (s *Switch) lineUp() {
	s.update(func(*esl.Status) {
		s.linesUp++
		close(s.wake)
		s.wake = make(chan struct{})
	})
}

func (s *Switch) lineDown(err error) {
	s.update(func(st *esl.Status) {
		s.linesUp--
		if s.linesUp == 0 {
			st.Err = err
		}
	})
}
