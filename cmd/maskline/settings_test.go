package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maskline/models"
	"maskline/web/admin"
)

// modesAnswers are apps, bindings and explanations of every mode, for TestOutputs.
func modesAnswers() map[string]any {
	axe := admin.App{ID: 5, TenantID: 1, Key: "ekey", Name: "shops", Mode: "axe", State: "normal", PushScheme: "aksk", Settings: models.AppSettings{
		Extension:        models.ExtensionSettings{Digits: 3, Repeats: 2, AnswerFirst: true, CallbackTone: "nobody.wav"},
		PushNumberStatus: true, NumberStatusURL: "https://acme.example/numbers",
		Risk: models.Risk{Frequency: models.WatchReport, PerCaller: 20, Period: models.WatchRefuse, From: 480, Until: 1320}}}
	plain := axe
	plain.ID, plain.Settings = 6, models.AppSettings{}
	x := admin.App{ID: 7, TenantID: 1, Key: "xkey", Name: "calls", Mode: "x", State: "normal", PushScheme: "aksk", StatusURL: "https://acme.example/s",
		Settings: models.AppSettings{AskURL: "https://acme.example/route"}}
	entry := admin.Barred{ID: 7, Kind: "caller", Number: "+86138****0001", TenantID: 1, AppID: 3, Reason: "threats", CreatedAt: noon}
	everybody := admin.Barred{ID: 8, Kind: "callee", Number: "+86138****0002", CreatedAt: noon}
	return map[string]any{
		"GET /barred":                       admin.List[admin.Barred]{Items: []admin.Barred{entry, everybody}, Total: 2},
		"POST /barred":                      entry,
		"DELETE /barred/7":                  admin.Count{Count: 1},
		"PUT /numbers/+8617000000001/state": admin.Number{Number: "+8617000000001", AppID: 3, TenantID: 1, Area: "0755", State: "unavailable", Cause: 5},
		"GET /apps/5":                       axe, "GET /apps/6": plain, "GET /apps/7": x, "PATCH /apps/5": axe,
		"GET /bindings/e1": admin.Binding{ID: "e1", AppID: 5, TenantID: 1, Mode: "axe", X: "+8617000000001", A: "+86138****0001", Extension: "123", CreatedAt: noon,
			CallbackNum: "+86400****0001", CallbackTime: 7200},
		"GET /bindings/y1": admin.Binding{ID: "y1", AppID: 6, TenantID: 1, Mode: "axyb", Parent: "p1", X: "+8617000000001", Y: "+8617000000002", A: "+86138****0001",
			B: "+86138****0002", CreatedAt: noon, Off: true, YLifetime: 60},
	}
}

