package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// scene is one call, or what else is tried, with what must come of it.
type scene struct {
	name      string
	expect    string // for the table
	caller    phone
	callee    []phone // one a trunk, in the order in which they are tried; none: nobody may be rung
	bind      map[string]any
	unkept    bool                                // X is not bound at all
	fromB     bool                                // the second party calls the first
	other     bool                                // somebody else calls
	after     time.Duration                       // from the binding to the call
	trunk     string                              // X's trunk; "" is one of its own
	intruders []phone                             // call while the two talk, and want to take over the call
	way       string                              // more settings of its own trunk, YAML
	cut       bool                                // the switch dies under it: the phones cannot end it as they should
	mode      string                              // of the app: a name of settings; "" is axb
	order     func(context.Context, *stage) error // what the tenant orders in another mode, once the numbers are there
	roles     func(*stage)                        // who dials what and reaches whom, where it is not A, X and B
	answers   func(*stage, event) (int, string)   // the customer's answer to a push; nil is 200 and nothing
	meanwhile []scene                             // calls over the same numbers, 4 s after this one began
	then      []scene                             // … after it
	want      want
	extra     func(*evidence) // what else must be so, once the packets are there
}

// want is what must come of a call. A zero state is a call that was answered and ended by one of the two.
type want struct {
	final    int    // A's final answer
	state    int    // ulFailReason
	q850     int    // fwdUnaswRsn
	sip      int    // sipStatusCode
	events   string // in order
	prompt   string // what A hears last, unanswered
	talk     time.Duration
	hungUpBy int
	silent   bool // no push and no CDR: nobody's call
	of       ofMode
}

const (
	answered = "callin callout alerting answer disconnect"
	rang     = "callin callout alerting disconnect"
	unrung   = "callin callout disconnect"
	refused  = "callin disconnect"
)

// party are the numbers of a scene, in national form. Each scene has its own, so that whatever is found is its.
type party struct{ a, b, c, x, y string }

// casting gives out numbers that are not in use in any scene. They begin where no two runs begin alike.
type casting struct {
	mu   sync.Mutex
	next int
}

func (c *casting) party() party {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == 0 {
		c.next = 10_000_000 + rand.IntN(80_000_000) //nolint:gosec // not a secret
	}
	c.next += 7919
	n := fmt.Sprintf("%08d", c.next%100_000_000)
	return party{a: "138" + n, b: "139" + n, c: "137" + n, x: "170" + n}
}

// stage is a scene that is set: numbers, phones, binding.
type stage struct {
	scene
	h         *house
	place     int
	who       party
	app       app
	ports     []int        // of its trunks
	id        string       // subscriptionId; "?" is not known beforehand
	data      string       // userData of the binding
	of        callOf       // which of the calls to the same number
	dialled   string       // what is dialled
	shown     string       // what the callee sees
	during    []*stage     // of meanwhile
	next      []*stage     // of then
	dials     string       // the number that calls
	reaches   string       // the number that is called
	a         *apparatus   // the caller's phone
	bs        []*apparatus // the callees'
	began     time.Time    // of the call, and the end of everything about it
	ended     time.Time
	intruding []*apparatus
	parent    string // of the relation of a Y
	stopMu    sync.Mutex
	stops     []error // what callStop was answered
	faults    []string
	setup     time.Duration
}

// stopped keeps what callStop was answered; it is called by the customer's server.
func (s *stage) stopped(err error) {
	s.stopMu.Lock()
	defer s.stopMu.Unlock()
	s.stops = append(s.stops, err)
}

