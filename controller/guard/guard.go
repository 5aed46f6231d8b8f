// Package guard looks through what is about to leave for a switch and stops it when a person's number stands where another person could read it:
// in a dial string, a channel variable, the argument of an application, the path of a sound. It is the last of several nets (docs/decisions/021):
// nothing of ours should ever put a number there.
//
// The rule is short. No string that we give to a switch holds the number of anybody whom the call is about, in any spelling; only the number that
// an endpoint dials is one, and that of the very party who is called. Numbers that may be seen (X, Y, display numbers) are no finding, nor is the caller's
// where the plan shows it.
//
// It starts no goroutine and keeps no state but a Watch, which is the call's own.
package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"maskline/esl"
)

// ErrLeak says that a string was not given to the switch since somebody could have read another's number in it. Findings are it.
var ErrLeak = errors.New("a number would have been shown to somebody who must not see it")

// Where a number was found: words of a small set, for logs and metrics.
const (
	InVariable    = "variable"    // a channel variable of a leg that is up
	InApplication = "application" // the argument of an application
	InDial        = "dial"        // a variable of a leg to be dialled
	InNumber      = "number"      // the number that is dialled is not the called party's
)

// Finding is a number that was found where it must not be. It prints without it.
type Finding struct {
	Where string   // one of the words above
	Name  string   // of the variable or application
	How   Spelling // "" for a wrong number
}

func (f *Finding) Error() string {
	if f.How == "" {
		return ErrLeak.Error() + ": " + f.Where + " is not that of the called party"
	}
	return fmt.Sprintf("%s: %s %s, %s", ErrLeak, f.Where, f.Name, f.How)
}

func (f *Finding) Unwrap() error { return ErrLeak }

// Numbers are those of one call, in global form, "" where there is none. Two are equal when they are watched alike.
type Numbers struct {
	Country        string // ours, without plus; "" is 86
	Caller, Callee string // who calls, who is called. Of a placed call: the party of leg 1, that of leg 2
	A, B, Temp     string // who else is bound to the number that was dialled
	Dialled        string // X, or what a placed call shows on leg 1
	Show           string // what the callee sees
	CallerShown    bool   // the plan shows him the caller's number
	Recording      string // name of the recording: it begins with a time, which is no number
}

// Watch is what one call looks through its strings for. It is not changed once made, and any number of goroutines may use it.
type Watch struct {
	For     Numbers
	country string
	persons []Secret
	ok      innocence
}

// stampLen is the time in a recording's name, yyMMddHHmmss (spec/privatenumber.md §4.4).
const stampLen = 12

// NewWatch prepares the search for a call's numbers.
func NewWatch(n Numbers) *Watch {
	w := &Watch{For: n}
	if n.Country == "" {
		n.Country = "86"
	}
	w.country = n.Country
	for _, shown := range []string{n.Dialled, n.Show} {
		if !n.CallerShown && shown == n.Caller {
			continue // that is no leave to show it
		}
		if d := w.home(shown); len(d) >= shortest && !slices.Contains(w.ok.numbers, d) {
			w.ok.numbers = append(w.ok.numbers, d)
		}
	}
	if len(n.Recording) > stampLen {
		w.ok.times = append(w.ok.times, n.Recording[:stampLen])
	}
	var seen []string
	for _, number := range []string{n.Caller, n.Callee, n.A, n.B, n.Temp} {
		person := strings.HasPrefix(number, "+") && !slices.Contains(seen, number)
		if !person || n.CallerShown && number == n.Caller {
			continue
		}
		seen = append(seen, number)
		w.persons = append(w.persons, NewSecret(number, n.Country))
	}
	return w
}

// home is a number as it stands in every form of it.
func (w *Watch) home(global string) string {
	d, _ := strings.CutPrefix(global, "+"+w.country)
	return strings.TrimPrefix(d, "+")
}

// between parts texts that are searched together; a number cannot go on over it.
const between = "\x00"

