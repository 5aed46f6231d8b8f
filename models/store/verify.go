package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// LedgerReport is what VerifyLedger found.
type LedgerReport struct {
	Entries, Postings, Accounts, Charges int64 // that were read
	Broken                               int64 // things that are wrong
	Problems                             []string
}

// problemsMost is how many problems a report spells out.
const problemsMost = 100

// OK says that nothing is wrong.
func (r *LedgerReport) OK() bool { return r.Broken == 0 }

func (r *LedgerReport) wrong(format string, args ...any) {
	if r.Broken++; len(r.Problems) < problemsMost {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// verifyPage is how many rows are read at once. The time of one statement stays far below the connection's timeout.
const verifyPage = 2000

// VerifyLedger recomputes the books and reports what does not agree: each entry's postings add up to zero and are as old as it is; each balance is the
// sum of its account's postings, alone; each settled charge stands, for what packages did not pay of it, in an entry of its tenant and hour whose
// amount is the sum of its charges; no settlement has another amount; and the minutes that packages gave are those that charges got. It reads
// everything in one snapshot, page by page, in memory that does not grow with the ledger, but for the entries of one hour of one tenant. An error says
// that it could not be read.
func (s *Store) VerifyLedger(ctx context.Context) (LedgerReport, error) {
	var r LedgerReport
	err := s.snapshot(ctx, func(db *gorm.DB) error {
		settlements, err := r.entries(db)
		if err != nil {
			return fmt.Errorf("entries: %w", err)
		}
		if err := r.balances(db); err != nil {
			return fmt.Errorf("balances: %w", err)
		}
		if err := r.charges(db, settlements); err != nil {
			return fmt.Errorf("charges: %w", err)
		}
		return nil
	})
	return r, wrap("verify the ledger", err)
}

// snapshot reads in one transaction that sees one state of the database.
func (s *Store) snapshot(ctx context.Context, read func(db *gorm.DB) error) error {
	var opts *sql.TxOptions // SQLite: a transaction that reads sees the state of its first statement
	if s.cfg.Driver == MySQL {
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx := s.read.WithContext(ctx).Begin(opts)
	if tx.Error != nil {
		return fmt.Errorf("begin: %w", tx.Error)
	}
	defer tx.Rollback()
	return read(tx)
}

// entries walks the entries with their postings, and counts those that settle calls.
func (r *LedgerReport) entries(db *gorm.DB) (settlements int64, err error) {
	for after := int64(0); ; {
		list, err := entryColumns.all(db, "WHERE t.id > ? ORDER BY t.id LIMIT ?", after, verifyPage)
		if err != nil || len(list) == 0 {
			return settlements, r.orphans(db, after, err)
		}
		sums, err := r.sumsOf(db, after, list[len(list)-1].ID)
		if err != nil {
			return 0, err
		}
		for _, e := range list {
			r.Entries++
			if e.Kind == models.EntrySettlement || e.Kind == models.EntryCorrection {
				settlements++
			}
			v := sums[e.ID]
			delete(sums, e.ID)
			switch {
			case v.lines < 2:
				r.wrong("entry %d (%s) has %d postings", e.ID, e.Key, v.lines)
			case v.sum != 0:
				r.wrong("entry %d (%s) does not add up to zero but to %s", e.ID, e.Key, v.sum)
			case v.first != micros(e.At) || v.last != micros(e.At):
				r.wrong("entry %d (%s) has postings of another time", e.ID, e.Key)
			}
		}
		for id := range sums {
			r.wrong("there are postings of entry %d, which is not there", id)
		}
		after = list[len(list)-1].ID
	}
}

// orphans looks for postings behind the last entry.
func (r *LedgerReport) orphans(db *gorm.DB, after int64, err error) error {
	if err != nil {
		return err
	}
	var id int64
	found, err := one(db, []any{num(&id)}, "SELECT entry_id FROM postings WHERE entry_id > ? ORDER BY entry_id LIMIT 1", after)
	if found {
		r.wrong("there are postings of entry %d and perhaps later ones, which are not there", id)
	}
	return err
}

type entrySum struct {
	lines       int64
	sum         models.Amount
	first, last int64
}

func (r *LedgerReport) sumsOf(db *gorm.DB, after, until int64) (map[int64]entrySum, error) {
	sums := map[int64]entrySum{}
	err := each(db, func(rows *sql.Rows) error {
		var id int64
		var v entrySum
		err := rows.Scan(num(&id), num(&v.lines), num(&v.sum), num(&v.first), num(&v.last))
		sums[id] = v
		r.Postings += v.lines
		return err
	}, "SELECT entry_id, COUNT(*), SUM(amount), MIN(at), MAX(at) FROM postings WHERE entry_id > ? AND entry_id <= ? GROUP BY entry_id", after, until)
	return sums, err
}

// balances compares the balances with the sums of the postings, account by account, both in order.
func (r *LedgerReport) balances(db *gorm.DB) error {
	const page = 200
	for after := ""; ; {
		kept, names, err := r.kept(db, after, page)
		if err != nil {
			return err
		}
		last := "\U0010FFFF"
		if len(names) == page {
			last = names[page-1]
		}
		sums := map[string]models.Amount{}
		err = each(db, func(rows *sql.Rows) error {
			var account string
			var sum models.Amount
			err := rows.Scan(text(&account), num(&sum))
			sums[account] = sum
			return err
		}, "SELECT account, SUM(amount) FROM postings WHERE account > ? AND account <= ? GROUP BY account", after, last)
		if err != nil {
			return err
		}
		for _, account := range names {
			r.Accounts++
			if kept[account] != sums[account] {
				r.wrong("the balance of %s is kept as %s; its postings add up to %s", account, kept[account], sums[account])
			}
			delete(sums, account)
		}
		for account, sum := range sums {
			r.wrong("%s has postings, %s, and no balance", account, sum)
		}
		if len(names) < page {
			return nil
		}
		after = last
	}
}

func (r *LedgerReport) kept(db *gorm.DB, after string, n int) (kept map[string]models.Amount, names []string, err error) {
	kept = map[string]models.Amount{}
	err = each(db, func(rows *sql.Rows) error {
		var account string
		var amount models.Amount
		err := rows.Scan(text(&account), num(&amount))
		kept[account], names = amount, append(names, account)
		return err
	}, "SELECT account, amount FROM balances WHERE account > ? ORDER BY account LIMIT ?", after, n)
	return kept, names, err
}

// chargeWalk is where the walk through the charges is. Charges come by tenant and time, so an hour's are together.
type chargeWalk struct {
	*LedgerReport
	db      *gorm.DB
	hour    TenantHour
	billed  map[int64]models.Amount // by entry, in this hour
	minutes int64                   // of packages, of this tenant
	matched int64                   // entries that are the sum of their charges
}

func (r *LedgerReport) charges(db *gorm.DB, settlements int64) error {
	w := &chargeWalk{LedgerReport: r, db: db, billed: map[int64]models.Amount{}}
	for tenant := int64(0); ; {
		found, err := one(db, []any{num(&tenant)}, "SELECT tenant_id FROM charges WHERE tenant_id > ? ORDER BY tenant_id LIMIT 1", tenant)
		if err != nil {
			return err
		}
		if !found {
			break
		}
		if err := w.tenant(tenant); err != nil {
			return err
		}
	}
	if err := w.endTenant(); err != nil {
		return err
	}
	if n := settlements - w.matched; n != 0 && r.OK() {
		r.wrong("%d settlements have no charges", n)
	}
	return nil
}

// tenant walks one tenant's charges.
func (w *chargeWalk) tenant(id int64) error {
	for end, after := int64(math.MinInt64), int64(0); ; {
		list, err := chargeColumns.all(w.db, "WHERE t.tenant_id = ? AND t.end_at >= ? AND (t.end_at > ? OR t.id > ?) ORDER BY t.end_at, t.id LIMIT ?",
			id, end, end, after, verifyPage)
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := w.meet(c); err != nil {
				return err
			}
		}
		if len(list) < verifyPage {
			return nil
		}
		last := list[len(list)-1]
		end, after = micros(last.EndAt), last.ID
	}
}

func (w *chargeWalk) meet(c models.Charge) error {
	w.Charges++
	h := TenantHour{c.TenantID, c.EndAt.Truncate(time.Hour)}
	if h.TenantID != w.hour.TenantID {
		if err := w.endTenant(); err != nil {
			return err
		}
	} else if h != w.hour {
		if err := w.endHour(); err != nil {
			return err
		}
	}
	w.hour = h
	w.minutes += c.PackageMinutes
	switch {
	case c.SettledAt.IsZero():
		if c.EntryID != 0 || c.PackageMinutes != 0 || c.Billed != 0 {
			w.wrong("charge %d is not settled, and something of it is paid", c.ID)
		}
	case c.Billed != c.Rest() || c.PackageMinutes < 0 || c.PackageMinutes > c.Minutes:
		w.wrong("charge %d of %s has %d of %d minutes of packages and is billed %s", c.ID, c.Amount, c.PackageMinutes, c.Minutes, c.Billed)
	case (c.Billed > 0) != (c.EntryID != 0):
		w.wrong("charge %d is billed %s and stands in entry %d", c.ID, c.Billed, c.EntryID)
	case c.EntryID != 0:
		w.billed[c.EntryID] += c.Billed
	}
	return nil
}

// endHour compares the entries of an hour with what its charges come to.
func (w *chargeWalk) endHour() error {
	for id, sum := range w.billed {
		var amount models.Amount
		var e models.Entry
		found, err := one(w.db, []any{text(&e.Kind), num(&e.TenantID), when(&e.For), num(&amount)}, "SELECT t.kind, t.tenant_id, t.for_at, p.amount FROM entries t"+
			" JOIN postings p ON p.entry_id = t.id WHERE t.id = ? AND p.account = ?", id, string(models.TenantAccount(w.hour.TenantID)))
		if err != nil {
			return err
		}
		switch {
		case !found || e.TenantID != w.hour.TenantID || !e.For.Equal(w.hour.Hour) || e.Kind != models.EntrySettlement && e.Kind != models.EntryCorrection:
			w.wrong("charges of tenant %d in the hour %s stand in entry %d, which is no settlement of it", w.hour.TenantID, w.hour.Hour.Format(time.RFC3339), id)
		case amount != -sum:
			w.wrong("entry %d takes %s; its charges come to %s", id, -amount, sum)
		default:
			w.matched++
		}
	}
	clear(w.billed)
	return nil
}

// endTenant ends his last hour, and compares the minutes that his packages gave.
func (w *chargeWalk) endTenant() error {
	if err := w.endHour(); err != nil || w.hour.TenantID == 0 {
		return err
	}
	var given int64
	if _, err := one(w.db, []any{num(&given)}, "SELECT SUM(minutes - minutes_left) FROM packages WHERE tenant_id = ?", w.hour.TenantID); err != nil {
		return err
	}
	if given != w.minutes {
		w.wrong("the packages of tenant %d gave %d minutes; his charges got %d", w.hour.TenantID, given, w.minutes)
	}
	w.minutes = 0
	return nil
}
