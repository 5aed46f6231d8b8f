package sim

import (
	"context"
	"slices"
	"strings"
	"time"

	"maskline/esl"
)

// Moment is one thing that the party at the end of a line said, saw or heard.
type Moment struct {
	At     time.Time
	Sent   bool     // the party did it; else the switch did
	What   string   // a SIP message or answer ("INVITE", "180", "200", "BYE", "CANCEL"), "playback", "ringback" or "digit"
	Text   string   // the file that was played, the key, the phrase of an answer
	Header []Header // of a message: those that say who is calling, and those that variables put into a refusal
}

func (m Moment) String() string {
	if m.Text == "" {
		return m.What
	}
	return m.What + " " + m.Text
}

// Header is a SIP header as this side of the call saw it.
type Header struct{ Name, Value string }

// maxMoments bounds what one line remembers.
const maxMoments = 1000

// maxRang bounds the lines that are remembered of one number.
const maxRang = 100

// Line is the telephone end of one leg: a caller's (Switch.Call) or a callee's (Switch.Rang). It may be used from any goroutine.
type Line struct {
	Leg    string // uuid of the leg on the switch
	Number string // the party's own number
	Shown  string // what the party sees as the other one's number: the caller's to a callee, what was dialled to a caller

	sw      *Switch
	channel *channel
	script  Caller
	replies []Reply
	refusal int // the status that the dialplan chose
	moments []Moment
	changed chan struct{} // closed at the next moment; nil while nobody waits
	callees []*Line       // the phones that rang for this caller
	cause   esl.Cause
	status  int
}

// note remembers a moment; s.mu is held.
func (l *Line) note(m Moment) {
	if l == nil || len(l.moments) >= maxMoments {
		return
	}
	m.At = time.Now()
	l.moments = append(l.moments, m)
	l.stir()
	if a := l.channel.originator; a != nil && a.line != nil {
		a.line.stir() // who follows the caller follows his callees too
	}
}

// stir wakes whoever follows the line; s.mu is held.
func (l *Line) stir() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// since gives the moments from number n on, and a channel that is closed when there is more.
func (l *Line) since(n int) ([]Moment, <-chan struct{}) {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return slices.Clone(l.moments[min(n, len(l.moments)):]), l.changed
}

// Callees gives the phones that rang for this caller, in order.
func (l *Line) Callees() []*Line {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	return slices.Clone(l.callees)
}

// told is an answer from the switch to the party.
func (l *Line) told(status int, text string) {
	l.note(Moment{What: itoa(status), Text: orElse(text, reasons[status])})
}

// said is an answer, or a key, from the party to the switch.
func (l *Line) said(status int, text string) {
	if status == 0 {
		what, key, _ := strings.Cut(text, " ")
		l.note(Moment{Sent: true, What: what, Text: key})
		return
	}
	l.note(Moment{Sent: true, What: itoa(status), Text: orElse(text, reasons[status])})
}

// hears is a sound that reached the party.
func (l *Line) hears(what, text string) { l.note(Moment{What: what, Text: text}) }

// end is how the party learns that the leg is over; s.mu is held.
func (l *Line) end(c *channel) {
	if l == nil {
		return
	}
	l.cause = c.cause
	switch c.disposition {
	case "send_bye":
		l.note(Moment{What: "BYE", Text: string(c.cause)})
	case "send_cancel":
		l.note(Moment{What: "CANCEL", Text: string(c.cause)})
	case "send_refuse":
		l.status = orElse(l.refusal, toSIP(c.cause))
		l.note(Moment{What: itoa(l.status), Text: reasons[l.status], Header: c.answerHeaders()})
	}
}

// answerHeaders are those that variables put into a final answer (mod_sofia, SOFIA_SIP_RESPONSE_HEADER_PREFIX).
func (c *channel) answerHeaders() (h []Header) {
	for _, name := range c.vars.names {
		if header, ok := strings.CutPrefix(name, "sip_rh_"); ok {
			h = append(h, Header{header, c.vars.get(name)})
		}
	}
	return h
}

// HangUp ends the call from the party's side: BYE, CANCEL, or a refusal by a callee whose phone rings.
func (l *Line) HangUp() {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	c := l.channel
	if c.hungUp {
		return
	}
	switch {
	case c.answered:
		l.note(Moment{Sent: true, What: "BYE"})
		c.vars.set("sip_term_status", "200")
		c.vars.set("proto_specific_hangup_cause", "sip:200")
		c.vars.set("sip_term_cause", "16")
		c.hangup(esl.NormalClearing, "recv_bye")
	case c.inbound:
		l.note(Moment{Sent: true, What: "CANCEL"})
		c.vars.set("sip_term_status", "487")
		c.vars.set("proto_specific_hangup_cause", "sip:487")
		c.vars.set("sip_term_cause", "487")
		c.hangup(esl.OriginatorCancel, "recv_cancel")
	default:
		l.finalAnswer(c, 603)
	}
}

// Answer picks a ringing callee's phone up, whatever its script says.
func (l *Line) Answer() {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	if c := l.channel; !c.inbound && !c.picked && !c.hungUp {
		l.finalAnswer(c, 200)
	}
}

// Press presses keys, one after the other without a pause.
func (l *Line) Press(keys string) {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	for i := range len(keys) {
		l.said(0, "digit "+keys[i:i+1])
		l.channel.press(keys[i])
	}
}

// Heard gives everything that happened on the line so far.
func (l *Line) Heard() []Moment {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	return slices.Clone(l.moments)
}

// Ladder gives what the party saw and heard from the switch, in order and as short words: "183 Session Progress", "playback busy.wav",
// "486 Busy Here".
func (l *Line) Ladder() []string {
	var all []string
	for _, m := range l.Heard() {
		if !m.Sent {
			all = append(all, m.String())
		}
	}
	return all
}

// Cause gives why the call ended; "" while it has not.
func (l *Line) Cause() esl.Cause {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	return l.cause
}

// Status gives the final SIP answer that the switch refused the call with; 0 if it did not.
func (l *Line) Status() int {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	return l.status
}

// Answered tells whether the leg was answered.
func (l *Line) Answered() bool {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	return l.channel.answered
}

// Wait waits until the switch is done with the leg: its last event has been sent and its CDR delivered.
func (l *Line) Wait(ctx context.Context) error {
	select {
	case <-l.channel.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done is closed when the leg has hung up.
func (l *Line) Done() <-chan struct{} { return l.channel.done }

// Rang gives the lines of a number that was rung, oldest first; the last hundred are kept.
func (s *Switch) Rang(number string) []*Line {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.rang[number])
}

// ringLine makes the callee's end of a leg, with the INVITE that he sees; s.mu is held.
func (s *Switch) ringLine(b, a *channel) *Line {
	l := &Line{Leg: b.uuid, Number: b.dest, Shown: b.cidNumber, sw: s, channel: b}
	l.note(Moment{What: "INVITE", Header: b.inviteHeaders(a)})
	if lines, known := s.rang[b.dest]; known || len(s.rang) < maxMoments {
		s.rang[b.dest] = append(lines[max(0, len(lines)-maxRang+1):], l)
	}
	if a.line != nil && len(a.line.callees) < maxMoments {
		a.line.callees = append(a.line.callees, l)
		a.line.stir()
	}
	return l
}
