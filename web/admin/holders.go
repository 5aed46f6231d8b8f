package admin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func (s *server) routeHolders(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/numbers/:number/holders", HoldersView, s.listHolders)
	s.handle(g, http.MethodPut, "/numbers/:number/holder", HoldersChange, s.setHolder)
	s.handle(g, http.MethodGet, "/tenants/:tenant/parties", HoldersView, s.listParties)
	s.handle(g, http.MethodPost, "/tenants/:tenant/parties", HoldersChange, s.registerParties)
	s.handle(g, http.MethodDelete, "/tenants/:tenant/parties/:party", HoldersChange, s.unregisterParty)
}

// pathNumber reads the number that the path names.
func (s *server) pathNumber(c *gin.Context) (models.Number, error) {
	name, err := s.number("number", c.Param("number"))
	if err != nil {
		return models.Number{}, err
	}
	return s.Store.Number(c.Request.Context(), name)
}

func showHolder(h models.Holder) Holder {
	return Holder{Number: h.Number, Name: h.Name, IDNumber: h.IDNumber, Since: h.Since.UTC(), Until: at(h.Until), ChangedBy: h.ChangedBy}
}

func (s *server) listHolders(c *gin.Context) {
	n, err := s.pathNumber(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Holder, int, error) {
		return s.Store.Holders(c.Request.Context(), n.Number, p)
	}, showHolder)
}

// setHolder registers a number in a name, or passes it on; who had it before has it until then.
func (s *server) setHolder(c *gin.Context) {
	ctx := c.Request.Context()
	var in HolderRequest
	err := read(c, &in)
	var n models.Number
	if err == nil {
		n, err = s.pathNumber(c)
	}
	h := models.Holder{Number: n.Number, Name: in.Name, IDNumber: in.IDNumber, ChangedBy: s.operator(c)}
	if in.Since != nil {
		h.Since = *in.Since
	}
	var list []models.Holder
	if err == nil {
		list, _, err = s.Store.Holders(ctx, n.Number, models.Page{Limit: 1})
	}
	if err == nil && len(list) > 0 {
		was(c, showHolder(list[0]))
	}
	if err == nil {
		err = s.Store.SetHolder(ctx, h)
	}
	if err == nil {
		list, _, err = s.Store.Holders(ctx, n.Number, models.Page{Limit: 1})
	}
	if err != nil || len(list) == 0 {
		s.answer(c, http.StatusOK, nil, err)
		return
	}
	about(c, n.Number, n.TenantID)
	c.JSON(http.StatusOK, showHolder(list[0]))
}

func showParty(reveal bool) func(models.RegisteredParty) RegisteredParty {
	show := shown(reveal)
	return func(r models.RegisteredParty) RegisteredParty {
		return RegisteredParty{TenantID: r.TenantID, Party: show(r.Party), Name: r.Name, RegisteredAt: r.RegisteredAt.UTC()}
	}
}

func (s *server) listParties(c *gin.Context) {
	t, err := s.pathTenant(c)
	f := store.RegisteredFilter{TenantID: t.ID}
	if err == nil {
		f.Party, err = s.party("party", c.Query("party"))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.RegisteredParty, int, error) {
		return s.Store.RegisteredParties(c.Request.Context(), f, p)
	}, showParty(revealing(c)))
}

func (s *server) registerParties(c *gin.Context) {
	var in PartiesRequest
	err := read(c, &in)
	var t models.Tenant
	if err == nil {
		t, err = s.pathTenant(c)
	}
	if err == nil && len(in.Parties) == 0 {
		err = models.Fail(models.Invalid, "parties", "parties lists at least one number with its name")
	}
	list := make([]models.RegisteredParty, 0, len(in.Parties))
	for _, p := range in.Parties {
		var party models.Party
		if err == nil {
			party, err = s.party("party", p.Party)
		}
		list = append(list, models.RegisteredParty{TenantID: t.ID, Party: party, Name: p.Name})
	}
	if err == nil {
		err = s.Store.RegisterParties(c.Request.Context(), list)
	}
	about(c, "", t.ID)
	became(c, in)
	s.answer(c, http.StatusOK, Count{Count: len(list)}, err)
}

func (s *server) unregisterParty(c *gin.Context) {
	t, err := s.pathTenant(c)
	var party models.Party
	if err == nil {
		party, err = s.party("party", c.Param("party"))
	}
	if err == nil {
		err = s.Store.UnregisterParty(c.Request.Context(), t.ID, party)
	}
	about(c, "", t.ID)
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}
