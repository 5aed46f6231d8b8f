package sim

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"maskline/esl"
)

// Caller is a caller as a script.
type Caller struct {
	From    string         // his number, as the trunk writes it
	To      string         // what he dials
	Display string         // his display name
	Address netip.AddrPort // where his INVITE comes from; 127.0.0.1:5070 if zero
	Host    string         // host part of From; the address if empty
	PAI     string         // P-Asserted-Identity, a number
	PPI     string         // P-Preferred-Identity, a number
	RPID    string         // Remote-Party-ID, a number
	Hidden  bool           // From is anonymous and Privacy is id; the number stands in PAI, if that is set
	Header  []Header       // further headers of the INVITE: Identity, Diversion, X-…

	CancelsAfter time.Duration // gives up when it was not answered by then; 0 for never
	Digits       string        // keys pressed after the answer
	DigitsEarly  bool          // keys pressed after the first sound, be it before the answer
	DigitsAfter  time.Duration // from the answer, or the first sound, to the first key
	DigitGap     time.Duration // between two keys; 200 ms if zero
	KeysAs       Keying        // how the keys travel
	HangsUpAfter time.Duration // from the answer; 0 for never

	Callee *Phone // how the phone behaves that this call reaches; nil for what SetPhone said
}

// Keying is how keys travel to the switch.
type Keying int

// The ways that keys take. Only who sends telephone-event offers it in his INVITE.
const (
	AsEvents Keying = iota // RFC 2833 telephone-event
	AsInfo                 // SIP INFO
	AsTones                // tones in the sound, which the switch hears once start_dtmf has run
)

// source is what the event DTMF says of the way.
func (k Keying) source() string { return [...]string{"RTP", "ENDPOINT", "INBAND_AUDIO"}[k] }

// offer is the session description of an INVITE.
func (p Caller) offer() string {
	audio, event := "m=audio 40000 RTP/AVP 8", ""
	if p.KeysAs == AsEvents {
		audio, event = audio+" 101", "a=rtpmap:101 telephone-event/8000\r\n"
	}
	return "v=0\r\no=- 1 1 IN IP4 " + p.Address.Addr().String() + "\r\ns=-\r\nt=0 0\r\n" + audio + "\r\na=rtpmap:8 PCMA/8000\r\n" + event
}

// Call sends a caller's INVITE to the switch and returns at once. It fails with ErrClosed after Close, and with ErrEnded
// after a shutdown.
func (s *Switch) Call(script Caller) (*Line, error) {
	s.start()
	if !script.Address.IsValid() {
		script.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 5070)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if refused, err := s.takes(script); refused != nil || err != nil {
		return refused, err
	}
	full := len(s.channels) >= 2*s.opt.MaxCalls
	c := s.newChannel("", true)
	l := &Line{Leg: c.uuid, Number: script.From, Shown: script.To, sw: s, channel: c, script: script}
	c.line = l
	c.invited(script)
	l.note(Moment{Sent: true, What: "INVITE", Header: script.invite()})
	if !s.trusts(script.Address.Addr()) {
		c.stranger = true
		s.spawn(c.turnAway)
		return l, nil
	}
	c.state = "CS_ROUTING"
	c.journal("begin", c.created)
	c.fire("CHANNEL_CREATE")
	if full {
		c.hangup(esl.SwitchCongestion, "")
		s.spawn(c.finish)
		return l, nil
	}
	s.spawn(c.handOff)
	if script.CancelsAfter > 0 || script.HangsUpAfter > 0 || script.Digits != "" {
		s.spawn(func() { l.behave(c) })
	}
	return l, nil
}

// turnAway answers a stranger with 403. The SIP profile's access list does it before the dialplan, so of the whole leg only its end is told,
// and by few variables.
func (c *channel) turnAway() {
	defer c.finish()
	c.sw.mu.Lock()
	defer c.sw.mu.Unlock()
	c.line.refusal = 403
	c.hangup(esl.CallRejected, "")
}

// trusts tells whether an address is a trunk's.
func (s *Switch) trusts(a netip.Addr) bool {
	for _, p := range s.opt.Trunks {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return len(s.opt.Trunks) == 0
}

// behave is the person who calls, in a goroutine of his own.
func (l *Line) behave(c *channel) {
	s, p := c.sw, l.script
	if p.DigitsEarly {
		keyed := make(chan struct{})
		go func() {
			defer close(keyed)
			l.keyEarly(c)
		}()
		defer func() { <-keyed }()
		p.Digits = ""
	}
	if !s.untilAnswered(c, p.CancelsAfter) {
		if !c.gone() {
			l.HangUp()
		}
		return
	}
	l.talkUntil(c, p.Digits, p.DigitsAfter, p.DigitGap, p.HangsUpAfter)
}

// keyEarly presses the keys once the caller hears something.
func (l *Line) keyEarly(c *channel) {
	select {
	case <-c.heard:
		l.key(c, l.script.Digits, l.script.DigitsAfter, l.script.DigitGap)
	case <-c.done:
	case <-c.sw.stop:
	}
}

// untilAnswered waits for the answer, for at most d if that is not 0.
func (s *Switch) untilAnswered(c *channel, d time.Duration) bool {
	var timeout <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timeout = t.C
	}
	select {
	case <-c.up:
		return true
	case <-timeout:
	case <-c.done:
	case <-s.stop:
	}
	return false
}

