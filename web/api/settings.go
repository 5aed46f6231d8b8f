package api

import (
	"maskline/models"
)

// readSettings takes what bind and modify may set beside the parties; what is absent stays as it is. It says whether a duration was given,
// which restarts the binding's clock even when it is the same as before (spec/privatenumber.md §2.1).
func readSettings(f *fields, s *models.BindingSettings) (restart bool) {
	if n, ok := f.whole("callDirection"); ok {
		s.Direction = models.Direction(n)
	}
	if n, ok := f.whole("duration"); ok {
		s.Lifetime, restart = n, true
	}
	if n, ok := f.whole("maxDuration"); ok {
		s.MaxDuration = n
	}
	if v, ok := f.flag("recordFlag"); ok {
		s.Record = v
	}
	if v, ok := f.flag("privateSms"); ok {
		s.PrivateSMS = v
	}
	pre := f.object("preVoice")
	for _, t := range []struct {
		from *fields
		name string
		to   *string
	}{
		{f, "recordHintTone", &s.RecordHintTone}, {f, "lastMinVoice", &s.LastMinVoice}, {f, "userData", &s.UserData},
		{pre, "callerHintTone", &s.PreVoiceA}, {pre, "calleeHintTone", &s.PreVoiceB},
	} {
		if v, ok := t.from.text(t.name); ok {
			*t.to = v
		}
	}
	if f.err == nil {
		f.err = pre.err
	}
	return restart
}

// permitted refuses what the request asks for and the app does not have, and tones that do not exist. s holds what the request itself
// says. lastMinVoice without maxDuration is kept and has no effect: clients send it always.
func (a *api) permitted(who caller, f *fields, s models.BindingSettings) error {
	if s.Record && !who.Record {
		return models.Fail(models.RecordingOff, "recordFlag", "the app may not record")
	}
	if f.has("privateSms") && s.PrivateSMS && !who.SMS {
		return models.Fail(models.SMSOff, "privateSms", "the app has no SMS")
	}
	for _, t := range []struct{ param, name string }{
		{"recordHintTone", s.RecordHintTone}, {"lastMinVoice", s.LastMinVoice},
		{"preVoice.callerHintTone", s.PreVoiceA}, {"preVoice.calleeHintTone", s.PreVoiceB},
	} {
		if t.name == "" {
			continue
		}
		if a.Prompts != nil {
			if _, ok := a.Prompts.Find(who.Tenant.SpID, t.name); ok {
				continue
			}
		}
		return models.Fail(models.PromptMissing, t.param, "%s does not exist", t.name)
	}
	return nil
}
