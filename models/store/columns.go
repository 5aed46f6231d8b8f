package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
)

// columns says how a type lies in a table: its columns, the values to write, and where to scan to, in one order.
type columns[T any] struct {
	table  string
	names  []string
	values func(*T) []any
	dest   func(*T) []any
}

// of lists the columns under a table's alias.
func (c columns[T]) of(alias string) string {
	return alias + "." + strings.Join(c.names, ", "+alias+".")
}

// insert is the statement that writes n rows.
func (c columns[T]) insert(n int) string {
	row := "(" + strings.Repeat("?, ", len(c.names)-1) + "?)"
	return "INSERT INTO " + c.table + " (" + strings.Join(c.names, ", ") + ") VALUES " + strings.Repeat(row+", ", n-1) + row
}

// add writes rows. A duplicate key comes as gorm.ErrDuplicatedKey.
func (c columns[T]) add(tx *gorm.DB, rows ...*T) error {
	args := make([]any, 0, len(rows)*len(c.names))
	for _, r := range rows {
		args = append(args, c.values(r)...)
	}
	return tx.Exec(c.insert(len(rows)), args...).Error
}

// update writes all columns of the rows that a condition names, and tells how many there were.
func (c columns[T]) update(tx *gorm.DB, row *T, where string, args ...any) (int64, error) {
	return run(tx, "UPDATE "+c.table+" SET "+strings.Join(c.names, " = ?, ")+" = ? WHERE "+where, append(c.values(row), args...)...)
}

// insertOne writes a row and gives the running number that the database gave it, without asking again. A duplicate key comes as
// gorm.ErrDuplicatedKey.
func (c columns[T]) insertOne(tx *gorm.DB, row *T) (int64, error) {
	result, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, c.insert(1), c.values(row)...)
	if err != nil {
		if t, ok := tx.Dialector.(gorm.ErrorTranslator); ok {
			err = t.Translate(err)
		}
		return 0, err
	}
	return result.LastInsertId()
}

// all reads the rows of "FROM table t" with what follows.
func (c columns[T]) all(db *gorm.DB, rest string, args ...any) ([]T, error) {
	var out []T
	err := each(db, func(rows *sql.Rows) error {
		var v T
		if err := rows.Scan(c.dest(&v)...); err != nil {
			return err
		}
		out = append(out, v)
		return nil
	}, "SELECT "+c.of("t")+" FROM "+c.table+" t "+rest, args...)
	return out, err
}

// first reads one row and says whether there was one.
func (c columns[T]) first(db *gorm.DB, rest string, args ...any) (v T, found bool, err error) {
	found, err = one(db, c.dest(&v), "SELECT "+c.of("t")+" FROM "+c.table+" t "+rest+" LIMIT 1", args...)
	return v, found, err
}

// each runs a query and gives its rows to scan, one by one. Rows and not Row: an error that gorm
// translates is lost in a Row.
func each(db *gorm.DB, scan func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := db.Raw(query, args...).Rows()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one runs a query for a single row and says whether it came.
func one(db *gorm.DB, dest []any, query string, args ...any) (found bool, err error) {
	err = each(db, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(dest...)
	}, query, args...)
	return found, err
}

// run executes a statement and tells how many rows it met.
func run(tx *gorm.DB, stmt string, args ...any) (int64, error) {
	r := tx.Exec(stmt, args...)
	return r.RowsAffected, r.Error
}

// lastID is the running number of the row just written in this transaction.
func (s *Store) lastID(tx *gorm.DB) (id int64, err error) {
	query := "SELECT LAST_INSERT_ID()"
	if s.cfg.Driver == SQLite {
		query = "SELECT last_insert_rowid()"
	}
	_, err = one(tx, []any{num(&id)}, query)
	return id, err
}

// The scanners below read a NULL of an outer join as the zero value.

type scanner func(src any) error

func (f scanner) Scan(src any) error { return f(src) }

func text[S ~string](p *S) sql.Scanner {
	return scanner(func(src any) error {
		switch v := src.(type) {
		case nil:
			*p = ""
		case string:
			*p = S(v)
		case []byte:
			*p = S(v)
		default:
			return fmt.Errorf("scan text: unexpected %T", src)
		}
		return nil
	})
}

func integer(src any) (int64, error) {
	switch v := src.(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	case uint64: // LAST_INSERT_ID()
		return int64(v), nil //nolint:gosec // an id of ours
	case []byte:
		return strconv.ParseInt(string(v), 10, 64)
	default:
		return 0, fmt.Errorf("scan integer: unexpected %T", src)
	}
}

func num[N ~int | ~int64](p *N) sql.Scanner {
	return scanner(func(src any) error {
		v, err := integer(src)
		*p = N(v)
		return err
	})
}

func flag(p *bool) sql.Scanner {
	return scanner(func(src any) error {
		v, err := integer(src)
		*p = v != 0
		return err
	})
}

func when(p *time.Time) sql.Scanner {
	return scanner(func(src any) error {
		v, err := integer(src)
		*p = instant(v)
		return err
	})
}

// lasting reads a duration stored in microseconds.
func lasting(p *time.Duration) sql.Scanner {
	return scanner(func(src any) error {
		v, err := integer(src)
		*p = time.Duration(v) * time.Microsecond
		return err
	})
}

// document reads a value stored as JSON; "" is the zero value.
func document(p any) sql.Scanner {
	return scanner(func(src any) error {
		var v string
		if err := text(&v).Scan(src); err != nil || v == "" {
			return err
		}
		return json.Unmarshal([]byte(v), p)
	})
}

// asDocument writes a value as JSON. The types stored so hold strings, numbers and maps of them: they always marshal.
func asDocument(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}

// micros is a time as it is stored: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant is the stored time, in UTC.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// clean is what a stored time reads as: UTC, microseconds.
func clean(t time.Time) time.Time { return instant(micros(t)) }
