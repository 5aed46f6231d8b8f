package route

import (
	"strings"
	"testing"
	"time"

	"maskline/models"
)

const y = "+8617000000010"

var (
	eve  = models.MustParty("+8613700000003")
	desk = models.MustParty("+8675528001234")
	far  = models.MustParty("+442079460000")
)

// look is what the store sees of mode's routes when caller dials; edit changes it before the decision.
func look(mode models.Mode, dialled string, caller models.Party, extension string, b models.Binding, rows []models.Route, edit func(*models.Sight)) models.Sight {
	s := models.Sight{Now: now, Dialled: dialled, Caller: caller, Extension: extension, Number: &models.Number{Number: dialled, State: models.NumberNormal},
		App: &models.App{ID: 7, Mode: mode, State: models.StateNormal, StatusURL: "http://c/s"}, Tenant: &models.Tenant{ID: 3, State: models.StateNormal}}
	for _, want := range []models.Party{models.Anyone, caller} { // the caller's own row comes last and wins
		for _, row := range rows {
			if row.Dialled == dialled && row.Caller == want && row.Extension == extension {
				s.Route, s.Binding = &row, &b
			}
		}
	}
	if edit != nil {
		edit(&s)
	}
	return s
}

// outcome is a decision in one word: the destination and what it sees, the state, or the step that comes first.
func outcome(d models.Decision) string {
	switch {
	case d.Connect != nil:
		return d.Connect.To + " sees " + d.Connect.Show
	case d.Collect != nil:
		return "collect"
	case d.Ask != nil:
		return "ask " + d.Ask.URL
	case d.Allocate != nil:
		return "allocate " + d.Allocate.BindingID
	}
	return d.Refuse.State.Text()
}

