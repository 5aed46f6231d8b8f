package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	_ "github.com/glebarez/go-sqlite"  // the driver "sqlite"
	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
)

// database is what the daemons write to: a MariaDB of the run's own, whose files outlive its process, or an SQLite file.
type database struct {
	dir  string
	host string
	port int      // of MariaDB; 0 is SQLite
	proc *process // nil for SQLite
	read *sql.DB  // the checker's own way in, past every cut
}

const databaseUser, databaseKey = "maskline", "crash"

// newDatabase makes the files; MariaDB's server is started by boot.
func newDatabase(dir, host string, sqlite bool, p *ports) (*database, error) {
	d := &database{dir: dir, host: host}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the database's directory: %w", err)
	}
	if sqlite {
		return d, nil
	}
	server, err := findServer()
	if err != nil {
		return nil, err
	}
	if d.port, err = p.take(); err != nil {
		return nil, err
	}
	install := exec.Command("mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--user=root", "--datadir="+d.in("data")) //nolint:gosec,noctx // paths of the run's own
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	d.proc = &process{name: "mariadbd", log: d.in("mariadbd.log"), dir: dir, program: server, args: []string{"--no-defaults", "--user=root",
		"--datadir=" + d.in("data"), "--socket=" + d.in("sock"), "--pid-file=" + d.in("pid"), "--bind-address=" + host, fmt.Sprintf("--port=%d", d.port),
		"--skip-name-resolve", "--max-connections=400", "--innodb-buffer-pool-size=256M"}}
	return d, nil
}

func findServer() (string, error) {
	for _, name := range []string{"mariadbd", "/usr/sbin/mariadbd", "/usr/local/sbin/mariadbd", "/usr/libexec/mariadbd"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no mariadbd (Debian: apt-get install mariadb-server); run with -sqlite")
}

func (d *database) in(name string) string { return filepath.Join(d.dir, name) }

// boot starts the server and waits for it. The first time it makes the user and the schema.
func (d *database) boot(ctx context.Context) error {
	if d.proc == nil {
		return nil
	}
	if err := d.proc.start(); err != nil {
		return err
	}
	if d.read != nil {
		return nil
	}
	root, err := sql.Open("mysql", "root@unix("+d.in("sock")+")/")
	if err != nil {
		return fmt.Errorf("open MariaDB: %w", err)
	}
	defer func() { _ = root.Close() }()
	if err := eventually(30*time.Second, "MariaDB", func() error { return root.PingContext(ctx) }); err != nil {
		return err
	}
	for _, statement := range []string{
		"CREATE DATABASE maskline CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
		"CREATE USER " + databaseUser + "@'%' IDENTIFIED BY '" + databaseKey + "'",
		"GRANT ALL ON maskline.* TO " + databaseUser + "@'%'",
	} {
		if _, err := root.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("set MariaDB up: %w", err)
		}
	}
	d.read, err = sql.Open("mysql", "root@unix("+d.in("sock")+")/maskline")
	return err
}

// config is the section of a daemon that reaches the database at an address.
func (d *database) config(at string) string {
	if d.proc == nil {
		return fmt.Sprintf("database: {driver: sqlite, dsn: %s}", d.in("maskline.db"))
	}
	return fmt.Sprintf("database: {driver: mysql, dsn: '%s:%s@tcp(%s)/maskline'}", databaseUser, databaseKey, at)
}

// reader is the checker's own way in.
func (d *database) reader() (*sql.DB, error) {
	if d.read == nil {
		db, err := sql.Open("sqlite", "file:"+d.in("maskline.db")+"?mode=ro&_pragma=busy_timeout(5000)")
		if err != nil {
			return nil, fmt.Errorf("open the database for the check: %w", err)
		}
		d.read = db
	}
	return d.read, nil
}

// close ends the server.
func (d *database) close() {
	if d.read != nil {
		_ = d.read.Close()
	}
	if d.proc != nil {
		d.proc.stop(20 * time.Second)
	}
}
