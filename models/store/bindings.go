package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

var bindingColumns = columns[models.Binding]{
	table: "bindings",
	names: []string{"id", "tenant_id", "app_id", "mode", "x", "a", "b", "direction", "lifetime", "record", "record_hint_tone", "max_duration",
		"last_min_voice", "private_sms", "pre_voice_a", "pre_voice_b", "user_data", "created_at", "started_at", "expires_at", "closed_at", "reason",
		"extension", "y", "parent", "more"},
	values: func(b *models.Binding) []any {
		return []any{b.ID, b.TenantID, b.AppID, string(b.Mode), b.X, b.A, b.B, int(b.Direction), b.Lifetime, bit(b.Record), b.RecordHintTone,
			b.MaxDuration, b.LastMinVoice, bit(b.PrivateSMS), b.PreVoiceA, b.PreVoiceB, b.UserData, micros(b.CreatedAt), micros(b.StartedAt),
			micros(b.ExpiresAt), micros(b.ClosedAt), string(b.Reason), b.Extension, b.Y, b.Parent, moreOf(b)}
	},
	dest: func(b *models.Binding) []any {
		return []any{text(&b.ID), num(&b.TenantID), num(&b.AppID), text(&b.Mode), text(&b.X), &b.A, &b.B, num(&b.Direction), num(&b.Lifetime),
			flag(&b.Record), text(&b.RecordHintTone), num(&b.MaxDuration), text(&b.LastMinVoice), flag(&b.PrivateSMS), text(&b.PreVoiceA),
			text(&b.PreVoiceB), text(&b.UserData), when(&b.CreatedAt), when(&b.StartedAt), when(&b.ExpiresAt), when(&b.ClosedAt), text(&b.Reason),
			text(&b.Extension), text(&b.Y), text(&b.Parent), more(b)}
	},
}

// BindingFilter narrows Bindings; zero fields narrow nothing. Mode and Extension are for use with another field: no index serves them.
type BindingFilter struct {
	AppID          int64
	TenantID       int64
	Mode           models.Mode
	X, Y           string
	Extension      string
	SubscriptionID string
	Parent         string // the subscriptionId of AXYB's first step: its relations
	A, B           models.Party
	Open           bool      // only those that route now, by the store's clock
	Since, Until   time.Time // of the bind
}

// Bindings lists bindings, newest first, the closed ones among them unless Open.
func (s *Store) Bindings(ctx context.Context, f BindingFilter, page models.Page) ([]models.Binding, int, error) {
	var c conditions
	if f.Parent != "" {
		// Its relations are found by its X.
		parent, err := s.Binding(ctx, 0, f.Parent)
		if models.CodeOf(err) == models.NotFound {
			return nil, 0, nil
		}
		if err != nil {
			return nil, 0, err
		}
		c.add("t.x = ? AND t.parent = ?", parent.X, f.Parent)
	}
	is(&c, "t.id", f.SubscriptionID)
	// A person or a number says more than an app: where one is given, the app must not choose the index.
	own := ""
	if f.Parent+f.X+f.Y+f.SubscriptionID != "" || !f.A.IsZero() || !f.B.IsZero() {
		own = "+"
	}
	is(&c, own+"t.app_id", f.AppID)
	is(&c, own+"t.tenant_id", f.TenantID)
	is(&c, "t.mode", f.Mode)
	is(&c, "t.x", f.X)
	is(&c, "t.y", f.Y)
	is(&c, "t.extension", f.Extension)
	is(&c, "t.a", f.A)
	is(&c, "t.b", f.B)
	c.span("t.created_at", f.Since, f.Until)
	if f.Open {
		now, err := s.Now(ctx)
		if err != nil {
			return nil, 0, err
		}
		c.add("t.closed_at = 0 AND (t.expires_at = 0 OR t.expires_at > ?)", micros(now))
	}
	return listed(ctx, s, bindingColumns, c, "t.seq DESC", page)
}

// Binding reads a binding of an app, open or closed; appID 0 is any app. models.NotFound.
func (s *Store) Binding(ctx context.Context, appID int64, id string) (models.Binding, error) {
	b, found, err := bindingColumns.first(s.reader(ctx), "WHERE t.id = ?", id)
	if err == nil && found && appID != 0 && b.AppID != appID {
		b, found = models.Binding{}, false
	}
	return b, known(found, wrap("read binding", err), "subscriptionId", "no such binding")
}

// liveBinding reads a binding of an app that routes now, inside a transaction that has its number's lock.
func (s *Store) liveBinding(ctx context.Context, appID int64, id string, now time.Time) (models.Binding, error) {
	b, err := s.Binding(ctx, appID, id)
	if err == nil && !b.Live(now) {
		return models.Binding{}, noSuchBinding()
	}
	return b, err
}

func noSuchBinding() error {
	return models.Fail(models.NotFound, "subscriptionId", "no such binding, or it has ended")
}

// openOfA reads A's open bindings on a number, the first bound first.
func openOfA(db *gorm.DB, x string, a models.Party) ([]models.Binding, error) {
	return bindingColumns.all(db, "WHERE t.a = ? AND t.closed_at = 0 AND t.x = ? ORDER BY t.seq", a, x)
}
