package admin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

// oldSecretMax is how long a replaced secret may go on holding, at most.
const oldSecretMax = 365 * 24 * time.Hour

func showApp(a models.App) App {
	out := App{
		ID: a.ID, TenantID: a.TenantID, Key: a.Key, Name: a.Name, Mode: string(a.Mode), State: string(a.State),
		StatusURL: a.StatusURL, FeeURL: a.FeeURL, PushScheme: string(a.PushScheme), Record: a.Record, SMS: a.SMS, OneUseNonce: a.OneUseNonce,
		AllowFrom: []string{}, PairsPerNumber: a.Pairs(), Prompts: map[string]string{}, Settings: a.Settings, CreatedAt: a.CreatedAt.UTC(),
	}
	for _, p := range a.AllowFrom {
		out.AllowFrom = append(out.AllowFrom, p.String())
	}
	maps.Copy(out.Prompts, a.Prompts)
	return out
}

// app finds an app by id or app_key.
func (s *server) app(ctx context.Context, ref string) (models.App, error) {
	if id, err := strconv.ParseInt(ref, 10, 64); err == nil {
		return s.Store.App(ctx, id)
	}
	a, err := s.Store.AppByKey(ctx, ref)
	if models.CodeOf(err) == models.UnknownApp {
		err = models.Fail(models.NotFound, "app", "no app has the id or app_key %q; list them with: maskline app list", ref)
	}
	return a, err
}

// appID is app for filters: 0 for "".
func (s *server) appID(c *gin.Context, ref string) (int64, error) {
	if ref == "" {
		return 0, nil
	}
	a, err := s.app(c.Request.Context(), ref)
	return a.ID, err
}

func (s *server) listApps(c *gin.Context) {
	tenant, err := s.tenantID(c, c.Query("tenant"))
	f := store.AppFilter{TenantID: tenant, Mode: models.Mode(c.Query("mode")), State: models.State(c.Query("state"))}
	if err == nil {
		err = oneOf("state", f.State, models.StateNormal, models.StateSuspended)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.App, int, error) { return s.Store.Apps(c.Request.Context(), f, p) }, showApp)
}

func (s *server) createApp(c *gin.Context) {
	ctx := c.Request.Context()
	var in AppRequest
	if err := read(c, &in); err != nil {
		s.fail(c, err)
		return
	}
	if in.Tenant == "" {
		in.Tenant = ownRef(ctx)
	}
	if in.Tenant == "" {
		s.fail(c, models.Fail(models.Invalid, "tenant", "tenant is the id or name of the tenant whose app it is"))
		return
	}
	if err := in.forTenant(ctx); err != nil {
		s.fail(c, err)
		return
	}
	t, err := s.tenant(ctx, in.Tenant)
	if err != nil {
		s.fail(c, err)
		return
	}
	// A key with a letter in front is never taken for an id.
	a := models.App{TenantID: t.ID, Key: "a" + strings.ToLower(rand.Text()), Mode: models.ModeAXB, State: models.StateNormal, PushScheme: models.PushAKSK}
	if in.Mode != "" {
		a.Mode = models.Mode(in.Mode)
	}
	if err := in.apply(&a); err != nil {
		s.fail(c, err)
		return
	}
	secret := rand.Text()
	err = s.Store.CreateApp(ctx, &a, secret)
	out := showApp(a)
	out.Secret = secret
	s.answer(c, http.StatusCreated, out, err)
}

// forTenant refuses what a tenant's people may not set: whether the app may be used, and what is sold.
func (r AppRequest) forTenant(ctx context.Context) error {
	if tenantOf(ctx) == 0 {
		return nil
	}
	for name, set := range map[string]bool{"state": r.State != nil, "sms": r.SMS != nil, "settings.voice": names(r.Settings, "voice")} {
		if set {
			return models.Fail(Forbidden, name, "%s of an app is set by the operator", name)
		}
	}
	return nil
}

// names says whether a JSON document has a field, however it is spelt: encoding/json takes any case.
func names(document json.RawMessage, field string) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(document, &fields) != nil {
		return false
	}
	for name := range fields {
		if strings.EqualFold(name, field) {
			return true
		}
	}
	return false
}

// ownRef is how a request of a tenant's people names their tenant when it does not; "" for others.
func ownRef(ctx context.Context) string {
	if id := tenantOf(ctx); id != 0 {
		return strconv.FormatInt(id, 10)
	}
	return ""
}