func TestModes(t *testing.T) {
	axb := models.Binding{ID: "ax", X: xNumber, A: ann}
	axRows := models.AXRoutes(axb, now)
	withTemp := func(p models.Party, until time.Time) func(*models.Sight) {
		return func(s *models.Sight) { s.Route.Temp, s.Route.TempUntil = p, until }
	}
	axe := models.Binding{ID: "axe", X: xNumber, A: ann, Extension: "12", BindingSettings: models.BindingSettings{CallbackTime: 2}}
	axeRows := []models.Route{models.AXERoute(axe, now), models.AXECallbackRoute(axe, now)}
	axyb := models.Binding{ID: "axyb", X: xNumber, A: ann}
	yb := models.Binding{ID: "yb", X: xNumber, A: ann, B: ben, Y: y, Parent: "axyb"}
	ybRows := append(models.AXYBRoutes(axyb, now), models.YBRoutes(yb, now)...)
	for _, c := range []struct {
		name      string
		s         models.Sight
		want      string
		direction int
	}{
		{"AX: anyone reaches A", look(models.ModeAX, xNumber, eve, models.NoExtension, axb, axRows, nil), ann.Reveal() + " sees " + xNumber, 0},
		{"AX: a hidden caller too", look(models.ModeAX, xNumber, models.Hidden, models.NoExtension, axb, axRows, nil), ann.Reveal() + " sees " + xNumber, 0},
		{"AX: A reaches the temporary callee", look(models.ModeAX, xNumber, ann, models.NoExtension, axb, axRows, withTemp(ben, now.Add(time.Second))), ben.Reveal() + " sees " + xNumber, 1},
		{"AX: whose time is over", look(models.ModeAX, xNumber, ann, models.NoExtension, axb, axRows, withTemp(ben, now)), models.NoTempCallee.Text(), 1},
		{"AX: A without one reaches nobody, and not himself", look(models.ModeAX, xNumber, ann, models.NoExtension, axb, axRows, nil), models.NoTempCallee.Text(), 1},
		{"AX: A as his own temporary callee", look(models.ModeAX, xNumber, ann, models.NoExtension, axb, axRows, withTemp(ann, time.Time{})), models.NoTempCallee.Text(), 1},
		{"AX: unbound", look(models.ModeAX, xNumber, eve, models.NoExtension, axb, nil, nil), models.NoPermission.Text(), 2},
		{"AX: busy", look(models.ModeAX, xNumber, eve, models.NoExtension, axb, axRows, func(s *models.Sight) { s.Busy = true }), models.CalleeBusy.Text(), 0},
		{"AX: turned off", look(models.ModeAX, xNumber, eve, models.NoExtension, axb, axRows, func(s *models.Sight) { s.Binding.Off = true }), models.NoPermission.Text(), 0},
		{"AX: the real caller is not shown", look(models.ModeAX, xNumber, eve, models.NoExtension, axb, axRows, func(s *models.Sight) { s.Binding.ShowCaller = true }), models.RealCallerBarred.Text(), 0},
		{"AX: only A calls", look(models.ModeAX, xNumber, eve, models.NoExtension, axb, models.AXRoutes(models.Binding{X: xNumber, A: ann, BindingSettings: models.BindingSettings{Direction: 1}}, now), nil), models.DirectionBarred.Text(), 0},

		{"AXE: first the extension", look(models.ModeAXE, xNumber, eve, models.NoExtension, axe, axeRows, nil), "collect", 0},
		{"AXE: then A", look(models.ModeAXE, xNumber, eve, "12", axe, axeRows, nil), ann.Reveal() + " sees " + xNumber, 0},
		{"AXE: a wrong one", look(models.ModeAXE, xNumber, eve, "13", axe, axeRows, nil), models.NoExtensionBound.Text(), 2},
		{"AXE: A keys nothing: nobody called", look(models.ModeAXE, xNumber, ann, models.NoExtension, axe, axeRows, nil), models.NoCallback.Text(), 1},
		{"AXE: A calls back", look(models.ModeAXE, xNumber, ann, models.NoExtension, axe, axeRows, withTemp(eve, now.Add(time.Hour))), eve.Reveal() + " sees " + xNumber, 1},
		{"AXE: too late, so callbackNum", look(models.ModeAXE, xNumber, ann, models.NoExtension, axe, axeRows, func(s *models.Sight) {
			withTemp(eve, now)(s)
			s.Binding.CallbackNum = ben.Reveal()
		}), ben.Reveal() + " sees " + xNumber, 1},
		{"AXE: the app's callbackNum", look(models.ModeAXE, xNumber, ann, models.NoExtension, axe, axeRows, func(s *models.Sight) { s.App.Settings.Extension.CallbackNum = ben.Reveal() }), ben.Reveal() + " sees " + xNumber, 1},

		{"AXYB: B reaches A, who sees Y", look(models.ModeAXYB, xNumber, ben, models.NoExtension, yb, ybRows, nil), ann.Reveal() + " sees " + y, 0},
		{"AXYB: A on Y reaches B, who sees X", look(models.ModeAXYB, y, ann, models.NoExtension, yb, ybRows, nil), ben.Reveal() + " sees " + xNumber, 1},
		{"AXYB: a first call", look(models.ModeAXYB, xNumber, eve, models.NoExtension, axyb, ybRows, nil), "allocate axyb", 0},
		{"AXYB: a hidden one", look(models.ModeAXYB, xNumber, models.Hidden, models.NoExtension, axyb, ybRows, nil), models.NoRelation.Text(), 0},
		{"AXYB: A on his own X", look(models.ModeAXYB, xNumber, ann, models.NoExtension, axyb, ybRows, nil), models.DialledOwnX.Text(), 1},
		{"AXYB: a stranger on Y", look(models.ModeAXYB, y, eve, models.NoExtension, yb, ybRows, nil), models.NoRelation.Text(), 2},

		{"X: the tenant is asked", look(models.ModeX, xNumber, eve, models.NoExtension, axb, nil, nil), "ask http://c/s", 1},
		{"X: at the URL for that", look(models.ModeX, xNumber, eve, models.NoExtension, axb, nil, func(s *models.Sight) { s.App.Settings.AskURL = "http://c/ask" }), "ask http://c/ask", 1},
	} {
		d := Rules{}.Decide(c.s)
		if outcome(d) != c.want || d.Direction != c.direction || d.Why == "" {
			t.Errorf("%s: %s, direction %d; want %s, %d (%s)", c.name, outcome(d), d.Direction, c.want, c.direction, d.Why)
		}
	}
}

