package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// house is a switch, a daemon on SQLite, a tenant with two apps, and their customer's server.
type house struct {
	*lab
	name       string
	sw         *fs
	config     string
	api, admin int
	peers      int    // where another daemon asks; 0: there is none
	proc       *child // the daemon
	customer   *receiver
	apps       [2]app         // of mode axb
	modes      map[string]app // of the other modes, by the names of settings
	trunks     []string       // YAML, one a trunk
	more       string         // further configuration, YAML
	unseen     bool           // the daemon does not see the switch's spool
	shared     []int          // ports of the trunks f-1, f-2, f-3, which every call of the house may fall back on
	stages     []*stage
	// Of placed calls.
	voice    app
	placed   []*voiceStage
	queue    *queueRun
	template string
}

// app is one customer's application.
type app struct{ key, secret, customer string }

func (l *lab) newHouse(name string) (*house, error) {
	h := &house{lab: l, name: name}
	var err error
	if h.sw, err = l.newSwitch(name); err != nil {
		return nil, err
	}
	for _, p := range []*int{&h.api, &h.admin} {
		if *p, err = l.ports.take(); err != nil {
			return nil, err
		}
	}
	h.customer, err = newReceiver()
	return h, err
}

func (h *house) in(parts ...string) string {
	return filepath.Join(append([]string{h.dir, h.name}, parts...)...)
}

// addTrunk adds a trunk to the configuration that open writes; port is where its calls go, 0 for a way in only. more is further YAML.
func (h *house) addTrunk(name string, port int, more string) {
	text := "{name: " + name
	if port != 0 {
		text += ", proxy: '127.0.0.1:" + strconv.Itoa(port) + "'"
	}
	h.trunks = append(h.trunks, text+more+"}")
}

// open starts switch and daemon and makes tenant and apps.
func (h *house) open(ctx context.Context) error {
	if err := h.configure(); err != nil {
		return err
	}
	out, err := h.maskline(ctx, "switch", "config", "--dir", h.sw.in("trunks"))
	if err != nil {
		return fmt.Errorf("write the switch's trunks: %w: %s", err, out)
	}
	if err := h.sw.boot(ctx); err != nil {
		return err
	}
	if err := h.serve(ctx); err != nil {
		return err
	}
	return h.rent(ctx)
}

func (h *house) configure() error {
	h.config = h.in("maskline.yaml")
	text := fmt.Sprintf(`database: {driver: sqlite, dsn: %[1]s/maskline.db}
keys: [{id: k1, key: %[2]s}]
listen: {api: '127.0.0.1:%[3]d', admin: '127.0.0.1:%[4]d', intake: '127.0.0.1:%[5]d'}
admin: {tokens: [{name: live, token: %[6]s}]}
intake: {password: %[7]s, spool: %[1]s/posted}
switches: [{name: %[8]s, addr: '127.0.0.1:%[9]d', password: %[10]s, spool: %[1]s/switch/spool}]
trunks:
  - %[11]s
media: {prompts: %[1]s/prompts, tenants: %[1]s/tenants, recordings: %[1]s/recordings}
speech: {dir: %[1]s/speech}
delivery: {allow: [127.0.0.0/8], calendar: [3s, 10s, 30s], dead_files: %[1]s/dead, optional_fields: true}
tls: {dir: %[1]s/tls}
log: {level: debug}
drain: 5s
`, h.in(), sealingKey, h.api, h.admin, h.sw.intake, adminToken, cdrPassword, h.name, h.sw.esl, eslPassword, strings.Join(h.trunks, "\n  - "))
	text += h.more
	if h.unseen {
		text = strings.Replace(text, fmt.Sprintf(", spool: %s/switch/spool}", h.in()), "}", 1)
	}
	if h.peers != 0 {
		text = strings.Replace(text, "listen: {", fmt.Sprintf("listen: {peers: '127.0.0.1:%d', ", h.peers), 1)
	}
	if h.sw.sounds != 0 {
		text = strings.Replace(text, "listen: {", fmt.Sprintf("listen: {sounds: '127.0.0.1:%d', ", h.sw.sounds), 1)
		text = strings.Replace(text, "media: {", fmt.Sprintf("media: {sounds_url: 'http://127.0.0.1:%d', ", h.sw.sounds), 1)
	}
	if err := os.WriteFile(h.config, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the daemon's configuration: %w", err)
	}
	return nil
}

// maskline runs a command of the daemon's program.
func (h *house) maskline(ctx context.Context, args ...string) (string, error) {
	log := h.in("command.log")
	_ = os.Remove(log)
	c, err := h.start("maskline "+args[0], log, h.repo, nil, h.daemon, append(args, "--config", h.config)...)
	if err != nil {
		return "", err
	}
	select {
	case <-c.ended:
	case <-ctx.Done():
		c.stop(syscall.SIGTERM, time.Second)
		return "", ctx.Err()
	case <-time.After(time.Minute):
		c.stop(syscall.SIGTERM, time.Second)
	}
	if c.code() != 0 {
		return tailOf(log, 500), fmt.Errorf("exit code %d", c.code())
	}
	return tailOf(log, 500), nil
}

