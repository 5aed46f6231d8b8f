package admin

import (
	"context"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func showBarred(reveal bool) func(models.Barred) Barred {
	show := shown(reveal)
	return func(b models.Barred) Barred {
		out := Barred{ID: b.ID, Kind: string(b.Kind), Number: show(b.Party), TenantID: b.TenantID, AppID: b.AppID, Reason: b.Reason, CreatedAt: b.CreatedAt.UTC()}
		if ofNumbers(b.Kind) {
			out.Number = b.Party.Reveal()
		}
		return out
	}
}

// ofNumbers says that entries of a kind name a private number and no person.
func ofNumbers(k models.ListKind) bool { return k == models.OnlyReceive || k == models.OnlyPlace }

func (s *server) listBarred(c *gin.Context) {
	q, err := s.query(c)
	f := store.BarredFilter{AppID: q.app, TenantID: q.tenant, Kind: models.ListKind(c.Query("kind"))}
	if err == nil {
		err = oneOf("kind", f.Kind, listKinds...)
	}
	if err == nil {
		f.Party, err = s.party("number", c.Query("number"))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Barred, int, error) {
		return s.Store.BarredList(c.Request.Context(), f, p)
	}, showBarred(revealing(c)))
}

var listKinds = []models.ListKind{models.BarCaller, models.BarCallee, models.OnlyReceive, models.OnlyPlace}

func (s *server) bar(c *gin.Context) {
	var in BarRequest
	err := read(c, &in)
	var b models.Barred
	if err == nil {
		b, err = s.newBarred(c.Request.Context(), in)
	}
	if err == nil {
		err = s.Store.Bar(c.Request.Context(), &b)
	}
	s.answer(c, http.StatusCreated, showBarred(revealing(c))(b), err)
}

func (s *server) newBarred(ctx context.Context, in BarRequest) (b models.Barred, err error) {
	b.Kind, b.Reason = models.ListKind(in.Kind), in.Reason
	if b.Kind == "" {
		return b, models.Fail(models.Invalid, "kind", "kind is one of caller, callee, receive, place")
	}
	if err := oneOf("kind", b.Kind, listKinds...); err != nil {
		return b, err
	}
	if b.Party, err = s.party("number", in.Number); err != nil {
		return b, err
	}
	if !b.Party.Known() && (b.Kind != models.BarCaller || b.Party != models.Hidden) {
		return b, models.Fail(models.Invalid, "number", "number is whom the entry is about, such as +8613800000001; of callers also anonymous")
	}
	return b, s.scope(ctx, in, &b)
}

// scope says whose calls an entry is about. What a private number may do is its owner's; a person is barred by name of an app, of a tenant, or of
// everybody, which must be said: nobody shall bar somebody everywhere by leaving a word out.
func (s *server) scope(ctx context.Context, in BarRequest, b *models.Barred) error {
	named := 0
	for _, set := range []bool{in.App != "", in.Tenant != "", in.Everybody} {
		if set {
			named++
		}
	}
	switch {
	case ofNumbers(b.Kind):
		n, err := s.Store.Number(ctx, b.Party.Reveal())
		b.TenantID, b.AppID = n.TenantID, n.AppID
		if err == nil && named > 0 {
			err = models.Fail(models.Invalid, "app", "an entry of kind %s is about a private number and its app: leave app, tenant and everybody out", b.Kind)
		}
		return err
	case named != 1:
		return models.Fail(models.Invalid, "app", "name whose calls it is about: app, tenant or everybody, one of them")
	case in.App != "":
		a, err := s.app(ctx, in.App)
		b.TenantID, b.AppID = a.TenantID, a.ID
		return err
	case in.Tenant != "":
		t, err := s.tenant(ctx, in.Tenant)
		b.TenantID = t.ID
		return err
	}
	return nil
}

func (s *server) unbar(c *gin.Context) {
	ctx := c.Request.Context()
	none := models.Fail(models.NotFound, "id", "no entry has this id; list them with: maskline bar list")
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id <= 0 {
		s.fail(c, none)
		return
	}
	found, _, err := s.Store.BarredList(ctx, store.BarredFilter{ID: id}, models.Page{Limit: 1})
	if err == nil && len(found) == 0 {
		err = none
	}
	if err == nil {
		err = s.Store.Unbar(ctx, id)
	}
	if err == nil {
		about(c, c.Param("id"), found[0].TenantID)
		was(c, showBarred(false)(found[0]))
	}
	s.answer(c, http.StatusOK, Count{Count: 1}, err)
}
