package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"maskline/controller/delivery"
	"maskline/controller/route"
	"maskline/esl"
	"maskline/models"
	"maskline/models/store"
	"maskline/models/store/storetest"
)

func TestMain(m *testing.M) {
	openapi3filter.RegisterBodyDecoder("application/jsonl", openapi3filter.PlainBodyDecoder)
	goleak.VerifyTestMain(m)
}

const token = "a-token-for-the-tests"

// lab is the API on a real store, with every answer checked against openapi.yaml.
type lab struct {
	t      *testing.T
	store  *store.Store
	engine *gin.Engine
	router routers.Router
	log    strings.Builder
	push   error
	stops  []string

	offered  int // pushes handed to the courier
	sessions int
}

type upSwitch struct{ esl.Switch }

func (upSwitch) Name() string { return "fs1" }
func (upSwitch) Status() esl.Status {
	return esl.Status{Up: true, Since: time.Unix(1700000000, 0), Version: "1.11.2", Hostname: "host", Sessions: 4}
}

type downSwitch struct{ esl.Switch }

func (downSwitch) Name() string       { return "fs2" }
func (downSwitch) Status() esl.Status { return esl.Status{Err: errors.New("connection refused")} }

func id(n int64) string { return strconv.FormatInt(n, 10) }

func newLab(t *testing.T, with ...func(*Options)) *lab {
	t.Helper()
	file := filepath.Join(t.TempDir(), "m.db")
	if err := storetest.Lay(file); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), store.Config{Driver: store.SQLite, DSN: file,
		Keys: store.Keys{Current: "k1", ByID: map[string][]byte{"k1": []byte("0123456789abcdef0123456789abcdef")}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	l := &lab{t: t, store: st}
	o := Options{
		Store: st, Decide: route.Rules{}.Decide, Tokens: []Token{{"first", "another-token-of-16"}, {"ops", token}},
		Tell: func(app models.App, n models.Number) []models.Delivery {
			return delivery.NumberStatus(app, []delivery.NumberItem{{Number: n.Number, Status: n.State, Cause: n.Cause}})
		},
		Offer:     func(rows []models.Delivery) { l.offered += len(rows) },
		Stop:      func(_ context.Context, id string) error { l.stops = append(l.stops, id); return nil },
		TestPush:  func(context.Context, models.App) (int, time.Duration, error) { return 200, time.Second, l.push },
		DeadFiles: func(_ context.Context, day time.Time) (int, error) { return day.Day(), nil },
		Switches:  []esl.Switch{upSwitch{}, downSwitch{}},
		Trunks:    []models.Trunk{{Name: "carrier-a", Proxy: "127.0.0.1:5090", Password: "hunter2"}},
		Sim: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/jsonl")
			_, _ = io.WriteString(w, `{"path":"`+r.URL.Path+`"}`)
		}),
		Log: slog.New(slog.NewTextHandler(&l.log, nil)),
	}
	l.voiced(&o)
	for _, w := range with {
		w(&o)
	}
	if l.engine, err = New(o); err != nil {
		t.Fatal(err)
	}
	l.router = describe(t)
	return l
}

func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapi)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

