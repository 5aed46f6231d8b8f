package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// check compares what the switches, the database and the customer say of a round's calls. It is pure but for the recordings' files.
type check struct {
	sched    schedule
	rows     *rows
	seen     []*seen
	heard    func(session string) told
	struck   []struck
	files    string // where recordings are kept
	findings []string
	repeated int // pushes that the customer took more than once
	known    map[string]int
}

// struck is a fault that was done.
type struck struct {
	strike
	name     string // of the switch
	from, to time.Time
}

// The exceptions, each with its reason. They are counted and printed; nothing else is let pass.
const (
	// A switch that dies takes its calls with it: nobody knows when they would have ended. They have their one CDR, of source "lost".
	exceptLost = "ended with their switch"
	// No leg record is written by a switch that dies before a daemon has taken the call, or before the post of the record is over (2 s).
	exceptUnseen = "died with their switch before anybody took them"
)

func (c *check) fault(s *seen, row *session, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	id := "no session"
	if row != nil {
		id = row.id
	}
	line := id + ": " + text
	if s != nil {
		line += "\n    switch: " + s.String()
	}
	if row != nil {
		line += "\n    database: " + row.String() + "\n    customer: " + c.heard(row.id).String()
	}
	c.findings = append(c.findings, line)
}

func (s *session) String() string {
	return fmt.Sprintf("%s leg %s, %s %s ended %s, events %v, CDRs %v, charges %v, pushes %v, recordings %v", s.mode, s.legA, s.stage, s.switchName, clock(s.ended), s.events,
		s.cdrs, s.charges, s.pushes, s.recordings)
}

func (r cdrRow) String() string {
	return fmt.Sprintf("{answer %s end %s leg 1 %s fail %d by %d source %s record %t}", clock(r.answer), clock(r.end), clock(r.outAnswer), r.fail, r.hungUpBy, r.source, r.record)
}

func (t told) String() string {
	return fmt.Sprintf("tries %v, taken %v, CDR %d times %+v", t.tries, t.taken, t.fees, t.fee)
}

// run checks every call of the round.
func (c *check) run() {
	c.known = map[string]int{}
	byLeg, bySession := map[string]*placed{}, map[string]*placed{}
	for i := range c.sched.calls {
		p := &c.sched.calls[i]
		if p.leg != "" {
			byLeg[p.leg] = p
		}
		if p.session != "" {
			bySession[p.session] = p
		}
	}
	met := map[string]bool{}
	for _, s := range c.seen {
		if len(s.first) == 0 {
			c.fault(s, nil, "a callee's leg without a caller's")
			continue
		}
		list := c.rows.byCall[s.call]
		switch len(list) {
		case 0:
			c.untaken(s)
			continue
		case 1:
		default:
			c.fault(s, list[1], "a call has %d sessions", len(list))
		}
		met[list[0].id] = true
		p := byLeg[s.call]
		if p == nil {
			p = bySession[list[0].id]
		}
		c.call(s, list[0], p)
	}
	for id, row := range c.rows.sessions {
		if !met[id] {
			c.unmet(row)
		}
	}
	for id := range bySession {
		if c.rows.sessions[id] == nil {
			c.fault(nil, nil, "the notification %s was accepted, and there is no session of it", id)
		}
	}
}

// untaken is a call that no daemon wrote down.
func (c *check) untaken(s *seen) {
	if (s.lost || c.dying(s)) && len(s.second) == 0 {
		c.known[exceptUnseen]++
		return
	}
	c.fault(s, nil, "a call without a session")
}

// dying says that a call ended so shortly before its switch was killed that the switch could not tell of it any more.
func (c *check) dying(s *seen) bool {
	return slices.ContainsFunc(c.struck, func(k struck) bool {
		before := k.from.Sub(s.over())
		return k.what == killSwitch && k.name == s.sw && before >= 0 && before < 3*time.Second
	})
}

// unmet is a session that no switch saw: of a placed call that was not dialled it still has an end.
func (c *check) unmet(row *session) {
	if row.mode != modeNotice {
		c.fault(nil, row, "a session of a call that no switch saw")
		return
	}
	c.ended(nil, row)
	c.told(nil, row)
}

// call checks one call.
func (c *check) call(s *seen, row *session, p *placed) {
	if n := len(s.first); row.mode == modeNotice && n > 1 { // there is one trunk
		c.fault(s, row, "somebody was called %d times", n)
	}
	c.ended(s, row)
	c.told(s, row)
	if len(row.cdrs) != 1 {
		return
	}
	r := row.cdrs[0]
	c.charged(s, row, r)
	if s.lost || r.source == "lost" && c.dying(s) {
		c.known[exceptLost]++
		return
	}
	c.timed(s, row, r)
	c.rang(s, row, p)
	c.recorded(s, row, r, p)
}

// ended: one session that is over, one disconnect event, one CDR, one push of it.
func (c *check) ended(s *seen, row *session) {
	if row.ended.IsZero() {
		c.fault(s, row, "the session is live")
	}
	if n := row.events["disconnect"]; n != 1 {
		c.fault(s, row, "%d disconnect events", n)
	}
	if n := len(row.cdrs); n != 1 {
		c.fault(s, row, "%d CDRs", n)
	}
	if pushes := row.pushes["cdr"]; len(pushes) != 1 || pushes[0].state != "done" {
		c.fault(s, row, "the pushes of its CDR are %v", pushes)
	}
	for kind, n := range row.events {
		if n != 1 && kind != "collectInfo" {
			c.fault(s, row, "%d %s events", n, kind)
		}
	}
}

