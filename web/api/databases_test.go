package api

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"maskline/models"
	"maskline/models/store"
)

// onEach runs a test on SQLite and, where MASKLINE_TEST_MYSQL names a server, on a database of its own there.
func onEach(t *testing.T, test func(t *testing.T, h *house)) {
	t.Run(store.SQLite, func(t *testing.T) { test(t, newHouse(t)) })
	if dsn := os.Getenv("MASKLINE_TEST_MYSQL"); dsn != "" {
		t.Run(store.MySQL, func(t *testing.T) {
			test(t, newHouseOn(t, store.Config{Driver: store.MySQL, DSN: ownDatabase(t, dsn)}))
		})
	}
}

func newHouse(t testing.TB, edit ...func(*Options)) *house {
	t.Helper()
	return newHouseOn(t, store.Config{Driver: store.SQLite, DSN: filepath.Join(t.TempDir(), "house.db")}, edit...)
}

// ownDatabase makes an empty database and gives its DSN.
func ownDatabase(t *testing.T, dsn string) string {
	t.Helper()
	conf, err := mysql.ParseDSN(dsn)
	must(t, err)
	conf.DBName = ""
	server, err := sql.Open("mysql", conf.FormatDSN())
	must(t, err)
	name := "maskline_api_" + strings.ReplaceAll(models.NewID(), "-", "")
	_, err = server.ExecContext(t.Context(), "CREATE DATABASE "+name)
	must(t, err)
	t.Cleanup(func() {
		_, err := server.Exec("DROP DATABASE " + name)
		must(t, err)
		must(t, server.Close())
	})
	conf.DBName = name
	return conf.FormatDSN()
}
