package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"maskline/models"
)

// LoginsMost is how many sessions, and how many tokens, an operator has at most.
const LoginsMost = 100

// usedEvery is how exact Login.UsedAt is: a write for every request would be one more for the database than the request itself. noteIn is how long
// a request waits for it when the database is busy.
const (
	usedEvery = time.Minute
	noteIn    = time.Second
)

var loginColumns = columns[models.Login]{
	table: "logins",
	names: []string{"id", "operator_id", "kind", "hash", "name", "created_at", "expires_at", "used_at", "from_addr"},
	values: func(l *models.Login) []any {
		return []any{idOrNull(l.ID), l.OperatorID, string(l.Kind), l.Hash, l.Name, micros(l.CreatedAt), micros(l.ExpiresAt), micros(l.UsedAt), l.From}
	},
	dest: func(l *models.Login) []any {
		return []any{num(&l.ID), num(&l.OperatorID), text(&l.Kind), text(&l.Hash), text(&l.Name), when(&l.CreatedAt), when(&l.ExpiresAt), when(&l.UsedAt), text(&l.From)}
	},
}

// AddLogin stores a session or token and sets its ID, CreatedAt and UsedAt. A session is noted in the operator's LoginAt, and beyond LoginsMost it
// ends the oldest one; a token beyond LoginsMost, or a hash that exists, is models.Conflict. models.NotFound: the operator does not exist or is
// suspended. models.Invalid: a session without an end, an end that is past, a token without a name.
func (s *Store) AddLogin(ctx context.Context, l *models.Login) error {
	if err := validLogin(*l); err != nil {
		return err
	}
	row := *l
	row.From = clip(row.From, fromMost)
	err := s.within(ctx, "add login", func(ctx context.Context, tx *gorm.DB) error {
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		if !row.ExpiresAt.IsZero() && !row.ExpiresAt.After(now) {
			return models.Fail(models.Invalid, "expires_at", "the end of a session or token lies in the future")
		}
		row.ID, row.CreatedAt, row.UsedAt, row.ExpiresAt = 0, now, now, clean(row.ExpiresAt)
		if err := s.roomForLogin(tx, row, now); err != nil {
			return err
		}
		row.ID, err = loginColumns.insertOne(tx, &row)
		return taken(err, "hash", "this session or token exists already")
	})
	if err == nil {
		*l = row
	}
	return err
}

func validLogin(l models.Login) error {
	sum, err := hex.DecodeString(l.Hash)
	switch {
	case err != nil || len(sum) != 32 || strings.ToLower(l.Hash) != l.Hash:
		return models.Fail(models.Invalid, "hash", "hash is the SHA-256 of the secret in 64 hex digits")
	case l.Kind != models.LoginSession && l.Kind != models.LoginToken:
		return models.Fail(models.Invalid, "kind", "kind is session or token")
	case l.Kind == models.LoginSession && l.ExpiresAt.IsZero():
		return models.Fail(models.Invalid, "expires_at", "a session has an end")
	case l.Kind == models.LoginToken && l.Name == "", utf8.RuneCountInString(l.Name) > 64:
		return models.Fail(models.Invalid, "name", "a token has a name of 1 to 64 characters")
	}
	return nil
}

// roomForLogin locks the operator, so that two logins at once are counted one after the other, clears what has expired, and keeps the bound.
func (s *Store) roomForLogin(tx *gorm.DB, l models.Login, now time.Time) error {
	column := "id = id"
	args := []any{l.OperatorID, string(models.StateNormal)}
	if l.Kind == models.LoginSession {
		column, args = "login_at = ?", append([]any{micros(now)}, args...)
	}
	n, err := run(tx, "UPDATE operators SET "+column+" WHERE id = ? AND state = ?", args...)
	if err = known(n > 0, err, "operator", "no such operator, or it is suspended"); err != nil {
		return err
	}
	if _, err := run(tx, "DELETE FROM logins WHERE operator_id = ? AND expires_at BETWEEN 1 AND ?", l.OperatorID, micros(now)); err != nil {
		return err
	}
	var last int64
	full, err := one(tx, []any{num(&last)}, "SELECT id FROM logins WHERE operator_id = ? AND kind = ? ORDER BY id DESC LIMIT 1 OFFSET ?",
		l.OperatorID, string(l.Kind), LoginsMost-1)
	switch {
	case err != nil || !full:
		return err
	case l.Kind == models.LoginToken:
		return models.Fail(models.Conflict, "token", "an operator has at most %d tokens; remove one first", LoginsMost)
	}
	_, err = run(tx, "DELETE FROM logins WHERE operator_id = ? AND kind = ? AND id <= ?", l.OperatorID, string(l.Kind), last)
	return err
}