func (s *stage) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// cast gives a scene its numbers and, unless it shares one, a trunk. It is called before the house opens, since the switch reads its
// trunks when it starts.
func (h *house) cast(sc scene) (*stage, error) {
	s := &stage{scene: sc, h: h, place: int(h.scenes.Add(1)), who: h.casting.party()}
	s.dials, s.reaches = s.who.a, s.who.b
	if sc.fromB {
		s.dials, s.reaches = s.who.b, s.who.a
	}
	if sc.other {
		s.dials = s.who.c
	}
	h.stages = append(h.stages, s)
	h.castMore(s)
	if sc.trunk != "" || len(sc.callee) == 0 {
		s.ports = h.shared
		return s, nil
	}
	port, err := h.ports.take()
	if err != nil {
		return nil, err
	}
	s.trunk, s.ports = fmt.Sprintf("t-%d", s.place), []int{port}
	for _, t := range slices.Concat(s.during, s.next) {
		t.ports = s.ports
	}
	h.addTrunk(s.trunk, port, ", order: 9"+sc.way)
	return s, nil
}

// castMore casts the calls that share a scene's numbers.
func (h *house) castMore(s *stage) {
	more := func(list []scene) (stages []*stage) {
		for _, sc := range list {
			t := &stage{scene: sc, h: h, place: int(h.scenes.Add(1)), who: s.who}
			t.dials, t.reaches, t.mode = s.who.a, s.who.b, s.mode
			h.stages = append(h.stages, t)
			stages = append(stages, t)
		}
		return stages
	}
	s.during, s.next = more(s.meanwhile), more(s.then)
}

// follow is a call over the numbers of another, some time after it began or ended.
func (s *stage) follow(ctx context.Context, first *stage, after time.Duration) {
	defer s.clear()
	s.who, s.app, s.trunk, s.id, s.data = first.who, first.app, first.trunk, first.id, first.data
	s.take()
	s.of.caller = "+86" + s.dials
	if first.dials == s.dials && first.dialled == s.dialled {
		s.of.nth = 1
	}
	if len(first.faults) > 0 {
		s.fault("the call before failed")
		return
	}
	select {
	case <-time.After(after):
	case <-ctx.Done():
		return
	}
	s.plugIn(ctx)
	if s.dial(ctx) {
		s.finish(ctx)
	}
}

// userData is what the tenant attaches to a scene's binding.
func (s *stage) userData() string { return "scene-" + strconv.Itoa(s.place) }

// ready rents X, binds, and starts the callees' phones.
func (s *stage) ready(ctx context.Context) {
	s.app = s.h.apps[s.place%len(s.h.apps)]
	if s.mode != "" {
		s.app = s.h.modes[s.mode]
	}
	if err := s.rent(ctx); err != nil {
		s.fault("%s", err)
		return
	}
	s.take()
	s.plugIn(ctx)
}

// take gives the parties their roles, now that the numbers are known.
func (s *stage) take() {
	s.dialled, s.shown = s.who.x, s.who.x
	if s.roles != nil {
		s.roles(s)
	}
	if s.answers != nil {
		s.h.customer.answers("+86"+s.dialled, func(e event) (int, string) { return s.answers(s, e) })
	}
	if len(s.during)+len(s.next) > 0 {
		s.of.caller = "+86" + s.dials
	}
}

// plugIn starts the callees' phones.
func (s *stage) plugIn(ctx context.Context) {
	for i, p := range s.callee {
		if p.scenario == "" { // a trunk at which nobody listens
			continue
		}
		b, err := s.h.plugAt(ctx, s.ports[i], p, s.reaches)
		if err != nil {
			s.fault("%s", err)
			return
		}
		s.bs = append(s.bs, b)
	}
}

// rent gives the app its X and binds.
func (s *stage) rent(ctx context.Context) error {
	err := s.own(ctx, s.who.x)
	if err != nil || s.unkept {
		return err
	}
	if s.order != nil {
		return s.order(ctx, s)
	}
	body := map[string]any{"callerNum": "+86" + s.who.a, "calleeNum": "+86" + s.who.b, "relationNum": "+86" + s.who.x, "userData": s.userData()}
	maps.Copy(body, s.bind)
	s.id, err = s.h.bind(ctx, s.app, body)
	return err
}

