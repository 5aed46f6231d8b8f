package billing_test

import "maps"

// compareEntries compares what each kind of entry moved on each tenant's account.
func (w *world) compareEntries(a *auditor) {
	w.Helper()
	got := map[int64]map[string]int64{}
	rows, err := w.base.raw.Query("SELECT e.tenant_id, e.kind, SUM(p.amount) FROM " + w.base.table("entries") + " e JOIN " + w.base.table("postings") +
		" p ON p.entry_id = e.id WHERE p.account LIKE 'tenant:%' GROUP BY e.tenant_id, e.kind")
	w.must(err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var tenant, sum int64
		var kind string
		w.must(rows.Scan(&tenant, &kind, &sum))
		if got[tenant] == nil {
			got[tenant] = map[string]int64{}
		}
		got[tenant][kind] = sum
	}
	w.must(rows.Err())
	for tenant, b := range a.books {
		maps.DeleteFunc(b.by, func(_ string, sum int64) bool { return sum == 0 })
		if !maps.Equal(got[tenant], b.by) {
			w.Errorf("tenant %d: entries by kind %v, the auditor has %v", tenant, got[tenant], b.by)
		}
	}
}

// comparePackages compares the minutes that are left of each package, and those that charges say packages gave.
func (w *world) comparePackages(a *auditor) {
	w.Helper()
	left := map[int64][]int64{}
	rows, err := w.base.raw.Query("SELECT tenant_id, minutes_left FROM " + w.base.table("packages") + " ORDER BY id")
	w.must(err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var tenant, n int64
		w.must(rows.Scan(&tenant, &n))
		left[tenant] = append(left[tenant], n)
	}
	w.must(rows.Err())
	covered := int64(0)
	for tenant, b := range a.books {
		covered += b.covered
		if len(left[tenant]) != len(b.bundles) {
			w.Errorf("tenant %d has %d packages, the auditor has %d", tenant, len(left[tenant]), len(b.bundles))
			continue
		}
		for i, p := range b.bundles {
			if left[tenant][i] != p.left {
				w.Errorf("tenant %d, package %d: %d minutes are left, the auditor says %d", tenant, i, left[tenant][i], p.left)
			}
		}
	}
	if n := w.count("SELECT COALESCE(SUM(package_minutes), 0) FROM " + w.base.table("charges")); n != covered {
		w.Errorf("packages gave %d minutes, the auditor says %d", n, covered)
	}
}
