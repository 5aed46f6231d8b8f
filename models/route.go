package models

import "time"

// NoExtension is a route's extension in modes that have none, and in AXE the row of a caller who has dialled none yet.
const NoExtension = "-"

// Route says what one dialled number means for one caller: (dialled, caller, extension) is unique in the database, so for any caller and
// any number there is at most one destination (DESIGN §5).
type Route struct {
	ID          int64
	Dialled     string // X or Y
	Caller      Party  // or Anyone
	Extension   string // or NoExtension
	AppID       int64
	BindingID   string
	Destination Party
	Display     string // the number the destination sees
	Side        Side
	Forbidden   bool      // the binding's direction bars this caller: 8016, not 8014
	ValidFrom   time.Time // when the row was written
	ExpiresAt   time.Time // zero: never
}

// Side is whose call a route is for, seen from its binding.
type Side string

// The sides.
const (
	SideA Side = "a" // A dials
	SideB Side = "b" // B dials
)

// Live says whether the route holds at time t.
func (r Route) Live(t time.Time) bool { return r.ExpiresAt.IsZero() || t.Before(r.ExpiresAt) }

// PastRoute is a route that no longer stands, or no longer in this form: a row of route_history.
type PastRoute struct {
	Route
	ValidTo time.Time // zero: it stands
	Reason  CloseReason
}

// Sight is all that routing knows of one dialled number and one caller, found in one round trip. Found fields are nil where the number,
// the route or the binding does not exist.
type Sight struct {
	Now     time.Time // the store's clock
	Dialled string
	Caller  Party
	Number  *Number
	App     *App
	Tenant  *Tenant
	Route   *Route   // the most specific row for the caller that stands; it may have expired
	Binding *Binding // of Route
}

// AXBRoutes are the two rows of an AXB binding. Both exist under any direction; the barred one says so.
func AXBRoutes(b Binding, now time.Time) []Route {
	row := func(caller, to Party, side Side, barred bool) Route {
		return Route{Dialled: b.X, Caller: caller, Extension: NoExtension, AppID: b.AppID, BindingID: b.ID, Destination: to,
			Display: b.X, Side: side, Forbidden: barred, ValidFrom: now, ExpiresAt: b.ExpiresAt}
	}
	return []Route{
		row(b.A, b.B, SideA, b.Direction == OnlyBToA),
		row(b.B, b.A, SideB, b.Direction == OnlyAToB),
	}
}