func TestModesSayWhatTheFlowNeeds(t *testing.T) {
	ax := models.Binding{ID: "ax", X: xNumber, A: ann}
	d := Rules{AllowRealCaller: true}.Decide(look(models.ModeAX, xNumber, eve, models.NoExtension, ax, models.AXRoutes(ax, now), func(s *models.Sight) { s.Binding.ShowCaller = true }))
	if d.Connect == nil || !d.Connect.Exclusive || d.Connect.UsesTemp || d.Connect.Show != eve.Reveal() {
		t.Errorf("AX from another: %+v", d.Connect)
	}
	d = Rules{}.Decide(look(models.ModeAX, xNumber, ann, models.NoExtension, ax, models.AXRoutes(ax, now), func(s *models.Sight) { s.Route.Temp = ben }))
	if d.Connect == nil || !d.Connect.Exclusive || !d.Connect.UsesTemp {
		t.Errorf("AX from A: %+v", d.Connect)
	}
	axe := models.Binding{ID: "axe", X: xNumber, A: ann, Extension: "12", BindingSettings: models.BindingSettings{CallbackTime: 2}}
	rows := []models.Route{models.AXERoute(axe, now)}
	d = Rules{}.Decide(look(models.ModeAXE, xNumber, eve, "12", axe, rows, nil))
	if d.Connect == nil || !d.Connect.CallBack || d.Connect.CallBackFor != 2*time.Hour || d.Connect.Extension != "12" {
		t.Errorf("AXE: %+v", d.Connect)
	}
	if d = (Rules{}).Decide(look(models.ModeAXE, xNumber, models.Hidden, "12", axe, rows, nil)); d.Connect == nil || d.Connect.CallBack {
		t.Errorf("a hidden caller is put through and never recorded: %+v", d.Connect)
	}
	d = Rules{}.Decide(look(models.ModeAXE, xNumber, eve, models.NoExtension, axe, rows, func(s *models.Sight) {
		s.App.Settings.Extension = models.ExtensionSettings{Digits: 2, Repeats: 1, Gap: 7, AnswerFirst: true}
	}))
	if c := d.Collect; c == nil || c.Digits != 2 || c.Repeats != 1 || c.Gap != 7*time.Second || !c.Answer || c.Input != models.PromptExtension {
		t.Errorf("collect: %+v", c)
	}
}

