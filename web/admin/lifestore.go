package admin

import (
	"context"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// lifeStore is what the admin API needs of the database for enterprises, orders, stock, holders, registered parties and contacts.
type lifeStore interface {
	SubmitEnterprise(ctx context.Context, e *models.Enterprise, forbidden []string) error
	Enterprise(ctx context.Context, tenantID int64) (models.Enterprise, error)
	Enterprises(ctx context.Context, f store.EnterpriseFilter, page models.Page) ([]models.Enterprise, int, error)
	DecideEnterprise(ctx context.Context, tenantID int64, d store.EnterpriseDecision) (models.Enterprise, error)
	ClearRefusals(ctx context.Context, tenantID int64) (models.Enterprise, error)

	PlaceOrder(ctx context.Context, o *models.Order, needsEnterprise bool) error
	Order(ctx context.Context, tenantID, id int64) (models.Order, error)
	Orders(ctx context.Context, f store.OrderFilter, page models.Page) ([]models.Order, int, error)
	DecideOrder(ctx context.Context, id int64, state models.OrderState, by, reason string) (models.Order, error)
	WithdrawOrder(ctx context.Context, tenantID, id int64, by string) (models.Order, error)
	DeliverOrder(ctx context.Context, id int64, by string, numbers []string) (models.Order, error)

	AddStock(ctx context.Context, list []models.Stock) (added int, rows []error, err error)
	StockList(ctx context.Context, f store.StockFilter, page models.Page) ([]models.Stock, int, error)
	RemoveStock(ctx context.Context, number string) error

	ReturnNumber(ctx context.Context, number, by, reason string, coolDown time.Duration) error
	ReturnedNumbers(ctx context.Context, f store.ReturnedFilter, page models.Page) ([]models.Returned, int, error)
	UnsubscribeNumber(ctx context.Context, number string, at time.Time) (models.Number, error)
	SubscribeNumber(ctx context.Context, number string) (models.Number, error)
	MoveNumber(ctx context.Context, number string, appID int64) (models.Number, error)
	ChangeNumbers(ctx context.Context, changes []store.NumberChange, tell func(models.App, models.Number) []models.Delivery) ([]error, []models.Delivery, error)

	SetHolder(ctx context.Context, h models.Holder) error
	Holders(ctx context.Context, number string, page models.Page) ([]models.Holder, int, error)

	RegisterParties(ctx context.Context, list []models.RegisteredParty) error
	RegisteredParties(ctx context.Context, f store.RegisteredFilter, page models.Page) ([]models.RegisteredParty, int, error)
	UnregisterParty(ctx context.Context, tenantID int64, party models.Party) error

	AddContact(ctx context.Context, c *models.Contact) error
	ChangeContact(ctx context.Context, c models.Contact) error
	RemoveContact(ctx context.Context, tenantID, id int64) error
	Contact(ctx context.Context, tenantID, id int64) (models.Contact, error)
	Contacts(ctx context.Context, tenantID int64) ([]models.Contact, error)
}
