package voice

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

// idle is a Queue as the Desk sees it.
type idle struct {
	ports   int
	offered int
}

func (i *idle) Idle(models.App) int   { return i.ports }
func (i *idle) Offer(models.Outgoing) { i.offered++ }

func click() ClickRequest {
	return ClickRequest{Asked: Asked{Display: lineA}, Caller: models.MustParty(ann), DisplayCallee: lineB, Callee: models.MustParty(ben)}
}

func notify(items ...PlayItem) NotifyRequest {
	return NotifyRequest{Asked: Asked{Display: lineA}, Callee: models.MustParty(ben), Play: items}
}

func verify() VerifyRequest {
	return VerifyRequest{Asked: Asked{Display: lineA}, Callee: models.MustParty(ben), Language: 1, PreTone: "hello.wav", Code: "0742"}
}

func TestClick(t *testing.T) {
	inLab(t, func(l *lab) {
		p := &idle{ports: 10}
		d := l.desk(p)
		l.must(l.st.UpdateApp(l.ctx, l.app.ID, func(a *models.App) error {
			a.Prompts = map[string]string{models.PromptRecordHint: "bye.wav", models.PromptLastMinute: ""}
			return nil
		}))
		l.app.Prompts = map[string]string{models.PromptRecordHint: "bye.wav", models.PromptLastMinute: ""}
		q := click()
		q.IdlePort, q.UserData, q.StatusURL, q.FeeURL = true, "order 7", "http://192.0.2.1/s", "https://example.com:8443/f"
		got, err := d.Click(l.ctx, l.app, l.tenant, q)
		l.must(err)
		o, err := l.st.Outgoing(l.ctx, got.SessionID)
		l.must(err)
		if got.IdlePort != 9 || p.offered != 1 || !strings.HasSuffix(got.SessionID, "@host1") || got.SessionID != models.SessionID(o.Session.LegA, "host1") {
			t.Errorf("answer %+v, offered %d", got, p.offered)
		}
		s := o.Session
		if s.Caller.Reveal() != ann || s.Callee.Reveal() != ben || s.Dialled != lineA || s.Mode != models.ModeClick || s.Area != "0755" || s.UserData != "order 7" ||
			o.Priority != 1 || o.GiveUpAt.Sub(o.QueuedAt) != time.Hour {
			t.Errorf("waiting call %+v", o)
		}
		want := models.Place{To: ann, Show: lineA, AnswerIn: time.Minute, Replays: 10, StatusURL: q.StatusURL, FeeURL: q.FeeURL,
			Then: &models.Connect{To: ben, Show: lineB, AnswerIn: time.Minute, Media: models.MediaAll}}
		if !reflect.DeepEqual(*s.Plan.Place, want) {
			t.Errorf("plan %+v %+v", *s.Plan.Place, *s.Plan.Place.Then)
		}

		// Everything asked for; what the app replaced is replaced, and what it silenced is silent.
		q = click()
		q.MaxDuration, q.LastMinToUE, q.PlayPreVoice, q.WaitVoice, q.CalleeMedia, q.RecordFlag, q.PartyType = 30, models.SideB, true, "hello.wav", models.MediaFail, true, true
		got, err = d.Click(l.ctx, l.app, l.tenant, q)
		l.must(err)
		o, err = l.st.Outgoing(l.ctx, got.SessionID)
		l.must(err)
		want = models.Place{To: ann, Show: lineA, AnswerIn: time.Minute, Replays: 10, PartyType: true, Play: []models.Item{{Prompts: []string{models.PromptTransfer}}},
			Then: &models.Connect{To: ben, Show: lineB, AnswerIn: time.Minute, Media: models.MediaFail, Wait: "hello.wav", Record: true, RecordTone: "bye.wav",
				MaxTalk: 30 * time.Minute, LastMinuteTo: models.SideB}}
		if !reflect.DeepEqual(*o.Session.Plan.Place, want) {
			t.Errorf("plan %+v %+v", *o.Session.Plan.Place, *o.Session.Plan.Place.Then)
		}
	})
}

