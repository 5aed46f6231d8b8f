package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/models"
)

// keyring is a table of apps that the door may ask.
type keyring map[string]credential

type credential struct {
	app     models.App
	tenant  models.Tenant
	secrets []string
}

func (k keyring) Credentials(_ context.Context, key string) (models.App, models.Tenant, []string, error) {
	if key == "BROKEN" {
		return models.App{}, models.Tenant{}, nil, errors.New("database gone while asking for +8613800000001")
	}
	c, ok := k[key]
	if !ok {
		return models.App{}, models.Tenant{}, nil, models.Fail(models.UnknownApp, "", "no app has this key")
	}
	return c.app, c.tenant, c.secrets, nil
}

const (
	testKey    = "APPKEY1"
	testSecret = "test-secret-0001"
	scopeAKSK  = `AKSK realm="SDP",profile="UsernameToken",type="Appkey"`
	scopeWSSE  = `WSSE realm="SDP",profile="UsernameToken",type="Appkey"`
)

func ring() keyring {
	ok := models.Tenant{ID: 1, SpID: "sp1", State: models.StateNormal}
	app := models.App{ID: 7, TenantID: 1, Key: testKey, Mode: models.ModeAXB, State: models.StateNormal}
	suspended, fenced := app, app
	suspended.State = models.StateSuspended
	fenced.AllowFrom = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	frozen, stopped := ok, ok
	frozen.State, stopped.State = models.StateFrozen, models.StateSuspended
	return keyring{
		testKey:     {app, ok, []string{"newer", testSecret}},
		"SUSPENDED": {suspended, ok, []string{testSecret}},
		"FENCED":    {fenced, ok, []string{testSecret}},
		"FROZEN":    {app, frozen, []string{testSecret}},
		"STOPPED":   {app, stopped, []string{testSecret}},
		"NOSECRET":  {app, ok, nil},
	}
}

func doorEngine(a Auth) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.POST("/", newDoor(a, ring()).enter, func(c *gin.Context) { c.String(http.StatusOK, "%d", callerOf(c).ID) })
	return e
}

type headers map[string]string

