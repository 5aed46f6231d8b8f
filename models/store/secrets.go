package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

func (s *Store) addSecret(tx *gorm.DB, appID int64, secret string, now time.Time) error {
	keyID, sealed, err := s.seal.seal(appID, secret)
	if err != nil {
		return err
	}
	_, err = run(tx, "INSERT INTO app_secrets (app_id, key_id, sealed, created_at, expires_at) VALUES (?, ?, ?, ?, 0)", appID, keyID, sealed, micros(now))
	return err
}

// AddAppSecret gives an app one more secret, which pushes are signed with from now on. The older ones stay valid for oldValidFor, or until
// their own earlier expiry.
func (s *Store) AddAppSecret(ctx context.Context, appID int64, secret string, oldValidFor time.Duration) error {
	if secret == "" || len(secret) > 256 || oldValidFor < 0 {
		return models.Fail(models.Invalid, "secret", "a secret has 1 to 256 characters, and the old one is valid for 0 or longer")
	}
	return s.within(ctx, "add app secret", func(ctx context.Context, tx *gorm.DB) error {
		if _, err := s.App(ctx, appID); err != nil {
			return err
		}
		now, err := s.Now(ctx)
		if err != nil {
			return err
		}
		until := micros(now.Add(oldValidFor))
		if _, err := run(tx, "UPDATE app_secrets SET expires_at = ? WHERE app_id = ? AND (expires_at = 0 OR expires_at > ?)", until, appID, until); err != nil {
			return err
		}
		return s.addSecret(tx, appID, secret, now)
	})
}

// AppSecrets gives an app's secrets that have not expired, newest first. An app without any, or one that does not exist, has none.
func (s *Store) AppSecrets(ctx context.Context, appID int64) ([]string, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	var secrets []string
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		var keyID string
		var sealed []byte
		if err := rows.Scan(text(&keyID), &sealed); err != nil {
			return err
		}
		plain, err := s.seal.open(appID, keyID, sealed)
		secrets = append(secrets, plain)
		return err
	}, "SELECT key_id, sealed FROM app_secrets WHERE app_id = ? AND (expires_at = 0 OR expires_at > ?) ORDER BY id DESC", appID, micros(now))
	if err != nil {
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	return secrets, nil
}

// Credentials gives all that authentication needs, in one round trip: the app of a key, its tenant, and its secrets that have not
// expired, newest first. models.UnknownApp.
func (s *Store) Credentials(ctx context.Context, key string) (app models.App, tenant models.Tenant, secrets []string, err error) {
	now := time.Time{}
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		app, tenant = models.App{}, models.Tenant{}
		var keyID string
		var sealed []byte
		var expires time.Time
		dest := append([]any{when(&now), text(&keyID), &sealed, when(&expires)}, appColumns.dest(&app)...)
		if err := rows.Scan(append(dest, tenantColumns.dest(&tenant)...)...); err != nil {
			return err
		}
		if keyID == "" || !expires.IsZero() && !now.Before(expires) {
			return nil
		}
		plain, err := s.seal.open(app.ID, keyID, sealed)
		secrets = append(secrets, plain)
		return err
	}, s.sql.credentials, append(s.nowArgs(), key)...)
	if err != nil {
		return models.App{}, models.Tenant{}, nil, fmt.Errorf("read credentials: %w", err)
	}
	if app.ID == 0 {
		return app, tenant, nil, unknownApp()
	}
	return app, tenant, secrets, nil
}

// sealedSecret is a row of app_secrets as Reseal reads it.
type sealedSecret struct {
	id, appID int64
	keyID     string
	sealed    []byte
}

// Reseal seals every secret that another key has sealed with the current one, expired ones too, so that the old key may be taken out of
// the configuration. n is how many were sealed anew. Secrets whose key is wrong or missing stay as they are and are told in the error.
func (s *Store) Reseal(ctx context.Context) (n int, err error) {
	const batch = 100
	var failed []error
	for after := int64(0); ; {
		rows, err := s.sealedByOthers(ctx, after, batch)
		if err != nil {
			return n, errors.Join(append(failed, err)...)
		}
		for _, r := range rows {
			after = r.id
			switch done, err := s.resealOne(ctx, r); {
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

func (s *Store) sealedByOthers(ctx context.Context, after int64, limit int) (out []sealedSecret, err error) {
	err = each(s.reader(ctx), func(rows *sql.Rows) error {
		var r sealedSecret
		err := rows.Scan(&r.id, &r.appID, text(&r.keyID), &r.sealed)
		out = append(out, r)
		return err
	}, "SELECT id, app_id, key_id, sealed FROM app_secrets WHERE id > ? AND key_id <> ? ORDER BY id LIMIT ?", after, s.seal.current, limit)
	return out, wrap("read sealed secrets", err)
}

func (s *Store) resealOne(ctx context.Context, r sealedSecret) (done bool, err error) {
	plain, err := s.seal.open(r.appID, r.keyID, r.sealed)
	if err != nil {
		return false, err
	}
	keyID, sealed, err := s.seal.seal(r.appID, plain)
	if err != nil {
		return false, err
	}
	err = s.within(ctx, "reseal secret", func(_ context.Context, tx *gorm.DB) error {
		met, err := run(tx, "UPDATE app_secrets SET key_id = ?, sealed = ? WHERE id = ? AND key_id = ?", keyID, sealed, r.id, r.keyID)
		done = met > 0
		return err
	})
	return done, err
}
