package esltest

import (
	"os"
	"path/filepath"
	"time"

	"maskline/esl"
)

// Cases of two people who talk.

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

// The hint tone and the last minute: both hang on B's answer, the broadcast plays on both legs, and the talk goes on after it.
func broadcast(b *bench) {
	b.lab.Phone(b.t, 0, Phone{Does: Answers, Rings: time.Second})
	call, line := b.claimed(Caller{HangsUp: 5 * time.Second})
	_, leg := b.bridge(call, 20*time.Second, esl.Var{Name: "execute_on_answer_1", Value: "displace_session " + b.lab.Sound() + " rw"},
		esl.Var{Name: "execute_on_answer_2", Value: "sched_broadcast +2 playback::silence_stream://500 both"})
	b.want(b.event(call, esl.HungUp, leg), "Hangup-Cause", "NORMAL_CLEARING")
	b.want(b.event(call, esl.HungUp, call.ID()), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "recv_bye")
	b.saw(line, 200)
	ran := map[string]int{}
	for _, e := range b.seen {
		if e.Kind == esl.Executed {
			ran[map[string]string{call.ID(): "a ", leg: "b "}[e.Leg]+e.Get("Application")]++
		}
	}
	for _, want := range []string{"b displace_session", "b sched_broadcast", "a playback", "b playback", "a bridge"} {
		if ran[want] != 1 {
			b.t.Errorf("%s ended %d times; seen:\n%s", want, ran[want], b.story())
		}
	}
}
