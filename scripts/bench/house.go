package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Secrets of the run; they live as long as it does, on loopback.
const (
	eslPassword = "bench-event-socket" //nolint:gosec // of one run, on loopback
	cdrPassword = "bench-cdr-post"     //nolint:gosec // likewise
	sqlPassword = "bench-database"     //nolint:gosec // likewise
	adminToken  = "bench-admin-token-of-one-run"
	sealingKey  = "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtMTI="
)

// app is one customer's application.
type app struct {
	Key    string `json:"app_key"`
	Secret string `json:"app_secret"`
}

// writeConfig writes the daemon's configuration, all by default where the run does not say otherwise, and from it the switch's trunks.
func (b *bench) writeConfig(ctx context.Context) error {
	f := b.facts
	text := fmt.Sprintf(`database: {driver: mysql, dsn: 'bench:%[1]s@tcp(127.0.0.1:%[2]d)/maskline'}
keys: [{id: k1, key: %[3]s}]
listen: {api: '127.0.0.1:%[4]d', admin: '127.0.0.1:%[5]d', intake: '127.0.0.1:%[6]d'%[7]s}
admin: {tokens: [{name: bench, token: %[8]s}]}
intake: {password: %[9]s, spool: %[10]s/posted}
switches: [{name: bench, addr: '127.0.0.1:%[11]d', password: %[12]s, spool: %[10]s/switch/spool}]
trunks:
  - {name: in, addresses: [127.0.0.1/32], trust_caller: true}
  - {name: out, proxy: '127.0.0.1:%[13]d'}
media: {prompts: %[10]s/prompts, tenants: %[10]s/tenants, uploads: %[10]s/uploads, recordings: %[14]s}
speech: {engine: "", dir: %[10]s/speech}
delivery: {allow: [127.0.0.0/8], dead_files: %[10]s/dead}
orders: {documents: %[10]s/documents}
tls: {dir: %[10]s/tls}
drain: 5s
`, sqlPassword, f.SQL, sealingKey, f.API, f.Admin, f.Intake, b.profiling(), adminToken, cdrPassword, b.dir, f.ESL, eslPassword, f.Phone, f.Recordings)
	if err := os.WriteFile(b.config(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the daemon's configuration: %w", err)
	}
	c, err := b.start("trunks", b.dir, nil, b.program, "switch", "config", "--dir", f.Trunks, "--config", b.config())
	if err != nil {
		return err
	}
	if <-c.ended; c.code() != 0 {
		return fmt.Errorf("maskline switch config: %s", c.said())
	}
	return nil
}

func (b *bench) config() string { return filepath.Join(b.dir, "maskline.yaml") }

// serve starts the daemon and waits until it takes calls.
func (b *bench) serve(ctx context.Context) (*child, error) {
	c, err := b.start("maskline", b.dir, nil, b.program, "serve", "--config", b.config())
	if err != nil {
		return nil, err
	}
	for range 600 {
		if status, _, err := b.http(ctx, http.MethodGet, b.facts.Admin, "/readyz", nil, nil); err == nil && status == http.StatusOK {
			return c, nil
		}
		if err := b.pause(ctx, 50*time.Millisecond, c); err != nil {
			return nil, fmt.Errorf("maskline serve: %w: %s", err, c.said())
		}
	}
	return nil, fmt.Errorf("maskline serve is not ready after 30 s: %s", c.said())
}

// rent makes a tenant with two apps, one that records, their numbers and the bindings that the calls go over.
func (b *bench) rent(ctx context.Context) error {
	if err := b.operate(ctx, "/tenants", map[string]any{"name": "Bench"}, nil); err != nil {
		return err
	}
	to := "http://127.0.0.1:" + strconv.Itoa(b.sink.port)
	for _, record := range []bool{false, true} {
		var a app
		in := map[string]any{"tenant": "Bench", "mode": "axb", "name": "app " + strconv.FormatBool(record), "record": record, "status_url": to + "/status", "fee_url": to + "/fee"}
		if err := b.operate(ctx, "/apps", in, &a); err != nil {
			return err
		}
		var numbers []string
		for i := range 20 {
			numbers = append(numbers, "+"+numberX(i, record))
		}
		if err := b.operate(ctx, "/numbers", map[string]any{"app": a.Key, "area": "0755", "numbers": numbers}, nil); err != nil {
			return err
		}
		for i := range parties {
			if err := b.bind(ctx, a, i, record); err != nil {
				return err
			}
		}
	}
	return nil
}

// bind binds caller i and a callee of his own through X (spec/privatenumber.md §2.1).
func (b *bench) bind(ctx context.Context, a app, i int, record bool) error {
	body := map[string]any{"callerNum": "+" + caller(i), "calleeNum": fmt.Sprintf("+86139%08d", i+1), "relationNum": "+" + numberX(i, record), "recordFlag": strconv.FormatBool(record)}
	nonce, created := rand.Text(), time.Now().UTC().Format("2006-01-02T15:04:05Z")
	mac := hmac.New(sha256.New, []byte(a.Secret))
	mac.Write([]byte(nonce + created))
	status, answer, err := b.http(ctx, http.MethodPost, b.facts.API, "/rest/caas/relationnumber/partners/v1.0", body, http.Header{
		"Authorization": {`AKSK realm="SDP",profile="UsernameToken",type="Appkey"`},
		"X-Aksk":        {fmt.Sprintf(`UsernameToken Username="%s",PasswordDigest="%s",Nonce="%s",Created="%s"`, a.Key, base64.StdEncoding.EncodeToString(mac.Sum(nil)), nonce, created)},
	})
	if err != nil {
		return err
	}
	if status != http.StatusOK || !bytes.Contains(answer, []byte(`"resultcode":"0"`)) {
		return fmt.Errorf("bind: %d %s", status, answer)
	}
	return nil
}

// operate posts to the admin API.
func (b *bench) operate(ctx context.Context, path string, in, out any) error {
	status, answer, err := b.http(ctx, http.MethodPost, b.facts.Admin, "/admin/v1"+path, in, http.Header{"Authorization": {"Bearer " + adminToken}})
	switch {
	case err != nil:
		return err
	case status/100 != 2:
		return fmt.Errorf("admin API %s: %d %s", path, status, answer)
	case out != nil:
		if err := json.Unmarshal(answer, out); err != nil {
			return fmt.Errorf("admin API %s: %w", path, err)
		}
	}
	return nil
}

var client = &http.Client{Timeout: time.Minute}

func (b *bench) http(ctx context.Context, method string, port int, path string, in any, header http.Header) (int, []byte, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return 0, nil, fmt.Errorf("write a request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1:"+strconv.Itoa(port)+path, body)
	if err != nil {
		return 0, nil, fmt.Errorf("make a request: %w", err)
	}
	maps.Copy(req.Header, header)
	if in != nil {
		req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask the daemon: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return 0, nil, fmt.Errorf("read the daemon's answer: %w", err)
	}
	return res.StatusCode, answer, nil
}