// knock sends one request and gives the status and the whole body.
func knock(h http.Handler, from string, hs headers) (int, string) {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", http.NoBody)
	r.RemoteAddr = from
	for k, v := range hs {
		r.Header[k] = []string{v} // as it is: net/http would have canonicalised it on the wire
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// The digests below are computed from the formulas of the fact sheet, not by the code under test.
func hmacDigest(secret, nonce, created string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(nonce + created))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func akskHeaders(key, secret, nonce string, at time.Time) headers {
	created := at.Format("2006-01-02T15:04:05Z")
	return headers{"Authorization": scopeAKSK, "X-Aksk": fmt.Sprintf(`UsernameToken Username="%s",PasswordDigest="%s",Nonce="%s",Created="%s"`,
		key, hmacDigest(secret, nonce, created), nonce, created)}
}

func (h headers) with(k, v string) headers {
	out := maps.Clone(h)
	if v == "" {
		delete(out, k)
		return out
	}
	out[k] = v
	return out
}

func wireResult(code, desc string) string {
	return fmt.Sprintf(`{"resultcode":%q,"resultdesc":%q}`, code, desc)
}

func TestVectorsOfTheFactSheet(t *testing.T) {
	const nonce, created = "66C92B11FF8A425FB8D4CCFE0ED9ED1F", "2018-02-12T15:30:20Z"
	synctest.Test(t, func(t *testing.T) {
		at, _ := time.Parse(time.RFC3339, created)
		time.Sleep(time.Until(at))
		h := doorEngine(Auth{})
		for name, hs := range map[string]headers{
			"aksk": {"Authorization": scopeAKSK, "X-Aksk": `UsernameToken Username="APPKEY1",PasswordDigest="PdwSQSMmHk/DuVhQobGTuHFgg6fEUhN2XJ6JeBUIdL4=",Nonce="` + nonce + `",Created="` + created + `"`},
			"wsse": {"Authorization": scopeWSSE, "X-Wsse": `UsernameToken Username="APPKEY1",PasswordDigest="T1CCCWWZr2Bqo4KMDgsLZmjRc4iAvFImWMhx0bvtzPE=",Nonce="` + nonce + `",Created="` + created + `"`},
		} {
			if status, body := knock(h, "192.0.2.1:999", hs); status != http.StatusOK || body != "7" {
				t.Errorf("%s: %d %s", name, status, body)
			}
		}
	})
}

func TestHeaderSpellingsOfRealClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		created := now.Format("2006-01-02T15:04:05Z")
		sum := hmacDigest(testSecret, "n1", created)
		rawHash := sha256.Sum256([]byte("n1" + created + testSecret))
		raw := base64.StdEncoding.EncodeToString(rawHash[:])
		hexed := base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(rawHash[:])))
		inner := fmt.Sprintf(`UsernameToken Username="APPKEY1",PasswordDigest="%s",Nonce="n1",Created="%s"`, sum, created)
		beijing := now.Add(8 * time.Hour)
		for name, tc := range map[string]struct {
			lenient bool
			hs      headers
		}{
			"as documented":          {false, akskHeaders(testKey, testSecret, "n1", now)},
			"the older live secret":  {false, akskHeaders(testKey, "newer", "n1", now)},
			"blanks behind commas":   {false, headers{"Authorization": `AKSK realm="SDP", profile="UsernameToken", type="Appkey"`, "X-Aksk": strings.ReplaceAll(inner, ",", ", ")}},
			"single quotes":          {false, headers{"Authorization": strings.ReplaceAll(scopeAKSK, `"`, `'`), "X-Aksk": strings.ReplaceAll(inner, `"`, `'`)}},
			"another order":          {false, headers{"Authorization": `AKSK type="Appkey",realm="SDP",profile="UsernameToken"`, "X-Aksk": fmt.Sprintf(`UsernameToken Created="%s",Nonce="n1",PasswordDigest="%s",Username="APPKEY1"`, created, sum)}},
			"UserName":               {false, headers{"Authorization": scopeAKSK, "X-Aksk": strings.Replace(inner, "Username=", "UserName=", 1)}},
			"dsl for type":           {true, headers{"Authorization": strings.Replace(scopeAKSK, "type=", "dsl=", 1), "X-Aksk": inner}},
			"wsse":                   {false, headers{"Authorization": scopeWSSE, "X-Wsse": strings.Replace(inner, sum, raw, 1)}},
			"wsse over the hex text": {false, headers{"Authorization": scopeWSSE, "X-Wsse": strings.Replace(inner, sum, hexed, 1)}},
			"Beijing time called Z":  {false, akskHeaders(testKey, testSecret, "n1", beijing)},
			"15 minutes slow":        {false, akskHeaders(testKey, testSecret, "n1", now.Add(-15*time.Minute))},
			"15 minutes fast":        {false, akskHeaders(testKey, testSecret, "n1", now.Add(15*time.Minute))},
			"nonce with - and _":     {false, akskHeaders(testKey, testSecret, "a-b_c", now)},
			"nonce of 128":           {false, akskHeaders(testKey, testSecret, strings.Repeat("n", 128), now)},
		} {
			if status, body := knock(doorEngine(Auth{Lenient: tc.lenient}), "192.0.2.1:999", tc.hs); status != http.StatusOK {
				t.Errorf("%s: %d %s", name, status, body)
			}
		}
	})
}

func TestEveryRefusalOfTheHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		good := akskHeaders(testKey, testSecret, "n1", now)
		wsse := headers{"Authorization": scopeWSSE, "X-Wsse": good["X-Aksk"]}
		scope := func(h headers, s string) headers { return h.with("Authorization", s) }
		less := func(h headers, name, attr string) headers {
			return h.with(name, strings.Replace(h[name], attr+"=", "Else=", 1))
		}
		for name, tc := range map[string]struct {
			hs         headers
			status     int
			code, desc string
		}{
			"no Authorization":       {good.with("Authorization", ""), 400, "1023006", "Authorization not contained in the HTTP header."},
			"nothing at all":         {headers{}, 400, "1023006", "Authorization not contained in the HTTP header."},
			"no realm":               {scope(good, `AKSK profile="UsernameToken",type="Appkey"`), 400, "1023007", "realm not contained in Authorization."},
			"no profile":             {scope(good, `AKSK realm="SDP",type="Appkey"`), 400, "1023008", "profile not contained in Authorization."},
			"other realm":            {scope(good, `AKSK realm="XDP",profile="UsernameToken",type="Appkey"`), 400, "1023009", "The value of realm in Authorization must be SDP."},
			"other profile":          {scope(good, `AKSK realm="SDP",profile="User",type="Appkey"`), 400, "1023010", "The value of profile in Authorization must be UsernameToken."},
			"other type":             {scope(good, `AKSK realm="SDP",profile="UsernameToken",type="User"`), 400, "1023011", "The value of type in Authorization must be app_key."},
			"no type":                {scope(good, `AKSK realm="SDP",profile="UsernameToken"`), 400, "1023012", "type not contained in Authorization."},
			"dsl without leniency":   {scope(good, `AKSK realm="SDP",profile="UsernameToken",dsl="Appkey"`), 400, "1023012", "type not contained in Authorization."},
			"no scheme, aksk":        {scope(good, `realm="SDP",profile="UsernameToken",type="Appkey"`), 400, "1023039", "AKSK not contained in Authorization."},
			"no scheme, wsse":        {scope(wsse, `realm="SDP",profile="UsernameToken",type="Appkey"`), 400, "1023013", "WSSE not contained in Authorization."},
			"no X-AKSK":              {good.with("X-Aksk", ""), 400, "1023033", "HTTP header not found X-AKSK field."},
			"X-WSSE under AKSK":      {scope(wsse, scopeAKSK), 400, "1023033", "HTTP header not found X-AKSK field."},
			"no Username":            {less(good, "X-Aksk", "Username"), 400, "1023034", "UserName not contained in X-AKSK."},
			"no Nonce":               {less(good, "X-Aksk", "Nonce"), 400, "1023035", "Nonce not contained in X-AKSK."},
			"no Created":             {less(good, "X-Aksk", "Created"), 400, "1023036", "Created not contained in X-AKSK."},
			"no PasswordDigest":      {less(good, "X-Aksk", "PasswordDigest"), 400, "1023037", "PasswordDigest not contained in X-AKSK."},
			"no UsernameToken":       {good.with("X-Aksk", strings.TrimPrefix(good["X-Aksk"], "UsernameToken ")), 400, "1023038", "UsernameToken not contained in X-AKSK."},
			"bad Created":            {good.with("X-Aksk", strings.Replace(good["X-Aksk"], `Z"`, `.000Z"`, 1)), 400, "1023039", "The format of Created in X-AKSK is Incorrect."},
			"no X-WSSE":              {wsse.with("X-Wsse", ""), 400, "1023026", "X-WSSE not contained in the HTTP header."},
			"wsse no Username":       {less(wsse, "X-Wsse", "Username"), 400, "1023027", "Username not contained in X-WSSE."},
			"wsse no Nonce":          {less(wsse, "X-Wsse", "Nonce"), 400, "1023028", "Nonce not contained in X-WSSE."},
			"wsse no Created":        {less(wsse, "X-Wsse", "Created"), 400, "1023029", "Created not contained in X-WSSE."},
			"wsse no PasswordDigest": {less(wsse, "X-Wsse", "PasswordDigest"), 400, "1023030", "PasswordDigest not contained in X-WSSE."},
			"wsse bad Created":       {wsse.with("X-Wsse", strings.Replace(wsse["X-Wsse"], `Created="2`, `Created="x`, 1)), 400, "1023031", "The format of Created in X-WSSE is Incorrect."},
			"wsse no UsernameToken":  {wsse.with("X-Wsse", "Token x"), 400, "1023032", "UsernameToken not contained in X-WSSE."},
			"aksk digest under wsse": {wsse, 401, "1010010", "Invalid digest."},
			"wrong secret":           {akskHeaders(testKey, "guess", "n1", now), 401, "1010010", "Invalid digest."},
			"no live secret":         {akskHeaders("NOSECRET", "", "n1", now), 401, "1010010", "Invalid digest."},
			"too old":                {akskHeaders(testKey, testSecret, "n1", now.Add(-15*time.Minute-time.Second)), 401, "1010013", "Time out limit."},
			"too new":                {akskHeaders(testKey, testSecret, "n1", now.Add(16*time.Minute)), 401, "1010013", "Time out limit."},
			"between the offsets":    {akskHeaders(testKey, testSecret, "n1", now.Add(4*time.Hour)), 401, "1010013", "Time out limit."},
			"unknown key":            {akskHeaders("NOBODY", testSecret, "n1", now), 403, "1010003", "Invalid app_key."},
			"suspended app":          {akskHeaders("SUSPENDED", testSecret, "n1", now), 403, "1010008", "The status of the app_key is unavailable."},
			"suspended tenant":       {akskHeaders("STOPPED", testSecret, "n1", now), 403, "1010008", "The status of the app_key is unavailable."},
			"frozen tenant":          {akskHeaders("FROZEN", testSecret, "n1", now), 403, "1010029", "The subscriber status is frozen."},
			"foreign address":        {akskHeaders("FENCED", testSecret, "n1", now), 403, "1020166", "The peer app client ip is not in ip white list."},
			"blank in the nonce":     {akskHeaders(testKey, testSecret, "n 1", now), 403, "1010002", "Invalid request.Nonce is 1 to 128 letters and digits."},
			"nonce of 129":           {akskHeaders(testKey, testSecret, strings.Repeat("n", 129), now), 403, "1010002", "Invalid request.Nonce is 1 to 128 letters and digits."},
			"database gone":          {akskHeaders("BROKEN", testSecret, "n1", now), 500, "1010001", "Internal system error."},
		} {
			status, body := knock(doorEngine(Auth{}), "192.0.2.1:999", tc.hs)
			if want := wireResult(tc.code, tc.desc); status != tc.status || body != want {
				t.Errorf("%s: %d %s, want %d %s", name, status, body, tc.status, want)
			}
		}
		if status, _ := knock(doorEngine(Auth{}), "203.0.113.4:999", akskHeaders("FENCED", testSecret, "n1", now)); status != http.StatusOK {
			t.Errorf("an address of the allow-list got %d", status)
		}
	})
}

func TestAddressIsHeldOffAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := doorEngine(Auth{Failures: 3})
		good := func(from string) int {
			status, _ := knock(h, from, akskHeaders(testKey, testSecret, "n1", time.Now().UTC()))
			return status
		}
		guess := func(from string) (int, string) {
			return knock(h, from, akskHeaders(testKey, "guess", "n1", time.Now().UTC()))
		}
		const here, there = "192.0.2.1:1", "192.0.2.2:1"
		guess(here)
		guess(here)
		if good(here) != 200 {
			t.Fatal("held off before the third failure")
		}
		for range 3 { // the success has cleared the first two
			guess(here)
		}
		held := wireResult("1020176", "Authentication failed, try again later.")
		if status, body := guess(here); status != 403 || body != held {
			t.Errorf("a fourth guess: %d %s", status, body)
		}
		if good(here) != 403 || good(there) != 200 {
			t.Errorf("held off: %d here, %d elsewhere; want 403 and 200", good(here), good(there))
		}
		time.Sleep(30*time.Minute - time.Second)
		if good(here) != 403 {
			t.Error("let in before the 30 minutes were over")
		}
		time.Sleep(time.Second)
		if good(here) != 200 {
			t.Error("still held off after 30 minutes")
		}
		for range 4 { // failures further apart than FailuresIn
			guess(here)
			time.Sleep(5 * time.Minute)
		}
		if good(here) != 200 {
			t.Error("rare failures add up")
		}
		for i := range 3 { // one host has the whole /64
			guess(fmt.Sprintf("[2001:db8::%d]:1", i+1))
		}
		if good("[2001:db8::99]:1") != 403 || good("[2001:db8:0:1::1]:1") != 200 {
			t.Error("an IPv6 source is its /64, no less and no more")
		}
	})
}

func TestHeldOffSourcesAreBounded(t *testing.T) {
	b := newBlock(1, time.Minute, time.Minute)
	for i := range blockSources + 10 {
		b.failed(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if len(b.sources) != blockSources || b.order.Len() != blockSources {
		t.Errorf("%d sources and %d in order are remembered, want %d", len(b.sources), b.order.Len(), blockSources)
	}
	if b.held(netip.MustParseAddr("10.0.0.0")) || !b.held(netip.MustParseAddr("10.1.0.9")) {
		t.Error("the one to forget is the oldest")
	}
}

func TestReplayWindowCoversEveryOffset(t *testing.T) {
	if got, want := (Auth{}).Believable(), 8*time.Hour+30*time.Minute; got != want {
		t.Errorf("a signature is believable for %v, want %v", got, want)
	}
}

func FuzzReadToken(f *testing.F) {
	f.Add(scopeAKSK, `UsernameToken Username="a",PasswordDigest="b",Nonce="c",Created="2018-02-12T15:30:20Z"`, true)
	f.Add(scopeWSSE, `UsernameToken Username='a', PasswordDigest='b', Nonce='c', Created='2018-02-12T15:30:20Z'`, false)
	f.Add(`AKSK realm="SDP",dsl="Appkey"`, `UsernameToken Username="`, true)
	f.Add("", "", false)
	f.Fuzz(func(t *testing.T, authorization, inner string, lenient bool) {
		h := http.Header{"Authorization": {authorization}, "X-Aksk": {inner}, "X-Wsse": {inner}}
		tok, bad := readToken(h, lenient)
		switch {
		case bad != nil && (bad.status != http.StatusBadRequest || !strings.HasPrefix(bad.code, "10230") || bad.desc == ""):
			t.Errorf("a refusal without a header's code: %+v", *bad)
		case bad == nil && (tok.username == "" || tok.nonce == "" || tok.sum == "" || tok.at.Format(createdLayout) != tok.created):
			t.Errorf("a token with holes was taken: %+v", tok)
		case bad == nil && (!strings.Contains(inner, tok.username) || !strings.Contains(inner, tok.nonce)):
			t.Errorf("the token holds what the header does not: %+v", tok)
		}
	})
}
