package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"maskline/esl/sim"
)

// kind is what a call is meant to be.
type kind string

// The kinds of calls.
const (
	talks    kind = "talk"     // B answers and they talk
	longRing kind = "long"     // B rings long, then answers
	recorded kind = "recorded" // a binding that records
	endless  kind = "endless"  // nobody hangs up: the longest talk ends it
	busy     kind = "busy"     // B is busy, or rejects
	absent   kind = "absent"   // B never answers; A gives up
	leaves   kind = "leaves"   // A gives up while B rings
	unbound  kind = "unbound"  // nobody bound the caller
	ax       kind = "ax"       // anybody calls an AX number
	axe      kind = "axe"      // keys an extension
	notice   kind = "notice"   // a notification that the platform places
)

// modeNotice is the mode of a notification's session.
const modeNotice = "callnotify"

// placed is a call of the plan, and what became of it.
type placed struct {
	at     time.Duration // from the round's beginning
	kind   kind
	sw     int
	pair   int // which binding
	script sim.CallScript
	notify string // whom a notification calls

	leg     string // its first leg on the switch, once it was placed
	session string // of a notification that was accepted
}

// answers says that the phone's script picks up if it rings.
func (p placed) answers() bool {
	switch p.kind {
	case busy, absent, leaves, unbound:
		return false
	default:
		return true
	}
}

// pairs is how many bindings there are of each sort.
const (
	pairs     = 200
	perNumber = 50
	axNumbers = 20
)

// The numbers. Who calls whom follows from the pair.
func callerOf(pair int) string    { return fmt.Sprintf("+86138%08d", pair) }
func calleeOf(pair int) string    { return fmt.Sprintf("+86139%08d", pair) }
func numberOf(pair int) string    { return fmt.Sprintf("+8617%09d", pair/perNumber) }
func axNumberOf(n int) string     { return fmt.Sprintf("+8618%09d", n) }
func axOwnerOf(n int) string      { return fmt.Sprintf("+86137%08d", n) }
func strangerOf(n int) string     { return fmt.Sprintf("+86136%08d", n) }
func noticeCalleeOf(n int) string { return fmt.Sprintf("+86135%08d", n) }

const (
	axeNumber   = "+8619000000001"
	voiceNumber = "+8619500000001"
)

// share is a part of the load.
type share struct {
	kind  kind
	parts int
}

func shares(z size) []share {
	s := []share{{talks, 40}, {longRing, 12}, {recorded, 12}, {endless, 2}, {busy, 6}, {absent, 3}, {leaves, 7}, {unbound, 5}, {ax, 6}, {axe, 4}}
	if z.voice {
		s = append(s, share{notice, 3})
	}
	if z.load < longestTalk/4 {
		s = slices.DeleteFunc(s, func(x share) bool { return x.kind == endless })
	}
	return s
}

// newCalls makes the load of a round: calls at random moments, z.rate a second.
func newCalls(r *rand.Rand, z size, load time.Duration) []placed {
	var all []placed
	for at := time.Duration(0); ; {
		at += time.Duration(r.ExpFloat64() / z.rate * float64(time.Second))
		if at >= load {
			return all
		}
		all = append(all, newCall(r, z, at, load))
	}
}

func newCall(r *rand.Rand, z size, at, load time.Duration) placed {
	p := placed{at: at, kind: pick(r, shares(z)), sw: r.IntN(z.switches), pair: r.IntN(pairs)}
	between := func(least, most time.Duration) sim.Wait {
		return sim.Wait(least + time.Duration(r.Int64N(int64(most-least)+1)))
	}
	b := &sim.PhoneScript{Rings: between(200*time.Millisecond, 2*time.Second)}
	s := sim.CallScript{From: callerOf(p.pair), To: numberOf(p.pair), Callee: b}
	if r.IntN(2) == 0 {
		s.HangsUp = between(time.Second, z.talk)
	} else {
		b.HangsUp = between(time.Second, z.talk)
	}
	switch p.kind {
	case longRing:
		b.Rings = between(z.talk/4, z.talk)
	case recorded:
		p.pair += pairs
		s.From, s.To = callerOf(p.pair), numberOf(p.pair)
	case endless:
		if at < load/3 { // it lasts a minute; a late one would hold the round up
			s.HangsUp, b.HangsUp = 0, 0
		}
	case busy:
		b.Busy, b.Rejects = r.IntN(2) == 0, true
		if b.Busy {
			b.Rejects = false
		}
	case absent, leaves:
		b.NoAnswer, s.Cancels = true, between(time.Second, z.talk)
	case unbound:
		s.From = strangerOf(p.pair)
	case ax:
		s.From, s.To = strangerOf(p.pair), axNumberOf(r.IntN(axNumbers))
	case axe:
		s.From, s.To = strangerOf(p.pair), axeNumber
		s.Digits, s.Early, s.After = "1234", true, between(500*time.Millisecond, 2*time.Second)
	case notice:
		p.notify = noticeCalleeOf(p.pair)
	}
	p.script = s
	return p
}

func pick(r *rand.Rand, from []share) kind {
	total := 0
	for _, s := range from {
		total += s.parts
	}
	n := r.IntN(total)
	for _, s := range from {
		if n < s.parts {
			return s.kind
		}
		n -= s.parts
	}
	return talks
}
