package esltest

import (
	"slices"
	"time"

	"maskline/esl"
)

// Cases of a placed call whose script dials B.

// click is a call whose script plays, dials B and plays again.
func (b *bench) click(a, other Phone, more []esl.Var, vars ...esl.Var) placement {
	b.t.Helper()
	b.lab.Phone(b.t, 0, a)
	b.lab.Phone(b.t, 1, other)
	return b.place(append(vars, set("ringback", "%(1000,4000,450)")), app("playback", b.lab.Sound()), toB(more...), app("playback", b.lab.Sound()), app("hangup", "NO_ANSWER"))
}

func clickCalleeHangsUp(b *bench) {
	p := b.click(Phone{Does: Answers}, Phone{Does: HangsUp, Rings: time.Second, Talk: 2 * time.Second}, nil)
	b.want(b.event(p, esl.HungUp, p.b), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "recv_bye", "variable_maskline_role", "b",
		"variable_maskline_call", p.ID(), "Caller-Caller-ID-Number", numberX, "Caller-Caller-ID-Name", numberX, "Other-Leg-Unique-ID", p.ID(), "Call-Direction", "outbound")
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "send_bye", "variable_originate_disposition", "SUCCESS")
	b.order(p.legs, "a answered", "a executed", "b progress", "b answered", "a executed", "a hung_up")
	b.steps(p, "playback FILE PLAYED", "bridge _none_")
}

func clickCallerHangsUp(b *bench) {
	p := b.click(Phone{Does: HangsUp, Talk: 5 * time.Second}, Phone{Does: Answers, Rings: time.Second}, nil)
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "recv_bye")
	b.want(b.event(p, esl.HungUp, p.b), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "send_bye")
}

func clickLimit(b *bench) {
	p := b.click(Phone{Does: Answers}, Phone{Does: Answers}, []esl.Var{set("execute_on_answer_1", "sched_hangup +3 ALLOTTED_TIMEOUT")})
	b.want(b.event(p, esl.HungUp, p.b), "Hangup-Cause", "ALLOTTED_TIMEOUT", "variable_sip_hangup_disposition", "send_bye")
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "ALLOTTED_TIMEOUT", "variable_sip_hangup_disposition", "send_bye")
}

// B is busy: the script goes on.
func clickBusy(b *bench) {
	p := b.click(Phone{Does: Answers}, Phone{Does: Busy, Rings: time.Second}, nil)
	b.want(b.event(p, esl.HungUp, p.b), "Hangup-Cause", "USER_BUSY", "variable_sip_hangup_disposition", "recv_refuse", "variable_sip_term_status", "486")
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "NO_ANSWER", "variable_sip_hangup_disposition", "send_bye", "variable_originate_disposition", "USER_BUSY",
		"variable_last_bridge_hangup_cause", "USER_BUSY")
	b.steps(p, "playback FILE PLAYED", "bridge _none_", "playback FILE PLAYED", "hangup _none_")
}

// B is busy and nothing says that the script goes on: A is hung up with B's cause.
func clickBusyEnds(b *bench) {
	p := b.click(Phone{Does: Answers}, Phone{Does: Busy, Rings: time.Second}, nil, set("continue_on_fail", "false"))
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "USER_BUSY", "variable_sip_hangup_disposition", "send_bye")
	b.steps(p, "playback FILE PLAYED", "bridge _none_")
}

func clickCallerLeaves(b *bench) {
	p := b.click(Phone{Does: HangsUp, Talk: 4 * time.Second}, Phone{Does: NoAnswer}, nil)
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "recv_bye", "variable_originate_disposition", "ORIGINATOR_CANCEL")
	b.want(b.event(p, esl.HungUp, p.b), "Hangup-Cause", "ORIGINATOR_CANCEL", "variable_sip_hangup_disposition", "send_cancel")
	b.steps(p, "playback FILE PLAYED", "bridge _none_")
}

