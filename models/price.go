package models

import (
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// PricePlan is what calls and numbers cost a tenant from one time to another. A tenant's plans do not overlap; where he has none, the plans of
// tenant 0 hold, which are the platform's.
type PricePlan struct {
	ID       int64
	TenantID int64
	Name     string
	From     time.Time
	Until    time.Time // zero: for the time being
	// Calls are the prices by mode; a mode without one is free.
	Calls map[Mode]CallPrice `json:"calls"`
	// Rent is a number's price a month by kind, and by city where one costs more: "private", "private:0755".
	Rent map[string]Amount `json:"rent"`
	// CutCalls ends calls in progress when the money is gone, by a limit that the switch keeps (spec/privatenumber.md §8: it does not).
	CutCalls  bool
	CreatedAt time.Time
}

// CallPrice is what a call costs: each billed leg by itself (spec/privatenumber.md §8, spec/voicecall.md §8).
type CallPrice struct {
	Minute    Amount `json:"minute"`              // for each unit of time
	Free      int    `json:"free,omitempty"`      // seconds that cost nothing, counted from the answer; a call within them is free
	Minimum   int    `json:"minimum,omitempty"`   // seconds that are billed at least
	Increment int    `json:"increment,omitempty"` // seconds of a unit; 0 is 60. Minute is always the price of 60 s
}

// priceMost is the highest price of a minute, or of a number a month: so that years of talk can still be counted.
const priceMost = 1_000_000 * Unit

// Validate checks a plan to be stored.
func (p PricePlan) Validate() error {
	switch {
	case p.Name == "" || len([]rune(p.Name)) > 64:
		return Fail(Invalid, "name", "a plan's name has 1 to 64 characters")
	case p.From.IsZero():
		return Fail(Invalid, "from", "from is missing: when the plan begins")
	case !p.Until.IsZero() && !p.Until.After(p.From):
		return Fail(Invalid, "until", "the plan ends before it begins")
	}
	for mode, c := range p.Calls {
		param := "calls." + string(mode)
		switch {
		case !slices.Contains(slices.Concat(MaskedModes, VoiceModes), mode):
			return Fail(Invalid, param, "mode %q has no calls", mode)
		case c.Minute < 0 || c.Minute > priceMost:
			return Fail(Invalid, param+".minute", "a price is 0 to %s a minute", priceMost)
		case c.Free < 0 || c.Free > 3600 || c.Minimum < 0 || c.Minimum > 3600:
			return Fail(Invalid, param+".free", "free and minimum are 0 to 3600 seconds")
		case c.Increment < 0 || c.Increment > 3600:
			return Fail(Invalid, param+".increment", "an increment is 1 to 3600 seconds, or 0 for 60")
		}
	}
	for what, a := range p.Rent {
		if a < 0 || a > priceMost {
			return Fail(Invalid, "rent."+what, "a price is 0 to %s a month", priceMost)
		}
	}
	return nil
}

// Holds says whether the plan is in force at t.
func (p PricePlan) Holds(t time.Time) bool {
	return !t.Before(p.From) && (p.Until.IsZero() || t.Before(p.Until))
}

// RentOf is a number's rent a month: the price of its kind in its city, else of its kind.
func (p PricePlan) RentOf(kind NumberKind, area string) Amount {
	if a, ok := p.Rent[string(kind)+":"+area]; ok {
		return a
	}
	return p.Rent[string(kind)]
}

// unit is Increment with its default.
func (c CallPrice) unit() int64 {
	if c.Increment == 0 {
		return 60
	}
	return int64(c.Increment)
}

// Of is what so many seconds of an answered leg cost: the started units, how that came, in words, and the amount. An answered leg of 0 seconds is
// one unit (spec/privatenumber.md §8: per started minute).
func (c CallPrice) Of(seconds int64) (units int64, amount Amount, why string) {
	billed := max(seconds, int64(c.Minimum))
	if c.Free > 0 && seconds <= int64(c.Free) {
		return 0, 0, fmt.Sprintf("%d s are within the free %d s", seconds, c.Free)
	}
	units = max(1, (billed+c.unit()-1)/c.unit())
	// The price of 60 s, cut up into units; a fraction of 1/10000 that is left over is the platform's.
	total, ok := c.Minute.Times(units * c.unit())
	if !ok {
		return units, 0, "the amount is beyond what can be counted"
	}
	amount = (total + 59) / 60
	why = fmt.Sprintf("%d s are %d started units of %d s at %s a minute", seconds, units, c.unit(), c.Minute)
	if billed > seconds {
		why = fmt.Sprintf("%d s count as the minimum %d s: %s", seconds, c.Minimum, why)
	}
	return units, amount, why
}

// Minutes is how many minutes of a package such units are: started minutes.
func (c CallPrice) Minutes(units int64) int64 { return (units*c.unit() + 59) / 60 }

// Charge is what one billed leg of a call costs. It is written with the CDR, and settled with its hour.
type Charge struct {
	ID        int64
	SessionID string // unique with Leg
	Leg       int    // 1 or 2
	CDRID     int64
	TenantID  int64
	AppID     int64
	Mode      Mode
	EndAt     time.Time // of the call: its hour is the one that is settled
	Seconds   int64
	Units     int64
	Minutes   int64 // of a package that it takes
	PlanID    int64 // 0: no plan held, and it was free
	Amount    Amount
	Why       string
	// Of the settlement: the entry that it stands in, and how many minutes packages gave.
	EntryID        int64
	PackageMinutes int64
	Billed         Amount    // what the balance paid
	SettledAt      time.Time // zero: not yet
}

// Validate checks a charge to be stored.
func (c Charge) Validate() error {
	switch {
	case c.SessionID == "" || c.TenantID == 0 || c.Leg != 1 && c.Leg != 2:
		return Fail(Invalid, "charge", "a charge is of a tenant's session, and of leg 1 or 2")
	case c.EndAt.IsZero():
		return Fail(Invalid, "end_at", "a charge is of a call that has ended")
	case c.Amount < 0 || c.Minutes < 0:
		return Fail(Invalid, "amount", "an amount and minutes are 0 or more")
	}
	return nil
}

// Rest is what the balance pays of a charge: Amount, less the share of the minutes that packages gave, which are whole ones. A fraction of 1/10000
// that is left over is rounded up, once.
func (c Charge) Rest() Amount {
	if c.PackageMinutes <= 0 || c.Minutes <= 0 || c.Amount <= 0 {
		return c.Amount
	}
	left := c.Minutes - min(c.PackageMinutes, c.Minutes)
	// Amount times left may be beyond 64 bits; left is at most Minutes, so the quotient is not.
	high, low := bits.Mul64(uint64(c.Amount), uint64(left))
	quotient, rest := bits.Div64(high, low, uint64(c.Minutes))
	if rest > 0 {
		quotient++
	}
	return Amount(quotient) //nolint:gosec // at most Amount
}

// Package is minutes that were bought ahead. It belongs to the tenant, never covers rent or what was owed before (spec/privatenumber.md §8).
type Package struct {
	ID       int64
	TenantID int64
	Name     string
	Modes    []Mode // whose calls it pays; empty is every mode's
	Minutes  int64
	Left     int64
	Price    Amount
	BoughtAt time.Time
	From     time.Time // the next full hour
	Until    time.Time
}

// Validate checks a package to be bought.
func (p Package) Validate() error {
	switch {
	case p.Name == "" || len([]rune(p.Name)) > 64:
		return Fail(Invalid, "name", "a package's name has 1 to 64 characters")
	case p.Minutes < 1 || p.Minutes > 1e9:
		return Fail(Invalid, "minutes", "a package has 1 to 1000000000 minutes")
	case p.Price < 0:
		return Fail(Invalid, "price", "a price is 0 or more")
	case !p.Until.After(p.From):
		return Fail(Invalid, "until", "the package ends before it begins, on the next full hour")
	}
	for _, m := range p.Modes {
		if !slices.Contains(slices.Concat(MaskedModes, VoiceModes), m) {
			return Fail(Invalid, "modes", "mode %q has no calls", m)
		}
	}
	return nil
}

// Pays says whether the package pays calls of a mode in the hour that begins at t.
func (p Package) Pays(m Mode, hour time.Time) bool {
	return p.Left > 0 && !hour.Before(p.From) && hour.Before(p.Until) && (len(p.Modes) == 0 || slices.Contains(p.Modes, m))
}

// NextHour is the first full hour after t.
func NextHour(t time.Time) time.Time { return t.Truncate(time.Hour).Add(time.Hour) }