func describe(t *testing.T) routers.Router {
	t.Helper()
	r, err := legacy.NewRouter(document(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// do sends a request, checks status and shape of the answer, and decodes it into out.
func (l *lab) do(method, path, body string, status int, out any) {
	l.t.Helper()
	req := httptest.NewRequestWithContext(l.t.Context(), method, Prefix+path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	l.send(req, status, out)
}

// send is do for a request that is made already.
func (l *lab) send(req *http.Request, status int, out any) {
	l.t.Helper()
	method, path := req.Method, strings.TrimPrefix(req.URL.RequestURI(), Prefix)
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	l.engine.ServeHTTP(w, req)
	if w.Code != status {
		l.t.Fatalf("%s %s: %d %.300s; want %d", method, path, w.Code, w.Body, status)
	}
	found, params, err := l.router.FindRoute(req)
	if err != nil {
		l.t.Fatalf("%s %s stands not in openapi.yaml: %v", method, path, err)
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: found}
	err = openapi3filter.ValidateResponse(l.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(), Body: io.NopCloser(strings.NewReader(w.Body.String())),
	})
	if err != nil {
		l.t.Fatalf("%s %s: the answer is not as openapi.yaml says: %v\n%s", method, path, err, w.Body)
	}
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			l.t.Fatal(err)
		}
	}
}

// bound makes a tenant, an app with two numbers and a binding.
func (l *lab) bound() (App, models.Binding) {
	l.t.Helper()
	var tenant Tenant
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, &tenant)
	var app App
	l.do("POST", "/apps", `{"tenant":"Acme","name":"delivery","record":true,"status_url":"https://acme.example/s"}`, 201, &app)
	l.do("POST", "/numbers", `{"app":"`+app.Key+`","area":"755","numbers":["+8617000000001","17000000002"]}`, 201, nil)
	a, err := l.store.App(l.t.Context(), app.ID)
	if err != nil {
		l.t.Fatal(err)
	}
	b, err := l.store.Bind(l.t.Context(), store.BindRequest{App: a, Where: store.Where{X: "+8617000000001"}, A: models.MustParty("+8613800000001"), B: models.MustParty("+8613800000002")})
	if err != nil {
		l.t.Fatal(err)
	}
	return app, b
}

func TestRoutesAndDocumentAgree(t *testing.T) {
	l := newLab(t)
	routes := map[string]bool{}
	param := regexp.MustCompile(`:([a-z]+)`)
	for _, r := range l.engine.Routes() {
		routes[r.Method+" "+param.ReplaceAllString(strings.TrimPrefix(r.Path, Prefix), "{$1}")] = true
	}
	described := map[string]bool{}
	for path, item := range document(t).Paths.Map() {
		for method, op := range item.Operations() {
			described[method+" "+path] = true
			if op.Summary == "" || op.Responses.Default() == nil {
				t.Errorf("%s %s has no summary, or does not say what failure looks like", method, path)
			}
		}
	}
	for r := range routes {
		if !described[r] {
			t.Errorf("%s stands not in openapi.yaml", r)
		}
	}
	for d := range described {
		if !routes[d] {
			t.Errorf("%s stands in openapi.yaml and is not served", d)
		}
	}
}

func TestTokens(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		header string
		status int
	}{
		{"", 401}, {"Bearer", 401}, {"Bearer ", 401}, {"Bearer wrong", 401}, {token, 401}, {"Basic " + token, 401},
		{"Bearer " + token, 200}, {"Bearer another-token-of-16", 200},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, Prefix+"/tenants", http.NoBody)
		req.Header.Set("Authorization", c.header)
		w := httptest.NewRecorder()
		l.engine.ServeHTTP(w, req)
		if w.Code != c.status {
			t.Errorf("%q: %d, want %d", c.header, w.Code, c.status)
		}
	}
	if !strings.Contains(l.log.String(), "operator=ops") {
		t.Error("the log does not say who it was")
	}
	none, err := New(Options{Store: l.store})
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, Prefix+"/tenants", http.NoBody)
	req.Header.Set("Authorization", "Bearer ")
	w := httptest.NewRecorder()
	none.ServeHTTP(w, req)
	if w.Code != 401 {
		t.Errorf("without tokens an empty one gets in: %d", w.Code)
	}
}