func TestNotifyAndVerify(t *testing.T) {
	inLab(t, func(l *lab) {
		d := l.desk(&idle{ports: 10})
		tpl := models.Template{TenantID: l.tenant.ID, Name: "n", Content: "您的验证码是${NUM_4}。", Rate: 120}
		l.must(l.st.AddTemplate(l.ctx, &tpl))
		_, err := l.st.DecideTemplate(l.ctx, tpl.ID, models.ReviewApproved, "reviewer", "")
		l.must(err)
		l.settings(&l.app, models.VoiceSettings{RingFor: 30, Replays: 3, BargeIn: true, HashEnds: true, Rounds: 5})
		got, err := d.Notify(l.ctx, l.app, l.tenant, notify(PlayItem{NotifyVoice: "hello.wav", CollectInd: 1, Replay: true, ReplayOn: "1"},
			PlayItem{TemplateID: tpl.ID, TemplateParas: []string{"1234"}, Replay: true, ReplayOn: "9"}))
		l.must(err)
		o, err := l.st.Outgoing(l.ctx, got.SessionID)
		l.must(err)
		p := o.Session.Plan.Place
		if p.To != ben || p.AnswerIn != 30*time.Second || p.Replays != 3 || !p.BargeIn || !p.HashEnds || p.Then != nil || o.Session.Caller.Reveal() != ben || !o.Session.Callee.IsZero() {
			t.Errorf("plan %+v", p)
		}
		if len(p.Play) != 2 || !reflect.DeepEqual(p.Play[0], models.Item{Prompts: []string{"hello.wav"}, Collect: 1, Replay: true, ReplayOn: "1"}) {
			t.Fatalf("items %+v", p.Play)
		}
		if s := p.Play[1].Speech; s == nil || !strings.Contains(s.Text, "一二三四") || s.Rate != 120 || p.Play[1].Replay {
			t.Errorf("second item %+v", p.Play[1])
		}

		for times, rounds := range map[int]int{-1: 3, 0: 5, 1: 1, 9: 9} {
			q := verify()
			q.PosTone = "bye.wav"
			if times >= 0 {
				q.Times = &times
			}
			got, err := d.Verify(l.ctx, l.app, l.tenant, q)
			l.must(err)
			o, err := l.st.Outgoing(l.ctx, got.SessionID)
			l.must(err)
			want := models.Item{Rounds: rounds, Prompts: []string{"hello.wav", "digit_zh_0.wav", "digit_zh_7.wav", "digit_zh_4.wav", "digit_zh_2.wav", "bye.wav"}}
			if len(o.Session.Plan.Place.Play) != 1 || !reflect.DeepEqual(o.Session.Plan.Place.Play[0], want) || o.Priority != 0 {
				t.Errorf("times %d: %+v", times, o.Session.Plan.Place.Play)
			}
		}
	})
}