// joined is when B was joined with A, from B's answer on.
func joined(e esl.Event) time.Duration {
	return e.Micros("Caller-Channel-Bridged-Time").Sub(e.Micros("Caller-Channel-Answered-Time"))
}

// B's early media replaces the ring tone at once.
func clickEarly(b *bench) {
	p := b.click(Phone{Does: HangsUp, Talk: 6 * time.Second}, Phone{Does: EarlyMedia, Rings: 2 * time.Second}, nil)
	if d := joined(b.event(p, esl.HungUp, p.b)); d > -time.Second {
		b.t.Errorf("joined %v after the answer", d)
	}
}

// With ignore_early_media the ring tone goes on until B answers.
func clickEarlyIgnored(b *bench) {
	p := b.click(Phone{Does: HangsUp, Talk: 6 * time.Second}, Phone{Does: EarlyMedia, Rings: 2 * time.Second}, []esl.Var{set("ignore_early_media", "true")})
	if d := joined(b.event(p, esl.HungUp, p.b)); d < -100*time.Millisecond || d > time.Second {
		b.t.Errorf("joined %v after the answer", d)
	}
}

func clickEarlyBusy(b *bench) {
	p := b.click(Phone{Does: Answers}, Phone{Does: EarlyBusy, Rings: 2 * time.Second}, nil)
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "NO_ANSWER", "variable_bridge_hangup_cause", "USER_BUSY", "variable_originate_disposition", "SUCCESS")
	b.steps(p, "playback FILE PLAYED", "bridge _none_", "playback FILE PLAYED", "hangup _none_")
}

// What hangs on B's answer: aleg is B's own side, bleg the other one.
func clickBroadcast(b *bench) {
	p := b.click(Phone{Does: Answers}, Phone{Does: HangsUp, Talk: 6 * time.Second},
		[]esl.Var{set("execute_on_answer_1", "sched_broadcast +1 playback::silence_stream://500 aleg"),
			set("execute_on_answer_2", "sched_broadcast +3 playback::silence_stream://500 bleg")})
	b.event(p, esl.HungUp, p.ID())
	var played []string
	for _, e := range b.seen {
		if e.Kind == esl.Executed && e.Get("Application") == "playback" && e.Get("Application-Data") == "silence_stream://500" {
			played = append(played, p.legs[e.Leg])
		}
	}
	if !slices.Equal(played, []string{"b", "a"}) {
		b.t.Errorf("played to %q; seen:\n%s", played, b.story())
	}
}

// The controller dies as soon as the switch has the call: it rings, is answered, plays and dials B all the same, and is found.
func clickAlone(b *bench) {
	p := b.click(Phone{Does: Answers, Rings: 2 * time.Second}, Phone{Does: HangsUp, Rings: 2 * time.Second, Talk: 4 * time.Second}, nil)
	b.stop()
	time.Sleep(5 * time.Second)
	b.seen = nil
	b.start()
	p.Call = take(b, b.found, "call found")
	if p.legs[p.ID()] != "a" {
		b.t.Fatalf("found %s", p.ID())
	}
	b.want(b.event(p, esl.HungUp, p.b), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "recv_bye")
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "NORMAL_CLEARING", "variable_originate_disposition", "SUCCESS")
	select {
	case <-b.arrived:
		b.t.Error("a placed call was taken for one that came in")
	default:
	}
}

// The same without the variable that says whose it is: it is found, and nobody claims it.
func clickNobodys(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers})
	a := b.uuid()
	d := b.dial([]string{a}, 20*time.Second)
	_, err := b.sw.Place(b.ctx, a, d, []esl.App{app("playback", "silence_stream://3000"), app("park", "")})
	b.ok(err, "place")
	b.stop()
	b.start()
	call := take(b, b.found, "call found")
	b.ok(call.Hangup(b.ctx, a, esl.NormalClearing), "hang up")
	b.event(call, esl.HungUp, a)
	select {
	case <-b.arrived:
		b.t.Error("a placed call was taken for one that came in")
	default:
	}
}
