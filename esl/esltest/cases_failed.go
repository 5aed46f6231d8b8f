package esltest

import (
	"time"

	"maskline/esl"
)

// Cases of a bridge that comes to nothing.

func busy(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Busy, Rings: time.Second})
	call, line := b.claimed(Caller{})
	token, leg := b.bridge(call, 20*time.Second)
	e := b.event(call, esl.HungUp, leg)
	b.want(e, "Hangup-Cause", "USER_BUSY", "variable_hangup_cause_q850", "17", "variable_sip_hangup_disposition", "recv_refuse",
		"variable_sip_term_status", "486", "variable_sip_invite_failure_status", "486", "variable_proto_specific_hangup_cause", "sip:486",
		"Caller-Channel-Answered-Time", "0")
	b.want(b.executed(call, token), "variable_originate_disposition", "USER_BUSY", "variable_last_bridge_hangup_cause", "USER_BUSY",
		"variable_originate_failed_cause", "USER_BUSY", "variable_last_bridge_proto_specific_hangup_cause", "sip:486", "variable_DIALSTATUS", "BUSY",
		"Answer-State", "ringing", "variable_sip_invite_failure_status", "486")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.UserBusy), "hang up")
	b.want(b.event(call, esl.HungUp, call.ID()), "Hangup-Cause", "USER_BUSY", "variable_sip_hangup_disposition", "send_refuse")
	b.order(map[string]string{call.ID(): "a", leg: "b"}, "b progress", "a progress", "a executed", "a hung_up")
	b.saw(line, 486, 180)
}

func busyPrompt(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Busy, Rings: time.Second})
	call, line := b.claimed(Caller{})
	token, _ := b.bridge(call, 20*time.Second)
	b.executed(call, token)
	token, err := call.Execute(b.ctx, call.ID(), "playback", b.lab.Sound())
	b.ok(err, "playback")
	b.want(b.executed(call, token), "Application-Response", "FILE PLAYED")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.UserBusy), "hang up")
	b.event(call, esl.HungUp, call.ID())
	b.saw(line, 486, 180, 183)
}

func noAnswer(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: NoAnswer})
	call, line := b.claimed(Caller{})
	token, leg := b.bridge(call, 3*time.Second)
	b.want(b.event(call, esl.HungUp, leg), "Hangup-Cause", "ALLOTTED_TIMEOUT", "variable_hangup_cause_q850", "16",
		"variable_sip_hangup_disposition", "send_cancel", "Caller-Channel-Answered-Time", "0", "variable_sip_term_status", "",
		"variable_sip_invite_failure_status", "487")
	b.want(b.executed(call, token), "variable_originate_disposition", "ALLOTTED_TIMEOUT", "variable_last_bridge_hangup_cause", "ALLOTTED_TIMEOUT")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.saw(line, 480, 180)
}

func notFound(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: NotFound})
	call, line := b.claimed(Caller{})
	token, leg := b.bridge(call, 20*time.Second)
	b.want(b.event(call, esl.HungUp, leg), "Hangup-Cause", "UNALLOCATED_NUMBER", "variable_hangup_cause_q850", "1", "variable_sip_term_status", "404",
		"Caller-Channel-Progress-Time", "0")
	b.want(b.executed(call, token), "variable_originate_disposition", "UNALLOCATED_NUMBER")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.UnallocatedNumber), "hang up")
	b.saw(line, 404)
}

func refusals(b *bench) {
	call, line := b.claimed(Caller{})
	for does, want := range map[Behaviour][3]string{
		Unavailable: {"NO_USER_RESPONSE", "18", "480"},
		Rejects:     {"CALL_REJECTED", "21", "603"},
	} {
		b.lab.Phone(b.t, 0, Phone{Does: does})
		token, leg := b.bridge(call, 20*time.Second)
		b.want(b.event(call, esl.HungUp, leg), "Hangup-Cause", want[0], "variable_hangup_cause_q850", want[1], "variable_sip_term_status", want[2])
		b.executed(call, token)
	}
	b.ok(call.Hangup(b.ctx, call.ID(), esl.SubscriberAbsent), "hang up")
	b.saw(line, 480)
}

