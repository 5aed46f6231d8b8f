package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// TenantHour is an hour of a tenant's calls: the calls that ended in it. It is comparable; Hour is a full hour in UTC.
type TenantHour struct {
	TenantID int64
	Hour     time.Time
}

// span bounds the hour in stored times.
func (h TenantHour) span() (from, until int64) { return micros(h.Hour), micros(h.Hour.Add(time.Hour)) }

// OpenHours reads up to n hours with charges that are not settled and that were over at a time: tenant by tenant, each one's oldest hour first.
// It asks by one seek an hour and never reads the charges themselves.
func (s *Store) OpenHours(ctx context.Context, before time.Time, n int) (list []TenantHour, err error) {
	db := s.reader(ctx)
	before = before.Truncate(time.Hour)
	var tenant, end int64
	for at := int64(0); len(list) < n; {
		found, err := one(db, []any{num(&end)}, "SELECT end_at FROM charges WHERE settled_at = 0 AND tenant_id = ? AND end_at >= ? AND end_at < ? ORDER BY end_at LIMIT 1",
			tenant, at, micros(before))
		if err != nil {
			return nil, wrap("read hours to settle", err)
		}
		if found {
			h := TenantHour{tenant, instant(end).Truncate(time.Hour)}
			_, at = h.span()
			list = append(list, h)
			continue
		}
		at = 0
		found, err = one(db, []any{num(&tenant)}, "SELECT tenant_id FROM charges WHERE settled_at = 0 AND tenant_id > ? ORDER BY tenant_id LIMIT 1", tenant)
		if err != nil {
			return nil, wrap("read hours to settle", err)
		}
		if !found {
			break
		}
	}
	return list, nil
}

// Settled is what one chunk of a settlement came to.
type Settled struct {
	Entry   models.Entry // ID 0: packages paid for everything, or it cost nothing
	Charges int
	Minutes int64         // of packages
	Amount  models.Amount // from the balance
	Done    bool          // nothing of the hour is left
}

// SettleMost is how many charges one transaction settles at most.
const SettleMost = 5000

// SettleChunk settles up to n charges of a closed hour (at most SettleMost), those first that ended first, in one transaction: packages first, of
// those that pay the mode in this hour the one that expires first; the rest goes from the balance to models.AccountCalls by one entry
// "settle:TENANT:HOUR:FIRSTCHARGEID" for the hour. A charge that costs nothing takes no minutes. What is found after this hour or a later one of the
// tenant was settled to its end is a correction of the hour.
//
// The tenant's balance is locked first: two daemons at once settle chunks in turn, and each charge once. Killed before the commit it leaves nothing. now
// is when the charges count as settled; models.Invalid for an hour that is not over then, or is no full hour.
func (s *Store) SettleChunk(ctx context.Context, h TenantHour, n int, now time.Time) (done Settled, err error) {
	h.Hour, now = clean(h.Hour), clean(now)
	if from, until := h.span(); !h.Hour.Equal(h.Hour.Truncate(time.Hour)) || until > micros(now) || from == 0 {
		return Settled{}, models.Fail(models.Invalid, "hour", "the hour is a full hour that is over")
	}
	n = min(max(n, 1), SettleMost)
	var last int64
	err = s.within(ctx, "settle an hour", func(ctx context.Context, tx *gorm.DB) error {
		done, last = Settled{}, 0
		if err := lockTenantMoney(tx, h.TenantID); err != nil {
			return err
		}
		charges, err := openCharges(tx, h, s.settled.in(h), n)
		if err != nil {
			return err
		}
		done.Charges, done.Done = len(charges), len(charges) < n
		if len(charges) > 0 {
			last = micros(charges[len(charges)-1].EndAt)
			if err := s.settle(ctx, tx, h, charges, now, &done); err != nil {
				return err
			}
		}
		if done.Done {
			return closeHour(tx, h, now)
		}
		return nil
	})
	if err != nil {
		return Settled{}, err
	}
	if done.Done {
		last = 0
	}
	s.settled.note(h, last)
	return done, nil
}

// settledTo is where the settlement of an hour has come to, the one that this store works at. It only says where to look first. Without it each chunk
// would begin at the start of the hour in the index, and walk over all that the chunks before it took out and InnoDB has not purged yet.
type settledTo struct {
	mu   sync.Mutex
	hour TenantHour
	end  int64 // of the last charge that was settled
}

// in is where to go on in an hour; 0 is its beginning.
func (r *settledTo) in(h TenantHour) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hour != h {
		return 0
	}
	return r.end
}

func (r *settledTo) note(h TenantHour, end int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hour, r.end = h, end
}

// openColumns are what settlement needs to know of a charge.
var openColumns = columns[models.Charge]{
	table: "charges",
	names: []string{"id", "mode", "minutes", "amount", "end_at"},
	dest: func(c *models.Charge) []any {
		return []any{num(&c.ID), text(&c.Mode), num(&c.Minutes), num(&c.Amount), when(&c.EndAt)}
	},
}

// openCharges reads up to n charges that are not settled: first those from where the chunk before ended, then what is found before that.
func openCharges(tx *gorm.DB, h TenantHour, reached int64, n int) ([]models.Charge, error) {
	from, until := h.span()
	reached = max(reached, from)
	const open = "WHERE t.settled_at = 0 AND t.tenant_id = ? AND t.end_at >= ? AND t.end_at < ? ORDER BY t.end_at, t.id LIMIT ?"
	list, err := openColumns.all(tx, open, h.TenantID, reached, until, n)
	if err != nil || len(list) == n || reached == from {
		return list, err
	}
	earlier, err := openColumns.all(tx, open, h.TenantID, from, reached, n-len(list))
	return append(earlier, list...), err
}

