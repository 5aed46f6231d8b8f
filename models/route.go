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
	// Temp is whom this caller reaches before Destination, until TempUntil: AX's temporary callee, AXE's last caller. It is a column
	// of the row, so that it never comes apart from it.
	Temp      Party
	TempUntil time.Time // zero: as long as the row
}

// TempLive is the temporary destination at time t, if there is one.
func (r Route) TempLive(t time.Time) (Party, bool) {
	return r.Temp, !r.Temp.IsZero() && r.Live(t) && (r.TempUntil.IsZero() || t.Before(r.TempUntil))
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
	// Extension is what the caller keyed; NoExtension before he was asked.
	Extension string
	Number    *Number
	App       *App
	Tenant    *Tenant
	Route     *Route   // the most specific row for the caller that stands; it may have expired
	Binding   *Binding // of Route
	// Busy says that an exclusive call holds the number (AX: a second caller hears busy).
	Busy bool
	// Counted says that the call itself is among the calls that Conduct counts: it was looked up before.
	Counted bool
	// Conduct is what the app's risk rules ask for; nil when none is on.
	Conduct *Conduct
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

// AXRoutes are the rows of an AX binding: anyone reaches A, and A has a row of his own, so that he never reaches himself.
func AXRoutes(b Binding, now time.Time) []Route {
	anyone := Route{Dialled: b.X, Caller: Anyone, Extension: NoExtension, AppID: b.AppID, BindingID: b.ID, Destination: b.A, Display: b.X, Side: SideB,
		Forbidden: b.Direction == OnlyAToB, ValidFrom: now, ExpiresAt: b.ExpiresAt}
	own := anyone
	own.Caller, own.Destination, own.Side, own.Forbidden = b.A, Party{}, SideA, b.Direction == OnlyBToA
	return []Route{anyone, own}
}

// AXERoute is the row of an AXE binding: anyone who keys E reaches A.
func AXERoute(b Binding, now time.Time) Route {
	return Route{Dialled: b.X, Caller: Anyone, Extension: b.Extension, AppID: b.AppID, BindingID: b.ID, Destination: b.A, Display: b.X, Side: SideB,
		ValidFrom: now, ExpiresAt: b.ExpiresAt}
}

// AXECallbackRoute is A's own row on X. It belongs to the number and the party: it lives as long as A has any binding on X, names the one
// of them that was bound or called last, and holds the last caller in Temp.
func AXECallbackRoute(b Binding, now time.Time) Route {
	return Route{Dialled: b.X, Caller: b.A, Extension: NoExtension, AppID: b.AppID, BindingID: b.ID, Display: b.X, Side: SideA, ValidFrom: now}
}

// AXYBRoutes are the rows of AXYB's first step: anyone who dials X gets a Y; A himself, 8032.
func AXYBRoutes(b Binding, now time.Time) []Route { return AXRoutes(b, now) }

// YBRoutes are the rows of a Y relation: B dials X and reaches A, who sees Y; A dials Y and reaches B, who sees X. The direction is that
// of the first step.
func YBRoutes(yb Binding, now time.Time) []Route {
	row := func(dialled string, caller, to Party, display string, side Side, barred bool) Route {
		return Route{Dialled: dialled, Caller: caller, Extension: NoExtension, AppID: yb.AppID, BindingID: yb.ID, Destination: to, Display: display, Side: side,
			Forbidden: barred, ValidFrom: now, ExpiresAt: yb.ExpiresAt}
	}
	return []Route{
		row(yb.X, yb.B, yb.A, yb.Y, SideB, yb.Direction == OnlyAToB),
		row(yb.Y, yb.A, yb.B, yb.X, SideA, yb.Direction == OnlyBToA),
	}
}