// apply changes what the request names.
func (r AppRequest) apply(a *models.App) error {
	set(&a.Name, r.Name)
	set(&a.StatusURL, r.StatusURL)
	set(&a.FeeURL, r.FeeURL)
	set(&a.Record, r.Record)
	set(&a.SMS, r.SMS)
	set(&a.OneUseNonce, r.OneUseNonce)
	set(&a.PairsPerNumber, r.PairsPerNumber)
	if r.PushScheme != nil {
		a.PushScheme = models.PushScheme(*r.PushScheme)
	}
	if r.State != nil {
		a.State = models.State(*r.State)
		if a.State == models.StateFrozen {
			return models.Fail(models.Invalid, "state", "an app's state is normal or suspended")
		}
	}
	if r.AllowFrom != nil {
		a.AllowFrom = []netip.Prefix{}
		for _, raw := range *r.AllowFrom {
			p, err := models.ParsePrefix(raw)
			if err != nil {
				return models.Fail(models.Invalid, "allow_from", "%s", err)
			}
			a.AllowFrom = append(a.AllowFrom, p)
		}
	}
	if r.Prompts != nil {
		a.Prompts = r.Prompts
	}
	if err := checkPrompts(r.Prompts); err != nil {
		return err
	}
	if len(r.Settings) > 0 {
		if err := merge(r.Settings, &a.Settings); err != nil {
			return err
		}
	}
	return fits(*a)
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// checkPrompts checks an app's choice of own tone files.
func checkPrompts(own map[string]string) error {
	for name, file := range own {
		if !slices.Contains(models.DefaultPrompts, name) {
			return models.Fail(models.Invalid, "prompts", "%q is no default prompt; they are %s", name, strings.Join(models.DefaultPrompts, ", "))
		}
		if err := models.ValidPromptName("prompts", file); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) showApp(c *gin.Context) {
	a, err := s.app(c.Request.Context(), c.Param("app"))
	s.answer(c, http.StatusOK, showApp(a), err)
}

func (s *server) changeApp(c *gin.Context) {
	ctx := c.Request.Context()
	var in AppRequest
	err := read(c, &in)
	if err == nil {
		err = in.forTenant(ctx)
	}
	if err == nil && (in.Tenant != "" || in.Mode != "") {
		err = models.Fail(models.Invalid, "mode", "an app's tenant and mode are for good")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	a, err := s.app(ctx, c.Param("app"))
	was(c, showApp(a))
	if err == nil {
		err = s.Store.UpdateApp(ctx, a.ID, in.apply)
	}
	if err == nil {
		a, err = s.Store.App(ctx, a.ID)
	}
	s.answer(c, http.StatusOK, showApp(a), err)
}

func (s *server) addSecret(c *gin.Context) {
	ctx := c.Request.Context()
	var in SecretRequest
	err := read(c, &in)
	old := time.Duration(in.OldValid) * time.Second
	if err == nil && (in.OldValid < 0 || old > oldSecretMax) {
		err = models.Fail(models.Invalid, "old_valid_seconds", "old_valid_seconds is 0 to %d", int(oldSecretMax.Seconds()))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	a, err := s.app(ctx, c.Param("app"))
	secret := rand.Text()
	if err == nil {
		err = s.Store.AddAppSecret(ctx, a.ID, secret, old)
	}
	about(c, a.Key, a.TenantID)
	s.answer(c, http.StatusCreated, SecretAnswer{Key: a.Key, Secret: secret}, err)
}

func (s *server) testPush(c *gin.Context) {
	a, err := s.app(c.Request.Context(), c.Param("app"))
	switch {
	case err != nil:
	case s.TestPush == nil:
		err = models.Fail(models.NotFound, "", "this daemon pushes nothing")
	case a.StatusURL == "" && a.FeeURL == "":
		err = models.Fail(models.Invalid, "status_url", "the app has no status_url and no fee_url; set one with: maskline app set")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	about(c, a.Key, a.TenantID)
	status, took, err := s.TestPush(c.Request.Context(), a)
	out := PushTest{OK: err == nil, Status: status, Seconds: took.Seconds()}
	if err != nil {
		out.Error = err.Error()
	}
	c.JSON(http.StatusOK, out)
}

func (s *server) reseal(c *gin.Context) {
	n, err := s.Store.Reseal(c.Request.Context())
	s.answer(c, http.StatusOK, Count{Count: n}, err)
}
