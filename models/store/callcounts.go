package store

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// Cap bounds the accepted calls of one scope. A call that would be over it is refused with Code.
type Cap struct {
	Scope string // "tenant:1", "app:2", "number:+86…"; at most 64 characters
	models.CallCap
	Code models.Code
}

// capsThatCount leaves out those that bound nothing. The rest are in order: every transaction locks them so.
func capsThatCount(caps []Cap) []Cap {
	caps = slices.DeleteFunc(slices.Clone(caps), func(c Cap) bool { return c.PerHour == 0 && c.PerDay == 0 })
	slices.SortFunc(caps, func(a, b Cap) int { return cmp.Compare(a.Scope, b.Scope) })
	return caps
}

// countCalls counts one call against each cap, and fails at the first that is used up. The caller undoes the others then.
func countCalls(tx *gorm.DB, caps []Cap, now time.Time) error {
	for _, c := range caps {
		if err := c.count(tx, now); err != nil {
			return err
		}
	}
	return nil
}

// countCall adds to the hour's and the day's count if both have room. A span that has not begun in the row yet begins anew; one that is later
// than now stays: another daemon was ahead by a moment, and its calls count. The order of the assignments matters on MySQL, where each sees
// those before it.
const countCall = "UPDATE call_counts SET" +
	" hour_used = CASE WHEN hour_at < ? THEN 1 ELSE hour_used + 1 END, hour_at = CASE WHEN hour_at < ? THEN ? ELSE hour_at END," +
	" day_used = CASE WHEN day_at < ? THEN 1 ELSE day_used + 1 END, day_at = CASE WHEN day_at < ? THEN ? ELSE day_at END" +
	" WHERE scope = ? AND (? = 0 OR hour_at < ? OR hour_used < ?) AND (? = 0 OR day_at < ? OR day_used < ?)"

func (c Cap) count(tx *gorm.DB, now time.Time) error {
	hour, day := micros(now.Truncate(time.Hour)), micros(now.Truncate(24*time.Hour))
	for there := false; ; there = true {
		n, err := run(tx, countCall, hour, hour, hour, day, day, day, c.Scope, c.PerHour, hour, c.PerHour, c.PerDay, day, c.PerDay)
		if err != nil || n > 0 {
			return err
		}
		if there {
			return models.Fail(c.Code, "", "the bound of calls an hour or a day is reached")
		}
		_, err = run(tx, "INSERT INTO call_counts (scope, hour_at, hour_used, day_at, day_used) VALUES (?, ?, 1, ?, 1)", c.Scope, hour, day)
		if !errors.Is(err, gorm.ErrDuplicatedKey) {
			return err
		}
	}
}
