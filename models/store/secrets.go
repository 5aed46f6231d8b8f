package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

func (s *Store) addSecret(tx *gorm.DB, appID int64, secret string, now time.Time) error {
	keyID, sealed, err := s.seal.seal(ofApp(appID), secret)
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
		plain, err := s.seal.open(ofApp(appID), keyID, sealed)
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
		plain, err := s.seal.open(ofApp(app.ID), keyID, sealed)
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
