package freeswitch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

const backgroundJob = "BACKGROUND_JOB"

// dialTimeout is FreeSWITCH's own bound on ringing where originate_timeout is not set (originate_function).
const dialTimeout = time.Minute

// Place dials a call of our own through `bgapi originate`. The call, its planned legs and its job stand in the book before the command is
// sent. It fails with ErrDown while events do not flow: a call nobody hears of must not be dialled.
func (s *Switch) Place(ctx context.Context, id string, d esl.Dial, then []esl.App) (esl.Call, error) {
	if err := wire.UUID("call", id); err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	c, job := s.newCall(id), newToken()
	d, then = c.first(d), c.script(then)
	line, err := wire.Originate(d, then)
	if err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	cmd, err := wire.BackgroundAPI("originate", line, job)
	if err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	if !s.hears() {
		return nil, fmt.Errorf("place: %w", esl.ErrDown)
	}
	c.claimed.Store(true)
	if _, fresh := s.book.open(c); !fresh {
		return nil, fmt.Errorf("place: %w: this call is open already", esl.ErrRefused)
	}
	c.plan(d)
	for _, a := range then {
		if a.Dial != nil {
			c.plan(*a.Dial)
		}
	}
	s.book.await(c, job)
	switch _, err = s.do(ctx, "originate", cmd, wantReply); {
	case errors.Is(err, errUnanswered):
		s.book.doubt(c)
		select {
		case s.doubts <- struct{}{}:
		default:
		}
		return c, fmt.Errorf("place: %w: %w", esl.ErrUncertain, err)
	case err != nil:
		c.Close()
		return nil, fmt.Errorf("place: %w", err)
	}
	return c, nil
}

// hears tells whether events flow.
func (s *Switch) hears() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced
}

// first completes the dialling of leg 1: our variables, its uuid, and a bound on the ringing that lets every endpoint have its own.
func (c *call) first(d esl.Dial) esl.Dial {
	d = c.own(d, "a")
	d.Endpoints = slices.Clone(d.Endpoints)
	if len(d.Endpoints) > 0 && d.Endpoints[0].Leg == "" {
		d.Endpoints[0].Leg = c.id
	}
	longest := dialTimeout
	for _, e := range d.Endpoints {
		longest = max(longest, e.Timeout)
	}
	if longest > dialTimeout {
		d.Vars = withDefaults(d.Vars, esl.Var{Name: "originate_timeout", Value: strconv.Itoa(int(longest/time.Second) + 2)})
	}
	return d
}

// script completes what the applications dial.
func (c *call) script(then []esl.App) []esl.App {
	then = slices.Clone(then)
	for i, a := range then {
		if a.Dial != nil {
			d := c.own(*a.Dial, "b")
			then[i].Dial = &d
		}
	}
	return then
}

// own gives a dialling's legs the variables by which dispatch and resync know them, where they have none.
func (c *call) own(d esl.Dial, role string) esl.Dial {
	d.Vars = withDefaults(d.Vars, esl.Var{Name: "maskline_call", Value: c.id}, esl.Var{Name: "maskline_role", Value: role},
		esl.Var{Name: "presence_data", Value: presence + c.id})
	return d
}

// withDefaults adds the variables that are not there, to a copy.
func withDefaults(vars []esl.Var, defaults ...esl.Var) []esl.Var {
	vars = slices.Clone(vars)
	for _, v := range defaults {
		if !slices.ContainsFunc(vars, func(o esl.Var) bool { return o.Name == v.Name }) {
			vars = append(vars, v)
		}
	}
	return vars
}

// plan registers the legs that a dialling may make.
func (c *call) plan(d esl.Dial) {
	for _, e := range d.Endpoints {
		if e.Leg != "" {
			c.s.book.plan(c, e.Leg)
		}
	}
}

// placed tells a call what became of its dialling. A job that nobody waits for is somebody else's.
func (a *attendance) placed(raw *wire.Event) {
	c := a.s.book.answered(raw.Get("Job-UUID"))
	if c == nil {
		return
	}
	e := esl.Event{Kind: esl.Placed, Call: c.id, Role: "a", At: stamp(raw), Headers: raw}
	answer := strings.TrimSpace(raw.Body())
	if leg, ok := strings.CutPrefix(answer, "+OK "); ok {
		e.Leg = leg
	} else {
		e.Cause = failure(answer)
	}
	a.deliver(c, e)
}

// failure reads the cause in an answer of -ERR CAUSE; what is none is a failure without a name of its own.
func failure(answer string) esl.Cause {
	cause, ok := strings.CutPrefix(answer, "-ERR ")
	if !ok || cause == "" || strings.Trim(cause, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return esl.NormalTemporaryFailure
	}
	return esl.Cause(cause)
}
