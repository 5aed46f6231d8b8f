package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// ReplyKey is what makes two API requests the same one.
type ReplyKey struct {
	AppKey, Nonce, Method, Path string
	BodyHash                    string // of the body and whatever else counts, such as the query
	// OneUse forbids the nonce under any other key (models.App.OneUseNonce). The database holds it: two requests at once, one wins.
	OneUse bool
}

// request is the key's hash. Lengths stand before the parts, so that no two keys run together.
func (k ReplyKey) request() string {
	return hashParts(k.AppKey, k.Nonce, k.Method, k.Path, k.BodyHash)
}

func (k ReplyKey) nonce() string { return hashParts(k.AppKey, k.Nonce) }

func hashParts(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// errUndo rolls back the work of a do that answered with an error status.
var errUndo = errors.New("undo")

// Once does the work of an API request at most once within window. The first answer is saved in one transaction with the work, and a
// repeated request gets it again, replayed true, without doing anything; also one that arrives while the first is still at work: it waits
// for it. Store methods called with do's context join the transaction.
//
// What do answers decides: a status below 400 keeps work and answer; 400 to 499 undoes the work and keeps the answer; 500 and more undoes
// the work and keeps nothing, so that the client's retry is a new try, and so does an error, which Once returns. do may run again after a
// deadlock, so it must have no effect outside the store, and it must be short: on SQLite it holds the writer.
//
// With OneUse, a nonce that came with another request is models.ReplayedNonce, and do does not run.
func (s *Store) Once(ctx context.Context, key ReplyKey, window time.Duration, do func(ctx context.Context) (status int, body []byte, err error),
) (status int, body []byte, replayed bool, err error) {
	// A retry is the rare case, yet looking first is cheap, and keeps it off SQLite's writer.
	if status, body, replayed, err = s.reply(s.reader(ctx), key, window); err != nil || replayed {
		return status, body, replayed, err
	}
	err = s.within(ctx, "answer request", func(ctx context.Context, tx *gorm.DB) error {
		status, body, replayed, err = s.answer(ctx, tx, key, window, do)
		return err
	})
	switch {
	case errors.Is(err, errUndo): // 500 and more: the answer goes out, nothing stays
		return status, body, false, nil
	case err != nil:
		return 0, nil, false, err
	}
	return status, body, replayed, nil
}

// answer runs inside the transaction. The row of the key is written before the work: a second request with the same key waits on it.
func (s *Store) answer(ctx context.Context, tx *gorm.DB, key ReplyKey, window time.Duration, do func(context.Context) (int, []byte, error),
) (status int, body []byte, replayed bool, err error) {
	for {
		err := s.claimReply(tx, key)
		if err == nil {
			break
		}
		if !errors.Is(err, gorm.ErrDuplicatedKey) {
			return 0, nil, false, err
		}
		if status, body, replayed, err = s.reply(tx, key, window); err != nil {
			return 0, nil, false, err
		}
		if replayed {
			return status, body, true, nil
		}
		// What stands in the way is older than the window.
		if _, err := run(tx, "DELETE FROM api_replies WHERE request_key = ? OR nonce_key IN (?, ?)", key.request(), key.request(), key.nonceKey()); err != nil {
			return 0, nil, false, err
		}
	}
	status, body, err = s.work(ctx, do)
	if err != nil {
		return status, body, false, err
	}
	_, err = run(tx, "UPDATE api_replies SET status = ?, body = ? WHERE request_key = ?", status, append([]byte{}, body...), key.request())
	return status, body, false, err
}

// nonceKey is unique in the table: for OneUse it is the nonce's, else the request's.
func (k ReplyKey) nonceKey() string {
	if k.OneUse {
		return k.nonce()
	}
	return k.request()
}

func (s *Store) claimReply(tx *gorm.DB, key ReplyKey) error {
	_, err := run(tx, "INSERT INTO api_replies (created_at, request_key, nonce_key, nonce_hash, status, body) VALUES ("+s.nowExpr+", ?, ?, ?, 0, ?)",
		append(s.nowArgs(), key.request(), key.nonceKey(), key.nonce(), []byte{})...)
	return err
}

// work runs do under a savepoint, which an error status undoes.
func (s *Store) work(ctx context.Context, do func(context.Context) (int, []byte, error)) (status int, body []byte, err error) {
	err = s.within(ctx, "work", func(ctx context.Context, _ *gorm.DB) error {
		status, body, err = do(ctx)
		if err == nil && status >= 400 {
			return errUndo
		}
		return err
	})
	if errors.Is(err, errUndo) && status < 500 {
		return status, body, nil // the work is undone, the answer is kept
	}
	return status, body, err
}

// reply reads the saved answer of a key, younger than window. An answer to another request with this nonce is models.ReplayedNonce if
// the nonce may be used once only.
func (s *Store) reply(db *gorm.DB, key ReplyKey, window time.Duration) (status int, body []byte, found bool, err error) {
	var request string
	var now, created time.Time
	query := "SELECT " + s.nowExpr + ", request_key, status, body, created_at FROM api_replies WHERE "
	args := append(s.nowArgs(), key.request())
	if key.OneUse {
		query += "nonce_hash = ? ORDER BY request_key <> ? LIMIT 1"
		args = append(s.nowArgs(), key.nonce(), key.request())
	} else {
		query += "request_key = ?"
	}
	found, err = one(db, []any{when(&now), text(&request), num(&status), &body, when(&created)}, query, args...)
	switch {
	case err != nil:
		return 0, nil, false, fmt.Errorf("read saved answer: %w", err)
	case !found || now.Sub(created) >= window:
		return 0, nil, false, nil
	case request != key.request():
		return 0, nil, false, models.Fail(models.ReplayedNonce, "Nonce", "the nonce has been used already")
	}
	return status, body, true, nil
}

// NonceUsed says whether an app's nonce was answered under another key than except. It sees committed answers only; ReplyKey.OneUse also
// rules out two at once.
func (s *Store) NonceUsed(ctx context.Context, appKey, nonce string, except ReplyKey) (bool, error) {
	used, err := one(s.reader(ctx), []any{new(int)}, "SELECT 1 FROM api_replies WHERE nonce_hash = ? AND request_key <> ? LIMIT 1",
		hashParts(appKey, nonce), except.request())
	return used, wrap("look a nonce up", err)
}

// PruneReplies deletes up to limit saved answers that are older than a time, in transactions of at most 500, and tells how many.
func (s *Store) PruneReplies(ctx context.Context, olderThan time.Time, limit int) (n int, err error) {
	for n < limit {
		batch := min(limit-n, 500)
		met, err := s.pruneSome(ctx, olderThan, batch)
		n += met
		if err != nil || met < batch {
			return n, err
		}
	}
	return n, nil
}

func (s *Store) pruneSome(ctx context.Context, olderThan time.Time, limit int) (n int, err error) {
	keys := []string{}
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		var k string
		err := rows.Scan(text(&k))
		keys = append(keys, k)
		return err
	}, "SELECT request_key FROM api_replies WHERE created_at < ? ORDER BY created_at LIMIT ?", micros(olderThan), limit)
	if err != nil || len(keys) == 0 {
		return 0, wrap("find old answers", err)
	}
	err = s.within(ctx, "prune answers", func(_ context.Context, tx *gorm.DB) error {
		met, err := run(tx, "DELETE FROM api_replies WHERE request_key IN ? AND created_at < ?", keys, micros(olderThan))
		n = int(met)
		return err
	})
	return n, err
}
