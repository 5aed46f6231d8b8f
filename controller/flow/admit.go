package flow

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"maskline/esl"
)

// Overload says why a call that came in was refused before anybody looked whose it is: a label of metrics and a word of the log.
type Overload string

// The reasons.
const (
	OverRate   Overload = "rate"   // more calls a second than Options.PerSecond
	OverCalls  Overload = "calls"  // Options.MaxCalls are up
	OverSwitch Overload = "switch" // the switch is near its own max-sessions
	OverQueue  Overload = "queue"  // more than can be told: left to the switch, which refuses them after its 10 s
)

// Variables that a refused leg carries into the switch's own record of it. From the first, whoever reads that record knows that we refused the
// call ourselves, and why there is no session of it; the second is a header of the SIP answer (mod_sofia, sip_rh_).
const (
	refusedVar    = "maskline_refused"
	refusedWord   = "overload"
	retryAfterVar = "sip_rh_Retry-After"
)

const (
	refuseAtOnce = 4    // refusals under way on one switch: what calls in progress tell it waits behind no more than these
	refuseQueue  = 1024 // refusals that wait; a call waits no longer than it takes to tell the switch of so many
	reportEvery  = time.Second
	// headroom is the part of a switch's sessions that is kept for calls that are up: they have their callee still to dial.
	headroom = 20 // one in twenty
)

// retryAfter is for how long a caller's switch shall send us no more calls, in seconds. It obeys for all of them (RFC 3261 §21.5.4), so it is no
// longer than what was too much takes to pass: a rate is a matter of one second.
var retryAfter = map[Overload]int{OverRate: 1, OverCalls: 5, OverSwitch: 5}

// admission decides whether a call that comes in may begin. What it decides costs no look-up, no prompt and no command but those that refuse the
// call. Its methods may be called from any goroutine; admit is, from those that read the switches' events, and waits for nothing.
type admission struct {
	e    *Engine
	pace *rate.Limiter // nil: any rate

	mu       sync.Mutex
	switches map[string]*gate
	untold   int // refused since the last line in the log
	toldAt   time.Time
}

// gate is one switch's part.
type gate struct {
	live    int       // calls that this engine carries on it
	beat    time.Time // of the heartbeat that liveThen belongs to
	then    int       // live when it was first seen
	waiting []refusal
	workers int
}

type refusal struct {
	leg esl.Call
	why Overload
}

func newAdmission(e *Engine, perSecond, burst int) *admission {
	a := &admission{e: e, switches: map[string]*gate{}}
	if perSecond > 0 {
		a.pace = rate.NewLimiter(rate.Limit(perSecond), max(1, burst))
	}
	return a
}

// of gives a switch's gate; the caller holds mu.
func (a *admission) of(name string) *gate {
	g := a.switches[name]
	if g == nil {
		g = &gate{}
		a.switches[name] = g
	}
	return g
}

// count notes that a call of a switch begins (1) or has ended (-1).
func (a *admission) count(name string, by int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of(name).live += by
}

// admit says why a call may not begin; "" lets it. A call that is refused for another reason takes nothing from the rate.
func (a *admission) admit(sw esl.Switch) Overload {
	switch {
	case a.e.Live() >= a.e.MaxCalls:
		return OverCalls
	case a.full(sw):
		return OverSwitch
	case a.pace != nil && !a.pace.Allow():
		return OverRate
	}
	return ""
}

// full says that a switch is near its own bound. It tells of its sessions every 20 s; what has begun and ended since is counted here, two
// sessions a call.
func (a *admission) full(sw esl.Switch) bool {
	st := sw.Status()
	if st.MaxSessions <= 0 {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.of(sw.Name())
	if !g.beat.Equal(st.BeatAt) {
		g.beat, g.then = st.BeatAt, g.live
	}
	now := st.Sessions + 2*(g.live-g.then)
	return now+2 > st.MaxSessions-st.MaxSessions/headroom
}

// refuse ends a call that was not admitted: soon, with a clear answer, and behind no call that is up. It waits for nothing.
func (a *admission) refuse(leg esl.Call, why Overload) {
	name := leg.Switch().Name()
	a.mu.Lock()
	g := a.of(name)
	if len(g.waiting) >= refuseQueue {
		a.mu.Unlock()
		a.e.Observe.Overloaded(OverQueue)
		leg.Close()
		return
	}
	g.waiting = append(g.waiting, refusal{leg, why})
	start := g.workers < refuseAtOnce
	if start {
		g.workers++
	}
	a.mu.Unlock()
	a.e.Observe.Overloaded(why)
	if start && !a.e.spawn(name, func(ctx context.Context) { a.work(ctx, g) }) {
		a.drop(g) // the engine ends, or the switch is another's: so is what waits
	}
}

// spawn starts a goroutine that commands a switch as long as it is ours; false if it is not.
func (e *Engine) spawn(switchName string, work func(context.Context)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tenures[switchName]
	if e.shut || t == nil || t.ctx.Err() != nil {
		return false
	}
	e.wg.Add(1)
	t.wg.Add(1)
	go func() {
		defer e.wg.Done()
		defer t.wg.Done()
		work(t.ctx)
	}()
	return true
}

// work refuses what waits, and ends when nothing does.
func (a *admission) work(ctx context.Context, g *gate) {
	for {
		a.mu.Lock()
		if len(g.waiting) == 0 {
			g.waiting, g.workers = nil, g.workers-1
			a.mu.Unlock()
			return
		}
		r := g.waiting[0]
		g.waiting = g.waiting[1:]
		a.mu.Unlock()
		a.end(ctx, r)
		a.tell(r)
	}
}

func (a *admission) drop(g *gate) {
	a.mu.Lock()
	waiting := g.waiting
	g.waiting, g.workers = nil, g.workers-1
	a.mu.Unlock()
	for _, r := range waiting {
		r.leg.Close()
	}
}

// end claims the leg, so that no other daemon's call is refused, marks it, and hangs up. A command that fails leaves it to the switch's own
// bounds.
func (a *admission) end(ctx context.Context, r refusal) {
	defer r.leg.Close()
	ctx, cancel := context.WithTimeout(ctx, commandIn)
	defer cancel()
	if r.leg.Claim(ctx) != nil {
		return
	}
	_ = r.leg.Set(ctx, r.leg.ID(), esl.Var{Name: refusedVar, Value: refusedWord},
		esl.Var{Name: retryAfterVar, Value: strconv.Itoa(retryAfter[r.why])}) // a leg without the mark is refused all the same
	_ = r.leg.Hangup(ctx, r.leg.ID(), esl.SwitchCongestion)
}

// tell writes at most one line a second, with how many it stands for.
func (a *admission) tell(r refusal) {
	a.mu.Lock()
	a.untold++
	n, due := a.untold, time.Since(a.toldAt) >= reportEvery
	if due {
		a.untold, a.toldAt = 0, time.Now()
	}
	a.mu.Unlock()
	if due {
		a.e.Log.Warn("calls were refused: they are more than may be taken", slog.Int("refused", n), slog.String("why", string(r.why)),
			slog.String("switch", r.leg.Switch().Name()))
	}
}
