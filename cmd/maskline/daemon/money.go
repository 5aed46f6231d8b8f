package daemon

import (
	"context"
	"fmt"
	"time"

	"maskline/conf"
	"maskline/controller/billing"
	"maskline/controller/delivery"
	"maskline/controller/flow"
	"maskline/models"
)

// money is what watches it: what calls cost, what is settled and owed, and who is told.
type money struct {
	rater     *billing.Rater
	guard     *billing.Guard
	allowance *billing.Allowance
	arrears   *billing.Arrears
	notices   *billing.Notices
}

// purse is what calls need to know of money.
type purse struct {
	*billing.Rater
	*billing.Guard
	*billing.Allowance
}

var _ flow.Purse = purse{}

func (d *Daemon) makeMoney(context.Context) error {
	d.rater = billing.NewRater(d.store)
	d.allowance = billing.NewAllowance(d.store, d.rater)
	d.guard = billing.NewGuard(d.store, d.cfg.Billing.WhenUnreadable == conf.BillingAllow)
	c := d.cfg.Delivery
	poster := delivery.NewPoster(delivery.Options{Timeout: c.Timeout, Allow: c.Allow, Insecure: c.Insecure})
	d.closers.add("notices' connections", partIn, func(context.Context) error { poster.CloseIdleConnections(); return nil })
	o := billing.NoticeOptions{Store: d.store, Webhooks: poster, Observe: d.metrics.noticeTold, Log: d.log}
	mail, err := MailOf(d.cfg.Mail)
	if err != nil {
		return err
	}
	if mail.Host != "" {
		o.Mail = mail
	}
	d.notices = billing.NewNotices(o)
	d.arrears = billing.NewArrears(billing.ArrearsOptions{Store: d.store, Warn: d.cfg.Billing.Warn, Offer: d.courier.Offer, Tell: d.notices.Tell, Moved: d.guard.Forget})
	return nil
}

// MailOf is the mail server of a configuration; Host is empty when there is none.
func MailOf(c conf.Mail) (billing.Mail, error) {
	password, err := c.Password.Reveal()
	if err != nil {
		return billing.Mail{}, fmt.Errorf("mail.password: %w", err)
	}
	return billing.Mail{Host: c.Host, TLS: c.TLS, User: c.User, Password: password, From: c.From}, nil
}

// news tells a tenant's contacts of what an operator did.
func (d *Daemon) news(tenantID int64, kind models.Notice, subject, text string) {
	d.notices.Tell(billing.News{TenantID: tenantID, Kind: kind, Subject: subject, Text: text})
}

// moneyJobs are the jobs of the schedule that move money or look after it.
func (d *Daemon) moneyJobs() map[string]job {
	rate, settle, rent := billing.NewCatchUp(d.store, d.rater), billing.NewSettlement(d.store), billing.NewRent(d.store, d.notices.Tell)
	return map[string]job{
		"rate":          d.noted("rate", rate.Run),
		"settle":        d.noted("settle", settle.Run),
		"rent":          d.noted("rent", rent.Run),
		"arrears":       d.arrears.Run, // it leaves audit lines itself, one a tenant
		"verify_ledger": d.verifyLedger,
	}
}

// verifyLedger adds the ledger up anew. One that does not agree is a failure of the job, and so an alert.
func (d *Daemon) verifyLedger(ctx context.Context, _ time.Time) (int, error) {
	r, err := d.store.VerifyLedger(ctx)
	if err == nil && !r.OK() {
		err = fmt.Errorf("the ledger does not agree in %d places, such as: %s; see maskline ledger verify", r.Broken, r.Problems[0])
	}
	return int(r.Entries), err
}

// told counts what contacts were told.
func (m *metrics) noticeTold(kind models.Notice, way string, delivered bool) {
	result := "given_up"
	if delivered {
		result = "delivered"
	}
	m.notices.WithLabelValues(string(kind), way, result).Inc()
}
