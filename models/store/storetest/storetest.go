// Package storetest lays down empty databases for tests. To bring one up to date is most of what a small test costs, so it is done once a process
// and the file is copied. It starts no goroutine; tests of package store itself have a copy of their own, since they cannot import it.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"maskline/models/store"
)

// Lay writes an empty SQLite database with the present schema to a path. To migrate it finds nothing to do.
func Lay(path string) error {
	b, err := migrated()
	if err != nil {
		return fmt.Errorf("make an empty database: %w", err)
	}
	return os.WriteFile(path, b, 0o600)
}

var migrated = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "maskline-empty")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	name, ctx := filepath.Join(dir, "empty.db"), context.Background()
	s, err := store.Open(ctx, store.Config{Driver: store.SQLite, DSN: name})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.Migrate(ctx), s.Close()); err != nil {
		return nil, err
	}
	if _, err := os.Stat(name + "-wal"); err == nil {
		return nil, errors.New("the write-ahead log is still there: the file alone is no database")
	}
	return os.ReadFile(name) //nolint:gosec // just written
})
