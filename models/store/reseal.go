package store

import (
	"context"
	"database/sql"
	"errors"

	"gorm.io/gorm"
)

// sealedText is a row of a table that holds sealed texts.
type sealedText struct {
	id     int64
	owner  owner
	keyID  string
	sealed []byte
}

// vault is a table of sealed texts: the column that says whose a text is, and how.
type vault struct {
	table, owned string
	owner        func(rows *sql.Rows, r *sealedText) error
}

var vaults = []vault{
	{"app_secrets", "app_id", func(rows *sql.Rows, r *sealedText) error {
		var appID int64
		err := rows.Scan(&r.id, &appID, text(&r.keyID), &r.sealed)
		r.owner = ofApp(appID)
		return err
	}},
	{"holders", "number", func(rows *sql.Rows, r *sealedText) error {
		var number string
		err := rows.Scan(&r.id, text(&number), text(&r.keyID), &r.sealed)
		r.owner = ofHolder(number)
		return err
	}},
}

// Reseal seals every secret and every ID number that another key has sealed with the current one, expired ones too, so that the old key may be
// taken out of the configuration. n is how many were sealed anew. Those whose key is wrong or missing stay as they are and are told in the error.
func (s *Store) Reseal(ctx context.Context) (n int, err error) {
	var failed []error
	for _, v := range vaults {
		done, err := s.resealAll(ctx, v)
		n, failed = n+done, append(failed, err)
	}
	return n, errors.Join(failed...)
}

func (s *Store) resealAll(ctx context.Context, v vault) (n int, err error) {
	const batch = 100
	var failed []error
	for after := int64(0); ; {
		rows, err := s.sealedByOthers(ctx, v, after, batch)
		if err != nil {
			return n, errors.Join(append(failed, err)...)
		}
		for _, r := range rows {
			after = r.id
			switch done, err := s.resealOne(ctx, v, r); {
			case err != nil:
				failed = append(failed, err)
			case done:
				n++
			}
		}
		if len(rows) < batch {
			return n, errors.Join(failed...)
		}
	}
}

func (s *Store) sealedByOthers(ctx context.Context, v vault, after int64, limit int) (out []sealedText, err error) {
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		var r sealedText
		err := v.owner(rows, &r)
		out = append(out, r)
		return err
	}, "SELECT id, "+v.owned+", key_id, sealed FROM "+v.table+" WHERE id > ? AND key_id <> ? ORDER BY id LIMIT ?", after, s.seal.current, limit)
	return out, wrap("read sealed texts of "+v.table, err)
}

func (s *Store) resealOne(ctx context.Context, v vault, r sealedText) (done bool, err error) {
	plain, err := s.seal.open(r.owner, r.keyID, r.sealed)
	if err != nil {
		return false, err
	}
	keyID, sealed, err := s.seal.seal(r.owner, plain)
	if err != nil {
		return false, err
	}
	err = s.within(ctx, "reseal "+r.owner.what, func(_ context.Context, tx *gorm.DB) error {
		met, err := run(tx, "UPDATE "+v.table+" SET key_id = ?, sealed = ? WHERE id = ? AND key_id = ?", keyID, sealed, r.id, r.keyID)
		done = met > 0
		return err
	})
	return done, err
}
