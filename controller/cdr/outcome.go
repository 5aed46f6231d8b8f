package cdr

import (
	"slices"
	"time"

	"maskline/esl"
	"maskline/models"
)

// Outcome is how a call ended: the codes of the disconnect event and the CDR.
type Outcome struct {
	State     models.StateCode
	OutQ850   int // callOutUnaswRsn: cause of leg 1's failure in a placed call
	Q850      int // fwdUnaswRsn: cause of leg 2's failure, 0 when it was answered or never dialled
	SIPStatus int // of leg 2's failure
	HungUpBy  int // 1 caller, 2 callee, 0 the platform or unknown
}

// Who hung up (callRelDirection, spec/privatenumber.md §4.4).
const (
	byCaller = 1
	byCallee = 2
)

// Legs is a call's legs as known so far.
type Legs struct {
	A  Leg   // leg 1; of a placed call the one of As that counts
	As []Leg // leg 1 of a placed call, one for each trunk that was tried; empty in a call that came in
	Bs []Leg // in the order in which they were dialled: the first trunk tried stands first
	// Placed says that leg 1 is one that we dialled.
	Placed bool
}

// Add merges a report into the leg it is of, or adds the leg.
func (ls *Legs) Add(l Leg) {
	first := l.Role == "a" || l.ID == ls.A.ID
	switch {
	case first && ls.Placed:
		ls.As = merged(ls.As, l)
		ls.A, _ = furthest(ls.As)
	case first:
		ls.A = ls.A.Merge(l)
	default:
		ls.Bs = merged(ls.Bs, l)
	}
}

// merged is a list of legs with what l knows. Reports come in any order; the order of dialling is that of creation.
func merged(list []Leg, l Leg) []Leg {
	for i := range list {
		if list[i].ID == l.ID {
			list[i] = list[i].Merge(l)
			return list
		}
	}
	list = append(list, l)
	for i := len(list) - 1; i > 0 && before(list[i], list[i-1]); i-- {
		list[i], list[i-1] = list[i-1], list[i]
	}
	return list
}

func before(a, b Leg) bool {
	if a.Created.Equal(b.Created) {
		return a.ID < b.ID
	}
	return !a.Created.IsZero() && (b.Created.IsZero() || a.Created.Before(b.Created))
}

// Callee is the leg 2 that counts: the answered one, else the one that got furthest, else the last tried. ok is false when none was dialled.
func (ls Legs) Callee() (l Leg, ok bool) { return furthest(ls.Bs) }

func furthest(list []Leg) (l Leg, ok bool) {
	for _, b := range list {
		switch {
		case !ok, !b.Answered.IsZero(), l.Answered.IsZero() && (l.Alerted().IsZero() || !b.Alerted().IsZero()):
			l, ok = b, true
		}
		if !l.Answered.IsZero() {
			return l, true
		}
	}
	return l, ok
}

// Over says that every leg that is known has ended.
func (ls Legs) Over() bool {
	return !ls.A.HungUp.IsZero() && !slices.ContainsFunc(ls.As, stands) && (len(ls.Bs) == 0 || ls.CalleesOver())
}

func stands(l Leg) bool { return l.HungUp.IsZero() }

// CalleesOver says that leg 2 was dialled, and that every leg of it that is known has ended.
func (ls Legs) CalleesOver() bool {
	return len(ls.Bs) > 0 && !slices.ContainsFunc(ls.Bs, stands)
}

// Honest is the source that a record made of these legs may claim, where what came of them came from s.
func (ls Legs) Honest(s models.Source) models.Source {
	switch {
	case ls.Placed && len(ls.As) == 0: // nobody was dialled, or s says that nobody knows
		return s
	case ls.A.HungUp.IsZero():
		return models.SourceLost
	case !ls.Over():
		return models.SourcePartial
	case s == models.SourceLost: // every end was told after all
		return models.SourceResync
	}
	return s
}

// Outcome judges a call by its plan and its legs. stopped says that the customer ended it with callStop.
func (ls Legs) Outcome(plan models.Plan, stopped bool) Outcome {
	b, dialled := ls.Callee()
	switch {
	case plan.Place != nil:
		return ls.placed(*plan.Place, stopped)
	case plan.Refuse != nil:
		return Outcome{State: plan.Refuse.State}
	case dialled && !b.Answered.IsZero():
		return answered(ls.A, b, stopped)
	case stopped:
		return Outcome{State: models.StoppedByCustomer, Q850: 16}
	case callerLeft(ls.A, b, dialled):
		return abandoned(b, dialled)
	case plan.Connect == nil:
		return Outcome{State: models.Abnormal}
	case !dialled:
		return Outcome{State: models.RoutingFailed}
	default:
		return failed(b, plan.Connect.AnswerIn)
	}
}

func answered(a, b Leg, stopped bool) Outcome {
	o := Outcome{}
	switch {
	case a.Disposition == recvBye:
		o.HungUpBy = byCaller
	case b.Disposition == recvBye:
		o.HungUpBy = byCallee
	}
	switch {
	case stopped:
		o.State, o.HungUpBy = models.StoppedByCustomer, 0
	case o.HungUpBy == 0 && (b.Cause == esl.AllottedTimeout || a.Cause == esl.AllottedTimeout):
		o.State = models.DurationReached
	case o.HungUpBy == 0 && (lost(a) || lost(b)):
		o.State = models.Abnormal
	}
	return o
}

