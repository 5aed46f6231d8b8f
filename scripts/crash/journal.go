package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"maskline/esl/sim"
)

// seen is one call as a switch itself wrote it down.
type seen struct {
	sw, call string
	first    []leg // the caller's leg; of a placed call one for each trunk that was tried
	second   []leg // legs to callees
	lost     bool  // the switch died while it was up
}

// leg is one leg; zero times were not reached.
type leg struct {
	id                   string
	began, answered, end time.Time
	cause, by, owner     string
}

// over is when its last leg ended.
func (s *seen) over() time.Time {
	var last time.Time
	for _, l := range append(s.first, s.second...) {
		if l.end.After(last) {
			last = l.end
		}
	}
	return last
}

// talk is the leg that was answered, and whether there is one.
func answered(legs []leg) (leg, bool) {
	for _, l := range legs {
		if !l.answered.IsZero() {
			return l, true
		}
	}
	return leg{}, false
}

func (s *seen) String() string {
	var text strings.Builder
	text.WriteString("call " + s.call + " on " + s.sw)
	for i, legs := range [][]leg{s.first, s.second} {
		for _, l := range legs {
			fmt.Fprintf(&text, ", leg %d %s answered %s ended %s %s %s", i+1, clock(l.began), clock(l.answered), clock(l.end), l.cause, l.by)
		}
	}
	if s.lost {
		text.WriteString(", the switch died")
	}
	return text.String()
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("15:04:05.000")
}

// readJournal reads the record that a switch has kept, and gives its calls that came since a moment. A line that was cut off by a crash is
// the last one of its life and is left out.
func readJournal(g *gateway, since time.Time) ([]*seen, error) {
	f, err := os.Open(g.journal)
	if err != nil {
		return nil, fmt.Errorf("read the record of %s: %w", g.name, err)
	}
	defer func() { _ = f.Close() }()
	j := journal{sw: g.name, calls: map[string]*seen{}, up: map[string]*sim.Entry{}}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e sim.Entry
		if json.Unmarshal(lines.Bytes(), &e) == nil && !e.At.Before(since.Add(-time.Millisecond)) {
			j.take(e)
		}
	}
	return j.order, lines.Err()
}

// journal puts a switch's lines together.
type journal struct {
	sw    string
	calls map[string]*seen
	order []*seen
	up    map[string]*sim.Entry // legs that have not ended
}

func (j *journal) take(e sim.Entry) {
	if e.What == "start" { // whatever was up died with the life before
		for _, open := range j.up {
			j.calls[open.Call].lost = true
		}
		clear(j.up)
		return
	}
	c := j.calls[e.Call]
	if c == nil {
		if e.What != "begin" {
			return // it began in the round before
		}
		c = &seen{sw: j.sw, call: e.Call}
		j.calls[e.Call] = c
		j.order = append(j.order, c)
	}
	legs := &c.second
	if e.Leg == e.Call || e.Role == "a" {
		legs = &c.first
	}
	var l *leg
	for i := range *legs {
		if (*legs)[i].id == e.Leg {
			l = &(*legs)[i]
		}
	}
	if l == nil {
		*legs = append(*legs, leg{id: e.Leg})
		l = &(*legs)[len(*legs)-1]
	}
	switch e.What {
	case "begin":
		l.began = e.At
		j.up[e.Leg] = &e
	case "answer":
		l.answered = e.At
	case "end":
		l.end, l.cause, l.by, l.owner = e.At, string(e.Cause), e.By, e.Owner
		delete(j.up, e.Leg)
	}
}