func TestAnswered(t *testing.T) {
	s := look(models.ModeX, xNumber, eve, models.NoExtension, models.Binding{}, nil, func(s *models.Sight) { s.App.Record = true })
	for _, c := range []struct {
		name, answer, want, userData string
	}{
		{"connect, an array", `{"operation":"connect","connectInfo":[{"calleeNum":"+8613900000002","maxDuration":30,"recordFlag":"true","userData":"u"}]}`, ben.Reveal() + " sees " + xNumber, "u"},
		{"connect, an object", `{"operation":"connect","connectInfo":{"displayCalleeNum":"+8617000000009","calleeNum":"13900000002","maxDuration":"30.0","recordFlag":true}}`, ben.Reveal() + " sees " + xNumber, ""},
		{"close", `{"operation":"close","closeInfo":[{"closeHintTone":"c.wav","userData":"u"}]}`, models.Hungup.Text(), "u"},
		{"close without more", `{"operation":"close"}`, models.Hungup.Text(), ""},
		{"an unknown operation", `{"operation":"transfer","connectInfo":{"calleeNum":"+8613900000002"}}`, models.NoBinding.Text(), ""},
		{"no callee", `{"operation":"connect","connectInfo":{}}`, models.NoBinding.Text(), ""},
		{"no connectInfo", `{"operation":"connect"}`, models.NoBinding.Text(), ""},
		{"two of them", `{"operation":"connect","connectInfo":[{"calleeNum":"+8613900000002"},{"calleeNum":"+8613900000002"}]}`, models.NoBinding.Text(), ""},
		{"the caller himself", `{"operation":"connect","connectInfo":{"calleeNum":"13700000003"}}`, models.NoBinding.Text(), ""},
		{"a number of the platform", `{"operation":"connect","connectInfo":{"calleeNum":"` + y + `"}}`, models.NoBinding.Text(), ""},
		{"another display", `{"operation":"connect","connectInfo":{"calleeNum":"13900000002","displayCalleeNum":"` + y + `"}}`, models.NoBinding.Text(), ""},
		{"7200 minutes", `{"operation":"connect","connectInfo":{"calleeNum":"13900000002","maxDuration":7200}}`, models.NoBinding.Text(), ""},
		{"a tone that is not there", `{"operation":"connect","connectInfo":{"calleeNum":"13900000002","waitVoice":"none.wav"}}`, models.PromptGone.Text(), ""},
		{"a path for a tone", `{"operation":"close","closeInfo":{"closeHintTone":"../c.wav"}}`, models.NoBinding.Text(), ""},
		{"no JSON", `<html>`, models.NoBinding.Text(), ""},
		{"nothing", ``, models.NoBinding.Text(), ""},
		{"a megabyte", `{"operation":"close","x":"` + strings.Repeat("a", 1<<20) + `"}`, models.NoBinding.Text(), ""},
		{"wrong types", `{"operation":"connect","connectInfo":{"calleeNum":13900000002}}`, models.NoBinding.Text(), ""},
	} {
		plan, userData, err := Rules{}.Answered([]byte(c.answer), s, func(n string) bool { return n != "none.wav" }, func(n string) bool { return n == y })
		if got := outcome(models.Decision{Plan: plan}); got != c.want || (err == nil) != (userData == c.userData && (plan.Connect != nil || plan.Refuse.State == models.Hungup)) {
			t.Errorf("%s: %s, userData %q, error %v; want %s", c.name, got, userData, err, c.want)
		}
		if plan.Connect != nil && (userData != c.userData || c.name == "connect, an object" && (plan.Connect.MaxTalk != 30*time.Minute || !plan.Connect.Record)) {
			t.Errorf("%s: %+v", c.name, plan.Connect)
		}
	}
}

func FuzzAnswered(f *testing.F) {
	f.Add([]byte(`{"operation":"connect","connectInfo":[{"calleeNum":"+8613900000002","maxDuration":30}]}`))
	f.Add([]byte(`{"operation":"close","closeInfo":{}}`))
	s := look(models.ModeX, xNumber, eve, models.NoExtension, models.Binding{}, nil, nil)
	f.Fuzz(func(t *testing.T, answer []byte) {
		plan, _, _ := Rules{}.Answered(answer, s, func(string) bool { return true }, func(string) bool { return false })
		if (plan.Connect == nil) == (plan.Refuse == nil) {
			t.Fatalf("%+v", plan)
		}
		if c := plan.Connect; c != nil && (c.To == eve.Reveal() || c.Show != xNumber || c.MaxTalk > 24*time.Hour) {
			t.Fatalf("%+v", c)
		}
	})
}

