package models

import "time"

// NumberState is a private number's state; the values are the wire's (spec/privatenumber.md §4.5).
type NumberState int

// The states of a number.
const (
	NumberNormal      NumberState = 5
	NumberSuspended   NumberState = 9  // no binding, no calls
	NumberUnavailable NumberState = 10 // no binding, no calls
	NumberBindFrozen  NumberState = 11 // no new bindings; existing ones work
)

// TakesCalls says whether calls to the number are routed.
func (s NumberState) TakesCalls() bool { return s == NumberNormal || s == NumberBindFrozen }

// TakesBindings says whether the number may be bound anew.
func (s NumberState) TakesBindings() bool { return s == NumberNormal }

// NumberKind is what a number is for.
type NumberKind string

// The kinds. "" in a new number is NumberPrivate, or NumberDisplay in an app of ModeVoice.
const (
	NumberPrivate NumberKind = "private" // an X or a Y
	NumberDisplay NumberKind = "display" // a fixed line that placed calls show (spec/voicecall.md §2, displayNbr)
)

// Number is a number of the platform: an X or a Y, or one that placed calls show. It belongs to one app.
type Number struct {
	ID       int64
	TenantID int64
	AppID    int64
	Number   string // global form, unique
	AreaCode string // with its leading zero: 0755
	Kind     NumberKind
	State    NumberState
	Cause    int // why it is unavailable, 1 to 9 (spec/privatenumber.md §4.5); 0 in other states
	// SuspendedFor says why it is in state 9 when that was not the operator's word: SuspendedForArrears.
	SuspendedFor string
	EndsAt       time.Time // when it was unsubscribed, see Ends and Owes; zero: it goes on
	DeliveredAt  time.Time // when the tenant got it: the first rent is for that day. Zero is CreatedAt
	Trunk        string    // the trunk that carries it outward first; "" is the configured order
	CreatedAt    time.Time
}

// SuspendedForArrears is Number.SuspendedFor of a number that a recharge restores.
const SuspendedForArrears = "arrears"

// Validate checks a number to be stored.
func (n Number) Validate() error {
	switch {
	case !isGlobal(n.Number):
		return Fail(Invalid, "number", "number %s is not in the form +<country><number>", n.Number)
	case len(n.AreaCode) < 2 || len(n.AreaCode) > 32 || !allDigits(n.AreaCode):
		return Fail(Invalid, "area", "area is a city code with its leading zero, such as 0755")
	}
	return nil
}

// Owes says whether the number pays rent for the month that begins at a time, the midnight of its first day in the tenant's time zone: it was
// delivered before the month ended, and had not been unsubscribed on or before the 25th of the month before (spec/privatenumber.md §7). EndsAt is when
// it was unsubscribed.
func (n Number) Owes(month time.Time) bool {
	delivered := n.DeliveredAt
	if delivered.IsZero() {
		delivered = n.CreatedAt
	}
	year, m, _ := month.Date()
	next := time.Date(year, m+1, 1, 0, 0, 0, 0, month.Location())
	last := time.Date(year, m-1, 26, 0, 0, 0, 0, month.Location())
	return delivered.Before(next) && (n.EndsAt.IsZero() || !n.EndsAt.Before(last))
}

// RentKey is the ledger's key of a number's rent for the month that begins at a time.
func RentKey(number string, month time.Time) string {
	return "rent:" + number + ":" + month.Format("2006-01")
}
