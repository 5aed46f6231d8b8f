package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"maskline/models"
	"maskline/models/store"
	"maskline/models/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Numbers of the test house: X1 and X2 in Shenzhen, X3 in Beijing, XOther another app's.
const (
	numA, numB, numC, numD = "+8613800000001", "+8613800000002", "+8613800000003", "+8613800000004"
	x1, x2, x3, xOther     = "+8617000000001", "+8617000000002", "+8617000000003", "+8617000000009"
	y1, y2, y3             = "+8617000000011", "+8617000000012", "+8617000000013" // of the app that as opens
)

// house is the API on a database of its own, with one tenant and two apps: testKey, which may record, and OTHERKEY, which may not.
type house struct {
	testing.TB
	path    string // of the database
	key     string // of the app whose requests call sends
	store   *store.Store
	handler http.Handler
	tenant  models.Tenant
	app     models.App
	other   models.App
}

// tones is a table of tone files.
type tones map[string]bool

func (t tones) Find(spID, name string) (string, bool) { return "/" + name, spID == "sp1" && t[name] }

// newHouseOn opens a house on the database that conf names.
func newHouseOn(t testing.TB, conf store.Config, edit ...func(*Options)) *house {
	t.Helper()
	ctx := context.Background()
	conf.Keys = store.Keys{Current: "k1", ByID: map[string][]byte{"k1": make([]byte, 32)}}
	if conf.Driver == store.SQLite {
		must(t, storetest.Lay(conf.DSN))
	}
	s, err := store.Open(ctx, conf)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	must(t, s.Migrate(ctx))
	h := &house{TB: t, path: conf.DSN, key: testKey, store: s}
	h.tenant = models.Tenant{Name: "tenant", SpID: "sp1", State: models.StateNormal}
	must(t, s.CreateTenant(ctx, &h.tenant))
	h.app = models.App{TenantID: h.tenant.ID, Key: testKey, Name: "app", Mode: models.ModeAXB, State: models.StateNormal, PushScheme: models.PushAKSK, Record: true}
	must(t, s.CreateApp(ctx, &h.app, testSecret))
	h.other = h.app
	h.other.Key, h.other.Name, h.other.Record, h.other.SMS = "OTHERKEY", "other", false, true
	must(t, s.CreateApp(ctx, &h.other, testSecret))
	must(t, s.AddNumbers(ctx, []models.Number{
		{AppID: h.app.ID, Number: x1, AreaCode: "0755"}, {AppID: h.app.ID, Number: x2, AreaCode: "0755"},
		{AppID: h.app.ID, Number: x3, AreaCode: "010"}, {AppID: h.other.ID, Number: xOther, AreaCode: "0755"},
	}))
	o := Options{Store: s, Prompts: tones{"last.wav": true, "record.wav": true, "a.wav": true, "b.wav": true},
		Log: quiet}
	for _, e := range edit {
		e(&o)
	}
	h.handler, err = New(o)
	must(t, err)
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// signed makes a request of an app, with a nonce of its own.
func signed(key, method, target, body string) *http.Request {
	return signedAs(key, rand.Text(), method, target, body)
}

func signedAs(key, nonce, method, target, body string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
	for name, v := range akskHeaders(key, testSecret, nonce, time.Now().UTC()) {
		r.Header.Set(name, v)
	}
	r.Header.Set("Content-Type", "application/json;charset=UTF-8")
	return r
}

func (h *house) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w
}

// as opens an app of a mode with numbers of its own, and gives the house as this app uses it: two numbers in Shenzhen, one in Beijing. The
// app may record and has no SMS, like testKey.
func (h *house) as(mode models.Mode, edit ...func(*models.App)) *house {
	h.Helper()
	own := *h
	own.key = "KEY" + string(mode)
	own.app = models.App{TenantID: h.tenant.ID, Key: own.key, Name: own.key, Mode: mode, State: models.StateNormal, PushScheme: models.PushAKSK, Record: true,
		StatusURL: "http://customer.example/status"}
	for _, e := range edit {
		e(&own.app)
	}
	must(h, h.store.CreateApp(h.Context(), &own.app, testSecret))
	must(h, h.store.AddNumbers(h.Context(), []models.Number{
		{AppID: own.app.ID, Number: y1, AreaCode: "0755"}, {AppID: own.app.ID, Number: y2, AreaCode: "0755"}, {AppID: own.app.ID, Number: y3, AreaCode: "010"},
	}))
	return &own
}

// call sends a request of the house's app and gives status and body.
func (h *house) call(method, target, body string) (int, string) {
	w := h.send(signed(h.key, method, target, body))
	return w.Code, w.Body.String()
}

var subscriptionField = regexp.MustCompile(`"subscriptionId":"([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})"`)

// quiet is a log that nobody reads.
var quiet = slog.New(slog.DiscardHandler)

// golden replaces what differs from run to run.
func golden(body string) string {
	body = subscriptionField.ReplaceAllString(body, `"subscriptionId":"ID"`)
	return regexp.MustCompile(`"subscribeTime":"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"`).ReplaceAllString(body, `"subscribeTime":"TIME"`)
}

// bindOK binds and gives the subscriptionId.
func (h *house) bindOK(body string) string {
	h.Helper()
	status, answer := h.call(http.MethodPost, pathAXB, body)
	m := subscriptionField.FindStringSubmatch(answer)
	if status != http.StatusOK || m == nil {
		h.Fatalf("bind %s: %d %s", body, status, answer)
	}
	return m[1]
}

// wants fails the test unless the request is answered so.
func (h *house) wants(what, method, target, body string, status int, want string) {
	h.Helper()
	gotStatus, got := h.call(method, target, body)
	if golden(got) != want || gotStatus != status {
		h.Errorf("%s\n got %d %s\nwant %d %s", what, gotStatus, golden(got), status, want)
	}
}

const (
	okAnswer      = `{"resultcode":"0","resultdesc":"Success"}`
	missingAnswer = `{"resultcode":"1012007","resultdesc":"The record does not exist."}`
	notOursAnswer = `{"resultcode":"1012001","resultdesc":"Resource of number is not to be applied."}`
)

func invalid(sentence string) string { return wireResult("1010002", "Invalid request."+sentence) }
