package esltest

import (
	"strings"

	"maskline/esl"
)

// Cases of digits that a caller keys into `read`, before any answer.

// read asks for two digits and gives the event that ended it.
func (b *bench) read(call esl.Call, prompt string) esl.Event {
	b.t.Helper()
	token, err := call.Execute(b.ctx, call.ID(), "read", "1 2 "+prompt+" probe 2000 # 2000")
	b.ok(err, "read")
	return b.executed(call, token)
}

// keyed is a call whose keys are read, and its end.
func keyed(b *bench, c Caller, listen bool, pairs ...string) {
	call, line := b.claimed(c)
	offers := strings.Contains(b.event(call, esl.Parked, call.ID()).Var("switch_r_sdp"), "telephone-event")
	if offers != (c.KeysAs == AsEvents) {
		b.t.Errorf("telephone-event offered: %t", offers)
	}
	if listen {
		_, err := call.Execute(b.ctx, call.ID(), "start_dtmf", "")
		b.ok(err, "start_dtmf")
	}
	b.want(b.read(call, b.lab.Sound()), append(pairs, "Answer-State", "early")...)
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.saw(line, 480, 183)
}

func digitEvents(b *bench) {
	keyed(b, Caller{Keys: "7*"}, false, "variable_probe", "7*", "variable_read_result", "success", "variable_read_terminator_used", "")
}

func digitInfo(b *bench) {
	keyed(b, Caller{Keys: "34", KeysAs: AsInfo}, false, "variable_probe", "34", "variable_read_result", "success")
}

func digitTones(b *bench) {
	keyed(b, Caller{Keys: "12", KeysAs: AsTones}, true, "variable_probe", "12", "variable_read_result", "success")
}

func digitTonesUnheard(b *bench) {
	keyed(b, Caller{Keys: "12", KeysAs: AsTones}, false, "variable_probe", "", "variable_read_result", "failure")
}

func digitsEnded(b *bench) {
	keyed(b, Caller{Keys: "7#"}, false, "variable_probe", "7", "variable_read_result", "success", "variable_read_terminator_used", "#")
}

// A # that comes after an input of full length would end the next one; `sleep` with sleep_eat_digits drops it.
func digitsLate(b *bench) {
	call, line := b.claimed(Caller{Keys: "99#"})
	b.want(b.read(call, b.lab.Sound()), "variable_probe", "99", "variable_read_result", "success", "variable_read_terminator_used", "")
	b.ok(call.Set(b.ctx, call.ID(), esl.Var{Name: "sleep_eat_digits", Value: "true"}), "set")
	token, err := call.Execute(b.ctx, call.ID(), "sleep", "1000")
	b.ok(err, "sleep")
	b.executed(call, token)
	b.want(b.read(call, "silence"), "variable_probe", "", "variable_read_result", "failure", "variable_read_terminator_used", "")
	b.ok(call.Hangup(b.ctx, call.ID(), esl.NoAnswer), "hang up")
	b.saw(line, 480, 183)
}
