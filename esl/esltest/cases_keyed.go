package esltest

import (
	"time"

	"maskline/esl"
)

// Cases of keys that the party of a placed call presses, by RFC 2833.

// keyedBy places a call to somebody who presses keys, the first so long after the answer, one every 400 ms, and gives the end of the leg.
func (b *bench) keyedBy(keys string, after time.Duration, then ...esl.App) (placement, esl.Event) {
	b.t.Helper()
	b.lab.Phone(b.t, 0, Phone{Does: Answers, Keys: keys, KeysAfter: after})
	p := b.place(nil, then...)
	return p, b.event(p, esl.HungUp, p.ID())
}

const second = "silence_stream://1000"

func scriptRead(b *bench) {
	_, e := b.keyedBy("12", 2*time.Second, app("playback", second), app("read", "1 4 silence probe 4000 none 2000"))
	b.want(e, "variable_probe", "12", "variable_read_result", "timeout", "variable_read_terminator_used", "")
}

func scriptReadFull(b *bench) {
	_, e := b.keyedBy("1#3", 2*time.Second, app("playback", second), app("read", "1 3 silence probe 4000 none 2000"))
	b.want(e, "variable_probe", "1#3", "variable_read_result", "success", "variable_read_terminator_used", "")
}

func scriptReadHash(b *bench) {
	_, e := b.keyedBy("7#", 2*time.Second, app("playback", second), app("read", "1 4 silence probe 4000 # 2000"))
	b.want(e, "variable_probe", "7", "variable_read_result", "success", "variable_read_terminator_used", "#")
}

func scriptReadNothing(b *bench) {
	p, e := b.keyedBy("", 0, app("playback", second), app("read", "1 4 silence probe 2000 none 2000"), app("playback", second))
	b.want(e, "variable_probe", "", "variable_read_result", "failure", "variable_read_terminator_used", "")
	b.steps(p, "playback FILE PLAYED", "read _none_", "playback FILE PLAYED")
}

func scriptBargeIn(b *bench) {
	_, e := b.keyedBy("12", time.Second, app("read", "1 2 silence_stream://9000 probe 2000 none 2000"))
	b.want(e, "variable_probe", "12", "variable_read_result", "success")
	if d := e.Micros("Caller-Channel-Hangup-Time").Sub(e.Micros("Caller-Channel-Answered-Time")); d > 6*time.Second {
		b.t.Errorf("the prompt was not cut: %v", d)
	}
}

// Keys during a prompt are dropped, whatever they are, and no later read gets them.
func scriptKeysDropped(b *bench) {
	p, e := b.keyedBy("1*2", time.Second, app("set", "playback_terminators=none"), app("playback", "silence_stream://4000"), app("read", "1 4 silence probe 2000 # 2000"))
	b.want(e, "variable_probe", "", "variable_read_result", "failure", "variable_playback_terminator_used", "")
	b.steps(p, "set _none_", "playback FILE PLAYED", "read _none_")
	if d := e.Micros("Caller-Channel-Hangup-Time").Sub(e.Micros("Caller-Channel-Answered-Time")); d < 5*time.Second {
		b.t.Errorf("a key cut the prompt: %v", d)
	}
}

// `*` ends a prompt where nothing else is said.
func scriptKeyStar(b *bench) {
	_, e := b.keyedBy("*", time.Second, app("playback", "silence_stream://9000"))
	b.want(e, "variable_playback_terminator_used", "*")
	if d := e.Micros("Caller-Channel-Hangup-Time").Sub(e.Micros("Caller-Channel-Answered-Time")); d > 6*time.Second {
		b.t.Errorf("the prompt was not cut: %v", d)
	}
}

// The first key ends a sleep and is kept.
func scriptKeyWakes(b *bench) {
	_, e := b.keyedBy("12", time.Second, app("sleep", "9000"), app("read", "1 2 silence probe 2000 # 2000"))
	b.want(e, "variable_probe", "12", "variable_read_result", "success")
}

func scriptSleepEats(b *bench) {
	_, e := b.keyedBy("12", time.Second, app("set", "sleep_eat_digits=true"), app("sleep", "3000"), app("read", "1 2 silence probe 2000 # 2000"))
	b.want(e, "variable_probe", "", "variable_read_result", "failure")
}
