package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
	"maskline/web/admin"
)

// answerMax bounds what the client reads of one answer, bytes.
const answerMax = 64 << 20

// client speaks to a daemon's admin API.
type client struct {
	base  string
	token string
	key   string // Idempotency-Key of requests that move money
	http  *http.Client
}

// client finds the daemon: --server and --token, else the configuration, else the environment.
func (c *cli) client() (*client, error) {
	cl := &client{base: c.server, token: c.token}
	ca := c.ca
	if cl.token == "" {
		cl.token = c.getenv("MASKLINE_TOKEN")
	}
	if c.config != "" && (cl.base == "" || cl.token == "") {
		cfg, err := conf.Read(c.config, c.environ, nil)
		if err != nil {
			return nil, err
		}
		if cl.base == "" {
			cl.base = adminURL(cfg)
		}
		if ca == "" && cfg.TLS.Admin {
			ca = daemon.CertificateFile(cfg)
		}
		if c.token == "" && len(cfg.Admin.Tokens) > 0 {
			if cl.token, err = cfg.Admin.Tokens[0].Token.Reveal(); err != nil {
				return nil, fmt.Errorf("admin token of %s: %w; or give --token", c.config, err)
			}
		}
	}
	switch {
	case cl.base == "":
		return nil, usagef("which daemon? give --config FILE, or --server URL and --token")
	case cl.token == "":
		return nil, usagef("no admin token: give --token, MASKLINE_TOKEN or --config FILE")
	}
	return cl, cl.connectWith(ca)
}

func (cl *client) connectWith(ca string) error {
	transport, err := trusting(ca)
	if err != nil {
		return err
	}
	cl.http = &http.Client{Transport: transport, Timeout: 2 * time.Minute}
	return nil
}

// trusting is a transport that trusts the certificates of a PEM file beside the system's; "" is none.
func trusting(ca string) (*http.Transport, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if ca == "" {
		return transport, nil
	}
	pem, err := os.ReadFile(ca) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read certificate to trust: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", ca)
	}
	transport.TLSClientConfig.RootCAs = pool
	return transport, nil
}

// adminURL is where a daemon with this configuration serves its admin API, as seen from the same machine.
func adminURL(cfg conf.Config) string {
	scheme := "http"
	if cfg.TLS.Admin {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(cfg.Listen.Admin)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// do sends one request and decodes the answer into out, unless out is nil.
func (cl *client) do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	body, err := cl.open(ctx, method, path, query, in)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(body, answerMax)).Decode(out); err != nil {
		return fmt.Errorf("read answer of %s: %w", path, err)
	}
	return nil
}

// open sends one request and gives the body of a good answer, which the caller closes.
func (cl *client) open(ctx context.Context, method, path string, query url.Values, in any) (io.ReadCloser, error) {
	if in == nil {
		return body(cl.send(ctx, method, path, query, "", nil))
	}
	b, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	return body(cl.send(ctx, method, path, query, "application/json", bytes.NewReader(b)))
}

// body is the body of a good answer.
func body(res *http.Response, err error) (io.ReadCloser, error) {
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// send sends one request and gives a good answer, whose body the caller closes.
func (cl *client) send(ctx context.Context, method, path string, query url.Values, kind string, body io.Reader) (*http.Response, error) {
	target := strings.TrimSuffix(cl.base, "/") + "/admin/v1" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, usagef("server %q is no URL such as http://127.0.0.1:8081", cl.base)
	}
	req.Header.Set("Authorization", "Bearer "+cl.token)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if cl.key != "" {
		req.Header.Set("Idempotency-Key", cl.key)
	}
	res, err := cl.http.Do(req)
	if err != nil {
		return nil, unreachable(cl.base, err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	return nil, failure(res)
}

// unreachable says what to do when nobody answers.
func unreachable(base string, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("no daemon at %s: %w; start it with maskline serve, or name another with --server", base, err)
}

// refusal is what the daemon says when it did not do what it was asked.
type refusal struct{ error }

// isRefusal says that a request failed and has surely done nothing.
func isRefusal(err error) bool {
	_, refused := errors.AsType[refusal](err)
	_, misused := errors.AsType[usageError](err)
	return refused || misused
}

// failure turns a bad answer into one line.
func failure(res *http.Response) error {
	var f admin.Failure
	b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if json.Unmarshal(b, &f) != nil || f.Message == "" {
		return fmt.Errorf("the daemon answered %s: %.200s", res.Status, strings.TrimSpace(string(b)))
	}
	if res.StatusCode == http.StatusUnauthorized {
		return refusal{errors.New("the daemon does not know this token; give the one of admin.tokens in its configuration with --token or MASKLINE_TOKEN")}
	}
	if res.StatusCode < http.StatusInternalServerError {
		return refusal{errors.New(f.Message)}
	}
	return errors.New(f.Message)
}