func TestTenantsAndApps(t *testing.T) {
	l := newLab(t)
	var tenant Tenant
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, &tenant)
	l.do("POST", "/tenants", `{"name":"Beta","sp_id":"beta"}`, 201, nil)
	var app App
	l.do("POST", "/apps", `{"tenant":"Acme","mode":"axb","name":"delivery","record":true}`, 201, &app)
	if app.Key == "" || len(app.Secret) < 20 || app.TenantID != tenant.ID || !app.Record {
		t.Errorf("app %+v", app)
	}
	secrets, err := l.store.AppSecrets(t.Context(), app.ID)
	if err != nil || len(secrets) != 1 || secrets[0] != app.Secret {
		t.Errorf("the secret told is not the one stored: %v", err)
	}
	var again App
	l.do("GET", "/apps/"+app.Key, "", 200, &again)
	if again.Secret != "" || again.ID != app.ID {
		t.Errorf("shown again: %+v", again)
	}
	var changed App
	l.do("PATCH", "/apps/"+app.Key, `{"status_url":"https://acme.example/s","allow_from":["192.0.2.1"],"prompts":{"busy.wav":"mine.wav"}}`, 200, &changed)
	if changed.StatusURL != "https://acme.example/s" || !changed.Record || changed.AllowFrom[0] != "192.0.2.1/32" || changed.Prompts["busy.wav"] != "mine.wav" {
		t.Errorf("changed %+v", changed)
	}
	l.do("POST", "/apps/"+app.Key+"/secrets", `{"old_valid_seconds":3600}`, 201, nil)
	if secrets, err = l.store.AppSecrets(t.Context(), app.ID); err != nil || len(secrets) != 2 {
		t.Errorf("%d secrets, %v", len(secrets), err)
	}
	l.do("POST", "/keys/rotate", "", 200, nil)
	l.do("PUT", "/tenants/Acme/state", `{"state":"suspended"}`, 200, &tenant)
	if tenant.State != "suspended" {
		t.Errorf("state %s", tenant.State)
	}
	var list List[Tenant]
	l.do("GET", "/tenants?state=suspended", "", 200, &list)
	if list.Total != 1 || list.Items[0].Name != "Acme" {
		t.Errorf("suspended: %+v", list)
	}
	var apps List[App]
	l.do("GET", "/apps?tenant=Beta", "", 200, &apps)
	if apps.Total != 0 {
		t.Errorf("Beta's apps: %+v", apps)
	}
	l.do("GET", "/openapi.yaml", "", 200, nil)
}

func TestTestPush(t *testing.T) {
	l := newLab(t)
	app, _ := l.bound()
	var p PushTest
	l.do("POST", "/apps/"+app.Key+"/test-push", "", 200, &p)
	if !p.OK || p.Status != 200 || p.Seconds != 1 {
		t.Errorf("push %+v", p)
	}
	l.push = errors.New("connection refused")
	l.do("POST", "/apps/"+app.Key+"/test-push", "", 200, &p)
	if p.OK || p.Error != "connection refused" {
		t.Errorf("push %+v", p)
	}
	l.do("PATCH", "/apps/"+app.Key, `{"status_url":""}`, 200, nil)
	l.do("POST", "/apps/"+app.Key+"/test-push", "", 400, nil)
}

func TestNumbers(t *testing.T) {
	l := newLab(t)
	l.bound()
	var list List[Number]
	l.do("GET", "/numbers?area=755&prefix=%2B8617", "", 200, &list)
	if list.Total != 2 {
		t.Fatalf("numbers %+v", list)
	}
	l.do("GET", "/numbers?limit=1&offset=1", "", 200, &list)
	if list.Total != 2 || len(list.Items) != 1 {
		t.Errorf("second page %+v", list)
	}
	var n Number
	for _, spelling := range []string{"+8617000000002", "%2B8617000000002", "17000000002"} {
		l.do("GET", "/numbers/"+spelling, "", 200, &n)
	}
	l.do("PUT", "/numbers/+8617000000002/state", `{"state":"bind-frozen"}`, 200, &n)
	if n.State != "bind-frozen" {
		t.Errorf("state %s", n.State)
	}
	l.do("GET", "/numbers?state=bind-frozen", "", 200, &list)
	if list.Total != 1 {
		t.Errorf("frozen: %+v", list)
	}
	l.do("GET", "/numbers/+8617000000009", "", 404, nil)
}

