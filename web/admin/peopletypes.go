package admin

import (
	"encoding/json"
	"time"
)

// LoginRequest opens a session.
type LoginRequest struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

// Me is the caller and what he may do.
type Me struct {
	Name        string       `json:"name"`
	Role        string       `json:"role"`
	TenantID    int64        `json:"tenant_id,omitempty"`
	Session     bool         `json:"session"` // by a login; else by a token
	Permissions []Permission `json:"permissions"`
}

// OwnPasswordRequest replaces the caller's password.
type OwnPasswordRequest struct {
	Old string `json:"old"`
	New string `json:"new"`
}

// PasswordRequest sets a password; "" takes it away.
type PasswordRequest struct {
	Password string `json:"password"`
}

// Operator is an account.
type Operator struct {
	ID        int64      `json:"id"`
	Name      string     `json:"name"`
	Role      string     `json:"role"`
	TenantID  int64      `json:"tenant_id,omitempty"`
	State     string     `json:"state"`
	Password  bool       `json:"has_password"`
	CreatedAt time.Time  `json:"created_at"`
	LoginAt   *time.Time `json:"login_at,omitempty"`
}

// OperatorRequest adds an account. Without a password only its tokens get in.
type OperatorRequest struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	Tenant   string `json:"tenant,omitempty"`
	Password string `json:"password,omitempty"`
}

// OperatorChange changes what it names of an account. Tenant "" is none.
type OperatorChange struct {
	Role   *string `json:"role,omitempty"`
	State  *string `json:"state,omitempty"`
	Tenant *string `json:"tenant,omitempty"`
}

// Login is a session or a token of an account.
type Login struct {
	ID        int64      `json:"id"`
	Kind      string     `json:"kind"`
	Name      string     `json:"name,omitempty"`
	From      string     `json:"from,omitempty"` // where it was made
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	UsedAt    *time.Time `json:"used_at,omitempty"` // to the minute
}

// TokenRequest makes a token. Days 0 is until it is removed.
type TokenRequest struct {
	Name string `json:"name"`
	Days int    `json:"days,omitempty"`
}

// TokenAnswer is a new token, told once.
type TokenAnswer struct {
	Login
	Token string `json:"token"`
}

// AuditLine is one thing that was changed.
type AuditLine struct {
	ID       int64           `json:"id"`
	At       time.Time       `json:"at"`
	Who      string          `json:"who"`
	Role     string          `json:"role,omitempty"`
	TenantID int64           `json:"tenant_id,omitempty"`
	Action   string          `json:"action"`
	Object   string          `json:"object,omitempty"`
	Before   json.RawMessage `json:"before,omitempty"`
	After    json.RawMessage `json:"after,omitempty"`
	From     string          `json:"from,omitempty"`
	Request  string          `json:"request,omitempty"`
	Previous string          `json:"previous"`
	Hash     string          `json:"hash"`
}

// AuditCheck is what a look at the whole chain found.
type AuditCheck struct {
	OK      bool       `json:"ok"`
	Checked int        `json:"checked"`
	Broken  int64      `json:"broken,omitempty"` // the first line that is altered, missing or out of its place
	Length  int64      `json:"length"`           // the chain's end …
	Hash    string     `json:"hash,omitempty"`
	At      *time.Time `json:"at,omitempty"`
}
