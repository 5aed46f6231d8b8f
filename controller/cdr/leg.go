// Package cdr makes one CDR from what is known of a call's legs. It is pure: reports may come in any order, twice, from events, from a
// snapshot after a lost link, or from the switch's own record of a leg, and the result is the same (DESIGN §6.3).
package cdr

import (
	"strconv"
	"strings"
	"time"

	"maskline/esl"
)

// Leg is what is known of one leg. The zero time means that the stage was not reached or not seen.
type Leg struct {
	ID            string
	Call          string // maskline_call
	Role          string // "a" or "b"
	Trunk         string // the gateway a dialled leg went out through
	Host          string // of its session id, where that is not its switch's: a placed call keeps the id that it was accepted with
	Created       time.Time
	Progress      time.Time // 180
	ProgressMedia time.Time // 183
	Answered      time.Time
	HungUp        time.Time
	Cause         esl.Cause
	Q850          int
	SIPStatus     int // the final response of the far end, when that was a failure
	Disposition   string
	// Keyed is what was keyed on leg 1 of a placed call, one input after the other, with - between them.
	Keyed string
	// Invite is what leg 1 of a call that came in was made by. Only the reports of an ended leg have it.
	Invite Invite
}

// Left says that the caller gave up by himself before anybody was dialled for him.
func (l Leg) Left() bool { return callerLeft(l, Leg{}, false) }

// InputVar is the variable that holds what was keyed n-th, from 1. It stays on the leg, so that a daemon that was away still reads it.
func InputVar(n int) string { return "maskline_digits_" + strconv.Itoa(n) }

// keyed gathers the inputs that stand on a leg.
func keyed(variable func(string) string) string {
	var inputs []string
	for n := 1; ; n++ {
		digits := variable(InputVar(n))
		if digits == "" {
			return strings.Join(inputs, "-")
		}
		inputs = append(inputs, digits)
	}
}

// Disposition values of sofia that tell who ended a leg (mod_sofia.c, sip_hangup_disposition).
const (
	recvBye    = "recv_bye"
	recvCancel = "recv_cancel"
	sendCancel = "send_cancel"
	recvRefuse = "recv_refuse"
)

// Alerted is when the callee's side first showed that it rings.
func (l Leg) Alerted() time.Time { return earliest(l.Progress, l.ProgressMedia) }

// Merge adds what o knows of the same leg. It is commutative and idempotent.
func (l Leg) Merge(o Leg) Leg {
	l.ID, l.Call, l.Role = max(l.ID, o.ID), max(l.Call, o.Call), max(l.Role, o.Role)
	l.Trunk, l.Host = max(l.Trunk, o.Trunk), max(l.Host, o.Host)
	l.Created, l.Progress, l.ProgressMedia = earliest(l.Created, o.Created), earliest(l.Progress, o.Progress), earliest(l.ProgressMedia, o.ProgressMedia)
	l.Answered, l.HungUp = earliest(l.Answered, o.Answered), earliest(l.HungUp, o.HungUp)
	l.Cause, l.Disposition = max(l.Cause, o.Cause), max(l.Disposition, o.Disposition)
	l.Keyed = max(l.Keyed, o.Keyed) // one that knows more begins as the other does
	if o.Invite.Known() {
		l.Invite = l.Invite.merge(o.Invite)
	}
	l.Q850, l.SIPStatus = max(l.Q850, o.Q850), max(l.SIPStatus, o.SIPStatus)
	return l
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// FromEvent reads a leg's state out of any of its events: each carries the times of the stages before it.
func FromEvent(e esl.Event) Leg {
	l := Leg{
		ID: e.Leg, Call: e.Call, Role: e.Role, Trunk: e.Var("maskline_trunk"), Host: e.Var("maskline_host"),
		Created:       e.Micros("Caller-Channel-Created-Time"),
		Progress:      e.Micros("Caller-Channel-Progress-Time"),
		ProgressMedia: e.Micros("Caller-Channel-Progress-Media-Time"),
		Answered:      e.Micros("Caller-Channel-Answered-Time"),
	}
	if l.Role == "a" {
		l.Keyed = keyed(e.Var)
	}
	switch e.Kind {
	case esl.Progress:
		l.Progress = earliest(l.Progress, e.At)
	case esl.ProgressMedia:
		l.ProgressMedia = earliest(l.ProgressMedia, e.At)
	case esl.Answered:
		l.Answered = earliest(l.Answered, e.At)
	case esl.HungUp:
		l.HungUp = e.Micros("Caller-Channel-Hangup-Time")
		if l.HungUp.IsZero() {
			l.HungUp = e.At
		}
		l.Cause = esl.Cause(e.Get("Hangup-Cause"))
		l.ended(e.Var)
	}
	return l
}

// ended reads the causes that stand in the variables of a leg that is over.
func (l *Leg) ended(variable func(string) string) {
	l.Q850, _ = strconv.Atoi(variable("hangup_cause_q850"))
	l.Disposition = variable("sip_hangup_disposition")
	// The final response, where it stands most plainly: a redirect that was refused shows only in the second, a cancelled INVITE in the third.
	for _, status := range []string{variable("sip_term_status"), strings.TrimPrefix(variable("proto_specific_hangup_cause"), "sip:"), variable("sip_invite_failure_status")} {
		if n, err := strconv.Atoi(status); err == nil && n >= 300 && n <= 699 {
			l.SIPStatus = n
			return
		}
	}
}
