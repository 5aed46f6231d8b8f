package admin

import (
	"context"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// Store is what the admin API needs of the database. *store.Store has it.
type Store interface {
	accounts
	moneyStore
	lifeStore
	switchStore

	CreateTenant(ctx context.Context, t *models.Tenant) error
	Tenant(ctx context.Context, id int64) (models.Tenant, error)
	Tenants(ctx context.Context, f store.TenantFilter, page models.Page) ([]models.Tenant, int, error)
	SetTenantCalls(ctx context.Context, id int64, calls models.CallCap) error
	SetTenantZone(ctx context.Context, id int64, zone string) error
	SetTenantToll(ctx context.Context, id int64, toll models.Toll) error
	TollUsed(ctx context.Context, tenantID int64) (models.Limits, error)
	SetTenantState(ctx context.Context, id int64, state models.State) error

	CreateApp(ctx context.Context, a *models.App, secret string) error
	App(ctx context.Context, id int64) (models.App, error)
	AppByKey(ctx context.Context, key string) (models.App, error)
	Apps(ctx context.Context, f store.AppFilter, page models.Page) ([]models.App, int, error)
	UpdateApp(ctx context.Context, id int64, change func(*models.App) error) error
	AddAppSecret(ctx context.Context, appID int64, secret string, oldValidFor time.Duration) error
	Reseal(ctx context.Context) (int, error)

	AddNumbers(ctx context.Context, numbers []models.Number) error
	Number(ctx context.Context, number string) (models.Number, error)
	Numbers(ctx context.Context, f store.NumberFilter, page models.Page) ([]models.Number, int, error)
	SetNumberState(ctx context.Context, number string, state models.NumberState, cause int, tell func(models.App, models.Number) []models.Delivery) (models.Number, []models.Delivery, error)

	Bindings(ctx context.Context, f store.BindingFilter, page models.Page) ([]models.Binding, int, error)
	Sight(ctx context.Context, dialled string, caller models.Party, extension string) (models.Sight, error)
	SightAt(ctx context.Context, dialled string, caller models.Party, extension string, at time.Time) (models.Sight, error)

	Bar(ctx context.Context, b *models.Barred) error
	Unbar(ctx context.Context, id int64) error
	BarredList(ctx context.Context, f store.BarredFilter, page models.Page) ([]models.Barred, int, error)

	Session(ctx context.Context, id string) (models.Session, error)
	Sessions(ctx context.Context, f store.SessionFilter, page models.Page) ([]models.Session, int, error)
	Events(ctx context.Context, sessionID string) ([]models.CallEvent, error)
	CDR(ctx context.Context, sessionID string) (models.CDR, error)
	CDRs(ctx context.Context, f store.CDRFilter, page models.Page) ([]models.CDR, int, error)

	Outgoing(ctx context.Context, sessionID string) (models.Outgoing, error)
	OutgoingList(ctx context.Context, f store.OutgoingFilter, page models.Page) ([]models.Outgoing, int, error)
	QueueApps(ctx context.Context) ([]store.QueueApp, error)

	Prompt(ctx context.Context, id int64) (models.Prompt, error)
	PromptsOf(ctx context.Context, f store.PromptFilter, page models.Page) ([]models.Prompt, int, error)
	UrgePrompt(ctx context.Context, id int64) error

	AddTemplate(ctx context.Context, t *models.Template) error
	Template(ctx context.Context, tenantID int64, id string) (models.Template, error)
	Templates(ctx context.Context, f store.TemplateFilter, page models.Page) ([]models.Template, int, error)
	DecideTemplate(ctx context.Context, id string, state models.ReviewState, by, reason string) (models.Template, error)
	UrgeTemplate(ctx context.Context, id string) error
	RemoveTemplate(ctx context.Context, id string, by, reason string) error

	Recording(ctx context.Context, name string) (models.Recording, error)
	RecordingsOf(ctx context.Context, f store.RecordingFilter, page models.Page) ([]models.Recording, int, error)

	Deliveries(ctx context.Context, f store.DeliveryFilter, page models.Page) ([]models.Delivery, int, error)
	Replay(ctx context.Context, f store.DeliveryFilter) (int, error)
}

// accounts are what it needs for people, and for what they did.
type accounts interface {
	Within(ctx context.Context, do func(ctx context.Context) error) error
	Audited(ctx context.Context, a models.Audit) error
	AuditLines(ctx context.Context, f store.AuditFilter, page models.Page) ([]models.Audit, int, error)
	EachAudit(ctx context.Context, f store.AuditFilter, do func(models.Audit) error) error
	VerifyAudit(ctx context.Context) (checked int, broken int64, err error)
	AuditHead(ctx context.Context) (store.AuditEnd, error)

	CreateOperator(ctx context.Context, o *models.Operator) error
	Operator(ctx context.Context, id int64) (models.Operator, error)
	OperatorByName(ctx context.Context, name string) (models.Operator, error)
	Operators(ctx context.Context, f store.OperatorFilter, page models.Page) ([]models.Operator, int, error)
	ChangeOperator(ctx context.Context, id int64, change func(*models.Operator) error) (was, is models.Operator, err error)
	RemoveOperator(ctx context.Context, id int64) (models.Operator, error)

	AddLogin(ctx context.Context, l *models.Login) error
	LoginByHash(ctx context.Context, hash string) (models.Login, models.Operator, error)
	Logins(ctx context.Context, operatorID int64, page models.Page) ([]models.Login, int, error)
	EndLogin(ctx context.Context, operatorID, id int64) error
}
