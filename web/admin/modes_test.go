package admin

import (
	"context"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// of makes an app of a mode with two numbers that differ by mode, and gives it as the store has it.
func (l *lab) of(mode, more string) models.App {
	l.t.Helper()
	var list List[Tenant]
	l.do("GET", "/tenants?name=Acme", "", 200, &list)
	if list.Total == 0 {
		l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	}
	var app App
	l.do("POST", "/apps", `{"tenant":"Acme","mode":"`+mode+`","name":"`+mode+`"`+more+`}`, 201, &app)
	l.do("POST", "/numbers", `{"app":"`+app.Key+`","area":"0755","numbers":["`+numbersOf[mode]+`1","`+numbersOf[mode]+`2"]}`, 201, nil)
	a, err := l.store.App(l.t.Context(), app.ID)
	if err != nil {
		l.t.Fatal(err)
	}
	return a
}

var numbersOf = map[string]string{"axb": "+861700000001", "ax": "+861700000002", "axe": "+861700000003", "axyb": "+861700000004", "x": "+861700000005"}

var (
	ann = models.MustParty("+8613800000001")
	ben = models.MustParty("+8613800000002")
)

func TestSettingsOfApps(t *testing.T) {
	l := newLab(t)
	l.of("axe", `,"settings":{"extension":{"digits":3,"callback_tone":"nobody.wav"},"risk":{"frequency":"report","per_caller":20}}`)
	var apps List[App]
	l.do("GET", "/apps?mode=axe", "", 200, &apps)
	if len(apps.Items) != 1 {
		t.Fatalf("apps of mode axe: %+v", apps)
	}
	key := apps.Items[0].Key
	var app App
	l.do("PATCH", "/apps/"+key, `{"settings":{"extension":{"repeats":2},"risk":{"frequency":"refuse"},"push_number_status":true},"status_url":"https://acme.example/s"}`, 200, &app)
	want := models.AppSettings{Extension: models.ExtensionSettings{Digits: 3, Repeats: 2, CallbackTone: "nobody.wav"}, PushNumberStatus: true,
		Risk: models.Risk{Frequency: models.WatchRefuse, PerCaller: 20}}
	if !reflect.DeepEqual(app.Settings, want) {
		t.Errorf("what was not named did not stay: %+v", app.Settings)
	}
	l.do("GET", "/apps/"+key, "", 200, &app)
	if !reflect.DeepEqual(app.Settings, want) {
		t.Errorf("stored: %+v", app.Settings)
	}
	for _, c := range []struct{ body, param string }{
		{`{"settings":{"extension":{"digit":3}}}`, ""},
		{`{"settings":{"extension":{"digits":"three"}}}`, "settings.extension.digits"},
		{`{"settings":{"extension":{"digits":5}}}`, "extension.digits"},
		{`{"settings":{"extension":{"callback_num":"+8640000000001"}}}`, "extension.callback_tone"},
		{`{"settings":{"ask_url":"https://acme.example/route"}}`, "settings.ask_url"},
		{`{"settings":{"risk":{"frequency":"sometimes"}}}`, "risk.frequency"},
		{`{"settings":{"risk":{"period":"refuse"}}}`, "risk.until"},
		{`{"status_url":""}`, "settings.push_number_status"},
	} {
		var f Failure
		l.do("PATCH", "/apps/"+key, c.body, 400, &f)
		if f.Param != c.param || f.Message == "" {
			t.Errorf("%s: %+v, want param %q", c.body, f, c.param)
		}
	}
	var f Failure
	l.do("POST", "/apps", `{"tenant":"Acme","mode":"x","name":"x"}`, 400, &f)
	if f.Param != "status_url" || !strings.Contains(f.Message, "asked") {
		t.Errorf("an app of mode x without a URL: %+v", f)
	}
	l.do("POST", "/apps", `{"tenant":"Acme","mode":"ax","name":"ax","settings":{"extension":{"digits":3}}}`, 400, &f)
	if f.Param != "settings.extension" {
		t.Errorf("digits of an app of mode ax: %+v", f)
	}
	l.of("x", `,"settings":{"ask_url":"https://acme.example/route"}`)
}

// bindings makes one binding of each mode.
func (l *lab) bindings() (ax, axe, axyb, yb models.Binding) {
	l.t.Helper()
	ctx, must := l.t.Context(), func(err error) {
		l.t.Helper()
		if err != nil {
			l.t.Fatal(err)
		}
	}
	var err error
	ax, err = l.store.BindAX(ctx, store.AXRequest{App: l.of("ax", ""), Where: store.Where{X: numbersOf["ax"] + "1"}, A: ann})
	must(err)
	axe, err = l.store.BindAXE(ctx, store.AXERequest{App: l.of("axe", `,"settings":{"extension":{"digits":3,"repeats":2,"answer_first":true}}`),
		Where: store.Where{X: numbersOf["axe"] + "1"}, A: ann, Extension: "123"})
	must(err)
	app := l.of("axyb", "")
	axyb, err = l.store.BindAXYB(ctx, store.AXYBRequest{App: app, Where: store.Where{X: numbersOf["axyb"] + "1"}, A: ann})
	must(err)
	yb, err = l.store.BindYB(ctx, app.ID, axyb.ID, ben, store.Where{Area: "0755"}, models.BindingSettings{})
	must(err)
	l.of("x", `,"status_url":"https://acme.example/s"`)
	return ax, axe, axyb, yb
}

func TestBindingsOfEveryMode(t *testing.T) {
	l := newLab(t)
	ax, axe, axyb, yb := l.bindings()
	for query, want := range map[string]string{
		"mode=ax": ax.ID, "mode=axe&extension=123": axe.ID, "parent=" + axyb.ID: yb.ID, "y=" + yb.Y[1:]: yb.ID, "a=13800000001&x=" + ax.X[1:]: ax.ID,
		"b=13800000002&open=true": yb.ID,
	} {
		var list List[Binding]
		l.do("GET", "/bindings?"+query, "", 200, &list)
		if list.Total != 1 || list.Items[0].ID != want {
			t.Errorf("%s: %+v, want %s", query, list, want)
		}
	}
	var b Binding
	l.do("GET", "/bindings/"+yb.ID, "", 200, &b)
	if b.Y != yb.Y || b.Parent != axyb.ID || b.B != "+86138****0002" || b.Mode != "axyb" {
		t.Errorf("second step: %+v", b)
	}
	l.do("GET", "/bindings?mode=odd", "", 400, nil)
}

func TestExplainsEveryMode(t *testing.T) {
	l := newLab(t)
	ax, axe, axyb, yb := l.bindings()
	const stranger = "13800000009"
	for _, c := range []struct {
		name, query, outcome string
		more                 func(Explanation) bool
	}{
		{"a stranger on AX", "dialled=" + ax.X + "&caller=" + stranger, OutcomeConnect, func(e Explanation) bool { return e.To == "+86138****0001" && e.Binding == ax.ID && e.Mode == "ax" }},
		{"A on his X", "dialled=" + ax.X + "&caller=13800000001", OutcomeRefuse, func(e Explanation) bool { return e.State == 8013 }},
		{"a free X", "dialled=" + numbersOf["ax"] + "2&caller=" + stranger, OutcomeRefuse, func(e Explanation) bool { return e.State == 8018 }},
		{"before the extension", "dialled=" + axe.X + "&caller=" + stranger, OutcomeCollect, func(e Explanation) bool {
			return e.Collect != nil && *e.Collect == Collect{Digits: 3, Repeats: 2, Gap: 5, AnswerFirst: true} && e.Prompt == models.PromptExtension
		}},
		{"with it", "dialled=" + axe.X + "&caller=" + stranger + "&extension=123", OutcomeConnect, func(e Explanation) bool { return e.Binding == axe.ID && e.CallBack && e.Extension == "123" }},
		{"a wrong one", "dialled=" + axe.X + "&caller=" + stranger + "&extension=124", OutcomeRefuse, func(e Explanation) bool { return e.State == 8022 }},
		{"keys that are no digits", "dialled=" + axe.X + "&caller=" + stranger + "&extension=%2A1%23", OutcomeRefuse, func(e Explanation) bool { return e.State == 8022 }},
		{"A of AXE with nobody to call back", "dialled=" + axe.X + "&caller=13800000001", OutcomeRefuse, func(e Explanation) bool { return e.State == 8019 }},
		{"B", "dialled=" + axyb.X + "&caller=13800000002", OutcomeConnect, func(e Explanation) bool { return e.Shown == yb.Y && e.Binding == yb.ID }},
		{"A on Y", "dialled=" + yb.Y + "&caller=13800000001", OutcomeConnect, func(e Explanation) bool { return e.Shown == axyb.X }},
		{"a first call", "dialled=" + axyb.X + "&caller=" + stranger, OutcomeAllocate, func(e Explanation) bool { return e.Binding == axyb.ID }},
		{"A on his own X of AXYB", "dialled=" + axyb.X + "&caller=13800000001", OutcomeRefuse, func(e Explanation) bool { return e.State == 8032 }},
		{"mode X", "dialled=" + numbersOf["x"] + "1&caller=" + stranger, OutcomeAsk, func(e Explanation) bool { return e.AskURL == "https://acme.example/s" && e.Mode == "x" }},
	} {
		var e Explanation
		l.do("GET", "/explain?"+strings.ReplaceAll(c.query, "+", "%2B"), "", 200, &e)
		if e.Outcome != c.outcome || !c.more(e) || e.Why == "" {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
	l.do("GET", "/explain?dialled="+axe.X[1:]+"&caller="+stranger+"&extension=abc", "", 400, nil)
	var sessions List[Call]
	l.do("GET", "/calls", "", 200, &sessions)
	if sessions.Total != 0 {
		t.Errorf("to explain a call placed one: %+v", sessions)
	}
}

func TestBlackLists(t *testing.T) {
	l := newLab(t)
	app := l.of("axb", `,"settings":{"risk":{"black_lists":"refuse","frequency":"report","per_caller":1,"landline":"report"}}`)
	if _, err := l.store.Bind(t.Context(), store.BindRequest{App: app, Where: store.Where{X: numbersOf["axb"] + "1"}, A: ann, B: ben}); err != nil {
		t.Fatal(err)
	}
	var entry Barred
	l.do("POST", "/barred", `{"kind":"caller","number":"13800000001","app":"`+app.Key+`","reason":"threats"}`, 201, &entry)
	if entry.ID == 0 || entry.Number != "+86138****0001" || entry.AppID != app.ID || entry.TenantID != app.TenantID || entry.Reason != "threats" {
		t.Errorf("entry %+v", entry)
	}
	l.do("POST", "/barred", `{"kind":"callee","number":"+8613800000003","everybody":true,"reason":"`+strings.Repeat("长", 256)+`"}`, 201, nil)
	var x Barred
	l.do("POST", "/barred", `{"kind":"receive","number":"`+numbersOf["axb"]+`1"}`, 201, &x)
	if x.Number != numbersOf["axb"]+"1" || x.AppID != app.ID {
		t.Errorf("a private number's entry: %+v", x)
	}
	var list List[Barred]
	l.do("GET", "/barred", "", 200, &list)
	l.do("POST", "/barred", `{"kind":"caller","number":"anonymous","tenant":"Acme"}`, 201, nil)
	l.do("GET", "/barred", "", 200, &list)
	if list.Total != 4 {
		t.Errorf("all: %+v", list)
	}
	l.do("GET", "/barred?kind=caller&number=13800000001&app="+app.Key+"&reveal=true", "", 200, &list)
	if list.Total != 1 || list.Items[0].Number != "+8613800000001" {
		t.Errorf("filtered: %+v", list)
	}
	explain := func() (e Explanation) {
		l.do("GET", "/explain?dialled="+numbersOf["axb"][1:]+"1&caller=13800000001", "", 200, &e)
		return e
	}
	if e := explain(); e.State != 7005 {
		t.Errorf("a barred caller: %+v", e)
	}
	l.do("PATCH", "/apps/"+app.Key, `{"settings":{"risk":{"black_lists":"report"}}}`, 200, nil)
	if e := explain(); e.Outcome != OutcomeConnect || len(e.Findings) != 1 || e.Findings[0].State != 7005 {
		t.Errorf("a dry run: %+v", e)
	}
	l.do("DELETE", "/barred/"+id(entry.ID), "", 200, nil)
	if e := explain(); e.Outcome != OutcomeConnect || len(e.Findings) != 0 {
		t.Errorf("taken off: %+v", e)
	}
	l.do("DELETE", "/barred/"+id(entry.ID), "", 404, nil)
	l.do("DELETE", "/barred/me", "", 404, nil)
	for _, c := range []struct {
		body   string
		status int
		param  string
	}{
		{`{"number":"13800000001","everybody":true}`, 400, "kind"},
		{`{"kind":"odd","number":"13800000001","everybody":true}`, 400, "kind"},
		{`{"kind":"caller","everybody":true}`, 400, "number"},
		{`{"kind":"callee","number":"anonymous","everybody":true}`, 400, "number"},
		{`{"kind":"caller","number":"13800000001"}`, 400, "app"},
		{`{"kind":"caller","number":"13800000001","app":"` + app.Key + `","everybody":true}`, 400, "app"},
		{`{"kind":"caller","number":"13800000001","app":"nothing"}`, 404, "app"},
		{`{"kind":"place","number":"13800000001"}`, 404, "number"},
		{`{"kind":"place","number":"` + numbersOf["axb"] + `1","everybody":true}`, 400, "app"},
		{`{"kind":"caller","number":"13800000001","everybody":true,"reason":"` + strings.Repeat("长", 257) + `"}`, 400, "reason"},
		{`{"kind":"callee","number":"+8613800000003","everybody":true}`, 409, "number"},
	} {
		var f Failure
		l.do("POST", "/barred", c.body, c.status, &f)
		if f.Param != c.param || f.Message == "" {
			t.Errorf("%s: %+v, want param %q", c.body, f, c.param)
		}
	}
	if strings.Contains(l.log.String(), "13800000") {
		t.Error("a number stands in the log")
	}
}

func TestNumberStates(t *testing.T) {
	l := newLab(t)
	l.of("axb", `,"status_url":"https://acme.example/s","settings":{"push_number_status":true,"number_status_url":"https://acme.example/n"}`)
	x := numbersOf["axb"] + "1"
	for _, c := range []struct {
		body  string
		told  int
		state string
		cause int
	}{
		{`{"state":"normal"}`, 0, "normal", 0},
		{`{"state":"suspended"}`, 1, "suspended", 0},
		{`{"state":"suspended"}`, 1, "suspended", 0},
		{`{"state":"unavailable","cause":2}`, 2, "unavailable", 2},
		{`{"state":"unavailable","cause":5}`, 3, "unavailable", 5},
		{`{"state":"unavailable","cause":5}`, 3, "unavailable", 5},
		{`{"state":"bind-frozen"}`, 4, "bind-frozen", 0},
		{`{"state":"normal"}`, 5, "normal", 0},
	} {
		var n Number
		l.do("PUT", "/numbers/"+x+"/state", c.body, 200, &n)
		if n.State != c.state || n.Cause != c.cause {
			t.Errorf("%s: %+v", c.body, n)
		}
		rows, _, err := l.store.Deliveries(context.Background(), store.DeliveryFilter{Kind: models.DeliverNumber}, models.Page{})
		if err != nil || len(rows) != c.told || l.offered != c.told {
			t.Errorf("%s: %d pushes written, %d offered, want %d (%v)", c.body, len(rows), l.offered, c.told, err)
		}
	}
	for _, c := range []struct{ body, param string }{
		{`{"state":"unavailable","cause":10}`, "cause"}, {`{"state":"unavailable","cause":-1}`, "cause"}, {`{"state":"suspended","cause":2}`, "cause"}, {`{"state":"odd"}`, "state"},
	} {
		var f Failure
		l.do("PUT", "/numbers/"+x+"/state", c.body, 400, &f)
		if f.Param != c.param {
			t.Errorf("%s: %+v", c.body, f)
		}
	}
	l.do("PUT", "/numbers/+8617000000999/state", `{"state":"normal"}`, 404, nil)
}

func TestExplainsThePastOfEveryMode(t *testing.T) {
	l := newLab(t)
	ax, axe, _, yb := l.bindings()
	if _, err := l.store.SetTemp(t.Context(), ax.AppID, store.AXBy{SubscriptionID: ax.ID}, ben, time.Minute); err != nil {
		t.Fatal(err)
	}
	now, err := l.store.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	then := "&at=" + url.QueryEscape(now.Format(time.RFC3339Nano))
	if err := l.store.UnbindAX(t.Context(), ax.AppID, store.AXBy{SubscriptionID: ax.ID}); err != nil {
		t.Fatal(err)
	}
	if err := l.store.UnbindAXE(t.Context(), axe.AppID, store.AXEBy{SubscriptionID: axe.ID}); err != nil {
		t.Fatal(err)
	}
	if err := l.store.UnbindAXYB(t.Context(), yb.AppID, store.AXYBBy{SubscriptionID: yb.Parent}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, query string
		since       int // state code of now
		to          string
	}{
		{"a stranger on AX", "dialled=" + ax.X[1:] + "&caller=13800000009", 8018, "+86138****0001"},
		{"A on X with a temporary callee", "dialled=" + ax.X[1:] + "&caller=13800000001", 8018, "+86138****0002"},
		{"an extension", "dialled=" + axe.X[1:] + "&caller=13800000009&extension=123", 8022, "+86138****0001"},
		{"B on X", "dialled=" + yb.X[1:] + "&caller=13800000002", 8030, "+86138****0001"},
		{"A on Y", "dialled=" + yb.Y[1:] + "&caller=13800000001", 8030, "+86138****0002"},
	} {
		var today, before Explanation
		l.do("GET", "/explain?"+c.query, "", 200, &today)
		l.do("GET", "/explain?"+c.query+then, "", 200, &before)
		if today.Outcome != OutcomeRefuse || today.State != c.since || today.Past {
			t.Errorf("%s, now: %+v", c.name, today)
		}
		if before.Outcome != OutcomeConnect || before.To != c.to || !before.Past {
			t.Errorf("%s, before: %+v", c.name, before)
		}
	}
}