// What is wrong is refused with its code and its parameter, and nothing is stored.
func TestRefusals(t *testing.T) {
	inLab(t, func(l *lab) {
		p := &idle{ports: 10}
		d := l.desk(p)
		strange := l.newApp("strange", models.VoiceSettings{}, "+867550000099")
		masked := models.App{TenantID: l.tenant.ID, Key: "masked", Name: "m", Mode: models.ModeAXB, State: models.StateNormal, PushScheme: models.PushAKSK}
		l.must(l.st.CreateApp(l.ctx, &masked, "secret"))
		l.must(l.st.AddNumbers(l.ctx, []models.Number{{AppID: masked.ID, Number: xLine, AreaCode: "0755"}, {AppID: l.app.ID, Number: "+8617000000010", AreaCode: "0755", Kind: models.NumberPrivate}}))
		waits := models.Template{TenantID: l.tenant.ID, Name: "n", Content: "您好${TXT_5}"}
		l.must(l.st.AddTemplate(l.ctx, &waits))
		good := models.Template{TenantID: l.tenant.ID, Name: "g", Content: "您好${TXT_5}"}
		l.must(l.st.AddTemplate(l.ctx, &good))
		_, err := l.st.DecideTemplate(l.ctx, good.ID, models.ReviewApproved, "r", "")
		l.must(err)

		type refusal struct {
			code  models.Code
			param string
		}
		check := func(name string, err error, want refusal) {
			t.Helper()
			fail, ok := err.(*models.Error) //nolint:errorlint // nothing wraps it
			if !ok || fail.Code != want.code || fail.Param != want.param {
				t.Errorf("%s: %v, not %v", name, err, want)
			}
		}
		for name, c := range map[string]struct {
			change func(*ClickRequest)
			want   refusal
		}{
			"display of another app":  {func(q *ClickRequest) { q.Display = "+867550000099" }, refusal{models.DisplayNumber, "displayNbr"}},
			"display of nobody":       {func(q *ClickRequest) { q.Display = "+867550000098" }, refusal{models.DisplayNumber, "displayNbr"}},
			"display is an X":         {func(q *ClickRequest) { q.Display = "+8617000000010" }, refusal{models.DisplayNumber, "displayNbr"}},
			"display empty":           {func(q *ClickRequest) { q.Display = "" }, refusal{models.DisplayNumber, "displayNbr"}},
			"callee display":          {func(q *ClickRequest) { q.DisplayCallee = "+867550000099" }, refusal{models.DisplayNumber, "displayCalleeNbr"}},
			"caller is an X":          {func(q *ClickRequest) { q.Caller = models.MustParty(xLine) }, refusal{models.CallerNumber, "callerNbr"}},
			"callee is an X":          {func(q *ClickRequest) { q.Callee = models.MustParty(xLine) }, refusal{models.CalleeNumber, "calleeNbr"}},
			"callee is a display":     {func(q *ClickRequest) { q.Callee = models.MustParty(lineB) }, refusal{models.CalleeNumber, "calleeNbr"}},
			"callee abroad":           {func(q *ClickRequest) { q.Callee = models.MustParty("+4930123456") }, refusal{models.CalleeNumber, "calleeNbr"}},
			"caller abroad":           {func(q *ClickRequest) { q.Caller = models.MustParty("+4930123456") }, refusal{models.CallerNumber, "callerNbr"}},
			"caller is a 400":         {func(q *ClickRequest) { q.Caller = models.MustParty("+864001234567") }, refusal{models.CallerNumber, "callerNbr"}},
			"callee lacks a digit":    {func(q *ClickRequest) { q.Callee = models.MustParty("+861380000000") }, refusal{models.CalleeNumber, "calleeNbr"}},
			"himself":                 {func(q *ClickRequest) { q.Callee = q.Caller }, refusal{models.CalleeNumber, "calleeNbr"}},
			"too long":                {func(q *ClickRequest) { q.MaxDuration = 1441 }, refusal{models.Invalid, "maxDuration"}},
			"negative":                {func(q *ClickRequest) { q.MaxDuration = -1 }, refusal{models.Invalid, "maxDuration"}},
			"preVoice":                {func(q *ClickRequest) { q.PlayPreVoice, q.PreVoice = true, "gone.wav" }, refusal{models.PromptMissing, "preVoice"}},
			"waitVoice of another":    {func(q *ClickRequest) { q.WaitVoice = "secret.wav" }, refusal{models.PromptMissing, "waitVoice"}},
			"waitVoice with a path":   {func(q *ClickRequest) { q.WaitVoice = "../sp2/secret.wav" }, refusal{models.Invalid, "waitVoice"}},
			"recordHintTone":          {func(q *ClickRequest) { q.RecordFlag, q.RecordTone = true, "gone.wav" }, refusal{models.PromptMissing, "recordHintTone"}},
			"lastMinVoice":            {func(q *ClickRequest) { q.MaxDuration, q.LastMinVoice = 5, "gone.wav" }, refusal{models.PromptMissing, "lastMinVoice"}},
			"lastMinToUE":             {func(q *ClickRequest) { q.LastMinToUE = "c" }, refusal{models.Invalid, "lastMinToUE"}},
			"calleeMedia":             {func(q *ClickRequest) { q.CalleeMedia = "some" }, refusal{models.Invalid, "calleeMedia"}},
			"userData":                {func(q *ClickRequest) { q.UserData = "{x}" }, refusal{models.Invalid, "userData"}},
			"userData too long":       {func(q *ClickRequest) { q.UserData = strings.Repeat("x", 257) }, refusal{models.Invalid, "userData"}},
			"statusUrl":               {func(q *ClickRequest) { q.StatusURL = "ftp://example.com" }, refusal{models.Invalid, "statusUrl"}},
			"feeUrl":                  {func(q *ClickRequest) { q.FeeURL = "http://" + strings.Repeat("x", 1024) }, refusal{models.Invalid, "feeUrl"}},
			"recording without right": {func(q *ClickRequest) { q.RecordFlag = true }, refusal{models.RecordingOff, "recordFlag"}},
		} {
			q := click()
			c.change(&q)
			app := l.app
			app.Record = name != "recording without right"
			_, err := d.Click(l.ctx, app, l.tenant, q)
			check(name, err, c.want)
		}
		for name, c := range map[string]struct {
			q    NotifyRequest
			want refusal
		}{
			"nothing":         {notify(), refusal{models.Invalid, "playInfoList"}},
			"six":             {notify(make([]PlayItem, 6)...), refusal{models.Invalid, "playInfoList"}},
			"neither":         {notify(PlayItem{}), refusal{models.Invalid, "playInfoList"}},
			"both":            {notify(PlayItem{NotifyVoice: "hello.wav", TemplateID: good.ID}), refusal{models.Invalid, "playInfoList"}},
			"missing":         {notify(PlayItem{NotifyVoice: "hello.wav"}, PlayItem{NotifyVoice: "gone.wav"}), refusal{models.PromptMissing, "notifyVoice"}},
			"not approved":    {notify(PlayItem{TemplateID: waits.ID, TemplateParas: []string{"x"}}), refusal{models.PromptMissing, "templateId"}},
			"unknown":         {notify(PlayItem{TemplateID: strings.Repeat("a", 32)}), refusal{models.PromptMissing, "templateId"}},
			"too long an id":  {notify(PlayItem{TemplateID: strings.Repeat("a", 33)}), refusal{models.PromptMissing, "templateId"}},
			"too few values":  {notify(PlayItem{TemplateID: good.ID}), refusal{models.Invalid, "templateParas"}},
			"too long values": {notify(PlayItem{TemplateID: good.ID, TemplateParas: []string{"123456"}}), refusal{models.Invalid, "templateParas"}},
			"too many digits": {notify(PlayItem{NotifyVoice: "hello.wav", CollectInd: 33}), refusal{models.Invalid, "collectInd"}},
			"no keys":         {notify(PlayItem{NotifyVoice: "hello.wav", CollectInd: 2, Replay: true, ReplayOn: "a"}), refusal{models.Invalid, "collectContentTriggerReplaying"}},
		} {
			_, err := d.Notify(l.ctx, l.app, l.tenant, c.q)
			check(name, err, c.want)
		}
		other := models.Tenant{ID: l.tenant.ID + 1, SpID: "sp2"}
		_, err = d.Notify(l.ctx, l.app, other, notify(PlayItem{TemplateID: good.ID, TemplateParas: []string{"x"}}))
		check("another tenant's template", err, refusal{models.PromptMissing, "templateId"})
		q := notify(PlayItem{NotifyVoice: "hello.wav"})
		q.Callee = models.MustParty(xLine)
		_, err = d.Notify(l.ctx, l.app, l.tenant, q)
		check("callee is an X", err, refusal{models.CalleeNumber, "calleeNbr"})

		ten := 10
		for name, c := range map[string]struct {
			change func(*VerifyRequest)
			want   refusal
		}{
			"letters":   {func(q *VerifyRequest) { q.Code = "12a4" }, refusal{models.Invalid, "verifyCode"}},
			"short":     {func(q *VerifyRequest) { q.Code = "1" }, refusal{models.Invalid, "verifyCode"}},
			"long":      {func(q *VerifyRequest) { q.Code = "123456789" }, refusal{models.Invalid, "verifyCode"}},
			"no code":   {func(q *VerifyRequest) { q.Code = "" }, refusal{models.Invalid, "verifyCode"}},
			"language":  {func(q *VerifyRequest) { q.Language = 3 }, refusal{models.Invalid, "languageType"}},
			"no tone":   {func(q *VerifyRequest) { q.PreTone = "" }, refusal{models.Invalid, "preTone"}},
			"gone tone": {func(q *VerifyRequest) { q.PreTone = "gone.wav" }, refusal{models.PromptMissing, "preTone"}},
			"gone end":  {func(q *VerifyRequest) { q.PosTone = "gone.wav" }, refusal{models.PromptMissing, "posTone"}},
			"times":     {func(q *VerifyRequest) { q.Times = &ten }, refusal{models.Invalid, "times"}},
		} {
			q := verify()
			c.change(&q)
			_, err := d.Verify(l.ctx, l.app, l.tenant, q)
			check(name, err, c.want)
		}
		_, err = d.Click(l.ctx, masked, l.tenant, click())
		check("mode", err, refusal{models.ModeMismatch, ""})
		verifies := l.app
		verifies.Settings.Voice.Services = []models.Mode{models.ModeVerify}
		_, err = d.Click(l.ctx, verifies, l.tenant, click())
		check("service", err, refusal{models.ModeMismatch, ""})

		for _, app := range []models.App{l.app, strange} {
			if n, err := l.st.QueueDepth(l.ctx, app.ID); err != nil || n != 0 {
				t.Errorf("%d calls wait, %v", n, err)
			}
		}
		if p.offered != 0 {
			t.Errorf("%d calls were offered", p.offered)
		}

		// What counts only with another parameter is not looked at without it.
		fine := click()
		fine.PreVoice, fine.LastMinVoice, fine.RecordTone = "gone.wav", "gone.wav", "gone.wav"
		_, err = d.Click(l.ctx, l.app, l.tenant, fine)
		l.must(err)
		abroad := NewDesk(DeskOptions{Store: l.st, Prompts: d.o.Prompts, Ports: p, Seats: l.seats(), International: true})
		fine.Callee = models.MustParty("+4930123456")
		_, err = abroad.Click(l.ctx, l.app, l.tenant, fine)
		l.must(err)
	})
}

