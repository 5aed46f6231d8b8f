package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	gosqlite "github.com/glebarez/go-sqlite"
	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
)

// maxAttempts is how often a transaction is tried that loses a deadlock or an optimistic conflict.
const maxAttempts = 10

// joint is a transaction that runs and that calls with its context join.
type joint struct {
	tx     *gorm.DB
	depth  int
	doomed error   // the database has rolled the whole transaction back: only the outermost call may begin again
	queue  *queued // of the committer's transactions: what is written to the queue at their end, together
}

type jointKey struct{ s *Store }

func (s *Store) joint(ctx context.Context) *joint {
	j, _ := ctx.Value(jointKey{s}).(*joint)
	return j
}

// reader gives what reads go through: the transaction of ctx, or the readers' pool.
func (s *Store) reader(ctx context.Context) *gorm.DB {
	if j := s.joint(ctx); j != nil {
		return j.tx
	}
	return s.read.WithContext(ctx)
}

// within runs do in a transaction: all of it or nothing. Inside another transaction of ctx it is a savepoint of that one. A deadlock or
// conflict begins the outermost transaction again, so do may run several times and must not keep results of a failed run.
func (s *Store) within(ctx context.Context, what string, do func(ctx context.Context, tx *gorm.DB) error) error {
	if j := s.joint(ctx); j != nil {
		return j.nested(ctx, what, do)
	}
	for attempt := 1; ; attempt++ {
		err := s.attempt(ctx, do)
		if err == nil || !conflicts(err) || attempt == maxAttempts {
			return wrap(what, err)
		}
		s.log.LogAttrs(ctx, slog.LevelDebug, "transaction lost a conflict, tried again", slog.String("what", what), slog.Int("attempt", attempt))
		select {
		case <-ctx.Done():
			return wrap(what, errors.Join(context.Cause(ctx), err))
		case <-time.After(backOff(attempt)):
		}
	}
}

// backOff is 1 to 2 ms after the first loss and doubles up to 64 to 128 ms.
func backOff(attempt int) time.Duration {
	base := time.Millisecond << min(attempt-1, 6)
	return base + rand.N(base) //nolint:gosec // a jitter, not a secret
}

// writerWait is how long a transaction waits for SQLite's one writer. Innodb's lock_wait_timeout is its twin on MySQL.
const writerWait = 10 * time.Second

// ErrBusy is returned when the database has not let a transaction begin in time.
var ErrBusy = errors.New("the database is busy: another transaction has held it for 10 s")

// takeTurn waits for the one writer of SQLite, with a bound: a call inside Once that was given another context than do's would wait for
// the transaction that waits for it.
func (s *Store) takeTurn(ctx context.Context) (release func(), err error) {
	if s.turn == nil {
		return func() {}, nil
	}
	timer := time.NewTimer(writerWait)
	defer timer.Stop()
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-timer.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *Store) attempt(ctx context.Context, do func(context.Context, *gorm.DB) error) (err error) {
	release, err := s.takeTurn(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer release()
	tx := s.write.WithContext(ctx).Begin()
	if tx.Error != nil {
		return fmt.Errorf("begin: %w", tx.Error)
	}
	done := false
	defer func() {
		if !done {
			tx.Rollback() // also when do panics
		}
	}()
	j := &joint{tx: tx}
	err = do(context.WithValue(ctx, jointKey{s}, j), tx)
	if j.doomed != nil {
		return j.doomed
	}
	if err != nil {
		return err
	}
	done = true
	if err := tx.Commit().Error; err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (j *joint) nested(ctx context.Context, what string, do func(context.Context, *gorm.DB) error) error {
	if j.doomed != nil {
		return j.doomed
	}
	j.depth++
	defer func() { j.depth-- }()
	name := "sp" + strconv.Itoa(j.depth)
	if err := j.tx.SavePoint(name).Error; err != nil {
		return wrap(what, fmt.Errorf("savepoint: %w", err))
	}
	err := do(ctx, j.tx)
	switch {
	case err == nil:
		return nil
	case j.doomed != nil:
		return j.doomed
	case conflicts(err):
		j.doomed = err
		return wrap(what, err)
	}
	if back := j.tx.RollbackTo(name).Error; back != nil {
		j.doomed = fmt.Errorf("roll back to savepoint: %w", back)
	}
	return wrap(what, err)
}

// wrap says what was tried. An error of the domain stays as it is in errors.As, so its code survives.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// conflicts says whether a transaction failed only because of another one, so that it may be tried again.
func conflicts(err error) bool {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		switch e.Number {
		case 1213, 1205, // deadlock, lock wait timeout
			1020,       // MariaDB: the record has changed since it was read
			9007, 8022: // TiDB: write conflict, commit may be tried again
			return true
		}
	}
	if e, ok := errors.AsType[*gosqlite.Error](err); ok {
		primary := e.Code() & 0xff
		return primary == 5 || primary == 6 // SQLITE_BUSY, SQLITE_LOCKED: another process writes
	}
	return false
}
