package sim

import (
	"slices"
	"strings"
	"time"

	"maskline/esl"
	"maskline/esl/sim/dialstring"
)

// dialling is one originate under way, on the session thread of the leg that executes the bridge.
type dialling struct {
	a       *channel
	vars    variables // {} of the dial string over what the leg exports
	ringing []*attempt
	over    []*channel // legs that ended since the last look
	ended   []string   // originate_causes
	failed  []string   // originated_legs
}

// attempt is one endpoint that rings.
type attempt struct {
	leg      *channel
	deadline time.Time
	progress time.Time // zero, or when leg_progress_timeout is over
}

// inherited are variables of the dialling leg that count where the dial string does not name them (switch_ivr_originate).
var inherited = []string{"fail_on_single_reject", "ignore_early_media", "instant_ringback", "progress_timeout"}

// originate dials the ways of d one after the other until a leg answers, or sends early media that counts. It gives that leg, or the
// cause of the last failure.
func (c *channel) originate(d dialstring.Dial) (*channel, esl.Cause) {
	s := c.sw
	o := &dialling{a: c}
	s.mu.Lock()
	for name := range strings.SplitSeq(c.vars.get("export_vars"), ",") {
		if v := c.vars.get(name); v != "" {
			o.vars.set(strings.TrimPrefix(name, "nolocal:"), v)
		}
	}
	o.vars.setAll(d.Vars)
	for _, name := range inherited {
		if o.vars.get(name) == "" {
			o.vars.set(name, c.vars.get(name))
		}
	}
	limit := time.Duration(atoi(orElse(o.vars.get("originate_timeout"), "60"))) * time.Second
	if o.vars.yes("instant_ringback") {
		c.ringback()
	}
	s.mu.Unlock()

	cause := esl.NoRouteDestination
	for _, way := range d.Ways {
		var leg *channel
		if leg, cause = o.try(way, limit); leg != nil {
			return leg, ""
		}
		if c.gone() || o.rejects(cause) {
			break
		}
	}
	return nil, cause
}

// rejects says that a failure ends the dialling, so that no further way is tried (fail_on_single_reject: a list of causes, or all but those
// of a list that begins with !).
func (o *dialling) rejects(cause esl.Cause) bool {
	o.a.sw.mu.Lock()
	defer o.a.sw.mu.Unlock()
	list, not := strings.CutPrefix(o.vars.get("fail_on_single_reject"), "!")
	if list == "" {
		return false
	}
	return truth(list) || strings.Contains(list, string(cause)) != not
}

// try rings the peers of one way at once.
func (o *dialling) try(way []dialstring.Peer, limit time.Duration) (*channel, esl.Cause) {
	s, c := o.a.sw, o.a
	s.mu.Lock()
	cause := esl.Cause("")
	o.ringing = nil
	for _, p := range way {
		leg, why := o.dial(p)
		if leg == nil {
			cause = why
			continue
		}
		at := &attempt{leg: leg, deadline: time.Now().Add(limit)}
		if n := atoi(leg.vars.get("leg_timeout")); n > 0 {
			at.deadline = time.Now().Add(min(limit, time.Duration(n)*time.Second))
		}
		if n := atoi(leg.vars.get("leg_progress_timeout")); n > 0 {
			at.progress = time.Now().Add(time.Duration(n) * time.Second)
		}
		o.ringing = append(o.ringing, at)
	}
	s.mu.Unlock()

	var won *channel
	for won == nil && len(o.ringing) > 0 && !c.gone() {
		c.await(o.patience(), true, func() bool { // looked at with s.mu held, whenever a leg changed
			won = o.look(&cause)
			return won != nil || len(o.ringing) == 0
		})
		o.expire()
		o.settle()
	}
	defer o.settle()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range o.ringing {
		switch {
		case at.leg == won:
		case won != nil:
			at.leg.hangup(esl.LoseRace, "")
			o.over = append(o.over, at.leg)
		default:
			at.leg.hangup(esl.OriginatorCancel, "")
			o.over = append(o.over, at.leg)
			cause = esl.OriginatorCancel
		}
	}
	return won, cause
}

// settle lets the legs that ended come to their end.
func (o *dialling) settle() {
	for _, b := range o.over {
		b.settle()
	}
	o.over = nil
}

// patience is how long the nearest deadline is away.
func (o *dialling) patience() time.Duration {
	o.a.sw.mu.Lock()
	defer o.a.sw.mu.Unlock()
	nearest := time.Now().Add(time.Hour)
	for _, at := range o.ringing {
		if at.deadline.Before(nearest) {
			nearest = at.deadline
		}
		if !at.progress.IsZero() && at.progress.Before(nearest) {
			nearest = at.progress
		}
	}
	return max(0, time.Until(nearest))
}

// look passes ringing and early media on to A, takes out the legs that ended, and gives the one that won.
func (o *dialling) look(cause *esl.Cause) *channel {
	var won *channel
	o.ringing = slices.DeleteFunc(o.ringing, func(at *attempt) bool {
		b := at.leg
		if b.hungUp {
			*cause = b.cause
			o.lost(b)
			return true
		}
		if b.rings || b.early || b.answered {
			at.progress = time.Time{}
		}
		early := b.early && !ignoresEarly(o.vars.get("ignore_early_media"))
		if b.ready || early {
			if won == nil {
				won = b
			}
			return false
		}
		if b.rings || b.early {
			o.a.alert()
		}
		return false
	})
	return won
}

// ignoresEarly reads ignore_early_media.
func ignoresEarly(v string) bool { return truth(v) || v == "ring_ready" }

// expire ends the legs that rang for too long.
func (o *dialling) expire() {
	o.a.sw.mu.Lock()
	defer o.a.sw.mu.Unlock()
	now := time.Now()
	for _, at := range o.ringing {
		switch {
		case at.leg.hungUp || at.leg.picked:
		case !at.deadline.After(now):
			at.leg.hangup(esl.AllottedTimeout, "")
		case !at.progress.IsZero() && !at.progress.After(now):
			at.leg.hangup(esl.ProgressTimeout, "")
		}
	}
}

// alert lets the caller know that it rings: by 180, or, where a ringback sound is set, by early media with that sound.
func (c *channel) alert() {
	if c.vars.get("ringback") != "" || c.answered {
		c.ringback()
		return
	}
	c.ring()
}

func (c *channel) ringback() {
	sound := ""
	if c.answered {
		sound = c.vars.get("transfer_ringback")
	}
	sound = orElse(sound, c.vars.get("ringback"))
	if sound == "" || c.rungBack {
		return
	}
	c.rungBack = true
	c.preAnswer()
	c.line.hears("ringback", sound)
}

// lost writes down on A's leg how a dialled leg ended; s.mu is held.
func (o *dialling) lost(b *channel) {
	v := &o.a.vars
	o.over = append(o.over, b)
	o.failed = append(o.failed, b.uuid+";Outbound Call;"+b.dest)
	o.ended = append(o.ended, b.uuid+";"+string(b.cause))
	for _, name := range []string{"sip_invite_failure_status", "sip_invite_failure_phrase"} {
		if x := b.vars.get(name); x != "" && b.disposition == "recv_refuse" {
			v.set(name, x)
		}
	}
	v.set("sip_hangup_phrase", b.vars.get("sip_invite_failure_phrase"))
	v.set("last_bridge_proto_specific_hangup_cause", b.vars.get("proto_specific_hangup_cause"))
	v.set("originated_legs", array(o.failed))
	v.set("originate_causes", array(o.ended))
}

// array writes the values of a variable that has several, as FreeSWITCH does.
func array(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	return "ARRAY::" + strings.Join(values, "|:")
}
