package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// RentStore is what Rent asks of the database.
type RentStore interface {
	PlanStore
	TenantBalances(ctx context.Context, after int64, n int) ([]store.TenantBalance, error)
	// RentDue gives a tenant's numbers, by number, after one, that owe rent for a month (models.Number.Owes) and for which none is posted.
	RentDue(ctx context.Context, tenantID int64, month, after string, n int) ([]models.Number, error)
	PostRents(ctx context.Context, list []models.Entry) (posted int, err error)
}

const (
	rentsAtOnce   = 200 // numbers in one transaction
	tenantsAtOnce = 200 // tenants that are read at once
	failuresMost  = 10  // failures of tenants that a run carries on through
)

// rentAfter is when, on the 1st, a month's rent falls due (spec/privatenumber.md §8).
const rentAfter = 10 * time.Minute

// Rent charges the monthly rent of numbers.
type Rent struct {
	store RentStore
	plans *plans
	tell  func(News) bool
}

// NewRent makes a Rent. tell takes news for contacts; nil tells nobody.
func NewRent(s RentStore, tell func(News) bool) *Rent {
	if tell == nil {
		tell = func(News) bool { return false }
	}
	return &Rent{s, newPlans(s), tell}
}

// Run posts all rents that are due at now and are not posted yet, and gives how many: for every number that a tenant has, the month that began last
// in his time zone, from 00:10 of its 1st, and the one before it, in case the job did not run at its end. A number that was delivered since
// the 1st pays that whole month. What a number costs is what the plan said at 00:10 of the 1st, or when the number was delivered. A number that costs
// nothing has no entry. What fails for one tenant does not keep the others waiting.
func (r *Rent) Run(ctx context.Context, now time.Time) (count int, err error) {
	var errs []error
	for after := int64(0); ; {
		list, err := r.store.TenantBalances(ctx, after, tenantsAtOnce)
		if err != nil {
			return count, errors.Join(append(errs, fmt.Errorf("read tenants for their rent: %w", err))...)
		}
		if len(list) == 0 {
			return count, errors.Join(errs...)
		}
		for _, t := range list {
			n, err := r.tenant(ctx, t.Tenant, now)
			count += n
			if err != nil {
				errs = append(errs, fmt.Errorf("charge the rent of tenant %d: %w", t.Tenant.ID, err))
			}
			if ctx.Err() != nil || len(errs) >= failuresMost {
				return count, errors.Join(errs...)
			}
		}
		after = list[len(list)-1].Tenant.ID
	}
}

// tenant charges one tenant's rent of the last two months that have begun.
func (r *Rent) tenant(ctx context.Context, t models.Tenant, now time.Time) (count int, err error) {
	year, month, _ := now.Add(-rentAfter).In(t.Location()).Date()
	for _, m := range []time.Month{month - 1, month} {
		begins := monthBegins(year, m, t.Location())
		n, told, err := r.month(ctx, t, begins)
		count += n
		if told.numbers > 0 {
			r.tell(News{TenantID: t.ID, Kind: models.NoticeRent, Subject: fmt.Sprintf("Rent of numbers: %s", told.sum),
				Text: fmt.Sprintf("The rent of %d numbers of %s for %s was taken from the balance: %s.", told.numbers, t.Name, begins.Format("January 2006"), told.sum)})
		}
		if err != nil {
			return count, err
		}
	}
	return count, nil
}

// monthBegins is the first instant of a month: midnight, or later where summer time begins then.
func monthBegins(year int, month time.Month, zone *time.Location) time.Time {
	first := time.Date(year, month, 1, 12, 0, 0, 0, zone)
	begins := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, zone)
	if begins.Day() != 1 { // there is no midnight, and it was taken for the hour before
		begins = begins.Add(time.Hour)
	}
	return begins
}

// month charges the rent of one month, page by page.
func (r *Rent) month(ctx context.Context, t models.Tenant, begins time.Time) (count int, told rents, err error) {
	for after := ""; ; {
		due, err := r.store.RentDue(ctx, t.ID, begins.Format("2006-01"), after, rentsAtOnce)
		if err != nil || len(due) == 0 {
			return count, told, err
		}
		after = due[len(due)-1].Number
		entries, total, err := r.entries(ctx, t, due, begins)
		if err != nil {
			return count, told, err
		}
		if len(entries) == 0 {
			continue
		}
		posted, err := r.store.PostRents(ctx, entries)
		if err != nil {
			return count, told, err
		}
		count += posted
		if posted == len(entries) { // else another daemon is at it, and who tells of which rent is not known
			told.numbers, told.sum = told.numbers+posted, told.sum+total
		}
	}
}

// rents are rents that a tenant's contacts are told of.
type rents struct {
	numbers int
	sum     models.Amount
}

// entries makes the rents of numbers, of those that cost something.
func (r *Rent) entries(ctx context.Context, t models.Tenant, due []models.Number, begins time.Time) (out []models.Entry, total models.Amount, err error) {
	for _, n := range due {
		at := rentTime(n, begins)
		p, found, err := r.plans.at(ctx, t.ID, at)
		if err != nil {
			return nil, 0, err
		}
		amount := p.RentOf(n.Kind, n.AreaCode)
		if !found || amount == 0 {
			continue
		}
		total += amount
		year, month, day := at.In(begins.Location()).Date()
		out = append(out, models.Entry{Key: models.RentKey(n.Number, begins), Kind: models.EntryRent, TenantID: t.ID, Memo: n.Number, By: "job:rent",
			For:      time.Date(year, month, day, 0, 0, 0, 0, begins.Location()).UTC(),
			Postings: models.Transfer(models.TenantAccount(t.ID), models.AccountRent, amount)})
	}
	return out, total, nil
}

// rentTime is when a number's rent for the month falls due: 00:10 of the 1st, or its delivery.
func rentTime(n models.Number, begins time.Time) time.Time {
	delivered := n.DeliveredAt
	if delivered.IsZero() {
		delivered = n.CreatedAt
	}
	if due := begins.Add(rentAfter); delivered.Before(due) {
		return due
	}
	return delivered
}