func TestBindingsAreMaskedUnlessRevealed(t *testing.T) {
	l := newLab(t)
	_, b := l.bound()
	var list List[Binding]
	l.do("GET", "/bindings?open=true&x=%2B8617000000001&a=13800000001", "", 200, &list)
	if list.Total != 1 || list.Items[0].A != "+86138****0001" {
		t.Fatalf("bindings %+v", list)
	}
	var one Binding
	l.do("GET", "/bindings/"+b.ID+"?reveal=true", "", 200, &one)
	if one.A != "+8613800000001" || one.B != "+8613800000002" {
		t.Errorf("revealed %+v", one)
	}
	if !strings.Contains(l.log.String(), "revealed=true") {
		t.Error("the log does not say that numbers were revealed")
	}
	if strings.Contains(l.log.String(), "13800000001") {
		t.Error("a number stands in the log")
	}
	l.do("GET", "/bindings/none", "", 404, nil)
}

func TestExplain(t *testing.T) {
	l := newLab(t)
	_, b := l.bound()
	var e Explanation
	l.do("GET", "/explain?dialled=%2B8617000000001&caller=%2B8613800000001", "", 200, &e)
	if e.Outcome != "connect" || e.To != "+86138****0002" || e.Shown != "+8617000000001" || e.Binding != b.ID || e.Why == "" || e.Past {
		t.Errorf("A: %+v", e)
	}
	l.do("GET", "/explain?dialled=%2B8617000000001&caller=anonymous", "", 200, &e)
	if e.Outcome != "refuse" || e.State != 8014 {
		t.Errorf("hidden: %+v", e)
	}
	before := url.QueryEscape(b.CreatedAt.Add(-time.Hour).Format(time.RFC3339))
	e = Explanation{}
	l.do("GET", "/explain?dialled=%2B8617000000001&caller=13800000001&at="+before, "", 200, &e)
	if e.Outcome != "refuse" || !e.Past {
		t.Errorf("before the bind: %+v", e)
	}
	l.do("GET", "/explain?caller=13800000001", "", 400, nil)
	l.do("GET", "/explain?dialled=17000000001", "", 400, nil)
	l.do("GET", "/explain?dialled=17000000001&caller=anonymous&at=yesterday", "", 400, nil)
}

// called writes one finished and one live call of the app.
func (l *lab) called(app App, b models.Binding) {
	l.t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	s := models.Session{ID: "11111111-0000-4000-8000-000000000001@fs1", LegA: "11111111-0000-4000-8000-000000000001", Switch: "fs1", Host: "fs1",
		TenantID: app.TenantID, AppID: app.ID, BindingID: b.ID, Mode: models.ModeAXB, Side: models.SideA, Dialled: b.X, Caller: b.A, Callee: b.B,
		Stage: models.StageEnded, StartedAt: now.Add(-time.Minute), EndedAt: now}
	cdr := models.CDR{SessionID: s.ID, ICID: "i1", TenantID: app.TenantID, AppID: app.ID, BindingID: b.ID, Mode: models.ModeAXB, Direction: 1, X: b.X,
		Caller: b.A, Callee: b.B, Display: b.X, Switch: "fs1", CallInAt: s.StartedAt, AnswerAt: now.Add(-30 * time.Second), EndAt: now, Source: models.SourceEvents}
	live := s
	live.ID, live.LegA, live.Stage, live.EndedAt = "22222222-0000-4000-8000-000000000002@fs1", "22222222-0000-4000-8000-000000000002", models.StageTalking, time.Time{}
	for _, c := range []models.Change{
		{Session: s, Events: []models.CallEvent{
			{SessionID: s.ID, Key: "callin", Type: models.EventCallIn, At: s.StartedAt, Caller: b.A, Called: models.MustParty(b.X)},
			{SessionID: s.ID, Key: "disconnect", Type: models.EventDisconnect, At: now, State: models.Hungup},
		}, CDR: &cdr, Deliveries: []models.Delivery{{AppID: app.ID, SessionID: s.ID, Kind: models.DeliverCDR, URL: "https://acme.example/f",
			Body: []byte(`{"callerNum":"+8613800000001"}`), State: models.DeliveryDead, CreatedAt: now, DueAt: now}}},
		{Session: live},
	} {
		if applied, err := l.store.Record(l.t.Context(), c); err != nil || !applied {
			l.t.Fatalf("record %s: %t, %v", c.Session.ID, applied, err)
		}
	}
}

