package route

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

var (
	now = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	ann = models.MustParty("+8613800000001")
	ben = models.MustParty("+8613900000002")
)

const xNumber = "+8617000000009"

// sight is what the store sees for a healthy AXB binding when caller dials X; edit changes it before the decision.
func sight(caller models.Party, edit func(*models.Sight)) models.Sight {
	b := models.Binding{ID: "b1", X: xNumber, A: ann, B: ben}
	s := models.Sight{Now: now, Dialled: xNumber, Caller: caller, Number: &models.Number{Number: xNumber, State: models.NumberNormal, Trunk: "t2"},
		App: &models.App{ID: 7, Key: "key", Mode: models.ModeAXB, State: models.StateNormal, Record: true}, Tenant: &models.Tenant{ID: 3, State: models.StateNormal}, Binding: &b}
	if edit != nil {
		edit(&s)
	}
	for _, r := range models.AXBRoutes(*s.Binding, now) {
		if r.Caller == caller {
			s.Route = &r
		}
	}
	if s.Route == nil {
		s.Binding = nil
	}
	return s
}

func TestAXBConnects(t *testing.T) {
	settings := func(s *models.Sight) {
		s.Binding.BindingSettings = models.BindingSettings{PreVoiceA: "a.wav", PreVoiceB: "b.wav", Record: true, MaxDuration: 5, LastMinVoice: "l.wav", UserData: "u"}
	}
	a := Rules{}.Decide(sight(ann, settings))
	want := &models.Connect{To: ben.Reveal(), Show: xNumber, Trunk: "t2", AnswerIn: 90 * time.Second, PreVoice: "a.wav", Record: true, RecordTone: models.PromptRecordHint, MaxTalk: 5 * time.Minute, LastMinute: "l.wav"}
	if a.Refuse != nil || !reflect.DeepEqual(a.Connect, want) {
		t.Errorf("A: %+v, want %+v", a.Connect, want)
	}
	if a.TenantID != 3 || a.AppID != 7 || a.AppKey != "key" || a.BindingID != "b1" || a.UserData != "u" || a.Side != models.SideA {
		t.Errorf("whose call: %+v", a)
	}
	b := Rules{AnswerIn: time.Minute}.Decide(sight(ben, settings))
	if b.Connect == nil || b.Connect.To != ann.Reveal() || b.Connect.PreVoice != "b.wav" || b.Connect.AnswerIn != time.Minute || b.Side != models.SideB {
		t.Errorf("B: %+v", b)
	}
}

func TestAXBRefuses(t *testing.T) {
	stranger := models.MustParty("+8613700000003")
	for _, c := range []struct {
		name   string
		caller models.Party
		edit   func(*models.Sight)
		state  models.StateCode
		prompt string
	}{
		{"a stranger", stranger, nil, models.NoBinding, models.PromptNoBinding},
		{"a hidden caller", models.Hidden, nil, models.NoBinding, models.PromptNoBinding},
		{"no caller at all", models.Party{}, nil, models.NoBinding, models.PromptNoBinding},
		{"only A may call", ben, func(s *models.Sight) { s.Binding.Direction = models.OnlyAToB }, models.DirectionBarred, models.PromptDirection},
		{"only B may call", ann, func(s *models.Sight) { s.Binding.Direction = models.OnlyBToA }, models.DirectionBarred, models.PromptDirection},
		{"expired this second", ann, func(s *models.Sight) { s.Binding.ExpiresAt = now }, models.NoBinding, models.PromptNoBinding},
		{"frozen tenant", ann, func(s *models.Sight) { s.Tenant.State = models.StateFrozen }, models.AccountFrozen, models.PromptNoPermission},
		{"suspended app", ann, func(s *models.Sight) { s.App.State = models.StateSuspended }, models.Abnormal, models.PromptAbnormal},
		{"suspended number", ann, func(s *models.Sight) { s.Number.State = models.NumberSuspended }, models.NumberBarred, models.PromptNoPermission},
		{"unavailable number", ann, func(s *models.Sight) { s.Number.State = models.NumberUnavailable }, models.NumberBarred, models.PromptNoPermission},
		{"foreign number", ann, func(s *models.Sight) { s.Number = nil }, models.NoBinding, models.PromptNoBinding},
		{"a mode without rules", ann, func(s *models.Sight) { s.App.Mode = "zz" }, models.WrongMode, models.PromptAbnormal},
		{"own prompt", stranger, func(s *models.Sight) { s.App.Prompts = map[string]string{models.PromptNoBinding: "own.wav"} }, models.NoBinding, "own.wav"},
		{"silence by choice", stranger, func(s *models.Sight) { s.App.Prompts = map[string]string{models.PromptNoBinding: ""} }, models.NoBinding, ""},
	} {
		d := Rules{}.Decide(sight(c.caller, c.edit))
		if d.Connect != nil || d.Refuse == nil || d.Refuse.State != c.state || d.Refuse.Prompt != c.prompt || d.Refuse.Q850 == 0 {
			t.Errorf("%s: got %+v", c.name, d.Refuse)
		}
		if strings.Contains(d.Why, "3800000001") || strings.Contains(d.Why, "3900000002") || d.Why == "" {
			t.Errorf("%s: why %q", c.name, d.Why)
		}
	}
	if d := (Rules{}).Decide(sight(ann, func(s *models.Sight) { s.Binding.ExpiresAt = now.Add(time.Second) })); d.Connect == nil {
		t.Errorf("a binding lives until its second of expiry: %s", d.Why)
	}
	if d := (Rules{}).Decide(sight(ann, func(s *models.Sight) { s.Number.State = models.NumberBindFrozen })); d.Connect == nil {
		t.Errorf("a bind-frozen number keeps its bindings working: %s", d.Why)
	}
}

func TestConnectLimits(t *testing.T) {
	one := Rules{}.Decide(sight(ann, func(s *models.Sight) { s.Binding.MaxDuration, s.Binding.LastMinVoice = 1, "l.wav" }))
	if one.Connect.LastMinute != "" || one.Connect.MaxTalk != time.Minute {
		t.Errorf("a call of one minute has no last-minute prompt: %+v", one.Connect)
	}
	for _, c := range []struct {
		minutes   int
		cap, want time.Duration
	}{{0, 0, 0}, {0, time.Hour, time.Hour}, {30, time.Hour, 30 * time.Minute}, {90, time.Hour, time.Hour}} {
		d := Rules{MaxTalk: c.cap}.Decide(sight(ann, func(s *models.Sight) { s.Binding.MaxDuration = c.minutes }))
		if d.Connect.MaxTalk != c.want {
			t.Errorf("%d minutes under a cap of %s: %s", c.minutes, c.cap, d.Connect.MaxTalk)
		}
	}
	own := Rules{Refusals: map[models.StateCode]string{models.NoBinding: "custom.wav"}}.Decide(sight(models.Hidden, nil))
	if own.Refuse.Prompt != "custom.wav" {
		t.Errorf("the configuration's prompt: %+v", own.Refuse)
	}
	withdrawn := Rules{}.Decide(sight(ann, func(s *models.Sight) { s.Binding.Record, s.App.Record = true, false }))
	if withdrawn.Connect.Record {
		t.Error("an app without the capability records nothing")
	}
}
