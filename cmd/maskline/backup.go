package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
	"maskline/models/store"
)

// openStore opens the database of a configuration without changing its schema.
func openStore(ctx context.Context, cfg conf.Config) (*store.Store, error) {
	sc, err := daemon.StoreConfig(cfg)
	if err != nil {
		return nil, err
	}
	if sc.Driver == store.SQLite {
		if err := os.MkdirAll(filepath.Dir(sc.DSN), 0o750); err != nil {
			return nil, fmt.Errorf("make the database's directory: %w", err)
		}
	}
	return store.Open(ctx, sc)
}

func (c *cli) backupCommand() *cobra.Command {
	var set *[]string
	cmd := c.leaf("backup FILE --config FILE", "Copy an SQLite database while the daemon goes on (MySQL: its own tools)",
		"  maskline backup /backup/maskline-$(date +%F).db --config /etc/maskline/maskline.yaml", oneArg("file to write"),
		func(ctx context.Context, args []string) error {
			cfg, err := c.load(*set)
			if err != nil {
				return err
			}
			st, err := openStore(ctx, cfg)
			if err != nil {
				return err
			}
			defer func() { _ = st.Close() }()
			if err := st.Backup(ctx, args[0]); err != nil {
				return err
			}
			if c.json {
				return c.printJSON(map[string]string{"file": args[0]})
			}
			return c.printf("wrote %s\nIt is of no use without the sealing keys (keys in %s): keep a copy of them elsewhere.\n", args[0], c.config)
		})
	set = settings(cmd)
	return cmd
}

func (c *cli) restoreCommand() *cobra.Command {
	var set *[]string
	var force bool
	cmd := c.leaf("restore FILE --config FILE [--force]", "Put a backup in the place of the SQLite database; the daemon must not run",
		"  maskline restore /backup/maskline-2026-11-20.db --config /etc/maskline/maskline.yaml --force", oneArg("backup to restore"),
		func(ctx context.Context, args []string) error {
			cfg, err := c.load(*set)
			if err != nil {
				return err
			}
			kept, err := restore(ctx, cfg, args[0], force)
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(map[string]string{"restored": args[0], "kept": kept})
			}
			if kept != "" {
				return c.printf("restored %s; the database of before is %s\n", args[0], kept)
			}
			return c.printf("restored %s\n", args[0])
		})
	cmd.Flags().BoolVar(&force, "force", false, "replace a database that is there; it is kept under another name")
	set = settings(cmd)
	return cmd
}

// restore checks a backup and moves a copy of it to the database's place. It gives the name under which the old one is kept.
func restore(ctx context.Context, cfg conf.Config, from string, force bool) (kept string, err error) {
	sc, err := daemon.StoreConfig(cfg)
	if err != nil {
		return "", err
	}
	if sc.Driver != store.SQLite {
		return "", errors.New("restore: this database is MySQL; feed the dump to mysql or mariadb")
	}
	if serving(ctx, cfg) {
		return "", fmt.Errorf("restore: a daemon answers on %s; stop it first", cfg.Listen.Admin)
	}
	_, err = os.Stat(sc.DSN)
	there := err == nil
	if there && !force {
		return "", fmt.Errorf("restore: %s exists; --force replaces it and keeps it under another name", sc.DSN)
	}
	fresh := sc.DSN + ".restoring"
	if err := copyFile(from, fresh); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	defer func() { _ = os.Remove(fresh) }()
	if err := readable(ctx, sc, fresh); err != nil {
		return "", fmt.Errorf("restore: %s is no database of ours: %w", from, err)
	}
	if there {
		kept = sc.DSN + ".before-" + time.Now().UTC().Format("20060102T150405")
	}
	// A write-ahead log belongs to one database file; beside another it would be applied to the wrong one.
	for _, part := range []string{"-wal", "-shm", ""} {
		if kept == "" {
			if err := os.Remove(sc.DSN + part); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("restore: %w", err)
			}
			continue
		}
		if err := os.Rename(sc.DSN+part, kept+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("restore: %w", err)
		}
	}
	if err := os.Rename(fresh, sc.DSN); err != nil {
		return kept, fmt.Errorf("restore: %w", err)
	}
	return kept, nil
}

// serving says whether somebody listens where the daemon of this configuration would.
func serving(ctx context.Context, cfg conf.Config) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", cfg.Listen.Admin)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// readable opens a copy as a database and reads from it with the keys of the configuration.
func readable(ctx context.Context, sc store.Config, path string) error {
	sc.DSN = path
	st, err := store.Open(ctx, sc)
	if err != nil {
		return err
	}
	_, err = st.Pending(ctx)
	return errors.Join(err, st.Close(), clean(path))
}

// clean removes what SQLite leaves beside a file that was opened.
func clean(path string) error {
	var errs []error
	for _, part := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // beside the database
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
