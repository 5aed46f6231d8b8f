package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// tollRow is what a tenant's calls have used. Of a span that has not begun in the row yet nothing is used.
type tollRow struct {
	tenant                        int64
	now, hour, day                time.Time // the store's clock, and the spans that it is in
	hourUsed, dayUsed, daySeconds int64
	live                          int64
	talking                       time.Duration // of the live ones so far, ringing included
	counted                       bool          // the session that was asked about is among them
}

// readToll reads the row and its calls, and whether a session is one of them. Under the row's lock (lockTolls) it holds until the transaction ends.
func (s *Store) readToll(db *gorm.DB, tenantID int64, session string) (r tollRow, err error) {
	r.tenant = tenantID
	var began int64
	_, err = one(db, []any{when(&r.now), when(&r.hour), num(&r.hourUsed), when(&r.day), num(&r.dayUsed), num(&r.daySeconds), num(&r.live), num(&began),
		flag(&r.counted)},
		"SELECT "+s.nowExpr+", t.hour_at, t.hour_used, t.day_at, t.day_used, t.day_seconds, l.live, l.began,"+
			" (SELECT COUNT(*) FROM toll_calls WHERE tenant_id = ? AND session_id = ?) FROM (SELECT 1 AS one) q"+
			" LEFT JOIN toll_counts t ON t.tenant_id = ?"+
			" LEFT JOIN (SELECT COUNT(*) AS live, COALESCE(SUM(began_at), 0) AS began FROM toll_calls WHERE tenant_id = ?) l ON 1 = 1",
		append(s.nowArgs(), tenantID, session, tenantID, tenantID)...)
	if err != nil {
		return r, fmt.Errorf("read what a tenant's calls have used: %w", err)
	}
	// A span that is later than now stays: another daemon was ahead by a moment, and its calls count.
	if hour := r.now.Truncate(time.Hour); r.hour.Before(hour) {
		r.hour, r.hourUsed = hour, 0
	}
	if day := r.now.Truncate(24 * time.Hour); r.day.Before(day) {
		r.day, r.dayUsed, r.daySeconds = day, 0, 0
	}
	r.talking = max(0, time.Duration(r.live*micros(r.now)-began)*time.Microsecond)
	return r, nil
}

// left is how much of the day's minutes nobody has used.
func (r tollRow) left(l models.Limits) time.Duration {
	return time.Duration(l.Minutes)*time.Minute - time.Duration(r.daySeconds)*time.Second - r.talking
}

// over names the limit that another call would break; "" for none.
func (r tollRow) over(l models.Limits) (limit string, code models.Code) {
	switch {
	case l.AtOnce > 0 && r.live >= int64(l.AtOnce):
		return "at_once", models.PortsFull
	case l.PerHour > 0 && r.hourUsed >= int64(l.PerHour):
		return "per_hour", models.TenantTooOften
	case l.PerDay > 0 && r.dayUsed >= int64(l.PerDay):
		return "per_day", models.TenantTooOften
	case l.Minutes > 0 && r.left(l) <= 0:
		return "minutes_per_day", models.TenantTooOften
	}
	return "", ""
}

func (r tollRow) write(tx *gorm.DB) error {
	_, err := run(tx, "UPDATE toll_counts SET hour_at = ?, hour_used = ?, day_at = ?, day_used = ?, day_seconds = ? WHERE tenant_id = ?",
		micros(r.hour), r.hourUsed, micros(r.day), r.dayUsed, r.daySeconds, r.tenant)
	return err
}

// tolled is the tenant whose count a change touches; none as a rule.
func tolled(ch models.Change) []int64 {
	if ch.Limits.Any() || ch.Session.Counted && !ch.Session.EndedAt.IsZero() {
		return []int64{ch.Session.TenantID}
	}
	return nil
}

