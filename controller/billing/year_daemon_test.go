package billing_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"maskline/controller/billing"
	"maskline/models"
	"maskline/models/store"
)

// database is an empty one of its own, and a way to look at its rows and to cut its connections that goes past the store.
type database struct {
	store.Config
	name string
	raw  *sql.DB
}

// onEach runs a test on SQLite and, where MASKLINE_TEST_MYSQL names a server, on a database of its own there.
func onEach(t *testing.T, test func(t *testing.T, open func(t *testing.T) *database)) {
	t.Run(store.SQLite, func(t *testing.T) {
		dir := t.TempDir()
		test(t, func(t *testing.T) *database { return sqliteDatabase(t, dir) })
	})
	if os.Getenv("MASKLINE_TEST_MYSQL") != "" {
		t.Run(store.MySQL, func(t *testing.T) { test(t, func(t *testing.T) *database { return mysqlDatabase(t) }) })
	}
}

var testKeys = store.Keys{Current: "k", ByID: map[string][]byte{"k": make([]byte, 32)}}

func sqliteDatabase(t testing.TB, dir string) *database {
	file := filepath.Join(dir, "year.db")
	raw, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	return &database{Config: store.Config{Driver: store.SQLite, DSN: file, Keys: testKeys, Clock: time.Now}, raw: raw}
}

func mysqlDatabase(t testing.TB) *database {
	conf, err := mysql.ParseDSN(os.Getenv("MASKLINE_TEST_MYSQL"))
	if err != nil {
		t.Fatal(err)
	}
	conf.DBName = ""
	raw, err := sql.Open("mysql", conf.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	name := "maskline_year_" + strings.ReplaceAll(models.NewID(), "-", "")
	if _, err := raw.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	conf.DBName = name
	return &database{Config: store.Config{Driver: store.MySQL, DSN: conf.FormatDSN(), Keys: testKeys, Clock: time.Now}, name: name, raw: raw}
}

// close removes the database; the stores on it are closed before.
func (b *database) close(t testing.TB) {
	if b.Driver == store.MySQL {
		if _, err := b.raw.Exec("DROP DATABASE " + b.name); err != nil {
			t.Error(err)
		}
	}
	if err := b.raw.Close(); err != nil {
		t.Error(err)
	}
}

// table is the name of a table for the raw connection.
func (b *database) table(name string) string {
	if b.Driver == store.MySQL {
		return b.name + "." + name
	}
	return name
}

// cut kills every connection of the stores, as a network or a database that dies does, and waits until the server has let go of them.
func (b *database) cut(ctx context.Context) error {
	ids, err := b.connections(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		_, _ = b.raw.ExecContext(ctx, fmt.Sprintf("KILL CONNECTION %d", id)) // it may be gone already
	}
	for {
		left, err := b.connections(ctx)
		if err != nil || !slices.ContainsFunc(left, func(id int64) bool { return slices.Contains(ids, id) }) {
			return err
		}
	}
}

func (b *database) connections(ctx context.Context) (ids []int64, err error) {
	rows, err := b.raw.QueryContext(ctx, "SELECT id FROM information_schema.processlist WHERE db = ?", b.name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// daemon is one of several on a database, as far as money goes.
type daemon struct {
	st         *store.Store
	rater      *billing.Rater
	guard      *billing.Guard
	settlement *billing.Settlement
	catchUp    *billing.CatchUp
	rent       *billing.Rent
	arrears    *billing.Arrears
}

// fuse is a context that ends after it was looked at some times. database/sql looks before and in each statement, so it ends anywhere: before a
// transaction, between two of its statements, before its commit.
type fuse struct {
	context.Context
	left   atomic.Int64
	cancel context.CancelFunc
}

func newFuse(ctx context.Context, looks int) *fuse {
	f := &fuse{}
	f.Context, f.cancel = context.WithCancel(ctx)
	f.left.Store(int64(looks))
	return f
}

func (f *fuse) Done() <-chan struct{} {
	if f.left.Add(-1) == 0 {
		f.cancel()
	}
	return f.Context.Done()
}

// harass does a piece of work as life does: most often once, at times twice, on two daemons at once, or killed in the middle and begun again.
func (w *world) harass(do func(ctx context.Context, d *daemon) error) {
	w.Helper()
	first, second := w.daemons[0], w.daemons[len(w.daemons)-1]
	if w.chance(0.5) {
		first, second = second, first
	}
	w.stats.runs++
	switch k := w.rnd.IntN(12); {
	case k == 0:
		w.must(do(w.ctx, first))
		w.stats.twice++
	case k == 1:
		w.stats.both++
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, d := range []*daemon{first, second} {
			wg.Go(func() { errs[i] = do(w.ctx, d) })
		}
		wg.Wait()
		w.must(errors.Join(errs...))
		return
	case k == 2:
		for range 1 + w.rnd.IntN(3) {
			f := newFuse(w.ctx, 1+w.rnd.IntN(1<<w.rnd.IntN(11)))
			if do(f, first) != nil {
				w.stats.kills++
			}
			f.cancel()
		}
	case k == 3 && w.base.Driver == store.MySQL:
		w.cutWhile(func() error { return do(w.ctx, first) })
	}
	w.must(do(w.ctx, second))
}

// cutWhile kills the database's connections, over and over, while something runs.
func (w *world) cutWhile(do func() error) {
	var over atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !over.Load() {
			if err := w.base.cut(w.ctx); err != nil {
				w.Errorf("cut connections: %v", err)
				return
			}
		}
	})
	if do() != nil {
		w.stats.kills++
	}
	over.Store(true)
	wg.Wait()
	w.must(w.base.cut(w.ctx)) // none is left that was killed and does not know it
}

func newDaemon(st *store.Store) *daemon {
	r := billing.NewRater(st)
	d := &daemon{st: st, rater: r, guard: billing.NewGuard(st, false), settlement: billing.NewSettlement(st), catchUp: billing.NewCatchUp(st, r),
		rent: billing.NewRent(st, nil)}
	d.arrears = billing.NewArrears(billing.ArrearsOptions{Store: st, Warn: []models.Amount{50 * models.Unit, 0}, Moved: d.guard.Forget})
	return d
}
