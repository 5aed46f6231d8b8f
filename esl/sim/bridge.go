package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"maskline/esl"
	"maskline/esl/sim/dialstring"
)

// bridge dials and connects; on the session thread of the leg that executes it.
func (c *channel) bridge(arg string) {
	s := c.sw
	d, err := dialstring.Parse(arg)
	var b *channel
	cause := esl.Cause("")
	if err != nil {
		cause = esl.DestinationOutOfOrder
	} else {
		b, cause = c.originate(d)
	}
	s.mu.Lock()
	c.rungBack = false
	if b == nil {
		c.vars.set("originate_disposition", string(cause))
		c.vars.set("DIALSTATUS", dialStatus(cause))
		c.vars.set("originate_failed_cause", string(cause))
		c.handleCause(cause)
		s.mu.Unlock()
		return
	}
	c.vars.set("originate_disposition", "SUCCESS")
	c.vars.set("DIALSTATUS", "SUCCESS")
	early := !b.ready
	if early {
		c.preAnswer()
	}
	s.mu.Unlock()
	if !early {
		c.pickUp()
	}
	c.talk(b)
}

// talk connects two legs until one of them ends. A leg that was joined in early media is answered when the other one is.
func (c *channel) talk(b *channel) {
	s := c.sw
	s.mu.Lock()
	now := time.Now()
	c.bridged, b.bridged = b, c
	c.other, b.other = b, c
	c.bridgedAt, b.bridgedAt = now, now
	b.state = "CS_EXCHANGE_MEDIA"
	for _, pair := range [][2]*channel{{c, b}, {b, c}} {
		v, o := &pair[0].vars, pair[1]
		v.set("last_bridge_to", o.uuid)
		v.set("bridge_channel", o.name)
		v.set("bridge_uuid", o.uuid)
		v.set("signal_bond", o.uuid)
	}
	c.vars.set("last_bridge_role", "originator")
	b.vars.set("last_bridge_role", "originatee")
	before := append(c.beforeBridge("aleg"), b.hooks("pre_bridge")...)
	before = append(before, c.beforeBridge("bleg")...)
	s.mu.Unlock()
	for _, m := range before {
		m.on.obey(m)
	}
	s.mu.Lock()
	c.fire("CHANNEL_BRIDGE", "Bridge-A-Unique-ID", c.uuid, "Bridge-B-Unique-ID", b.uuid)
	s.mu.Unlock()

	// In early media the time limits of the dialling hold no longer: the bridge stands.
	if limit := b.answerLimit(); !c.await(limit, true, func() bool { return b.hungUp || b.ready }) && !c.gone() {
		s.mu.Lock()
		b.hangup(esl.AllottedTimeout, "")
		s.mu.Unlock()
	}
	s.mu.Lock()
	ready := b.ready && !b.hungUp
	s.mu.Unlock()
	if ready {
		c.pickUp()
		c.await(-1, true, func() bool { return b.hungUp })
	}
	c.part(b)
}

// answerLimit is bridge_answer_timeout of a leg that was joined before its answer; -1 for none. FreeSWITCH compares whole seconds and ends the leg
// when they are past (switch_ivr_bridge.c, audio_bridge_thread).
func (c *channel) answerLimit() time.Duration {
	c.sw.mu.Lock()
	defer c.sw.mu.Unlock()
	n, err := strconv.Atoi(c.vars.get("bridge_answer_timeout"))
	if err != nil || n < 0 || c.ready {
		return -1
	}
	return time.Duration(n+1) * time.Second
}

// beforeBridge gives what bridge_pre_execute_… and, for its own leg, execute_on_pre_bridge want run before the legs are joined; s.mu is held.
func (c *channel) beforeBridge(leg string) []*message {
	var all []*message
	on := c
	if leg == "bleg" {
		on = c.bridged
	} else {
		all = c.hooks("pre_bridge")
	}
	if app := c.vars.get("bridge_pre_execute_" + leg + "_app"); app != "" {
		all = append(all, &message{app: app, arg: c.vars.get("bridge_pre_execute_" + leg + "_data"), on: on})
	}
	return all
}

// part ends a bridge after one of the two legs has hung up.
func (c *channel) part(b *channel) {
	s := c.sw
	s.mu.Lock()
	first, cause := c.hungUp, c.cause
	if first {
		b.hangup(cause, "")
	} else {
		cause = b.cause
		s.mu.Unlock()
		b.settle()
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	c.fire("CHANNEL_UNBRIDGE", "Bridge-A-Unique-ID", c.uuid, "Bridge-B-Unique-ID", b.uuid)
	c.vars.set("bridge_hangup_cause", string(cause))
	c.bridged, b.bridged = nil, nil
	switch {
	case first:
	case !b.answered: // it had only been early media: originate_disposition stays SUCCESS
		c.vars.set("last_bridge_proto_specific_hangup_cause", b.vars.get("proto_specific_hangup_cause"))
		c.handleCause(cause)
	case c.vars.yes("hangup_after_bridge"):
		c.hangup(cause, "")
	}
}

// handleCause is switch_channel_handle_cause: go on after a failure, or end the leg with its cause; s.mu is held.
func (c *channel) handleCause(cause esl.Cause) {
	if c.hungUp {
		return
	}
	onFail := c.vars.get("continue_on_fail")
	names := func(list string) bool {
		return slices.ContainsFunc(strings.Split(list, ","), func(x string) bool {
			return strings.EqualFold(x, string(cause)) || x == itoa(codes[cause])
		})
	}
	failures := c.vars.get("failure_causes")
	switch {
	case failures != "" && !names(failures):
		return
	case truth(onFail), onFail != "" && names(onFail):
		return
	case onFail == "" && failures == "" && (cause == esl.NoAnswer || cause == esl.NoUserResponse || cause == esl.OriginatorCancel):
		return
	}
	c.hangup(cause, "")
}

// dialStatus is the variable DIALSTATUS for a cause (switch_ivr_originate.c).
func dialStatus(cause esl.Cause) string {
	switch cause {
	case esl.UserBusy:
		return "BUSY"
	case esl.NoAnswer:
		return "NOANSWER"
	case esl.OriginatorCancel:
		return "CANCEL"
	case esl.DestinationOutOfOrder, "INVALID_PROFILE":
		return "INVALIDARGS"
	case esl.CallRejected:
		return "DONTCALL"
	}
	return string(cause)
}