// serve starts the daemon and waits until it takes calls.
func (h *house) serve(ctx context.Context) error {
	var err error
	if h.proc, err = h.start("maskline "+h.name, h.in("maskline.log"), h.repo, nil, h.daemon, "serve", "--config", h.config); err != nil {
		return err
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if _, err := h.get(ctx, "/readyz"); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-h.proc.ended:
			return fmt.Errorf("maskline serve ended: %s", tailOf(h.in("maskline.log"), 500))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("maskline serve is not ready: %s", tailOf(h.in("maskline.log"), 500))
}

// rent makes the tenant and its two apps, each with an address of its own for pushes.
func (h *house) rent(ctx context.Context) error {
	if err := h.tell(ctx, "/tenants", map[string]any{"name": "Live " + h.name}, nil); err != nil {
		return err
	}
	var err error
	for i := range h.apps {
		if h.apps[i], err = h.newApp(ctx, "customer"+strconv.Itoa(i), "axb", nil); err != nil {
			return err
		}
	}
	return nil
}

// newApp makes an app of a customer's, who is pushed to at an address of his own.
func (h *house) newApp(ctx context.Context, customer, mode string, settings map[string]any) (app, error) {
	var made struct {
		Key    string `json:"app_key"`
		Secret string `json:"app_secret"`
	}
	base := h.customer.url + "/" + customer
	in := map[string]any{"tenant": "Live " + h.name, "mode": mode, "name": "app of " + customer, "record": true, "status_url": base + "/status", "fee_url": base + "/fee"}
	if settings != nil {
		in["settings"] = settings
	}
	if err := h.tell(ctx, "/apps", in, &made); err != nil {
		return app{}, err
	}
	h.customer.knows(made.Key, made.Secret)
	return app{made.Key, made.Secret, customer}, nil
}

var client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// get reads from the daemon's admin address.
func (h *house) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(h.admin)+path, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	status, body, err := do(req)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", path, status, tail(body, 200))
	}
	return string(body), err
}

// tell posts to the admin API.
func (h *house) tell(ctx context.Context, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:"+strconv.Itoa(h.admin)+"/admin/v1"+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", "application/json")
	status, body, err := do(req)
	switch {
	case err != nil:
		return err
	case status/100 != 2:
		return fmt.Errorf("admin API %s: %d %s", path, status, tail(body, 200))
	case out != nil:
		return json.Unmarshal(body, out)
	}
	return nil
}

// bind binds A and B through X (spec/privatenumber.md §2.1).
func (h *house) bind(ctx context.Context, a app, body map[string]any) (subscription string, err error) {
	r, err := h.order(ctx, a, http.MethodPost, "/rest/caas/relationnumber/partners/v1.0", body)
	return r.SubscriptionID, err
}

// ordered is what the tenant's API answers, of all modes.
type ordered struct {
	ResultCode     string `json:"resultcode"`
	SubscriptionID string `json:"subscriptionId"`
	RelationNumber string `json:"relationNumber"`
	SessionID      string `json:"sessionId"`
}

// order asks something of the platform as a tenant does: a signed request written from the fact sheet (spec/privatenumber.md §1.1).
func (h *house) order(ctx context.Context, a app, method, path string, body map[string]any) (r ordered, err error) {
	b, err := json.Marshal(body)
	if err != nil {
		return r, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1:"+strconv.Itoa(h.api)+path, bytes.NewReader(b))
	if err != nil {
		return r, err
	}
	req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	h.sign(req, a)
	status, answer, err := do(req)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(answer, &r); err != nil || status != http.StatusOK || r.ResultCode != "0" {
		return r, fmt.Errorf("%s %s: %d %s", method, path, status, tail(answer, 200))
	}
	return r, nil
}

// sign puts a tenant's two headers on a request.
func (h *house) sign(req *http.Request, a app) {
	nonce, created := rand.Text(), time.Now().UTC().Format("2006-01-02T15:04:05Z")
	req.Header.Set("Authorization", `AKSK realm="SDP",profile="UsernameToken",type="Appkey"`)
	req.Header.Set("X-AKSK", fmt.Sprintf(`UsernameToken Username="%s",PasswordDigest="%s",Nonce="%s",Created="%s"`, a.key, digest(a.secret, nonce, created), nonce, created))
}

func do(req *http.Request) (int, []byte, error) {
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	return res.StatusCode, b, err
}

// metric sums the samples of a metric whose line begins so.
func (h *house) metric(ctx context.Context, begins string) (float64, error) {
	text, err := h.get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for line := range strings.Lines(text) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && strings.HasPrefix(line, begins) {
			n, err := strconv.ParseFloat(strings.TrimSpace(line[i:]), 64)
			if err != nil {
				return 0, errors.Join(errors.New("metric "+begins), err)
			}
			sum += n
		}
	}
	return sum, nil
}
