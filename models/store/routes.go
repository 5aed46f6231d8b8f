package store

import (
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
	names: []string{"dialled", "caller", "extension", "app_id", "binding_id", "destination", "display", "side", "forbidden", "valid_from", "expires_at"},
	values: func(r *models.Route) []any {
		return []any{r.Dialled, r.Caller, r.Extension, r.AppID, r.BindingID, r.Destination, r.Display, string(r.Side), bit(r.Forbidden),
			micros(r.ValidFrom), micros(r.ExpiresAt)}
	},
	dest: func(r *models.Route) []any {
		return []any{text(&r.Dialled), &r.Caller, text(&r.Extension), num(&r.AppID), text(&r.BindingID), &r.Destination, text(&r.Display),
			text(&r.Side), flag(&r.Forbidden), when(&r.ValidFrom), when(&r.ExpiresAt)}
	},
}

var pastRouteColumns = columns[models.PastRoute]{
	table: "route_history",
	names: append(append([]string{"id"}, routeColumns.names...), "valid_to", "reason"),
	dest: func(r *models.PastRoute) []any {
		return append(append([]any{num(&r.ID)}, routeColumns.dest(&r.Route)...), when(&r.ValidTo), text(&r.Reason))
	},
}

// addRoutes writes routes in key order, the order in which every transaction takes them.
func addRoutes(tx *gorm.DB, routes []models.Route) error {
	slices.SortFunc(routes, func(a, b models.Route) int {
		if c := strings.Compare(a.Dialled, b.Dialled); c != 0 {
			return c
		}
		if c := strings.Compare(a.Caller.Reveal(), b.Caller.Reveal()); c != 0 {
			return c
		}
		return strings.Compare(a.Extension, b.Extension)
	})
	pointers := make([]*models.Route, len(routes))
	for i := range routes {
		pointers[i] = &routes[i]
	}
	return routeColumns.add(tx, pointers...)
}

// retireRoutes moves rows of one number to the history: those of these callers that belong to these bindings. end is SQL for valid_to.
func retireRoutes(tx *gorm.DB, x string, callers []models.Party, bindings []string, reason models.CloseReason, end string, endArgs ...any) error {
	const rows = " FROM routes WHERE dialled = ? AND caller IN ? AND extension = ? AND binding_id IN ?"
	names := strings.Join(routeColumns.names, ", ")
	which := []any{x, callers, models.NoExtension, bindings}
	args := append(append(append([]any{}, endArgs...), string(reason)), which...)
	if _, err := run(tx, "INSERT INTO route_history ("+names+", valid_to, reason) SELECT "+names+", "+end+", ?"+rows, args...); err != nil {
		return err
	}
	_, err := run(tx, "DELETE"+rows, which...)
	return err
}

// PastRouteFilter says whose history is asked for; Dialled is needed.
type PastRouteFilter struct {
	Dialled string
	Caller  models.Party // zero: every caller
}

// PastRoutes lists the routes of a number that stand no longer, or no longer in that form, the one that ended last first. Those that
// stand are in Sight.
func (s *Store) PastRoutes(ctx context.Context, f PastRouteFilter, page models.Page) ([]models.PastRoute, int, error) {
	var c conditions
	c.add("t.dialled = ?", f.Dialled)
	order := "t.id DESC"
	if !f.Caller.IsZero() {
		c.add("t.caller = ? AND t.extension = ?", f.Caller, models.NoExtension)
		order = "t.valid_to DESC, t.id DESC"
	}
	return listed(ctx, s, pastRouteColumns, c, order, page)
}

// standing is a row that a new binding meets.
type standing struct {
	caller    models.Party
	bindingID string
	expiresAt time.Time
}

// standingRoutes reads the store's clock and the rows of two callers on a number, in one round trip. The transaction has the number's
// lock, so what is read stays.
func (s *Store) standingRoutes(tx *gorm.DB, x string, a, b models.Party) (now time.Time, list []standing, err error) {
	err = each(tx, func(rows *sql.Rows) error {
		var r standing
		if err := rows.Scan(when(&now), &r.caller, text(&r.bindingID), when(&r.expiresAt)); err != nil {
			return err
		}
		if r.bindingID != "" {
			list = append(list, r)
		}
		return nil
	}, s.sql.standing, append(s.nowArgs(), x, a, b, models.NoExtension)...)
	return now, list, err
}
