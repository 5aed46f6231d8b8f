package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"maskline/controller/cdr"
	"maskline/models"
)

// reports gathers the switch's own records of legs (mod_json_cdr's posts and spool) and stray ends, for calls that nobody watched to
// their end. It completes those calls, and serves the flows that lost sight of one. Its goroutine is run's caller.
type reports struct {
	e    *Engine
	mu   sync.Mutex
	held map[string]*pending // by call id
	news chan struct{}       // closed and renewed when a report comes
}

type pending struct {
	legs   []cdr.Leg
	unread []func() (cdr.Leg, error)
	done   []func()
	first  time.Time // when the first report came
	next   time.Time // when it is looked at again; zero is as soon as it is due
	host   string
}

const (
	maxPending   = 50_000           // calls whose reports wait; more are left in the spool
	settleAfter  = 5 * time.Second  // after the first report: the flow that saw the call has written it by then
	deafAfter    = 30 * time.Second // a call that waits for its end though its leg's record is there: the switch has dropped the event
	othersAfter  = 20 * time.Second // the same where that flow may be another daemon's: it waits for the rest of its legs, and for its database
	orphanAfter  = 60 * time.Second // a leg whose session never comes up
	settleEvery  = time.Second
	settleAtOnce = 8 // calls written at the same time: after an hour without a daemon there are many, and a commit is shared
)

func newReports(e *Engine) *reports {
	return &reports{e: e, held: map[string]*pending{}, news: make(chan struct{})}
}

// Report takes the record of one leg that ended on a host. done is called once when it is needed no more, so that a spooled file can go.
// It returns false when it holds as many as it may: the record stays where it is.
func (e *Engine) Report(l cdr.Leg, host string, done func()) bool {
	return e.reports.add(l, host, done)
}

// ReportLater is Report of a record that need not be read unless the call loses sight of its legs. False: nobody watches the call, or there is no
// room.
func (e *Engine) ReportLater(call, host string, read func() (cdr.Leg, error), done func()) bool {
	if e.find(models.SessionID(call, host)) == nil {
		return false
	}
	return e.reports.keep(call, host, done, func(p *pending) { p.unread = append(p.unread, read) })
}

func (r *reports) add(l cdr.Leg, host string, done func()) bool {
	return r.keep(l.Call, cmp.Or(l.Host, host), done, func(p *pending) { p.legs = append(p.legs, l) })
}

func (r *reports) keep(call, host string, done func(), put func(*pending)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.held[call]
	if p == nil {
		if len(r.held) >= maxPending {
			return false
		}
		p = &pending{first: time.Now(), host: host}
		r.held[call] = p
	}
	put(p)
	p.next = time.Time{}
	if done != nil {
		p.done = append(p.done, done)
	}
	r.tell()
	return true
}

// tell wakes those who await reports; the caller holds mu.
func (r *reports) tell() {
	close(r.news)
	r.news = make(chan struct{})
}

// waiting is how many calls have reports that nothing has settled.
func (r *reports) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.held)
}

// of gives the reports of a call that are there, and reads those that have not been read.
func (r *reports) of(call string) []cdr.Leg {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.held[call]
	if p == nil {
		return nil
	}
	if unread := p.unread; len(unread) > 0 {
		p.unread = nil
		r.mu.Unlock()
		legs := r.read(unread)
		r.mu.Lock()
		p.legs = append(p.legs, legs...)
		r.tell()
	}
	return slices.Clone(p.legs) // one more may come at any time
}

// read reads records. One that cannot be read is as one that never came.
func (r *reports) read(unread []func() (cdr.Leg, error)) (legs []cdr.Leg) {
	for _, read := range unread {
		l, err := read()
		if err != nil {
			r.e.Observe.ReportDropped("unreadable")
			r.e.Log.Warn("record of a leg could not be read when it was needed", "error", err)
			continue
		}
		legs = append(legs, l)
	}
	return legs
}

// await gives the reports of a call, waiting at most d until they are enough.
func (r *reports) await(ctx context.Context, call string, d time.Duration, enough func([]cdr.Leg) bool) []cdr.Leg {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		r.mu.Lock()
		news := r.news
		r.mu.Unlock()
		legs := r.of(call)
		if enough(legs) {
			return legs
		}
		select {
		case <-news:
		case <-timer.C:
			return legs
		case <-ctx.Done():
			return legs
		}
	}
}

