package store

import (
	"context"
	"database/sql"
	"regexp"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// statementLog collects what the store asks the database.
type statementLog struct {
	mu   sync.Mutex
	list []asked
}

type asked struct {
	sql  string
	args []any
}

func (l *statementLog) watch(t *testing.T, db *gorm.DB) {
	t.Helper()
	note := func(tx *gorm.DB) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = append(l.list, asked{tx.Statement.SQL.String(), append([]any{}, tx.Statement.Vars...)})
	}
	if err := db.Callback().Row().After("gorm:row").Register("note", note); err != nil {
		t.Fatal(err)
	}
	if err := db.Callback().Raw().After("gorm:raw").Register("note", note); err != nil {
		t.Fatal(err)
	}
}

var (
	statement   = regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE)`)
	scanOfTable = regexp.MustCompile(`^SCAN (\w+)$`)
	sortOfRows  = regexp.MustCompile(`USE TEMP B-TREE FOR ORDER BY`)
	// Lists without a filter walk the primary key and stop at their LIMIT.
	unfiltered = regexp.MustCompile(`FROM \w+ t  ORDER BY t.(id|seq) DESC LIMIT`)
	// Few rows to sort: two routes, an app's secrets, what came with one nonce, what belongs to one session or one number.
	fewRows = regexp.MustCompile(`FROM \(SELECT 1|app_secrets|nonce_hash|t.session_id = \?|t.x = \?`)
)

// TestNothingScans runs the store's methods and asks SQLite for the plan of every statement: none reads a table from end to end, and
// none that pages through many rows sorts them. MySQL gets the same statements on the same indexes.
func TestNothingScans(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	var log statementLog
	log.watch(t, h.read)
	log.watch(t, h.write)
	h.askEverything(t)
	for _, q := range log.list {
		if !statement.MatchString(q.sql) {
			continue
		}
		err := each(h.write.Session(&gorm.Session{NewDB: true}), func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			// q is the one row that outer joins start from, counted is bounded by its LIMIT.
			if m := scanOfTable.FindStringSubmatch(detail); m != nil && m[1] != "q" && m[1] != "counted" && !unfiltered.MatchString(q.sql) {
				t.Errorf("%s\n\tof %s", detail, q.sql)
			}
			if sortOfRows.MatchString(detail) && !fewRows.MatchString(q.sql) {
				t.Errorf("%s\n\tof %s", detail, q.sql)
			}
			return nil
		}, "EXPLAIN QUERY PLAN "+q.sql, q.args...)
		if err != nil {
			t.Errorf("%s: %v", q.sql, err)
		}
	}
	if len(log.list) < 60 {
		t.Errorf("only %d statements were seen", len(log.list))
	}
}

// askEverything calls what runs while calls run, and every list by each of its keys.
func (h *house) askEverything(t *testing.T) {
	t.Helper()
	ctx, now, page := context.Background(), h.clock.Now(), models.Page{Limit: 1}
	b := h.bind(t, x1, alice, bob, 60)
	h.bind(t, x2, carol, dave, 60)
	auto := h.request("", models.MustParty("+8613800000011"), models.MustParty("+8613800000012"))
	auto.Area = "0755"
	chosen := must[models.Binding](t)(h.Bind(ctx, auto))
	auto.Area, auto.A = "", models.MustParty("+8613800000013")
	must[models.Binding](t)(h.Bind(ctx, auto))
	must[models.Sight](t)(h.Sight(ctx, x1, alice, models.NoExtension))
	must[models.Sight](t)(h.SightAt(ctx, x1, alice, models.NoExtension, now.Add(-time.Hour)))
	must[models.Binding](t)(h.Modify(ctx, h.app.ID, b.ID, func(b *models.Binding) error { b.B = models.MustParty("+8613800000014"); return nil }))
	must[int](t)(h.Unbind(ctx, h.app.ID, UnbindBy{SubscriptionID: chosen.ID}))
	h.clock.advance(time.Hour)
	must[int](t)(h.ExpireBindings(ctx, 10))
	if _, _, _, err := h.Credentials(ctx, "key-1"); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := h.once(ctx, replyKey("n", ""), h.request(x1, alice, bob)); err != nil {
		t.Fatal(err)
	}
	oneUse := replyKey("n2", "")
	oneUse.OneUse = true
	if _, _, _, err := h.once(ctx, oneUse, h.request(x2, alice, bob)); err != nil {
		t.Fatal(err)
	}
	must[bool](t)(h.NonceUsed(ctx, "key-1", "n", replyKey("m", "")))
	must[int](t)(h.PruneReplies(ctx, now, 10))
	must[int](t)(h.Unbind(ctx, h.app.ID, UnbindBy{X: x1}))
	h.record(t, models.Change{Session: h.session("s0")})
	h.record(t, h.end("s1"))
	must[[]models.Session](t)(h.LiveSessions(ctx, "fs1"))
	must[[]models.CallEvent](t)(h.Events(ctx, "s1"))
	must[models.CDR](t)(h.CDR(ctx, "s1"))
	waiting := must[[]models.Delivery](t)(h.WaitingDeliveries(ctx, 0, 10))
	if err := h.SaveAttempt(ctx, waiting); err != nil {
		t.Fatal(err)
	}
	must[[]models.Delivery](t)(h.DueDeliveries(ctx, now, 10))
	must[[]models.Delivery](t)(h.DeadCDRs(ctx, now, h.app.ID, 0, 10))
	must[int](t)(h.Replay(ctx, DeliveryFilter{SessionID: "s1"}))
	h.list(t, page)
}

func (h *house) list(t *testing.T, page models.Page) {
	t.Helper()
	ctx, now := context.Background(), h.clock.Now()
	var errs []error
	note := func(_ int, err error) { errs = append(errs, err) }
	for _, f := range []BindingFilter{{}, {AppID: 1}, {AppID: 1, Open: true}, {TenantID: 1}, {X: x1, Open: true}, {X: x1, A: alice, Open: true}, {A: alice}, {B: bob}, {SubscriptionID: "s"}} {
		_, n, err := h.Bindings(ctx, f, page)
		note(n, err)
	}
	for _, f := range []SessionFilter{{}, {AppID: 1}, {TenantID: 1}, {Switch: "fs1"}, {Caller: alice}, {Callee: bob}, {Since: now, Until: now}, {AppID: 1, Since: now}} {
		_, n, err := h.Sessions(ctx, f, page)
		note(n, err)
	}
	for _, f := range []CDRFilter{{}, {AppID: 1}, {TenantID: 1}, {SessionID: "s"}, {Caller: alice}, {Callee: bob}, {X: x1}, {AppID: 1, Since: now}} {
		_, n, err := h.CDRs(ctx, f, page)
		note(n, err)
	}
	for _, f := range []DeliveryFilter{{}, {AppID: 1}, {Since: now}, {AppID: 1, Since: now}} {
		_, n, err := h.Deliveries(ctx, f, page)
		note(n, err)
	}
	for _, f := range []NumberFilter{{}, {AppID: 1}, {TenantID: 1}} {
		_, n, err := h.Numbers(ctx, f, page)
		note(n, err)
	}
	_, n, err := h.PastRoutes(ctx, PastRouteFilter{Dialled: x1, Caller: alice}, page)
	note(n, err)
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}
