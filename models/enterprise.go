package models

import (
	"slices"
	"strings"
	"time"
)

// Enterprise is what a tenant shows before he may order numbers (spec/privatenumber.md §7).
type Enterprise struct {
	TenantID  int64
	Kind      string // company, sole, government, other
	Name      string // as on the licence
	Licence   string // unified social credit code or the like
	Documents []Document
	Scenario  string // what calls are for
	Script    string // what is said to those who are called
	Business  string // industry
	SMS       bool
	Review
	Refusals int // in a row for a forbidden business; too many limit the tenant
}

// Document is a file that was shown; it is kept apart, by its hash.
type Document struct {
	Kind  string `json:"kind"` // licence, legal_person, handler, handler_holding, letter
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	Hash  string `json:"sha256"`
}

// EnterpriseKinds are the values of Enterprise.Kind.
var EnterpriseKinds = []string{"company", "sole", "government", "other"}

// ForbiddenBusinesses are industries for which no number is given (spec/privatenumber.md §7). An operator's configuration may name others.
var ForbiddenBusinesses = []string{"finance", "lending", "collection", "insurance_sales", "marketing", "gambling", "adult", "political_canvassing", "stock_tips"}

// RefusalsMost is how often in a row a tenant may submit what is forbidden before he must ask the operator.
const RefusalsMost = 3

// Validate checks an enterprise to be submitted.
func (e Enterprise) Validate() error {
	long := func(s string, least, most int) bool {
		n := len([]rune(strings.TrimSpace(s)))
		return n >= least && n <= most
	}
	switch {
	case !slices.Contains(EnterpriseKinds, e.Kind):
		return Fail(Invalid, "kind", "kind %q is unknown; it is one of %v", e.Kind, EnterpriseKinds)
	case !long(e.Name, 1, 128):
		return Fail(Invalid, "name", "the enterprise's name has 1 to 128 characters")
	case !long(e.Licence, 8, 32) || strings.Trim(e.Licence, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "":
		return Fail(Invalid, "licence", "the licence's code has 8 to 32 digits and capital letters")
	case !long(e.Scenario, 10, 2000):
		return Fail(Invalid, "scenario", "the scenario, what the calls are for, has 10 to 2000 characters")
	case !long(e.Script, 1, 2000):
		return Fail(Invalid, "script", "the script, what is said to those who are called, has 1 to 2000 characters")
	case !long(e.Business, 1, 64):
		return Fail(Invalid, "business", "the business has 1 to 64 characters")
	}
	return nil
}

// OrderState is how an order of numbers stands.
type OrderState string

// The states.
const (
	OrderWaiting   OrderState = "waiting" // for its review
	OrderApproved  OrderState = "approved"
	OrderRejected  OrderState = "rejected"
	OrderDelivered OrderState = "delivered"
	OrderWithdrawn OrderState = "withdrawn" // by the tenant, before its delivery
)

// Order asks for numbers of a city for an app. Which ones they are is the operator's choice, from stock.
type Order struct {
	ID          int64
	TenantID    int64
	AppID       int64
	Kind        NumberKind
	AreaCode    string
	Carrier     string // "" is any
	Count       int    // 1 to 1000
	Quick       bool   // from stock alone; else the operator may buy first
	Recording   bool   // what the app had when it was ordered: inspection needs recording, and both are set before
	Inspection  bool
	State       OrderState
	RequestedBy string
	RequestedAt time.Time
	ReviewedBy  string
	ReviewedAt  time.Time
	Reason      string
	DeliveredBy string
	DeliveredAt time.Time
	Numbers     []string // once delivered; lists leave them out
}

// Validate checks an order to be placed.
func (o Order) Validate() error {
	switch {
	case o.Count < 1 || o.Count > 1000:
		return Fail(Invalid, "count", "an order asks for 1 to 1000 numbers")
	case len(o.AreaCode) < 2 || len(o.AreaCode) > 32 || !allDigits(o.AreaCode):
		return Fail(Invalid, "area", "area is a city code with its leading zero, such as 0755")
	case o.Kind != NumberPrivate && o.Kind != NumberDisplay:
		return Fail(Invalid, "kind", "kind is private or display")
	case o.Inspection && !o.Recording:
		return Fail(Invalid, "inspection", "quality inspection needs recording; switch both on before ordering")
	}
	return nil
}

// Stock is a number that the operator has and no app does. Returned numbers rest until FreeAt before they are handed out again.
type Stock struct {
	Number   string
	Kind     NumberKind
	AreaCode string
	Carrier  string
	Trunk    string
	FreeAt   time.Time
	AddedAt  time.Time
}

// Holder is the person or company in whose name a number stands.
type Holder struct {
	Number    string
	Name      string
	IDNumber  string // sealed at rest; masked in answers
	Since     time.Time
	Until     time.Time // zero: still
	ChangedBy string
}

// RegisteredParty is an A who has shown who he is, where the operator requires it (spec/privatenumber.md §7: unregistered, binding works and calls
// end with 8058).
type RegisteredParty struct {
	TenantID     int64
	Party        Party
	Name         string
	RegisteredAt time.Time
}

// Notice is a kind of news that contacts are told.
type Notice string

// The kinds.
const (
	NoticeBalance Notice = "balance" // the balance is below a threshold, or gone
	NoticeReview  Notice = "review"  // a prompt, template, enterprise or order was decided
	NoticeNumber  Notice = "number"  // numbers were delivered, suspended or restored
	NoticeRent    Notice = "rent"
	NoticeService Notice = "service" // the app or tenant was suspended or restored
)

// Notices lists them.
var Notices = []Notice{NoticeBalance, NoticeReview, NoticeNumber, NoticeRent, NoticeService}

// ContactsMost is how many contacts a tenant has at most (spec/privatenumber.md §7).
const ContactsMost = 10

// Contact is somebody who is told of what concerns a tenant.
type Contact struct {
	ID       int64
	TenantID int64
	Name     string
	Phone    string
	Mail     string
	Webhook  string // http or https; the notice is posted as JSON
	Notices  []Notice
}

// Validate checks a contact to be stored.
func (c Contact) Validate() error {
	switch {
	case c.Name == "" || len([]rune(c.Name)) > 64:
		return Fail(Invalid, "name", "a contact's name has 1 to 64 characters")
	case c.Mail == "" && c.Webhook == "":
		return Fail(Invalid, "mail", "a contact has a mail address or a webhook")
	case c.Mail != "" && (len(c.Mail) > 254 || strings.Count(c.Mail, "@") != 1 || strings.ContainsAny(c.Mail, " \t\r\n<>,;\"")):
		return Fail(Invalid, "mail", "mail is one address, such as ops@example.com")
	}
	for _, n := range c.Notices {
		if !slices.Contains(Notices, n) {
			return Fail(Invalid, "notices", "notice %q is unknown; it is one of %v", n, Notices)
		}
	}
	return ValidURL("webhook", c.Webhook)
}
