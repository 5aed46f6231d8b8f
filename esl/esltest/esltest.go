// Package esltest is one conformance suite for a switch under the hand-off dialplan, run against the simulated switch and against a real
// FreeSWITCH. What passes on the simulated one and fails on FreeSWITCH is a bug of the simulated one, mended first.
//
// A Lab brings the switch, the adapter and the phones. The suite owns one goroutine a case, the adapter's Run, and ends it with the case.
package esltest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/esl"
)

// Lab is a switch with the hand-off dialplan and telephones around it. Its methods are called from the test's goroutine.
type Lab interface {
	// Case runs f as a subtest, in whatever time the lab has.
	Case(t *testing.T, name string, f func(t *testing.T))
	// Adapter makes an adapter for the lab's switch. It is not running yet.
	Adapter(t *testing.T) esl.Switch
	// Gateway names the first or the second way out (0 or 1).
	Gateway(n int) string
	// Phone says how the phone behind a gateway takes its next call; the number that it is dialled by does not matter.
	Phone(t *testing.T, gateway int, p Phone)
	// Call places a call to number as a scripted caller.
	Call(t *testing.T, number string, c Caller) Line
	// Sound names a sound of one to two seconds that the switch can play.
	Sound() string
	// Dir is a directory in which the switch can write recordings and the test read them.
	Dir(t *testing.T) string
}

// Behaviour is what a phone does in the end.
type Behaviour int

// What phones do. Each rings first (180), except NotFound, Unavailable, Rejects and Redirects.
const (
	Answers     Behaviour = iota // and stays until the other side hangs up
	HangsUp                      // answers, and hangs up after Talk
	Busy                         // 486
	NotFound                     // 404
	Unavailable                  // 480
	Rejects                      // 603
	NoAnswer                     // rings until it is cancelled
	EarlyMedia                   // 183 with sound instead of 180, then answers
	EarlyBusy                    // 183 with sound instead of 180, then 486
	Redirects                    // 302
)

// Phone is a callee as a script.
type Phone struct {
	Does  Behaviour
	Rings time.Duration
	Talk  time.Duration
	// Keys are pressed by one who Answers, so long after the answer, one every 400 ms, as RFC 2833.
	Keys      string
	KeysAfter time.Duration
}

// Caller is a caller as a script. The zero value stays until the other side ends the call.
type Caller struct {
	Cancels  time.Duration // gives up after so long without an answer
	HangsUp  time.Duration // ends the call so long after the answer
	Stranger bool          // calls from an address that is no trunk's
	Keys     string        // pressed half a second after the first sound; AsInfo two digits, AsTones 12
	KeysAs   Keying        // how they travel
}

// Keying is how a caller's keys travel.
type Keying int

// The ways that keys take.
const (
	AsEvents Keying = iota // RFC 2833; he offers telephone-event
	AsInfo                 // SIP INFO: the first as application/dtmf-relay, the second as application/dtmf
	AsTones                // tones in the sound
)

// Line is a caller's end of a call that was placed.
type Line interface {
	// Outcome waits for the end of the call and tells what the caller saw.
	Outcome(t *testing.T) Outcome
}

// Outcome is what a caller saw of his call.
type Outcome struct {
	Rang  []int // 180 and 183, in order; repetitions left out
	Final int   // the final answer to INVITE: 200, 486 …
}

// Run runs every case.
func Run(t *testing.T, lab Lab) {
	for _, c := range cases {
		lab.Case(t, c.name, func(t *testing.T) { c.run(newBench(t, lab)) })
	}
}

// patience bounds every wait of a case.
const patience = 40 * time.Second

// Numbers of the cases; they belong to nobody.
const (
	numberX = "8617000000001"
	numberB = "8613900000002"
)

// arrival is a call with the event that told of it.
type arrival struct {
	call   esl.Call
	parked esl.Event
}

// bench is one case's adapter and what it was told.
type bench struct {
	t        *testing.T
	lab      Lab
	sw       esl.Switch
	ctx      context.Context
	stop     func() // ends the adapter
	arrived  chan arrival
	found    chan esl.Call
	stranger chan esl.Event
	synced   chan []string
	seen     []esl.Event // of the call that is followed
}

func newBench(t *testing.T, lab Lab) *bench {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	b := &bench{t: t, lab: lab, ctx: ctx}
	b.start()
	return b
}

// start runs an adapter until it has synchronised.
func (b *bench) start() {
	b.t.Helper()
	b.arrived, b.found = make(chan arrival, 8), make(chan esl.Call, 8)
	b.stranger = make(chan esl.Event, 8)
	b.synced = make(chan []string, 8)
	b.sw = b.lab.Adapter(b.t)
	ctx, cancel := context.WithCancel(b.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = b.sw.Run(ctx, handler{b})
	}()
	b.stop = func() {
		cancel()
		<-ended
	}
	b.t.Cleanup(b.stop)
	take(b, b.synced, "adapter synchronised")
}

// take waits for a value.
func take[T any](b *bench, from <-chan T, what string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	select {
	case v := <-from:
		return v
	case <-ctx.Done():
		b.t.Fatalf("never: %s", what)
		panic("unreachable")
	}
}

// handler passes what the adapter tells on to the case; what nobody waits for is dropped.
type handler struct{ b *bench }

func give[T any](to chan T, v T) {
	select {
	case to <- v:
	default:
	}
}

