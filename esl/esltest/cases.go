package esltest

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"maskline/esl"
)

// cases are all cases of the suite.
var cases = []struct {
	name string
	run  func(b *bench)
}{
	{"park and claim", parkAndClaim},
	{"unclaimed is refused after 10 s", unclaimed},
	{"two claims, one wins", twoClaims},
	{"a prompt as early media, then the final error", promptThenError},
	{"a bridge that is answered; A hangs up", answered},
	{"B hangs up", calleeHangsUp},
	{"early media of B", earlyMedia},
	{"a limit set on the answer ends the call", limit},
	{"busy after ringing", busy},
	{"a busy prompt after busy", busyPrompt},
	{"no answer", noAnswer},
	{"not found", notFound},
	{"unavailable and rejected", refusals},
	{"the second endpoint", failover},
	{"an unknown gateway", unknownGateway},
	{"A cancels while B rings", cancels},
	{"the switch ends a ringing call", killedWhileRinging},
	{"an unknown application", unknownApplication},
	{"a file that is not there", missingFile},
	{"commands to a leg that is gone", gone},
	{"variables are read back", variables},
	{"break", breaks},
	{"an application during the ringing", duringRinging},
	{"resync finds a live call", resync},
	{"resync finds an unclaimed call", resyncUnclaimed},
	{"recording", recording},
	{"a stranger", stranger},
}

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

func answered(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers, Rings: time.Second})
	call, line := b.claimed(Caller{HangsUp: 2 * time.Second})
	token, leg := b.bridge(call, 20*time.Second)
	e := b.event(call, esl.HungUp, call.ID())
	other := b.event(call, esl.HungUp, leg)
	b.want(e, "Hangup-Cause", "NORMAL_CLEARING", "variable_hangup_cause_q850", "16", "variable_sip_hangup_disposition", "recv_bye",
		"variable_sip_term_status", "200", "variable_originate_disposition", "SUCCESS")
	b.want(other, "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "send_bye", "variable_sip_term_status", "",
		"variable_maskline_role", "b", "variable_maskline_call", call.ID(), "Call-Direction", "outbound", "Other-Leg-Unique-ID", call.ID(),
		"Caller-Caller-ID-Number", numberX, "Caller-Destination-Number", numberB, "variable_sip_gateway_name", b.lab.Gateway(0))
	b.want(b.executed(call, token), "Application", "bridge")
	b.order(map[string]string{call.ID(): "a", leg: "b"}, "a parked", "b progress", "b answered", "a answered", "a executed", "a hung_up")
	if ringing := other.Micros("Caller-Channel-Answered-Time").Sub(other.Micros("Caller-Channel-Progress-Time")); ringing < 500*time.Millisecond {
		b.t.Errorf("B rang %v", ringing)
	}
	b.saw(line, 200, 180)
}

func calleeHangsUp(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: HangsUp, Rings: time.Second, Talk: time.Second})
	call, line := b.claimed(Caller{})
	_, leg := b.bridge(call, 20*time.Second)
	b.want(b.event(call, esl.HungUp, leg), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "recv_bye", "variable_sip_term_status", "200")
	b.want(b.event(call, esl.HungUp, call.ID()), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "send_bye",
		"variable_sip_term_status", "")
	b.saw(line, 200)
}

func earlyMedia(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: EarlyMedia, Rings: time.Second})
	call, line := b.claimed(Caller{HangsUp: time.Second})
	_, leg := b.bridge(call, 20*time.Second)
	b.event(call, esl.HungUp, call.ID())
	b.order(map[string]string{call.ID(): "a", leg: "b"}, "b progress_media", "a progress_media", "b answered", "a answered", "a hung_up")
	b.saw(line, 200, 183)
}

func limit(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers, Rings: time.Second})
	call, line := b.claimed(Caller{})
	_, leg := b.bridge(call, 20*time.Second, esl.Var{Name: "execute_on_answer_1", Value: "sched_hangup +3 ALLOTTED_TIMEOUT"})
	e := b.event(call, esl.HungUp, leg)
	b.want(e, "Hangup-Cause", "ALLOTTED_TIMEOUT", "variable_sip_hangup_disposition", "send_bye", "variable_hangup_cause_q850", "16")
	talk := e.Micros("Caller-Channel-Hangup-Time").Sub(e.Micros("Caller-Channel-Answered-Time"))
	if talk < 1900*time.Millisecond || talk > 4*time.Second {
		b.t.Errorf("talked %v under a limit of 3 s", talk)
	}
	b.want(b.event(call, esl.HungUp, call.ID()), "Hangup-Cause", "ALLOTTED_TIMEOUT", "variable_sip_hangup_disposition", "send_bye")
	b.saw(line, 200)
}

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
	b.order(map[string]string{call.ID(): "a", leg: "b"}, "b progress", "a progress", "b hung_up", "a executed", "a hung_up")
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
	b.executed(call, token)
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

func missingFile(b *bench) {
	call, line := b.claimed(Caller{})
	token, err := call.Execute(b.ctx, call.ID(), "playback", "/no/such/file.wav")
	b.ok(err, "playback")
	b.want(b.executed(call, token), "Application-Response", "FILE NOT FOUND")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.saw(line, 480, 183)
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

func resync(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers, Rings: time.Second})
	call, line := b.claimed(Caller{})
	_, leg := b.bridge(call, 20*time.Second)
	b.event(call, esl.Answered, call.ID())
	b.stop()
	b.start()
	again := take(b, b.found, "call found")
	if again.ID() != call.ID() {
		b.t.Fatalf("found call %s, want %s", again.ID(), call.ID())
	}
	b.seen = nil
	b.ok(again.Hangup(b.ctx, leg, esl.NormalClearing), "hang up B")
	b.want(b.event(again, esl.HungUp, leg), "variable_sip_hangup_disposition", "send_bye", "variable_maskline_role", "b")
	b.event(again, esl.HungUp, call.ID())
	b.saw(line, 200)
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

func recording(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers, Rings: time.Second})
	call, line := b.claimed(Caller{HangsUp: 5 * time.Second})
	path := filepath.Join(b.lab.Dir(b.t), "recording.wav")
	_, leg := b.bridge(call, 20*time.Second, esl.Var{Name: "RECORD_STEREO", Value: "true"}, esl.Var{Name: "execute_on_answer_1", Value: "record_session " + path})
	b.event(call, esl.HungUp, leg)
	b.event(call, esl.HungUp, call.ID())
	b.saw(line, 200)
	head := make([]byte, 44)
	f, err := os.Open(path) //nolint:gosec // the test's own file
	b.ok(err, "recording")
	defer func() { _ = f.Close() }()
	if _, err := f.Read(head); err != nil || string(head[:4]) != "RIFF" || string(head[8:12]) != "WAVE" {
		b.t.Fatalf("not a WAV file: %v", err)
	}
	if head[22] != 2 {
		b.t.Errorf("%d channels, want 2", head[22])
	}
	info, err := f.Stat()
	b.ok(err, "recording")
	if seconds := float64(info.Size()-44) / (2 * 2 * 8000); seconds < 3 || seconds > 6 {
		b.t.Errorf("recording is %.1f s long, want about 5", seconds)
	}
}

// A stranger is refused by the SIP profile itself: he is not parked.
func stranger(b *bench) {
	line := b.lab.Call(b.t, numberX, Caller{Stranger: true})
	b.saw(line, 403)
	select {
	case <-b.arrived:
		b.t.Error("a stranger was parked")
	default:
	}
}
