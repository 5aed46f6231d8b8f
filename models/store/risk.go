package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"maskline/models"
)

var barredColumns = columns[models.Barred]{
	table: "barred",
	names: []string{"id", "tenant_id", "app_id", "kind", "party", "reason", "created_at"},
	values: func(b *models.Barred) []any {
		return []any{idOrNull(b.ID), b.TenantID, b.AppID, string(b.Kind), b.Party, b.Reason, micros(b.CreatedAt)}
	},
	dest: func(b *models.Barred) []any {
		return []any{num(&b.ID), num(&b.TenantID), num(&b.AppID), text(&b.Kind), &b.Party, text(&b.Reason), when(&b.CreatedAt)}
	},
}

// Bar puts an entry on the black lists and sets its ID and CreatedAt, and its tenant where it names an app. It acts on the next call of an
// app that heeds them. models.Invalid, NotFound (the app or tenant) or Conflict.
func (s *Store) Bar(ctx context.Context, b *models.Barred) error {
	row := *b
	switch {
	case !slices.Contains([]models.ListKind{models.BarCaller, models.BarCallee, models.OnlyReceive, models.OnlyPlace}, row.Kind):
		return models.Fail(models.Invalid, "kind", "kind %q is unknown; it is caller, callee, receive or place", row.Kind)
	case !row.Party.Known() && (row.Kind != models.BarCaller || row.Party != models.Hidden):
		return models.Fail(models.Invalid, "number", "an entry bars a telephone number; callers may be anonymous")
	case utf8.RuneCountInString(row.Reason) > 256:
		return models.Fail(models.Invalid, "reason", "a reason has at most 256 characters")
	}
	err := s.within(ctx, "bar", func(ctx context.Context, tx *gorm.DB) (err error) {
		if row.AppID != 0 {
			app, err := s.App(ctx, row.AppID)
			if err != nil {
				return err
			}
			row.TenantID = app.TenantID
		} else if row.TenantID != 0 {
			if _, err := s.Tenant(ctx, row.TenantID); err != nil {
				return err
			}
		}
		if row.CreatedAt, err = s.Now(ctx); err != nil {
			return err
		}
		row.ID = 0
		row.ID, err = barredColumns.insertOne(tx, &row)
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return models.Fail(models.Conflict, "number", "the number is on this list already")
		}
		return err
	})
	if err == nil {
		*b = row
	}
	return err
}

// Unbar takes an entry off the black lists; models.NotFound.
func (s *Store) Unbar(ctx context.Context, id int64) error {
	return s.within(ctx, "unbar", func(_ context.Context, tx *gorm.DB) error {
		n, err := run(tx, "DELETE FROM barred WHERE id = ?", id)
		return known(n > 0, err, "id", "no such entry")
	})
}

// BarredFilter narrows BarredList; zero fields narrow nothing.
type BarredFilter struct {
	ID              int64
	TenantID, AppID int64
	Kind            models.ListKind
	Party           models.Party
}

// BarredList lists entries of the black lists, newest first.
func (s *Store) BarredList(ctx context.Context, f BarredFilter, page models.Page) ([]models.Barred, int, error) {
	var c conditions
	is(&c, "t.id", f.ID)
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.app_id", f.AppID)
	is(&c, "t.kind", f.Kind)
	is(&c, "t.party", f.Party)
	return listed(ctx, s, barredColumns, c, "t.id DESC", page)
}

// The bounds of what conduct looks at.
const (
	frequencyOver = time.Hour
	behaviourOver = 24 * time.Hour // so that somebody who was refused for it gets another chance
	behaviourOf   = 20             // calls
	shortTalk     = 5              // seconds
)

// conduct finds what the app's risk rules ask for: nil when none does. It takes a query for lists and counts together, and another for the
// caller's last calls.
func (s *Store) conduct(ctx context.Context, v models.Sight) (*models.Conduct, error) {
	k := v.App.Settings.Risk
	lists := k.BlackLists != models.WatchOff || k.Direction != models.WatchOff
	counts := k.Frequency != models.WatchOff && (k.PerCaller > 0 || k.PerCallee > 0 || k.PerNumber > 0)
	calls := k.TestDial != models.WatchOff || k.Behaviour != models.WatchOff && (k.MinTalk > 0 || k.MinConnected > 0)
	if !lists && !counts && !calls {
		return nil, nil
	}
	c := &models.Conduct{}
	callee := calleeOf(v)
	if lists || counts {
		if err := s.listsAndCounts(ctx, c, v, callee, lists, counts); err != nil {
			return nil, err
		}
	}
	if calls && v.Caller.Known() {
		return c, s.lastCalls(ctx, c, v, callee)
	}
	return c, nil
}

