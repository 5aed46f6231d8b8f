package admin

import (
	"slices"

	"github.com/gin-gonic/gin"

	"maskline/models"
)

// Permission is what a route asks of who uses it. Roles have permissions (granted), routes name one each (server.handle).
type Permission string

// The permissions. Where a name ends in view, nothing is changed by it.
const (
	Anybody Permission = "anybody" // even without a login
	Known   Permission = "known"   // everybody who has shown who he is: his own password and tokens

	TenantsView   Permission = "tenants.view"
	TenantsChange Permission = "tenants.change"
	AppsView      Permission = "apps.view"
	AppsChange    Permission = "apps.change"
	NumbersView   Permission = "numbers.view"
	NumbersChange Permission = "numbers.change"
	BindingsView  Permission = "bindings.view"
	CallsView     Permission = "calls.view"
	CallsStop     Permission = "calls.stop"
	CDRsView      Permission = "cdrs.view"
	Reveal        Permission = "reveal" // reveal=true: persons' numbers in full; not named by routes

	PromptsView      Permission = "prompts.view" // and templates
	PromptsChange    Permission = "prompts.change"
	PromptsReview    Permission = "prompts.review"
	RecordingsView   Permission = "recordings.view"
	RecordingsHear   Permission = "recordings.hear"
	RecordingsRemove Permission = "recordings.remove"

	DeliveriesView   Permission = "deliveries.view"
	DeliveriesReplay Permission = "deliveries.replay"
	BarredView       Permission = "barred.view"
	BarredChange     Permission = "barred.change"
	PlatformView     Permission = "platform.view"   // switches, trunks
	PlatformChange   Permission = "platform.change" // keys, files, switches
	JobsView         Permission = "jobs.view"
	JobsRun          Permission = "jobs.run"

	MoneyView   Permission = "money.view"   // balance, ledger, charges, packages, the plan that holds
	MoneyChange Permission = "money.change" // recharges, refunds, adjustments, packages
	PricesView  Permission = "prices.view"
	PriceChange Permission = "prices.change"
	LedgerCheck Permission = "ledger.check" // over all tenants

	EnterprisesView   Permission = "enterprises.view"
	EnterprisesSubmit Permission = "enterprises.submit"
	EnterprisesReview Permission = "enterprises.review"
	OrdersView        Permission = "orders.view"
	OrdersPlace       Permission = "orders.place" // and withdraw
	OrdersReview      Permission = "orders.review"
	OrdersDeliver     Permission = "orders.deliver"
	StockView         Permission = "stock.view"
	StockChange       Permission = "stock.change"
	HoldersView       Permission = "holders.view" // in whose name a number stands, and registered parties
	HoldersChange     Permission = "holders.change"
	ContactsView      Permission = "contacts.view"
	ContactsChange    Permission = "contacts.change"

	OperatorsManage Permission = "operators.manage"
	AuditView       Permission = "audit.view"
	AuditVerify     Permission = "audit.verify"
)

// Permissions lists all that a role can have.
var Permissions = []Permission{
	TenantsView, TenantsChange, AppsView, AppsChange, NumbersView, NumbersChange, BindingsView, CallsView, CallsStop, CDRsView, Reveal,
	PromptsView, PromptsChange, PromptsReview, RecordingsView, RecordingsHear, RecordingsRemove, DeliveriesView, DeliveriesReplay, BarredView, BarredChange,
	PlatformView, PlatformChange, JobsView, JobsRun, MoneyView, MoneyChange, PricesView, PriceChange, LedgerCheck, EnterprisesView, EnterprisesSubmit,
	EnterprisesReview, OrdersView, OrdersPlace, OrdersReview, OrdersDeliver, StockView, StockChange, HoldersView, HoldersChange, ContactsView, ContactsChange,
	OperatorsManage, AuditView, AuditVerify,
}

// tenantViews are what both roles of a tenant's see, of what is his.
var tenantViews = []Permission{
	TenantsView, AppsView, NumbersView, BindingsView, CallsView, CDRsView, PromptsView, RecordingsView, RecordingsHear, DeliveriesView, BarredView,
	MoneyView, EnterprisesView, OrdersView, HoldersView, ContactsView, AuditView,
}

// granted says what each role may do. A new permission is the admin's alone until it is written down here.
var granted = map[models.Role][]Permission{
	models.RoleAdmin: Permissions,
	models.RoleOperator: {
		TenantsView, TenantsChange, AppsView, AppsChange, NumbersView, NumbersChange, BindingsView, CallsView, CallsStop, CDRsView, Reveal,
		PromptsView, PromptsChange, RecordingsView, RecordingsHear, RecordingsRemove, DeliveriesView, DeliveriesReplay, BarredView, BarredChange,
		PlatformView, PlatformChange, JobsView, JobsRun, EnterprisesView, EnterprisesSubmit, OrdersView, OrdersPlace, OrdersDeliver, StockView, StockChange,
		HoldersView, HoldersChange,
		ContactsView, ContactsChange, AuditView, AuditVerify,
	},
	models.RoleReviewer: {TenantsView, AppsView, PromptsView, PromptsReview, EnterprisesView, EnterprisesReview, OrdersView, OrdersReview},
	models.RoleFinance: {
		TenantsView, AppsView, NumbersView, CDRsView, MoneyView, MoneyChange, PricesView, PriceChange, LedgerCheck, OrdersView, ContactsView,
	},
	models.RoleTenantAdmin: append(slices.Clone(tenantViews), AppsChange, Reveal, PromptsChange, CallsStop, DeliveriesReplay, EnterprisesSubmit, OrdersPlace, ContactsChange),
	models.RoleTenantRead:  tenantViews,
}

// may says whether a role has a permission.
func may(role models.Role, p Permission) bool {
	return p == Anybody || p == Known && role != "" || slices.Contains(granted[role], p)
}

// effect is what a route does, as far as its audit line and its transaction care.
type effect int

const (
	// stored: a changing route does all it does through the store. It runs in one transaction with its audit line, and again when that loses a
	// deadlock, so what must wait for the commit goes through later.
	stored effect = iota
	// outside: it also does what no transaction takes back (files, calls, pushes), or may take long. Its audit line is written right after it.
	outside
	// harmless: it changes nothing, though its method says otherwise.
	harmless
)

// handle registers a route: method and path below the prefix, the permission that it asks for, and the handler. There is no other way in: a route
// that is registered past it has no permission and is refused. Methods other than GET change something and leave an audit line; how says in which
// way, stored when it is left out.
func (s *server) handle(g *gin.RouterGroup, method, path string, p Permission, handler gin.HandlerFunc, how ...effect) {
	s.permissions[method+" "+g.BasePath()+path] = p
	done := handler
	if method != "GET" && !slices.Contains(how, harmless) {
		done = s.audited(handler, actionOf(method, path), append(how, stored)[0])
	}
	g.Handle(method, path, done)
}

// permissionsOf lists what a role may do, in the order of Permissions.
func permissionsOf(role models.Role) []Permission {
	has := map[Permission]bool{}
	for _, p := range granted[role] {
		has[p] = true
	}
	out := make([]Permission, 0, len(has))
	for _, p := range Permissions {
		if has[p] {
			out = append(out, p)
		}
	}
	return out
}