// lost says that the switch itself broke the leg off: nobody hung up.
func lost(l Leg) bool {
	switch l.Cause {
	case esl.NormalTemporaryFailure, esl.RecoveryOnTimerExpire, "MEDIA_TIMEOUT", "SYSTEM_SHUTDOWN", "CRASH", "DESTINATION_OUT_OF_ORDER":
		return true
	}
	return l.HungUp.IsZero()
}

// callerLeft says that the caller gave up before the callee answered, and not because the callee had failed. His own leg tells it, or the
// callee's, which the switch then cancelled: their ends come in either order.
func callerLeft(a, b Leg, dialled bool) bool {
	cancelled := b.Cause == esl.OriginatorCancel && b.Disposition != recvRefuse // 487 from the callee by himself is a refusal
	if dialled && cancelled {
		return true
	}
	// A caller who was answered before anybody was dialled leaves with BYE.
	if a.Disposition != recvCancel && a.Cause != esl.OriginatorCancel && a.Disposition != recvBye {
		return false
	}
	// After a failure the caller hears an announcement; to leave during that is no change of outcome.
	return !dialled || b.HungUp.IsZero() || b.Cause == esl.CauseNone || !b.HungUp.Before(a.HungUp)
}

func abandoned(b Leg, dialled bool) Outcome {
	o := Outcome{State: models.CallerLeftEarly, Q850: 16, SIPStatus: 487, HungUpBy: byCaller}
	switch {
	case !dialled:
		return Outcome{State: models.CallerLeftBefore, HungUpBy: byCaller}
	case !b.Alerted().IsZero():
		o.State = models.CallerLeft
	}
	return o
}

// failed maps leg 2's failure (spec/privatenumber.md §9.5).
func failed(b Leg, answerIn time.Duration) Outcome {
	o := Outcome{Q850: b.Q850, SIPStatus: b.SIPStatus, State: stateOf(b.Cause, b.Q850)}
	if o.Q850 == 0 {
		o.Q850 = q850Of(b.Cause)
	}
	switch {
	case b.Cause == esl.AllottedTimeout, b.Cause == esl.NoAnswer && rangOut(b, answerIn):
		// leg_timeout ends an unanswered leg with ALLOTTED_TIMEOUT and Q.850 16 (conf/freeswitch/README.md).
		o.State, o.Q850 = models.AnswerTimeout, 19
	case o.State == models.CalleeRejected && b.SIPStatus == 403:
		o.State = models.CallRefused
	}
	if o.State == models.CalleeRejected {
		o.HungUpBy = byCallee
	}
	return o
}

// rangOut says that our side, not the callee's, ended the ringing. A second of slack: the switch counts its timeout in whole seconds.
func rangOut(b Leg, answerIn time.Duration) bool {
	return b.Disposition == sendCancel || (b.SIPStatus == 0 && !b.HungUp.IsZero() && b.HungUp.Sub(b.Created) >= answerIn-time.Second)
}

var byCause = map[esl.Cause]models.StateCode{
	esl.UnallocatedNumber:     models.CalleeNotExist,
	esl.NumberChanged:         models.CalleeNotExist,
	esl.UserBusy:              models.CalleeBusy,
	esl.NoUserResponse:        models.CalleeUnreachable,
	esl.NoAnswer:              models.CalleeNoAnswer,
	esl.RecoveryOnTimerExpire: models.CalleeNoAnswer,
	esl.ProgressTimeout:       models.CalleeNoAnswer,
	esl.SubscriberAbsent:      models.CalleePoweredOff,
	esl.UserNotRegistered:     models.CalleePoweredOff,
	esl.CallRejected:          models.CalleeRejected,
	esl.DestinationOutOfOrder: models.CalleeOutOfOrder,
	esl.OutgoingCallBarred:    models.CallRefused,
	esl.IncomingCallBarred:    models.CallRefused,
	esl.NoRouteDestination:    models.RoutingFailed,
	"NO_ROUTE_TRANSIT_NET":    models.RoutingFailed,
	"INVALID_GATEWAY":         models.RoutingFailed,
	esl.GatewayDown:           models.RoutingFailed,
}

// byQ850 serves causes that the switch has no name of ours for.
var byQ850 = map[int]models.StateCode{
	1: models.CalleeNotExist, 2: models.RoutingFailed, 3: models.RoutingFailed, 17: models.CalleeBusy, 18: models.CalleeUnreachable, 19: models.CalleeNoAnswer,
	20: models.CalleePoweredOff, 21: models.CalleeRejected, 22: models.CalleeNotExist, 27: models.CalleeOutOfOrder, 102: models.CalleeNoAnswer,
}

func stateOf(c esl.Cause, q850 int) models.StateCode {
	if s, ok := byCause[c]; ok {
		return s
	}
	if s, ok := byQ850[q850]; ok {
		return s
	}
	return models.CalleeNetwork
}

// q850Of serves causes that came without a number, and those of the switch that have none.
func q850Of(c esl.Cause) int {
	switch c {
	case esl.UserNotRegistered:
		return 20
	case esl.GatewayDown, "INVALID_GATEWAY":
		return 38
	case esl.ProgressTimeout:
		return 19
	}
	if n := c.Q850(); n != 0 {
		return n
	}
	return 127
}