// settle works one chunk out and writes it.
func (s *Store) settle(ctx context.Context, tx *gorm.DB, h TenantHour, charges []models.Charge, now time.Time, done *Settled) error {
	packages, err := packageColumns.all(tx, "WHERE t.tenant_id = ? AND t.until_at > ? AND t.from_at <= ? AND t.minutes_left > 0 ORDER BY t.until_at, t.id",
		h.TenantID, micros(h.Hour), micros(h.Hour))
	if err != nil {
		return err
	}
	had := make([]int64, len(packages))
	for i, p := range packages {
		had[i] = p.Left
	}
	for i := range charges {
		cover(&charges[i], packages, h.Hour)
		done.Minutes += charges[i].PackageMinutes
		done.Amount += charges[i].Billed
	}
	if err := drawn(tx, packages, had); err != nil {
		return err
	}
	if done.Amount > 0 {
		done.Entry, err = s.billFor(ctx, tx, h, charges[0].ID, done.Amount, now)
		if err != nil {
			return err
		}
	}
	return writeSettled(tx, charges, done.Entry.ID, now)
}

// cover lets packages pay a charge, as far as they go. Each gives whole minutes; what is left of the amount is billed by models.Charge.Rest.
func cover(c *models.Charge, packages []models.Package, hour time.Time) {
	if c.Amount > 0 {
		for i := range packages {
			if p := &packages[i]; c.PackageMinutes < c.Minutes && p.Pays(c.Mode, hour) {
				take := min(p.Left, c.Minutes-c.PackageMinutes)
				p.Left -= take
				c.PackageMinutes += take
			}
		}
	}
	c.Billed = c.Rest()
}

// drawn writes what is left of packages, in the order of their ids.
func drawn(tx *gorm.DB, packages []models.Package, had []int64) error {
	order := make([]int, len(packages))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(packages[a].ID, packages[b].ID) })
	for _, i := range order {
		p := packages[i]
		if p.Left == had[i] {
			continue
		}
		n, err := run(tx, "UPDATE packages SET minutes_left = ? WHERE id = ? AND minutes_left = ?", p.Left, p.ID, had[i])
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("draw minutes from package %d: somebody else has, without the tenant's lock", p.ID)
		}
	}
	return nil
}

// billFor posts what a chunk takes from the balance.
func (s *Store) billFor(ctx context.Context, tx *gorm.DB, h TenantHour, first int64, amount models.Amount, now time.Time) (models.Entry, error) {
	kind := models.EntrySettlement
	closed, err := one(tx, []any{new(any)}, "SELECT hour_at FROM settled_hours WHERE tenant_id = ? AND hour_at >= ? ORDER BY hour_at LIMIT 1", h.TenantID, micros(h.Hour))
	if err != nil {
		return models.Entry{}, err
	}
	if closed {
		kind = models.EntryCorrection
	}
	e := models.Entry{Key: fmt.Sprintf("settle:%d:%s:%d", h.TenantID, h.Hour.Format("2006-01-02T15"), first), Kind: kind, TenantID: h.TenantID, At: now, For: h.Hour,
		By: "job:settlement", Postings: models.Transfer(models.TenantAccount(h.TenantID), models.AccountCalls, amount)}
	posted, err := s.post(ctx, tx, &e)
	if err == nil && posted == 0 {
		err = fmt.Errorf("settle from charge %d: its entry is there already", first)
	}
	return e, err
}

// closeHour notes that an hour is settled to its end.
func closeHour(tx *gorm.DB, h TenantHour, now time.Time) error {
	n, err := run(tx, "UPDATE settled_hours SET settled_at = ? WHERE tenant_id = ? AND hour_at = ?", micros(now), h.TenantID, micros(h.Hour))
	if err == nil && n == 0 {
		_, err = run(tx, "INSERT INTO settled_hours (tenant_id, hour_at, settled_at) VALUES (?, ?, ?)", h.TenantID, micros(h.Hour), micros(now))
	}
	return err
}

// writeSettled writes what settlement set of charges. Most are paid by the balance alone or by packages alone: they go many in one statement, with
// their ids in its text, since the time of SQLite's driver to bind arguments grows with their square.
func writeSettled(tx *gorm.DB, charges []models.Charge, entryID int64, now time.Time) error {
	var unpaid, free, covered []int64
	for _, c := range charges {
		switch {
		case c.Billed == 0 && c.PackageMinutes == 0:
			free = append(free, c.ID)
		case c.PackageMinutes == 0:
			unpaid = append(unpaid, c.ID)
		case c.Billed == 0 && c.PackageMinutes == c.Minutes:
			covered = append(covered, c.ID)
		default: // a package ran out in the middle of it
			if _, err := run(tx, "UPDATE charges SET entry_id = ?, package_minutes = ?, billed = ?, settled_at = ? WHERE id = ?",
				entryID, c.PackageMinutes, int64(c.Billed), micros(now), c.ID); err != nil {
				return err
			}
		}
	}
	for _, w := range []struct {
		ids  []int64
		set  string
		args []any
	}{
		{unpaid, "entry_id = ?, billed = amount", []any{entryID}},
		{free, "billed = 0", nil},
		{covered, "package_minutes = minutes, billed = 0", nil},
	} {
		for chunk := range slices.Chunk(w.ids, 500) {
			if _, err := run(tx, "UPDATE charges SET "+w.set+", settled_at = ? WHERE id IN ("+joinIDs(chunk)+")", append(w.args, micros(now))...); err != nil {
				return err
			}
		}
	}
	return nil
}

func joinIDs(ids []int64) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(id, 10))
	}
	return b.String()
}
