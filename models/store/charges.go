package store

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

var chargeColumns = columns[models.Charge]{
	table: "charges",
	names: []string{"id", "session_id", "leg", "cdr_id", "tenant_id", "app_id", "mode", "end_at", "seconds", "units", "minutes", "plan_id", "amount", "why",
		"entry_id", "package_minutes", "billed", "settled_at"},
	values: func(c *models.Charge) []any {
		return []any{idOrNull(c.ID), c.SessionID, c.Leg, c.CDRID, c.TenantID, c.AppID, string(c.Mode), micros(c.EndAt), c.Seconds, c.Units, c.Minutes, c.PlanID,
			int64(c.Amount), c.Why, c.EntryID, c.PackageMinutes, int64(c.Billed), micros(c.SettledAt)}
	},
	dest: func(c *models.Charge) []any {
		return []any{num(&c.ID), text(&c.SessionID), num(&c.Leg), num(&c.CDRID), num(&c.TenantID), num(&c.AppID), text(&c.Mode), when(&c.EndAt), num(&c.Seconds),
			num(&c.Units), num(&c.Minutes), num(&c.PlanID), num(&c.Amount), text(&c.Why), num(&c.EntryID), num(&c.PackageMinutes), num(&c.Billed), when(&c.SettledAt)}
	},
}

// AddCharges writes charges of calls that ended before; their CDRs are rated then. Charges that are there already, by session and leg, stay as they
// are. What settlement sets of a charge (EntryID, PackageMinutes, Billed, SettledAt) is not written. models.Invalid.
func (s *Store) AddCharges(ctx context.Context, list []models.Charge) error {
	for chunk := range slices.Chunk(list, 500) {
		err := s.within(ctx, "add charges", func(ctx context.Context, tx *gorm.DB) error {
			for few := range slices.Chunk(chunk, 25) {
				if err := s.addCharges(ctx, tx, few); err != nil {
					return err
				}
			}
			return markRated(tx, sessionsOf(chunk))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func sessionsOf(list []models.Charge) []string {
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.SessionID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// addCharges writes charges as new ones. Repeats are rare, so it writes first and looks only when one is there already.
func (s *Store) addCharges(ctx context.Context, tx *gorm.DB, list []models.Charge) error {
	rows := make([]*models.Charge, 0, len(list))
	for _, c := range list {
		if err := c.Validate(); err != nil {
			return err
		}
		c.ID, c.EntryID, c.PackageMinutes, c.Billed, c.SettledAt = 0, 0, 0, 0, time.Time{}
		if why := []rune(c.Why); len(why) > whyMost {
			c.Why = string(why[:whyMost])
		}
		rows = append(rows, &c)
	}
	if len(rows) == 0 {
		return nil
	}
	err := chargeColumns.add(tx, rows...)
	if !errors.Is(err, gorm.ErrDuplicatedKey) {
		return err
	}
	type key struct {
		session string
		leg     int
	}
	there := map[key]bool{}
	known, err := chargeColumns.all(tx, "WHERE t.session_id IN ?", sessionsOf(list))
	if err != nil {
		return err
	}
	for _, c := range known {
		there[key{c.SessionID, c.Leg}] = true
	}
	for _, c := range rows {
		k := key{c.SessionID, c.Leg}
		if there[k] {
			s.log.LogAttrs(ctx, slog.LevelDebug, "a call's leg is charged already", slog.String("session", c.SessionID), slog.Int("leg", c.Leg))
			continue
		}
		there[k] = true
		if err := chargeColumns.add(tx, c); err != nil {
			return err
		}
	}
	return nil
}

// whyMost is the width of Charge.Why. A longer one is cut: no end of a call fails for it.
const whyMost = 512

// ratedCDR is a CDR as it is written.
type ratedCDR struct {
	models.CDR
	unrated bool
}

var newCDRs = columns[ratedCDR]{
	table:  cdrColumns.table,
	names:  append(slices.Clone(cdrColumns.names), "unrated"),
	values: func(c *ratedCDR) []any { return append(cdrColumns.values(&c.CDR), bit(c.unrated)) },
}

// addCDR writes a call's record and its charges. A call in which somebody answered and that has no charge is marked, for UnratedCDRs.
func (s *Store) addCDR(ctx context.Context, tx *gorm.DB, c models.CDR, charges []models.Charge) error {
	answered := !c.AnswerAt.IsZero() || !c.OutAnswerAt.IsZero()
	row := ratedCDR{CDR: c, unrated: answered && c.TenantID != 0 && len(charges) == 0}
	id, err := newCDRs.insertOne(tx, &row)
	if err != nil {
		return err
	}
	list := slices.Clone(charges)
	for i := range list {
		list[i].CDRID = id
	}
	return s.addCharges(ctx, tx, list)
}

// UnratedCDRs reads up to n answered calls that were written before a time and have no charge, by id, above afterID. It reads them by an index of
// what is unrated: its cost does not grow with the calls that are not. Calls from before there were charges are not among them.
func (s *Store) UnratedCDRs(ctx context.Context, afterID int64, before time.Time, n int) ([]models.CDR, error) {
	list, err := cdrColumns.all(s.reader(ctx), "WHERE t.unrated = 1 AND t.id > ? AND t.completed_at < ? ORDER BY t.id LIMIT ?", afterID, micros(before), n)
	return list, wrap("read calls without charges", err)
}

// MarkRated says of calls that they cost nothing and need no charge: UnratedCDRs does not give them again.
func (s *Store) MarkRated(ctx context.Context, sessionIDs []string) error {
	return s.within(ctx, "mark calls as rated", func(_ context.Context, tx *gorm.DB) error { return markRated(tx, sessionIDs) })
}

func markRated(tx *gorm.DB, sessionIDs []string) error {
	for chunk := range slices.Chunk(sessionIDs, 100) {
		if _, err := run(tx, "UPDATE cdrs SET unrated = 0 WHERE session_id IN ? AND unrated = 1", chunk); err != nil {
			return err
		}
	}
	return nil
}

// ChargeFilter narrows Charges; zero fields narrow nothing.
type ChargeFilter struct {
	TenantID, AppID int64
	SessionID       string
	Since, Until    time.Time // of EndAt
	Unsettled       bool
}

func (f ChargeFilter) conditions() (c conditions) {
	is(&c, "t.session_id", f.SessionID)
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.app_id", f.AppID)
	c.span("t.end_at", f.Since, f.Until)
	if f.Unsettled {
		c.add("t.settled_at = 0")
	}
	return c
}

// Charges lists charges, the call that ended last first; those of one session by leg, unsettled ones of all tenants by tenant.
func (s *Store) Charges(ctx context.Context, f ChargeFilter, page models.Page) ([]models.Charge, int, error) {
	c := f.conditions()
	order := []string{"t.end_at DESC", "t.id DESC"}
	switch {
	case f.SessionID != "":
		order = []string{"t.leg"}
	case f.Unsettled && f.TenantID == 0 && f.AppID == 0:
		order = slices.Insert(order, 0, "t.tenant_id DESC")
	}
	return listed(ctx, s, chargeColumns, c, strings.Join(order, ", "), page)
}
