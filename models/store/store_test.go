package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"maskline/models"
)

func TestMain(m *testing.M) {
	if os.Getenv("MASKLINE_TEST_MYSQL") == "" {
		fmt.Println("models/store: MASKLINE_TEST_MYSQL is not set: the tests run on SQLite only")
	}
	goleak.VerifyTestMain(m)
}

// clock is a clock that tests hold.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func testKeys(current string, ids ...string) Keys {
	k := Keys{Current: current, ByID: map[string][]byte{}}
	for _, id := range append(ids, current) {
		k.ByID[id] = bytes.Repeat([]byte(id[:1]), 32)
	}
	return k
}

// onEach runs a test on SQLite and, if there is one, on MySQL, each with an empty migrated database of its own; beside other tests, since most of
// their time goes to making tables.
func onEach(t *testing.T, test func(t *testing.T, cfg Config)) {
	t.Helper()
	t.Parallel()
	t.Run(SQLite, func(t *testing.T) { test(t, sqliteConfig(t)) })
	if os.Getenv("MASKLINE_TEST_MYSQL") != "" {
		t.Run(MySQL, func(t *testing.T) { test(t, mysqlTestConfig(t)) })
	}
}

func sqliteConfig(t testing.TB) Config {
	return Config{Driver: SQLite, DSN: filepath.Join(t.TempDir(), "maskline.db"), Keys: testKeys("k1")}
}

func mysqlTestConfig(t testing.TB) Config {
	t.Helper()
	cfg, err := mysqlConfig(os.Getenv("MASKLINE_TEST_MYSQL"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.DBName = ""
	name := "maskline_test_" + strings.ReplaceAll(models.NewID(), "-", "")
	admin, err := mysqlPool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mustExec(t, admin, "DROP DATABASE "+name)
		_ = admin.Close()
	})
	mustExec(t, admin, "CREATE DATABASE "+name)
	cfg.DBName = name
	return Config{Driver: MySQL, DSN: cfg.FormatDSN(), Keys: testKeys("k1")}
}

func mustExec(t testing.TB, db *sql.DB, stmt string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), stmt, args...); err != nil {
		t.Fatalf("%s: %v", stmt, err)
	}
}

// migrated is the file of an empty SQLite database with the present schema, made once (storetest has the same for other packages).
var migrated = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "maskline-empty")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	name := filepath.Join(dir, "empty.db")
	s, err := Open(context.Background(), Config{Driver: SQLite, DSN: name})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.Migrate(context.Background()), s.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
})

func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	if _, err := os.Stat(cfg.DSN); cfg.Driver == SQLite && errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(cfg.DSN, must[[]byte](t)(migrated()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

// house is a store with a tenant, an AXB app and numbers in two cities.
type house struct {
	*Store
	clock  *clock
	tenant models.Tenant
	app    models.App
}

// Numbers of the house: two in Shenzhen, one in Beijing.
const (
	x1 = "+8617000000001"
	x2 = "+8617000000002"
	x3 = "+8617000000003"
)

var (
	alice = models.MustParty("+8613800000001")
	bob   = models.MustParty("+8613800000002")
	carol = models.MustParty("+8613800000003")
	dave  = models.MustParty("+8613800000004")
)

func newHouse(t testing.TB, cfg Config) *house {
	t.Helper()
	h := &house{clock: newClock()}
	cfg.Clock = h.clock.Now
	h.Store = open(t, cfg)
	h.furnish(t)
	return h
}

func (h *house) furnish(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	h.tenant = models.Tenant{Name: "Acme", SpID: "acme_pv"}
	if err := h.CreateTenant(ctx, &h.tenant); err != nil {
		t.Fatal(err)
	}
	h.app = h.newApp(t, "key-1")
	if err := h.AddNumbers(ctx, []models.Number{
		{AppID: h.app.ID, Number: x1, AreaCode: "0755"}, {AppID: h.app.ID, Number: x2, AreaCode: "0755"}, {AppID: h.app.ID, Number: x3, AreaCode: "010"},
	}); err != nil {
		t.Fatal(err)
	}
}

func (h *house) newApp(t testing.TB, key string) models.App {
	t.Helper()
	a := models.App{TenantID: h.tenant.ID, Key: key, Name: key, Mode: models.ModeAXB}
	if err := h.CreateApp(context.Background(), &a, "secret of "+key); err != nil {
		t.Fatal(err)
	}
	return a
}

func (h *house) request(x string, a, b models.Party) BindRequest {
	return BindRequest{App: h.app, Where: Where{X: x}, A: a, B: b}
}

func (h *house) bind(t testing.TB, x string, a, b models.Party, lifetime int) models.Binding {
	t.Helper()
	r := h.request(x, a, b)
	r.Settings.Lifetime = lifetime
	got, err := h.Bind(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantCode(t testing.TB, err error, code models.Code) {
	t.Helper()
	if got := models.CodeOf(err); got != code {
		t.Fatalf("error %v has code %q, want %q", err, got, code)
	}
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
