package sim

import (
	"slices"
	"strings"
	"time"

	"maskline/esl"
	"maskline/esl/sim/dialstring"
)

// Phone is a callee as a script: how the number behaves each time it is rung. The zero Phone rings and is answered at once. After the
// 180 (or 183, or nothing) it waits Rings and then does the one thing that is set; nothing set means it answers.
type Phone struct {
	Number  string // as the trunk dials it; "" is every number
	Gateway string // only when reached through this gateway; "" is every one

	Delay      time.Duration // before the first sign of life
	Silent     bool          // sends neither 180 nor 183
	EarlyMedia bool          // sends 183 with its own sound instead of 180
	Rings      time.Duration

	Busy       bool // 486
	Rejects    bool // 603
	PoweredOff bool // 480
	NotExist   bool // 404
	NoAnswer   bool // rings until the other side gives up
	Status     int  // any other final answer, 300 to 699

	Digits       string        // keys pressed after the answer
	DigitsAfter  time.Duration // from the answer to the first key
	DigitGap     time.Duration // between two keys; 200 ms if zero
	Replies      []Reply       // to prompts, each given once
	HangsUpAfter time.Duration // from the answer; 0 for never
}

// Reply is what somebody presses when he has heard a prompt to its end. Of several the first one that fits is given, once.
type Reply struct {
	Prompt string        // part of the sound's name; "" is every sound
	Keys   string        // "" only uses the prompt up
	After  time.Duration // from the prompt's end to the first key
	Gap    time.Duration // between two keys; 200 ms if zero
}

type phoneKey struct{ gateway, number string }

// SetPhone says how a number behaves from now on. A number that was never set does not exist (404), unless a Phone for every number is.
func (s *Switch) SetPhone(p Phone) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phones == nil {
		s.phones = map[phoneKey]Phone{}
	}
	s.phones[phoneKey{p.Gateway, p.Number}] = p
}

// phone finds who is behind a number: the caller's own script for his callee first; s.mu is held.
func (s *Switch) phone(a *channel, gateway, number string) Phone {
	if a.line != nil && a.line.script.Callee != nil {
		p := *a.line.script.Callee
		if (p.Gateway == "" || p.Gateway == gateway) && (p.Number == "" || p.Number == number) {
			return p
		}
	}
	for _, k := range []phoneKey{{gateway, number}, {"", number}, {gateway, ""}, {"", ""}} {
		if p, ok := s.phones[k]; ok {
			return p
		}
	}
	return Phone{NotExist: true, Silent: true}
}

// final is the answer that ends the ringing: 200 for an answered call, 0 for none.
func (p Phone) final() int {
	switch {
	case p.NoAnswer:
		return 0
	case p.Busy:
		return 486
	case p.Rejects:
		return 603
	case p.PoweredOff:
		return 480
	case p.NotExist:
		return 404
	case p.Status != 0:
		return p.Status
	}
	return 200
}

// dial makes the leg of one endpoint and lets its phone ring; s.mu is held. Without a leg it tells why.
func (o *dialling) dial(p dialstring.Peer) (*channel, esl.Cause) {
	s, a := o.a.sw, o.a
	if cause, isError := strings.CutPrefix(p.URL, "error/"); isError {
		return nil, causeOf(cause)
	}
	parts := strings.SplitN(p.URL, "/", 4)
	if len(parts) != 4 || parts[0] != "sofia" || parts[1] != "gateway" {
		return nil, "CHAN_NOT_IMPLEMENTED"
	}
	gateway, number := parts[2], parts[3]
	switch {
	case s.paused.outbound:
		return nil, esl.DestinationOutOfOrder
	case !s.knows(gateway):
		return nil, "INVALID_GATEWAY"
	case s.down[gateway]:
		return nil, esl.GatewayDown
	}
	vars := variables{}
	for _, n := range o.vars.names {
		vars.set(n, o.vars.values[n])
	}
	vars.setAll(p.Vars)
	if s.channels[vars.get("origination_uuid")] != nil {
		return nil, esl.DestinationOutOfOrder
	}
	b := s.newChannel(vars.get("origination_uuid"), false)
	for _, n := range vars.names {
		b.vars.set(n, vars.values[n])
	}
	b.gateway, b.dest, b.name = gateway, number, "sofia/carrier/"+number
	b.originator = a
	if !a.lost { // nobody stands behind a call of the switch's own
		b.other = a
	}
	b.ani, b.origName, b.origNumber, b.address = a.ani, a.cidName, a.cidNumber, "127.0.0.1"
	b.cidName = orElse(orElse(vars.get("origination_caller_id_name"), a.vars.get("effective_caller_id_name")), a.cidName)
	b.cidNumber = orElse(orElse(vars.get("origination_caller_id_number"), a.vars.get("effective_caller_id_number")), a.cidNumber)
	b.describeOutbound(a)
	b.line = s.ringLine(b, a)
	b.journal("begin", b.created)
	b.fire("CHANNEL_CREATE")
	b.fire("CHANNEL_ORIGINATE")
	b.state = "CS_CONSUME_MEDIA"
	script := s.phone(a, gateway, number)
	if !s.spawn(b.serve) {
		s.forget(b)
		return nil, "SYSTEM_SHUTDOWN"
	}
	s.spawn(func() { b.line.answerCall(b, script) })
	return b, ""
}

