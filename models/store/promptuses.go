package store

import (
	"context"
	"fmt"
	"maps"
	"time"

	"maskline/models"
)

// promptFree says whether nothing live names a tenant's prompt: models.InUse, naming one that does.
func (s *Store) promptFree(ctx context.Context, p models.Prompt) error {
	now, err := s.Now(ctx)
	if err != nil {
		return err
	}
	for page := (models.Page{Limit: models.PageMax}); ; page.Offset += page.Limit {
		apps, _, err := s.Apps(ctx, AppFilter{TenantID: p.TenantID}, page)
		if err != nil {
			return err
		}
		for _, a := range apps {
			if err := s.freeIn(ctx, a, p.Name, now); err != nil {
				return err
			}
		}
		if len(apps) < page.Limit {
			return nil
		}
	}
}

// freeIn is promptFree for one app.
func (s *Store) freeIn(ctx context.Context, a models.App, name string, now time.Time) error {
	for place, tone := range tonesOf(a) {
		if tone == name {
			return models.Fail(models.InUse, "name", "app %s plays %s as %s", a.Name, name, place)
		}
	}
	b, ok, err := bindingColumns.first(s.reader(ctx), bindingNames, a.ID, micros(now), name, name, name, name, fmt.Sprintf(`"callback_tone":%q`, name))
	switch {
	case err != nil:
		return fmt.Errorf("look for bindings that name a prompt: %w", err)
	case ok:
		return models.Fail(models.InUse, "name", "binding %s of app %s names %s", b.ID, a.Name, name)
	}
	return nil
}

// bindingNames finds a live binding of an app that names a prompt in any of its settings. The last stands in the JSON of modeSettings, whose
// text is ours: names have no character that JSON would write otherwise.
const bindingNames = "WHERE t.app_id = ? AND t.closed_at = 0 AND (t.expires_at = 0 OR t.expires_at > ?)" +
	" AND (t.record_hint_tone = ? OR t.last_min_voice = ? OR t.pre_voice_a = ? OR t.pre_voice_b = ? OR INSTR(t.more, ?) > 0)"

// tonesOf are the prompts that an app names, by where.
func tonesOf(a models.App) map[string]string {
	tones := maps.Clone(a.Prompts)
	if tones == nil {
		tones = map[string]string{}
	}
	tones["extension.callback_tone"] = a.Settings.Extension.CallbackTone
	return tones
}
