package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"maskline/models"
)

func (l *lab) lines(query string) []AuditLine {
	l.t.Helper()
	var list List[AuditLine]
	l.do("GET", "/audit?"+query, "", 200, &list)
	return list.Items
}

func TestChangesLeaveLines(t *testing.T) {
	l := newLab(t)
	app, _ := l.bound()
	l.do("PUT", "/tenants/Acme/state", `{"state":"suspended"}`, 200, nil)
	state := l.lines("action=tenants.state")
	if len(state) != 1 {
		t.Fatalf("%d lines", len(state))
	}
	line := state[0]
	if line.Who != "config:ops" || line.Role != "admin" || line.TenantID != app.TenantID || line.Object != "Acme" || line.From != "192.0.2.1" || line.Request == "" {
		t.Errorf("line %+v", line)
	}
	if !strings.Contains(string(line.Before), `"state":"normal"`) || !strings.Contains(string(line.After), `"state":"suspended"`) {
		t.Errorf("before %s after %s", line.Before, line.After)
	}

	l.do("POST", "/apps/"+app.Key+"/secrets", `{}`, 201, nil)
	l.do("PATCH", "/apps/"+app.Key, `{"status_url":"https://acme.example/s?key=abc"}`, 200, nil)
	l.do("PUT", "/numbers/+8617000000002/state", `{"state":"suspended"}`, 200, nil)
	l.do("POST", "/barred", `{"kind":"caller","number":"+8613800000009","everybody":true,"reason":"called 13900000001 too often"}`, 201, nil)
	l.do("POST", "/apps/"+app.Key+"/test-push", "", 200, nil)
	l.do("POST", "/operators", `{"name":"rita","role":"reviewer","password":"a long password"}`, 201, nil)
	all, err := json.Marshal(l.lines(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{app.Secret, "13800000009", "13900000001", "key=abc", "a long password", "argon2"} {
		if strings.Contains(string(all), secret) {
			t.Errorf("%s stands in the audit: %s", secret, all)
		}
	}
	for _, said := range []string{"apps.secrets", "apps.change", "numbers.state", "+8617000000002", "barred.add", "apps.test-push", "operators.add", "rita"} {
		if !strings.Contains(string(all), said) {
			t.Errorf("%s is not in the audit: %s", said, all)
		}
	}
	if l.offered != 0 { // the app does not push states of numbers
		t.Errorf("%d pushes were offered", l.offered)
	}
}

func TestWhatFailsLeavesNoLine(t *testing.T) {
	l := newLab(t)
	l.bound()
	before := len(l.lines(""))
	l.do("PUT", "/tenants/Acme/state", `{"state":"nonsense"}`, 400, nil)
	l.do("PUT", "/tenants/Nobody/state", `{"state":"suspended"}`, 404, nil)
	l.do("POST", "/tenants", `{"name":"Acme"}`, 409, nil)
	l.do("POST", "/numbers", `{"app":"1","area":"755","numbers":["+8617000000009","+8617000000001"]}`, 409, nil)
	l.do("GET", "/numbers/+8617000000009", "", 404, nil)
	l.do("POST", "/templates/none/try", `{"paras":[]}`, 404, nil)
	if after := len(l.lines("")); after != before {
		t.Errorf("%d lines, there were %d", after, before)
	}
}

// unwritable is a store whose audit cannot be written.
type unwritable struct{ Store }

func (unwritable) Audited(context.Context, models.Audit) error { return errors.New("disk full") }

func TestAChangeWithoutItsLineIsUndone(t *testing.T) {
	l := newLab(t)
	engine, err := New(Options{Store: unwritable{l.store}, Tokens: []Token{{"ops", token}}})
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Prefix+"/tenants", strings.NewReader(`{"name":"Acme"}`))
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, req)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "Acme") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	var list List[Tenant]
	l.do("GET", "/tenants", "", 200, &list)
	if list.Total != 0 {
		t.Errorf("the tenant is there all the same: %+v", list)
	}
}

// rerun is a store whose first transaction loses a deadlock at its end.
type rerun struct {
	Store
	lost bool
}

