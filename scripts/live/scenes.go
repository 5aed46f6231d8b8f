package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Tones of the phones and of our ring-back, in Hz: scripts/sipp/tone-a.alaw, tone-b.alaw, flow.DefaultRingback.
const (
	toneA, toneB, ringTone = 600, 1000, 450
)

// sec is that many seconds.
func sec(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// masked are the calls that run at the same time in one house, each with numbers, phones and a trunk of its own.
func masked() []scene {
	ok := want{final: 200, events: answered, hungUpBy: 1, talk: sec(3)}
	ring := phone{scenario: "callee-answer", ring: sec(1.5)}
	say := phone{scenario: "caller-plain", talk: sec(3)}
	stays := phone{scenario: "caller-waits"}
	failing := func(name string, callee phone, w want) scene {
		return scene{name: name, expect: fmt.Sprintf("%s as early media, then %d; CDR %d, cause %d", w.prompt, w.final, w.state, w.q850),
			caller: say, callee: []phone{callee}, want: w}
	}
	refusal := func(name string, caller phone, state int, prompt string) scene {
		return scene{name: name, expect: fmt.Sprintf("B is not rung; %s as early media, then 603; CDR %d", prompt, state), caller: caller,
			want: want{final: 603, state: state, events: refused, prompt: prompt}}
	}
	scenes := []scene{
		{name: "A calls B (180)", expect: "both connected, B sees X, ladder of events, one CDR", caller: say, callee: []phone{ring}, want: ok, extra: hearsRing},
		{name: "B calls A", expect: "the same from the other side", fromB: true, caller: say, callee: []phone{ring}, want: ok, extra: hearsRing},
		{name: "183, early media", expect: "A hears B's network before the answer", caller: say, callee: []phone{{scenario: "callee-early", ring: sec(2)}}, want: ok, extra: hearsNetwork},
		{name: "180, then 183", expect: "A hears ring-back, then B's network", caller: say, callee: []phone{{scenario: "callee-ring-early", ring: sec(2)}}, want: ok, extra: hearsNetwork},
		{name: "neither 180 nor 183", expect: "A hears ring-back all the same", caller: say, callee: []phone{{scenario: "callee-silent-answer", ring: sec(3)}},
			want: want{final: 200, events: "callin callout answer disconnect", hungUpBy: 1, talk: sec(3)}, extra: hearsRing},
		{name: "preVoice", expect: "A hears the tenant's tone, then ring-back", caller: say, callee: []phone{{scenario: "callee-answer", ring: sec(8)}}, want: ok,
			bind: map[string]any{"preVoice": map[string]any{"callerHintTone": "wait.wav"}}, extra: func(e *evidence) {
				e.hears("wait.wav")
				hearsTone(e)
			}},
		failing("B busy after 15 s", phone{scenario: "callee-busy", ring: sec(15)}, want{final: 486, state: 8102, q850: 17, sip: 486, events: rang, prompt: "busy.wav"}),
		failing("early media, then busy", phone{scenario: "callee-early-busy", ring: sec(2)}, want{final: 486, state: 8102, q850: 17, sip: 486, events: rang, prompt: "busy.wav"}),
		failing("no answer in 90 s", phone{scenario: "callee-no-answer"}, want{final: 480, state: 8035, q850: 19, sip: 487, events: rang, prompt: "no_answer.wav"}),
		failing("404", phone{scenario: "callee-404"}, want{final: 404, state: 8100, q850: 1, sip: 404, events: unrung, prompt: "not_exist.wav"}),
		failing("480", phone{scenario: "callee-480"}, want{final: 408, state: 8103, q850: 18, sip: 480, events: unrung, prompt: "unreachable.wav"}),
		failing("603", phone{scenario: "callee-603"}, want{final: 603, state: 7503, q850: 21, sip: 603, events: unrung, prompt: "rejected.wav"}),
		failing("600", phone{scenario: "callee-600"}, want{final: 486, state: 8102, q850: 17, sip: 600, events: unrung, prompt: "busy.wav"}),
		{name: "B answers after 65 s", expect: "connected: the switch's own 60 s do not cut it", caller: say, callee: []phone{{scenario: "callee-answer", ring: sec(65)}}, want: ok},
		{name: "A gives up while it rings", expect: "487; CDR 7502", caller: phone{scenario: "caller-cancel", ring: sec(3)}, callee: []phone{{scenario: "callee-no-answer"}},
			want: want{final: 487, state: 7502, q850: 16, sip: 487, events: rang, hungUpBy: 1}},
		{name: "B hangs up first", expect: "A is ended; hung up by 2", caller: stays, callee: []phone{{scenario: "callee-hangs-up", ring: sec(1), talk: sec(3)}},
			want: want{final: 200, events: answered, hungUpBy: 2, talk: sec(3)}},
		{name: "talk without limits", expect: "stays up, beyond what any default would cut", caller: phone{scenario: "caller-plain", talk: sec(100)}, callee: []phone{ring},
			want: want{final: 200, events: answered, hungUpBy: 1, talk: sec(100)}},
		{name: "recording, hint tone", expect: "stereo file, A left, B right; both hear the hint", caller: phone{scenario: "caller-audio", talk: sec(12)},
			callee: []phone{{scenario: "callee-answer-audio", ring: sec(1)}}, bind: map[string]any{"recordFlag": "true", "recordHintTone": "record_hint.wav"},
			want: want{final: 200, events: answered, hungUpBy: 1, talk: sec(12)}, extra: isRecorded},
		{name: "maxDuration 1", expect: "the switch ends it after 60 s; CDR 8010", caller: stays, callee: []phone{ring}, bind: map[string]any{"maxDuration": 1},
			want: want{final: 200, state: 8010, events: answered, talk: sec(60)}},
		{name: "maxDuration 2, lastMinVoice", expect: "both hear the prompt; ended after 120 s; CDR 8010", caller: stays, callee: []phone{ring},
			bind: map[string]any{"maxDuration": 2, "lastMinVoice": "last_minute.wav"}, want: want{final: 200, state: 8010, events: answered, talk: sec(120)},
			extra: func(e *evidence) {
				e.hearsToo("A", e.a.media, "last_minute.wav")
				e.hearsToo("B", e.bs[0].media, "last_minute.wav")
			}},
		{name: "A: re-INVITE, UPDATE, INFO", expect: "no number crosses", caller: phone{scenario: "caller-reinvite", talk: sec(2)}, callee: []phone{ring},
			want: want{final: 200, events: answered, hungUpBy: 1}},
		{name: "B: re-INVITE, UPDATE, INFO", expect: "no number crosses", caller: phone{scenario: "caller-plain", talk: sec(6)}, callee: []phone{{scenario: "callee-reinvite", ring: sec(1)}},
			want: want{final: 200, events: answered, hungUpBy: 1}},
		{name: "A: REFER", expect: "refused, the call goes on", caller: phone{scenario: "caller-refer", talk: sec(2), keys: []string{"target", "9999"}}, callee: []phone{ring},
			want: want{final: 200, events: answered, hungUpBy: 1}},
		{name: "B: REFER", expect: "refused, the call goes on", caller: phone{scenario: "caller-plain", talk: sec(4)}, callee: []phone{{scenario: "callee-refer", ring: sec(1), keys: []string{"target", "9999"}}},
			want: want{final: 200, events: answered, hungUpBy: 1}},
		{name: "takeover by Replaces", expect: "stranger refused, trunk put down at once; the two talk on", caller: phone{scenario: "caller-plain", talk: sec(25)}, callee: []phone{ring},
			intruders: []phone{{scenario: "caller-replaces", from: "127.0.0.2"}, {scenario: "caller-replaces"}}, want: want{final: 200, events: answered, hungUpBy: 1, talk: sec(25)}},
		{name: "both name themselves in every header", expect: "no number crosses", caller: phone{scenario: "caller-loud", talk: sec(3)}, callee: []phone{{scenario: "callee-loud", ring: sec(1)}}, want: ok},
		{name: "PAI trunk, From hidden", expect: "known by P-Asserted-Identity; B sees X", caller: phone{scenario: "caller-hidden", talk: sec(3), from: "127.0.0.3"}, callee: []phone{ring}, want: ok},
		{name: "PAI trunk", expect: "connected; B sees X", caller: phone{scenario: "caller-pai", talk: sec(3), from: "127.0.0.3"}, callee: []phone{ring}, want: ok},
		shows("P-Asserted-Identity", "show_in: [p-asserted-identity]", "+86"),
		shows("P-Preferred-Identity", "show_in: [p-preferred-identity], from_domain: carrier.example", "+86"),
		shows("Remote-Party-ID", "show_in: [remote-party-id], dial_form: e164", "86"),
		shows("From", "dial_form: national", ""),
		refusal("hidden caller", phone{scenario: "caller-unknown"}, 8014, "no_binding.wav"),
		refusal("spoofed A on a trunk nobody vouches for", phone{scenario: "caller-plain", from: "127.0.0.4"}, 8014, "no_binding.wav"),
		{name: "stranger", expect: "403, counted, no CDR", caller: phone{scenario: "caller-plain", from: "127.0.0.2"}, want: want{final: 403, silent: true}},
	}
	unknown := refusal("unknown caller", say, 8014, "no_binding.wav")
	unknown.other = true
	barred := refusal("A may not call", say, 8016, "direction_forbidden.wav")
	barred.bind = map[string]any{"callDirection": 2}
	expired := refusal("expired binding", say, 8014, "no_binding.wav")
	expired.bind, expired.after = map[string]any{"duration": 60}, sec(61.5)
	return append(scenes, unknown, barred, expired)
}

// shows is a hidden caller over a trunk that wants X in a header beside From, and numbers with a prefix.
func shows(header, way, prefix string) scene {
	return scene{name: "X in " + header, expect: "and nothing else; " + way, way: ", " + way, caller: phone{scenario: "caller-hidden", talk: sec(2), from: "127.0.0.3"},
		callee: []phone{{scenario: "callee-answer", ring: sec(1)}}, want: want{final: 200, events: answered, hungUpBy: 1, talk: sec(2)}, extra: func(e *evidence) {
			invite, _ := find(e.toB, 0, "INVITE")
			if !strings.HasPrefix(invite.first(), "INVITE sip:"+prefix+e.reaches+"@") {
				e.fault("B is not dialled as the trunk wants it")
			}
			for _, h := range []string{"From", "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"} {
				want := h == "From" || h == header
				if got := strings.Contains(invite.header(h), "sip:"+prefix+e.who.x+"@"); got != want {
					e.fault("X in %s: %t, want %t", h, got, want)
				}
			}
			if privacy := invite.header("Privacy"); privacy != "" {
				e.fault("Privacy: %s would hide X", privacy)
			}
		}}
}

// hearsRing checks that A was told to ring (180: his own network makes the sound), or heard our ring-back before the answer.
func hearsRing(e *evidence) {
	if m, rings := find(e.toA, 180, "INVITE"); rings && m.at.Before(e.answeredAt().Add(-sec(0.8))) {
		return
	}
	hearsTone(e)
}

// hearsTone checks that A heard ring-back of ours before the answer.
func hearsTone(e *evidence) {
	if s := seconds(e.until(e.a.media, e.answeredAt()), ringTone); s < 0.8 {
		e.fault("A heard %.1f s of ring-back", s)
	}
}

// hearsNetwork checks that A heard B's early media before the answer.
func hearsNetwork(e *evidence) {
	if s := seconds(e.until(e.a.media, e.answeredAt()), toneB); s < 0.8 {
		e.fault("A heard %.1f s of B's early media", s)
	}
}

// isRecorded checks the file of a recorded call, and that both heard that they are recorded.
func isRecorded(e *evidence) {
	e.hearsToo("A", e.a.media, "record_hint.wav")
	e.hearsToo("B", e.bs[0].media, "record_hint.wav")
	if e.record.RecordFlag != 1 {
		e.fault("recordFlag is %d", e.record.RecordFlag)
		return
	}
	w, err := readWAV(e.h.recording(e.record.RecordObjectName))
	if err != nil {
		e.fault("the recording: %s", err)
		return
	}
	if w.channels != 2 || w.rate != sampleRate || w.bits != 16 {
		e.fault("the recording has %d channels, %d Hz, %d bits", w.channels, w.rate, w.bits)
		return
	}
	left, right := w.channel(0), w.channel(1)
	// The hint takes some seconds of the twelve.
	if a, b := seconds(left, toneA), seconds(right, toneB); a < 3 || b < 3 {
		e.fault("the recording has %.1f s of A on the left, %.1f s of B on the right", a, b)
	}
	if a, b := seconds(right, toneA), seconds(left, toneB); a > 0.3 || b > 0.3 {
		e.fault("the recording has %.1f s of A on the right, %.1f s of B on the left", a, b)
	}
}

// recording finds a recorded file below the house's directory.
func (h *house) recording(name string) string {
	found := filepath.Join(h.in("recordings"), name)
	_ = filepath.WalkDir(h.in("recordings"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() == name {
			found = path
		}
		return nil
	})
	return found
}
