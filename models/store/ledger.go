package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

var entryColumns = columns[models.Entry]{
	table: "entries",
	names: []string{"id", "ekey", "kind", "tenant_id", "at", "for_at", "memo", "by_whom"},
	values: func(e *models.Entry) []any {
		return []any{idOrNull(e.ID), e.Key, string(e.Kind), e.TenantID, micros(e.At), micros(e.For), e.Memo, e.By}
	},
	dest: func(e *models.Entry) []any {
		return []any{num(&e.ID), text(&e.Key), text(&e.Kind), num(&e.TenantID), when(&e.At), when(&e.For), text(&e.Memo), text(&e.By)}
	},
}

// The widths of an entry's texts, in characters.
const (
	memoMost = 512
	byMost   = 128
)

// Post writes an entry with its postings and moves the balances, all in one transaction. A zero At is the store's clock, a zero For is At; both and
// the ID are set in e. What was posted with the same key before is not posted again: e is then the first entry, and posted is false. The same key with
// another kind, tenant, hour or day, memo or other postings is models.Conflict with the key as Param; an entry that is not whole is models.Invalid.
// Who posts it may differ: a job that two daemons run is one business.
func (s *Store) Post(ctx context.Context, e *models.Entry) (posted bool, err error) {
	var row models.Entry
	err = s.within(ctx, "post an entry", func(ctx context.Context, tx *gorm.DB) error {
		row = *e
		n, err := s.post(ctx, tx, &row)
		posted = n > 0
		return err
	})
	if err != nil {
		return false, err
	}
	*e = row
	return posted, nil
}

// post is Post for entries inside a transaction; it tells how many were not posted before. The balances come last: those of the platform are rows that
// every business wants.
func (s *Store) post(ctx context.Context, tx *gorm.DB, list ...*models.Entry) (posted int, err error) {
	moved := map[models.Account]models.Amount{}
	for _, e := range list {
		if err := validEntry(*e); err != nil {
			return 0, err
		}
		fresh, err := s.writeEntry(ctx, tx, e)
		if err != nil {
			return 0, err
		}
		if !fresh {
			continue
		}
		posted++
		for _, p := range e.Postings {
			moved[p.Account] += p.Amount
		}
	}
	return posted, move(tx, moved)
}

func validEntry(e models.Entry) error {
	if err := e.Validate(); err != nil {
		return err
	}
	seen := map[models.Account]bool{}
	for _, p := range e.Postings {
		if seen[p.Account] || len(p.Account) > 64 {
			return models.Fail(models.Invalid, "postings", "each account stands in an entry once and has at most 64 characters")
		}
		seen[p.Account] = true
	}
	switch {
	case e.Kind == "":
		return models.Fail(models.Invalid, "kind", "kind is missing")
	case len([]rune(e.Memo)) > memoMost:
		return models.Fail(models.Invalid, "memo", "a memo has at most %d characters", memoMost)
	case len([]rune(e.By)) > byMost:
		return models.Fail(models.Invalid, "by", "by has at most %d characters", byMost)
	}
	return nil
}

// writeEntry writes an entry without its balances, or reads the one that has its key already.
func (s *Store) writeEntry(ctx context.Context, tx *gorm.DB, e *models.Entry) (fresh bool, err error) {
	first, found, err := entryByKey(tx, e.Key)
	if err != nil {
		return false, err
	}
	if !found {
		row := *e
		row.ID = 0
		if row.At.IsZero() {
			if row.At, err = s.Now(ctx); err != nil {
				return false, err
			}
		}
		row.At = clean(row.At)
		row.For = cmp.Or(clean(row.For), row.At)
		row.ID, err = entryColumns.insertOne(tx, &row)
		if err == nil {
			*e = row
			return true, addPostings(tx, row)
		}
		if !errors.Is(err, gorm.ErrDuplicatedKey) {
			return false, err
		}
		if first, _, err = entryByKey(tx, e.Key); err != nil { // another transaction has written it meanwhile
			return false, err
		}
	}
	if !sameBusiness(first, *e) {
		return false, models.Fail(models.Conflict, e.Key, "an entry of this key says something else: it was posted as entry %d", first.ID)
	}
	*e = first
	return false, nil
}

// sameBusiness says whether an entry that was written and one to be written are the same business.
func sameBusiness(first, again models.Entry) bool {
	sorted := func(list []models.Posting) []models.Posting {
		return slices.SortedFunc(slices.Values(list), func(a, b models.Posting) int { return cmp.Compare(a.Account, b.Account) })
	}
	day := first.At
	if !again.For.IsZero() {
		day = clean(again.For)
	}
	return first.Kind == again.Kind && first.TenantID == again.TenantID && first.Memo == again.Memo && first.For.Equal(day) &&
		slices.Equal(sorted(first.Postings), sorted(again.Postings))
}

func addPostings(tx *gorm.DB, e models.Entry) error {
	rows := make([]*line, len(e.Postings))
	for i, p := range e.Postings {
		rows[i] = &line{p, e.ID, i, micros(e.At)}
	}
	return lineColumns.add(tx, rows...)
}

// line is a posting as it lies in its table.
type line struct {
	models.Posting
	entryID int64
	no      int
	at      int64
}

var lineColumns = columns[line]{
	table:  "postings",
	names:  []string{"entry_id", "line", "account", "amount", "at"},
	values: func(l *line) []any { return []any{l.entryID, l.no, string(l.Account), int64(l.Amount), l.at} },
	dest: func(l *line) []any {
		return []any{num(&l.entryID), num(&l.no), text(&l.Account), num(&l.Amount), num(&l.at)}
	},
}