// lockTolls takes the rows of tenants until the end of the transaction, in one order for all, so that daemons count one after the other.
func lockTolls(tx *gorm.DB, tenants []int64) error {
	slices.Sort(tenants)
	for _, id := range slices.Compact(tenants) {
		for {
			n, err := run(tx, "UPDATE toll_counts SET tenant_id = tenant_id WHERE tenant_id = ?", id)
			if err != nil {
				return err
			}
			if n > 0 {
				break
			}
			_, err = run(tx, "INSERT INTO toll_counts (tenant_id, hour_at, hour_used, day_at, day_used, day_seconds) VALUES (?, 0, 0, 0, 0, 0)", id)
			if err != nil && !errors.Is(err, gorm.ErrDuplicatedKey) {
				return err
			}
		}
	}
	return nil
}

// mayCall looks whether a call is within its tenant's limits, before anything of its change is written. r is nil when there is nothing to count:
// no limit, or it was counted before.
func (s *Store) mayCall(tx *gorm.DB, ch models.Change) (r *tollRow, err error) {
	v := ch.Session
	if !ch.Limits.Any() || !v.EndedAt.IsZero() {
		return nil, nil
	}
	row, err := s.readToll(tx, v.TenantID, v.ID)
	if err != nil || row.counted {
		return nil, err
	}
	limit, code := row.over(ch.Limits)
	if code == "" {
		return &row, nil
	}
	var ended time.Time
	if _, err = one(tx, []any{when(&ended)}, "SELECT ended_at FROM sessions WHERE id = ?", v.ID); err != nil || !ended.IsZero() {
		return nil, err // a late step of a call that is over: it is not applied, and needs no limit to say so
	}
	return nil, refusal{models.Fail(code, limit, "the tenant's limit %s is reached", limit)}
}

// count writes one more call.
func (r *tollRow) count(tx *gorm.DB, v models.Session) error {
	if r == nil {
		return nil
	}
	r.hourUsed++
	r.dayUsed++
	if err := r.write(tx); err != nil {
		return err
	}
	_, err := run(tx, "INSERT INTO toll_calls (tenant_id, session_id, began_at) VALUES (?, ?, ?)", v.TenantID, v.ID, micros(r.now))
	return err
}

// endToll lets a counted call go that is over, and keeps its seconds.
func (s *Store) endToll(tx *gorm.DB, ch models.Change) error {
	v := ch.Session
	if !v.Counted || v.EndedAt.IsZero() {
		return nil
	}
	n, err := s.uncount(tx, v.TenantID, v.ID)
	if err != nil || n == 0 || ch.CDR == nil {
		return err
	}
	day, seconds := micros(v.EndedAt.UTC().Truncate(24*time.Hour)), ch.CDR.DialledSeconds()
	_, err = run(tx, addSeconds, day, seconds, seconds, day, day, day, v.TenantID)
	return err
}

// addSeconds adds to the day's. One that has not begun in the row yet begins anew. The order of the assignments matters on MySQL, where each sees
// those before it.
const addSeconds = "UPDATE toll_counts SET day_seconds = CASE WHEN day_at < ? THEN ? ELSE day_seconds + ? END," +
	" day_used = CASE WHEN day_at < ? THEN 0 ELSE day_used END, day_at = CASE WHEN day_at < ? THEN ? ELSE day_at END WHERE tenant_id = ?"

func (s *Store) uncount(tx *gorm.DB, tenantID int64, sessionID string) (int64, error) {
	return run(tx, "DELETE FROM toll_calls WHERE tenant_id = ? AND session_id = ?", tenantID, sessionID)
}

// TollLeft is how long the tenant's calls may still talk today, together, and false when l bounds no minutes.
func (s *Store) TollLeft(ctx context.Context, tenantID int64, l models.Limits) (time.Duration, bool, error) {
	if l.Minutes <= 0 {
		return 0, false, nil
	}
	r, err := s.readToll(s.reader(ctx), tenantID, "")
	if err != nil {
		return 0, false, err
	}
	return max(0, r.left(l)), true, nil
}

// TollUsed is what a tenant's calls have used in this clock hour and day (UTC). Of a tenant without limits nothing is counted.
func (s *Store) TollUsed(ctx context.Context, tenantID int64) (models.Limits, error) {
	r, err := s.readToll(s.reader(ctx), tenantID, "")
	return models.Limits{AtOnce: int(r.live), PerHour: int(r.hourUsed), PerDay: int(r.dayUsed), Minutes: int((time.Duration(r.daySeconds)*time.Second + r.talking) / time.Minute)}, err
}
