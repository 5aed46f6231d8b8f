package esltest

import (
	"slices"
	"strings"
	"time"

	"maskline/esl"
)

// Cases of calls that the switch places. A answers behind the first gateway, B behind the second.

// placement is a call that was placed.
type placement struct {
	esl.Call
	legs map[string]string // names of the legs, for order
	b    string            // leg 2's uuid, where there is one
}

func app(name, arg string) esl.App { return esl.App{Name: name, Arg: arg} }

func set(name, value string) esl.Var { return esl.Var{Name: name, Value: value} }

// first is leg 1's dialling through so many gateways.
func (b *bench) first(legs []string, timeout time.Duration, vars ...esl.Var) esl.Dial {
	vars = append(vars, set("maskline_owner", "lab"), set("ignore_early_media", "true"))
	if !slices.ContainsFunc(vars, func(v esl.Var) bool { return v.Name == "continue_on_fail" }) {
		vars = append(vars, set("continue_on_fail", "true"))
	}
	return b.dial(legs, timeout, vars...)
}

// toB dials B with further variables of his leg.
func toB(vars ...esl.Var) esl.App { return esl.BridgeApp(esl.Dial{Vars: vars}) }

// place places a call to A that carries out a script.
func (b *bench) place(vars []esl.Var, then ...esl.App) placement {
	b.t.Helper()
	a, other := b.uuid(), b.uuid()
	p := placement{legs: map[string]string{a: "a", other: "b"}, b: other}
	for i, x := range then {
		if x.Dial != nil {
			d := b.dial([]string{other}, 20*time.Second, append(x.Dial.Vars, set("instant_ringback", "true"))...)
			d.Endpoints[0].Gateway = b.lab.Gateway(1)
			then[i] = esl.BridgeApp(d)
		}
	}
	b.placed(&p, b.first([]string{a}, 20*time.Second, vars...), then)
	return p
}

func (b *bench) placed(p *placement, d esl.Dial, then []esl.App) {
	b.t.Helper()
	call, err := b.sw.Place(b.ctx, d.Endpoints[0].Leg, d, then)
	b.ok(err, "place")
	if call.ID() != d.Endpoints[0].Leg {
		b.t.Fatalf("call %s, want %s", call.ID(), d.Endpoints[0].Leg)
	}
	p.Call = call
}

// outcome waits for the Placed event.
func (b *bench) outcome(p placement) esl.Event {
	b.t.Helper()
	is := func(e esl.Event) bool { return e.Kind == esl.Placed }
	if i := slices.IndexFunc(b.seen, is); i >= 0 {
		return b.seen[i]
	}
	return b.until(p, "placed", is)
}

// ran gives the application events of A that have come, as "name response".
func (b *bench) ran(p placement) []string {
	var all []string
	for _, e := range b.seen {
		if e.Kind == esl.Executed && e.Leg == p.ID() {
			all = append(all, e.Get("Application")+" "+e.Get("Application-Response"))
		}
	}
	return all
}

// steps checks which applications of A ended, in order.
func (b *bench) steps(p placement, want ...string) {
	b.t.Helper()
	if got := b.ran(p); !slices.Equal(got, want) {
		b.t.Errorf("applications %q, want %q; seen:\n%s", got, want, b.story())
	}
}

// failed checks that no leg answered, and why.
func (b *bench) failed(p placement, cause esl.Cause) {
	b.t.Helper()
	if e := b.outcome(p); e.Leg != "" || e.Cause != cause || e.Call != p.ID() {
		b.t.Errorf("placed: leg %q cause %q, want %q", e.Leg, e.Cause, cause)
	}
}

