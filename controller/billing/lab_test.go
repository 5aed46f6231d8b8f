package billing

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"maskline/models"
	"maskline/models/store"
	"maskline/models/store/storetest"
)

// lab is a store with a clock that the test holds, a tenant with money and an app with numbers, and what was told and pushed.
type lab struct {
	*testing.T
	*store.Store
	ctx    context.Context
	tenant models.Tenant
	app    models.App
	keys   int

	mu     sync.Mutex
	now    time.Time
	told   []string
	pushed []string
}

// engine makes an empty database.
type engine func(t *testing.T) store.Config

// bothEngines runs a test on SQLite and, where MASKLINE_TEST_MYSQL names a server, on a database of its own there.
func bothEngines(t *testing.T, test func(t *testing.T, e engine)) {
	t.Helper()
	t.Run(store.SQLite, func(t *testing.T) { test(t, onSQLite) })
	if os.Getenv("MASKLINE_TEST_MYSQL") != "" {
		t.Run(store.MySQL, func(t *testing.T) { test(t, onMySQL) })
	}
}

func onSQLite(t *testing.T) store.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "maskline.db")
	if err := storetest.Lay(file); err != nil {
		t.Fatal(err)
	}
	return store.Config{Driver: store.SQLite, DSN: file}
}

func onMySQL(t *testing.T) store.Config {
	t.Helper()
	cfg, err := mysql.ParseDSN(os.Getenv("MASKLINE_TEST_MYSQL"))
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	cfg.DBName = "billing_test_" + strings.ReplaceAll(models.NewID(), "-", "")
	exec := func(stmt string) {
		if _, err := admin.ExecContext(context.Background(), stmt); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		exec("DROP DATABASE " + cfg.DBName)
		_ = admin.Close()
	})
	exec("CREATE DATABASE " + cfg.DBName)
	return store.Config{Driver: store.MySQL, DSN: cfg.FormatDSN()}
}

// newLab makes a lab on SQLite.
func newLab(t *testing.T, now time.Time, zone string) *lab {
	t.Helper()
	return newLabOn(t, onSQLite, now, zone)
}

func newLabOn(t *testing.T, e engine, now time.Time, zone string) *lab {
	t.Helper()
	l := &lab{T: t, ctx: context.Background(), now: now}
	cfg := e(t)
	cfg.Clock = l.clock
	cfg.Keys = store.Keys{Current: "k1", ByID: map[string][]byte{"k1": bytes.Repeat([]byte("k"), 32)}}
	s, err := store.Open(l.ctx, cfg)
	l.must(err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	l.Store = s
	l.must(s.Migrate(l.ctx))
	l.tenant, l.app = l.add("first", zone)
	return l
}

func (l *lab) add(name, zone string) (models.Tenant, models.App) {
	l.Helper()
	tenant := models.Tenant{Name: name, SpID: name, Zone: zone}
	l.must(l.CreateTenant(l.ctx, &tenant))
	app := models.App{TenantID: tenant.ID, Name: name, Key: "key-" + name, Mode: models.ModeAXB, PushScheme: models.PushAKSK, StatusURL: "https://" + name + ".example/status"}
	app.Settings.PushNumberStatus = true
	l.must(l.CreateApp(l.ctx, &app, "secret"))
	return tenant, app
}

func (l *lab) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *lab) set(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = now
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// number adds a number that was delivered at a time.
func (l *lab) number(app models.App, number string, delivered time.Time) {
	l.Helper()
	l.must(l.AddNumbers(l.ctx, []models.Number{{AppID: app.ID, Number: number, AreaCode: "0755", DeliveredAt: delivered}}))
}

func (l *lab) state(number string) models.NumberState {
	l.Helper()
	n, err := l.Number(l.ctx, number)
	l.must(err)
	return n.State
}

// plan adds a plan of the platform's.
func (l *lab) plan(from time.Time, minute models.Amount, rent map[string]models.Amount) models.PricePlan {
	l.Helper()
	p := priced(models.CallPrice{Minute: minute})
	p.ID, p.From, p.Rent = 0, from, rent
	l.must(l.AddPlan(l.ctx, &p))
	return p
}

// pay moves an amount into a tenant's balance, or out of it.
func (l *lab) pay(tenantID int64, a models.Amount) {
	l.Helper()
	l.keys++
	_, err := l.Post(l.ctx, &models.Entry{Key: fmt.Sprint("recharge:", l.keys), Kind: models.EntryRecharge, TenantID: tenantID, By: "test",
		Postings: models.Transfer(models.AccountCash, models.TenantAccount(tenantID), a)})
	l.must(err)
}

func (l *lab) balance(tenantID int64) models.Amount {
	l.Helper()
	b, err := l.Balance(l.ctx, models.TenantAccount(tenantID))
	l.must(err)
	return b
}

// call writes the record of an answered call with the charges that a Rater makes; a nil one makes none.
func (l *lab) call(r *Rater, tenant models.Tenant, app models.App, answered time.Time, seconds int) models.CDR {
	l.Helper()
	l.keys++
	c := models.CDR{SessionID: fmt.Sprintf("s%d@h", l.keys), ICID: fmt.Sprint("i", l.keys), TenantID: tenant.ID, AppID: app.ID, Mode: models.ModeAXB, X: "+8617000000001",
		Caller: models.MustParty("+8613800000001"), Callee: models.MustParty("+8613900000002"), CallInAt: answered.Add(-5 * time.Second), AnswerAt: answered,
		EndAt: answered.Add(time.Duration(seconds) * time.Second), Source: models.SourceEvents}
	c.CompletedAt = c.EndAt
	change := models.Change{CDR: &c, Session: models.Session{ID: c.SessionID, LegA: fmt.Sprint("leg", l.keys), TenantID: tenant.ID, AppID: app.ID, Mode: c.Mode,
		Dialled: c.X, Caller: c.Caller, Callee: c.Callee, Stage: models.StageEnded, StartedAt: c.CallInAt, EndedAt: c.EndAt}}
	if r != nil {
		charges, err := r.Rate(l.ctx, c)
		l.must(err)
		change.Charges = charges
	}
	_, err := l.Record(l.ctx, change)
	l.must(err)
	return c
}

// arrears makes an Arrears that writes down what is told and offered.
func (l *lab) arrears(warn ...models.Amount) *Arrears {
	return NewArrears(ArrearsOptions{Store: l.Store, Warn: warn, Tell: l.tell, Offer: func(list []models.Delivery) {
		for _, d := range list {
			if d.ID == 0 {
				l.Error("a push was offered before it was written")
			}
			l.pushed = append(l.pushed, string(d.Body))
		}
	}})
}

func (l *lab) tell(n News) bool {
	l.told = append(l.told, fmt.Sprintf("%d %s: %s", n.TenantID, n.Kind, n.Subject))
	return true
}

// hears checks what was told since it was asked last.
func (l *lab) hears(when string, want ...string) {
	l.Helper()
	if !slices.Equal(l.told, want) {
		l.Errorf("%s: told %q, want %q", when, l.told, want)
	}
	l.told = nil
}

// sound checks the ledger.
func (l *lab) sound() {
	l.Helper()
	report, err := l.VerifyLedger(l.ctx)
	l.must(err)
	if !report.OK() {
		l.Errorf("the ledger is not sound: %v", report.Problems)
	}
}
