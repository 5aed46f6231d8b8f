package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// cdrRows writes n records, a second apart, of which several share a moment; the callers end with the number of their row.
func (h *house) cdrRows(t testing.TB, n int) {
	t.Helper()
	err := h.write.Exec(`INSERT INTO cdrs (session_id, icid, tenant_id, app_id, binding_id, mode, direction, x, area, caller, display, callee, trunk, switch, host,
		call_in_at, start_at, alerting_at, answer_at, end_at, fail_at, q850, fail, sip_status, hung_up_by, record, record_at, record_file, user_data, source, completed_at)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		SELECT 's' || i, 'i' || i, ?, ?, '', 'axb', 1, ?, '', '+8613' || (800000000 + i), '', ?, '', 'fs1', 'h', 1000000 * (1 + i / 3), 0, 0, 0, 1000000 * (2 + i / 3), 0,
		0, 0, 0, 0, 0, 0, '', '', 'events', 0 FROM n`, n, h.tenant.ID, h.app.ID, x1, bob).Error
	if err != nil {
		t.Fatal(err)
	}
}

// walked are the session ids that a walk gives.
func (h *house) walked(t testing.TB, f CDRFilter) (ids []string) {
	t.Helper()
	if err := h.EachCDR(context.Background(), f, func(c models.CDR) error { ids = append(ids, c.SessionID); return nil }); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestAWalkGivesEveryRecordOnce(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	const n = 2*walkPage + 7
	h.cdrRows(t, n)
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("s%d", i+1))
	}
	if got := h.walked(t, CDRFilter{OldestFirst: true}); !slices.Equal(got, want) {
		t.Errorf("oldest first: %d records, %v …", len(got), got[:3])
	}
	slices.Reverse(want)
	if got := h.walked(t, CDRFilter{TenantID: h.tenant.ID, AppID: h.app.ID}); !slices.Equal(got, want) {
		t.Errorf("newest first: %d records, %v …", len(got), got[:3])
	}
	if got := h.walked(t, CDRFilter{AppID: 99}); got != nil {
		t.Errorf("of an app without calls: %v", got)
	}
	since, until := time.Unix(100, 0), time.Unix(102, 0)
	if got := h.walked(t, CDRFilter{Since: since, Until: until, OldestFirst: true}); strings.Join(got, " ") != "s297 s298 s299 s300 s301 s302" {
		t.Errorf("of two seconds: %v", got)
	}
	enough := errors.New("enough")
	if err := h.EachCDR(context.Background(), CDRFilter{}, func(models.CDR) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("a walk that is ended: %v", err)
	}
}