func TestCallsRecordsAndDeliveries(t *testing.T) {
	l := newLab(t)
	app, b := l.bound()
	l.called(app, b)
	const over, live = "11111111-0000-4000-8000-000000000001@fs1", "22222222-0000-4000-8000-000000000002@fs1"
	var calls List[Call]
	l.do("GET", "/calls?live=true", "", 200, &calls)
	if calls.Total != 1 || calls.Items[0].SessionID != live || calls.Items[0].Caller != "+86138****0001" {
		t.Errorf("live calls %+v", calls)
	}
	l.do("GET", "/calls?app="+app.Key+"&caller=13800000001&since=2020-01-01T00:00:00Z", "", 200, &calls)
	if calls.Total != 2 {
		t.Errorf("calls %+v", calls)
	}
	var call Call
	l.do("GET", "/calls/"+url.PathEscape(over), "", 200, &call)
	if len(call.Events) != 2 || call.CDR == nil || call.CDR.Talk != 30 {
		t.Errorf("call %+v", call)
	}
	l.do("POST", "/calls/"+live+"/stop", "", 202, nil)
	if len(l.stops) != 1 || l.stops[0] != live {
		t.Errorf("stopped %v", l.stops)
	}
	l.do("POST", "/calls/"+over+"/stop", "", 409, nil)
	var records List[CDR]
	l.do("GET", "/cdrs?x=17000000001&reveal=true", "", 200, &records)
	if records.Total != 1 || records.Items[0].Callee != "+8613800000002" {
		t.Errorf("records %+v", records)
	}
	l.do("GET", "/cdrs/"+over, "", 200, nil)
	l.do("GET", "/cdrs/none", "", 404, nil)
	var pushes List[Delivery]
	l.do("GET", "/deliveries/dead?app="+app.Key, "", 200, &pushes)
	if pushes.Total != 1 || pushes.Items[0].Kind != "cdr" {
		t.Errorf("dead %+v", pushes)
	}
	var n Count
	l.do("POST", "/deliveries/dead/files", `{"day":"2026-11-20"}`, 200, &n)
	if n.Count != 20 {
		t.Errorf("files of day %d", n.Count)
	}
	l.do("POST", "/deliveries/replay", `{"session":"`+over+`"}`, 200, &n)
	if n.Count != 1 {
		t.Errorf("replayed %d", n.Count)
	}
	l.do("GET", "/deliveries?state=waiting", "", 200, &pushes)
	if pushes.Total != 1 {
		t.Errorf("waiting %+v", pushes)
	}
	if strings.Contains(l.log.String(), "1380000000") {
		t.Error("a number stands in the log")
	}
}

func TestPlatform(t *testing.T) {
	l := newLab(t)
	var switches List[Switch]
	l.do("GET", "/switches", "", 200, &switches)
	if switches.Total != 2 || !switches.Items[0].Up || switches.Items[1].Error != "connection refused" {
		t.Errorf("switches %+v", switches)
	}
	var trunks List[Trunk]
	l.do("GET", "/trunks?offset=7", "", 200, &trunks)
	if trunks.Total != 1 || len(trunks.Items) != 0 {
		t.Errorf("trunks %+v", trunks)
	}
	var sim map[string]string
	l.do("POST", "/sim/calls", `{}`, 200, &sim)
	if sim["path"] != "/sim/calls" {
		t.Errorf("the simulated switch saw %v", sim)
	}
}

