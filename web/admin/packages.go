package admin

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func (s *server) routePackages(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/packages", MoneyView, s.listPackages)
	s.handle(g, http.MethodPost, "/tenants/:tenant/packages", MoneyChange, s.buyPackage)
}

func showPackage(p models.Package) Package {
	return Package{ID: p.ID, TenantID: p.TenantID, Name: p.Name, Modes: append([]models.Mode{}, p.Modes...), Minutes: p.Minutes, Left: p.Left, Price: p.Price,
		BoughtAt: p.BoughtAt.UTC(), From: p.From.UTC(), Until: p.Until.UTC()}
}

func (s *server) listPackages(c *gin.Context) {
	tenant, err := s.tenantID(c, c.Query("tenant"))
	f := store.PackageFilter{TenantID: tenant, Open: mark(c, "open")}
	if err == nil {
		f.At, err = moment(c, "at")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Package, int, error) { return s.Store.Packages(c.Request.Context(), f, p) }, showPackage)
}

// buyPackage buys a package, which holds from the next full hour. The same request again is answered with the first package.
func (s *server) buyPackage(c *gin.Context) {
	ctx := c.Request.Context()
	var in PackageRequest
	err := read(c, &in)
	var t models.Tenant
	if err == nil {
		t, err = s.pathTenant(c)
	}
	e := models.Entry{By: visitOf(ctx).who(), Memo: "package " + strings.TrimSpace(in.Name)}
	if err == nil {
		e.Key, err = onceKey(c, models.EntryPackage, t.ID)
	}
	p := models.Package{TenantID: t.ID, Name: strings.TrimSpace(in.Name), Modes: in.Modes, Minutes: in.Minutes, Price: in.Price, Until: in.Until}
	var fresh bool
	if err == nil {
		fresh, err = s.Store.BuyPackage(ctx, &p, &e)
	}
	var balance models.Amount
	if err == nil {
		balance, err = s.Store.Balance(ctx, models.TenantAccount(t.ID))
	}
	if err == nil && fresh {
		s.moved(c, t.ID)
	}
	about(c, strconv.FormatInt(p.ID, 10), t.ID)
	s.answer(c, createdOnce(fresh), Bought{Package: showPackage(p), EntryID: e.ID, Balance: balance, Repeated: !fresh}, err)
}
