package main

import (
	"strings"
	"testing"
	"time"

	"maskline/esl/sim"
)

// whole is a call of which everything is right, and what the three sources say of it.
func whole() (check, *seen, *session) {
	at := time.Unix(1_700_000_000, 0)
	later := func(d int) time.Time { return at.Add(time.Duration(d) * time.Second) }
	s := &seen{sw: "fs1", call: "leg", first: []leg{{id: "leg", began: at, answered: later(3), end: later(13)}}, second: []leg{{id: "b", began: later(1), answered: later(3), end: later(13)}}}
	row := &session{id: "id", legA: "leg", mode: "axb", stage: "ended", ended: later(13), events: map[string]int{"callin": 1, "callout": 1, "alerting": 1, "answer": 1, "disconnect": 1},
		cdrs: []cdrRow{{answer: later(3), end: later(13), source: "events"}}, charges: map[int]chargeRow{2: {seconds: 10}}, pushes: map[string][]pushRow{"cdr": {{state: "done"}}}}
	heard := told{tries: []string{"callin", "callout", "alerting", "answer", "disconnect"}, taken: map[string]int{"callin": 1, "callout": 1, "alerting": 1, "answer": 1, "disconnect": 1}, fees: 1}
	return check{seen: []*seen{s}, rows: &rows{sessions: map[string]*session{"id": row}, byCall: map[string][]*session{"leg": {row}}},
		heard: func(string) told { return heard }, sched: schedule{calls: []placed{{kind: talks, leg: "leg"}}}}, s, row
}

// Each thing that may go wrong is found: a checker that finds nothing is worth nothing.
func TestTheCheckerFinds(t *testing.T) {
	for name, breaks := range map[string]struct {
		what func(c *check, s *seen, row *session)
		want string // "" for nothing
	}{
		"nothing":                 {func(*check, *seen, *session) {}, ""},
		"a call without session":  {func(c *check, _ *seen, _ *session) { c.rows.byCall = nil; c.rows.sessions = nil }, "without a session"},
		"two sessions":            {func(c *check, _ *seen, r *session) { c.rows.byCall["leg"] = []*session{r, r} }, "2 sessions"},
		"a live session":          {func(_ *check, _ *seen, r *session) { r.ended = time.Time{} }, "is live"},
		"no disconnect":           {func(_ *check, _ *seen, r *session) { delete(r.events, "disconnect") }, "0 disconnect events"},
		"two answers":             {func(_ *check, _ *seen, r *session) { r.events["answer"] = 2 }, "2 answer events"},
		"no CDR":                  {func(_ *check, _ *seen, r *session) { r.cdrs = nil }, "0 CDRs"},
		"CDR not delivered":       {func(_ *check, _ *seen, r *session) { r.pushes["cdr"][0].state = "dead" }, "pushes of its CDR"},
		"no charge":               {func(_ *check, _ *seen, r *session) { r.charges = nil }, "not charged"},
		"a charge too many":       {func(_ *check, _ *seen, r *session) { r.charges[1] = chargeRow{} }, "2 charges for 1"},
		"longer talk in the CDR":  {func(_ *check, _ *seen, r *session) { r.cdrs[0].end = r.cdrs[0].end.Add(2 * time.Second) }, "talk of 12.0s"},
		"an answer nobody gave":   {func(_ *check, s *seen, _ *session) { s.second[0].answered = time.Time{} }, "the switch has none"},
		"an answer that was lost": {func(_ *check, _ *seen, r *session) { r.cdrs[0].answer = time.Time{} }, "the CDR has none"},
		"never connected": {func(_ *check, s *seen, r *session) {
			s.second[0].answered, r.cdrs[0].answer, r.charges = time.Time{}, time.Time{}, nil
		}, "never connected"},
		"talked too long": {func(_ *check, s *seen, _ *session) { s.second[0].end = s.second[0].end.Add(time.Minute) }, "longer than anybody may"},
		"out of order": {func(c *check, _ *seen, r *session) {
			h := c.heard("")
			h.tries = []string{"callin", "alerting", "callout", "answer", "disconnect"}
			c.heard = func(string) told { return h }
		}, "after a later event"},
		"an event that never came": {func(c *check, _ *seen, _ *session) {
			h := c.heard("")
			h.taken = map[string]int{"callin": 1}
			c.heard = func(string) told { return h }
		}, "never got"},
		"called twice":            {func(_ *check, s *seen, r *session) { r.mode, s.first = modeNotice, append(s.first, s.first[0]) }, "called 2 times"},
		"no recording":            {func(_ *check, _ *seen, r *session) { r.cdrs[0].record = true }, "recording is not there"},
		"lost with its switch":    {func(_ *check, s *seen, _ *session) { s.lost, s.second[0].answered = true, time.Time{} }, ""},
		"a session nobody called": {func(c *check, _ *seen, _ *session) { c.seen = nil }, "no switch saw"},
	} {
		t.Run(name, func(t *testing.T) {
			c, s, row := whole()
			breaks.what(&c, s, row)
			c.run()
			found := strings.Join(c.findings, "\n")
			if breaks.want == "" && found != "" || !strings.Contains(found, breaks.want) {
				t.Errorf("found %q, want %q", found, breaks.want)
			}
		})
	}
}

func TestJournalKnowsWhatASwitchTookWithIt(t *testing.T) {
	j := journal{sw: "fs1", calls: map[string]*seen{}, up: map[string]*sim.Entry{}}
	for _, e := range []sim.Entry{
		{What: "start"}, {What: "begin", Leg: "a", Call: "a"}, {What: "begin", Leg: "b", Call: "a", Role: "b"}, {What: "answer", Leg: "b", Call: "a", Role: "b"},
		{What: "begin", Leg: "c", Call: "c"}, {What: "end", Leg: "c", Call: "c"}, {What: "start"}, {What: "end", Leg: "x", Call: "x"},
		{What: "begin", Leg: "p2", Call: "p", Role: "a"}, {What: "end", Leg: "p2", Call: "p", Role: "a"},
	} {
		j.take(e)
	}
	if len(j.order) != 3 || !j.calls["a"].lost || j.calls["c"].lost || len(j.calls["a"].second) != 1 || len(j.calls["p"].first) != 1 {
		t.Errorf("%v", j.order)
	}
}
