package freeswitch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

// line is one command connection and the callers who wait for their turn on it, in the order in which they came. One command is under
// way at a time: replies carry no ids, so with two under way one lost reply would give every later caller his neighbour's. A caller may
// give up; the line still waits for his reply. The connection is closed and made anew on any doubt: no reply in time, a bad frame, a
// reply that nobody waits for or of the wrong kind.
type line struct {
	s    *Switch
	room chan struct{} // bounds the callers
	turn chan struct{} // the right to write, held until the reply has come

	mu      sync.Mutex
	link    *link   // nil while down
	current *waiter // whose reply is due; nil if nobody's
}

// waiter is the caller whose command is under way.
type waiter struct {
	want want
	done chan result // has room for its one result
}

type result struct {
	text string
	err  error
}

func newLine(s *Switch) *line {
	return &line{s: s, room: make(chan struct{}, maxQueued), turn: make(chan struct{}, 1)}
}

// run keeps the connection up until ctx ends.
func (l *line) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		k, err := l.s.login(ctx)
		if err == nil {
			failures = 0
			err = l.serve(k)
		}
		if ctx.Err() != nil {
			return
		}
		failures++
		pause := backoff(failures)
		l.s.opt.Logger.Log(ctx, weight(failures), "command connection lost", slog.Any("error", err), slog.Duration("pause", pause))
		sleep(ctx, pause)
	}
}

// serve reads replies until the connection ends, then fails the one who waits.
func (l *line) serve(k *link) error {
	l.mu.Lock()
	l.link = k
	l.mu.Unlock()
	l.s.lineUp()
	err := l.read(k)
	k.close()
	l.mu.Lock()
	l.link = nil
	w := l.current
	l.mu.Unlock()
	l.s.lineDown(err)
	if w != nil {
		l.done(w, result{err: fmt.Errorf("%w: %w: %w", errUnanswered, esl.ErrDown, err)})
	}
	return err
}

// done gives a waiter his result and the next caller the turn.
func (l *line) done(w *waiter, r result) {
	l.mu.Lock()
	l.current = nil
	l.mu.Unlock()
	w.done <- r
	<-l.turn
}

func (l *line) read(k *link) error {
	for {
		f, err := k.in.Next()
		if err != nil {
			return err
		}
		if f.Type == wire.Disconnect {
			if f.Lingers() {
				continue
			}
			return errors.New("switch ended the connection")
		}
		w := l.due()
		if w == nil {
			return fmt.Errorf("%w: a reply that nobody waits for", wire.ErrFrame)
		}
		text, doubt, err := answer(f, w.want)
		if doubt != nil {
			return doubt
		}
		if err := k.conn.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
		l.done(w, result{text, err})
	}
}

// due is who waits for a reply.
func (l *line) due() *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// errIdle says that the line is down, so nothing was written and another line may be tried.
var errIdle = errors.New("line is down")

// errUnanswered says that a command was written, in whole or in part, and its reply never came: it may have been carried out.
var errUnanswered = errors.New("reply lost")

// send waits for the turn, writes a command and waits for its reply.
func (l *line) send(ctx context.Context, c wire.Command, want want) (string, error) {
	select {
	case l.room <- struct{}{}:
		defer func() { <-l.room }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	w := &waiter{want: want, done: make(chan result, 1)}
	if !l.write(c, w) {
		<-l.turn
		return "", errIdle
	}
	select {
	case r := <-w.done:
		return r.text, r.err
	case <-ctx.Done():
		return "", fmt.Errorf("%w: %w", errUnanswered, ctx.Err())
	}
}

// write makes w the one who waits and writes his command. From then on the reader gives him his result, also when the write failed: that
// closes the connection. It is false, and nothing was written, while the line is down or the switch is not ours to command.
func (l *line) write(c wire.Command, w *waiter) bool {
	l.mu.Lock()
	k := l.link
	if k == nil || l.s.opt.Allowed != nil && !l.s.opt.Allowed() {
		l.mu.Unlock()
		return false
	}
	l.current = w
	err := k.conn.SetDeadline(time.Now().Add(l.s.opt.Timeout))
	l.mu.Unlock()
	if err == nil {
		_, err = c.WriteTo(k.conn)
	}
	if err != nil {
		_ = k.conn.Close()
	}
	return true
}

// load is how many callers there are, and whether the line is up.
func (l *line) load() (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.room), l.link != nil
}
