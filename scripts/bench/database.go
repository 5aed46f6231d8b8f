package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver
)

// findMariaDB gives the server and the program that lays out its data.
func findMariaDB() (server, install string, err error) {
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/bin"} {
		if p := filepath.Join(dir, "mariadbd"); server == "" && executable(p) {
			server = p
		}
	}
	install, err = exec.LookPath("mariadb-install-db")
	if server == "" || err != nil {
		return "", "", errors.New("no MariaDB: apt-get install mariadb-server")
	}
	return server, install, nil
}

func executable(path string) bool {
	s, err := os.Stat(path)
	return err == nil && s.Mode()&0o111 != 0
}

// openDatabase starts a MariaDB of the run's own, on loopback over TCP as a database elsewhere would be, with the durable settings that it has by
// itself: a commit is on disk. It makes the database bench with the table of the script, and the daemon's, which is empty.
func (b *bench) openDatabase(ctx context.Context) error {
	server, install, err := findMariaDB()
	if err != nil {
		return err
	}
	who, err := user.Current()
	if err != nil {
		return fmt.Errorf("own user name: %w", err)
	}
	dir := filepath.Join(b.dir, "mariadb")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make the database's directory: %w", err)
	}
	data := filepath.Join(dir, "data")
	c, err := b.start("install", dir, nil, install, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--user="+who.Username, "--datadir="+data)
	if err != nil {
		return err
	}
	<-c.ended
	if c.code() != 0 {
		return fmt.Errorf("mariadb-install-db: exit code %d: %s", c.code(), c.said())
	}
	socket := filepath.Join(dir, "sock")
	b.database, err = b.start("mariadbd", dir, nil, server, "--no-defaults", "--user="+who.Username, "--datadir="+data, "--socket="+socket, "--pid-file="+filepath.Join(dir, "pid"),
		"--bind-address=127.0.0.1", "--port="+strconv.Itoa(b.facts.SQL), "--skip-name-resolve", "--max-connections=500", "--innodb-buffer-pool-size=1G")
	if err != nil {
		return err
	}
	b.sql, err = sql.Open("mysql", "root@unix("+socket+")/")
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	for range 300 {
		if err = b.sql.PingContext(ctx); err == nil {
			return b.fillDatabase(ctx)
		}
		if err := b.pause(ctx, 100*time.Millisecond, b.database); err != nil {
			return fmt.Errorf("mariadbd: %w: %s", err, b.database.said())
		}
	}
	return fmt.Errorf("mariadbd does not answer: %w", err)
}

func (b *bench) fillDatabase(ctx context.Context) error {
	texts := []string{
		"CREATE DATABASE bench", "CREATE DATABASE maskline",
		"CREATE USER bench@127.0.0.1 IDENTIFIED BY '" + sqlPassword + "'", "GRANT ALL ON *.* TO bench@127.0.0.1",
		"CREATE TABLE bench.bound (x VARCHAR(20) NOT NULL, caller VARCHAR(20) NOT NULL, callee VARCHAR(20) NOT NULL, PRIMARY KEY (x, caller)) ENGINE=InnoDB",
	}
	for _, text := range texts {
		if _, err := b.sql.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("prepare the database: %w", err)
		}
	}
	for i := range parties {
		for _, x := range []string{numberX(i, false), numberX(i, true)} {
			if _, err := b.sql.ExecContext(ctx, "INSERT INTO bench.bound VALUES (?,?,?)", x, caller(i), b.facts.Callee); err != nil {
				return fmt.Errorf("fill the script's table: %w", err)
			}
		}
	}
	return nil
}

// recorded counts the calls that the daemon has written to the end.
func (b *bench) recorded(ctx context.Context) (n int, err error) {
	if err = b.sql.QueryRowContext(ctx, "SELECT COUNT(*) FROM maskline.cdrs").Scan(&n); err != nil {
		return 0, fmt.Errorf("count the CDRs: %w", err)
	}
	return n, nil
}

// statements counts what the server has been asked, and the transactions among it that were committed.
func (b *bench) statements(ctx context.Context) (queries, commits int, err error) {
	rows, err := b.sql.QueryContext(ctx, "SHOW GLOBAL STATUS WHERE Variable_name IN ('Questions', 'Com_commit')")
	if err != nil {
		return 0, 0, fmt.Errorf("count the database's statements: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return 0, 0, fmt.Errorf("count the database's statements: %w", err)
		}
		if name == "Questions" {
			queries = n
		} else {
			commits = n
		}
	}
	return queries, commits, rows.Err()
}