// A display number that is suspended is replaced by another of the app without a word; when none is left the call is refused.
func TestDisplayOff(t *testing.T) {
	inLab(t, func(l *lab) {
		d := l.desk(&idle{})
		l.must(l.st.AddNumbers(l.ctx, []models.Number{{AppID: l.app.ID, Number: "+861050000001", AreaCode: "010", Kind: models.NumberDisplay}}))
		set := func(number string, s models.NumberState) {
			_, _, err := l.st.SetNumberState(l.ctx, number, s, 0, nil)
			l.must(err)
		}
		shown := func() (string, string) {
			got, err := d.Click(l.ctx, l.app, l.tenant, click())
			l.must(err)
			o, err := l.st.Outgoing(l.ctx, got.SessionID)
			l.must(err)
			if o.Session.Dialled != o.Session.Plan.Place.Show {
				t.Errorf("dialled %s and shown %s", o.Session.Dialled, o.Session.Plan.Place.Show)
			}
			return o.Session.Dialled, o.Session.Plan.Place.Then.Show
		}
		set(lineA, models.NumberSuspended)
		if a, b := shown(); a != lineB || b != lineB {
			t.Errorf("shown %s and %s: not the other of the same city", a, b)
		}
		set(lineB, models.NumberUnavailable)
		if a, b := shown(); a != "+861050000001" || b != a {
			t.Errorf("shown %s and %s", a, b)
		}
		set("+861050000001", models.NumberSuspended)
		_, err := d.Click(l.ctx, l.app, l.tenant, click())
		if models.CodeOf(err) != models.NumberOff {
			t.Errorf("none is left: %v", err)
		}
	})
}

