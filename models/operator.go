package models

import (
	"slices"
	"strings"
	"time"
)

// Role is what a person, or a program with a token, may do.
type Role string

// The roles. Those of a tenant see and change what is his only.
const (
	RoleOperator    Role = "operator"     // everything but money and reviews
	RoleReviewer    Role = "reviewer"     // prompts, templates, enterprises, orders
	RoleFinance     Role = "finance"      // prices, packages, recharges, refunds, the ledger
	RoleAdmin       Role = "admin"        // everything, and operators
	RoleTenantAdmin Role = "tenant_admin" // his apps, prompts, orders, contacts; his money to be seen
	RoleTenantRead  Role = "tenant_read"  // the same, to be seen
)

// Roles lists them.
var Roles = []Role{RoleOperator, RoleReviewer, RoleFinance, RoleAdmin, RoleTenantAdmin, RoleTenantRead}

// OfTenant says that the role is one of a tenant's people.
func (r Role) OfTenant() bool { return r == RoleTenantAdmin || r == RoleTenantRead }

// Operator is an account.
type Operator struct {
	ID        int64
	Name      string // to log in with: 1 to 64 letters, digits and . _ - @, unique
	Role      Role
	TenantID  int64  // of a role of a tenant's
	State     State  // normal or suspended
	Password  string // argon2id, encoded; "" cannot log in with one
	CreatedAt time.Time
	LoginAt   time.Time
}

const operatorName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@"

// Validate checks an operator to be stored.
func (o Operator) Validate() error {
	switch {
	case o.Name == "" || len(o.Name) > 64 || strings.Trim(o.Name, operatorName) != "":
		return Fail(Invalid, "name", "an operator's name has 1 to 64 letters, digits and . _ - @")
	case !slices.Contains(Roles, o.Role):
		return Fail(Invalid, "role", "role %q is unknown; it is one of %v", o.Role, Roles)
	case o.Role.OfTenant() != (o.TenantID != 0):
		return Fail(Invalid, "tenant", "a tenant's role has a tenant, others have none")
	case o.State != StateNormal && o.State != StateSuspended:
		return Fail(Invalid, "state", "state is normal or suspended")
	}
	return nil
}

// Login is a server-side session of an operator, or a token of his. Only the hash of what he shows is kept.
type Login struct {
	ID         int64
	OperatorID int64
	Kind       LoginKind
	Hash       string // SHA-256 of the secret, hex
	Name       string // of a token
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: a token that holds until it is removed
	UsedAt     time.Time // to the minute
	From       string    // address
}

// LoginKind is what a Login is.
type LoginKind string

// The kinds.
const (
	LoginSession LoginKind = "session"
	LoginToken   LoginKind = "token"
)

// Audit is one line of what was changed: who, what, before and after, from where. Each line holds the hash of the one before, so that none can be
// taken out or altered unseen.
type Audit struct {
	ID       int64
	At       time.Time
	Who      string // operator's or token's name; "job:NAME", "config:NAME"
	Role     Role
	TenantID int64  // whose thing it is; 0 is the platform's
	Action   string // what: "tenant.state", "recharge" …
	Object   string // which: its id or key
	Before   string // JSON; "" for what was not
	After    string // JSON; "" for what is no more
	From     string // address
	Request  string // id of the request
	Previous string // hash of the line before, hex
	Hash     string // of this line
}
