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
	Calls     CallCap // accepted calls of all its apps of ModeVoice (1013001, 7001)
	CreatedAt time.Time
}

// Validate checks a tenant to be stored.
func (t Tenant) Validate() error {
	switch {
	case t.Name == "" || len([]rune(t.Name)) > 64:
		return Fail(Invalid, "name", "a tenant's name has 1 to 64 characters")
	case t.SpID == "" || len(t.SpID) > 32:
		return Fail(Invalid, "sp_id", "an sp_id has 1 to 32 characters")
	case t.Calls.PerHour < 0 || t.Calls.PerDay < 0:
		return Fail(Invalid, "calls.per_hour", "calls an hour and a day are 1 or more, or 0 for no bound")
	}
	return nil
}
