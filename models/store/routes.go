package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

var routeColumns = columns[models.Route]{
	table: "routes",
	names: []string{"dialled", "caller", "extension", "app_id", "binding_id", "destination", "display", "side", "forbidden", "valid_from", "expires_at",
		"temp", "temp_until"},
	values: func(r *models.Route) []any {
		return []any{r.Dialled, r.Caller, r.Extension, r.AppID, r.BindingID, r.Destination, r.Display, string(r.Side), bit(r.Forbidden),
			micros(r.ValidFrom), micros(r.ExpiresAt), r.Temp, micros(r.TempUntil)}
	},
	dest: func(r *models.Route) []any {
		return []any{text(&r.Dialled), &r.Caller, text(&r.Extension), num(&r.AppID), text(&r.BindingID), &r.Destination, text(&r.Display),
			text(&r.Side), flag(&r.Forbidden), when(&r.ValidFrom), when(&r.ExpiresAt), &r.Temp, when(&r.TempUntil)}
	},
}

var pastRouteColumns = columns[models.PastRoute]{
	table: "route_history",
	names: append(append([]string{"id"}, routeColumns.names...), "valid_to", "reason"),
	dest: func(r *models.PastRoute) []any {
		return append(append([]any{num(&r.ID)}, routeColumns.dest(&r.Route)...), when(&r.ValidTo), text(&r.Reason))
	},
}

// routesOf are the rows that a binding owns. A's own row of AXE is not among them: it belongs to number and party (settleCallback).
func routesOf(b models.Binding, now time.Time) []models.Route {
	switch {
	case b.Mode == models.ModeAX:
		return models.AXRoutes(b, now)
	case b.Mode == models.ModeAXE:
		return []models.Route{models.AXERoute(b, now)}
	case b.Mode == models.ModeAXYB && b.Parent == "":
		return models.AXYBRoutes(b, now)
	case b.Mode == models.ModeAXYB:
		return models.YBRoutes(b, now)
	}
	return models.AXBRoutes(b, now)
}

// oneRoute is the condition that names a row.
const oneRoute = "dialled = ? AND caller = ? AND extension = ?"

func keyArgs(r models.Route) []any { return []any{r.Dialled, r.Caller, r.Extension} }

func sameKey(r, other models.Route) bool {
	return r.Dialled == other.Dialled && r.Caller == other.Caller && r.Extension == other.Extension
}

// addRoutes writes routes in key order, the order in which every transaction takes them.
func addRoutes(tx *gorm.DB, routes []models.Route) error {
	slices.SortFunc(routes, func(a, b models.Route) int {
		return cmp.Or(strings.Compare(a.Dialled, b.Dialled), strings.Compare(a.Caller.Reveal(), b.Caller.Reveal()), strings.Compare(a.Extension, b.Extension))
	})
	pointers := make([]*models.Route, len(routes))
	for i := range routes {
		pointers[i] = &routes[i]
	}
	return routeColumns.add(tx, pointers...)
}

// ending says when and why rows end: now, or each at its own second of expiry, whenever that is noticed.
type ending struct {
	reason models.CloseReason
	now    time.Time // zero: at its own second
}

var ownExpiry = ending{reason: models.ClosedExpired}

// at is the time as SQL, over bindings and routes alike, with its arguments.
func (e ending) at() (expr string, args []any) {
	if e.now.IsZero() {
		return "expires_at", nil
	}
	return "?", []any{micros(e.now)}
}

func (e ending) of(b models.Binding) time.Time {
	if e.now.IsZero() {
		return b.ExpiresAt
	}
	return e.now
}

// toHistory copies rows to the history as they stand.
func toHistory(tx *gorm.DB, e ending, which string, args []any) error {
	names := strings.Join(routeColumns.names, ", ")
	at, atArgs := e.at()
	stmt := "INSERT INTO route_history (" + names + ", valid_to, reason) SELECT " + names + ", " + at + ", ? FROM routes WHERE " + which
	_, err := run(tx, stmt, slices.Concat(atArgs, []any{string(e.reason)}, args)...)
	return err
}

// retireRoutes moves rows of one number that belong to these bindings to the history.
func retireRoutes(tx *gorm.DB, rows []models.Route, bindings []string, e ending) error {
	callers, extensions := make([]models.Party, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		callers[i], extensions[i] = r.Caller, r.Extension
	}
	slices.SortFunc(callers, func(a, b models.Party) int { return strings.Compare(a.Reveal(), b.Reveal()) })
	slices.Sort(extensions)
	const which = "dialled = ? AND caller IN ? AND extension IN ? AND binding_id IN ?"
	args := []any{rows[0].Dialled, slices.Compact(callers), slices.Compact(extensions), bindings}
	if err := toHistory(tx, e, which, args); err != nil {
		return err
	}
	_, err := run(tx, "DELETE FROM routes WHERE "+which, args...)
	return err
}

// changeRoute gives a standing row another binding, expiry or temporary destination from now on. What it said before goes to the history.
func changeRoute(tx *gorm.DB, r models.Route, reason models.CloseReason, now time.Time) error {
	if err := toHistory(tx, ending{reason, now}, oneRoute, keyArgs(r)); err != nil {
		return err
	}
	_, err := run(tx, "UPDATE routes SET binding_id = ?, expires_at = ?, temp = ?, temp_until = ?, valid_from = ? WHERE "+oneRoute,
		append([]any{r.BindingID, micros(r.ExpiresAt), r.Temp, micros(r.TempUntil), micros(now)}, keyArgs(r)...)...)
	return err
}

// PastRouteFilter says whose history is asked for; Dialled is needed.
type PastRouteFilter struct {
	Dialled   string
	Caller    models.Party // zero: every caller
	Extension string       // of Caller; "" is models.NoExtension
}

// PastRoutes lists the routes of a number that stand no longer, or no longer in that form, the one that ended last first. Those that
// stand are in Sight.
func (s *Store) PastRoutes(ctx context.Context, f PastRouteFilter, page models.Page) ([]models.PastRoute, int, error) {
	var c conditions
	c.add("t.dialled = ?", f.Dialled)
	order := "t.id DESC"
	if !f.Caller.IsZero() {
		c.add("t.caller = ? AND t.extension = ?", f.Caller, cmp.Or(f.Extension, models.NoExtension))
		order = "t.valid_to DESC, t.id DESC"
	}
	return listed(ctx, s, pastRouteColumns, c, order, page)
}

// standing reads the store's clock and the rows that stand where these want to be, in one round trip. The transaction has their numbers'
// locks, so what is read stays.
func (s *Store) standing(tx *gorm.DB, wanted ...models.Route) (now time.Time, list []models.Route, err error) {
	query := s.sql.standing + strings.Repeat(" UNION ALL "+s.sql.standing, len(wanted)-1)
	var args []any
	for _, r := range wanted {
		args = append(append(args, s.nowArgs()...), keyArgs(r)...)
	}
	err = each(tx, func(rows *sql.Rows) error {
		var r models.Route
		if err := rows.Scan(append([]any{when(&now)}, routeColumns.dest(&r)...)...); err != nil {
			return err
		}
		if r.BindingID != "" {
			list = append(list, r)
		}
		return nil
	}, query, args...)
	return now, list, err
}