func placedPlays(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers, Rings: time.Second})
	p := b.place(nil, app("playback", b.lab.Sound()), app("playback", "/no/such/file.wav"), app("sleep", "300"), app("playback", b.lab.Sound()))
	e := b.event(p, esl.HungUp, p.ID())
	b.want(e, "Hangup-Cause", "NORMAL_CLEARING", "variable_hangup_cause_q850", "16", "variable_sip_hangup_disposition", "send_bye", "Call-Direction", "outbound",
		"variable_maskline_role", "a", "variable_maskline_call", p.ID(), "variable_maskline_owner", "lab", "variable_presence_data", "maskline:"+p.ID(),
		"Caller-Destination-Number", numberB, "Caller-Caller-ID-Number", numberB, "Caller-Callee-ID-Number", numberX,
		"variable_sip_gateway_name", b.lab.Gateway(0), "variable_endpoint_disposition", "ANSWER")
	ring := e.Micros("Caller-Channel-Answered-Time").Sub(e.Micros("Caller-Channel-Progress-Time"))
	if ring < 500*time.Millisecond || ring > 3*time.Second {
		b.t.Errorf("A rang %v", ring)
	}
	if placed := b.outcome(p); placed.Leg != p.ID() || placed.Cause != "" {
		b.t.Errorf("placed: leg %q cause %q", placed.Leg, placed.Cause)
	}
	b.order(p.legs, "a progress", "a answered", "a executed", "a executed", "a executed", "a executed", "a hung_up")
	b.steps(p, "playback FILE PLAYED", "playback FILE NOT FOUND", "sleep _none_", "playback FILE PLAYED")
}

func placedHangup(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers})
	p := b.place(nil, app("playback", b.lab.Sound()), app("hangup", "NORMAL_TEMPORARY_FAILURE"), app("playback", b.lab.Sound()))
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "NORMAL_TEMPORARY_FAILURE", "variable_sip_hangup_disposition", "send_bye")
	b.steps(p, "playback FILE PLAYED", "hangup _none_")
}

func placedCalleeLeaves(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: HangsUp, Talk: time.Second})
	p := b.place(nil, app("playback", "silence_stream://20000"), app("playback", b.lab.Sound()))
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "recv_bye", "variable_sip_term_status", "200")
	// A FreeSWITCH between two frames notices the end by its own look at the channel, and says that the file was played.
	if got := b.ran(p); len(got) != 1 || got[0] != "playback PLAYBACK ERROR" && got[0] != "playback FILE PLAYED" {
		b.t.Errorf("applications %q, want one playback, in error or played; seen:\n%s", got, b.story())
	}
}

func placedBusy(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Busy, Rings: time.Second})
	p := b.place(nil, app("playback", b.lab.Sound()))
	b.failed(p, esl.UserBusy)
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "USER_BUSY", "variable_hangup_cause_q850", "17", "variable_sip_hangup_disposition", "recv_refuse",
		"variable_sip_term_status", "486", "Caller-Channel-Answered-Time", "0", "variable_maskline_role", "a", "Caller-Caller-ID-Number", numberX)
	b.order(p.legs, "a progress", "a hung_up", " placed")
	b.steps(p)
}

func placedNoAnswer(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: NoAnswer})
	a := b.uuid()
	p := placement{legs: map[string]string{a: "a"}}
	b.placed(&p, b.first([]string{a}, 3*time.Second), []esl.App{app("playback", b.lab.Sound())})
	b.failed(p, esl.AllottedTimeout)
	b.want(b.event(p, esl.HungUp, a), "Hangup-Cause", "ALLOTTED_TIMEOUT", "variable_sip_hangup_disposition", "send_cancel")
}

func placedFailover(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: NotFound})
	b.lab.Phone(b.t, 1, Phone{Does: Answers, Rings: time.Second})
	a, second := b.uuid(), b.uuid()
	p := placement{legs: map[string]string{a: "a", second: "a2"}}
	b.placed(&p, b.first([]string{a, second}, 20*time.Second), []esl.App{app("playback", b.lab.Sound())})
	b.want(b.event(p, esl.HungUp, a), "Hangup-Cause", "UNALLOCATED_NUMBER", "variable_sip_term_status", "404")
	if e := b.outcome(p); e.Leg != second || e.Cause != "" {
		b.t.Errorf("placed: leg %q cause %q", e.Leg, e.Cause)
	}
	b.want(b.event(p, esl.HungUp, second), "Hangup-Cause", "NORMAL_CLEARING", "variable_maskline_call", a, "variable_sip_gateway_name", b.lab.Gateway(1))
	b.order(p.legs, "a hung_up", "a2 progress", "a2 answered", "a2 executed", "a2 hung_up")
}

func placedAllFail(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: NotFound})
	b.lab.Phone(b.t, 1, Phone{Does: Unavailable})
	a, second := b.uuid(), b.uuid()
	p := placement{}
	b.placed(&p, b.first([]string{a, second}, 20*time.Second), []esl.App{app("playback", b.lab.Sound())})
	b.failed(p, esl.NoUserResponse)
}