func failover(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: NotFound})
	b.lab.Phone(b.t, 1, Phone{Does: Answers, Rings: time.Second})
	call, line := b.claimed(Caller{HangsUp: time.Second})
	first, second := b.uuid(), b.uuid()
	token, err := call.Bridge(b.ctx, call.ID(), b.dial([]string{first, second}, 20*time.Second))
	b.ok(err, "bridge")
	b.want(b.event(call, esl.HungUp, first), "Hangup-Cause", "UNALLOCATED_NUMBER")
	b.want(b.event(call, esl.HungUp, call.ID()), "Hangup-Cause", "NORMAL_CLEARING", "variable_originate_disposition", "SUCCESS")
	b.want(b.event(call, esl.HungUp, second), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_gateway_name", b.lab.Gateway(1))
	b.executed(call, token)
	b.order(map[string]string{call.ID(): "a", first: "b1", second: "b2"}, "b1 hung_up", "b2 answered", "a answered", "a hung_up")
	b.saw(line, 200)
}

func unknownGateway(b *bench) {
	call, line := b.claimed(Caller{})
	d := b.dial([]string{b.uuid()}, 5*time.Second)
	d.Endpoints[0].Gateway = "nowhere"
	token, err := call.Bridge(b.ctx, call.ID(), d)
	b.ok(err, "bridge")
	b.want(b.executed(call, token), "variable_originate_disposition", "INVALID_GATEWAY")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NormalTemporaryFailure), "hang up")
	b.saw(line, 503)
}

func cancels(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: NoAnswer})
	call, line := b.claimed(Caller{Cancels: 2 * time.Second})
	token, leg := b.bridge(call, 20*time.Second)
	b.want(b.event(call, esl.HungUp, leg), "Hangup-Cause", "ORIGINATOR_CANCEL", "variable_hangup_cause_q850", "16",
		"variable_sip_hangup_disposition", "send_cancel")
	b.want(b.event(call, esl.HungUp, call.ID()), "Hangup-Cause", "ORIGINATOR_CANCEL", "variable_sip_hangup_disposition", "recv_cancel",
		"variable_sip_term_status", "487", "variable_originate_disposition", "ORIGINATOR_CANCEL")
	// The end of the bridge is told before A's own, and says by A's cause that nothing can be played to him any more. B's end comes before
	// it or after it: both were seen.
	b.want(b.executed(call, token), "Hangup-Cause", "ORIGINATOR_CANCEL", "Answer-State", "hangup", "variable_sip_hangup_disposition", "recv_cancel")
	b.order(map[string]string{call.ID(): "a"}, "a executed", "a hung_up")
	b.saw(line, 487)
}

func killedWhileRinging(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: NoAnswer})
	call, line := b.claimed(Caller{})
	_, leg := b.bridge(call, 20*time.Second)
	b.event(call, esl.Progress, call.ID())
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NormalTemporaryFailure), "hang up")
	b.want(b.event(call, esl.HungUp, call.ID()), "Hangup-Cause", "NORMAL_TEMPORARY_FAILURE", "variable_sip_hangup_disposition", "send_refuse")
	b.want(b.event(call, esl.HungUp, leg), "variable_sip_hangup_disposition", "send_cancel")
	b.saw(line, 503, 180)
}

// An application sent to A while B rings runs at once, inside the bridge.
func duringRinging(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: NoAnswer})
	call, line := b.claimed(Caller{})
	token, _ := b.bridge(call, 4*time.Second)
	b.event(call, esl.Progress, call.ID())
	inner, err := call.Execute(b.ctx, call.ID(), "set", "probe=1")
	b.ok(err, "set")
	b.want(b.executed(call, inner), "Application", "set", "variable_probe", "1")
	for _, e := range b.seen {
		if e.Kind == esl.Executed && e.Token == token {
			b.t.Error("the bridge ended first")
		}
	}
	b.executed(call, token)
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.saw(line, 480)
}