// ranks is the order of a session's events; what keys were pressed comes where it may.
var ranks = map[string]int{"callin": 1, "callout": 2, "alerting": 3, "answer": 4, "disconnect": 5}

// told: the customer took each event, in their order, and the CDR.
func (c *check) told(s *seen, row *session) {
	t := c.heard(row.id)
	last := 0
	for _, kind := range t.tries {
		rank := ranks[kind]
		if rank != 0 && rank < last {
			c.fault(s, row, "%s came after a later event", kind)
		}
		last = max(last, rank)
	}
	for kind := range row.events {
		took := t.taken[kind]
		if row.mode == modeNotice && slices.Contains(t.tries, kind) { // the other product tries its events once (spec/voicecall.md)
			took = max(took, 1)
		}
		if took == 0 {
			c.fault(s, row, "the customer never got %s", kind)
		}
		c.repeated += max(0, took-1)
	}
	if t.fees == 0 {
		c.fault(s, row, "the customer never got the CDR")
	}
	c.repeated += max(0, t.fees-1)
}

// charged: one charge for each billed leg, over the seconds of the CDR.
func (c *check) charged(s *seen, row *session, r cdrRow) {
	want := map[int]int64{}
	seconds := func(from, to time.Time) int64 { return max(0, to.Unix()-from.Unix()) }
	if row.mode == modeNotice {
		if !r.outAnswer.IsZero() {
			want[1] = seconds(r.outAnswer, r.end)
		}
	} else if !r.answer.IsZero() {
		want[2] = seconds(r.answer, r.end)
	}
	for leg, n := range want {
		got, ok := row.charges[leg]
		if !ok || got.seconds != n {
			c.fault(s, row, "leg %d is not charged for its %d s", leg, n)
		}
	}
	if len(row.charges) != len(want) {
		c.fault(s, row, "%d charges for %d billed legs", len(row.charges), len(want))
	}
}

// timed: the CDR has the switch's own times within a second, and the longest talk was held.
func (c *check) timed(s *seen, row *session, r cdrRow) {
	legs, at := s.second, r.answer
	if row.mode == modeNotice {
		legs, at = s.first, r.outAnswer
	}
	l, up := answered(legs)
	if !up {
		if !at.IsZero() {
			c.fault(s, row, "the CDR has an answer, the switch has none")
		}
		return
	}
	if at.IsZero() {
		c.fault(s, row, "the switch has an answer, the CDR has none")
		return
	}
	talk := l.end.Sub(l.answered)
	if apart(at, l.answered) > 1 || apart(r.end, l.end) > 1 || math.Abs(r.end.Sub(at).Seconds()-talk.Seconds()) > 1 {
		c.fault(s, row, "talk of %.1fs in the CDR, %.1fs on the switch", r.end.Sub(at).Seconds(), talk.Seconds())
	}
	if row.mode != modeNotice && talk > longestTalk+1500*time.Millisecond {
		c.fault(s, row, "they talked for %.1fs, longer than anybody may", talk.Seconds())
	}
}

// apart is how many seconds lie between two moments.
func apart(a, b time.Time) float64 { return math.Abs(a.Sub(b).Seconds()) }

// rang: a phone that rang and would have picked up did, whoever died meanwhile.
func (c *check) rang(s *seen, row *session, p *placed) {
	if p == nil || !p.answers() || p.kind == notice || len(s.second) == 0 {
		return
	}
	if _, up := answered(s.second); !up {
		c.fault(s, row, "B rang (%s), and was never connected", p.kind)
	}
}

// recorded: a call to be recorded is, and its file is there, or its push says that it is not (8015).
func (c *check) recorded(s *seen, row *session, r cdrRow, p *placed) {
	if l, up := answered(s.second); up && p != nil && p.kind == recorded && l.end.Sub(l.answered) > 5*time.Second && !r.record {
		c.fault(s, row, "the call was not recorded")
	}
	if !r.record {
		return
	}
	const failed = 8015
	for _, x := range row.recordings {
		switch {
		case x.state == "kept" && c.exists(x.name), x.state == "short":
			return
		case x.state == "missing" && c.heard(row.id).fee.ULFailReason == failed:
			c.known["recordings that did not come (8015)"]++
			return
		}
	}
	c.fault(s, row, "its recording is not there")
}

// exists tells whether a recording is on the disk.
func (c *check) exists(name string) bool {
	for _, pattern := range []string{name, filepath.Join("*", filepath.Base(name)), filepath.Join("*", "*", filepath.Base(name))} {
		found, err := filepath.Glob(filepath.Join(c.files, pattern))
		if err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

// strays lists files that a quiet house has none of: records that wait, parts of recordings.
func strays(h *house) []string {
	var all []string
	look := func(dir string, patterns ...string) {
		for _, p := range patterns {
			found, _ := filepath.Glob(filepath.Join(dir, p))
			all = append(all, found...)
		}
	}
	for _, g := range h.switches {
		look(g.spool, "*")
	}
	for _, d := range h.daemons {
		look(filepath.Join(d.dir, "posted"), "*")
	}
	_ = filepath.WalkDir(filepath.Join(h.shared, "recordings"), func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && filepath.Ext(path) != ".wav" {
			all = append(all, path)
		}
		return nil
	})
	return all
}
