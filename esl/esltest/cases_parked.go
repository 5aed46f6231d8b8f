package esltest

import (
	"errors"
	"time"

	"maskline/esl"
)

// Cases of a leg that is parked: claims, prompts, variables, and its end.

func parkAndClaim(b *bench) {
	call, line := b.claimed(Caller{})
	p := b.event(call, esl.Parked, call.ID())
	b.want(p, "variable_maskline_role", "a", "variable_maskline_call", call.ID(), "variable_sip_req_user", numberX,
		"variable_presence_data", "maskline:"+call.ID(), "Call-Direction", "inbound", "Answer-State", "ringing",
		"variable_sip_copy_custom_headers", "false", "variable_hangup_after_bridge", "true", "Caller-Channel-Answered-Time", "0")
	for _, name := range []string{"variable_sip_from_user", "variable_sip_from_host", "variable_sip_network_ip", "variable_sip_network_port",
		"variable_sip_to_user", "variable_sip_call_id", "Caller-Channel-Name"} {
		if p.Get(name) == "" {
			b.t.Errorf("no %s", name)
		}
	}
	if p.Micros("Caller-Channel-Created-Time").IsZero() {
		b.t.Error("no time of creation")
	}
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NormalTemporaryFailure), "hang up")
	e := b.event(call, esl.HungUp, call.ID())
	b.want(e, "Hangup-Cause", "NORMAL_TEMPORARY_FAILURE", "variable_hangup_cause", "NORMAL_TEMPORARY_FAILURE", "variable_hangup_cause_q850", "41",
		"variable_sip_hangup_disposition", "send_refuse", "variable_endpoint_disposition", "RECEIVED", "Caller-Channel-Answered-Time", "0",
		"variable_maskline_role", "a", "variable_maskline_call", call.ID(), "variable_maskline_owner", "lab")
	if e.Micros("Caller-Channel-Hangup-Time").IsZero() {
		b.t.Error("no time of the end")
	}
	b.saw(line, 503)
}

func rung(b *bench) {
	call, line := b.claimed(Caller{})
	b.ok(call.Ring(b.ctx, call.ID()), "ring")
	b.ok(call.Ring(b.ctx, call.ID()), "ring again")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.UserBusy), "hang up")
	b.event(call, esl.HungUp, call.ID())
	b.saw(line, 486, 180)
}

func unclaimed(b *bench) {
	start := time.Now()
	call, line := b.call(Caller{})
	e := b.event(call, esl.HungUp, call.ID())
	b.want(e, "Hangup-Cause", "NORMAL_TEMPORARY_FAILURE", "variable_hangup_cause_q850", "41", "variable_sip_hangup_disposition", "send_refuse",
		"variable_sip_term_status", "")
	if took := time.Since(start); took < 8*time.Second || took > 13*time.Second {
		b.t.Errorf("refused after %v", took)
	}
	b.saw(line, 503)
	if err := call.Claim(b.ctx); !errors.Is(err, esl.ErrClaimed) {
		b.t.Errorf("late claim: %v", err)
	}
}

func twoClaims(b *bench) {
	call, line := b.call(Caller{})
	b.ok(call.Claim(b.ctx), "first claim")
	if err := call.Claim(b.ctx); !errors.Is(err, esl.ErrClaimed) {
		b.t.Errorf("second claim: %v", err)
	}
	b.ok(call.Hangup(b.ctx, call.ID(), esl.UnallocatedNumber), "hang up")
	b.saw(line, 404)
}

func promptThenError(b *bench) {
	call, line := b.claimed(Caller{})
	token, err := call.Execute(b.ctx, call.ID(), "playback", b.lab.Sound())
	b.ok(err, "playback")
	e := b.executed(call, token)
	b.want(e, "Application", "playback", "Application-Response", "FILE PLAYED", "Answer-State", "early")
	b.order(map[string]string{call.ID(): "a"}, "a progress_media", "a executed")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.want(b.event(call, esl.HungUp, call.ID()), "variable_sip_hangup_disposition", "send_refuse", "Caller-Channel-Answered-Time", "0",
		"variable_endpoint_disposition", "EARLY MEDIA")
	b.saw(line, 480, 183)
}

func missingFile(b *bench) {
	call, line := b.claimed(Caller{})
	token, err := call.Execute(b.ctx, call.ID(), "playback", "/no/such/file.wav")
	b.ok(err, "playback")
	b.want(b.executed(call, token), "Application-Response", "FILE NOT FOUND")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.saw(line, 480, 183)
}

// An unknown application is not an error of a command but the end of the leg, and no EXECUTE_COMPLETE tells of it.
func unknownApplication(b *bench) {
	call, line := b.claimed(Caller{})
	token, err := call.Execute(b.ctx, call.ID(), "no_such_application", "x")
	b.ok(err, "execute")
	b.want(b.event(call, esl.HungUp, call.ID()), "Hangup-Cause", "DESTINATION_OUT_OF_ORDER", "variable_hangup_cause_q850", "27")
	for _, e := range b.seen {
		if e.Kind == esl.Executed && e.Token == token {
			b.t.Error("the unknown application was reported as executed")
		}
	}
	b.saw(line, 502)
}