func (h handler) Arrived(c esl.Call, e esl.Event) { give(h.b.arrived, arrival{c, e}) }
func (h handler) Found(c esl.Call, _ []esl.Event) { give(h.b.found, c) }
func (h handler) Synced(calls []string)           { give(h.b.synced, calls) }
func (h handler) Stranger(e esl.Event)            { give(h.b.stranger, e) }
func (handler) Stray(esl.Event)                   {}
func (handler) Restarted(string)                  {}

// call places a call and waits until it is parked.
func (b *bench) call(c Caller) (esl.Call, Line) {
	b.t.Helper()
	line := b.lab.Call(b.t, numberX, c)
	a := take(b, b.arrived, "call arrived")
	b.seen = append(b.seen, a.parked)
	return a.call, line
}

// claimed places a call and claims it, with A set up to survive a failed bridge.
func (b *bench) claimed(c Caller) (esl.Call, Line) {
	b.t.Helper()
	call, line := b.call(c)
	b.ok(call.Claim(b.ctx), "claim")
	b.ok(call.Set(b.ctx, call.ID(), esl.Var{Name: "maskline_owner", Value: "lab"}, esl.Var{Name: "continue_on_fail", Value: "true"}), "set")
	return call, line
}

func (b *bench) ok(err error, what string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// dial makes a dial string's parts: one endpoint a gateway, with further variables on the leg.
func (b *bench) dial(legs []string, timeout time.Duration, vars ...esl.Var) esl.Dial {
	d := esl.Dial{Vars: vars}
	for _, v := range []esl.Var{
		{Name: "ignore_early_media", Value: "false"}, {Name: "hangup_after_bridge", Value: "true"},
		{Name: "origination_caller_id_number", Value: numberX}, {Name: "origination_caller_id_name", Value: numberX},
		{Name: "outbound_redirect_fatal", Value: "true"},
	} {
		if !slices.ContainsFunc(vars, func(o esl.Var) bool { return o.Name == v.Name }) {
			d.Vars = append(d.Vars, v)
		}
	}
	for i, leg := range legs {
		d.Endpoints = append(d.Endpoints, esl.Endpoint{Leg: leg, Gateway: b.lab.Gateway(i), Number: numberB, Timeout: timeout})
	}
	return d
}

// bridge dials B through the first gateway and gives the token and B's leg.
func (b *bench) bridge(call esl.Call, timeout time.Duration, vars ...esl.Var) (token, leg string) {
	b.t.Helper()
	leg = b.uuid()
	token, err := call.Bridge(b.ctx, call.ID(), b.dial([]string{leg}, timeout, vars...))
	b.ok(err, "bridge")
	return token, leg
}

// uuid asks the switch for a fresh id.
func (b *bench) uuid() string {
	b.t.Helper()
	id, err := b.sw.API(b.ctx, "create_uuid", "")
	b.ok(err, "create_uuid")
	return strings.TrimSpace(id)
}

// until reads the call's events up to the first one that is meant, and gives that one.
func (b *bench) until(call esl.Call, what string, meant func(esl.Event) bool) esl.Event {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		e, err := call.Next(ctx)
		if err != nil {
			b.t.Fatalf("waiting for %s: %v; seen:\n%s", what, err, b.story())
		}
		b.seen = append(b.seen, e)
		if meant(e) {
			return e
		}
	}
}

// event waits for a kind of event of one leg; one that was read already counts.
func (b *bench) event(call esl.Call, kind esl.Kind, leg string) esl.Event {
	b.t.Helper()
	is := func(e esl.Event) bool { return e.Kind == kind && e.Leg == leg }
	if i := slices.IndexFunc(b.seen, is); i >= 0 {
		return b.seen[i]
	}
	return b.until(call, kind.String()+" of a leg", is)
}

// executed waits for the end of the application that a token names.
func (b *bench) executed(call esl.Call, token string) esl.Event {
	b.t.Helper()
	is := func(e esl.Event) bool { return e.Kind == esl.Executed && e.Token == token }
	if i := slices.IndexFunc(b.seen, is); i >= 0 {
		return b.seen[i]
	}
	return b.until(call, "end of the application", is)
}

// story is what was seen, for a failure's text.
func (b *bench) story() string {
	var s strings.Builder
	for _, e := range b.seen {
		fmt.Fprintf(&s, "  %s %s role=%s app=%s cause=%s\n", e.At.Format("05.000"), e.Kind, e.Role, e.Get("Application"), e.Get("Hangup-Cause"))
	}
	return s.String()
}

// want compares headers of an event, named in pairs.
func (b *bench) want(e esl.Event, pairs ...string) {
	b.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := e.Get(pairs[i]); got != pairs[i+1] {
			b.t.Errorf("%s of %s: %s = %q, want %q", e.Kind, e.Role, pairs[i], got, pairs[i+1])
		}
	}
}

// saw checks what the caller saw; a nil rang is not looked at.
func (b *bench) saw(line Line, final int, rang ...int) {
	b.t.Helper()
	o := line.Outcome(b.t)
	if o.Final != final {
		b.t.Errorf("caller got %d, want %d", o.Final, final)
	}
	if rang != nil && !slices.Equal(o.Rang, rang) {
		b.t.Errorf("caller saw %v while it rang, want %v", o.Rang, rang)
	}
}

// order checks that events of the call came in this order; others may stand between them.
func (b *bench) order(legs map[string]string, want ...string) {
	b.t.Helper()
	i := 0
	for _, e := range b.seen {
		if i < len(want) && legs[e.Leg]+" "+e.Kind.String() == want[i] {
			i++
		}
	}
	if i < len(want) {
		b.t.Errorf("no %q in its place; seen:\n%s", want[i], b.story())
	}
}
