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
	ID    int64
	Name  string // 1 to 64 characters, unique
	SpID  string // spId of CDRs, unique; 1 to 32 characters
	State State
	Calls CallCap // accepted calls of all its apps of ModeVoice (1013001, 7001)
	// Credit is how far below zero the balance may go; Arrears says that it went further. That is kept apart from State, so that a recharge
	// restores what was suspended for arrears and nothing else.
	Credit  Amount
	Arrears bool
	// Toll narrows where his calls may go, and bounds them.
	Toll Toll
	// Zone is the time zone of the tenant's months, as the IANA database names it; "" is Asia/Shanghai.
	Zone      string
	CreatedAt time.Time
}

// Location is Zone with its default.
func (t Tenant) Location() *time.Location {
	if t.Zone != "" {
		if zone, err := time.LoadLocation(t.Zone); err == nil {
			return zone
		}
	}
	return Beijing
}

// Validate checks a tenant to be stored.
func (t Tenant) Validate() error {
	switch {
	case t.Name == "" || len([]rune(t.Name)) > 64:
		return Fail(Invalid, "name", "a tenant's name has 1 to 64 characters")
	case t.SpID == "" || len(t.SpID) > 32:
		return Fail(Invalid, "sp_id", "an sp_id has 1 to 32 characters")
	case t.Credit < 0:
		return Fail(Invalid, "credit", "credit is 0 or more")
	case !knownZone(t.Zone):
		return Fail(Invalid, "zone", "zone %q is no time zone of the IANA database, such as Asia/Shanghai", t.Zone)
	case t.Calls.PerHour < 0 || t.Calls.PerDay < 0:
		return Fail(Invalid, "calls.per_hour", "calls an hour and a day are 1 or more, or 0 for no bound")
	}
	return t.Toll.Validate()
}

func knownZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil && name != "Local"
}
