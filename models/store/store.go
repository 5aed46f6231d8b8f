package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"
)

// The drivers.
const (
	SQLite = "sqlite"
	MySQL  = "mysql"
)

// Defaults of Config.
const (
	DefaultCoolOff   = 24 * time.Hour
	DefaultOpenConns = 32 // MySQL
	DefaultReaders   = 4  // SQLite
)

// Config says which database and how. Driver and DSN are needed, the rest has defaults.
type Config struct {
	Driver string // SQLite or MySQL
	// DSN is a file's path for SQLite; for MySQL user:password@tcp(host:port)/database, completed with what the store relies on
	// (READ COMMITTED, UTC, strict mode, timeouts).
	DSN  string
	Keys Keys // seal the apps' secrets; without them secrets can be neither written nor read
	// Clock replaces the store's clock in tests. Nil is the database's clock for MySQL and the process's for SQLite.
	Clock  func() time.Time
	Logger *slog.Logger // nil is silent
	// CoolOff is how long a number that a party left is not given to that party by automatic choice. 0 is DefaultCoolOff, negative none.
	CoolOff time.Duration
	// OpenConns bounds the connections: MySQL's pool (0 is DefaultOpenConns) or SQLite's readers (0 is DefaultReaders).
	OpenConns int
	// Gather is how long a patient change waits at most for others to share its commit; one that is not patient takes all that wait along.
	// 0 is not at all.
	Gather time.Duration
}

func (c Config) coolOff() time.Duration {
	switch {
	case c.CoolOff == 0:
		return DefaultCoolOff
	case c.CoolOff < 0:
		return 0
	}
	return c.CoolOff
}

// Store is an open database. Open makes it, Close ends it.
type Store struct {
	cfg     Config
	log     *slog.Logger
	write   *gorm.DB      // SQLite: one connection; MySQL: the pool
	read    *gorm.DB      // SQLite: readers of the same file; MySQL: the same as write
	turn    chan struct{} // SQLite: held by the transaction that writes; nil for MySQL
	pools   []*sql.DB
	seal    sealer
	nowExpr string // SQL of the store's clock: "?" or the database's own
	sql     statements
	commits *committer
	settled settledTo // by settlement
}

// Open connects to the database and starts the committer. It does not touch the schema: see Migrate and Pending.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	seal, err := newSealer(cfg.Keys)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, log: cfg.Logger, seal: seal}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	switch cfg.Driver {
	case SQLite:
		err = s.openSQLite(ctx)
	case MySQL:
		err = s.openMySQL(ctx)
	default:
		err = fmt.Errorf("database driver %q is unknown; it is %s or %s", cfg.Driver, SQLite, MySQL)
	}
	if err != nil {
		return nil, errors.Join(err, s.closePools())
	}
	s.sql = newStatements(s.nowExpr)
	s.commits = startCommitter(s)
	return s, nil
}

// Close commits the changes that wait in Record, ends the committer and closes the connections.
func (s *Store) Close() error {
	s.commits.close()
	return s.closePools()
}

func (s *Store) closePools() error {
	var errs []error
	for _, p := range s.pools {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	for _, p := range s.pools {
		if err := p.PingContext(ctx); err != nil {
			return fmt.Errorf("ping database: %w", err)
		}
	}
	return nil
}

// Now is the store's clock, in microseconds' resolution.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	if len(s.nowArgs()) > 0 {
		return s.cfg.Clock().UTC().Truncate(time.Microsecond), nil
	}
	var now time.Time
	_, err := one(s.reader(ctx), []any{when(&now)}, "SELECT "+s.nowExpr)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the database's clock: %w", err)
	}
	return now, nil
}

// nowArgs are the arguments that stand for nowExpr in a statement: the clock's time, or none when the database tells it.
func (s *Store) nowArgs() []any {
	if s.nowExpr != "?" {
		return nil
	}
	return []any{micros(s.cfg.Clock())}
}

// Stats is the state of the store's connections and queue, for metrics.
type Stats struct {
	Write   sql.DBStats
	Read    sql.DBStats // MySQL: the same pool as Write
	Waiting int         // changes that wait for the committer, at most QueueSize
}

// Stats reads the state of the connections and of Record's queue.
func (s *Store) Stats() Stats {
	return Stats{Write: s.pools[0].Stats(), Read: s.pools[len(s.pools)-1].Stats(), Waiting: len(s.commits.queue)}
}