// LoginByHash gives the session or token whose secret has this hash, and its operator, in one round trip. models.NotFound: there is none, it has
// expired, or its operator is suspended; which of them is not told. UsedAt moves at most once a minute, and a login whose use cannot be noted
// is good all the same.
func (s *Store) LoginByHash(ctx context.Context, hash string) (l models.Login, o models.Operator, err error) {
	var now time.Time
	dest := append([]any{when(&now)}, append(loginColumns.dest(&l), operatorColumns.dest(&o)...)...)
	found, err := one(s.reader(ctx), dest, "SELECT "+s.nowExpr+", "+loginColumns.of("l")+", "+operatorColumns.of("o")+
		" FROM logins l JOIN operators o ON o.id = l.operator_id WHERE l.hash = ?", append(s.nowArgs(), hash)...)
	live := found && o.State == models.StateNormal && (l.ExpiresAt.IsZero() || l.ExpiresAt.After(now))
	if err = known(live, wrap("read login", err), "login", "no such session or token"); err != nil {
		return models.Login{}, models.Operator{}, err
	}
	if now.Sub(l.UsedAt) >= usedEvery {
		l.UsedAt = now
		s.noteUse(ctx, l)
	}
	return l, o, nil
}

func (s *Store) noteUse(ctx context.Context, l models.Login) {
	ctx, cancel := context.WithTimeout(ctx, noteIn)
	defer cancel()
	err := s.within(ctx, "note login's use", func(_ context.Context, tx *gorm.DB) error {
		_, err := run(tx, "UPDATE logins SET used_at = ? WHERE id = ? AND used_at < ?", micros(l.UsedAt), l.ID, micros(l.UsedAt))
		return err
	})
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "use of a login not noted", slog.Int64("login", l.ID), slog.Any("error", err))
	}
}

// Logins lists an operator's sessions and tokens that have not expired, newest first.
func (s *Store) Logins(ctx context.Context, operatorID int64, page models.Page) ([]models.Login, int, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return nil, 0, err
	}
	var c conditions
	c.add("t.operator_id = ?", operatorID)
	c.add("(t.expires_at = 0 OR t.expires_at > ?)", micros(now))
	return listed(ctx, s, loginColumns, c, "t.id DESC", page)
}

// EndLogin ends a session or removes a token of an operator; models.NotFound when the operator has none with this id.
func (s *Store) EndLogin(ctx context.Context, operatorID, id int64) error {
	return s.within(ctx, "end login", func(_ context.Context, tx *gorm.DB) error {
		n, err := run(tx, "DELETE FROM logins WHERE id = ? AND operator_id = ?", id, operatorID)
		return known(n > 0, err, "login", "no such session or token")
	})
}

// EndLogins ends all sessions, or all tokens, of an operator; "" is both.
func (s *Store) EndLogins(ctx context.Context, operatorID int64, kind models.LoginKind) error {
	return s.within(ctx, "end logins", func(_ context.Context, tx *gorm.DB) error { return endLogins(tx, operatorID, kind) })
}

func endLogins(tx *gorm.DB, operatorID int64, kind models.LoginKind) error {
	stmt, args := "DELETE FROM logins WHERE operator_id = ?", []any{operatorID}
	if kind != "" {
		stmt, args = stmt+" AND kind = ?", append(args, string(kind))
	}
	_, err := run(tx, stmt, args...)
	return err
}

// PruneLogins deletes up to limit expired sessions and tokens, at most 500, in one transaction, those that ended first, and tells how many.
func (s *Store) PruneLogins(ctx context.Context, limit int) (n int, err error) {
	now, err := s.Now(ctx)
	if err != nil {
		return 0, err
	}
	var ids []int64
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(num(&id))
		ids = append(ids, id)
		return err
	}, "SELECT id FROM logins WHERE expires_at BETWEEN 1 AND ? ORDER BY expires_at LIMIT ?", micros(now), min(limit, 500))
	if err != nil || len(ids) == 0 {
		return 0, wrap("find expired logins", err)
	}
	err = s.within(ctx, "prune logins", func(_ context.Context, tx *gorm.DB) error {
		met, err := run(tx, "DELETE FROM logins WHERE id IN ?", ids)
		n = int(met)
		return err
	})
	return n, err
}
