package store

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"gorm.io/gorm"

	"maskline/models"
)

var appColumns = columns[models.App]{
	table: "apps",
	names: []string{"id", "tenant_id", "app_key", "name", "mode", "state", "status_url", "fee_url", "push_scheme", "record", "sms",
		"one_use_nonce", "allow_from", "pairs_per_number", "prompts", "created_at", "settings"},
	values: func(a *models.App) []any {
		return []any{idOrNull(a.ID), a.TenantID, a.Key, a.Name, string(a.Mode), string(a.State), a.StatusURL, a.FeeURL, string(a.PushScheme),
			bit(a.Record), bit(a.SMS), bit(a.OneUseNonce), joinPrefixes(a.AllowFrom), a.PairsPerNumber, asDocument(a.Prompts), micros(a.CreatedAt),
			asDocument(a.Settings)}
	},
	dest: func(a *models.App) []any {
		return []any{num(&a.ID), num(&a.TenantID), text(&a.Key), text(&a.Name), text(&a.Mode), text(&a.State), text(&a.StatusURL),
			text(&a.FeeURL), text(&a.PushScheme), flag(&a.Record), flag(&a.SMS), flag(&a.OneUseNonce), prefixes(&a.AllowFrom),
			num(&a.PairsPerNumber), document(&a.Prompts), when(&a.CreatedAt), document(&a.Settings)}
	},
}

func joinPrefixes(list []netip.Prefix) string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.String()
	}
	return strings.Join(out, ",")
}

func prefixes(to *[]netip.Prefix) scanner {
	return func(src any) error {
		var joined string
		if err := text(&joined).Scan(src); err != nil || joined == "" {
			return err
		}
		for part := range strings.SplitSeq(joined, ",") {
			p, err := netip.ParsePrefix(part)
			if err != nil {
				return fmt.Errorf("scan address list: %w", err)
			}
			*to = append(*to, p)
		}
		return nil
	}
}

// CreateApp stores an app with its first secret and sets ID, CreatedAt and empty State and PushScheme. The tenant must exist
// (models.NotFound); a key that exists is models.Conflict.
func (s *Store) CreateApp(ctx context.Context, a *models.App, secret string) error {
	row := *a
	if row.State == "" {
		row.State = models.StateNormal
	}
	if row.PushScheme == "" {
		row.PushScheme = models.PushAKSK
	}
	if err := row.Validate(); err != nil {
		return err
	}
	if row.Key == "" || len(row.Key) > 128 || secret == "" || len(secret) > 256 {
		return models.Fail(models.Invalid, "app_key", "an app has a key of 1 to 128 and a secret of 1 to 256 characters")
	}
	err := s.within(ctx, "create app", func(ctx context.Context, tx *gorm.DB) (err error) {
		if _, err = s.Tenant(ctx, row.TenantID); err != nil {
			return err
		}
		row.ID = 0
		if row.CreatedAt, err = s.Now(ctx); err != nil {
			return err
		}
		if err = appColumns.add(tx, &row); err != nil {
			return taken(err, "app_key", "an app with this key exists already")
		}
		if row.ID, err = s.lastID(tx); err != nil {
			return err
		}
		return s.addSecret(tx, row.ID, secret, row.CreatedAt)
	})
	if err == nil {
		*a = row
	}
	return err
}

// App reads an app; models.NotFound.
func (s *Store) App(ctx context.Context, id int64) (models.App, error) {
	a, found, err := appColumns.first(s.reader(ctx), "WHERE t.id = ?", id)
	return a, known(found, wrap("read app", err), "app", "no such app")
}

// AppByKey reads an app by its APP_Key; models.UnknownApp.
func (s *Store) AppByKey(ctx context.Context, key string) (models.App, error) {
	a, found, err := appColumns.first(s.reader(ctx), "WHERE t.app_key = ?", key)
	if err == nil && !found {
		return a, unknownApp()
	}
	return a, wrap("read app by key", err)
}

func unknownApp() error { return models.Fail(models.UnknownApp, "app_key", "no app has this key") }

// AppFilter narrows Apps; zero fields narrow nothing.
type AppFilter struct {
	TenantID int64
	Mode     models.Mode
	State    models.State
}

// Apps lists apps, newest first.
func (s *Store) Apps(ctx context.Context, f AppFilter, page models.Page) ([]models.App, int, error) {
	var c conditions
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.mode", f.Mode)
	is(&c, "t.state", f.State)
	return listed(ctx, s, appColumns, c, "t.id DESC", page)
}

// UpdateApp lets change alter an app under its row's lock. ID, tenant, key, mode and CreatedAt stay as they are. change may run again
// after a deadlock. models.NotFound, or what change or Validate says.
func (s *Store) UpdateApp(ctx context.Context, id int64, change func(*models.App) error) error {
	return s.within(ctx, "update app", func(ctx context.Context, tx *gorm.DB) error {
		if _, err := run(tx, "UPDATE apps SET id = id WHERE id = ?", id); err != nil {
			return err
		}
		old, err := s.App(ctx, id)
		if err != nil {
			return err
		}
		a := old
		if err := change(&a); err != nil {
			return err
		}
		a.ID, a.TenantID, a.Key, a.Mode, a.CreatedAt = old.ID, old.TenantID, old.Key, old.Mode, old.CreatedAt
		if err := a.Validate(); err != nil {
			return err
		}
		if err := validState(a.State); err != nil {
			return err
		}
		_, err = run(tx, "UPDATE apps SET "+strings.Join(appColumns.names, " = ?, ")+" = ? WHERE id = ?", append(appColumns.values(&a), id)...)
		return err
	})
}
