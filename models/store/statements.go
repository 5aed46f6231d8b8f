package store

// statements are the ones that read the store's clock beside the rows, so that one round trip tells both.
type statements struct {
	credentials, owners, standing, sight string
}

func newStatements(now string) statements {
	return statements{
		credentials: "SELECT " + now + ", s.key_id, s.sealed, s.expires_at, " + appColumns.of("a") + ", " + tenantColumns.of("n") +
			" FROM apps a JOIN tenants n ON n.id = a.tenant_id LEFT JOIN app_secrets s ON s.app_id = a.id WHERE a.app_key = ? ORDER BY s.id DESC",
		owners:   "SELECT " + now + ", n.number, n.app_id, n.state, n.area_code, n.kind FROM (SELECT 1 AS one) q LEFT JOIN numbers n ON n.number IN (?, ?, ?)",
		standing: "SELECT " + now + ", " + routeColumns.of("r") + " FROM (SELECT 1 AS one) q LEFT JOIN routes r ON r.dialled = ? AND r.caller = ? AND r.extension = ?",
		// The caller's own route (o) comes before the one for everyone (e), unless it has expired and the other is there: r is the one
		// that counts. Every join is by a unique key, and nothing is left to sort: a sort of rows with TEXT columns goes through a
		// temporary table on disk.
		sight: "SELECT " + now + ", z.id, " + numberColumns.of("n") + ", " + appColumns.of("a") + ", " + tenantColumns.of("c") + ", " +
			routeColumns.of("r") + ", " + bindingColumns.of("b") + " FROM (SELECT 1 AS one) q" +
			" LEFT JOIN numbers n ON n.number = ?" +
			" LEFT JOIN apps a ON a.id = n.app_id" +
			" LEFT JOIN tenants c ON c.id = n.tenant_id" +
			" LEFT JOIN busy y ON y.number = n.number" +
			" LEFT JOIN sessions z ON z.id = y.session_id AND z.ended_at = 0" +
			" LEFT JOIN routes o ON o.dialled = ? AND o.caller = ? AND o.extension = ?" +
			" LEFT JOIN routes e ON e.dialled = ? AND e.caller = '*' AND e.extension = ?" +
			" LEFT JOIN routes r ON r.dialled = ? AND r.extension = ? AND r.caller =" +
			" CASE WHEN e.caller IS NOT NULL AND (o.caller IS NULL OR o.expires_at BETWEEN 1 AND " + now + ") THEN e.caller ELSE o.caller END" +
			" LEFT JOIN bindings b ON b.id = r.binding_id",
	}
}