// calleeOf is whom the route leads to, as far as the store can tell; mode X tells later.
func calleeOf(v models.Sight) models.Party {
	if v.Route == nil {
		return models.Party{}
	}
	if to, set := v.Route.TempLive(v.Now); set {
		return to
	}
	return v.Route.Destination
}

// listsAndCounts asks for both in one statement: rows of a list, and rows of a count, told apart by their first column.
func (s *Store) listsAndCounts(ctx context.Context, c *models.Conduct, v models.Sight, callee models.Party, lists, counts bool) error {
	var parts []string
	var args []any
	if lists {
		parts = append(parts, "SELECT kind, party, 0 FROM barred WHERE party IN (?, ?, ?) AND tenant_id IN (0, ?) AND app_id IN (0, ?)")
		args = append(args, v.Caller, callee, v.Dialled, v.App.TenantID, v.App.ID)
	}
	since, k := micros(v.Now.Add(-frequencyOver)), v.App.Settings.Risk
	count := func(name, column string, of any, bound int) {
		// One more than the bound is as good as a thousand; and the call itself may be among them.
		parts = append(parts, fmt.Sprintf("SELECT '%s', '', (SELECT COUNT(*) FROM (SELECT 1 AS one FROM sessions t WHERE t.%s = ? AND t.started_at > ? AND +t.app_id = ? LIMIT %d) counted)",
			name, column, bound+2))
		args = append(args, of, since, v.App.ID)
	}
	if counts && k.PerCaller > 0 && v.Caller.Known() {
		count("by_caller", "caller", v.Caller, k.PerCaller)
	}
	if counts && k.PerCallee > 0 && callee.Known() {
		count("by_callee", "callee", callee, k.PerCallee)
	}
	if counts && k.PerNumber > 0 {
		count("on_number", "dialled", v.Dialled, k.PerNumber)
	}
	if len(parts) == 0 {
		return nil
	}
	return each(s.reader(ctx), func(rows *sql.Rows) error {
		var what, party string
		var n int
		if err := rows.Scan(text(&what), text(&party), num(&n)); err != nil {
			return err
		}
		note(c, v, what, party, callee, n)
		return nil
	}, strings.Join(parts, " UNION ALL "), args...)
}

// note puts one row of listsAndCounts where it belongs.
func note(c *models.Conduct, v models.Sight, what, party string, callee models.Party, n int) {
	switch what {
	case "by_caller":
		c.ByCaller = n
	case "by_callee":
		c.ByCallee = n
	case "on_number":
		c.OnNumber = n
	case string(models.BarCaller):
		c.CallerBarred = c.CallerBarred || party == v.Caller.Reveal()
	case string(models.BarCallee):
		c.CalleeBarred = c.CalleeBarred || party == callee.Reveal()
	case string(models.OnlyReceive):
		c.OnlyReceive = c.OnlyReceive || party == v.Dialled
	case string(models.OnlyPlace):
		c.OnlyPlace = c.OnlyPlace || party == v.Dialled
	}
}

// lastCalls reads the caller's last calls of the last day in which somebody was dialled, the newest first.
func (s *Store) lastCalls(ctx context.Context, c *models.Conduct, v models.Sight, callee models.Party) error {
	list, err := cdrColumns.all(s.reader(ctx), fmt.Sprintf("WHERE t.caller = ? AND t.call_in_at > ? AND +t.app_id = ? AND t.callee <> '' ORDER BY t.call_in_at DESC LIMIT %d", behaviourOf),
		v.Caller, micros(v.Now.Add(-behaviourOver)), v.App.ID)
	if err != nil {
		return err
	}
	talked, inRow := int64(0), true
	for _, call := range list {
		c.Recent++
		if call.AnswerAt.IsZero() {
			continue
		}
		talk := call.TalkSeconds()
		c.Answered++
		talked += talk
		if call.Callee == callee && inRow {
			if inRow = talk < shortTalk; inRow {
				c.ShortInRow++
			}
		}
	}
	if c.Answered > 0 {
		c.MeanTalk = int(talked) / c.Answered
	}
	return nil
}
