package voice

import (
	"context"

	"maskline/models"
)

// The bounds of a notification (spec/voicecall.md §3).
const (
	itemsMost   = 5
	collectMost = 32
)

// Notify accepts a call to one who hears prompts or spoken templates (spec/voicecall.md §3).
func (d *Desk) Notify(ctx context.Context, app models.App, tenant models.Tenant, q NotifyRequest) (Accepted, error) {
	r, err := begin(app, tenant, models.ModeNotify, q.Asked)
	if err != nil {
		return Accepted{}, err
	}
	if len(q.Play) == 0 || len(q.Play) > itemsMost {
		return Accepted{}, models.Fail(models.Invalid, "playInfoList", "playInfoList has 1 to %d items", itemsMost)
	}
	for _, p := range q.Play {
		item, err := d.item(ctx, r, p)
		if err != nil {
			return Accepted{}, err
		}
		r.place.Play = append(r.place.Play, item)
	}
	if err := d.callOne(ctx, r, q.Callee); err != nil {
		return Accepted{}, err
	}
	return d.accept(ctx, r)
}

// callOne settles the numbers of a call with one party.
func (d *Desk) callOne(ctx context.Context, r *draft, callee models.Party) error {
	shown, err := d.display(ctx, r.app, "displayNbr", r.asked.Display)
	if err != nil {
		return err
	}
	if err := d.reachable(ctx, r, models.CalleeNumber, "calleeNbr", callee); err != nil {
		return err
	}
	r.first = callee
	r.show(shown)
	return nil
}

func (d *Desk) item(ctx context.Context, r *draft, p PlayItem) (models.Item, error) {
	item := models.Item{Collect: p.CollectInd}
	switch {
	case (p.NotifyVoice == "") == (p.TemplateID == ""):
		return item, models.Fail(models.Invalid, "playInfoList", "an item has either notifyVoice or templateId")
	case p.CollectInd < 0 || p.CollectInd > collectMost:
		return item, models.Fail(models.Invalid, "collectInd", "collectInd is 0 to %d", collectMost)
	}
	if p.CollectInd > 0 && p.Replay {
		if !keys(p.ReplayOn) || len(p.ReplayOn) > collectMost {
			return item, models.Fail(models.Invalid, "collectContentTriggerReplaying", "collectContentTriggerReplaying is what may be keyed, up to %d digits", collectMost)
		}
		item.Replay, item.ReplayOn = true, p.ReplayOn
	}
	if p.NotifyVoice != "" {
		name, err := d.prompt(r, "notifyVoice", p.NotifyVoice, "")
		item.Prompts = []string{name}
		return item, err
	}
	speech, err := d.speech(ctx, r, p)
	item.Speech = &speech
	return item, err
}

// speech fills an approved template of the tenant. One that is not approved does not exist for the caller (spec/privatenumber.md §6).
func (d *Desk) speech(ctx context.Context, r *draft, p PlayItem) (models.Speech, error) {
	missing := models.Fail(models.PromptMissing, "templateId", "templateId does not exist")
	if len(p.TemplateID) > 32 {
		return models.Speech{}, missing
	}
	t, err := d.o.Store.Template(ctx, r.tenant.ID, p.TemplateID)
	switch {
	case models.CodeOf(err) == models.NotFound || err == nil && t.State != models.ReviewApproved:
		return models.Speech{}, missing
	case err != nil:
		return models.Speech{}, err
	}
	return t.FillWithin(d.o.Values, p.TemplateParas)
}

// keys says that s holds only what a telephone has keys for.
func keys(s string) bool {
	for _, c := range s {
		if (c < '0' || c > '9') && c != '*' && c != '#' {
			return false
		}
	}
	return true
}
