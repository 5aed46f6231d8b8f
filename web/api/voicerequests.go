package api

import (
	"context"

	"maskline/controller/voice"
	"maskline/models"
)

// click is POST click2Call: two people are called, one after the other, and joined (spec/voicecall.md §2).
func (a *api) click(_ context.Context, r request) (work, error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return nil, err
	}
	q := voice.ClickRequest{Asked: a.readAsked(f)}
	q.Caller = a.numbers.called(f, "callerNbr", models.CallerNumber)
	q.DisplayCallee = a.numbers.shown(f, "displayCalleeNbr")
	q.Callee = a.numbers.called(f, "calleeNbr", models.CalleeNumber)
	q.MaxDuration, _ = f.whole("maxDuration")
	f.texts(map[string]*string{"lastMinVoice": &q.LastMinVoice, "preVoice": &q.PreVoice, "waitVoice": &q.WaitVoice, "recordHintTone": &q.RecordTone})
	f.flags(map[string]*bool{"playPreVoice": &q.PlayPreVoice, "recordFlag": &q.RecordFlag, "partyTypeRequiredInDisconnect": &q.PartyType})
	if i, ok := f.oneOf("lastMinToUE", "toa", "tob", "both"); ok {
		q.LastMinToUE = []models.Side{models.SideA, models.SideB, ""}[i]
	}
	if i, ok := f.oneOf("calleeMedia", string(models.MediaAll), string(models.MediaNone), string(models.MediaFail)); ok {
		q.CalleeMedia = []models.Media{models.MediaAll, models.MediaNone, models.MediaFail}[i]
	}
	return a.place(f, q.Asked, func(ctx context.Context) (voice.Accepted, error) { return a.Desk.Click(ctx, r.App, r.Tenant, q) })
}

// notify is POST callnotify: one is called and hears prompts or spoken templates (spec/voicecall.md §3).
func (a *api) notify(_ context.Context, r request) (work, error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return nil, err
	}
	q := voice.NotifyRequest{Asked: a.readAsked(f)}
	q.Callee = a.numbers.called(f, "calleeNbr", models.CalleeNumber)
	if !f.says("playInfoList") {
		f.fail("playInfoList", "playInfoList is missing")
	}
	for _, item := range f.list("playInfoList") {
		q.Play = append(q.Play, readItem(item))
		f.inherit(item)
	}
	return a.place(f, q.Asked, func(ctx context.Context) (voice.Accepted, error) { return a.Desk.Notify(ctx, r.App, r.Tenant, q) })
}

// readItem reads one thing to be played. Free text is refused by name: a caller who heard nothing of it would not know why.
func readItem(f *fields) voice.PlayItem {
	if f.says("ttsContent") {
		f.fail("ttsContent", "ttsContent is not spoken: have a template approved and name it in templateId")
	}
	var p voice.PlayItem
	f.texts(map[string]*string{"notifyVoice": &p.NotifyVoice, "templateId": &p.TemplateID, "collectContentTriggerReplaying": &p.ReplayOn})
	p.TemplateParas = f.strings("templateParas")
	p.CollectInd, _ = f.whole("collectInd")
	p.Replay, _ = f.flag("replayAfterCollection")
	return p
}

// verify is POST callVerify: one is called and hears a code (spec/voicecall.md §4).
func (a *api) verify(_ context.Context, r request) (work, error) {
	f, err := bodyFields(r.body)
	if err != nil {
		return nil, err
	}
	q := voice.VerifyRequest{Asked: a.readAsked(f)}
	q.Callee = a.numbers.called(f, "calleeNbr", models.CalleeNumber)
	for _, name := range []string{"languageType", "preTone", "verifyCode"} {
		if !f.says(name) {
			f.fail(name, "%s is missing", name)
		}
	}
	q.Language, _ = f.whole("languageType")
	f.texts(map[string]*string{"preTone": &q.PreTone, "verifyCode": &q.Code, "posTone": &q.PosTone})
	if n, ok := f.whole("times"); ok {
		q.Times = &n
	}
	return a.place(f, q.Asked, func(ctx context.Context) (voice.Accepted, error) { return a.Desk.Verify(ctx, r.App, r.Tenant, q) })
}
