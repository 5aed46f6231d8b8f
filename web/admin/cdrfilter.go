package admin

import (
	"strings"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

// cdrSorts are the orders of records: by the call's arrival, either way, which every index serves.
var cdrSorts = []string{"-call_in_at", "call_in_at"}

// cdrFilter reads the filters of records, for the list and for its export.
func (s *server) cdrFilter(c *gin.Context) (f store.CDRFilter, err error) {
	q, err := s.query(c)
	if err != nil {
		return f, err
	}
	f = store.CDRFilter{TenantID: q.tenant, AppID: q.app, SessionID: c.Query("session"), Caller: q.caller, Callee: q.callee, Since: q.since, Until: q.until,
		OldestFirst: c.Query("sort") == "call_in_at"}
	if err = oneOf("sort", c.Query("sort"), cdrSorts...); err != nil {
		return f, err
	}
	if f.X, err = s.number("x", c.Query("x")); err != nil {
		return f, err
	}
	if f.CallerLike, err = part(c, "caller_like"); err != nil {
		return f, err
	}
	f.CalleeLike, err = part(c, "callee_like")
	return f, err
}

// The digits of a number that a search may name.
const (
	partLeast = 3
	partMost  = 20
	partShown = 4 // the last digits, which everybody sees
)

// part reads part of a number. Who may not see numbers in full may ask for the digits that he sees alone: with others he could find out the rest.
func part(c *gin.Context, name string) (store.Like, error) {
	digits := c.Query(name)
	full := may(visitOf(c.Request.Context()).role, Reveal)
	switch {
	case digits == "":
		return store.Like{}, nil
	case strings.Trim(digits, "0123456789") != "" || len(digits) < partLeast || len(digits) > partMost:
		return store.Like{}, models.Fail(models.Invalid, name, "%s is %d to %d digits that stand in the number", name, partLeast, partMost)
	case !full && len(digits) > partShown:
		return store.Like{}, models.Fail(models.Invalid, name, "%s is the last %d digits at most, since you see no others", name, partShown)
	}
	return store.Like{Digits: digits, AtEnd: !full}, nil
}

// searchedHeader tells from when on a search for part of a number looked, when it did not look at all.
const searchedHeader = "X-Searched-Since"

func (s *server) listCDRs(c *gin.Context) {
	ctx := c.Request.Context()
	f, err := s.cdrFilter(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	since, err := s.Store.SearchedSince(ctx, f)
	if err != nil {
		s.fail(c, err)
		return
	}
	if !since.IsZero() {
		c.Header(searchedHeader, stamp(since))
	}
	listed(s, c, func(p models.Page) ([]models.CDR, int, error) { return s.Store.CDRs(ctx, f, p) }, showCDR(revealing(c)))
}
