package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"maskline/esl/sim"
	"maskline/models"
)

// The columns of the ladder: A's telephone, the platform, B's telephone, the customer's back end.
type column int

const (
	colA column = iota
	colX
	colB
	colC
	columnWidth = 30
)

// ladder prints a call as it happens.
type ladder struct {
	printf func(format string, args ...any)
	began  time.Time
}

func (l *ladder) heading(names ...string) {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "%-*s", columnWidth, n)
	}
	l.printf("%8s  %s\n", "seconds", strings.TrimRight(b.String(), " "))
}

// arrow draws a message from one column to another.
func (l *ladder) arrow(at time.Time, from, to column, text string) {
	left, right := min(from, to), max(from, to)
	room := int(right-left)*columnWidth - 2
	text = fmt.Sprintf(" %s ", text)
	fill := max(0, room-1-len([]rune(text)))
	line := strings.Repeat("─", min(2, fill)) + text + strings.Repeat("─", max(0, fill-2))
	if from < to {
		line += "▶"
	} else {
		line = "◀" + line
	}
	l.row(at, left, line)
}

// remark writes beside a column.
func (l *ladder) remark(at time.Time, where column, text string) { l.row(at, where, "· "+text) }

func (l *ladder) row(at time.Time, left column, text string) {
	var rails strings.Builder
	for range left {
		rails.WriteString("│" + strings.Repeat(" ", columnWidth-1))
	}
	l.printf("%8.2f  %s│%s\n", at.Sub(l.began).Seconds(), rails.String(), text)
}

// step is something to be shown at its time.
type step struct {
	at   time.Time
	draw func(*ladder)
}

// watch follows one call: both telephones, what the database holds of it, and what the customer is told.
type watch struct {
	s       *show
	a       *sim.Line // nil when the platform places the call
	before  int       // how often B's telephone had rung before
	session string
	seenA   int
	seenB   int
	routed  bool
	record  json.RawMessage
	over    bool   // disconnect has been told
	wrong   string // what was wrong with a push
}

// call places the scripted call, shows it, and gives its record as the customer got it.
func (s *show) call(ctx context.Context) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	l := &ladder{printf: s.printf, began: time.Now()}
	l.heading("A "+s.A, "X "+s.Numbers[0], "B "+s.B, "customer's back end")
	line, err := s.daemon.Sim().Call(sim.Caller{From: s.A, To: s.Numbers[0], Callee: &sim.Phone{Rings: s.Rings, HangsUpAfter: s.Talk}})
	if err != nil {
		return nil, fmt.Errorf("place the call: %w", err)
	}
	w := &watch{s: s, a: line, session: models.SessionID(line.Leg, "sim1")}
	if err := w.follow(ctx, l); err != nil {
		return nil, err
	}
	s.printf("\n%s\n\n", w.verdict())
	return w.record, nil
}

// verdict says whether the call was masked, by all that the two telephones were sent.
func (w *watch) verdict() string {
	if w.tells(w.a, w.s.B) {
		return "A was shown B's number: this must not happen."
	}
	for _, b := range w.s.daemon.Sim().Rang(w.s.B) {
		if w.tells(b, w.s.A) {
			return "B was shown A's number: this must not happen."
		}
	}
	return "Neither telephone was sent the other's number, only X. The customer was told each step and got one record."
}

// tells says whether a telephone was sent a number, in the spellings that end alike.
func (w *watch) tells(phone *sim.Line, number string) bool {
	tail := strings.TrimPrefix(number, "+86")
	for _, m := range phone.Heard() {
		if !m.Sent && strings.Contains(fmt.Sprint(m.Text, m.Header), tail) {
			return true
		}
	}
	return false
}

// look gathers what is new. The session is asked for last: it is committed before anything that the rest can tell of, so a step never
// comes before the route it followed.
func (w *watch) look(ctx context.Context) []step {
	steps := w.phones()
	for more := true; more; {
		select {
		case t := <-w.s.customer.pushes:
			if t.session == w.session {
				steps = append(steps, w.push(t))
			}
		default:
			more = false
		}
	}
	if w.routed {
		return steps
	}
	row, err := w.s.daemon.Store().Session(ctx, w.session)
	if err != nil {
		return steps
	}
	w.routed = true
	why := fmt.Sprintf("route: for this caller X is %s, who sees X", row.Callee.Reveal())
	at := row.StartedAt.Add(time.Millisecond)
	return append(steps, step{at, func(l *ladder) { l.remark(at, colX, why) }})
}

// phones are the moments of both telephones since the last look.
func (w *watch) phones() (steps []step) {
	if w.a != nil {
		heard := w.a.Heard()
		for _, m := range heard[w.seenA:] {
			steps = append(steps, moment(m, colA))
		}
		w.seenA = len(heard)
	}
	rang := w.s.daemon.Sim().Rang(w.s.B)
	if len(rang) <= w.before {
		return steps
	}
	heard := rang[len(rang)-1].Heard()
	for _, m := range heard[w.seenB:] {
		steps = append(steps, moment(m, colB))
	}
	w.seenB = len(heard)
	return steps
}

// moment draws what a telephone did or was told.
func moment(m sim.Moment, phone column) step {
	text := m.String()
	for _, h := range m.Header {
		if h.Name == "From" && m.What == "INVITE" {
			text += " from " + user(h.Value)
		}
	}
	if m.What == "ringback" {
		text = "the ring-back tone"
	}
	from, to := colX, phone
	if m.Sent {
		from, to = phone, colX
	}
	return step{m.At, func(l *ladder) {
		if m.What == "ringback" || m.What == "playback" {
			l.remark(m.At, phone, "hears "+text)
			return
		}
		l.arrow(m.At, from, to, text)
	}}
}

// user is the user part of the URI in a header.
func user(header string) string {
	_, rest, _ := strings.Cut(header, "sip:")
	name, _, _ := strings.Cut(rest, "@")
	return name
}

// push draws what the customer was told.
func (w *watch) push(t told) step {
	text := t.what + " ✓ signed"
	if t.wrong != "" {
		text, w.wrong = t.what+" ✗ "+t.wrong, t.wrong
	}
	if t.what == "disconnect" {
		w.over = true
	}
	if t.record != nil {
		w.record = t.record
	}
	return step{t.at, func(l *ladder) { l.arrow(t.at, colX, colC, text) }}
}
