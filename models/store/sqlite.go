package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// openSQLite opens one writing connection and a few readers of the same file. SQLite has one writer at a time anyway; with one connection
// writers queue in Go, in order, instead of polling the file's lock.
func (s *Store) openSQLite(ctx context.Context) error {
	path, err := sqlitePath(s.cfg.DSN)
	if err != nil {
		return err
	}
	// SQLite would make the file with the umask's rights. It holds real numbers: nobody else's.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return fmt.Errorf("open database file: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("open database file: %w", err)
	}
	if s.cfg.Clock == nil {
		s.cfg.Clock = time.Now
	}
	s.nowExpr, s.turn = "?", make(chan struct{}, 1)
	if s.write, err = s.sqlitePool(ctx, path, 1, false); err != nil {
		return err
	}
	readers := s.cfg.OpenConns
	if readers <= 0 {
		readers = DefaultReaders
	}
	s.read, err = s.sqlitePool(ctx, path, readers, true)
	return err
}

func sqlitePath(dsn string) (string, error) {
	path, _, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "?")
	if path == "" || path == ":memory:" {
		return "", errors.New("open database: sqlite needs the path of a file")
	}
	return path, nil
}

func (s *Store) sqlitePool(ctx context.Context, path string, conns int, readOnly bool) (*gorm.DB, error) {
	// synchronous=FULL: committed means on disk (DESIGN §9). _txlock=immediate: a transaction takes the writer's lock when it begins,
	// so that it cannot find out half-way that another process has it.
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-4000)"}}
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Set("_txlock", "immediate")
	}
	pool, err := sql.Open(sqlite.DriverName, "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("open database file: %w", err)
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	s.pools = append(s.pools, pool)
	if err := pool.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("open database file: %w", err)
	}
	db, err := gorm.Open(sqlite.Dialector{Conn: pool}, gormConfig())
	if err != nil {
		return nil, fmt.Errorf("open database file: %w", err)
	}
	return db, nil
}

// gormConfig: duplicate keys come as gorm.ErrDuplicatedKey, which also drops MySQL's text with the number in it; no transaction of gorm's
// own around a single statement; and no log of statements, which would print real numbers. gorm's PrepareStmt stays off: its cache starts a
// goroutine that nothing ends (gorm v1.31.2, internal/lru), and neither driver gains by it: MySQL's puts the arguments into the text, one
// round trip a statement, SQLite's compiles at every execution anyway.
func gormConfig() *gorm.Config {
	return &gorm.Config{TranslateError: true, SkipDefaultTransaction: true, DisableAutomaticPing: true, Logger: logger.Discard}
}