func TestSearchForPartOfANumber(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	h.cdrRows(t, LikeMost+600)
	count := func(f CDRFilter) int {
		t.Helper()
		_, n, err := h.CDRs(context.Background(), f, models.Page{Limit: models.PageMax})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for name, c := range map[string]struct {
		f    CDRFilter
		want int
	}{
		"at the end":                  {CDRFilter{CallerLike: Like{Digits: "800200333", AtEnd: true}}, 1},
		"within":                      {CDRFilter{CallerLike: Like{Digits: "80020033"}}, 10},
		"within, but not at the end":  {CDRFilter{CallerLike: Like{Digits: "80020033", AtEnd: true}}, 0},
		"of the callee":               {CDRFilter{CallerLike: Like{Digits: "80020033"}, CalleeLike: Like{Digits: bob.Reveal()[8:], AtEnd: true}}, 10},
		"of the callee, nobody":       {CDRFilter{CalleeLike: Like{Digits: "000999"}}, 0},
		"older than what is searched": {CDRFilter{CallerLike: Like{Digits: "800000300", AtEnd: true}}, 0},
		"in a span of its own":        {CDRFilter{CallerLike: Like{Digits: "800000300", AtEnd: true}, Until: time.Unix(1000, 0)}, 1},
		"no digits":                   {CDRFilter{CallerLike: Like{Digits: "%"}}, 0},
	} {
		if got := count(c.f); got != c.want {
			t.Errorf("%s: %d records, want %d", name, got, c.want)
		}
	}
	if got := h.walked(t, CDRFilter{CallerLike: Like{Digits: "80020033"}, OldestFirst: true}); len(got) != 10 || got[0] != "s200330" {
		t.Errorf("walked %v", got)
	}
	since, err := h.SearchedSince(context.Background(), CDRFilter{CallerLike: Like{Digits: "1"}})
	if err != nil || !since.Equal(time.Unix(1+601/3, 0)) {
		t.Errorf("searched since %v, %v", since, err)
	}
	for name, f := range map[string]CDRFilter{"all of them": {CallerLike: Like{Digits: "1"}, Until: time.Unix(100, 0)}, "without such a search": {}} {
		if since, err := h.SearchedSince(context.Background(), f); err != nil || !since.IsZero() {
			t.Errorf("%s: searched since %v, %v", name, since, err)
		}
	}
}

// TestWalksSortNothing asks SQLite for the plan of every statement of a walk and of a search for part of a number.
func TestWalksSortNothing(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	h.cdrRows(t, walkPage+1)
	var log statementLog
	log.watch(t, h.read)
	now := h.clock.Now()
	filters := []CDRFilter{{}, {AppID: h.app.ID}, {TenantID: h.tenant.ID}, {Caller: alice}, {Callee: bob}, {X: x1}, {TenantID: h.tenant.ID, Until: now}, {AppID: h.app.ID, Until: now}}
	for _, f := range filters {
		for _, f.OldestFirst = range []bool{false, true} {
			h.walked(t, f)
		}
		f.CallerLike, f.CalleeLike = Like{Digits: "1"}, Like{Digits: "2", AtEnd: true}
		h.walked(t, f)
		if _, _, err := h.CDRs(context.Background(), f, models.Page{Limit: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range log.list {
		// A list without a filter walks an index from its end and stops at its LIMIT.
		free := !strings.Contains(q.sql, "WHERE")
		err := each(h.write.Session(&gorm.Session{NewDB: true}), func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			if strings.Contains(detail, "USE TEMP B-TREE") || strings.HasPrefix(detail, "SCAN t") && !free {
				t.Errorf("%s\n\tof %s", detail, q.sql)
			}
			return err
		}, "EXPLAIN QUERY PLAN "+q.sql, q.args...)
		if err != nil {
			t.Errorf("%s: %v", q.sql, err)
		}
	}
	if len(log.list) < 4*len(filters) {
		t.Errorf("only %d statements were seen", len(log.list))
	}
}

func TestWalksThroughMoney(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	ctx, now := context.Background(), h.clock.Now()
	const n = walkPage + 3
	var charges []models.Charge
	for i := range n {
		charges = append(charges, models.Charge{SessionID: fmt.Sprint("s", i), Leg: 2, TenantID: h.tenant.ID, AppID: h.app.ID, Mode: models.ModeAXB, EndAt: now.Add(time.Duration(i/2) * time.Second),
			Seconds: 1, Units: 1, Minutes: 1, Amount: 100, Why: "a second"})
		e := models.Entry{Key: fmt.Sprint("e", i), Kind: models.EntryRecharge, TenantID: h.tenant.ID, At: now.Add(time.Duration(i/2) * time.Second),
			Postings: models.Transfer(models.AccountCash, models.TenantAccount(h.tenant.ID), 1)}
		must[bool](t)(h.Post(ctx, &e))
	}
	if err := h.AddCharges(ctx, charges); err != nil {
		t.Fatal(err)
	}
	var log statementLog
	log.watch(t, h.read)
	for _, f := range []ChargeFilter{{}, {TenantID: h.tenant.ID}, {AppID: h.app.ID}, {Since: now}} {
		seen := map[string]bool{}
		if err := h.EachCharge(ctx, f, func(c models.Charge) error { seen[c.SessionID] = true; return nil }); err != nil || len(seen) != n {
			t.Errorf("%+v: %d charges, %v", f, len(seen), err)
		}
	}
	for _, f := range []EntryFilter{{}, {TenantID: h.tenant.ID}, {Kind: models.EntryRecharge}, {Account: models.AccountCash}, {Since: now}} {
		seen := map[string]bool{}
		if err := h.EachEntry(ctx, f, func(e models.Entry) error { seen[e.Key] = len(e.Postings) == 2; return nil }); err != nil || len(seen) != n || !seen["e0"] {
			t.Errorf("%+v: %d entries, %v", f, len(seen), err)
		}
	}
	for _, q := range log.list {
		if strings.Contains(q.sql, "FROM postings") {
			continue // of the entries of one page
		}
		err := each(h.write.Session(&gorm.Session{NewDB: true}), func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			if strings.Contains(detail, "USE TEMP B-TREE") {
				t.Errorf("%s\n\tof %s", detail, q.sql)
			}
			return err
		}, "EXPLAIN QUERY PLAN "+q.sql, q.args...)
		if err != nil {
			t.Errorf("%s: %v", q.sql, err)
		}
	}
}