// move adds to balances, a tenant's before the platform's: every transaction locks them in this order.
func move(tx *gorm.DB, moved map[models.Account]models.Amount) error {
	accounts := slices.Sorted(maps.Keys(moved))
	slices.Reverse(accounts)
	for _, a := range accounts {
		if err := moveOne(tx, a, moved[a]); err != nil {
			return err
		}
	}
	return nil
}

func moveOne(tx *gorm.DB, a models.Account, by models.Amount) error {
	for {
		n, err := run(tx, "UPDATE balances SET amount = amount + ? WHERE account = ?", int64(by), string(a))
		if err != nil || n > 0 {
			return err
		}
		_, err = run(tx, "INSERT INTO balances (account, amount) VALUES (?, ?)", string(a), int64(by))
		if !errors.Is(err, gorm.ErrDuplicatedKey) {
			return err
		}
	}
}

// lockTenantMoney takes a tenant's balance until the end of the transaction: whoever settles his calls, buys him a package or sets his prices does so
// first. Tenant 0 is the platform, which has prices only.
func lockTenantMoney(tx *gorm.DB, tenantID int64) error {
	return moveOne(tx, models.TenantAccount(tenantID), 0)
}

func entryByKey(db *gorm.DB, key string) (models.Entry, bool, error) {
	e, found, err := entryColumns.first(db, "WHERE t.ekey = ?", key)
	if err != nil || !found {
		return models.Entry{}, false, err
	}
	list := []models.Entry{e}
	err = fillPostings(db, list)
	return list[0], true, err
}

// fillPostings reads the postings of entries.
func fillPostings(db *gorm.DB, list []models.Entry) error {
	at := map[int64]int{}
	ids := make([]int64, len(list))
	for i, e := range list {
		at[e.ID], ids[i] = i, e.ID
	}
	for chunk := range slices.Chunk(ids, 100) {
		err := each(db, func(rows *sql.Rows) error {
			var id int64
			var p models.Posting
			if err := rows.Scan(num(&id), text(&p.Account), num(&p.Amount)); err != nil {
				return err
			}
			list[at[id]].Postings = append(list[at[id]].Postings, p)
			return nil
		}, "SELECT entry_id, account, amount FROM postings WHERE entry_id IN ? ORDER BY entry_id, line", chunk)
		if err != nil {
			return err
		}
	}
	return nil
}

// Entry reads an entry with its postings; models.NotFound.
func (s *Store) Entry(ctx context.Context, id int64) (models.Entry, error) {
	db := s.reader(ctx)
	e, found, err := entryColumns.first(db, "WHERE t.id = ?", id)
	if err = known(found, wrap("read entry", err), "entry", "no such entry"); err != nil {
		return models.Entry{}, err
	}
	list := []models.Entry{e}
	err = fillPostings(db, list)
	return list[0], wrap("read entry", err)
}

// EntryFilter narrows Entries; zero fields narrow nothing.
type EntryFilter struct {
	TenantID     int64
	Kind         models.EntryKind
	Account      models.Account // that has a posting
	Since, Until time.Time      // of At
}

// conditions are the filter's, and the column of time by which its rows stand in order.
func (f EntryFilter) conditions() (c conditions, at string) {
	at = "t.at"
	if f.Account != "" {
		c.join, at = "JOIN postings p ON p.entry_id = t.id", "p.at"
		is(&c, "p.account", string(f.Account))
	}
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.kind", string(f.Kind))
	c.span(at, f.Since, f.Until)
	return c, at
}

// Entries lists entries with their postings, newest first.
func (s *Store) Entries(ctx context.Context, f EntryFilter, page models.Page) ([]models.Entry, int, error) {
	c, _ := f.conditions()
	order := "t.at DESC, t.id DESC"
	if f.Account != "" {
		order = "p.at DESC, p.entry_id DESC"
	}
	list, n, err := listed(ctx, s, entryColumns, c, order, page)
	if err != nil {
		return nil, 0, err
	}
	return list, n, wrap("list entries", fillPostings(s.reader(ctx), list))
}

// Balance reads an account's balance; an account without an entry has 0.
func (s *Store) Balance(ctx context.Context, a models.Account) (balance models.Amount, err error) {
	_, err = one(s.reader(ctx), []any{num(&balance)}, "SELECT amount FROM balances WHERE account = ?", string(a))
	return balance, wrap("read balance", err)
}

// TenantBalance is a tenant and what he has.
type TenantBalance struct {
	Tenant  models.Tenant
	Balance models.Amount
}

// TenantBalances reads the balances of up to n tenants whose ids come after one, by id.
func (s *Store) TenantBalances(ctx context.Context, after int64, n int) ([]TenantBalance, error) {
	db := s.reader(ctx)
	tenants, err := tenantColumns.all(db, "WHERE t.id > ? ORDER BY t.id LIMIT ?", after, n)
	if err != nil {
		return nil, wrap("read tenants' balances", err)
	}
	list := make([]TenantBalance, len(tenants))
	at := map[models.Account]int{}
	for i, t := range tenants {
		list[i].Tenant, at[models.TenantAccount(t.ID)] = t, i
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(at)), 100) {
		err := each(db, func(rows *sql.Rows) error {
			var a models.Account
			var amount models.Amount
			err := rows.Scan(text(&a), num(&amount))
			list[at[a]].Balance = amount
			return err
		}, "SELECT account, amount FROM balances WHERE account IN ?", chunk)
		if err != nil {
			return nil, wrap("read tenants' balances", err)
		}
	}
	return list, nil
}
