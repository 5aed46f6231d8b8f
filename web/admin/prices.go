package admin

import (
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func (s *server) routePrices(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/prices", PricesView, s.listPlans)
	s.handle(g, http.MethodPost, "/prices", PriceChange, s.addPlan)
	s.handle(g, http.MethodGet, "/prices/:id", PricesView, s.showPlan)
	s.handle(g, http.MethodPut, "/prices/:id/end", PriceChange, s.endPlan)
	s.handle(g, http.MethodGet, "/tenants/:tenant/plan", MoneyView, s.planInForce)
}

func showPlan(p models.PricePlan) Plan {
	out := Plan{ID: p.ID, TenantID: p.TenantID, Name: p.Name, From: p.From.UTC(), Until: at(p.Until), Calls: map[models.Mode]models.CallPrice{},
		Rent: map[string]models.Amount{}, CutCalls: p.CutCalls, CreatedAt: p.CreatedAt.UTC()}
	maps.Copy(out.Calls, p.Calls)
	maps.Copy(out.Rent, p.Rent)
	return out
}

func (s *server) listPlans(c *gin.Context) {
	tenant, err := s.tenantID(c, c.Query("tenant"))
	f := store.PlanFilter{TenantID: tenant, Platform: mark(c, "platform")}
	if err == nil && f.Platform && tenant != 0 {
		err = models.Fail(models.Invalid, "platform", "ask for the platform's plans, or for a tenant's")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.PricePlan, int, error) { return s.Store.Plans(c.Request.Context(), f, p) }, showPlan)
}

func (s *server) addPlan(c *gin.Context) {
	var in PlanRequest
	err := read(c, &in)
	var tenant int64
	if err == nil {
		tenant, err = s.tenantID(c, in.Tenant)
	}
	p := models.PricePlan{TenantID: tenant, Name: in.Name, From: in.From, Calls: in.Calls, Rent: in.Rent, CutCalls: in.CutCalls}
	if in.Until != nil {
		p.Until = *in.Until
	}
	if err == nil {
		err = s.Store.AddPlan(c.Request.Context(), &p)
	}
	s.answer(c, http.StatusCreated, showPlan(p), err)
}

// pathID is the id that the path names, of what.
func pathID(c *gin.Context, what string) (int64, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		return 0, models.Fail(models.NotFound, "id", "no %s has this id", what)
	}
	return id, nil
}

func (s *server) showPlan(c *gin.Context) {
	id, err := pathID(c, "price plan")
	var p models.PricePlan
	if err == nil {
		p, err = s.Store.Plan(c.Request.Context(), id)
	}
	s.answer(c, http.StatusOK, showPlan(p), err)
}

// endPlan sets when a plan ends. Calls that were rated by it stay as they are.
func (s *server) endPlan(c *gin.Context) {
	ctx := c.Request.Context()
	var in EndRequest
	id, err := pathID(c, "price plan")
	if err == nil {
		err = read(c, &in)
	}
	var p models.PricePlan
	if err == nil {
		p, err = s.Store.Plan(ctx, id)
	}
	if err == nil {
		was(c, showPlan(p))
		var until time.Time
		if in.Until != nil {
			until = *in.Until
		}
		err = s.Store.EndPlan(ctx, id, until)
	}
	if err == nil {
		p, err = s.Store.Plan(ctx, id)
	}
	s.answer(c, http.StatusOK, showPlan(p), err)
}

// planInForce tells the plan by which a tenant's calls are rated at a time, or now.
func (s *server) planInForce(c *gin.Context) {
	t, err := s.pathTenant(c)
	var when time.Time
	if err == nil {
		when, err = moment(c, "at")
	}
	if when.IsZero() {
		when = time.Now()
	}
	var p models.PricePlan
	if err == nil {
		var found bool
		p, found, err = s.Store.PlanAt(c.Request.Context(), t.ID, when)
		if err == nil && !found {
			err = models.Fail(models.NotFound, "at", "no price plan holds then, so calls and numbers cost nothing")
		}
	}
	s.answer(c, http.StatusOK, showPlan(p), err)
}
