package admin

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
	"maskline/models/store"
)

func (s *server) routeEntries(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/entries", MoneyView, s.listEntries)
	s.handle(g, http.MethodGet, "/entries/:id", MoneyView, s.showEntry)
	s.handle(g, http.MethodGet, "/charges", MoneyView, s.listCharges)
	s.handle(g, http.MethodGet, "/cdrs/:session/explain", MoneyView, s.explainCharges)
}

// entryKinds are the kinds of entries.
var entryKinds = []models.EntryKind{models.EntryRecharge, models.EntryRefund, models.EntryAdjustment, models.EntrySettlement, models.EntryCorrection,
	models.EntryRent, models.EntryPackage}

func showEntry(e models.Entry) Entry {
	out := Entry{ID: e.ID, Key: e.Key, Kind: string(e.Kind), TenantID: e.TenantID, At: e.At.UTC(), For: e.For.UTC(), Memo: e.Memo, By: e.By,
		Postings: make([]Posting, 0, len(e.Postings))}
	for _, p := range e.Postings {
		out.Postings = append(out.Postings, Posting(p))
	}
	return out
}

func (s *server) entryFilter(c *gin.Context) (f store.EntryFilter, err error) {
	if f.TenantID, err = s.tenantID(c, c.Query("tenant")); err != nil {
		return f, err
	}
	f.Kind, f.Account = models.EntryKind(c.Query("kind")), models.Account(c.Query("account"))
	if err = oneOf("kind", f.Kind, entryKinds...); err != nil {
		return f, err
	}
	f.Since, f.Until, err = span(c)
	return f, err
}

func (s *server) listEntries(c *gin.Context) {
	f, err := s.entryFilter(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Entry, int, error) { return s.Store.Entries(c.Request.Context(), f, p) }, showEntry)
}

func (s *server) showEntry(c *gin.Context) {
	id, err := pathID(c, "entry")
	var e models.Entry
	if err == nil {
		e, err = s.Store.Entry(c.Request.Context(), id)
	}
	s.answer(c, http.StatusOK, showEntry(e), err)
}

func showCharge(c models.Charge) Charge {
	return Charge{ID: c.ID, SessionID: c.SessionID, Leg: c.Leg, TenantID: c.TenantID, AppID: c.AppID, Mode: string(c.Mode), EndAt: c.EndAt.UTC(), Seconds: c.Seconds,
		Units: c.Units, Minutes: c.Minutes, PlanID: c.PlanID, Amount: c.Amount, Why: c.Why, EntryID: c.EntryID, PackageMinutes: c.PackageMinutes,
		Billed: c.Billed, SettledAt: at(c.SettledAt)}
}

func (s *server) chargeFilter(c *gin.Context) (f store.ChargeFilter, err error) {
	if f.TenantID, err = s.tenantID(c, c.Query("tenant")); err != nil {
		return f, err
	}
	if f.AppID, err = s.appID(c, c.Query("app")); err != nil {
		return f, err
	}
	f.SessionID, f.Unsettled = c.Query("session"), mark(c, "unsettled")
	f.Since, f.Until, err = span(c)
	return f, err
}

func (s *server) listCharges(c *gin.Context) {
	f, err := s.chargeFilter(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	listed(s, c, func(p models.Page) ([]models.Charge, int, error) { return s.Store.Charges(c.Request.Context(), f, p) }, showCharge)
}

// explainCharges says how a call's charges came about, by the code that makes them.
func (s *server) explainCharges(c *gin.Context) {
	ctx := c.Request.Context()
	r, err := s.Store.CDR(ctx, c.Param("session"))
	if err == nil && s.ExplainCharges == nil {
		err = models.Fail(models.NotFound, "", "this daemon rates no calls")
	}
	var charges []models.Charge
	if err == nil {
		charges, _, err = s.Store.Charges(ctx, store.ChargeFilter{SessionID: r.SessionID}, models.Page{})
	}
	var plans []models.PricePlan
	for _, answered := range []time.Time{r.AnswerAt, r.OutAnswerAt} {
		if err != nil || answered.IsZero() {
			continue
		}
		var p models.PricePlan
		var found bool
		if p, found, err = s.Store.PlanAt(ctx, r.TenantID, answered); found {
			plans = append(plans, p)
		}
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	out := ChargeExplanation{SessionID: r.SessionID, Text: s.ExplainCharges(r, charges, plans...), Charges: make([]Charge, 0, len(charges))}
	for _, ch := range charges {
		out.Charges = append(out.Charges, showCharge(ch))
	}
	c.JSON(http.StatusOK, out)
}

// verifyLedger looks the whole ledger over; it takes its time.
func (s *server) verifyLedger(c *gin.Context) {
	r, err := s.Store.VerifyLedger(c.Request.Context())
	s.answer(c, http.StatusOK, LedgerFindings{OK: r.OK(), Entries: r.Entries, Postings: r.Postings, Accounts: r.Accounts, Charges: r.Charges, Broken: r.Broken,
		Problems: append([]string{}, r.Problems...)}, err)
}
