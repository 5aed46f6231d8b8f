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
		"last_min_voice", "private_sms", "pre_voice_a", "pre_voice_b", "user_data", "created_at", "started_at", "expires_at", "closed_at", "reason"},
	values: func(b *models.Binding) []any {
		return []any{b.ID, b.TenantID, b.AppID, string(b.Mode), b.X, b.A, b.B, int(b.Direction), b.Lifetime, bit(b.Record), b.RecordHintTone,
			b.MaxDuration, b.LastMinVoice, bit(b.PrivateSMS), b.PreVoiceA, b.PreVoiceB, b.UserData, micros(b.CreatedAt), micros(b.StartedAt),
			micros(b.ExpiresAt), micros(b.ClosedAt), string(b.Reason)}
	},
	dest: func(b *models.Binding) []any {
		return []any{text(&b.ID), num(&b.TenantID), num(&b.AppID), text(&b.Mode), text(&b.X), &b.A, &b.B, num(&b.Direction), num(&b.Lifetime),
			flag(&b.Record), text(&b.RecordHintTone), num(&b.MaxDuration), text(&b.LastMinVoice), flag(&b.PrivateSMS), text(&b.PreVoiceA),
			text(&b.PreVoiceB), text(&b.UserData), when(&b.CreatedAt), when(&b.StartedAt), when(&b.ExpiresAt), when(&b.ClosedAt), text(&b.Reason)}
	},
}

// BindingFilter narrows Bindings; zero fields narrow nothing.
type BindingFilter struct {
	AppID          int64
	TenantID       int64
	X              string
	SubscriptionID string
	A, B           models.Party
	Open           bool      // only those that route now, by the store's clock
	Since, Until   time.Time // of the bind
}

// Bindings lists bindings, newest first, the closed ones among them unless Open.
func (s *Store) Bindings(ctx context.Context, f BindingFilter, page models.Page) ([]models.Binding, int, error) {
	var c conditions
	is(&c, "t.id", f.SubscriptionID)
	is(&c, "t.app_id", f.AppID)
	is(&c, "t.tenant_id", f.TenantID)
	is(&c, "t.x", f.X)
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

// closeBindings ends open bindings of one number, whose lock the transaction has: their routes go to the history and the number counts
// fewer pairs. An expired binding ended at its own second of expiry, whenever that is noticed; the others end now.
func closeBindings(tx *gorm.DB, x string, list []models.Binding, now time.Time) error {
	var expired, others []models.Binding
	for _, b := range list {
		if b.Live(now) {
			others = append(others, b)
		} else {
			expired = append(expired, b)
		}
	}
	if err := closeAs(tx, x, expired, models.ClosedExpired, "expires_at"); err != nil {
		return err
	}
	return closeAs(tx, x, others, models.ClosedUnbound, "?", micros(now))
}

// closeAs closes bindings with one reason; end is SQL for when, over bindings and routes alike: their own expiry or a time.
func closeAs(tx *gorm.DB, x string, list []models.Binding, reason models.CloseReason, end string, endArgs ...any) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]string, len(list))
	callers := make([]models.Party, 0, 2*len(list))
	for i, b := range list {
		ids[i] = b.ID
		callers = append(callers, b.A, b.B)
	}
	if err := retireRoutes(tx, x, callers, ids, reason, end, endArgs...); err != nil {
		return err
	}
	args := append(append([]any{}, endArgs...), string(reason), ids)
	n, err := run(tx, "UPDATE bindings SET closed_at = "+end+", reason = ? WHERE id IN ? AND closed_at = 0", args...)
	if err != nil {
		return err
	}
	_, err = run(tx, "UPDATE numbers SET pairs = pairs - ? WHERE number = ?", n, x)
	return err
}
