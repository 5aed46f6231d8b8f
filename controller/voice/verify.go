package voice

import (
	"context"

	"maskline/models"
)

// How often a code is read (spec/voicecall.md §4, times).
const (
	timesDefault = 3
	timesMost    = 9
)

var languages = map[int]string{1: "zh", 2: "en"}

// Verify accepts a call to one who hears a code, digit by digit (spec/voicecall.md §4).
func (d *Desk) Verify(ctx context.Context, app models.App, tenant models.Tenant, q VerifyRequest) (Accepted, error) {
	r, err := begin(app, tenant, models.ModeVerify, q.Asked)
	if err != nil {
		return Accepted{}, err
	}
	item, err := d.code(r, q)
	if err != nil {
		return Accepted{}, err
	}
	r.place.Play = []models.Item{item}
	if err := d.callOne(ctx, r, q.Callee); err != nil {
		return Accepted{}, err
	}
	return d.accept(ctx, r)
}

// code is one round: the tone before, the digits, the tone after.
func (d *Desk) code(r *draft, q VerifyRequest) (models.Item, error) {
	item := models.Item{Rounds: timesDefault}
	if q.Times != nil {
		item.Rounds = *q.Times
	}
	language, known := languages[q.Language]
	switch {
	case !known:
		return item, models.Fail(models.Invalid, "languageType", "languageType is 1 for Chinese or 2 for English")
	case q.PreTone == "":
		return item, models.Fail(models.Invalid, "preTone", "preTone is missing")
	case len(q.Code) < 2 || len(q.Code) > 8 || !digits(q.Code):
		return item, models.Fail(models.Invalid, "verifyCode", "verifyCode has 2 to 8 digits")
	case item.Rounds < 0 || item.Rounds > timesMost:
		return item, models.Fail(models.Invalid, "times", "times is 0 to %d", timesMost)
	case item.Rounds == 0:
		item.Rounds = r.app.Settings.Voice.RoundsMost()
	}
	pre, err := d.prompt(r, "preTone", q.PreTone, "")
	if err != nil {
		return item, err
	}
	item.Prompts = append(item.Prompts, pre)
	for i := range len(q.Code) {
		item.Prompts = append(item.Prompts, models.DigitPrompt(language, q.Code[i]))
	}
	if q.PosTone != "" {
		pos, err := d.prompt(r, "posTone", q.PosTone, "")
		if err != nil {
			return item, err
		}
		item.Prompts = append(item.Prompts, pos)
	}
	return item, nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
