package admin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func showCall(reveal bool) func(models.Session) Call {
	show := shown(reveal)
	return func(s models.Session) Call {
		return Call{
			SessionID: s.ID, Switch: s.Switch, TenantID: s.TenantID, AppID: s.AppID, Binding: s.BindingID, Mode: string(s.Mode), Side: string(s.Side),
			Dialled: s.Dialled, Extension: s.Extension, Caller: show(s.Caller), Callee: show(s.Callee), Trunk: s.Trunk, Stage: string(s.Stage),
			StartedAt: s.StartedAt.UTC(), EndedAt: at(s.EndedAt),
		}
	}
}

func showEvent(reveal bool) func(models.CallEvent) Event {
	show := shown(reveal)
	return func(e models.CallEvent) Event {
		out := Event{Type: string(e.Type), At: e.At.UTC(), Caller: show(e.Caller), Called: show(e.Called), Digits: e.Digits}
		if e.Type == models.EventDisconnect {
			out.State, out.StateText = int(e.State), e.State.Text()
		}
		return out
	}
}

func showCDR(reveal bool) func(models.CDR) CDR {
	show := shown(reveal)
	return func(r models.CDR) CDR {
		return CDR{
			SessionID: r.SessionID, TenantID: r.TenantID, AppID: r.AppID, Binding: r.BindingID, Mode: string(r.Mode), Direction: r.Direction,
			X: r.X, Extension: r.Extension, Area: r.Area, Caller: show(r.Caller), Shown: r.Display, Callee: show(r.Callee), Trunk: r.Trunk, Switch: r.Switch,
			OutAt: at(r.OutAt), OutAlertingAt: at(r.OutAlertingAt), OutAnswerAt: at(r.OutAnswerAt), OutQ850: r.OutQ850,
			SpeechPlays: r.SpeechPlays, SpeechSeconds: r.SpeechSeconds,
			CallInAt: at(r.CallInAt), StartAt: at(r.StartAt), AlertingAt: at(r.AlertingAt), AnswerAt: at(r.AnswerAt), EndAt: at(r.EndAt),
			FailAt: at(r.FailAt), Talk: talked(r), Q850: r.Q850, State: int(r.Fail), StateText: r.Fail.Text(), SIPStatus: r.SIPStatus,
			HungUpBy: r.HungUpBy, Record: r.Record, RecordFile: r.RecordFile, UserData: r.UserData, Source: string(r.Source), Shortfall: r.Source.Shortfall(),
		}
	}
}

// talked is the talk time: leg 2's, or leg 1's of a placed call that has no other (spec/voicecall.md §8).
func talked(r models.CDR) int64 {
	if r.Mode.Placed() && r.Mode != models.ModeClick && !r.OutAnswerAt.IsZero() {
		r.AnswerAt = r.OutAnswerAt
	}
	return r.TalkSeconds()
}

func (s *server) listCalls(c *gin.Context) {
	q, err := s.query(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	f := store.SessionFilter{AppID: q.app, TenantID: q.tenant, Switch: c.Query("switch"), Live: mark(c, "live"), Since: q.since, Until: q.until,
		Caller: q.caller, Callee: q.callee}
	listed(s, c, func(p models.Page) ([]models.Session, int, error) { return s.Store.Sessions(c.Request.Context(), f, p) }, showCall(revealing(c)))
}

func (s *server) showCall(c *gin.Context) {
	ctx, id, reveal := c.Request.Context(), c.Param("session"), revealing(c)
	session, waits, err := s.known(ctx, id)
	if err != nil {
		s.fail(c, err)
		return
	}
	out := showCall(reveal)(session)
	if waits {
		c.JSON(http.StatusOK, out)
		return
	}
	events, err := s.Store.Events(ctx, id)
	if err != nil {
		s.fail(c, err)
		return
	}
	for _, e := range events {
		out.Events = append(out.Events, showEvent(reveal)(e))
	}
	if !session.EndedAt.IsZero() {
		r, err := s.Store.CDR(ctx, id)
		if err != nil && models.CodeOf(err) != models.NotFound {
			s.fail(c, err)
			return
		}
		if err == nil {
			cdr := showCDR(reveal)(r)
			out.CDR = &cdr
		}
	}
	c.JSON(http.StatusOK, out)
}

func (s *server) showCDR(c *gin.Context) {
	r, err := s.Store.CDR(c.Request.Context(), c.Param("session"))
	s.answer(c, http.StatusOK, showCDR(revealing(c))(r), err)
}
