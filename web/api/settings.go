package api

import (
	"maskline/models"
)

// readSettings takes what bind and modify of AXB may set beside the parties; what is absent stays as it is. It says whether a duration was
// given, which restarts the binding's clock even when it is the same as before (spec/privatenumber.md §2.1).
func readSettings(f *fields, s *models.BindingSettings) (restart bool) {
	readCallSettings(f, s)
	if n, ok := f.whole("duration"); ok {
		s.Lifetime, restart = n, true
	}
	return restart
}

// readCallSettings takes what AXB and AX have in common: how a call goes, not how long the binding lives.
func readCallSettings(f *fields, s *models.BindingSettings) {
	if n, ok := f.whole("callDirection"); ok {
		s.Direction = models.Direction(n)
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
	f.texts(map[string]*string{"recordHintTone": &s.RecordHintTone, "lastMinVoice": &s.LastMinVoice, "userData": &s.UserData})
	pre.texts(map[string]*string{"callerHintTone": &s.PreVoiceA, "calleeHintTone": &s.PreVoiceB})
	if f.err == nil {
		f.err = pre.err
	}
}

// permitted refuses what the request asks for and the app does not have, and tones that do not exist. s holds what the request itself
// says. lastMinVoice without maxDuration is kept and has no effect: clients send it always.
func (a *api) permitted(who caller, f *fields, s models.BindingSettings) error {
	if err := mayRecord(who, s); err != nil {
		return err
	}
	if f.has("privateSms") && s.PrivateSMS && !who.SMS {
		return models.Fail(models.SMSOff, "privateSms", "the app has no SMS")
	}
	return a.tonesExist(who, tone{"recordHintTone", s.RecordHintTone}, tone{"lastMinVoice", s.LastMinVoice},
		tone{"preVoice.callerHintTone", s.PreVoiceA}, tone{"preVoice.calleeHintTone", s.PreVoiceB}, tone{"callbackTone", s.CallbackTone})
}

func mayRecord(who caller, s models.BindingSettings) error {
	if s.Record && !who.Record {
		return models.Fail(models.RecordingOff, "recordFlag", "the app may not record")
	}
	return nil
}

// tone is a tone file that a request names, by the parameter that names it. "" is none.
type tone struct{ param, name string }

// tonesExist refuses tones that are malformed or that the tenant does not have.
func (a *api) tonesExist(who caller, tones ...tone) error {
	for _, t := range tones {
		if t.name == "" {
			continue
		}
		if err := models.ValidPromptName(t.param, t.name); err != nil {
			return err
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