func placedUnknownGateway(b *bench) {
	a := b.uuid()
	p := placement{}
	d := b.first([]string{a}, 5*time.Second)
	d.Endpoints[0].Gateway = "nowhere"
	b.placed(&p, d, []esl.App{app("playback", b.lab.Sound())})
	b.failed(p, "INVALID_GATEWAY")
	if len(b.seen) != 1 {
		b.t.Errorf("more than Placed was told:\n%s", b.story())
	}
}

// The same uuid cannot be up twice: a call that is dialled again while it lives is refused by the switch, and goes on.
func placedTwice(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers, Rings: 2 * time.Second})
	a := b.uuid()
	p := placement{legs: map[string]string{a: "a"}}
	d := b.first([]string{a}, 20*time.Second)
	b.placed(&p, d, []esl.App{app("playback", b.lab.Sound())})
	b.event(p, esl.Progress, a)
	p.Close()
	b.seen = nil
	b.placed(&p, d, []esl.App{app("playback", b.lab.Sound())})
	b.failed(p, esl.DestinationOutOfOrder)
	b.want(b.event(p, esl.HungUp, a), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "send_bye")
	b.steps(p, "playback FILE PLAYED")
}

func placedKilled(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: NoAnswer})
	p := b.place(nil, app("playback", b.lab.Sound()))
	b.event(p, esl.Progress, p.ID())
	b.ok(p.Hangup(b.ctx, p.ID(), esl.ManagerRequest), "hang up")
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "MANAGER_REQUEST", "variable_sip_hangup_disposition", "send_cancel")
	b.failed(p, esl.ManagerRequest)
}

// Early media is no answer: the script waits for that.
func placedEarly(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: EarlyMedia, Rings: 2 * time.Second})
	p := b.place(nil, app("playback", b.lab.Sound()))
	b.event(p, esl.HungUp, p.ID())
	b.order(p.legs, "a progress_media", "a answered", "a executed", "a hung_up")
	b.steps(p, "playback FILE PLAYED")
}

// Without ignore_early_media the script begins with the early media.
func placedEarlyTaken(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: EarlyMedia, Rings: 20 * time.Second})
	a := b.uuid()
	p := placement{legs: map[string]string{a: "a"}}
	d := b.dial([]string{a}, 20*time.Second)
	call, err := b.sw.Place(b.ctx, a, d, []esl.App{app("playback", b.lab.Sound())})
	b.ok(err, "place")
	p.Call = call
	b.want(b.event(p, esl.HungUp, a), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "send_cancel", "Caller-Channel-Answered-Time", "0")
	b.steps(p, "playback FILE PLAYED")
	if e := b.outcome(p); e.Leg != a {
		b.t.Errorf("placed: leg %q cause %q", e.Leg, e.Cause)
	}
}

func placedUnknownApplication(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers})
	p := b.place(nil, app("no_such_application", "x"), app("playback", b.lab.Sound()))
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "DESTINATION_OUT_OF_ORDER", "variable_sip_hangup_disposition", "send_bye")
	b.steps(p)
}

// A script may end in a park, and whoever commands the leg goes on; what he sends during the script runs inside it.
func placedCommanded(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers})
	p := b.place([]esl.Var{set("park_timeout", "20:NORMAL_TEMPORARY_FAILURE")}, app("playback", "silence_stream://3000"), app("park", ""))
	b.event(p, esl.Answered, p.ID())
	time.Sleep(500 * time.Millisecond)
	token, err := p.Execute(b.ctx, p.ID(), "set", "probe=1")
	b.ok(err, "set")
	b.want(b.executed(p, token), "variable_probe", "1")
	b.event(p, esl.Parked, p.ID())
	token, err = p.Execute(b.ctx, p.ID(), "playback", b.lab.Sound())
	b.ok(err, "playback")
	b.executed(p, token)
	b.ok(p.Hangup(b.ctx, p.ID(), esl.NormalClearing), "hang up")
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "send_bye")
	b.steps(p, "set _none_", "playback FILE PLAYED", "playback FILE PLAYED", "park FILE PLAYED")
}

// A line that is far longer than any real one.
func placedLong(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers})
	var then []esl.App
	for range 30 {
		then = append(then, app("set", "probe="+strings.Repeat("x", 1500)))
	}
	p := b.place(nil, append(then, app("set", "probe=end"))...)
	b.want(b.event(p, esl.HungUp, p.ID()), "variable_probe", "end")
	if n := len(b.ran(p)); n != 31 {
		b.t.Errorf("%d applications ended", n)
	}
}
