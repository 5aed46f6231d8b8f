package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
	"maskline/models"
)

const (
	testKey   = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	testToken = "a-token-for-the-tests"
)

// house is a whole daemon in this process, with a simulated switch, and a customer who listens to its pushes.
type house struct {
	t      testing.TB
	daemon *daemon.Daemon
	config string
	log    *lockedBuffer
	stop   func() error

	customer *httptest.Server
	pushes   chan push
}

type push struct {
	path   string
	header http.Header
	body   []byte
}

// lockedBuffer may be written to while it is read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// testConfig writes a configuration whose every path is in dir and whose every port is free.
func testConfig(t testing.TB, dir, more string) string {
	t.Helper()
	if !strings.Contains(more, "log:") {
		more += "log: {level: debug}\n"
	}
	if !strings.Contains(more, "switches:") {
		more += "switches: [{name: fs1, addr: '127.0.0.1:0', password: esl-password, simulated: true}]\n"
	}
	if !strings.Contains(more, "speech:") {
		more += "speech: {dir: " + dir + "/speech}\n"
	}
	if !strings.Contains(more, "database:") {
		more += "database: {driver: sqlite, dsn: " + dir + "/m.db}\n"
	}
	text := fmt.Sprintf(`
keys: [{id: k1, key: %[2]s}]
listen: {api: '127.0.0.1:0', admin: '127.0.0.1:0', intake: '127.0.0.1:0'}
admin: {tokens: [{name: ops, token: %[3]s}]}
intake: {password: cdr-password, spool: %[1]s/spool}
trunks: [{name: carrier-a, addresses: [127.0.0.0/8], trust_caller: true, proxy: '127.0.0.1:5090'}]
media: {prompts: %[1]s/prompts, tenants: %[1]s/tenants, uploads: %[1]s/uploads, recordings: %[1]s/recordings}
delivery: {allow: [127.0.0.0/8, '::1'], batch_wait: 10ms, dead_files: %[1]s/dead}
tls: {dir: %[1]s/tls}
drain: 2s
%[4]s`, dir, testKey, testToken, more)
	path := filepath.Join(dir, "m.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openHouse(t testing.TB, more string) *house {
	t.Helper()
	h := &house{t: t, config: testConfig(t, t.TempDir(), more), log: &lockedBuffer{}, pushes: make(chan push, 1000)}
	h.customer = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.pushes <- push{r.URL.Path, r.Header, body}
	}))
	t.Cleanup(h.customer.Close)
	h.start()
	t.Cleanup(func() {
		_ = h.stop()
		if t.Failed() {
			t.Log(h.log.String())
		}
	})
	return h
}

// start begins the daemon; stop ends it and gives what Run gave.
func (h *house) start() {
	h.t.Helper()
	cfg, err := conf.Load(h.config, nil, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.daemon, err = daemon.New(h.t.Context(), cfg, daemon.Options{Version: "test", Log: daemon.Logger(h.log, cfg.Log)})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.daemon.Run(ctx) }()
	h.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	h.await("readiness", func() error {
		res, err := http.Get("http://" + h.daemon.Addr("admin") + "/readyz")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			b, _ := io.ReadAll(res.Body)
			return fmt.Errorf("%s: %s", res.Status, b)
		}
		return nil
	})
}

// await repeats what must come true.
func (h *house) await(what string, try func() error) {
	h.t.Helper()
	h.awaitFor(20*time.Second, what, try)
}

// awaitFor is await with a limit of its own.
func (h *house) awaitFor(limit time.Duration, what string, try func() error) {
	h.t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			h.t.Fatalf("%s did not come: %v", what, err)
		}
	}
}

// run is the command line with the daemon's address; it gives what was printed.
func (h *house) run(args ...string) (out string, code int) {
	var stdout, stderr bytes.Buffer
	code = run(h.t.Context(), world{args: args, in: strings.NewReader(""), out: &stdout, err: &stderr,
		environ: []string{"MASKLINE_SERVER=http://" + h.daemon.Addr("admin"), "MASKLINE_TOKEN=" + testToken}})
	return stdout.String() + stderr.String(), code
}

// must is run for a command that must work.
func (h *house) must(args ...string) string {
	h.t.Helper()
	out, code := h.run(args...)
	if code != exitOK {
		h.t.Fatalf("maskline %s: exit %d: %s", strings.Join(args, " "), code, out)
	}
	return out
}

// ask is must with --json, decoded.
func (h *house) ask(into any, args ...string) {
	h.t.Helper()
	printed(h.t, into, append(args, "--server", "http://"+h.daemon.Addr("admin"), "--token", testToken)...)
}

// printed runs a command that must work with --json and decodes what it printed.
func printed(t testing.TB, into any, args ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), world{args: append(args, "--json"), in: strings.NewReader(""), out: &out, err: &errs}); code != exitOK {
		t.Fatalf("maskline %s: exit %d: %s", strings.Join(args, " "), code, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		t.Fatalf("maskline %s: %v in %s", strings.Join(args, " "), err, out.String())
	}
}

// signed sends a signed request to the tenant API and decodes the answer.
func (h *house) signed(method, path, key, secret, body string) (status int, answer map[string]any) {
	h.t.Helper()
	created, nonce := time.Now().UTC().Format("2006-01-02T15:04:05Z"), strings.ReplaceAll(models.NewID(), "-", "")
	req, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.daemon.Addr("api")+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", `AKSK realm="SDP",profile="UsernameToken",type="Appkey"`)
	req.Header.Set("X-AKSK", fmt.Sprintf(`UsernameToken Username="%s",PasswordDigest="%s",Nonce="%s",Created="%s"`,
		key, models.AKSKDigest(secret, nonce, created), nonce, created))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil && !errors.Is(err, io.EOF) {
		h.t.Fatal(err)
	}
	return res.StatusCode, answer
}
