package voice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// mark is a place in an app's queue; its zero value is the front.
type mark = store.QueueMark

// How often and how far the store is read.
const (
	windowLow    = 150                    // below it the window is filled up
	fillAgain    = 50 * time.Millisecond  // between two reads of one app's window
	shortAgain   = 500 * time.Millisecond // … when calls of some numbers were left out
	freshenAgain = 5 * time.Second        // … when it is full: another daemon may have accepted something more urgent
	loadAgain    = 5 * time.Second        // settings of an app
	recountAgain = 15 * time.Second       // live calls
	takenIn      = time.Minute            // from the dialling until the store has it, at most
	pagesMost    = 5                      // of windowMost rows, in one read
	expiredMost  = 200                    // calls that give up, in one look
)

// reading is what one read of an app's queue found.
type reading struct {
	began time.Time
	rows  []models.Outgoing
	upto  *entry // up to it, in order, everything was read; nil is to the end
	next  mark
	short bool
}

// covers says that the read would have found the call.
func (r reading) covers(e *entry) bool { return r.upto == nil || e.order(r.upto) <= 0 }

// lookOn reads the store, over and over, until ctx ends: when something was offered, when a window runs low, and once a poll.
func (q *Queue) lookOn(ctx context.Context) {
	var w watch
	for ctx.Err() == nil {
		next := q.look(ctx, &w)
		tell(q.wake)
		sleep(ctx, q.news, next)
		sleep(ctx, nil, time.Now().Add(gather)) // whatever else is offered meanwhile is read with it
	}
}

// watch is what the goroutine that looks remembers.
type watch struct {
	pollAt, recountAt time.Time
	down              bool // the store failed last time
}

// look reads what is due, and says when more will be.
func (q *Queue) look(ctx context.Context, w *watch) (next time.Time) {
	now := time.Now()
	q.mu.Lock()
	q.ports.gone = map[string]bool{}
	q.mu.Unlock()
	apps, err := q.survey(ctx, w, now)
	err = errors.Join(err, q.fill(ctx, now))
	q.mu.Lock()
	q.ports.gone = nil
	q.mu.Unlock()
	if apps != nil {
		q.o.Observe.Waiting(q.backlogs(apps))
	}
	if err != nil && ctx.Err() == nil && !w.down {
		q.o.Log.LogAttrs(ctx, slog.LevelError, "the queue of calls could not be read; trying again", slog.Any("error", err))
	}
	if w.down = err != nil; w.down {
		w.pollAt = now.Add(q.o.Poll)
	}
	return q.lookAt(w.pollAt)
}

// survey looks at the whole queue, once a poll; nil when there was no need.
func (q *Queue) survey(ctx context.Context, w *watch, now time.Time) ([]store.QueueApp, error) {
	ctx, cancel := context.WithTimeout(ctx, storeIn)
	defer cancel()
	if !now.Before(w.recountAt) {
		if err := q.recount(ctx, now); err != nil {
			return nil, err
		}
		w.recountAt = now.Add(recountAgain)
	}
	if now.Before(w.pollAt) {
		return nil, nil
	}
	apps, err := q.o.Store.QueueApps(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the apps that have calls waiting: %w", err)
	}
	q.note(apps, now)
	w.pollAt = now.Add(q.o.Poll)
	more, err := q.giveUp(ctx, now)
	if more {
		w.pollAt = now
	}
	if apps == nil {
		apps = []store.QueueApp{}
	}
	return apps, err
}

// fill reads the windows that need it. An app that cannot be read does not hold up the others, but for a store that does not answer.
func (q *Queue) fill(ctx context.Context, now time.Time) (err error) {
	for _, l := range q.hungry(now) {
		if errors.Is(err, context.DeadlineExceeded) {
			q.again(l, now)
			continue
		}
		if failed := q.read(ctx, l); failed != nil {
			q.again(l, now)
			err = errors.Join(err, failed)
		}
	}
	return err
}

// again has a window read at the next poll.
func (q *Queue) again(l *line, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l.news, l.readAt = true, now.Add(q.o.Poll-gather)
}

