package voice

import (
	"cmp"
	"slices"
	"time"

	"maskline/models"
)

// windowMost is how many waiting calls of one app are held in memory.
const windowMost = 200

// entry is a waiting call in the window.
type entry struct {
	o       models.Outgoing
	stage   prepared
	readyAt time.Time // of stage ready
	retryAt time.Time // not prepared before, after a failure of ours
}

// prepared is how far a call is from being dialled.
type prepared int

const (
	fresh     prepared = iota // nothing done yet
	preparing                 // a worker has it
	ready
)

// order is that of the store: priority, age, row.
func (e *entry) order(o *entry) int {
	a, b := e.o, o.o
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.QueuedAt.Compare(b.QueuedAt), cmp.Compare(a.Seq, b.Seq))
}

// hold is what keeps an app's calls from being dialled.
type hold int

const (
	holdNone   hold = iota
	holdTenant      // the tenant's limits
	holdPorts       // all ports of the app, or all channels of the trunks
	holdPace        // new calls a second of the app
	holdSwitch      // no switch is up, or none that takes calls
)

// line is the waiting calls of one app, and its pace. It belongs to the Queue's lock.
type line struct {
	app     models.App
	spID    string
	off     bool // app or tenant may not be used
	loaded  time.Time
	waiting int // as the store said last
	window  []*entry
	pace    pace
	numbers map[string]*pace // of display numbers that have a bound
	held    hold             // what kept it back when it was looked at last
	pauseAt time.Time        // not dialled before: the engine refused one
	news    bool             // something was offered, or came back, since the last read
	readAt  time.Time        // when the last read of the window began
	deep    mark             // where the next read goes on, when calls of numbers that must wait stand before others
	short   bool             // the last read left calls of some numbers out, and the window has room
}

// tune takes the app's settings over.
func (l *line) tune(app models.App, tenant models.Tenant, now time.Time) {
	l.app, l.spID, l.loaded = app, tenant.SpID, now
	l.off = app.State != models.StateNormal || tenant.State != models.StateNormal || tenant.Arrears
	v := app.Settings.Voice
	l.pace.set(v.PerSecond())
	if l.numbers == nil || v.Number.Rate == 0 {
		l.numbers = map[string]*pace{}
	}
	for _, p := range l.numbers {
		p.set(v.Number.Rate)
	}
}

// number is the pace of a display number; nil when it has no bound of its own.
func (l *line) number(n string) *pace {
	rate := l.app.Settings.Voice.Number.Rate
	if rate == 0 {
		return nil
	}
	p := l.numbers[n]
	if p == nil {
		p = &pace{}
		p.set(rate)
		l.numbers[n] = p
	}
	return p
}

// perNumber is how many calls of one display number the window holds: more than it may dial until the window is read again would keep the
// calls of other numbers out of sight.
func perNumber(v models.VoiceSettings) int {
	most := windowMost
	if v.Number.Rate > 0 {
		most = min(most, max(4, int(3*v.Number.Rate)))
	}
	if v.Number.Ports > 0 {
		most = min(most, 2*v.Number.Ports+8)
	}
	return most
}

// merge makes the window what a read found: the first rows of the app, in order, and some from further on. Those of which mine is true do not wait.
func (l *line) merge(r reading, mine func(session string) bool) {
	known := make(map[string]*entry, len(l.window))
	for _, e := range l.window {
		known[e.o.Session.ID] = e
	}
	var out []*entry
	for _, o := range r.rows {
		if mine(o.Session.ID) {
			continue
		}
		e := known[o.Session.ID]
		if e == nil {
			e = &entry{o: o}
		}
		delete(known, o.Session.ID)
		out = append(out, e)
	}
	// What the read would have found, had it still been there, is gone. The rest stays until there is no room for it.
	for _, e := range known {
		if !r.covers(e) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, (*entry).order)
	l.window = out[:min(len(out), windowMost)]
	l.deep, l.short, l.readAt = r.next, r.short, r.began
	if r.upto == nil && !r.short {
		l.waiting = len(l.window) // there are no others
	}
}

// drop takes a call out of the window.
func (l *line) drop(session string) {
	l.window = slices.DeleteFunc(l.window, func(e *entry) bool { return e.o.Session.ID == session })
}

// idle says that the line can be forgotten: nothing waits, and no pace would be lost.
func (l *line) idle(now time.Time) bool {
	if len(l.window) > 0 || l.waiting > 0 || l.news || !l.pace.quiet(now) {
		return false
	}
	for _, p := range l.numbers {
		if !p.quiet(now) {
			return false
		}
	}
	return true
}
