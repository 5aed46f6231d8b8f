package admin

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"maskline/models"
)

// Toll is what keeps a tenant's calls from being misused: where they may go and what bounds them, his own and the platform's, and what has been
// used. Of a tenant whom nothing bounds nothing is counted.
type Toll struct {
	TenantID int64         `json:"tenant_id"`
	Allow    []string      `json:"allow"` // prefixes in global form, which go before the platform's
	Deny     []string      `json:"deny"`
	Limits   models.Limits `json:"limits"` // his own: 0 is the platform's, -1 none
	Platform models.Toll   `json:"platform"`
	Used     models.Limits `json:"used"` // calls now, in this clock hour and day (UTC), and minutes of the day
}

// TollChange changes what it names. A list replaces the old one.
type TollChange struct {
	Allow   *[]string `json:"allow,omitempty"`
	Deny    *[]string `json:"deny,omitempty"`
	AtOnce  *int      `json:"at_once,omitempty"`
	PerHour *int      `json:"per_hour,omitempty"`
	PerDay  *int      `json:"per_day,omitempty"`
	Minutes *int      `json:"minutes_per_day,omitempty"`
}

// apply gives the tenant's settings as they are after the change; false when it names nothing.
func (ch TollChange) apply(t models.Toll) (models.Toll, bool) {
	if ch == (TollChange{}) {
		return t, false
	}
	set(&t.Allow, ch.Allow)
	set(&t.Deny, ch.Deny)
	set(&t.Limits.AtOnce, ch.AtOnce)
	set(&t.Limits.PerHour, ch.PerHour)
	set(&t.Limits.PerDay, ch.PerDay)
	set(&t.Limits.Minutes, ch.Minutes)
	return t, true
}

func (s *server) routeToll(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/tenants/:tenant/limits", TenantsView, s.showToll)
	s.handle(g, http.MethodPatch, "/tenants/:tenant/limits", TenantsChange, s.changeToll)
}

func (s *server) toll(ctx context.Context, t models.Tenant) (Toll, error) {
	used, err := s.Store.TollUsed(ctx, t.ID)
	return Toll{TenantID: t.ID, Allow: listOf(t.Toll.Allow), Deny: listOf(t.Toll.Deny), Limits: t.Toll.Limits, Platform: s.Toll, Used: used}, err
}

// listOf is a list that is never null in JSON.
func listOf(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

func (s *server) showToll(c *gin.Context) {
	t, err := s.pathTenant(c)
	var out Toll
	if err == nil {
		out, err = s.toll(c.Request.Context(), t)
	}
	s.answer(c, http.StatusOK, out, err)
}

func (s *server) changeToll(c *gin.Context) {
	ctx := c.Request.Context()
	var in TollChange
	err := read(c, &in)
	var t models.Tenant
	if err == nil {
		t, err = s.pathTenant(c)
	}
	if err == nil {
		was(c, t.Toll)
		var named bool
		if t.Toll, named = in.apply(t.Toll); !named {
			err = models.Fail(models.Invalid, "allow", "name what to change: allow, deny, at_once, per_hour, per_day or minutes_per_day")
		}
	}
	if err == nil {
		err = s.Store.SetTenantToll(ctx, t.ID, t.Toll)
	}
	var out Toll
	if err == nil {
		out, err = s.toll(ctx, t)
	}
	s.answer(c, http.StatusOK, out, err)
}