// Ports, the queue's length and the caps of tenant, app and number bound what is accepted.
func TestBounds(t *testing.T) {
	inLab(t, func(l *lab) {
		p := &idle{ports: 2}
		d := l.desk(p)
		accept := func(n int) models.Code {
			t.Helper()
			for range n {
				q := verify()
				q.IdlePort = true
				got, err := d.Verify(l.ctx, l.app, l.tenant, q)
				if err != nil {
					return models.CodeOf(err)
				}
				if got.IdlePort < 0 {
					t.Errorf("idle %d", got.IdlePort)
				}
			}
			return ""
		}
		l.settings(&l.app, models.VoiceSettings{Queue: -1})
		if code := accept(2); code != "" {
			t.Errorf("two ports, two calls: %s", code)
		}
		if code := accept(1); code != models.PortsFull {
			t.Errorf("no port is left: %s", code)
		}
		l.settings(&l.app, models.VoiceSettings{Queue: 5})
		if code := accept(3); code != "" {
			t.Errorf("five may wait: %s", code)
		}
		if code := accept(1); code != models.PortsFull {
			t.Errorf("five wait: %s", code)
		}
		l.settings(&l.app, models.VoiceSettings{App: models.CallCap{PerHour: 2}})
		if code := accept(2); code != "" {
			t.Errorf("two an hour: %s", code)
		}
		if code := accept(1); code != models.AppTooOften {
			t.Errorf("third in an hour: %s", code)
		}
		l.settings(&l.app, models.VoiceSettings{Number: models.NumberPace{CallCap: models.CallCap{PerDay: 1}}})
		if code := accept(2); code != models.NumberTooOftenUsed {
			t.Errorf("second of the number in a day: %s", code)
		}
		l.settings(&l.app, models.VoiceSettings{})
		l.tenant.Calls = models.CallCap{PerHour: 1}
		if code := accept(2); code != models.TenantTooOften {
			t.Errorf("second of the tenant in an hour: %s", code)
		}
	})
}