// user is the user part of From.
func (p Caller) user() string {
	if p.Hidden {
		return "anonymous"
	}
	return p.From
}

func (p Caller) host() string {
	if p.Hidden {
		return "anonymous.invalid"
	}
	return orElse(p.Host, p.Address.Addr().String())
}

// invite gives the headers that say who is calling, as the caller's side wrote them.
func (p Caller) invite() []Header {
	h := []Header{{"From", nameAddr(p.Display, p.user(), p.host())}, {"To", nameAddr("", p.To, "switch")}}
	for _, x := range [][2]string{{"P-Asserted-Identity", p.PAI}, {"P-Preferred-Identity", p.PPI}, {"Remote-Party-ID", p.RPID}} {
		if x[1] != "" {
			h = append(h, Header{x[0], nameAddr("", x[1], p.host())})
		}
	}
	if p.Hidden {
		h = append(h, Header{"Privacy", "id"})
	}
	return append(h, p.Header...)
}

func nameAddr(display, user, host string) string {
	uri := "<sip:" + user + "@" + host + ">"
	if display == "" {
		return uri
	}
	return strconv.Quote(display) + " " + uri
}

// invited sets what sofia reads out of an INVITE; s.mu is held.
func (c *channel) invited(p Caller) {
	ip, port := p.Address.Addr().String(), strconv.Itoa(int(p.Address.Port()))
	user, host := p.user(), p.host()
	id := orElse(orElse(p.PAI, p.RPID), user) // sofia's caller id: PAI, RPID, then From
	c.cidName, c.cidNumber = orElse(p.Display, id), id
	c.origName, c.origNumber, c.ani = c.cidName, c.cidNumber, user
	c.dest, c.address = p.To, ip
	c.name = "sofia/carrier/" + user + "@" + host
	for _, f := range [][2]string{
		{"sip_from_user", user}, {"sip_from_uri", user + "@" + host}, {"sip_from_host", host}, {"channel_name", c.name},
		{"sip_call_id", newUUID() + "@" + ip}, {"sip_network_ip", ip}, {"sip_network_port", port}, {"sip_received_ip", ip},
		{"sip_received_port", port}, {"sip_via_protocol", "udp"}, {"sip_from_user_stripped", strings.TrimPrefix(user, "+")},
		{"sofia_profile_name", "carrier"}, {"sip_P-Asserted-Identity", p.PAI}, {"sip_P-Preferred-Identity", p.PPI},
		{"sip_Remote-Party-ID", p.RPID}, {"sip_from_display", p.Display}, {"sip_full_from", nameAddr(p.Display, user, host)},
		{"sip_full_to", nameAddr("", p.To, "switch")}, {"sip_req_user", p.To}, {"sip_req_uri", p.To + "@switch"}, {"sip_to_user", p.To},
		{"sip_to_uri", p.To + "@switch"}, {"sip_contact_user", user}, {"sip_contact_uri", user + "@" + ip + ":" + port},
		{"max_forwards", "70"}, {"endpoint_disposition", "RECEIVED"}, {"call_uuid", c.uuid},
		{"switch_r_sdp", p.offer()},
	} {
		c.vars.set(f[0], f[1])
	}
	if p.Hidden {
		c.vars.set("sip_Privacy", "id")
		c.vars.set("privacy", "full")
	}
	for _, h := range p.Header {
		if strings.HasPrefix(h.Name, "X-") || strings.HasPrefix(h.Name, "P-") || h.Name == "Identity" || h.Name == "Diversion" {
			c.vars.set("sip_h_"+h.Name, h.Value)
		}
	}
}

// inviteHeaders gives the headers that say who is calling, as the switch writes them to a callee: what the leg's variables ask for, and,
// unless A's leg says sip_copy_custom_headers=false, whatever A's own INVITE brought.
func (c *channel) inviteHeaders(a *channel) []Header {
	host := orElse(c.vars.get("sip_invite_domain"), "switch")
	from := nameAddr(c.cidName, c.cidNumber, host)
	if uri := c.vars.get("sip_invite_from_uri"); uri != "" {
		from = uri
	}
	h := []Header{{"From", from}, {"To", nameAddr("", c.dest, c.gateway)}, {"Contact", "<sip:gw+" + c.gateway + "@switch>"}}
	switch c.vars.get("sip_cid_type") {
	case "pid":
		h = append(h, Header{"P-Asserted-Identity", nameAddr(c.cidName, c.cidNumber, host)})
	case "none":
	default:
		h = append(h, Header{"Remote-Party-ID", nameAddr(c.cidName, c.cidNumber, host) + ";party=calling;screen=yes;privacy=off"})
	}
	if x := c.vars.get("origination_privacy"); x != "" {
		h = append(h, Header{"Privacy", x})
	}
	sources := []*channel{c}
	if v := a.vars.get("sip_copy_custom_headers"); v == "" || truth(v) {
		sources = append(sources, a)
	}
	for _, from := range sources {
		for _, n := range from.vars.names {
			if name, ok := strings.CutPrefix(n, "sip_h_"); ok {
				h = append(h, Header{name, from.vars.values[n]})
			}
		}
	}
	return h
}
