package admin

import (
	"net/http"
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
			Extension: b.Extension, Y: b.Y, Parent: b.Parent, ShowCaller: b.ShowCaller, Off: b.Off,
			CallbackNum: callbackNumber(b.CallbackNum, reveal), CallbackTone: b.CallbackTone,
			CallbackTime: int((time.Duration(b.CallbackTime) * b.Unit()).Seconds()), YLifetime: b.YBLifetime,
			CreatedAt: b.CreatedAt.UTC(), ExpiresAt: at(b.ExpiresAt), ClosedAt: at(b.ClosedAt), Reason: string(b.Reason),
		}
	}
}

// callbackNumber is whom A reaches when nobody called before: a number in plain text, for it is the tenant's own as a rule. It may be a
// person's all the same.
func callbackNumber(number string, reveal bool) string {
	if reveal {
		return number
	}
	return models.Mask(number)
}

func (s *server) listBindings(c *gin.Context) {
	q, err := s.query(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	f := store.BindingFilter{AppID: q.app, TenantID: q.tenant, Mode: models.Mode(c.Query("mode")), Extension: c.Query("extension"), Parent: c.Query("parent"),
		Open: mark(c, "open")}
	if err := oneOf("mode", f.Mode, models.Modes...); err != nil {
		s.fail(c, err)
		return
	}
	if f.Y, err = s.number("y", c.Query("y")); err != nil {
		s.fail(c, err)
		return
	}
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
