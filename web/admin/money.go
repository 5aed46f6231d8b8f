package admin

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
)

func (s *server) routeMoney(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/tenants/:tenant/balance", MoneyView, s.showBalance)
	s.handle(g, http.MethodPut, "/tenants/:tenant/credit", MoneyChange, s.setCredit)
	s.handle(g, http.MethodPost, "/tenants/:tenant/recharge", MoneyChange, s.move(recharge))
	s.handle(g, http.MethodPost, "/tenants/:tenant/refund", MoneyChange, s.move(refund))
	s.handle(g, http.MethodPost, "/tenants/:tenant/adjust", MoneyChange, s.move(adjustment))
}

// pathTenant is the tenant that the path names.
func (s *server) pathTenant(c *gin.Context) (models.Tenant, error) {
	return s.tenant(c.Request.Context(), c.Param("tenant"))
}

func (s *server) showBalance(c *gin.Context) {
	t, err := s.pathTenant(c)
	var b models.Amount
	if err == nil {
		b, err = s.Store.Balance(c.Request.Context(), models.TenantAccount(t.ID))
	}
	s.answer(c, http.StatusOK, Balance{TenantID: t.ID, Balance: b, Credit: t.Credit, Arrears: t.Arrears}, err)
}

func (s *server) setCredit(c *gin.Context) {
	ctx := c.Request.Context()
	var in CreditRequest
	err := read(c, &in)
	var t models.Tenant
	if err == nil {
		t, err = s.pathTenant(c)
	}
	var b models.Amount
	if err == nil {
		b, err = s.Store.Balance(ctx, models.TenantAccount(t.ID))
	}
	if err == nil {
		was(c, Balance{TenantID: t.ID, Balance: b, Credit: t.Credit, Arrears: t.Arrears})
		err = s.Store.SetTenantCredit(ctx, t.ID, in.Credit)
	}
	if err == nil {
		s.moved(c, t.ID)
	}
	s.answer(c, http.StatusOK, Balance{TenantID: t.ID, Balance: b, Credit: in.Credit, Arrears: t.Arrears}, err)
}

// movement is a way in which an operator moves money.
type movement struct {
	kind     models.EntryKind
	reason   bool // is needed
	signed   bool // the amount may be below zero
	covered  bool // the balance must have it
	postings func(tenant models.Account, a models.Amount) []models.Posting
}

var (
	recharge = movement{kind: models.EntryRecharge, postings: func(t models.Account, a models.Amount) []models.Posting {
		return models.Transfer(models.AccountCash, t, a)
	}}
	refund = movement{kind: models.EntryRefund, reason: true, covered: true, postings: func(t models.Account, a models.Amount) []models.Posting {
		return models.Transfer(t, models.AccountCash, a)
	}}
	adjustment = movement{kind: models.EntryAdjustment, reason: true, signed: true, postings: func(t models.Account, a models.Amount) []models.Posting {
		return models.Transfer(models.AccountAdjustments, t, a)
	}}
)

// amountMost bounds what one request moves, so that a slip of the hand stays small.
const amountMost = 100_000_000 * models.Unit

func (m movement) check(in AmountRequest) error {
	switch {
	case m.signed && in.Amount == 0:
		return models.Fail(models.Invalid, "amount", "amount is above or below zero, such as 12.50 or -12.50")
	case !m.signed && in.Amount <= 0:
		return models.Fail(models.Invalid, "amount", "amount is above zero, such as 12.50")
	case in.Amount > amountMost || in.Amount < -amountMost:
		return models.Fail(models.Invalid, "amount", "amount is at most %s", amountMost)
	case m.reason && strings.TrimSpace(in.Reason) == "":
		return models.Fail(models.Invalid, "reason", "reason is missing: why the money is moved")
	case len([]rune(in.Reason)) > 256:
		return models.Fail(models.Invalid, "reason", "reason has at most 256 characters")
	}
	return nil
}

// IdempotencyHeader names the request that moves money, so that one sent twice is posted once.
const IdempotencyHeader = "Idempotency-Key"

// onceKey is the key of the entry that a request makes: what it does, for whom, and the key that the client gave it.
func onceKey(c *gin.Context, what models.EntryKind, tenantID int64) (string, error) {
	key := c.GetHeader(IdempotencyHeader)
	if key == "" || len(key) > 64 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", models.Fail(models.Invalid, IdempotencyHeader,
			"send the header %s with 1 to 64 letters, digits and signs that no other request has, such as a number of your payment", IdempotencyHeader)
	}
	return string(what) + ":" + strconv.FormatInt(tenantID, 10) + ":" + key, nil
}

// move makes the handler of a movement. The same request again is answered as the first one was, and posts nothing.
func (s *server) move(m movement) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		var in AmountRequest
		err := read(c, &in)
		if err == nil {
			err = m.check(in)
		}
		var t models.Tenant
		if err == nil {
			t, err = s.pathTenant(c)
		}
		e := models.Entry{Kind: m.kind, TenantID: t.ID, Memo: strings.TrimSpace(in.Reason), By: visitOf(ctx).who()}
		if err == nil {
			e.Key, err = onceKey(c, m.kind, t.ID)
		}
		if err != nil {
			s.fail(c, err)
			return
		}
		account := models.TenantAccount(t.ID)
		e.Postings = m.postings(account, in.Amount)
		posted, err := s.Store.Post(ctx, &e)
		var balance models.Amount
		if err == nil {
			balance, err = s.Store.Balance(ctx, account)
		}
		// It has been posted by now, under the balance's lock; to fail takes it back.
		if err == nil && posted && m.covered && balance < 0 {
			err = models.Fail(models.Conflict, "amount", "the balance is %s; no more than that is refunded", balance+in.Amount)
		}
		if err == nil && posted {
			s.moved(c, t.ID)
		}
		about(c, strconv.FormatInt(t.ID, 10), t.ID)
		s.answer(c, createdOnce(posted), Moved{Entry: showEntry(e), Balance: balance, Repeated: !posted}, err)
	}
}

// createdOnce is the status of a request that may have been sent before.
func createdOnce(fresh bool) int {
	if fresh {
		return http.StatusCreated
	}
	return http.StatusOK
}

// movedIn is how long it may take to see whether a tenant's arrears begin or end.
const movedIn = 30 * time.Second

// moved lets the billing look at a tenant's balance as soon as the change is committed: a recharge restores at once. A look that fails is made again by
// the job, so the request has not failed.
func (s *server) moved(c *gin.Context, tenantID int64) {
	if s.BalanceMoved == nil {
		return
	}
	later(c, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), movedIn)
		defer cancel()
		if err := s.BalanceMoved(ctx, tenantID); err != nil {
			s.Log.LogAttrs(ctx, slog.LevelError, "arrears not looked at", slog.Int64("tenant", tenantID), slog.Any("error", err))
		}
	})
}
