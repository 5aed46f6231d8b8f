package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// mysqlNow is the database's clock in microseconds since 1970, whatever the session's time zone.
const mysqlNow = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6))"

func (s *Store) openMySQL(ctx context.Context) error {
	cfg, err := mysqlConfig(s.cfg.DSN)
	if err != nil {
		return err
	}
	pool, err := mysqlPool(cfg)
	if err != nil {
		return err
	}
	s.pools = append(s.pools, pool)
	conns := s.cfg.OpenConns
	if conns <= 0 {
		conns = DefaultOpenConns
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(time.Hour)
	if err := pool.PingContext(ctx); err != nil {
		return fmt.Errorf("connect to mysql at %s: %w", cfg.Addr, err)
	}
	if s.write, err = gorm.Open(gormmysql.New(gormmysql.Config{Conn: pool}), gormConfig()); err != nil {
		return fmt.Errorf("connect to mysql at %s: %w", cfg.Addr, err)
	}
	s.read, s.nowExpr = s.write, mysqlNow
	if s.cfg.Clock != nil {
		s.nowExpr = "?"
	}
	return nil
}

// mysqlConfig completes a DSN. What the store relies on is set here and not left to the DSN; timeouts only where it names none.
func mysqlConfig(dsn string) (*mysql.Config, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("read database dsn: it is user:password@tcp(host:port)/database: %w", err)
	}
	cfg.ParseTime, cfg.Loc = true, time.UTC
	cfg.Collation = "utf8mb4_bin"
	cfg.ClientFoundRows = true // an update tells how many rows it met, changed or not
	cfg.InterpolateParams = true
	cfg.MultiStatements = false
	cfg.RejectReadOnly = true // a replica promoted under us: reconnect
	setIfZero(&cfg.Timeout, 5*time.Second)
	setIfZero(&cfg.ReadTimeout, 30*time.Second)
	setIfZero(&cfg.WriteTimeout, 30*time.Second)
	cfg.Logger = silent{} // the driver would print to stderr
	return cfg, nil
}

func setIfZero(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

type silent struct{}

func (silent) Print(...any) {}

func mysqlPool(cfg *mysql.Config) (*sql.DB, error) {
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("read database dsn: %w", err)
	}
	return sql.OpenDB(sessionConnector{c}), nil
}

// sessionConnector sets each new connection up. Statements rather than DSN parameters: the variable that holds the isolation level is
// named differently by MySQL and MariaDB, the statement is not.
type sessionConnector struct{ driver.Connector }

var sessionSetup = []string{
	"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
	"SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', innodb_lock_wait_timeout = 10",
}

func (c sessionConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // database/sql compares driver.ErrBadConn
	}
	ex, ok := conn.(driver.ExecerContext)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("set up mysql session: driver connection %T executes nothing", conn)
	}
	for _, stmt := range sessionSetup {
		if _, err := ex.ExecContext(ctx, stmt, nil); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("set up mysql session: %w", err)
		}
	}
	return conn, nil
}
