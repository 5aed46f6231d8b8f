package voice

import (
	"context"
	"time"

	"maskline/models"
)

// Click accepts a call to two people who are joined (spec/voicecall.md §2). app and tenant are as the door let them in.
func (d *Desk) Click(ctx context.Context, app models.App, tenant models.Tenant, q ClickRequest) (Accepted, error) {
	r, err := begin(app, tenant, models.ModeClick, q.Asked)
	if err != nil {
		return Accepted{}, err
	}
	if err := validClick(app, q); err != nil {
		return Accepted{}, err
	}
	then, err := d.then(r, q)
	if err != nil {
		return Accepted{}, err
	}
	if err := d.clickNumbers(ctx, r, q, then); err != nil {
		return Accepted{}, err
	}
	r.place.Then, r.place.PartyType = then, q.PartyType
	return d.accept(ctx, r)
}

// validClick checks what needs no look at anything.
func validClick(app models.App, q ClickRequest) error {
	switch {
	case q.MaxDuration < 0 || q.MaxDuration > models.MinuteMax:
		return models.Fail(models.Invalid, "maxDuration", "maxDuration is 0 to %d minutes", models.MinuteMax)
	case q.LastMinToUE != "" && q.LastMinToUE != models.SideA && q.LastMinToUE != models.SideB:
		return models.Fail(models.Invalid, "lastMinToUE", "lastMinToUE is toa, tob or both")
	case q.CalleeMedia != "" && q.CalleeMedia != models.MediaAll && q.CalleeMedia != models.MediaNone && q.CalleeMedia != models.MediaFail:
		return models.Fail(models.Invalid, "calleeMedia", "calleeMedia is all, none or fail")
	case q.RecordFlag && !app.Record:
		return models.Fail(models.RecordingOff, "recordFlag", "the app may not record")
	case q.Caller == q.Callee:
		return models.Fail(models.CalleeNumber, "calleeNbr", "calleeNbr is callerNbr; nobody is joined with himself")
	}
	return nil
}

// then is leg 2 but for its numbers. What a parameter says that counts only with another one is not looked at without that.
func (d *Desk) then(r *draft, q ClickRequest) (*models.Connect, error) {
	c := &models.Connect{To: q.Callee.Reveal(), AnswerIn: r.app.Settings.Voice.AnswerIn(), MaxTalk: time.Duration(q.MaxDuration) * time.Minute,
		Record: q.RecordFlag, Media: q.CalleeMedia}
	if c.Media == "" {
		c.Media = models.MediaAll
	}
	var err error
	if q.PlayPreVoice {
		var pre string
		if pre, err = d.prompt(r, "preVoice", q.PreVoice, models.PromptTransfer); err != nil {
			return nil, err
		}
		if pre != "" {
			r.place.Play = []models.Item{{Prompts: []string{pre}}}
		}
	}
	if q.WaitVoice != "" {
		if c.Wait, err = d.prompt(r, "waitVoice", q.WaitVoice, ""); err != nil {
			return nil, err
		}
	}
	if q.RecordFlag {
		if c.RecordTone, err = d.prompt(r, "recordHintTone", q.RecordTone, models.PromptRecordHint); err != nil {
			return nil, err
		}
	}
	if q.MaxDuration > 0 {
		c.LastMinuteTo = q.LastMinToUE
		c.LastMinute, err = d.prompt(r, "lastMinVoice", q.LastMinVoice, models.PromptLastMinute)
	}
	return c, err
}

func (d *Desk) clickNumbers(ctx context.Context, r *draft, q ClickRequest, then *models.Connect) error {
	shown, err := d.display(ctx, r.app, "displayNbr", q.Display)
	if err != nil {
		return err
	}
	toCallee := shown
	if q.DisplayCallee != q.Display {
		if toCallee, err = d.display(ctx, r.app, "displayCalleeNbr", q.DisplayCallee); err != nil {
			return err
		}
	}
	if err := d.reachable(ctx, r, models.CallerNumber, "callerNbr", q.Caller); err != nil {
		return err
	}
	if err := d.reachable(ctx, r, models.CalleeNumber, "calleeNbr", q.Callee); err != nil {
		return err
	}
	then.Show, then.Trunk = toCallee.Number, toCallee.Trunk
	r.first, r.second = q.Caller, q.Callee
	r.show(shown)
	return nil
}

// show fills in leg 1, whose party is known.
func (r *draft) show(n models.Number) {
	r.shown = n
	r.place.To, r.place.Show, r.place.Trunk = r.first.Reveal(), n.Number, n.Trunk
}
