package freeswitch

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

// attendance is the life of one event connection: subscribe, hold the events, look at what is there, reconcile, let the events through,
// and look once more a second later. Everything but read and look runs on Run's goroutine.
type attendance struct {
	s      *Switch
	h      esl.Handler
	link   *link
	heard  chan heard
	looked chan looked
	timer  *time.Timer // when to look (again)

	held     []*wire.Event
	synced   bool
	settled  bool // the second look is done
	tries    int  // looks that failed in a row
	looking  bool // a look is under way
	doubting bool // one is due for the sake of calls whose dialling is in doubt
	missing  map[string]struct{}
	bare     []*call             // open calls without a leg when the first look began
	placing  map[string]*call    // calls being placed when it began, by their jobs; after it, those of them that it did not see
	ended    map[string]struct{} // legs whose end came since the look began: it may have seen them alive
	noted    time.Time           // when the last event was noted in the status
}

// heard is an event, or why no more will come.
type heard struct {
	event *wire.Event
	err   error
}

// attend logs in, subscribes and handles events until the connection or ctx ends. Synced tells whether it got through a resync.
func (s *Switch) attend(ctx context.Context, h esl.Handler) (synced bool, err error) {
	k, err := s.login(ctx)
	if err != nil {
		return false, err
	}
	a := &attendance{
		s: s, h: h, link: k, heard: make(chan heard, 64), looked: make(chan looked, 1), timer: time.NewTimer(0),
		ended: map[string]struct{}{},
	}
	inner, cancel := context.WithCancel(ctx)
	var owned sync.WaitGroup
	defer func() {
		cancel()
		a.timer.Stop()
		k.close()
		owned.Wait()
	}()
	if err := a.subscribe(); err != nil {
		return false, fmt.Errorf("subscribe: %w", err)
	}
	owned.Go(func() { a.read(inner) })
	return a.loop(inner, &owned)
}

func (a *attendance) subscribe() error {
	c, err := wire.Subscribe(subscription(a.s.opt.Digits)...)
	if err != nil {
		return err
	}
	if err := a.link.conn.SetDeadline(time.Now().Add(a.s.opt.Timeout)); err != nil {
		return err
	}
	return a.link.ask(c)
}

func (a *attendance) loop(ctx context.Context, owned *sync.WaitGroup) (bool, error) {
	for {
		select {
		case m := <-a.heard:
			if m.err != nil {
				return a.synced, m.err
			}
			if err := a.take(m.event); err != nil {
				return a.synced, err
			}
		case <-a.timer.C:
			known := a.begin()
			owned.Go(func() { a.looked <- a.s.look(ctx, known) })
		case l := <-a.looked:
			a.see(l)
		case <-a.s.doubts:
			a.doubt()
		case <-ctx.Done():
			return a.synced, ctx.Err()
		}
	}
}

// begin notes what a look shall judge, and gives the legs that stand now.
func (a *attendance) begin() map[string]struct{} {
	a.looking, a.doubting = true, false
	switch {
	case !a.synced:
		a.bare, a.placing = a.s.book.bare(), a.s.book.placing()
	case a.settled:
		a.placing = a.s.book.doubted(time.Now().Add(-doubtedFor))
	}
	clear(a.ended)
	return a.s.book.standing()
}

// doubt sees to it that calls of which the switch may or may not know are looked for.
func (a *attendance) doubt() {
	if !a.settled || a.looking || a.doubting || len(a.s.book.doubted(time.Now())) == 0 {
		return
	}
	a.doubting = true
	a.timer.Reset(doubtedFor)
}

// read reads the event connection and keeps its order. Silence of two and a half heartbeats ends it.
func (a *attendance) read(ctx context.Context) {
	silence := a.s.opt.Heartbeat * 5 / 2
	var set time.Time
	for {
		var m heard
		if now := time.Now(); now.Sub(set) > silence/50 { // not for every event of a burst
			set = now
			m.err = a.link.conn.SetDeadline(now.Add(silence))
		}
		if m.err == nil {
			m.event, m.err = a.link.event()
		}
		select {
		case a.heard <- m:
		case <-ctx.Done():
			return
		}
		if m.err != nil {
			return
		}
	}
}

// event reads the next event. Nothing but events has a place on this connection.
func (k *link) event() (*wire.Event, error) {
	for {
		f, err := k.in.Next()
		switch {
		case err != nil:
			return nil, fmt.Errorf("read events: %w", err)
		case f.Type == wire.EventPlain:
			return f.Event()
		case f.Lingers():
		case f.Type == wire.Disconnect:
			return nil, errors.New("switch ended the event connection")
		default:
			return nil, fmt.Errorf("%w: %s on the event connection", wire.ErrFrame, f.Type)
		}
	}
}

// take counts an event in, and holds it back while the first look is under way.
func (a *attendance) take(e *wire.Event) error {
	name := e.Name()
	if a.s.opt.Metrics.Event != nil {
		a.s.opt.Metrics.Event(name)
	}
	if name == heartbeat {
		return a.beat(e)
	}
	if now := time.Now(); now.Sub(a.noted) > time.Second {
		a.noted = now
		a.s.update(func(st *esl.Status) { st.LastBeat = now })
	}
	if a.synced {
		a.dispatch(e)
		return nil
	}
	if len(a.held) >= maxHeld {
		return errors.New("more events than can be held during a resync")
	}
	a.held = append(a.held, e)
	return nil
}

// beat notes a HEARTBEAT.
func (a *attendance) beat(e *wire.Event) error {
	core := e.Get("Core-UUID")
	sessions, _ := strconv.Atoi(e.Get("Session-Count"))
	most, _ := strconv.Atoi(e.Get("Max-Sessions"))
	var old string
	a.s.update(func(st *esl.Status) {
		old = st.Core
		st.LastBeat, st.Sessions, st.MaxSessions = time.Now(), sessions, most
		st.BeatAt = st.LastBeat
		st.Hostname, st.Version = e.Get("FreeSWITCH-Hostname"), e.Get("FreeSWITCH-Version")
	})
	if a.synced && core != old {
		return errors.New("the switch's core changed under a connection")
	}
	return nil
}
