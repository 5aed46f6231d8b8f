package admin

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

// Queue is what the daemon's queue of placed calls tells of one app.
type Queue interface {
	Progress(appID int64) (live int, placed, gaveUp int64, pace float64)
}

func showWaiting(reveal bool) func(models.Outgoing) WaitingCall {
	show := shown(reveal)
	return func(o models.Outgoing) WaitingCall {
		return WaitingCall{SessionID: o.Session.ID, TenantID: o.Session.TenantID, AppID: o.Session.AppID, Mode: string(o.Session.Mode), State: string(o.State),
			Priority: o.Priority, Shown: o.Session.Dialled, To: show(o.Session.Caller), Then: show(o.Session.Callee), QueuedAt: o.QueuedAt.UTC(), GiveUpAt: o.GiveUpAt.UTC()}
	}
}

// listWaiting lists calls that wait, in the order in which they are placed. Position counts within what was asked for: with app it is the place in
// that app's queue.
func (s *server) listWaiting(c *gin.Context) {
	q, err := s.query(c)
	f := store.OutgoingFilter{AppID: q.app, TenantID: q.tenant, State: models.OutgoingState(c.Query("state"))}
	if err == nil {
		err = oneOf("state", f.State, models.OutgoingQueued, models.OutgoingTaken)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	show, position := showWaiting(revealing(c)), 0
	listed(s, c, func(p models.Page) ([]models.Outgoing, int, error) {
		position = p.Offset
		return s.Store.OutgoingList(c.Request.Context(), f, p)
	}, func(o models.Outgoing) WaitingCall {
		position++
		w := show(o)
		w.Position = position
		return w
	})
}

// listProgress tells how the queue of each app goes that has calls waiting, or of one.
func (s *server) listProgress(c *gin.Context) {
	ctx := c.Request.Context()
	q, err := s.query(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]Progress, int, error) {
		waiting, err := s.Store.QueueApps(ctx)
		if err != nil {
			return nil, 0, err
		}
		if q.app != 0 {
			waiting = only(waiting, q.app)
		}
		if q.tenant != 0 && q.app == 0 {
			waiting = slices.DeleteFunc(waiting, func(w store.QueueApp) bool { return w.TenantID != q.tenant })
		}
		rows, total, _ := inMemory(waiting)(p)
		out := make([]Progress, 0, len(rows))
		for _, w := range rows {
			one, err := s.progress(ctx, w)
			if err != nil {
				return nil, 0, err
			}
			out = append(out, one)
		}
		return out, total, nil
	}, func(p Progress) Progress { return p })
}

// only is the entry of one app, which may have nothing waiting.
func only(all []store.QueueApp, app int64) []store.QueueApp {
	for _, a := range all {
		if a.AppID == app {
			return []store.QueueApp{a}
		}
	}
	return []store.QueueApp{{AppID: app}}
}

func (s *server) progress(ctx context.Context, w store.QueueApp) (Progress, error) {
	a, err := s.Store.App(ctx, w.AppID)
	if err != nil {
		return Progress{}, err
	}
	p := Progress{AppID: a.ID, TenantID: a.TenantID, AppKey: a.Key, Name: a.Name, Waiting: w.Waiting, Ports: a.Settings.Voice.PortsMost(), Rate: a.Settings.Voice.PerSecond()}
	if !w.Oldest.IsZero() {
		p.Oldest = max(0, time.Since(w.Oldest).Seconds())
	}
	if s.Queue != nil {
		p.Live, p.Placed, p.GaveUp, p.Pace = s.Queue.Progress(a.ID)
	}
	if p.Pace > 0 {
		p.Left = float64(p.Waiting) / p.Pace
	}
	return p, nil
}

// known finds a call: one that waits, live, or over. Those that wait are looked at first: a call that is not among them any more has its session.
func (s *server) known(ctx context.Context, id string) (session models.Session, waits bool, err error) {
	o, waiting := s.Store.Outgoing(ctx, id)
	if waiting != nil && models.CodeOf(waiting) != models.NotFound {
		return session, false, waiting
	}
	session, err = s.Store.Session(ctx, id)
	if models.CodeOf(err) == models.NotFound && waiting == nil {
		return o.Session, true, nil
	}
	return session, false, err
}

// stopCall ends a call, or takes it out of the queue.
func (s *server) stopCall(c *gin.Context) {
	ctx, id := c.Request.Context(), c.Param("session")
	session, _, err := s.known(ctx, id)
	about(c, id, session.TenantID)
	switch {
	case err != nil:
	case !session.EndedAt.IsZero():
		err = models.Fail(models.SessionOver, "session", "the call has ended already")
	case s.Stop == nil:
		err = models.Fail(models.NotFound, "", "this daemon carries no calls")
	default:
		err = s.Stop(ctx, id)
	}
	s.answer(c, http.StatusAccepted, Count{Count: 1}, err)
}