func (s *Switch) knows(gateway string) bool {
	return len(s.opt.Gateways) == 0 || slices.Contains(s.opt.Gateways, gateway)
}

// describeOutbound sets the variables that sofia sets on a leg it dials; s.mu is held.
func (c *channel) describeOutbound(a *channel) {
	for _, f := range [][2]string{
		{"sip_gateway_name", c.gateway}, {"sip_profile_name", "gateway"}, {"channel_name", c.name},
		{"sip_destination_url", "sip:" + c.dest + "@" + c.gateway}, {"originator", a.uuid}, {"originating_leg_uuid", a.uuid},
		{"originate_early_media", "true"}, {"originate_endpoint", "sofia"}, {"sofia_profile_name", "carrier"},
		{"sip_req_uri", c.dest + "@" + c.gateway}, {"sip_to_user", c.dest}, {"sip_from_user", c.cidNumber}, {"sip_from_display", c.cidName},
		{"sip_call_id", newUUID()}, {"call_uuid", a.uuid}, {"signal_bond", a.uuid},
	} {
		c.vars.set(f[0], f[1])
	}
	a.vars.set("originate_signal_bond", c.uuid)
}

// answerCall is the person at the callee's phone, in a goroutine of his own.
func (l *Line) answerCall(c *channel, p Phone) {
	s := c.sw
	step := func(d time.Duration, do func()) bool {
		if d > 0 && !s.nap(d, c.done) {
			return false
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if c.hungUp {
			return false
		}
		do()
		return true
	}
	ok := step(p.Delay, func() {
		l.replies = slices.Clone(p.Replies)
		switch {
		case p.EarlyMedia:
			l.said(183, "")
			c.preAnswer()
		case !p.Silent:
			l.said(180, "")
			c.ring()
		}
	})
	status := p.final()
	if !ok || status == 0 {
		return
	}
	if !step(p.Rings, func() { l.finalAnswer(c, status) }) || status != 200 {
		return
	}
	l.talkUntil(c, p.Digits, p.DigitsAfter, p.DigitGap, p.HangsUpAfter)
}

// finalAnswer is what the phone says in the end; s.mu is held.
func (l *Line) finalAnswer(c *channel, status int) {
	l.said(status, "")
	if status == 200 {
		c.picked = true
		c.kick()
		if c.script != nil { // it runs already, since early media counted
			c.sw.spawn(c.pickUp)
		}
		return
	}
	if status/100 == 3 { // a redirect is refused (outbound_redirect_fatal): the switch gives up by itself
		c.vars.set("proto_specific_hangup_cause", "sip:"+itoa(status))
		c.hangup(esl.RequestedChanUnavailable, "")
		return
	}
	c.vars.set("sip_invite_failure_status", itoa(status))
	c.vars.set("sip_invite_failure_phrase", reasons[status])
	c.vars.set("sip_term_status", itoa(status))
	c.vars.set("proto_specific_hangup_cause", "sip:"+itoa(status))
	c.vars.set("sip_term_cause", itoa(q850(fromSIP(status))))
	c.hangup(fromSIP(status), "recv_refuse")
}

// talkUntil presses keys and hangs up, as far as the script says so.
func (l *Line) talkUntil(c *channel, keys string, first, gap, total time.Duration) {
	start := time.Now()
	if !l.key(c, keys, first, gap) || total <= 0 {
		return
	}
	if !c.sw.nap(max(0, total-time.Since(start)), c.done) {
		return
	}
	l.HangUp()
}

// prompted lets the party answer a prompt that has ended; s.mu is held.
func (l *Line) prompted(sound string) {
	if l == nil {
		return
	}
	i := slices.IndexFunc(l.replies, func(r Reply) bool { return strings.Contains(sound, r.Prompt) })
	if i < 0 {
		return
	}
	r, c := l.replies[i], l.channel
	l.replies = slices.Delete(l.replies, i, i+1)
	if r.Keys != "" {
		l.sw.spawn(func() { l.key(c, r.Keys, r.After, r.Gap) })
	}
}

// key presses keys, the first after a wait; it tells whether the leg was still there for the last.
func (l *Line) key(c *channel, keys string, first, gap time.Duration) bool {
	wait := first
	for i := range len(keys) {
		if !c.sw.nap(wait, c.done) {
			return false
		}
		c.sw.mu.Lock()
		l.said(0, "digit "+keys[i:i+1])
		c.press(keys[i])
		c.sw.mu.Unlock()
		wait = orElse(gap, 200*time.Millisecond)
	}
	return true
}