func TestSettingsAreSentAsTheyAreWritten(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
		_ = json.NewEncoder(w).Encode(admin.App{})
	}))
	t.Cleanup(server.Close)
	environ := []string{"MASKLINE_SERVER=" + server.URL, "MASKLINE_TOKEN=" + testToken}
	file := filepath.Join(t.TempDir(), "risk.json")
	if err := os.WriteFile(file, []byte(`{"frequency":"refuse","per_caller":20}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"app set 3 --name x", `{"name":"x"}`},
		{"app set 3 --digits 3 --repeats 0 --gap 7s --answer-first=false --callback-num= --callback-tone t.wav --per-number 50",
			`{"settings":{"extension":{"answer_first":false,"callback_num":"","callback_tone":"t.wav","digits":3,"gap":7,"per_number":50,"repeats":0}}}`},
		{"app set 3 --ask-url https://a.example --number-status-url https://b.example --push-number-status",
			`{"settings":{"ask_url":"https://a.example","number_status_url":"https://b.example","push_number_status":true}}`},
		{"app set 3 --risk frequency=off,per_caller=20 --risk period=report,from=22:30,until=24:00,offset_hours=-3",
			`{"settings":{"risk":{"frequency":"","from":1350,"offset_hours":-3,"per_caller":20,"period":"report","until":1440}}}`},
		{"app create --tenant 1 --name x --mode ax --risk black_lists=refuse", `{"tenant":"1","mode":"ax","name":"x","settings":{"risk":{"black_lists":"refuse"}}}`},
	} {
		if _, errs, code := execute(t, environ, strings.Fields(c.args)...); code != exitOK || got != c.want {
			t.Errorf("%s sent\n%s, want\n%s (%s)", c.args, got, c.want, errs)
		}
	}
	_, errs, code := execute(t, environ, "app", "set", "3", "--risk-file", file, "--risk", "per_caller=30")
	var sent struct {
		Settings struct {
			Risk map[string]any `json:"risk"`
		} `json:"settings"`
	}
	if err := json.Unmarshal([]byte(got), &sent); err != nil || code != exitOK {
		t.Fatal(err, errs)
	}
	// A file is all rules: what it does not name is turned off.
	if r := sent.Settings.Risk; len(r) != len(riskNames()) || r["frequency"] != "refuse" || r["per_caller"] != 30.0 || r["landline"] != "" {
		t.Errorf("sent %v", sent.Settings.Risk)
	}
}

func TestRiskRulesAreNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "risk.json")
	if err := os.WriteFile(file, []byte(`{"frequncy":"refuse"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"app set 3 --risk frequncy=refuse", "app set 3 --risk frequency", "app set 3 --risk-file " + file} {
		_, errs, code := execute(t, nil, strings.Fields(args)...)
		if code != exitUsage || !strings.Contains(errs, "black_lists") || !strings.Contains(errs, "per_caller") {
			t.Errorf("%s: exit %d, %s", args, code, errs)
		}
	}
	if _, errs, code := execute(t, nil, "app", "set", "3", "--gap", "1500ms"); code != exitUsage || !strings.Contains(errs, "whole seconds") {
		t.Errorf("a gap of 1.5 s: exit %d, %s", code, errs)
	}
}

func TestOutcomesInWords(t *testing.T) {
	for _, c := range []struct {
		e    admin.Explanation
		want []string
	}{
		{admin.Explanation{Outcome: admin.OutcomeConnect, To: "+86138****0002", Shown: "+8617000000001", Temporary: true}, []string{"+86138****0002", "sees +8617000000001", "used up"}},
		{admin.Explanation{Outcome: admin.OutcomeConnect, To: "+86138****0002", CallBack: true}, []string{"call the caller back"}},
		{admin.Explanation{Outcome: admin.OutcomeRefuse, State: 8022, StateText: "The extension is not bound."}, []string{"8022", "not bound"}},
		{admin.Explanation{Outcome: admin.OutcomeCollect, Collect: &admin.Collect{Digits: 3, Repeats: 2, Gap: 5, AnswerFirst: true}}, []string{"3 digits", "2 times", "answered first", "--extension"}},
		{admin.Explanation{Outcome: admin.OutcomeAsk, AskURL: "https://acme.example/route"}, []string{"https://acme.example/route"}},
		{admin.Explanation{Outcome: admin.OutcomeAllocate}, []string{"a Y of its own"}},
	} {
		for _, w := range c.want {
			if got := outcome(c.e); !strings.Contains(got, w) {
				t.Errorf("%s: %q does not say %q", c.e.Outcome, got, w)
			}
		}
	}
}

func TestSimScript(t *testing.T) {
	file := filepath.Join(t.TempDir(), "call.json")
	for text, says := range map[string]string{`{"from":"1","tow":"2"}`: "tow", `{"from":"1","to":"2","cancels":"soon"}`: "soon"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, errs, code := execute(t, nil, "sim", "call", "--script", file); code != exitUsage || !strings.Contains(errs, says) {
			t.Errorf("%s: exit %d, %s", text, code, errs)
		}
	}
	for _, args := range []string{"sim call", "sim call --from 1", "sim call --from 1 --to 2 --script x", "sim call --from 1 --to 2 --digits-after -1s"} {
		if _, errs, code := execute(t, nil, strings.Fields(args)...); code != exitUsage {
			t.Errorf("%s: exit %d, %s", args, code, errs)
		}
	}
}
