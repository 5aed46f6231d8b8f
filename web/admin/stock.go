package admin

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func (s *server) routeStock(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/stock", StockView, s.listStock)
	s.handle(g, http.MethodDelete, "/stock/:number", StockChange, s.removeStock)
	s.handle(g, http.MethodGet, "/returned", NumbersView, s.listReturned)
	s.handle(g, http.MethodPost, "/numbers/:number/return", NumbersChange, s.returnNumber)
	s.handle(g, http.MethodPost, "/numbers/:number/unsubscribe", NumbersChange, s.unsubscribeNumber)
	s.handle(g, http.MethodPost, "/numbers/:number/subscribe", NumbersChange, s.subscribeNumber)
	s.handle(g, http.MethodPost, "/numbers/:number/move", NumbersChange, s.moveNumber)
}

func showStock(v models.Stock) Stock {
	return Stock{Number: v.Number, Kind: string(v.Kind), Area: v.AreaCode, Carrier: v.Carrier, Trunk: v.Trunk, FreeAt: at(v.FreeAt), AddedAt: v.AddedAt.UTC()}
}

func (s *server) listStock(c *gin.Context) {
	f := store.StockFilter{Kind: models.NumberKind(c.Query("kind")), Carrier: c.Query("carrier"), Number: restorePlus(c.Query("prefix"))}
	err := oneOf("kind", f.Kind, models.NumberPrivate, models.NumberDisplay)
	if area := c.Query("area"); err == nil && area != "" {
		if f.AreaCode, err = s.Numbering.AreaCode(area); err != nil {
			err = models.Fail(models.Invalid, "area", "%s", err)
		}
	}
	if err == nil {
		f.FreeBy, err = moment(c, "free_by")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Stock, int, error) { return s.Store.StockList(c.Request.Context(), f, p) }, showStock)
}

func (s *server) removeStock(c *gin.Context) {
	number, err := s.number("number", c.Param("number"))
	if err == nil {
		err = s.Store.RemoveStock(c.Request.Context(), number)
	}
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}

func showReturned(r models.Returned) Returned {
	return Returned{Number: r.Number, TenantID: r.TenantID, AppID: r.AppID, Kind: string(r.Kind), Area: r.AreaCode, DeliveredAt: r.DeliveredAt.UTC(),
		ReturnedAt: r.ReturnedAt.UTC(), ReturnedBy: r.ReturnedBy, Reason: r.Reason}
}

func (s *server) listReturned(c *gin.Context) {
	tenant, err := s.tenantID(c, c.Query("tenant"))
	f := store.ReturnedFilter{TenantID: tenant}
	if err == nil {
		f.Number, err = s.number("number", c.Query("number"))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Returned, int, error) {
		return s.Store.ReturnedNumbers(c.Request.Context(), f, p)
	}, showReturned)
}

// coolDownMost bounds how long a returned number rests, days.
const coolDownMost = 5 * 365

// returnNumber takes a number from its app; it rests in stock before it is handed out again.
func (s *server) returnNumber(c *gin.Context) {
	ctx := c.Request.Context()
	var in ReturnRequest
	err := readOptional(c, &in)
	rest := s.CoolDown
	if err == nil && in.CoolDown != nil {
		if rest = time.Duration(*in.CoolDown) * 24 * time.Hour; *in.CoolDown < 0 || *in.CoolDown > coolDownMost {
			err = models.Fail(models.Invalid, "cool_down_days", "cool_down_days is 0 to %d", coolDownMost)
		}
	}
	var n models.Number
	if err == nil {
		n, err = s.pathNumber(c)
	}
	if err == nil {
		was(c, showNumber(n))
		err = s.Store.ReturnNumber(ctx, n.Number, s.operator(c), in.Reason, rest)
	}
	var list []models.Returned
	if err == nil {
		list, _, err = s.Store.ReturnedNumbers(ctx, store.ReturnedFilter{Number: n.Number}, models.Page{Limit: 1})
	}
	if err != nil || len(list) == 0 {
		s.answer(c, http.StatusOK, nil, err)
		return
	}
	c.JSON(http.StatusOK, showReturned(list[0]))
}

// numberAs makes the handler of a change of one number.
func (s *server) numberAs(do func(c *gin.Context, number string) (models.Number, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		n, err := s.pathNumber(c)
		if err == nil {
			was(c, showNumber(n))
			n, err = do(c, n.Number)
		}
		s.answer(c, http.StatusOK, showNumber(n), err)
	}
}

// unsubscribeNumber marks a number's end by the tenant's months; until then it works.
func (s *server) unsubscribeNumber(c *gin.Context) {
	ctx := c.Request.Context()
	n, err := s.pathNumber(c)
	if err == nil {
		was(c, showNumber(n))
		n, err = s.Store.UnsubscribeNumber(ctx, n.Number, time.Time{})
	}
	var t models.Tenant
	if err == nil {
		t, err = s.Store.Tenant(ctx, n.TenantID)
	}
	out := showNumber(n)
	out.EndsAt = at(models.Ends(n.EndsAt, t.Location()))
	s.answer(c, http.StatusOK, out, err)
}

func (s *server) subscribeNumber(c *gin.Context) {
	s.numberAs(func(c *gin.Context, number string) (models.Number, error) {
		return s.Store.SubscribeNumber(c.Request.Context(), number)
	})(c)
}

func (s *server) moveNumber(c *gin.Context) {
	s.numberAs(func(c *gin.Context, number string) (models.Number, error) {
		var in MoveRequest
		if err := read(c, &in); err != nil {
			return models.Number{}, err
		}
		a, err := s.namedApp(c.Request.Context(), in.App)
		if err != nil {
			return models.Number{}, err
		}
		return s.Store.MoveNumber(c.Request.Context(), number, a.ID)
	})(c)
}
