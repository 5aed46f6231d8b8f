package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// evidence is what a scene left behind: packets, pushes, and the phones' exits.
type evidence struct {
	*stage
	w      *wire
	toA    []message // that came to the caller
	toB    []message // that came to the callees
	fromB  []message
	events []event
	record cdr
}

// judge compares what came of a scene with what must have.
func (s *stage) judge(w *wire) {
	if s.a == nil {
		return
	}
	w = w.between(s.began, s.ended)
	e := &evidence{stage: s, w: w, toA: w.received(s.a.sip)}
	for _, b := range s.bs {
		e.toB = append(e.toB, w.received(b.sip)...)
		e.fromB = append(e.fromB, w.sent(b.sip)...)
	}
	played := len(s.faults) == 0
	e.leaks()
	if !played {
		return
	}
	e.signalling()
	e.told()
	for _, x := range e.intruding {
		e.repelled(x)
	}
	if e.want.prompt != "" {
		e.hears(e.want.prompt)
	}
	if e.extra != nil {
		e.extra(e)
	}
}

// leaks looks for the other's real number, and for that of whoever else is bound, in every message to either party.
func (e *evidence) leaks() {
	for _, side := range []struct {
		who    string
		own    string
		ms     []message
		phones []*apparatus
	}{{"the caller", e.dials, e.toA, []*apparatus{e.a}}, {"the callee", e.reaches, e.toB, e.bs}} {
		for _, number := range []string{e.who.a, e.who.b, e.who.c} {
			if number == side.own {
				continue
			}
			e.leaksTo(side.who, newSecret(number), side.ms)
			for _, p := range side.phones {
				if p != nil && e.w.sounds(p, number) {
					e.fault("LEAK to %s in the packets of the sound", side.who)
				}
			}
		}
	}
}

// leaksTo looks for a number in the messages to one side.
func (e *evidence) leaksTo(who string, s secret, ms []message) {
	for _, m := range ms {
		for _, line := range s.search(newText(m.text)) {
			// A message that was sent again is told once.
			if f := fmt.Sprintf("LEAK to %s in %s (%s): %s", who, m.method(), statusWord(m), line); !slices.Contains(e.faults, f) {
				e.fault("%s", f)
			}
		}
	}
}

// sounds says that a number stands in the RTP or RTCP that came to a phone, as it is: a source's CNAME would be such a place.
func (w *wire) sounds(p *apparatus, number string) bool {
	beside := netip.AddrPortFrom(p.media.Addr(), p.media.Port()+1)
	return slices.ContainsFunc(slices.Concat(w.to[p.media], w.to[beside]), func(x packet) bool { return bytes.Contains(x.payload, []byte(number)) })
}

func statusWord(m message) string {
	if n := m.status(); n != 0 {
		return fmt.Sprint(n)
	}
	return "request"
}

// signalling checks what the two phones saw.
func (e *evidence) signalling() {
	var finals []int
	for _, m := range e.toA {
		if n := m.status(); n >= 200 && m.method() == "INVITE" && !slices.Contains(finals, n) {
			finals = append(finals, n)
		}
	}
	if len(finals) > 1 && finals[0] == 407 { // was asked for its password, and gave it
		finals = finals[1:]
	}
	if !slices.Equal(finals, []int{e.want.final}) {
		e.fault("A's final answer %v, want %d", finals, e.want.final)
	}
	invite, rung := find(e.toB, 0, "INVITE")
	switch {
	case rung != (len(e.bs) > 0):
		e.fault("a callee was called: %t, want %t", rung, len(e.bs) > 0)
	case rung:
		if from := invite.header("From"); !strings.Contains(from, "sip:+86"+e.shown+"@") && e.way == "" {
			e.fault("the callee does not see the number meant for him in From")
		}
		if first, ok := find(e.w.sent(e.a.sip), 0, "INVITE"); ok {
			e.setup = invite.at.Sub(first.at)
		}
	}
	if e.cut {
		return
	}
	if code := e.a.code(); code != 0 {
		e.fault("the caller's phone ended with %d: %s", code, mask(tailOf(e.a.err, 200), e.who))
	}
	if e.want.final == 200 && len(e.bs) == 1 && e.bs[0].code() != 0 {
		e.fault("the callee's phone ended with %d: %s", e.bs[0].code(), mask(tailOf(e.bs[0].err, 200), e.who))
	}
}

// repelled checks that an intruder was refused, or put down before anything could be heard: FreeSWITCH answers a Replaces of a trunk that
// finds no call with 200 and BYE (conf/freeswitch/README.md).
func (e *evidence) repelled(x *apparatus) {
	got := e.w.received(x.sip)
	answer, connected := find(got, 200, "INVITE")
	bye, ended := find(got, 0, "BYE")
	switch {
	case x.final() == 0:
		e.fault("an INVITE with Replaces from %s got no final answer", x.sip.Addr())
	case connected && (!ended || bye.at.Sub(answer.at) > time.Second || len(e.w.to[x.media]) > 0):
		e.fault("an INVITE with Replaces from %s was connected", x.sip.Addr())
	}
}

// mask stars a scene's numbers in a line that is printed.
func mask(line string, who party) string {
	for _, n := range []string{who.a, who.b, who.c} {
		line = newSecret(n).masked(line)
	}
	return strings.Join(strings.Fields(line), " ")
}

