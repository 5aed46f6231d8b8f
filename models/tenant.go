package models

import "time"

// State is whether a tenant or an app may be used.
type State string

// The states of tenants and apps.
const (
	StateNormal    State = "normal"
	StateSuspended State = "suspended" // by the operator
	StateFrozen    State = "frozen"    // arrears or complaint (tenants)
)

// Tenant is a company that rents numbers.
type Tenant struct {
	ID        int64
	Name      string // 1 to 64 characters, unique
	SpID      string // spId of CDRs, unique; 1 to 32 characters
	State     State
	CreatedAt time.Time
}

// Validate checks a tenant to be stored.
func (t Tenant) Validate() error {
	switch {
	case t.Name == "" || len([]rune(t.Name)) > 64:
		return Fail(Invalid, "name", "a tenant's name has 1 to 64 characters")
	case t.SpID == "" || len(t.SpID) > 32:
		return Fail(Invalid, "sp_id", "an sp_id has 1 to 32 characters")
	}
	return nil
}
