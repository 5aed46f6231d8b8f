package store

import "strings"

// statements are the ones that read the store's clock beside the rows, so that one round trip tells both.
type statements struct {
	credentials, owners, standing, sight string
}

func newStatements(now string) statements {
	return statements{
		credentials: "SELECT " + now + ", s.key_id, s.sealed, s.expires_at, " + appColumns.of("a") + ", " + tenantColumns.of("n") +
			" FROM apps a JOIN tenants n ON n.id = a.tenant_id LEFT JOIN app_secrets s ON s.app_id = a.id WHERE a.app_key = ? ORDER BY s.id DESC",
		owners: "SELECT " + now + ", n.number, n.app_id, n.state FROM (SELECT 1 AS one) q LEFT JOIN numbers n ON n.number IN (?, ?, ?)",
		standing: "SELECT " + now + ", r.caller, r.binding_id, r.expires_at FROM (SELECT 1 AS one) q " +
			"LEFT JOIN routes r ON r.dialled = ? AND r.caller IN (?, ?) AND r.extension = ?",
		// The caller's own route (o) comes before the one for everyone (e). Every join is by a unique key, and nothing is left to sort:
		// a sort of rows with TEXT columns goes through a temporary table on disk.
		sight: "SELECT " + now + ", " + numberColumns.of("n") + ", " + appColumns.of("a") + ", " + tenantColumns.of("c") + ", " +
			eitherRoute() + ", " + bindingColumns.of("b") + " FROM (SELECT 1 AS one) q" +
			" LEFT JOIN numbers n ON n.number = ?" +
			" LEFT JOIN apps a ON a.id = n.app_id" +
			" LEFT JOIN tenants c ON c.id = n.tenant_id" +
			" LEFT JOIN routes o ON o.dialled = ? AND o.caller = ? AND o.extension = ?" +
			" LEFT JOIN routes e ON e.dialled = ? AND e.caller = ? AND e.extension = ?" +
			" LEFT JOIN bindings b ON b.id = COALESCE(o.binding_id, e.binding_id)",
	}
}

// eitherRoute lists the columns of o, or of e where there is no o. No column of a route is NULL.
func eitherRoute() string {
	out := make([]string, len(routeColumns.names))
	for i, name := range routeColumns.names {
		out[i] = "COALESCE(o." + name + ", e." + name + ")"
	}
	return strings.Join(out, ", ")
}