// isFirst says that a leg is the call's leg 1: of a placed call each trunk that was tried has one.
func isFirst(l cdr.Leg, call string) bool { return l.ID == call || l.Role == "a" }

// settled says that a call's CDR is committed: its reports are needed no more.
func (r *reports) settled(call string) {
	r.mu.Lock()
	p := r.held[call]
	delete(r.held, call)
	r.mu.Unlock()
	if p == nil {
		return
	}
	for _, done := range p.done {
		done()
	}
}

func (r *reports) run(ctx context.Context) {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.settleAll(ctx, r.due())
		}
	}
}

// settleAll settles some calls at a time and returns when it is through, or the database is away: then all of them wait for the next round.
func (r *reports) settleAll(ctx context.Context, calls []string) {
	work, away := make(chan string), make(chan error, settleAtOnce)
	var wg sync.WaitGroup
	for range min(settleAtOnce, len(calls)) {
		wg.Go(func() {
			for call := range work {
				if err := r.settle(ctx, call); err != nil {
					away <- err
					return
				}
			}
		})
	}
	defer wg.Wait()
	defer close(work)
	for _, call := range calls {
		select {
		case work <- call:
		case err := <-away:
			if ctx.Err() == nil {
				r.e.Log.Warn("leg reports wait for the database", "calls", len(calls), "error", err)
			}
			return
		case <-ctx.Done():
			return
		}
	}
}

// due lists the calls whose reports have waited long enough and that no flow carries.
func (r *reports) due() []string {
	calls, deaf := r.waited()
	for call, k := range deaf {
		if legs := r.of(call); ended(call, legs) && k.listening.Load() {
			k.log.Warn("the switch did not tell of the call's end; its record does")
			k.abandon()
		}
	}
	return calls
}

// waited are the calls that have waited long enough: those that no flow carries, and those whose flow should have heard of an end by now.
func (r *reports) waited() (calls []string, deaf map[string]*call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	deaf = map[string]*call{}
	for call, p := range r.held {
		waited := time.Since(p.first)
		if waited < settleAfter || time.Now().Before(p.next) {
			continue
		}
		if k := r.e.find(models.SessionID(call, p.host)); k != nil {
			if waited >= deafAfter {
				deaf[call] = k
			}
			continue
		}
		calls = append(calls, call)
	}
	return calls, deaf
}

// settle ends a session from its legs' reports. It fails when the database is away.
func (r *reports) settle(ctx context.Context, call string) error {
	legs := r.of(call)
	r.mu.Lock()
	p := r.held[call]
	r.mu.Unlock()
	if p == nil {
		return nil
	}
	waited := time.Since(p.first)
	s, err := r.e.Store.Session(ctx, models.SessionID(call, p.host))
	switch {
	case err != nil && models.CodeOf(err) != models.NotFound:
		return err
	case err == nil && !s.EndedAt.IsZero():
		r.settled(call)
		return nil
	case waited < orphanAfter && !slices.ContainsFunc(legs, func(l cdr.Leg) bool { return isFirst(l, call) }):
		r.later(p, orphanAfter) // or until leg 1 reports
		return nil
	case waited < othersAfter && !r.e.owns(p.host):
		r.later(p, othersAfter) // the switch's owner is still at it, or about to find the call on it
		return nil
	case err != nil:
		return r.unknown(ctx, call, p, legs)
	case s.Plan.Place != nil && waited < orphanAfter && !slices.ContainsFunc(legs, answeredLeg):
		return nil // the next trunk may be ringing, and the resync may not have seen it yet
	case s.Plan.Connect != nil && waited < othersAfter && !slices.ContainsFunc(legs, func(l cdr.Leg) bool { return l.Role == "b" }):
		return nil // the callee's record is on its way, unless none was dialled
	}
	if err := r.e.endFromReports(ctx, s, legs); err != nil && !errors.Is(err, context.Canceled) {
		r.e.Log.Error("session could not be ended from its legs' reports", "sessionId", s.ID, "error", err)
	}
	return nil
}

// ended says that the call is over: its first leg has ended, and no other can take its place.
func ended(call string, legs []cdr.Leg) bool {
	return slices.ContainsFunc(legs, func(l cdr.Leg) bool {
		return !l.HungUp.IsZero() && (l.ID == call && l.Invite.Known() || l.Role == "a" && answeredLeg(l))
	})
}