// The ring tone that we play from the first moment: A gets 183 and no 180.
func instantRingback(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Busy, Rings: time.Second})
	call, line := b.claimed(Caller{})
	b.ok(call.Set(b.ctx, call.ID(), esl.Var{Name: "ringback", Value: "%(1000,4000,450)"}), "set")
	token, _ := b.bridge(call, 20*time.Second, esl.Var{Name: "instant_ringback", Value: "true"})
	b.want(b.executed(call, token), "variable_originate_disposition", "USER_BUSY", "Answer-State", "early")
	b.order(map[string]string{call.ID(): "a"}, "a progress_media", "a executed")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.UserBusy), "hang up")
	b.saw(line, 486, 183)
}

// Without instant_ringback the ring tone begins with B's 180.
func ringback(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Busy, Rings: time.Second})
	call, line := b.claimed(Caller{})
	b.ok(call.Set(b.ctx, call.ID(), esl.Var{Name: "ringback", Value: "%(1000,4000,450)"}), "set")
	token, leg := b.bridge(call, 20*time.Second)
	b.executed(call, token)
	b.order(map[string]string{call.ID(): "a", leg: "b"}, "b progress", "a progress_media", "a executed")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.UserBusy), "hang up")
	b.saw(line, 486, 183)
}

// Early media made a bridge, so the failure after it stands in other variables.
func busyAfterEarlyMedia(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: EarlyBusy, Rings: time.Second})
	call, line := b.claimed(Caller{})
	token, leg := b.bridge(call, 20*time.Second)
	b.want(b.executed(call, token), "variable_originate_disposition", "SUCCESS", "variable_bridge_hangup_cause", "USER_BUSY",
		"variable_last_bridge_hangup_cause", "USER_BUSY", "variable_DIALSTATUS", "SUCCESS", "Hangup-Cause", "")
	b.want(b.event(call, esl.HungUp, leg), "Hangup-Cause", "USER_BUSY", "variable_sip_hangup_disposition", "recv_refuse",
		"variable_sip_term_status", "486")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.UserBusy), "hang up")
	b.want(b.event(call, esl.HungUp, call.ID()), "Hangup-Cause", "USER_BUSY", "variable_sip_hangup_disposition", "send_refuse")
	b.saw(line, 486, 183)
}

// Early media made a bridge: leg_timeout counts no longer, bridge_answer_timeout on B's leg ends it.
func noAnswerAfterEarlyMedia(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: EarlyBusy, Rings: 20 * time.Second})
	call, line := b.claimed(Caller{})
	token, leg := b.bridge(call, time.Second, esl.Var{Name: "bridge_answer_timeout", Value: "2"})
	b.want(b.executed(call, token), "variable_originate_disposition", "SUCCESS", "variable_bridge_hangup_cause", "ALLOTTED_TIMEOUT",
		"variable_last_bridge_hangup_cause", "ALLOTTED_TIMEOUT", "Hangup-Cause", "")
	b.want(b.event(call, esl.HungUp, leg), "Hangup-Cause", "ALLOTTED_TIMEOUT", "variable_sip_hangup_disposition", "send_cancel",
		"Caller-Channel-Answered-Time", "0")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.want(b.event(call, esl.HungUp, call.ID()), "Hangup-Cause", "NO_ANSWER", "variable_sip_hangup_disposition", "send_refuse")
	b.saw(line, 480, 183)
}

func redirect(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Redirects})
	call, line := b.claimed(Caller{})
	token, leg := b.bridge(call, 20*time.Second)
	b.want(b.event(call, esl.HungUp, leg), "Hangup-Cause", "REQUESTED_CHAN_UNAVAIL", "variable_hangup_cause_q850", "44",
		"variable_sip_hangup_disposition", "send_cancel", "variable_proto_specific_hangup_cause", "sip:302", "variable_sip_term_status", "")
	b.want(b.executed(call, token), "variable_originate_disposition", "REQUESTED_CHAN_UNAVAIL")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.saw(line, 480)
}