// find looks through a text; what is parted by between is searched apart.
func (w *Watch) find(in string) Spelling {
	if len(in) < shortest || len(w.persons) == 0 {
		return ""
	}
	t := NewText(in)
	for _, s := range w.persons {
		if how := s.in(t, w.ok); how != "" {
			return how
		}
	}
	return ""
}

// Vars looks through variables that are set on a leg.
func (w *Watch) Vars(vars ...esl.Var) error { return w.vars(InVariable, vars) }

func (w *Watch) vars(where string, lists ...[]esl.Var) error {
	size := 0
	for _, l := range lists {
		for _, v := range l {
			size += len(v.Name) + len(v.Value) + 2
		}
	}
	var b strings.Builder
	b.Grow(size)
	for _, l := range lists {
		for _, v := range l {
			b.WriteString(v.Name)
			b.WriteByte('=')
			b.WriteString(v.Value)
			b.WriteString(between)
		}
	}
	how := w.find(b.String())
	if how == "" {
		return nil
	}
	f := &Finding{Where: where, How: how}
	for _, l := range lists { // which it is matters only now
		for _, v := range l {
			if w.find(v.Value) != "" && w.find(v.Name) == "" { // the name is logged
				f.Name = v.Name
			}
		}
	}
	return f
}

// App looks through the argument of an application.
func (w *Watch) App(name, arg string) error {
	if how := w.find(arg); how != "" {
		return &Finding{Where: InApplication, Name: name, How: how}
	}
	return nil
}

// Dial looks through a dial string that calls the party with this number.
func (w *Watch) Dial(d esl.Dial, to string) error {
	own := w.home(to)
	lists := make([][]esl.Var, 0, len(d.Endpoints)+1)
	lists = append(lists, d.Vars)
	for _, e := range d.Endpoints {
		if own == "" || !strings.HasSuffix(e.Number, own) || len(e.Number) > len("00")+len(w.country)+len(own) {
			return &Finding{Where: InNumber}
		}
		lists = append(lists, e.Vars)
	}
	return w.vars(InDial, lists...)
}

// Place looks through a call that we place: leg 1 calls Caller, and what it executes may dial Callee.
func (w *Watch) Place(d esl.Dial, then []esl.App) error {
	if err := w.Dial(d, w.For.Caller); err != nil {
		return err
	}
	for _, app := range then {
		if app.Dial != nil {
			if err := w.Dial(*app.Dial, w.For.Callee); err != nil {
				return err
			}
		}
		if err := w.App(app.Name, app.Arg); err != nil {
			return err
		}
	}
	return nil
}

// Call is an esl.Call that looks through what it is given before it goes to the switch. What is found is told to Found and not sent.
type Call struct {
	esl.Call
	Watch func() *Watch // asked each time: a plan changes
	Found func(*Finding)
}

// Set sets channel variables on a leg; ErrLeak if a number stands in one.
func (c *Call) Set(ctx context.Context, leg string, vars ...esl.Var) error {
	if err := c.tell(c.Watch().Vars(vars...)); err != nil {
		return fmt.Errorf("set variables: %w", err)
	}
	return c.Call.Set(ctx, leg, vars...)
}

// Execute queues an application on a leg; ErrLeak if a number stands in its argument.
func (c *Call) Execute(ctx context.Context, leg, app, arg string) (token string, err error) {
	if err := c.tell(c.Watch().App(app, arg)); err != nil {
		return "", fmt.Errorf("execute %s: %w", app, err)
	}
	return c.Call.Execute(ctx, leg, app, arg)
}

// Bridge queues a bridge to the call's callee; ErrLeak if a number stands where the other party could read it, or another one would be called.
func (c *Call) Bridge(ctx context.Context, leg string, d esl.Dial) (token string, err error) {
	w := c.Watch()
	if err := c.tell(w.Dial(d, w.For.Callee)); err != nil {
		return "", fmt.Errorf("bridge: %w", err)
	}
	return c.Call.Bridge(ctx, leg, d)
}

// tell hands a finding on.
func (c *Call) tell(err error) error {
	if f, ok := errors.AsType[*Finding](err); ok && c.Found != nil {
		c.Found(f)
	}
	return err
}
