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

// line is one command connection and the callers who wait for its replies, in the order in which they wrote. FreeSWITCH answers
// strictly in that order. A caller may give up; his place stays, so nobody gets his reply. The connection is closed and made anew on
// any doubt: no reply in time, a bad frame, a reply that nobody waits for or of the wrong kind.
type line struct {
	s    *Switch
	room chan struct{} // bounds the callers in waiting
	turn chan struct{} // the right to write

	mu      sync.Mutex
	link    *link // nil while down
	waiting []*waiter
}

// waiter is one caller in the queue.
type waiter struct {
	want want
	due  time.Time
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
		l.s.opt.Logger.Warn("command connection lost", slog.Any("error", err), slog.Duration("pause", pause))
		sleep(ctx, pause)
	}
}

// serve reads replies until the connection ends, then fails whoever still waits.
func (l *line) serve(k *link) error {
	l.mu.Lock()
	l.link = k
	l.mu.Unlock()
	l.s.lineUp()
	err := l.read(k)
	k.close()
	l.mu.Lock()
	l.link = nil
	left := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	l.s.lineDown(err)
	for _, w := range left {
		w.done <- result{err: fmt.Errorf("%w: reply lost: %w", esl.ErrDown, err)}
		<-l.room
	}
	return err
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
		w, err := l.next(k)
		if err != nil {
			return err
		}
		text, doubt, err := answer(f, w.want)
		if doubt != nil {
			err = fmt.Errorf("%w: %w", esl.ErrDown, doubt)
		}
		w.done <- result{text, err}
		<-l.room
		if doubt != nil {
			return doubt
		}
	}
}

// next takes the first waiter off the queue and sets the deadline of the one behind him.
func (l *line) next(k *link) (*waiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return nil, fmt.Errorf("%w: a reply that nobody waits for", wire.ErrFrame)
	}
	w := l.waiting[0]
	l.waiting = l.waiting[1:]
	return w, k.conn.SetReadDeadline(l.due())
}

// due is when the first waiter's reply must have come; never if nobody waits.
func (l *line) due() time.Time {
	if len(l.waiting) == 0 {
		return time.Time{}
	}
	return l.waiting[0].due
}

// errIdle says that the line is down, so nothing was written and another line may be tried.
var errIdle = errors.New("line is down")

// send writes a command and waits for its reply.
func (l *line) send(ctx context.Context, c wire.Command, want want) (string, error) {
	select {
	case l.room <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	w, err := l.write(ctx, c, want)
	if err != nil {
		return "", err
	}
	select {
	case r := <-w.done:
		return r.text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// write queues a waiter and writes his command, both as one step. Once he is in the queue, the reader frees his room.
func (l *line) write(ctx context.Context, c wire.Command, want want) (*waiter, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		<-l.room
		return nil, ctx.Err()
	}
	w := &waiter{want: want, due: time.Now().Add(l.s.opt.Timeout), done: make(chan result, 1)}
	l.mu.Lock()
	k := l.link
	if k == nil {
		l.mu.Unlock()
		<-l.room
		return nil, errIdle
	}
	l.waiting = append(l.waiting, w)
	err := errors.Join(k.conn.SetReadDeadline(l.due()), k.conn.SetWriteDeadline(w.due))
	l.mu.Unlock()
	if err == nil {
		_, err = c.WriteTo(k.conn)
	}
	if err != nil { // the reader ends by this and fails everybody in the queue, this one too
		_ = k.conn.Close()
	}
	return w, nil
}

// load is how many callers wait.
func (l *line) load() (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting), l.link != nil
}
