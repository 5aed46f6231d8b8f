package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// owe gives a call's charge; settled zero is one that waits for its hour.
func (h *house) owe(t testing.TB, session string, leg int, settled time.Time) {
	t.Helper()
	_, err := run(h.write, "INSERT INTO charges (session_id, leg, cdr_id, tenant_id, app_id, mode, end_at, seconds, units, minutes, plan_id, amount, why, entry_id, package_minutes, billed, settled_at)"+
		" VALUES (?, ?, 0, ?, ?, 'axb', 0, 0, 0, 0, 0, 0, '', 0, 0, 0, ?)", session, leg, h.tenant.ID, h.app.ID, micros(settled))
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) sessionsLeft(t testing.TB) (cdrs, sessions []string) {
	t.Helper()
	page := models.Page{Limit: models.PageMax}
	list, _, err := h.CDRs(context.Background(), CDRFilter{}, page)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		cdrs = append(cdrs, c.SessionID)
	}
	all, _, err := h.Sessions(context.Background(), SessionFilter{}, page)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		sessions = append(sessions, v.ID)
	}
	slices.Sort(cdrs)
	slices.Sort(sessions)
	return cdrs, sessions
}

// What is old goes; what is still owed, not over, or new stays.
func TestRetention(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		for i := range 6 {
			h.record(t, h.end(fmt.Sprintf("s%d", i)))
		}
		live := h.session("live")
		h.record(t, models.Change{Session: live})
		settled := h.clock.Now()
		h.owe(t, "s1", 1, settled) // click-to-dial: both legs
		h.owe(t, "s1", 2, settled)
		h.owe(t, "s2", 1, settled)
		h.owe(t, "s2", 2, time.Time{})
		if _, err := run(h.write, "UPDATE cdrs SET unrated = 1 WHERE session_id = 's3'"); err != nil {
			t.Fatal(err)
		}
		h.clock.advance(100 * 24 * time.Hour)
		h.record(t, h.end("new"))
		if n := must[int](t)(h.PruneCDRs(ctx, h.clock.Now().AddDate(0, 0, -200))); n != 0 {
			t.Errorf("%d records went before their time", n)
		}
		before := h.clock.Now().AddDate(0, 0, -90)
		if n := must[int](t)(h.PruneCDRs(ctx, before)); n != 4 {
			t.Errorf("%d records went, want s0, s1, s4, s5", n)
		}
		cdrs, sessions := h.sessionsLeft(t)
		if fmt.Sprint(cdrs) != "[new s2 s3]" || fmt.Sprint(sessions) != "[live new s2 s3]" {
			t.Errorf("left: cdrs %v, sessions %v", cdrs, sessions)
		}
		if n := must[int](t)(h.PruneCDRs(ctx, before)); n != 0 {
			t.Errorf("a second run took %d", n)
		}

		waiting := must[[]models.Delivery](t)(h.WaitingDeliveries(ctx, 0, nil, 100))
		for i := range waiting {
			waiting[i].State = []models.DeliveryState{models.DeliveryDone, models.DeliveryDead, models.DeliveryRetry}[i%3]
		}
		if err := h.SaveAttempt(ctx, waiting); err != nil {
			t.Fatal(err)
		}
		if n := must[int](t)(h.PruneDeliveries(ctx, before)); n != 8 {
			t.Errorf("%d deliveries went, want the 8 of 12 old ones that are over", n)
		}
		_, left, err := h.Deliveries(ctx, DeliveryFilter{}, models.Page{})
		if err != nil || left != 6 {
			t.Errorf("%d deliveries left, %v", left, err)
		}
	})
}

func TestRetentionOfMany(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		const many = pruneBatch*2 + 7
		add := func(n int, at time.Time) {
			t.Helper()
			err := h.within(ctx, "add events", func(_ context.Context, tx *gorm.DB) error {
				for i := range n {
					e := models.CallEvent{SessionID: fmt.Sprintf("%d-%d", at.Unix(), i), Key: "k", Type: models.EventDisconnect, At: at}
					if err := eventColumns.add(tx, &e); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		now := h.clock.Now()
		add(many, now.AddDate(0, 0, -100))
		add(3, now)
		if n := must[int](t)(h.PruneEvents(ctx, now.AddDate(0, 0, -90))); n != many {
			t.Errorf("%d events went, want %d", n, many)
		}
		if got := must[[]models.CallEvent](t)(h.Events(ctx, fmt.Sprintf("%d-0", now.Unix()))); len(got) != 1 {
			t.Errorf("new events: %v", got)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := h.PruneEvents(ended, now.Add(time.Hour)); err == nil {
			t.Error("it went on after its context had ended")
		}
	})
}

// Removing what is old reads no table from end to end.
func TestRetentionDoesNotScan(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	ctx := context.Background()
	h.record(t, h.end("s0"))
	h.clock.advance(100 * 24 * time.Hour)
	var log statementLog
	log.watch(t, h.read)
	log.watch(t, h.write)
	must[int](t)(h.PruneCDRs(ctx, h.clock.Now()))
	must[int](t)(h.PruneEvents(ctx, h.clock.Now()))
	must[int](t)(h.PruneDeliveries(ctx, h.clock.Now()))
	for _, q := range log.list {
		if !statement.MatchString(q.sql) {
			continue
		}
		err := each(h.write.Session(&gorm.Session{NewDB: true}), func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			if scanOfTable.MatchString(detail) || sortOfRows.MatchString(detail) {
				t.Errorf("%s\n\tof %s", detail, q.sql)
			}
			return err
		}, "EXPLAIN QUERY PLAN "+q.sql, q.args...)
		if err != nil {
			t.Errorf("%s: %v", q.sql, err)
		}
	}
	if len(log.list) < 10 {
		t.Errorf("only %d statements were seen", len(log.list))
	}
}