func (r *rerun) Within(ctx context.Context, do func(context.Context) error) error {
	if !r.lost {
		r.lost = true
		_ = r.Store.Within(ctx, func(ctx context.Context) error {
			_ = do(ctx)
			return errors.New("deadlock")
		})
	}
	return r.Store.Within(ctx, do)
}

func TestALostTransactionRunsAgain(t *testing.T) {
	l := newLab(t)
	engine, err := New(Options{Store: &rerun{Store: l.store}, Tokens: []Token{{"ops", token}}})
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Prefix+"/tenants", strings.NewReader(`{"name":"Acme"}`))
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, req)
	if w.Code != http.StatusCreated || strings.Count(w.Body.String(), "Acme") != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if lines := l.lines("action=tenants.add"); len(lines) != 1 {
		t.Errorf("lines %+v", lines)
	}
}

func TestVerifyAndExport(t *testing.T) {
	l := newLab(t)
	l.bound()
	var check AuditCheck
	l.do("GET", "/audit/verify", "", 200, &check)
	if !check.OK || check.Checked != 3 || check.Length != 3 || check.Hash == "" {
		t.Errorf("check %+v", check)
	}
	w := l.want(200, person{token: token}, "GET", "/audit/export?action=tenants.add", "")
	var line AuditLine
	if err := json.Unmarshal(w.Body.Bytes(), &line); err != nil || line.Action != "tenants.add" || !strings.HasSuffix(w.Body.String(), "}\n") {
		t.Errorf("%v in %s", err, w.Body)
	}
	l.want(400, person{token: token}, "GET", "/audit/export?since=yesterday", "")
	l.want(404, person{token: token}, "GET", "/audit?tenant=Nobody", "")
}

func TestActionNames(t *testing.T) {
	for route, want := range map[[2]string]string{
		{"POST", "/apps"}: "apps.add", {"PATCH", "/apps/:app"}: "apps.change", {"PUT", "/tenants/:tenant/state"}: "tenants.state",
		{"DELETE", "/barred/:id"}: "barred.remove", {"POST", "/deliveries/dead/files"}: "deliveries.dead.files",
	} {
		if got := actionOf(route[0], route[1]); got != want {
			t.Errorf("%v: %s, want %s", route, got, want)
		}
	}
}

func TestMasked(t *testing.T) {
	for _, c := range []struct {
		in   string
		keep bool
		want string
	}{
		{`{"secret":"abc","old_password":"x","token":"y","app_secret":""}`, false, `{"app_secret":"","old_password":"***","secret":"***","token":"***"}`},
		{`{"x":"+8617000000001","a":"+8613800000001"}`, false, `{"a":"` + models.Mask("+8613800000001") + `","x":"+8617000000001"}`},
		{`{"number":"+8617000000001"}`, true, `{"number":"+8617000000001"}`},
		{`{"number":"+8617000000001"}`, false, `{"number":"` + models.Mask("+8617000000001") + `"}`},
		{`{"numbers":["+8617000000001"],"id":12345678901,"amount":"12345678.0000"}`, false, `{"amount":"12345678.0000","id":12345678901,"numbers":["+8617000000001"]}`},
		{`{"session_id":"1201612345678","created_at":"20260101000000"}`, false, `{"created_at":"20260101000000","session_id":"1201612345678"}`},
		{`{"webhook":"https://u:p@h.example/path?key=k","deep":{"list":[{"phone":"13800000001"}]}}`, false,
			`{"deep":{"list":[{"phone":"` + models.Mask("13800000001") + `"}]},"webhook":"https://u:xxxxx@h.example/path?***"}`},
	} {
		if got := masked(json.RawMessage(c.in), c.keep); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
	if masked(nil, false) != "" {
		t.Error("nothing is something")
	}
	if long := masked(map[string]string{"reason": strings.Repeat("word ", auditMost)}, false); len(long) > 200 || !strings.Contains(long, "sha256") {
		t.Errorf("%d bytes", len(long))
	}
}

func FuzzMasked(f *testing.F) {
	f.Add(`{"a":"+8613800000001","n":[1,"x"]}`)
	f.Add(`{"url":"http://[::1"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return
		}
		if out := masked(json.RawMessage(text), false); out != "" && !json.Valid([]byte(out)) {
			t.Errorf("%s became %s", text, out)
		}
	})
}
