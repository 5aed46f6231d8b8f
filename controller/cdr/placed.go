package cdr

import (
	"maskline/esl"
	"maskline/models"
)

// placed judges a call that we placed (spec/voicecall.md §9.2). Its codes are VoiceCall's: the same number may mean something else in a
// masked call.
func (ls Legs) placed(p models.Place, stopped bool) Outcome {
	b, dialled := ls.Callee()
	switch {
	case dialled && !b.Answered.IsZero():
		return answered(ls.A, b, stopped)
	case stopped:
		return Outcome{State: models.StoppedByCustomer}
	case ls.A.Answered.IsZero():
		return first(ls.A, p)
	case p.Then == nil:
		return heard(ls.A)
	case callerLeft(ls.A, b, dialled):
		return left(b)
	case !dialled:
		return Outcome{State: models.NotConnected}
	default:
		o := failed(b, p.Then.AnswerIn)
		o.State = second(b, o.State)
		return o
	}
}

// first judges a leg 1 that did not answer. Its cause is callOutUnaswRsn.
func first(a Leg, p models.Place) Outcome {
	if a.HungUp.IsZero() && a.Cause == "" {
		return Outcome{State: models.NotConnected} // nobody was dialled, or nobody saw how it ended
	}
	o := failed(a, p.AnswerIn)
	o.State = second(a, o.State)
	o.OutQ850, o.Q850, o.HungUpBy = o.Q850, 0, 0
	if p.Then != nil {
		if of, ok := ofFirst[o.State]; ok {
			o.State = of
		}
	}
	return o
}

// ofFirst are the codes of leg 1 in click-to-dial, where it has a list of its own.
var ofFirst = map[models.StateCode]models.StateCode{
	models.CalleeNotExist:    models.FirstNotExist,
	models.CalleeNoAnswer:    models.FirstNoAnswer,
	models.CalleeBusy:        models.FirstBusy,
	models.CalleeUnreachable: models.FirstUnreachable,
	models.CalleePoweredOff:  models.FirstPoweredOff,
	models.CalleeOutOfOrder:  models.FirstRejected,
}

// second says a failure of a masked call's callee in VoiceCall's words.
func second(l Leg, s models.StateCode) models.StateCode {
	switch s {
	case models.AnswerTimeout:
		return models.RingTimeout
	case models.CalleeRejected, models.CallRefused:
		if !l.Alerted().IsZero() {
			return models.LeftWhileRinging
		}
		return models.CalleeOutOfOrder
	case models.RoutingFailed, models.CalleeNetwork:
		return models.NotConnected
	}
	return s
}

// heard judges a call that one party answered to hear something: whoever ends it, it was delivered.
func heard(a Leg) Outcome {
	o := Outcome{State: models.Hungup}
	switch {
	case a.Disposition == recvBye:
		o.HungUpBy = byCallee
	case a.Cause == esl.AllottedTimeout:
		o.State = models.DurationReached
	case lost(a):
		o.State = models.NotConnected
	}
	return o
}

// left says that leg 1 gave up before leg 2 answered.
func left(b Leg) Outcome {
	o := Outcome{State: models.CallerLeftUnjoined, HungUpBy: byCaller}
	if !b.Created.IsZero() {
		o.Q850, o.SIPStatus = 16, 487
	}
	return o
}
