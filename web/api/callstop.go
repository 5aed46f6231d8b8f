package api

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"maskline/models"
)

const pathCallStop = "/rest/httpsessions/callStop/v2.0"

// pathsCallStop are all at which calls are stopped: v1.0 is what older clients have, /sandbox what test apps have (spec/voicecall.md §0).
var pathsCallStop = versions("/rest/httpsessions/callStop", "v2.0", "v1.0")

// calls is what the app of any mode may do with its calls (spec/privatenumber.md §2.6, §9.1), until the app is known: see byProduct.
var calls = surface{results: map[models.Code]result{
	models.UnknownApp:  {http.StatusForbidden, "1020150", "The app_key is invalid."},
	models.SessionOver: {http.StatusForbidden, "1020152", "Invalid sessionId."},
}}

// Stopper ends live calls, or calls that wait to be placed. A session that it does not have is models.SessionOver. It waits for nothing that a
// customer does: callStop comes from inside the handlers of pushes, before these are answered.
type Stopper interface {
	Stop(ctx context.Context, sessionID string) error
}

// stopCall ends one live call of the app. It is no operation of a surface because the end of a call is outside the database: what is kept for
// a repeat of the request is only that the call may be stopped, and a repeat stops it again, since the first may have got lost on its way.
func (a *api) stopCall(c *gin.Context) {
	r, err := readRequest(c)
	if err != nil {
		refuseErr(c, err)
		return
	}
	id, err := readStop(r)
	if err != nil {
		refuseErr(c, err)
		return
	}
	status, body, err := a.once(c, r, true, settle(func(ctx context.Context) (any, error) {
		return success, a.mayStop(ctx, r.App, id)
	}, resultsOf(c)))
	if err == nil && status == http.StatusOK {
		err = a.stop(c.Request.Context(), r.Mode, id)
		if repeated(c) && models.CodeOf(err) == models.SessionOver {
			err = nil // the first request ended it
		}
	}
	reply(c, status, body, err)
}

// readStop reads sessionid; clients also write it as the events do.
func readStop(r request) (id string, err error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return "", err
	}
	name := "sessionid"
	if !f.has(name) && f.has("sessionId") {
		name = "sessionId"
	}
	if id, _ = f.text(name); id == "" || len(id) > 256 {
		f.fail(name, "%s has 1 to 256 characters", name)
	}
	if signal, _ := f.text("signal"); signal != "call_stop" {
		f.fail("signal", "signal is call_stop")
	}
	return id, f.err
}

// mayStop says whether the session is a live or a waiting one of this app. Of another's the answer is the same as of none.
func (a *api) mayStop(ctx context.Context, app models.App, id string) error {
	s, err := a.session(ctx, app.Mode, id)
	if models.CodeOf(err) == models.NotFound || err == nil && (s.AppID != app.ID || !s.EndedAt.IsZero()) {
		return models.Fail(models.SessionOver, "sessionid", "no live session of this app has this id")
	}
	return err
}

// session finds a call that waits to be placed, or one that has begun. The waiting ones are looked at first: a call that is no longer there has
// its session.
func (a *api) session(ctx context.Context, mode models.Mode, id string) (models.Session, error) {
	if mode == models.ModeVoice {
		waiting, err := a.Store.Outgoing(ctx, id)
		if models.CodeOf(err) != models.NotFound {
			return waiting.Session, err
		}
	}
	return a.Store.Session(ctx, id)
}

// stop looks among the waiting calls first: a call goes from there to the live ones, so it is not missed on its way.
func (a *api) stop(ctx context.Context, mode models.Mode, id string) error {
	stoppers := []Stopper{a.Stopper}
	if mode == models.ModeVoice {
		stoppers = []Stopper{a.Waiting, a.Stopper}
	}
	for _, s := range stoppers {
		if s == nil {
			continue
		}
		if err := s.Stop(ctx, id); models.CodeOf(err) != models.SessionOver {
			return err
		}
	}
	return models.Fail(models.SessionOver, "sessionid", "no call is live here")
}
