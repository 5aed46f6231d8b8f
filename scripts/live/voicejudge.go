package main

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// voiceEvidence is what a placed call left behind.
type voiceEvidence struct {
	*voiceStage
	w        *wire
	toA, toB []message
	events   []event
	record   cdr
}

func (s *voiceStage) judge(w *wire) {
	w = w.between(s.began, s.ended)
	e := &voiceEvidence{voiceStage: s, w: w}
	if s.a != nil {
		e.toA = w.received(s.a.sip)
	}
	if s.b != nil {
		e.toB = w.received(s.b.sip)
	}
	e.leaks()
	if len(s.faults) > 0 {
		return
	}
	e.rung()
	e.told()
	if e.extra != nil && len(s.faults) == 0 {
		e.extra(e)
	}
}

// leaks looks for the other's number in every message to either party of a click-to-dial.
func (e *voiceEvidence) leaks() {
	for _, side := range []struct {
		secret string
		ms     []message
		phone  *apparatus
	}{{e.who.b, e.toA, e.a}, {e.who.a, e.toB, e.b}} {
		secret := newSecret(side.secret)
		if side.phone != nil && e.w.sounds(side.phone, side.secret) {
			e.fault("LEAK in the packets of the sound")
		}
		for _, m := range side.ms {
			for _, line := range secret.search(newText(m.text)) {
				e.fault("LEAK in %s (%s): %s", m.method(), statusWord(m), line)
			}
		}
	}
}

// rung checks that each was called once, and saw the number meant for him.
func (e *voiceEvidence) rung() {
	for _, side := range []struct {
		who   string
		ms    []message
		shown string
		rings bool
	}{{"leg 1", e.toA, e.show, e.a != nil && !e.want.unrung}, {"leg 2", e.toB, e.shownToB, strings.Contains(e.want.events, ":b")}} {
		var ids []string
		for _, m := range side.ms {
			if id := m.header("Call-ID"); m.status() == 0 && m.method() == "INVITE" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		invite, rung := find(side.ms, 0, "INVITE")
		switch {
		case rung != side.rings || len(ids) > 1:
			e.fault("%s was called %d times", side.who, len(ids))
		case rung && !strings.Contains(invite.header("From"), "sip:+86"+side.shown+"@"):
			e.fault("%s does not see the number meant for it", side.who)
		}
	}
}

// told checks events and CDR.
func (e *voiceEvidence) told() {
	events, records, _ := e.h.customer.ofSession(e.session)
	e.events = events
	var names, digits []string
	var last event
	for _, ev := range events {
		s := ev.StatusInfo
		leg := ""
		switch {
		case s.Caller == "+86"+e.show && s.Called == "+86"+e.who.a:
			leg = ":a"
		case s.Caller == "+86"+e.shownToB && s.Called == "+86"+e.who.b:
			leg = ":b"
		default:
			e.fault("%s names other numbers than its leg's", ev.EventType)
		}
		if ev.EventType == "collectInfo" {
			digits = append(digits, s.DigitInfo)
			continue
		}
		names = append(names, ev.EventType+leg)
		last = ev
		if s.UserData != e.userData() {
			e.fault("%s has userData %q", ev.EventType, s.UserData)
		}
	}
	if got := strings.Join(names, " "); got != e.want.events {
		e.fault("events %q, want %q", got, e.want.events)
	}
	if !slices.Equal(digits, e.want.digits) {
		e.fault("digits %q, want %q", digits, e.want.digits)
	}
	if code := last.StatusInfo.StateCode; code == nil || *code != e.want.state {
		e.fault("stateCode %v, want %d", code, e.want.state)
	}
	if last.StatusInfo.PartyType != e.want.party {
		e.fault("partyType %q, want %q", last.StatusInfo.PartyType, e.want.party)
	}
	if len(records) != 1 {
		e.fault("%d CDRs, want 1", len(records))
		return
	}
	e.record = records[0]
	r := e.record
	if r.ULFailReason != e.want.reason || r.CallOutUnaswRsn != e.want.outQ850 || r.FwdUnaswRsn != e.want.q850 || r.SIPStatusCode != e.want.sip {
		e.fault("CDR reason %d out %d fwd %d sip %d, want %d %d %d %d", r.ULFailReason, r.CallOutUnaswRsn, r.FwdUnaswRsn, r.SIPStatusCode, e.want.reason, e.want.outQ850, e.want.q850, e.want.sip)
	}
	service, b := "001", ""
	if e.op == "click2Call" {
		service, b = "002", "+86"+e.who.b
	}
	if r.ServiceType != service || r.BindNum != "+86"+e.show || r.CallerNum != "+86"+e.show || r.CalleeNum != "+86"+e.who.a || r.FwdDstNum != b || r.RecordFlag != e.want.record {
		e.fault("the CDR has other numbers, serviceType or recordFlag than the call")
	}
	if !strings.HasSuffix(e.session, "@"+r.HostName) {
		e.fault("hostName %q is not that of the session id", r.HostName)
	}
	e.times()
}

// times compares the CDR with the packets: to the second, as it prints.
func (e *voiceEvidence) times() {
	check := func(what, stamp string, at time.Time) {
		t, err := time.Parse("2006-01-02 15:04:05", stamp)
		if d := t.Sub(at.UTC().Truncate(time.Second)); err != nil || d.Abs() > time.Second {
			e.fault("%s is %q, the packets say %s", what, stamp, at.UTC().Format(time.TimeOnly))
		}
	}
	answer := func(a *apparatus) (time.Time, bool) {
		if a == nil {
			return time.Time{}, false
		}
		m, ok := find(e.w.sent(a.sip), 200, "INVITE")
		return m.at, ok
	}
	if m, ok := find(e.toA, 0, "INVITE"); ok {
		check("callOutStartTime", e.record.CallOutStartTime, m.at)
	}
	if at, ok := answer(e.a); ok {
		check("callOutAnswerTime", e.record.CallOutAnswerTime, at)
	} else if e.record.CallOutAnswerTime != "" {
		e.fault("leg 1 never answered, the CDR says it did")
	}
	if at, ok := answer(e.b); ok {
		check("fwdAnswerTime", e.record.FwdAnswerTime, at)
	} else if e.record.FwdAnswerTime != "" {
		e.fault("leg 2 never answered, the CDR says it did")
	}
	if e.want.talk > 0 {
		from := e.record.FwdAnswerTime
		if from == "" {
			from = e.record.CallOutAnswerTime
		}
		began, err1 := time.Parse("2006-01-02 15:04:05", from)
		ended, err2 := time.Parse("2006-01-02 15:04:05", e.record.CallEndTime)
		if d := ended.Sub(began) - e.want.talk; err1 != nil || err2 != nil || d.Abs() > 2*time.Second {
			e.fault("lasted %s, want about %s", ended.Sub(began), e.want.talk)
		}
	}
}

// hears checks that a leg was played a prompt.
func (e *voiceEvidence) hears(a *apparatus, prompt string) {
	w, err := readWAV(filepath.Join(e.h.repo, "conf/prompts/zh", prompt))
	if err != nil {
		e.fault("%s", err)
		return
	}
	if !e.w.heard(a.media).plays(w.data) {
		e.fault("%s was not heard as it is", prompt)
	}
}