// told checks the customer's events and the CDR.
func (e *evidence) told() {
	events, records, _ := e.h.customer.told("+86"+e.dialled, e.of)
	e.events = events
	if e.want.silent {
		if len(events)+len(records) > 0 {
			e.fault("told of %d events and %d CDRs of nobody's call", len(events), len(records))
		}
		return
	}
	var names []string
	state := -1
	for _, ev := range events {
		names = append(names, ev.EventType)
		if ev.StatusInfo.StateCode != nil {
			state = *ev.StatusInfo.StateCode
		}
	}
	if got := strings.Join(names, " "); got != e.want.events {
		e.fault("events %q, want %q", got, e.want.events)
	}
	if len(records) != 1 {
		e.fault("%d CDRs, want 1", len(records))
		return
	}
	e.record = records[0]
	r := e.record
	if r.ULFailReason != e.want.state || r.FwdUnaswRsn != e.want.q850 || r.SIPStatusCode != e.want.sip {
		e.fault("CDR state %d q850 %d sip %d, want %d %d %d", r.ULFailReason, r.FwdUnaswRsn, r.SIPStatusCode, e.want.state, e.want.q850, e.want.sip)
	}
	// These codes stand in CDRs only (spec/privatenumber.md §9.2).
	if cdrOnly := []int{7505, 7506, 7508, 8017}; state != r.ULFailReason && !slices.Contains(cdrOnly, r.ULFailReason) {
		e.fault("disconnect says %d, the CDR %d", state, r.ULFailReason)
	}
	if len(e.bs) > 0 && (r.CallerNum != "+86"+e.dials || r.FwdDstNum != "+86"+e.reaches || r.FwdDisplayNum != "+86"+e.shown || e.id != "?" && r.SubscriptionID != e.id) {
		e.fault("the CDR names other numbers or another binding than the scene's")
	}
	if e.want.hungUpBy != 0 && r.CallRelDirection != e.want.hungUpBy {
		e.fault("hung up by %d, want %d", r.CallRelDirection, e.want.hungUpBy)
	}
	if e.mode != "" {
		e.ofMode()
	}
	if !e.cut {
		e.times()
	}
}

// times compares the CDR's times with the packets.
func (e *evidence) times() {
	check := func(what, stamp string, m message, ok bool) {
		if !ok {
			return
		}
		at, err := time.Parse("2006-01-02 15:04:05", stamp)
		if err != nil {
			e.fault("%s is %q", what, stamp)
			return
		}
		if d := m.at.Truncate(time.Second).Sub(at); d.Abs() > time.Second {
			e.fault("%s is %.0f s before the packet", what, d.Seconds())
		}
	}
	first, ok := find(e.w.sent(e.a.sip), 0, "INVITE")
	check("callInTime", e.record.CallInTime, first, ok)
	if len(e.bs) != 1 {
		return
	}
	invite, ok := find(e.toB, 0, "INVITE")
	check("fwdStartTime", e.record.FwdStartTime, invite, ok)
	ringing, rings := find(e.fromB, 180, "INVITE")
	if early, ok := find(e.fromB, 183, "INVITE"); ok && (!rings || early.at.Before(ringing.at)) {
		ringing, rings = early, true
	}
	check("fwdAlertingTime", e.record.FwdAlertingTime, ringing, rings)
	answer, ok := find(e.fromB, 200, "INVITE")
	check("fwdAnswerTime", e.record.FwdAnswerTime, answer, ok)
	if !ok {
		return
	}
	bye, ended := find(append(e.fromB, e.w.sent(e.a.sip)...), 0, "BYE")
	if !ended { // the switch ended it
		bye, ended = find(e.toB, 0, "BYE")
	}
	check("callEndTime", e.record.CallEndTime, bye, ended)
	if talk := bye.at.Sub(answer.at); ended && e.want.talk > 0 && (talk-e.want.talk).Abs() > 1500*time.Millisecond {
		e.fault("they talked %.1f s, want %.0f", talk.Seconds(), e.want.talk.Seconds())
	}
}

// hears checks that A heard a prompt as early media, before the final answer.
func (e *evidence) hears(prompt string) {
	early, ok := find(e.toA, 183, "INVITE")
	if !ok || !early.hasSDP() {
		e.fault("A got no early media")
		return
	}
	if s := e.w.heard(e.a.media); !s.plays(e.prompt(prompt)) {
		e.fault("A does not hear %s (%d bytes of sound came)", prompt, len(s.law))
	}
}

// hearsToo checks that a prompt was heard at an address at any time.
func (e *evidence) hearsToo(who string, at netip.AddrPort, prompt string) {
	if s := e.w.heard(at); !s.plays(e.prompt(prompt)) {
		e.fault("%s does not hear %s (%d bytes of sound came)", who, prompt, len(s.law))
	}
}

// prompt is the sound of one of the platform's prompts.
func (e *evidence) prompt(name string) []byte {
	w, err := readWAV(e.h.in("prompts", "zh", name))
	if err != nil {
		e.fault("%s: %s", name, err)
	}
	return w.data
}

// until is the sound that came to an address before a moment.
func (e *evidence) until(addr netip.AddrPort, moment time.Time) []float64 {
	cut := &wire{to: map[netip.AddrPort][]packet{}}
	for _, p := range e.w.to[addr] {
		if p.at.Before(moment) {
			cut.to[addr] = append(cut.to[addr], p)
		}
	}
	return linear(cut.heard(addr).law)
}

// answeredAt is when A got his 200.
func (e *evidence) answeredAt() time.Time {
	m, ok := find(e.toA, 200, "INVITE")
	if !ok {
		return time.Now()
	}
	return m.at
}
