package store

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
		// At most two routes join, the caller's own and the one for anyone; the own one is first. Every join is by a unique key.
		sight: "SELECT " + now + ", " + numberColumns.of("n") + ", " + appColumns.of("a") + ", " + tenantColumns.of("c") + ", " +
			routeColumns.of("r") + ", " + bindingColumns.of("b") + " FROM (SELECT 1 AS one) q" +
			" LEFT JOIN numbers n ON n.number = ?" +
			" LEFT JOIN apps a ON a.id = n.app_id" +
			" LEFT JOIN tenants c ON c.id = n.tenant_id" +
			" LEFT JOIN routes r ON r.dialled = ? AND r.caller IN (?, ?) AND r.extension = ?" +
			" LEFT JOIN bindings b ON b.id = r.binding_id" +
			" ORDER BY r.caller = ? LIMIT 1",
	}
}