// unknown settles the reports of a call that has no session. It fails when the database is away.
func (r *reports) unknown(ctx context.Context, call string, p *pending, legs []cdr.Leg) error {
	leg, ok := cameIn(legs, call)
	switch {
	case ok && !r.e.knows(p.host):
		// It would be written beside the session that it has under the switch's right name. Its file stays, for a daemon that knows the switch.
		r.e.Observe.ReportDropped("no switch")
		r.e.Log.Error("leg report is of a switch that is not in the configuration: compare maskline_switch_name in its vars.xml with host of switches", "host", p.host)
		r.mu.Lock()
		delete(r.held, call)
		r.mu.Unlock()
	case ok:
		return r.e.untaken(ctx, p.host, leg)
	case time.Since(p.first) > orphanAfter:
		r.e.Observe.ReportDropped("no session")
		r.e.Log.Warn("leg report belongs to no call that is known", "call", call)
		r.settled(call)
	}
	return nil
}

// later lets a call rest until this long after its first report.
func (r *reports) later(p *pending, after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.next = p.first.Add(after)
}

// nameOf is the name of the switch whose session ids end with a host.
func (e *Engine) nameOf(host string) string { return cmp.Or(e.Switches[host], host) }

// knows says that a host is one of the switches.
func (e *Engine) knows(host string) bool { return len(e.Switches) == 0 || e.Switches[host] != "" }

// owns says that the calls of a switch are this daemon's now.
func (e *Engine) owns(host string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tenures[e.nameOf(host)]
	return t != nil && t.ctx.Err() == nil
}

func answeredLeg(l cdr.Leg) bool { return !l.Answered.IsZero() }

// endFromReports writes what is missing of a session: the stages nobody told of, and its end.
func (e *Engine) endFromReports(ctx context.Context, s models.Session, legs []cdr.Leg) error {
	return e.endUnder(ctx, models.Lease{}, s, legs)
}

// endUnder is endFromReports as the owner of the switch: what only he may say, that nobody knows more, is not said by one who was.
func (e *Engine) endUnder(ctx context.Context, held models.Lease, s models.Session, legs []cdr.Leg) error {
	k := e.placedCall(s)
	k.under = held
	k.source, k.legs.Placed = models.SourcePost, s.Plan.Place != nil
	k.told[string(models.EventCallIn)] = true
	if err := k.load(ctx); err != nil {
		return err
	}
	for _, l := range legs {
		k.legs.Add(l)
	}
	if len(legs) == 0 {
		k.source = models.SourceLost
	}
	// The callee's record may be lost though the caller's is there: an answer that the customer was told of is not taken back.
	if _, known := k.legs.Callee(); !known {
		if err := k.recall(ctx); err != nil {
			return err
		}
	}
	k.finishUntold(ctx)
	if s.Plan.Place != nil && e.placedEnd != nil && !k.s.EndedAt.IsZero() {
		e.placedEnd(k.s)
	}
	return nil
}

// recall rebuilds the callee's leg, and leg 1 of a placed call, from the events that were told, when nothing else is left of it. The call was known to live until the
// last of them.
func (k *call) recall(ctx context.Context) error {
	told, err := k.e.Store.Events(ctx, k.s.ID)
	if err != nil {
		return fmt.Errorf("events of session %s: %w", k.s.ID, err)
	}
	a, b := cdr.Leg{ID: k.s.LegA, Call: k.s.LegA, Role: "a"}, cdr.Leg{ID: "told", Call: k.s.LegA, Role: "b"}
	for _, ev := range told {
		k.told[ev.Key] = true
		k.seen = ev.At
		leg := &b
		if strings.HasSuffix(ev.Key, firstLeg) {
			leg = &a
		}
		switch ev.Type {
		case models.EventCallOut:
			leg.Created = ev.At
		case models.EventAlerting:
			leg.Progress = ev.At
		case models.EventAnswer:
			leg.Answered = ev.At
		}
	}
	if k.legs.Placed && len(k.legs.As) == 0 && !a.Created.IsZero() {
		k.legs.Add(a)
	}
	if !b.Created.IsZero() {
		k.legs.Add(b)
	}
	return nil
}
