package freeswitch

import (
	"errors"
	"log/slog"
	"strconv"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

// presence is what presence_data holds before the call's id: the one column of `show channels` that is ours.
const presence = "maskline:"

const heartbeat = "HEARTBEAT"

var kinds = map[string]esl.Kind{
	"CHANNEL_PARK":             esl.Parked,
	"CHANNEL_PROGRESS":         esl.Progress,
	"CHANNEL_PROGRESS_MEDIA":   esl.ProgressMedia,
	"CHANNEL_ANSWER":           esl.Answered,
	"CHANNEL_HANGUP_COMPLETE":  esl.HungUp,
	"CHANNEL_EXECUTE_COMPLETE": esl.Executed,
	"DTMF":                     esl.Digit,
}

// subscription is what the event connection asks for, and nothing else.
func subscription(digits bool) []string {
	names := []string{
		"CHANNEL_PARK", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER", "CHANNEL_HANGUP_COMPLETE",
		"CHANNEL_EXECUTE_COMPLETE", backgroundJob, heartbeat,
	}
	if digits {
		names = append(names, "DTMF")
	}
	return names
}

// eventOf puts the switch's event into the port's words.
func eventOf(kind esl.Kind, h esl.Headers) esl.Event {
	e := esl.Event{
		Kind: kind, Leg: h.Get("Unique-ID"), Call: h.Get("variable_maskline_call"), Role: h.Get("variable_maskline_role"),
		At: stamp(h), Headers: h,
	}
	if kind == esl.Executed {
		e.Token = h.Get("Application-UUID")
	}
	return e
}

// stamp is when the switch made the event; now for one that does not say.
func stamp(h esl.Headers) time.Time {
	n, err := strconv.ParseInt(h.Get("Event-Date-Timestamp"), 10, 64)
	if err != nil || n <= 0 {
		return time.Now().UTC()
	}
	return time.UnixMicro(n).UTC()
}

// dispatch gives an event to its call, or to the handler if it has none.
func (a *attendance) dispatch(raw *wire.Event) {
	name := raw.Name()
	if name == backgroundJob {
		a.placed(raw)
		return
	}
	kind, ok := kinds[name]
	if !ok {
		return
	}
	e := eventOf(kind, raw)
	if kind == esl.HungUp && !a.settled {
		a.ended[e.Leg] = struct{}{}
	}
	c := a.s.book.find(e.Call, e.Leg)
	if c == nil {
		a.unknown(e)
		return
	}
	if kind == esl.Parked && e.Leg == c.id && !c.claimed.Load() {
		return // Arrived has told of this one: nothing runs on the leg, and so parks it again, before it is claimed
	}
	a.deliver(c, e)
}

// deliver puts an event into its call's mailbox and keeps the book of legs.
func (a *attendance) deliver(c *call, e esl.Event) {
	switch e.Kind {
	case esl.HungUp, esl.Lost:
		a.s.book.over(e.Leg)
	case esl.Placed: // may come after the end of the leg that it names
	default:
		a.s.book.saw(c, e)
	}
	switch err := c.box.put(e); {
	case errors.Is(err, esl.ErrClosed): // closed between find and here
		a.unknown(e)
	case err != nil:
		a.s.opt.Logger.Error("call mailbox overflowed", slog.String("call", c.id), slog.Int("events", a.s.opt.Mailbox))
		if a.s.opt.Metrics.Overflow != nil {
			a.s.opt.Metrics.Overflow()
		}
	}
}

// unknown handles an event of no open call.
func (a *attendance) unknown(e esl.Event) {
	switch {
	case e.Kind == esl.Parked && unclaimed(e):
		a.arrived(e)
	case e.Kind != esl.HungUp:
	case e.Call != "":
		a.h.Stray(e)
	case stranger(e):
		a.h.Stranger(e)
	}
}

// stranger tells whether a leg was refused because it came from no trunk: by the SIP profile before any dialplan ran (seen: an inbound
// leg's end with CALL_REJECTED and none of our variables), or by the dialplan's own second net.
func stranger(e esl.Event) bool {
	return e.Var("maskline_stranger") == "true" || e.Var("maskline_stranger") == "" && e.Role == "" &&
		e.Get("Call-Direction") == "inbound" && esl.Cause(e.Get("Hangup-Cause")) == esl.CallRejected
}

// unclaimed tells whether a leg is one that the hand-off dialplan parked and nobody has taken. A leg that we dialled never came in.
func unclaimed(e esl.Event) bool {
	return e.Role == "a" && e.Leg != "" && e.Call == e.Leg && e.Var("maskline_owner") == "" && e.Get("Call-Direction") != "outbound"
}

func (a *attendance) arrived(e esl.Event) {
	c, fresh := a.s.book.open(a.s.newCall(e.Leg))
	if !fresh {
		return
	}
	a.s.book.saw(c, e)
	a.h.Arrived(c, e)
}
