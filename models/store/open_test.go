package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"

	"maskline/models"
)

func TestMigrateFromEmpty(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		s := must[*Store](t)(Open(ctx, cfg))
		t.Cleanup(func() { _ = s.Close() })
		if n := must[int](t)(s.Pending(ctx)); n == 0 {
			t.Error("an empty database lacks nothing")
		}
		var wg sync.WaitGroup
		for range 2 {
			other := must[*Store](t)(Open(ctx, cfg))
			t.Cleanup(func() { _ = other.Close() })
			wg.Go(func() {
				if cfg.Driver == MySQL { // SQLite has one daemon
					if err := other.Migrate(ctx); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for range 2 {
			if err := s.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if n := must[int](t)(s.Pending(ctx)); n != 0 {
			t.Errorf("%d migrations are pending", n)
		}
		if err := s.Ping(ctx); err != nil {
			t.Error(err)
		}
		if st := s.Stats(); st.Write.OpenConnections == 0 || st.Waiting != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestMigrateAFullHouse brings a database of the first version, with a binding in it, to the present one.
func TestMigrateAFullHouse(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		s := must[*Store](t)(Open(ctx, cfg))
		t.Cleanup(func() { _ = s.Close() })
		if err := s.withGoose(ctx, func(p *goose.Provider) error { _, err := p.UpTo(ctx, 1); return err }); err != nil {
			t.Fatal(err)
		}
		b := models.Binding{ID: "b", TenantID: 1, AppID: 1, Mode: models.ModeAXB, X: x1, A: alice, B: bob}
		for _, stmt := range []string{
			"INSERT INTO tenants VALUES (1, 'Acme', 'acme_pv', 'normal', 1)",
			"INSERT INTO apps VALUES (1, 1, 'key-1', 'app', 'axb', 'normal', '', '', 'aksk', 0, 0, 0, '', 0, 'null', 1)",
			"INSERT INTO numbers VALUES (1, 1, 1, '" + x1 + "', '0755', 5, '', 1, 1)",
			"INSERT INTO bindings VALUES (1, 'b', 1, 1, 'axb', '" + x1 + "', '" + alice.Reveal() + "', '" + bob.Reveal() + "', 0, 0, 0, '', 0, '', 0, '', '', '', 1, 1, 0, 0, '')",
			"INSERT INTO routes VALUES ('" + x1 + "', '" + alice.Reveal() + "', '-', 1, 'b', '" + bob.Reveal() + "', '" + x1 + "', 'a', 0, 1, 0)",
		} {
			mustExec(t, s.pools[0], stmt)
		}
		if err := s.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		v := must[models.Sight](t)(s.Sight(ctx, x1, alice, models.NoExtension))
		b.CreatedAt, b.StartedAt = v.Binding.CreatedAt, v.Binding.StartedAt
		if v.Route.Destination != bob || *v.Binding != b || !v.Route.Temp.IsZero() || !reflect.DeepEqual(v.App.Settings, models.AppSettings{}) ||
			v.Number.Kind != models.NumberPrivate || v.Tenant.Calls != (models.CallCap{}) {
			t.Errorf("sight %+v of binding %+v", v, v.Binding)
		}
		if err := s.withGoose(ctx, func(p *goose.Provider) error { _, err := p.DownTo(ctx, 0); return err }); err != nil {
			t.Errorf("back to nothing: %v", err)
		}
	})
}

func TestClock(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		s := open(t, cfg)
		before := time.Now().Add(-time.Minute)
		now := must[time.Time](t)(s.Now(ctx))
		if now.Before(before) || now.After(time.Now().Add(time.Minute)) || now.Location() != time.UTC {
			t.Errorf("the store's clock says %v", now)
		}
		// Without a clock of the test's everything goes by the database's: the same methods, other SQL.
		h := &house{Store: s}
		h.furnish(t)
		b := h.bind(t, x1, alice, bob, 60)
		v := must[models.Sight](t)(s.Sight(ctx, x1, alice, models.NoExtension))
		if v.Route == nil || !v.Route.Live(v.Now) || v.Now.Before(b.CreatedAt) || b.CreatedAt.Before(now) {
			t.Errorf("sight %+v", v)
		}
		if _, _, secrets, err := s.Credentials(ctx, "key-1"); err != nil || len(secrets) != 1 {
			t.Errorf("credentials: %q, %v", secrets, err)
		}
		for range 2 {
			if status, _, _, err := h.once(ctx, replyKey("n", ""), h.request(x2, alice, bob)); err != nil || status != 200 {
				t.Errorf("once: %d, %v", status, err)
			}
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for name, cfg := range map[string]Config{
		"driver": {Driver: "postgres"}, "memory": {Driver: SQLite, DSN: ":memory:"}, "no file": {Driver: SQLite, DSN: filepath.Join(t.TempDir(), "a", "b.db")},
		"dsn": {Driver: MySQL, DSN: "://"}, "nobody there": {Driver: MySQL, DSN: "root@unix(" + filepath.Join(t.TempDir(), "none") + ")/x"},
	} {
		if s, err := Open(context.Background(), cfg); err == nil {
			_ = s.Close()
			t.Errorf("%s: opened", name)
		}
	}
}

func TestBackup(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		path := filepath.Join(t.TempDir(), "copy.db")
		err := h.Backup(ctx, path)
		if cfg.Driver == MySQL {
			if err == nil || !strings.Contains(err.Error(), "mysqldump") {
				t.Errorf("backup: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, cfg.DSN} {
			if st := must[os.FileInfo](t)(os.Stat(p)); st.Mode().Perm() != 0o600 {
				t.Errorf("%s is %v", filepath.Base(p), st.Mode())
			}
		}
		copied := open(t, Config{Driver: SQLite, DSN: path, Keys: cfg.Keys})
		if got := must[models.Number](t)(copied.Number(ctx, x1)); got.AppID != h.app.ID {
			t.Errorf("the copy holds %+v", got)
		}
		if err := h.Backup(ctx, path); !errors.Is(err, os.ErrExist) {
			t.Errorf("a file that exists: %v", err)
		}
	})
}

func TestConflictsAreTriedAgain(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		lost := &mysql.MySQLError{Number: 1213}
		runs := 0
		err := h.within(ctx, "try", func(ctx context.Context, _ *gorm.DB) error {
			runs++
			if _, err := h.Bind(ctx, h.request(x1, alice, bob)); err != nil {
				return err
			}
			if runs < 3 {
				// A nested loss that the function itself overlooks.
				_ = h.within(ctx, "nested", func(context.Context, *gorm.DB) error { return lost })
			}
			return nil
		})
		if err != nil || runs != 3 {
			t.Errorf("%d runs, %v", runs, err)
		}
		runs = 0
		err = h.within(ctx, "try", func(context.Context, *gorm.DB) error { runs++; return lost })
		if !errors.Is(err, lost) || runs != maxAttempts {
			t.Errorf("%d runs, %v", runs, err)
		}
		runs = 0
		_ = h.within(ctx, "try", func(context.Context, *gorm.DB) error { runs++; return errors.New("other") })
		if runs != 1 {
			t.Errorf("%d runs of what is no conflict", runs)
		}
	})
}

// TestDeadlock makes a real one: two transactions that take two numbers in opposite order. SQLite has one writer and cannot.
func TestDeadlock(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		if cfg.Driver == SQLite {
			return
		}
		h := newHouse(t, cfg)
		var wg sync.WaitGroup
		var first sync.WaitGroup
		first.Add(2)
		for i := range 2 {
			wg.Go(func() {
				arrived := false
				err := h.within(context.Background(), "cross", func(_ context.Context, tx *gorm.DB) error {
					if err := lockNumber(tx, []string{x1, x2}[i]); err != nil {
						return err
					}
					if !arrived {
						arrived = true
						first.Done()
					}
					first.Wait()
					return lockNumber(tx, []string{x2, x1}[i])
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func TestPanicLeavesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		func() {
			defer func() { _ = recover() }()
			_, _, _, _ = h.Once(ctx, replyKey("n", ""), time.Hour, func(ctx context.Context) (int, []byte, error) {
				must[models.Binding](t)(h.Bind(ctx, h.request(x1, alice, bob)))
				panic("bug")
			})
		}()
		h.consistent(t, nil)
		h.bind(t, x2, alice, bob, 0) // the connection is free again
	})
}
