package billing_test

// replay tells a new auditor the facts and the rows of cdrs, as they stand in the database, and compares every balance, every kind of entry and
// every package; then the ledger is asked to verify itself.
func (w *world) replay() {
	a, rows := newAuditor(), w.rows()
	for _, f := range w.facts {
		for len(rows) > 0 && rows[0].complete <= f.at.UnixMicro() {
			a.call(rows[0])
			rows = rows[1:]
		}
		f.tell(a)
	}
	w.compare(a)
	w.compareEntries(a)
	w.comparePackages(a)
	legs := int64(0)
	for _, c := range w.clients {
		w.compareState(c)
		legs += a.books[c.ID].legs
	}
	if n := w.count("SELECT COUNT(*) FROM " + w.base.table("charges")); n != legs {
		w.Errorf("%d charges of %d billed legs", n, legs)
	}
	if n := w.count("SELECT COUNT(*) FROM " + w.base.table("charges") + " WHERE settled_at = 0"); n != 0 {
		w.Errorf("%d charges are not settled", n)
	}
	report, err := w.daemons[0].st.VerifyLedger(w.ctx)
	w.must(err)
	if !report.OK() {
		w.Errorf("the ledger does not hold: %+v", report)
	}
	w.Logf("ledger %+v", report)
}
