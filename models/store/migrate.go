package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema to what this program needs. Several daemons may call it at once: on MySQL a named lock lets one through at a
// time, on SQLite the file's own.
func (s *Store) Migrate(ctx context.Context) error {
	return s.withGoose(ctx, func(p *goose.Provider) error {
		done, err := p.Up(ctx)
		if err != nil {
			return fmt.Errorf("migrate the schema: %w", err)
		}
		for _, m := range done {
			s.log.InfoContext(ctx, "migrated", "file", m.Source.Path, "took", m.Duration)
		}
		return nil
	})
}

// Pending tells how many migrations the database lacks.
func (s *Store) Pending(ctx context.Context) (n int, err error) {
	err = s.withGoose(ctx, func(p *goose.Provider) error {
		all, err := p.Status(ctx)
		if err != nil {
			return fmt.Errorf("read the schema's version: %w", err)
		}
		for _, m := range all {
			if m.State == goose.StatePending {
				n++
			}
		}
		return nil
	})
	return n, err
}

func (s *Store) withGoose(ctx context.Context, do func(*goose.Provider) error) (err error) {
	db, dialect := s.pools[0], goose.DialectSQLite3
	if s.cfg.Driver == MySQL {
		dialect = goose.DialectMySQL
		if db, err = s.migrationPool(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		unlock, err := mysqlLock(ctx, db)
		if err != nil {
			return err
		}
		defer unlock()
	}
	files, err := fs.Sub(migrations, "migrations/"+s.cfg.Driver)
	if err != nil {
		return fmt.Errorf("find migrations: %w", err)
	}
	p, err := goose.NewProvider(dialect, db, files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return do(p)
}

// migrationPool has no read timeout: an ALTER TABLE of a large table takes long.
func (s *Store) migrationPool() (*sql.DB, error) {
	cfg, err := mysqlConfig(s.cfg.DSN)
	if err != nil {
		return nil, err
	}
	cfg.ReadTimeout, cfg.WriteTimeout = 0, 0
	return mysqlPool(cfg)
}

// mysqlLock takes a lock named for the database, on a connection of its own, and waits up to a minute for it.
func mysqlLock(ctx context.Context, db *sql.DB) (unlock func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to migrate: %w", err)
	}
	var got sql.NullInt64
	err = conn.QueryRowContext(ctx, "SELECT GET_LOCK(CONCAT('maskline.', LEFT(SHA1(DATABASE()), 40)), 60)").Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = errors.New("another migration has held it for a minute")
	}
	if err != nil {
		return nil, fmt.Errorf("lock the schema: %w", errors.Join(err, conn.Close()))
	}
	return func() { _ = conn.Close() }, nil // db.Close follows and ends the lock with its session
}
