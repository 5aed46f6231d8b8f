package voice

import (
	"context"
	"slices"

	"maskline/models"
)

// display finds the number that a party shall see. One that may take no calls now is replaced by another of the app, without a word: of
// the same city if there is one (spec/voicecall.md §2, displayNbr).
func (d *Desk) display(ctx context.Context, app models.App, param, number string) (models.Number, error) {
	n, err := d.o.Store.Number(ctx, number)
	switch {
	case models.CodeOf(err) == models.NotFound || err == nil && (n.AppID != app.ID || n.Kind != models.NumberDisplay):
		return n, models.Fail(models.DisplayNumber, param, "%s is no display number of the app", param)
	case err != nil || n.State.TakesCalls():
		return n, err
	}
	all, err := d.o.Store.DisplayNumbers(ctx, app.ID)
	if err != nil {
		return n, err
	}
	usable := slices.DeleteFunc(all, func(o models.Number) bool { return !o.State.TakesCalls() || o.Kind != models.NumberDisplay })
	if len(usable) == 0 {
		return n, models.Fail(models.NumberOff, param, "neither this display number nor another of the app may be used now")
	}
	if i := slices.IndexFunc(usable, func(o models.Number) bool { return o.AreaCode == n.AreaCode }); i >= 0 {
		return usable[i], nil
	}
	return usable[0], nil
}

// reachable checks that a party may be called: a mobile or a fixed line, abroad only where that is allowed, of no barred destination, and nobody of the platform's own.
func (d *Desk) reachable(ctx context.Context, r *draft, code models.Code, param string, p models.Party) error {
	switch line := d.o.Numbering.Line(p.Reveal()); {
	case line == models.LineInternational && !d.o.International:
		return models.Fail(code, param, "%s is abroad; calls to other countries are off", param)
	case line == models.LineUnknown:
		return models.Fail(code, param, "%s is neither a mobile number nor a fixed line", param)
	case !r.tenant.Toll.Within(d.o.Destinations, p.Reveal()):
		d.o.Barred(r.app.Key)
		return models.Fail(code, param, "%s is of a destination that may not be called", param)
	}
	_, err := d.o.Store.Number(ctx, p.Reveal())
	switch {
	case err == nil:
		return models.Fail(code, param, "%s is a number of the platform", param)
	case models.CodeOf(err) == models.NotFound:
		return nil
	}
	return err
}

// prompt checks a tone file that a request names; "" is the app's choice for the platform's default of that name, which may be silence.
func (d *Desk) prompt(r *draft, param, name, fallback string) (string, error) {
	if name == "" {
		if own, chosen := r.app.Prompts[fallback]; chosen {
			return own, nil
		}
		return fallback, nil
	}
	if err := models.ValidPromptName(param, name); err != nil {
		return "", err
	}
	if _, ok := d.o.Prompts.Find(r.tenant.SpID, name); !ok {
		return "", models.Fail(models.PromptMissing, param, "%s does not exist", name)
	}
	return name, nil
}