// recount makes the counts of live calls agree with the store: after the start, and should an end ever be missed.
func (q *Queue) recount(ctx context.Context, began time.Time) error {
	list, err := q.o.Store.PlacedLive(ctx)
	if err != nil {
		return fmt.Errorf("read the live calls: %w", err)
	}
	live := make(map[string]port, len(list))
	for _, s := range list {
		if s.Stage != models.StageQueued {
			live[s.ID] = port{app: s.AppID, number: s.Dialled, seat: s.Switch}
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ports.match(live, began, takenIn)
	q.counted = true
	return nil
}

// note takes over how many calls of each app wait, and forgets what is done. The line of an app stays while a call of it is up: its gate needs
// the settings.
func (q *Queue) note(apps []store.QueueApp, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := make(map[int64]int, len(apps))
	for _, a := range apps {
		if q.owns(a.AppID) {
			q.line(a.AppID)
			waiting[a.AppID] = a.Waiting
		}
	}
	for id, l := range q.lines {
		if l.waiting = waiting[id]; l.waiting == 0 && !l.news {
			l.window = nil
		}
		if l.idle(now) && q.ports.app[id] == 0 {
			delete(q.lines, id)
			q.ring = slices.DeleteFunc(q.ring, func(o *line) bool { return o == l })
		}
	}
	maps.DeleteFunc(q.gates, func(_ string, g *gate) bool { return g.quiet(now) })
}

// backlogs is what metrics are told.
func (q *Queue) backlogs(apps []store.QueueApp) []Backlog {
	q.mu.Lock()
	defer q.mu.Unlock()
	told := make([]Backlog, 0, len(apps))
	for _, a := range apps {
		if l := q.lines[a.AppID]; l != nil && !l.loaded.IsZero() && q.owns(a.AppID) {
			told = append(told, Backlog{AppID: a.AppID, AppKey: l.app.Key, Waiting: a.Waiting, Oldest: a.Oldest})
		}
	}
	return told
}

// hungry are the lines whose window must be read now.
func (q *Queue) hungry(now time.Time) (list []*line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.ring {
		if at := l.lookAt(); !at.IsZero() && !at.After(now) {
			list = append(list, l)
			l.news = false
		}
	}
	return list
}

// lookAt is when the next look is due.
func (q *Queue) lookAt(next time.Time) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.ring {
		if at := l.lookAt(); !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next
}

// lookAt is when the window must be read again; zero when there is no need.
func (l *line) lookAt() time.Time {
	n := len(l.window)
	switch {
	case l.news:
		return l.readAt.Add(gather)
	case l.waiting == 0 && n == 0:
		return time.Time{}
	case l.waiting <= n:
		return l.readAt.Add(freshenAgain)
	case l.short:
		return l.readAt.Add(shortAgain)
	case n < windowLow:
		return l.readAt.Add(fillAgain)
	}
	return l.readAt.Add(freshenAgain)
}

// read fills an app's window.
func (q *Queue) read(ctx context.Context, l *line) error {
	ctx, cancel := context.WithTimeout(ctx, storeIn)
	defer cancel()
	if err := q.load(ctx, l); err != nil {
		return err
	}
	r, err := q.readRows(ctx, l)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	l.merge(r, q.ports.mine)
	return nil
}

// load brings an app's settings up to date.
func (q *Queue) load(ctx context.Context, l *line) error {
	if now := time.Now(); now.Sub(l.loaded) < loadAgain { // written by this goroutine only
		return nil
	}
	app, tenant, err := q.owner(ctx, l.app.ID)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	l.tune(app, tenant, time.Now())
	return nil
}

func (q *Queue) owner(ctx context.Context, appID int64) (models.App, models.Tenant, error) {
	app, err := q.o.Store.App(ctx, appID)
	if err != nil {
		return app, models.Tenant{}, fmt.Errorf("read the app of a waiting call: %w", err)
	}
	tenant, err := q.o.Store.Tenant(ctx, app.TenantID)
	if err != nil {
		return app, tenant, fmt.Errorf("read the tenant of a waiting call: %w", err)
	}
	return app, tenant, nil
}

// readRows reads the front of the queue. Where calls of a number that must wait would fill the window, it goes on behind them for calls of others, and
// from there the next time.
func (q *Queue) readRows(ctx context.Context, l *line) (reading, error) {
	r := reading{began: time.Now()}
	most, counts, after := perNumber(l.app.Settings.Voice), map[string]int{}, mark{}
	for page := range pagesMost {
		rows, err := q.o.Store.QueueHead(ctx, l.app.ID, after, windowMost)
		if err != nil {
			return r, fmt.Errorf("read an app's waiting calls: %w", err)
		}
		for _, o := range rows {
			if counts[o.Session.Dialled]++; counts[o.Session.Dialled] <= most && len(r.rows) < windowMost {
				r.rows = append(r.rows, o)
			}
		}
		if len(rows) < windowMost {
			if page == 0 {
				r.short = len(r.rows) < len(rows)
				return r, nil
			}
			r.next = mark{}
			break
		}
		last := rows[len(rows)-1]
		after = store.MarkOf(last)
		if page == 0 {
			r.upto = &entry{o: last}
			if l.deep.Seq != 0 && beyond(l.deep, after) {
				after = l.deep
			}
		}
		if r.next = after; len(r.rows) >= windowMost {
			r.next = mark{}
			break
		}
	}
	r.short = len(r.rows) < windowMost
	return r, nil
}

// beyond says that a stands behind b in the queue.
func beyond(a, b mark) bool {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.QueuedAt.Compare(b.QueuedAt), cmp.Compare(a.Seq, b.Seq)) > 0
}
