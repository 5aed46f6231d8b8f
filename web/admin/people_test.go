package admin

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"

	"maskline/models"
)

// person is who sends a request: with a token, a session, or nothing.
type person struct {
	token, session string
	script         bool // X-Requested-With
	from           string
	tls            bool
}

// raw sends a request as somebody.
func (l *lab) raw(who person, method, path, body string) (*http.Request, *httptest.ResponseRecorder) {
	req := httptest.NewRequestWithContext(l.t.Context(), method, Prefix+path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if who.token != "" {
		req.Header.Set("Authorization", "Bearer "+who.token)
	}
	if who.session != "" {
		req.AddCookie(&http.Cookie{Name: sessionCookie, Value: who.session})
	}
	if who.script {
		req.Header.Set(fromScript, "maskline")
	}
	if who.from != "" {
		req.RemoteAddr = who.from + ":1234"
	}
	if who.tls {
		req.TLS = &tls.ConnectionState{}
	}
	w := httptest.NewRecorder()
	l.engine.ServeHTTP(w, req)
	return req, w
}

// by is raw, and checks the shape of the answer.
func (l *lab) by(who person, method, path, body string) *httptest.ResponseRecorder {
	l.t.Helper()
	req, w := l.raw(who, method, path, body)
	found, params, err := l.router.FindRoute(req)
	if err != nil {
		l.t.Fatalf("%s %s stands not in openapi.yaml: %v", method, path, err)
	}
	err = openapi3filter.ValidateResponse(l.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: found},
		Status:                 w.Code, Header: w.Header(), Body: io.NopCloser(strings.NewReader(w.Body.String())),
	})
	if err != nil {
		l.t.Fatalf("%s %s: the answer is not as openapi.yaml says: %v\n%s", method, path, err, w.Body)
	}
	return w
}

// want is by, with the status that must come.
func (l *lab) want(status int, who person, method, path, body string) *httptest.ResponseRecorder {
	l.t.Helper()
	w := l.by(who, method, path, body)
	if w.Code != status {
		l.t.Fatalf("%s %s: %d %.300s; want %d", method, path, w.Code, w.Body, status)
	}
	return w
}

func decoded[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return v
}

// account makes an operator with a token.
func (l *lab) account(name string, role models.Role, tenant string) person {
	l.t.Helper()
	body := `{"name":"` + name + `","role":"` + string(role) + `","password":"a long password"`
	if tenant != "" {
		body += `,"tenant":"` + tenant + `"`
	}
	l.do("POST", "/operators", body+"}", 201, nil)
	var out TokenAnswer
	l.do("POST", "/operators/"+name+"/tokens", `{"name":"tests"}`, 201, &out)
	return person{token: out.Token}
}

const loginBody = `{"name":"rita","password":"a long password"}`

// loggedIn opens a session of rita's.
func (l *lab) loggedIn() person {
	l.t.Helper()
	w := l.want(200, person{script: true}, "POST", "/login", loginBody)
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == sessionCookie {
			return person{session: cookie.Value, script: true}
		}
	}
	l.t.Fatal("no cookie came")
	return person{}
}

