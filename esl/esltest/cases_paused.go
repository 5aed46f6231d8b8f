package esltest

import (
	"context"
	"strings"
	"time"

	"maskline/esl"
)

// Cases of a switch that is told to take no new calls.

// fsctl controls the switch itself.
func (b *bench) fsctl(arg string) string {
	b.t.Helper()
	text, err := b.sw.API(b.ctx, "fsctl", arg)
	b.ok(err, "fsctl "+arg)
	return strings.TrimSpace(text)
}

// resume ends what a case has paused, however it ends: a real switch serves the next case too.
func (b *bench) resume() {
	if _, err := b.sw.API(b.ctx, "fsctl", "resume"); err != nil {
		b.t.Errorf("fsctl resume: %v", err)
	}
}

func (b *bench) paused(direction, want string) {
	b.t.Helper()
	if got := b.fsctl(strings.TrimSpace("pause_check " + direction)); got != want {
		b.t.Errorf("pause_check %s: %s, want %s", direction, got, want)
	}
}

// sessions waits until the switch counts so many legs: one that has ended leaves the count after its last event.
func (b *bench) sessions(want string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		text, err := b.sw.API(ctx, "status", "")
		b.ok(err, "status")
		if strings.Contains(text, "\n"+want+" session(s) - peak ") {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Paused for calls from outside: a new caller gets 503 and nobody hears of him; a call that is up still dials its second party.
func pausedInbound(b *bench) {
	defer b.resume()
	b.sessions("0")
	b.paused("inbound", "false")
	b.lab.Phone(b.t, 0, Phone{Does: Answers})
	b.lab.Phone(b.t, 1, Phone{Does: HangsUp, Talk: time.Second})
	p := b.place(nil, app("playback", "silence_stream://4000"), toB())
	b.event(p, esl.Answered, p.ID())
	if got := b.fsctl("pause inbound"); got != "+OK" {
		b.t.Errorf("pause inbound: %q", got)
	}
	b.paused("inbound", "true")
	b.paused("outbound", "false")
	b.paused("", "false")
	b.sessions("1")
	b.saw(b.lab.Call(b.t, numberX, Caller{}), 503)
	b.event(p, esl.Answered, p.b)
	b.want(b.event(p, esl.HungUp, p.b), "Hangup-Cause", "NORMAL_CLEARING", "variable_sip_hangup_disposition", "recv_bye")
	b.event(p, esl.HungUp, p.ID())
	select {
	case a := <-b.arrived:
		b.t.Errorf("the refused call arrived: %s", a.call.ID())
	case e := <-b.stranger:
		b.t.Errorf("the refused call was told of as a stranger's: %s", e.Leg)
	default:
	}
	b.sessions("0")
}

// Paused for both: the switch dials nobody any more. Resumed it takes and places calls as before.
func pausedAll(b *bench) {
	defer b.resume()
	b.fsctl("pause")
	b.paused("", "true")
	b.paused("inbound", "true")
	b.paused("outbound", "true")
	b.lab.Phone(b.t, 0, Phone{Does: Answers})
	b.failed(b.place(nil, app("playback", b.lab.Sound())), esl.DestinationOutOfOrder)
	b.seen = nil
	b.fsctl("resume outbound")
	b.paused("", "false")
	b.paused("inbound", "true")
	p := b.place(nil, app("playback", b.lab.Sound()))
	b.want(b.event(p, esl.HungUp, p.ID()), "Hangup-Cause", "NORMAL_CLEARING")
	b.fsctl("resume")
	b.paused("inbound", "false")
	b.seen = nil
	call, line := b.claimed(Caller{})
	b.ok(call.Hangup(b.ctx, call.ID(), esl.UserBusy), "hang up")
	b.event(call, esl.HungUp, call.ID())
	b.saw(line, 486)
}
