package admin

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func showBinding(reveal bool) func(models.Binding) Binding {
	show := shown(reveal)
	return func(b models.Binding) Binding {
		return Binding{
			ID: b.ID, TenantID: b.TenantID, AppID: b.AppID, Mode: string(b.Mode), X: b.X, A: show(b.A), B: show(b.B),
			Direction: int(b.Direction), Lifetime: b.Lifetime, Record: b.Record, RecordHintTone: b.RecordHintTone,
			MaxDuration: b.MaxDuration, LastMinVoice: b.LastMinVoice, PreVoiceA: b.PreVoiceA, PreVoiceB: b.PreVoiceB, UserData: b.UserData,
			CreatedAt: b.CreatedAt.UTC(), ExpiresAt: at(b.ExpiresAt), ClosedAt: at(b.ClosedAt), Reason: string(b.Reason),
		}
	}
}

func (s *server) listBindings(c *gin.Context) {
	q, err := s.query(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	f := store.BindingFilter{AppID: q.app, TenantID: q.tenant, Open: mark(c, "open")}
	if f.X, err = s.number("x", c.Query("x")); err != nil {
		s.fail(c, err)
		return
	}
	if f.A, err = s.party("a", c.Query("a")); err != nil {
		s.fail(c, err)
		return
	}
	if f.B, err = s.party("b", c.Query("b")); err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Binding, int, error) { return s.Store.Bindings(c.Request.Context(), f, p) },
		showBinding(revealing(c)))
}

func (s *server) showBinding(c *gin.Context) {
	f := store.BindingFilter{SubscriptionID: c.Param("id")}
	found, _, err := s.Store.Bindings(c.Request.Context(), f, models.Page{Limit: 1})
	if err == nil && len(found) == 0 {
		err = models.Fail(models.NotFound, "id", "no binding has this id")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, showBinding(revealing(c))(found[0]))
}

// explain says whom a caller would reach, by the code that routes calls.
func (s *server) explain(c *gin.Context) {
	ctx := c.Request.Context()
	dialled, err := s.number("dialled", c.Query("dialled"))
	if err == nil && dialled == "" {
		err = models.Fail(models.Invalid, "dialled", "dialled is the number that is called")
	}
	var caller models.Party
	if err == nil {
		caller, err = s.party("caller", c.Query("caller"))
	}
	if err == nil && caller.IsZero() {
		err = models.Fail(models.Invalid, "caller", "caller is who calls, or anonymous")
	}
	var when time.Time
	if err == nil {
		when, err = moment(c, "at")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	var sight models.Sight
	if when.IsZero() {
		sight, err = s.Store.Sight(ctx, dialled, caller, models.NoExtension)
	} else {
		sight, err = s.Store.SightAt(ctx, dialled, caller, models.NoExtension, when)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, explained(sight, s.Decide(sight), !when.IsZero(), revealing(c)))
}

func explained(sight models.Sight, d models.Decision, past, reveal bool) Explanation {
	show := shown(reveal)
	e := Explanation{
		Dialled: sight.Dialled, Caller: show(sight.Caller), At: sight.Now.UTC(), Side: string(d.Side), TenantID: d.TenantID, AppID: d.AppID,
		Binding: d.BindingID, Why: d.Why, Past: past,
	}
	switch {
	case d.Connect != nil:
		e.Outcome, e.To, e.Shown = "connect", models.Mask(d.Connect.To), d.Connect.Show
		if reveal {
			e.To = d.Connect.To
		}
	case d.Refuse != nil:
		e.Outcome, e.State, e.StateText, e.Prompt = "refuse", int(d.Refuse.State), d.Refuse.State.Text(), d.Refuse.Prompt
	}
	e.Why = strings.TrimSpace(e.Why)
	return e
}
