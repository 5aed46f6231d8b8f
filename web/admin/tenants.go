package admin

import (
	"context"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func showTenant(t models.Tenant) Tenant {
	return Tenant{ID: t.ID, Name: t.Name, SpID: t.SpID, State: string(t.State), Calls: t.Calls, Zone: t.Zone, CreatedAt: t.CreatedAt.UTC()}
}

// tenant finds a tenant by id, or by its exact name.
func (s *server) tenant(ctx context.Context, ref string) (models.Tenant, error) {
	if id, err := strconv.ParseInt(ref, 10, 64); err == nil {
		return s.Store.Tenant(ctx, id)
	}
	named, _, err := s.Store.Tenants(ctx, store.TenantFilter{Name: ref}, models.Page{Limit: models.PageMax})
	if err != nil {
		return models.Tenant{}, err
	}
	for _, t := range named {
		if t.Name == ref {
			return t, nil
		}
	}
	return models.Tenant{}, models.Fail(models.NotFound, "tenant", "no tenant has the id or name %q; list them with: maskline tenant list", ref)
}

// tenantID is tenant for filters: 0 for "".
func (s *server) tenantID(c *gin.Context, ref string) (int64, error) {
	if ref == "" {
		return 0, nil
	}
	t, err := s.tenant(c.Request.Context(), ref)
	return t.ID, err
}

func (s *server) listTenants(c *gin.Context) {
	f := store.TenantFilter{Name: c.Query("name"), State: models.State(c.Query("state"))}
	if err := oneOf("state", f.State, models.StateNormal, models.StateSuspended, models.StateFrozen); err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Tenant, int, error) { return s.Store.Tenants(c.Request.Context(), f, p) }, showTenant)
}

func (s *server) createTenant(c *gin.Context) {
	var in TenantRequest
	if err := read(c, &in); err != nil {
		s.fail(c, err)
		return
	}
	t := models.Tenant{Name: strings.TrimSpace(in.Name), SpID: in.SpID, State: models.StateNormal}
	if t.SpID == "" {
		t.SpID = "sp" + strings.ToLower(rand.Text()[:12])
	}
	if _, err := strconv.ParseInt(t.Name, 10, 64); err == nil {
		s.fail(c, models.Fail(models.Invalid, "name", "a tenant's name is not a number, since tenants are named by id too"))
		return
	}
	err := s.Store.CreateTenant(c.Request.Context(), &t)
	s.answer(c, http.StatusCreated, showTenant(t), err)
}

func (s *server) showTenant(c *gin.Context) {
	t, err := s.tenant(c.Request.Context(), c.Param("tenant"))
	s.answer(c, http.StatusOK, showTenant(t), err)
}

func (s *server) changeTenant(c *gin.Context) {
	var in TenantChange
	err := read(c, &in)
	if err == nil && in.Calls == nil && in.Zone == nil {
		err = models.Fail(models.Invalid, "calls", "name what to change: calls, with per_hour and per_day, or zone")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	t, err := s.tenant(c.Request.Context(), c.Param("tenant"))
	was(c, showTenant(t))
	if err == nil && in.Calls != nil {
		t.Calls = *in.Calls
		err = s.Store.SetTenantCalls(c.Request.Context(), t.ID, t.Calls)
	}
	if err == nil && in.Zone != nil {
		t.Zone = *in.Zone
		err = s.Store.SetTenantZone(c.Request.Context(), t.ID, t.Zone)
	}
	s.answer(c, http.StatusOK, showTenant(t), err)
}

func (s *server) setTenantState(c *gin.Context) {
	var in StateRequest
	err := read(c, &in)
	if err == nil && in.State == "" {
		err = models.Fail(models.Invalid, "state", "state is normal, suspended or frozen")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	t, err := s.tenant(c.Request.Context(), c.Param("tenant"))
	was(c, showTenant(t))
	if err == nil {
		err = s.Store.SetTenantState(c.Request.Context(), t.ID, models.State(in.State))
		t.State = models.State(in.State)
	}
	s.answer(c, http.StatusOK, showTenant(t), err)
}
