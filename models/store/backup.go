package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/glebarez/sqlite"
)

// Backup writes a consistent copy of an SQLite database to path, while others go on writing. The file must not exist. A MySQL database is
// backed up by its own tools: the error names them.
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	if s.cfg.Driver != SQLite {
		return errors.New("back up: this database is MySQL: use mysqldump --single-transaction, or mariadb-dump --single-transaction")
	}
	from, err := sqlitePath(s.cfg.DSN)
	if err != nil {
		return err
	}
	// VACUUM INTO takes an empty file. Made here, it is not readable for others and no file of somebody's is overwritten.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	// A connection of its own: the writer's would hold every bind up for as long as the copy takes.
	db, err := sql.Open(sqlite.DriverName, from+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("back up: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}