func TestBadRequestsAreNamed(t *testing.T) {
	l := newLab(t)
	app, _ := l.bound()
	for _, c := range []struct {
		method, path, body string
		status             int
		code, param        string
	}{
		{"POST", "/tenants", "", 400, "invalid", ""},
		{"POST", "/tenants", "{", 400, "invalid", ""},
		{"POST", "/tenants", `{"name":7}`, 400, "invalid", "name"},
		{"POST", "/tenants", `{"nmae":"x"}`, 400, "invalid", ""},
		{"POST", "/tenants", `{"name":""}`, 400, "invalid", "name"},
		{"POST", "/tenants", `{"name":"12"}`, 400, "invalid", "name"},
		{"POST", "/tenants", `{"name":"Acme"}`, 409, "conflict", "name"},
		{"POST", "/tenants", `{"name":"a"}{"name":"b"}`, 400, "invalid", ""},
		{"PUT", "/tenants/Acme/state", `{"state":"sleepy"}`, 400, "invalid", "state"},
		{"PUT", "/tenants/Nobody/state", `{"state":"normal"}`, 404, "not_found", "tenant"},
		{"GET", "/tenants?limit=501", "", 400, "invalid", "limit"},
		{"GET", "/tenants?offset=-1", "", 400, "invalid", "offset"},
		{"GET", "/tenants?state=odd", "", 400, "invalid", "state"},
		{"POST", "/apps", `{"name":"x"}`, 400, "invalid", "tenant"},
		{"POST", "/apps", `{"tenant":"Acme","name":"x","mode":"axz"}`, 400, "invalid", "mode"},
		{"POST", "/apps", `{"tenant":"Acme","name":"x","status_url":"ftp://x"}`, 400, "invalid", "status_url"},
		{"POST", "/apps", `{"tenant":"Acme","name":"x","allow_from":["10.0.0.0/99"]}`, 400, "invalid", "allow_from"},
		{"POST", "/apps", `{"tenant":"Acme","name":"x","prompts":{"odd.wav":"y.wav"}}`, 400, "invalid", "prompts"},
		{"PATCH", "/apps/" + app.Key, `{"mode":"axb"}`, 400, "invalid", "mode"},
		{"PATCH", "/apps/" + app.Key, `{"state":"frozen"}`, 400, "invalid", "state"},
		{"GET", "/apps/nothing", "", 404, "not_found", "app"},
		{"POST", "/apps/" + app.Key + "/secrets", `{"old_valid_seconds":-1}`, 400, "invalid", "old_valid_seconds"},
		{"POST", "/numbers", `{"app":"` + app.Key + `","area":"0755","numbers":[]}`, 400, "invalid", "numbers"},
		{"POST", "/numbers", `{"app":"` + app.Key + `","area":"here","numbers":["17000000003"]}`, 400, "invalid", "area"},
		{"POST", "/numbers", `{"app":"` + app.Key + `","area":"0755","numbers":["tel"]}`, 400, "invalid", "tel"},
		{"POST", "/numbers", `{"app":"` + app.Key + `","area":"0755","trunk":"z","numbers":["17000000003"]}`, 400, "invalid", "trunk"},
		{"POST", "/numbers", `{"app":"` + app.Key + `","area":"0755","numbers":["17000000003","17000000001"]}`, 409, "conflict", "+8617000000001"},
		{"GET", "/numbers/+8617000000003", "", 404, "not_found", "number"},
		{"PUT", "/numbers/+8617000000001/state", `{"state":""}`, 400, "invalid", "state"},
		{"GET", "/calls?since=now", "", 400, "invalid", "since"},
		{"GET", "/calls?caller=me", "", 400, "invalid", "caller"},
		{"GET", "/calls?app=nothing", "", 404, "not_found", "app"},
		{"GET", "/deliveries?state=lost", "", 400, "invalid", "state"},
		{"POST", "/deliveries/replay", `{}`, 400, "invalid", "app"},
		{"POST", "/deliveries/dead/files", `{"day":"yesterday"}`, 400, "invalid", "day"},
		{"POST", "/deliveries/replay", `{"session":"x","state":"waiting"}`, 400, "invalid", "state"},
	} {
		var f Failure
		l.do(c.method, c.path, c.body, c.status, &f)
		if string(f.Code) != c.code || f.Param != c.param || f.Message == "" {
			t.Errorf("%s %s %s: %+v, want code %s, param %q", c.method, c.path, c.body, f, c.code, c.param)
		}
	}
	w := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodDelete, Prefix+"/tenants", http.NoBody)
	l.engine.ServeHTTP(w, req)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("a method that is not there: %d", w.Code)
	}
}
