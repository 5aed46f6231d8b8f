package voice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// How preparing goes.
const (
	aheadMost  = 64               // calls of one app that are prepared before they may be dialled
	prepareIn  = time.Minute      // one call
	prepareTry = 5 * time.Second  // before another try, when the store was away
	stale      = 10 * time.Minute // a call that has been ready for longer is prepared again: its speech may have left the cache
)

// needs says whether a call must be prepared before it is dialled.
func (l *line) needs(e *entry) bool {
	return l.app.Settings.Risk.BlackLists != models.WatchOff ||
		slices.ContainsFunc(e.o.Session.Plan.Place.Play, func(i models.Item) bool { return i.Speech != nil })
}

// ready says whether a call may be dialled as far as its preparation goes.
func (l *line) ready(e *entry, now time.Time) bool {
	if !l.needs(e) {
		return true
	}
	if e.stage == ready && now.Sub(e.readyAt) >= stale {
		e.stage = fresh
	}
	return e.stage == ready
}

// ahead is how many calls of the app are prepared early: those of the next two seconds.
func (l *line) ahead() int {
	return min(aheadMost, max(4, int(math.Ceil(2*l.app.Settings.Voice.PerSecond()))))
}

// prepareSome gives the next calls of each app to workers, in turns, as far as there are any.
func (q *Queue) prepareSome(ctx context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for found := true; found; {
		found = false
		for _, l := range q.ring {
			e := l.unprepared(now)
			if e == nil || q.preparing >= q.o.Preparing {
				continue
			}
			found = true
			e.stage = preparing
			q.preparing++
			app := l.app
			q.wg.Go(func() { q.prepare(ctx, l, app, e) })
		}
	}
}

// unprepared is the app's next call that must be prepared; nil when there is none.
func (l *line) unprepared(now time.Time) *entry {
	if l.off || l.loaded.IsZero() {
		return nil
	}
	for _, e := range l.window[:min(len(l.window), l.ahead())] {
		if !l.ready(e, now) && e.stage == fresh && !now.Before(e.retryAt) {
			return e
		}
	}
	return nil
}

// prepare makes a call ready, or ends it.
func (q *Queue) prepare(ctx context.Context, l *line, app models.App, e *entry) {
	limited, cancel := context.WithTimeout(ctx, prepareIn)
	defer cancel()
	why, err := q.judge(limited, app, e.o)
	over := false
	if why != 0 && ctx.Err() == nil {
		_, err = q.end(limited, e.o, why)
		over = err == nil
	}
	q.mu.Lock()
	q.preparing--
	switch {
	case over:
		l.drop(e.o.Session.ID)
	case err != nil || why != 0:
		e.stage, e.retryAt = fresh, time.Now().Add(prepareTry)
	default:
		e.stage, e.readyAt = ready, time.Now()
	}
	q.mu.Unlock()
	tell(q.wake)
	if err != nil && ctx.Err() == nil {
		q.o.Log.LogAttrs(ctx, slog.LevelWarn, "waiting call could not be prepared; trying again", slog.String("sessionId", e.o.Session.ID), slog.Any("error", err))
	}
}

// judge says why a call may not be dialled, 0 when it may, and renders what it will say. An error says that this is not known.
func (q *Queue) judge(ctx context.Context, app models.App, o models.Outgoing) (models.StateCode, error) {
	if watch := app.Settings.Risk.BlackLists; watch != models.WatchOff {
		barred, err := q.barred(ctx, o.Session)
		if err != nil {
			return 0, err
		}
		if barred {
			q.o.Log.LogAttrs(ctx, slog.LevelInfo, "waiting call is to somebody on a black list", slog.String("sessionId", o.Session.ID), slog.String("rule", string(watch)))
		}
		if barred && watch == models.WatchRefuse {
			return models.CalleeBarred, nil
		}
	}
	for _, item := range o.Session.Plan.Place.Play {
		if item.Speech == nil {
			continue
		}
		if err := q.speak(ctx, *item.Speech); err != nil {
			q.o.Log.LogAttrs(ctx, slog.LevelError, "speech could not be rendered; its call is not dialled", slog.String("sessionId", o.Session.ID), slog.Any("error", err))
			return models.SpeechFailed, nil
		}
	}
	return 0, nil
}

func (q *Queue) speak(ctx context.Context, s models.Speech) error {
	if q.o.Speaker == nil {
		return errors.New("no engine is configured")
	}
	_, _, err := q.o.Speaker.Speak(ctx, s)
	return err
}

// barred says whether somebody whom the call would reach is not to be called: on the app's, the tenant's or everybody's list.
func (q *Queue) barred(ctx context.Context, s models.Session) (bool, error) {
	for _, p := range []models.Party{s.Caller, s.Callee} {
		if !p.Known() {
			continue
		}
		list, _, err := q.o.Store.BarredList(ctx, store.BarredFilter{Kind: models.BarCallee, Party: p}, models.Page{Limit: models.PageMax})
		if err != nil {
			return false, fmt.Errorf("read the black lists: %w", err)
		}
		if slices.ContainsFunc(list, func(b models.Barred) bool {
			return (b.TenantID == 0 || b.TenantID == s.TenantID) && (b.AppID == 0 || b.AppID == s.AppID)
		}) {
			return true, nil
		}
	}
	return false, nil
}