// own makes a number the app's.
func (s *stage) own(ctx context.Context, number string) error {
	return s.h.tell(ctx, "/numbers", map[string]any{"app": s.app.key, "area": s.area(), "trunk": s.trunk, "numbers": []string{"+86" + number}}, nil)
}

// area is the city of a scene's numbers, of its own, so that a number that is chosen there is the scene's.
func (s *stage) area() string { return fmt.Sprintf("0%03d", 300+s.place) }

// dial starts the caller's phone.
func (s *stage) dial(ctx context.Context) bool {
	if len(s.faults) > 0 {
		return false
	}
	var err error
	s.began = time.Now()
	s.a, err = s.h.plug(ctx, s.caller, s.dials, "127.0.0.1:"+strconv.Itoa(s.h.sw.sip), "-s", "86"+s.dialled, "-cid_str", s.callID())
	if err != nil {
		s.fault("%s", err)
	}
	return err == nil
}

// play carries a scene through: phones, call, until both phones are down and the customer has been told of the end.
func (s *stage) play(ctx context.Context) {
	defer s.clear()
	s.ready(ctx)
	select {
	case <-time.After(s.after):
	case <-ctx.Done():
		return
	}
	if !s.dial(ctx) {
		return
	}
	s.intrude(ctx)
	var calls sync.WaitGroup
	for _, t := range s.during {
		calls.Go(func() { t.follow(ctx, s, sec(4)) })
	}
	s.finish(ctx)
	calls.Wait()
	s.isOver()
	for _, t := range s.next {
		t.follow(ctx, s, sec(0.5))
	}
}

// callID is the Call-ID of the caller's leg.
func (s *stage) callID() string { return fmt.Sprintf("scene-%d@live", s.place) }

// intrude lets the intruders call, with Replaces, once the two talk. They dial a number that is nobody's, so that only Replaces could connect them.
func (s *stage) intrude(ctx context.Context) {
	for _, p := range s.intruders {
		select {
		case <-time.After(sec(2.5)):
		case <-ctx.Done():
			return
		}
		p.keys = append(p.keys, "victim", s.callID())
		x, err := s.h.plug(ctx, p, s.who.c, "127.0.0.1:"+strconv.Itoa(s.h.sw.sip), "-s", "861999999"+strconv.Itoa(1000+s.place))
		if err != nil {
			s.fault("%s", err)
			return
		}
		s.intruding = append(s.intruding, x)
		if err := x.wait(ctx, 20*time.Second); err != nil {
			s.fault("%s", err)
		}
	}
}

// finish waits for the end of a call that was dialled.
func (s *stage) finish(ctx context.Context) {
	if err := s.a.wait(ctx, patience); err != nil {
		s.fault("%s", err)
		return
	}
	for _, b := range s.bs {
		if s.want.final == 200 && len(s.bs) == 1 {
			if err := b.wait(ctx, 5*time.Second); err != nil {
				s.fault("%s", err)
			}
		}
	}
	if !s.want.silent {
		s.awaitRecord(ctx)
	}
}

// awaitRecord waits until the CDR of the call has been pushed. Its events come before it, or are at most seconds behind.
func (s *stage) awaitRecord(ctx context.Context) {
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	for {
		events, records, news := s.h.customer.told("+86"+s.dialled, s.of)
		if len(records) > 0 && len(events) >= len(strings.Fields(s.want.events)) {
			return
		}
		select {
		case <-news:
		case <-ctx.Done():
			s.fault("not over when the time was up")
			return
		case <-deadline.C:
			s.fault("told of %d events and %d CDRs only", len(events), len(records))
			return
		}
	}
}

// isOver ends the time in which packets are the scene's.
func (s *stage) isOver() {
	if s.ended.IsZero() {
		s.ended = time.Now()
	}
}

// clear ends the phones of a scene.
func (s *stage) clear() {
	defer s.isOver()
	if s.a != nil {
		s.a.hangUp()
	}
	for _, b := range append(s.intruding, s.bs...) {
		b.hangUp()
	}
}
