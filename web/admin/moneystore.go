package admin

import (
	"context"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// moneyStore is what the admin API needs of the database for prices, the ledger, charges and packages.
type moneyStore interface {
	AddPlan(ctx context.Context, p *models.PricePlan) error
	EndPlan(ctx context.Context, id int64, until time.Time) error
	Plan(ctx context.Context, id int64) (models.PricePlan, error)
	Plans(ctx context.Context, f store.PlanFilter, page models.Page) ([]models.PricePlan, int, error)
	PlanAt(ctx context.Context, tenantID int64, at time.Time) (models.PricePlan, bool, error)

	Post(ctx context.Context, e *models.Entry) (posted bool, err error)
	Entry(ctx context.Context, id int64) (models.Entry, error)
	Entries(ctx context.Context, f store.EntryFilter, page models.Page) ([]models.Entry, int, error)
	EachEntry(ctx context.Context, f store.EntryFilter, do func(models.Entry) error) error
	Balance(ctx context.Context, a models.Account) (models.Amount, error)
	VerifyLedger(ctx context.Context) (store.LedgerReport, error)
	SetTenantCredit(ctx context.Context, id int64, credit models.Amount) error

	Charges(ctx context.Context, f store.ChargeFilter, page models.Page) ([]models.Charge, int, error)
	EachCharge(ctx context.Context, f store.ChargeFilter, do func(models.Charge) error) error

	BuyPackage(ctx context.Context, p *models.Package, e *models.Entry) (bought bool, err error)
	Packages(ctx context.Context, f store.PackageFilter, page models.Page) ([]models.Package, int, error)

	EachCDR(ctx context.Context, f store.CDRFilter, do func(models.CDR) error) error
	SearchedSince(ctx context.Context, f store.CDRFilter) (time.Time, error)
}
