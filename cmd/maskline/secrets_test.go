package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/web/admin"
)

// secretsOfTheConfiguration are all that the configuration can hold, each with a value that nothing else has.
const secretsOfTheConfiguration = `
switches: [{name: fs1, addr: '127.0.0.1:0', password: s3cr3t-event-socket, simulated: true}]
mail: {host: '127.0.0.1:1', tls: none, from: a@b.example, user: u, password: s3cr3t-mail}
s3: {endpoint: 'http://127.0.0.1:1', bucket: b, key: k, secret: s3cr3t-s3}
log: {level: debug}
`

// A whole run, with what goes wrong in it, tells none of its secrets: not in the log, not in what any command prints, not on the admin listener.
func TestNoSecretIsTold(t *testing.T) {
	h := openHouse(t, secretsOfTheConfiguration)
	app, subscription := h.bound()
	line, err := h.daemon.Sim().Call(sim.Caller{From: strings.TrimPrefix(numA, "+86"), To: numX, Callee: &sim.Phone{Rings: time.Millisecond, HangsUpAfter: 50 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	<-line.Done()
	var records admin.List[admin.CDR]
	h.await("the record", func() error {
		if h.ask(&records, "cdr", "list", "--app", app.Key); records.Total != 1 {
			return errors.New("none yet")
		}
		return nil
	})
	const password = "a-long-s3cr3t-password"
	h.must("operator", "add", "--role", "admin", "lin")
	var said bytes.Buffer
	code := run(t.Context(), world{args: []string{"operator", "passwd", "lin"}, in: strings.NewReader(password), out: &said, err: &said,
		environ: []string{"MASKLINE_SERVER=http://" + h.daemon.Addr("admin"), "MASKLINE_TOKEN=" + testToken}})
	if code != exitOK {
		t.Fatal(said.String())
	}
	var made admin.TokenAnswer // told once
	h.ask(&made, "operator", "token", "lin", "--for", "reports")
	token := made.Token
	for _, args := range [][]string{
		{"tenant", "list"}, {"tenant", "limit", "Acme"}, {"app", "list"}, {"app", "show", app.Key}, {"number", "list"}, {"binding", "list"}, {"cdr", "list"}, {"call", "list"},
		{"call", "show", records.Items[0].SessionID}, {"delivery", "list"}, {"trunk", "list"}, {"switch", "list"}, {"job", "list"}, {"operator", "list"}, {"audit", "list"}, {"audit", "verify"},
		{"prompt", "list"}, {"template", "list"}, {"recording", "list"}, {"app", "show", "nothing"}, {"tenant", "show", "Acme"}, {"contact", "list", "Acme"},
		{"doctor", "--config", h.config}, {"migrate", "--config", h.config}, {"serve", "--config", h.config, "--set", "listen.admin=127.0.0.1:99999"},
		{"serve", "--config", h.config, "--set", "mail.tls=odd", "--set", "s3.endpoint=odd"},
	} {
		for _, more := range [][]string{nil, {"--json"}} {
			out, _ := h.run(append(args, more...)...)
			said.WriteString(out)
		}
	}
	for _, login := range []string{`{"name":"lin","password":"` + password + `"}`, `{"name":"lin","password":"` + password + `?"}`, `{"name":"` + password + `"`} {
		res, err := http.Post("http://"+h.daemon.Addr("admin")+admin.Prefix+"/login", "application/json", strings.NewReader(login))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	h.signed(http.MethodPost, "/rest/caas/relationnumber/partners/v1.0", app.Key, "wrong-secret", `{}`)
	h.signed(http.MethodDelete, "/rest/caas/relationnumber/partners/v1.0?subscriptionId="+subscription, app.Key, app.Secret, "")
	for _, path := range []string{"/metrics", "/readyz", "/healthz", admin.Prefix + "/openapi.yaml", admin.Prefix + "/tenants", admin.Prefix + "/nothing"} {
		for _, with := range []string{"", testToken, token, "wrong"} {
			said.WriteString(h.body(path, with))
		}
	}
	if err := h.stop(); err != nil {
		t.Error(err)
	}
	said.WriteString(h.log.String())
	for _, secret := range []string{testKey, testToken, "s3cr3t-event-socket", "s3cr3t-mail", "s3cr3t-s3", "cdr-password", app.Secret, password, token} {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)), url.QueryEscape(secret)} {
			if i := strings.Index(said.String(), form); i >= 0 {
				t.Errorf("%s is told: …%s…", secret, said.String()[max(0, i-120):i+len(form)+20])
			}
		}
	}
}

// body is what a path of the admin listener answers to a bearer.
func (h *house) body(path, bearer string) string {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, "http://"+h.daemon.Addr("admin")+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}
