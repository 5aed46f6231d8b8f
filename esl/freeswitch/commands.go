package freeswitch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

// API runs one api command that answers at once and gives its answer's text. An answer of -ERR or -USAGE is esl.ErrRefused, or esl.ErrGone
// where it says that there is no such channel.
func (s *Switch) API(ctx context.Context, command, arg string) (string, error) {
	c, err := wire.API(command, arg)
	if err != nil {
		return "", err
	}
	text, err := s.do(ctx, command, c, wantAPI)
	if err != nil {
		return "", fmt.Errorf("api %s: %w", command, err)
	}
	return text, nil
}

// do gives a command to a line that is up. While none is, it waits for one, as long as ctx and the timeout allow.
func (s *Switch) do(ctx context.Context, name string, c wire.Command, w want) (text string, err error) {
	if s.wrong != nil {
		return "", s.wrong
	}
	started := time.Now()
	limited, cancel := context.WithTimeout(ctx, s.opt.Timeout)
	defer cancel()
	for {
		l, wake := s.pick()
		if l == nil {
			err = s.await(ctx, limited, wake)
		} else if text, err = l.send(limited, c, w); errors.Is(err, errIdle) {
			continue
		}
		if l != nil || err != nil {
			break
		}
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		late := fmt.Errorf("%w: no reply within %s", esl.ErrDown, s.opt.Timeout)
		if errors.Is(err, errUnanswered) {
			late = fmt.Errorf("%w: %w", errUnanswered, late)
		}
		err = late
	}
	if s.opt.Metrics.Command != nil {
		s.opt.Metrics.Command(name, time.Since(started), err)
	}
	return text, err
}

// await waits for a line to come up.
func (s *Switch) await(ctx, limited context.Context, wake <-chan struct{}) error {
	if !s.running.Load() {
		return fmt.Errorf("%w: not started", esl.ErrDown)
	}
	select {
	case <-wake:
		return nil
	case <-limited.Done():
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%w: %w", esl.ErrDown, err)
		}
		return esl.ErrDown
	}
}

// pick gives the least loaded line that is up, taking turns among equals; nil and what to wait for if there is none.
func (s *Switch) pick() (*line, <-chan struct{}) {
	s.mu.Lock()
	wake := s.wake
	s.mu.Unlock()
	var best *line
	least := 0
	first := int(s.chosen.Add(1) % uint32(len(s.lines)))
	for i := range s.lines {
		l := s.lines[(first+i)%len(s.lines)]
		if n, up := l.load(); up && (best == nil || n < least) {
			best, least = l, n
		}
	}
	return best, wake
}