func TestRiskRules(t *testing.T) {
	ax := models.Binding{ID: "ax", X: xNumber, A: ann}
	for _, c := range []struct {
		name    string
		caller  models.Party
		risk    models.Risk
		conduct *models.Conduct
		want    models.StateCode // 0: the call goes on
	}{
		{"nothing is on", desk, models.Risk{}, nil, 0},
		{"a fixed line", desk, models.Risk{Landline: models.WatchRefuse}, nil, models.LandlineCaller},
		{"a foreign caller", far, models.Risk{International: models.WatchRefuse}, nil, models.ForeignCaller},
		{"at night", eve, models.Risk{Period: models.WatchRefuse, From: 17 * 60, Until: 18 * 60}, nil, models.PeriodBarred}, // it is 16:00 in Beijing
		{"in the afternoon", eve, models.Risk{Period: models.WatchRefuse, From: 8 * 60, Until: 18 * 60}, nil, 0},
		{"black caller", eve, models.Risk{BlackLists: models.WatchRefuse}, &models.Conduct{CallerBarred: true}, models.CallerBarred},
		{"black callee", eve, models.Risk{BlackLists: models.WatchRefuse}, &models.Conduct{CalleeBarred: true}, models.CalleeBarred},
		{"the 20th call", eve, models.Risk{Frequency: models.WatchRefuse, PerCaller: 20}, &models.Conduct{ByCaller: 19}, 0},
		{"the 21st call", eve, models.Risk{Frequency: models.WatchRefuse, PerCaller: 20}, &models.Conduct{ByCaller: 20}, models.CallerTooOften},
		{"to one callee", eve, models.Risk{Frequency: models.WatchRefuse, PerCallee: 5}, &models.Conduct{ByCallee: 5}, models.CalleeTooOften},
		{"on one number", eve, models.Risk{Frequency: models.WatchRefuse, PerNumber: 5}, &models.Conduct{OnNumber: 5}, models.NumberTooOften},
		{"short talks", eve, models.Risk{Behaviour: models.WatchRefuse, MinTalk: 10}, &models.Conduct{Recent: 20, Answered: 12, MeanTalk: 3}, models.TalkTimeControl},
		{"seldom answered", eve, models.Risk{Behaviour: models.WatchRefuse, MinConnected: 30}, &models.Conduct{Recent: 20, Answered: 2}, models.ConnectControl},
		{"too few calls to judge", eve, models.Risk{Behaviour: models.WatchRefuse, MinConnected: 30}, &models.Conduct{Recent: 5}, 0},
		{"a test dialler", eve, models.Risk{TestDial: models.WatchRefuse}, &models.Conduct{ShortInRow: 5}, models.TestDialControl},
		{"a number that only A calls from", eve, models.Risk{Direction: models.WatchRefuse}, &models.Conduct{OnlyPlace: true}, models.DirectionControl},
	} {
		for _, dry := range []bool{false, true} {
			s := look(models.ModeAX, xNumber, c.caller, models.NoExtension, ax, models.AXRoutes(ax, now), nil)
			s.App.Settings.Risk, s.Conduct = c.risk, c.conduct
			if dry {
				s.App.Settings.Risk = reportOnly(c.risk)
			}
			d := Rules{}.Decide(s)
			switch {
			case c.want == 0 || dry:
				if d.Connect == nil {
					t.Errorf("%s (dry %v): %+v", c.name, dry, d.Refuse)
				}
				if reported := len(d.Findings) > 0; reported != (dry && c.want != 0) || reported && d.Findings[0] != c.want {
					t.Errorf("%s (dry %v): reported %v", c.name, dry, d.Findings)
				}
			case d.Refuse == nil || d.Refuse.State != c.want || d.Direction != 0:
				t.Errorf("%s: %+v, want %d", c.name, d.Plan, c.want)
			}
		}
	}
}

// reportOnly is a risk with every rule that refuses set to report.
func reportOnly(r models.Risk) models.Risk {
	for _, w := range []*models.Watch{&r.BlackLists, &r.Landline, &r.International, &r.Direction, &r.TestDial, &r.Frequency, &r.Period, &r.Behaviour} {
		if *w == models.WatchRefuse {
			*w = models.WatchReport
		}
	}
	return r
}