func gone(b *bench) {
	call, line := b.claimed(Caller{})
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.event(call, esl.HungUp, call.ID())
	b.saw(line, 480)
	// The leg's thread needs a moment after its last event; the channel is gone when uuid_exists says so.
	for range 100 {
		if text, err := b.sw.API(b.ctx, "uuid_exists", call.ID()); err == nil && text == "false" {
			break
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-b.ctx.Done():
		}
	}
	if err := call.Hangup(b.ctx, call.ID(), esl.NoAnswer); !errors.Is(err, esl.ErrGone) {
		b.t.Errorf("hang up: %v", err)
	}
	if err := call.Set(b.ctx, call.ID(), esl.Var{Name: "x", Value: "y"}); !errors.Is(err, esl.ErrGone) {
		b.t.Errorf("set: %v", err)
	}
	if _, err := call.Execute(b.ctx, call.ID(), "park", ""); !errors.Is(err, esl.ErrGone) {
		b.t.Errorf("execute: %v", err)
	}
	if err := call.Break(b.ctx, call.ID()); !errors.Is(err, esl.ErrGone) {
		b.t.Errorf("break: %v", err)
	}
	if err := call.Ring(b.ctx, call.ID()); !errors.Is(err, esl.ErrGone) {
		b.t.Errorf("ring: %v", err)
	}
}

func variables(b *bench) {
	call, line := b.claimed(Caller{})
	values := []string{"plain", "a b  c", "semi;colon", `it's`, `back\slash`, "tone_stream://%(1000,4000,450);loops=-1", "x=y,z", "ü 北京", "tail "}
	for _, v := range values {
		b.ok(call.Set(b.ctx, call.ID(), esl.Var{Name: "probe", Value: v}, esl.Var{Name: "second", Value: "2"}), "set")
		got, err := b.sw.API(b.ctx, "uuid_getvar", call.ID()+" probe")
		b.ok(err, "get")
		if got != v {
			b.t.Errorf("set %q, got %q", v, got)
		}
	}
	b.ok(call.Set(b.ctx, call.ID(), esl.Var{Name: "probe"}), "unset")
	if got, err := b.sw.API(b.ctx, "uuid_getvar", call.ID()+" probe"); err != nil || got != "_undef_" {
		b.t.Errorf("unset variable is %q, %v", got, err)
	}
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.want(b.event(call, esl.HungUp, call.ID()), "variable_second", "2", "variable_probe", "")
	b.saw(line, 480)
}

func breaks(b *bench) {
	call, line := b.claimed(Caller{})
	token, err := call.Execute(b.ctx, call.ID(), "playback", "silence_stream://30000")
	b.ok(err, "playback")
	b.event(call, esl.ProgressMedia, call.ID())
	start := time.Now()
	// The break may come before the file has begun; it is repeated as a flow would.
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			_ = call.Break(b.ctx, call.ID())
			select {
			case <-done:
				return
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	b.want(b.executed(call, token), "Application-Response", "FILE PLAYED")
	close(done)
	<-stopped
	if took := time.Since(start); took > 10*time.Second {
		b.t.Errorf("broken off after %v", took)
	}
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.saw(line, 480, 183)
}

func resyncUnclaimed(b *bench) {
	call, line := b.call(Caller{})
	b.stop()
	b.start()
	again := take(b, b.arrived, "unclaimed call arrived").call
	if again.ID() != call.ID() {
		b.t.Fatalf("arrived call %s, want %s", again.ID(), call.ID())
	}
	b.ok(again.Claim(b.ctx), "claim")
	b.ok(again.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.saw(line, 480)
}

// A stranger is refused by the SIP profile itself: he is never parked, and only the end of his leg is told.
func stranger(b *bench) {
	line := b.lab.Call(b.t, numberX, Caller{Stranger: true})
	e := take(b, b.stranger, "stranger told of")
	b.want(e, "Hangup-Cause", "CALL_REJECTED", "variable_hangup_cause_q850", "21", "Call-Direction", "inbound", "variable_maskline_role", "",
		"variable_sip_hangup_disposition", "")
	b.saw(line, 403)
	select {
	case <-b.arrived:
		b.t.Error("a stranger was parked")
	default:
	}
}

// A caller who gives up while a prompt plays ends the prompt too.
func givesUp(b *bench) {
	call, line := b.claimed(Caller{Cancels: 2 * time.Second})
	token, err := call.Execute(b.ctx, call.ID(), "playback", "silence_stream://30000")
	b.ok(err, "playback")
	b.want(b.event(call, esl.HungUp, call.ID()), "Hangup-Cause", "ORIGINATOR_CANCEL", "variable_sip_hangup_disposition", "recv_cancel",
		"variable_sip_term_status", "487")
	// One that notices the end between two frames says that the file was played.
	if said := b.executed(call, token).Get("Application-Response"); said != "PLAYBACK ERROR" && said != "FILE PLAYED" {
		b.t.Errorf("the prompt ended with %q", said)
	}
	b.order(map[string]string{call.ID(): "a"}, "a progress_media", "a executed", "a hung_up")
	b.saw(line, 487)
}