func TestSessions(t *testing.T) {
	l := newLab(t)
	l.account("rita", models.RoleReviewer, "")
	for name, c := range map[string]struct {
		who    person
		body   string
		status int
	}{
		"wrong password": {person{script: true}, `{"name":"rita","password":"a wrong password"}`, 401},
		"wrong name":     {person{script: true}, `{"name":"rina","password":"a long password"}`, 401},
		"no name":        {person{script: true}, `{"name":"","password":"a long password"}`, 401},
		"another site":   {person{}, loginBody, 403},
		"nonsense":       {person{script: true}, `{"name":1}`, 400},
	} {
		if w := l.by(c.who, "POST", "/login", c.body); w.Code != c.status || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	w := l.want(200, person{script: true, tls: true}, "POST", "/login", loginBody)
	cookie := w.Result().Cookies()[0]
	if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != Prefix || cookie.MaxAge != 12*3600 {
		t.Errorf("cookie %+v", cookie)
	}
	rita := l.loggedIn()
	me := decoded[Me](t, l.want(200, rita, "GET", "/me", ""))
	if me.Name != "rita" || me.Role != "reviewer" || !me.Session || len(me.Permissions) == 0 {
		t.Errorf("me %+v", me)
	}
	// The cookie's secret is no token, and the token's no session.
	l.want(401, person{token: rita.session}, "GET", "/me", "")
	l.want(403, person{session: rita.session}, "POST", "/logout", "")
	l.want(200, rita, "POST", "/logout", "")
	l.want(401, rita, "GET", "/me", "")
}

func TestASuspendedAccountIsOut(t *testing.T) {
	l := newLab(t)
	key := l.account("rita", models.RoleReviewer, "")
	session := l.loggedIn()
	l.do("PATCH", "/operators/rita", `{"state":"suspended"}`, 200, nil)
	l.want(401, key, "GET", "/me", "")
	l.want(401, session, "GET", "/me", "")
	l.want(401, person{script: true}, "POST", "/login", loginBody)
	l.do("PATCH", "/operators/rita", `{"state":"normal","role":"finance"}`, 200, nil)
	if me := decoded[Me](t, l.want(200, key, "GET", "/me", "")); me.Role != "finance" || me.Session {
		t.Errorf("me %+v", me)
	}
	l.want(401, session, "GET", "/me", "")
	l.do("DELETE", "/operators/rita", "", 200, nil)
	l.want(401, key, "GET", "/me", "")
	l.do("GET", "/operators/rita", "", 404, nil)
}

func TestPasswordsAndTokens(t *testing.T) {
	l := newLab(t)
	key := l.account("rita", models.RoleReviewer, "")
	rita := l.loggedIn()
	// A token that leaked makes no other one.
	l.want(403, key, "POST", "/me/tokens", `{"name":"mine"}`)
	l.want(403, key, "PUT", "/me/password", `{"old":"a long password","new":"another password"}`)
	made := decoded[TokenAnswer](t, l.want(201, rita, "POST", "/me/tokens", `{"name":"mine","days":7}`))
	if made.Kind != "token" || made.ExpiresAt == nil || made.Token == "" {
		t.Errorf("token %+v", made)
	}
	l.want(200, person{token: made.Token}, "GET", "/me", "")
	l.want(400, rita, "POST", "/me/tokens", `{"name":"mine","days":-1}`)
	l.want(400, rita, "POST", "/me/tokens", `{"name":""}`)
	logins := decoded[List[Login]](t, l.want(200, rita, "GET", "/me/logins", ""))
	if logins.Total != 3 {
		t.Errorf("logins %+v", logins)
	}
	l.want(200, key, "DELETE", "/me/logins/"+id(made.ID), "")
	l.want(404, key, "DELETE", "/me/logins/"+id(made.ID), "")
	l.want(401, person{token: made.Token}, "GET", "/me", "")

	l.want(400, rita, "PUT", "/me/password", `{"old":"not this one","new":"another password"}`)
	l.want(400, rita, "PUT", "/me/password", `{"old":"a long password","new":"short"}`)
	l.want(200, rita, "PUT", "/me/password", `{"old":"a long password","new":"another password"}`)
	l.want(401, rita, "GET", "/me", "")
	l.want(401, person{script: true}, "POST", "/login", loginBody)
	l.want(200, person{script: true}, "POST", "/login", `{"name":"rita","password":"another password"}`)
	l.want(200, key, "GET", "/me", "")

	l.do("PUT", "/operators/rita/password", `{"password":""}`, 200, nil)
	l.want(401, person{script: true}, "POST", "/login", `{"name":"rita","password":"another password"}`)
	l.want(401, person{script: true}, "POST", "/login", `{"name":"rita","password":""}`)
	l.want(404, person{token: token}, "GET", "/me/logins", "")
	l.want(400, person{token: token}, "POST", "/logout", "")
}

func TestOperators(t *testing.T) {
	l := newLab(t)
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	for _, body := range []string{
		`{"name":"12","role":"admin"}`, `{"name":"a b","role":"admin"}`, `{"name":"tom","role":"king"}`, `{"name":"tom","role":"tenant_read"}`,
		`{"name":"tom","role":"admin","tenant":"Acme"}`, `{"name":"tom","role":"admin","password":"short"}`, `{"name":"averylongname","role":"admin","password":"AVERYLONGNAME"}`,
	} {
		l.do("POST", "/operators", body, 400, nil)
	}
	l.do("POST", "/operators", `{"name":"tom","role":"tenant_read","tenant":"Nobody"}`, 404, nil)
	l.account("tom", models.RoleTenantRead, "Acme")
	l.do("POST", "/operators", `{"name":"tom","role":"admin"}`, 409, nil)
	l.do("PATCH", "/operators/tom", `{"role":"admin"}`, 400, nil)
	l.do("PATCH", "/operators/tom", `{"role":"admin","tenant":""}`, 200, nil)
	var list List[Operator]
	l.do("GET", "/operators?role=admin&name=to", "", 200, &list)
	if list.Total != 1 || list.Items[0].TenantID != 0 || !list.Items[0].Password {
		t.Errorf("admins %+v", list)
	}
	l.do("GET", "/operators?role=king", "", 400, nil)
	var logins List[Login]
	l.do("GET", "/operators/tom/logins", "", 200, &logins)
	l.do("DELETE", "/operators/tom/logins/"+id(logins.Items[0].ID), "", 200, nil)
	l.do("DELETE", "/operators/tom/logins/none", "", 404, nil)
}

func TestFailedLoginsLockOut(t *testing.T) {
	l := newLab(t)
	l.account("rita", models.RoleReviewer, "")
	wrong := `{"name":"rita","password":"a wrong password"}`
	for range lockAfter {
		l.want(401, person{script: true, from: "192.0.2.1"}, "POST", "/login", wrong)
	}
	w := l.want(429, person{script: true, from: "192.0.2.1"}, "POST", "/login", loginBody)
	if w.Header().Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	l.want(200, person{script: true, from: "192.0.2.2"}, "POST", "/login", loginBody)
}

func TestLockout(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := newLockout(Lock{After: 2, For: time.Minute})
	try := func(want bool, name, from string) {
		t.Helper()
		if got := l.begin(now, name, from) == 0; got != want {
			t.Errorf("%s from %s: %v", name, from, got)
		}
	}
	try(true, "a", "192.0.2.1")
	try(true, "a", "192.0.2.1")
	try(false, "a", "192.0.2.1")
	try(true, "a", "192.0.2.2")
	try(true, "b", "192.0.2.1")
	l.passed("b", "192.0.2.1")
	now = now.Add(time.Minute)
	try(true, "a", "192.0.2.1")
	for i := range 2 * lockAddress {
		try(true, id(int64(i)), "2001:db8::"+id(int64(i+1)))
	}
	try(false, "new", "2001:db8::ffff") // one network of IPv6 is one address
	try(true, "new", "2001:db8:1::1")
	now = now.Add(time.Minute)
	for i := range lockMost + 100 {
		l.begin(now, "name"+id(int64(i)), "10."+id(int64(i>>16&255))+"."+id(int64(i>>8&255))+"."+id(int64(i&255)))
	}
	if len(l.tries) > lockMost+2 {
		t.Errorf("%d are remembered", len(l.tries))
	}
}
