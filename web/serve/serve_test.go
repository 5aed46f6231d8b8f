package serve_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"maskline/web/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func engine(t *testing.T, log *slog.Logger, proxies ...string) *gin.Engine {
	t.Helper()
	e, err := serve.Engine(proxies)
	if err != nil {
		t.Fatal(err)
	}
	e.Use(serve.RequestID(), serve.AccessLog(log),
		serve.Recover(log, func(c *gin.Context) { c.String(http.StatusInternalServerError, "sorry") }), serve.Bound(8, time.Minute))
	e.POST("/things/:number", func(c *gin.Context) {
		body, err := io.ReadAll(c.Request.Body)
		if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
			c.String(http.StatusRequestEntityTooLarge, "limit %d", tooLong.Limit)
			return
		}
		serve.Note(c, "answered", "yes")
		_, bounded := c.Request.Context().Deadline()
		c.String(http.StatusOK, "%s %s %t", body, c.ClientIP(), bounded)
	})
	e.GET("/panic", func(*gin.Context) { panic("+8613800000001 is a secret") })
	e.GET("/bug", func(*gin.Context) { _ = []int{}[len(gin.Version)] })
	return e
}

func do(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRequestsAreBoundedNumberedAndLogged(t *testing.T) {
	var out bytes.Buffer
	e := engine(t, slog.New(slog.NewTextHandler(&out, nil)))
	w := do(e, http.MethodPost, "/things/+8613800000001?caller=%2B8613800000002", "12345678",
		"X-Forwarded-For", "203.0.113.9", "X-Request-Id", "+8613800000003")
	if got, want := w.Body.String(), "12345678 192.0.2.1 true"; got != want {
		t.Errorf("answer %q, want %q: no proxy is trusted and the context has a deadline", got, want)
	}
	id := w.Header().Get(serve.RequestIDHeader)
	if len(id) != 36 {
		t.Errorf("request id %q is not ours", id)
	}
	for _, want := range []string{"method=POST", "route=/things/:number", "status=200", "answered=yes", "request=" + id} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log lacks %s: %s", want, out.String())
		}
	}
	if w := do(e, http.MethodPost, "/things/1", "123456789"); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("nine bytes of eight: %d", w.Code)
	}
	do(e, "+8613800000004", "/nowhere/8613800000005", "")
	if strings.Contains(out.String(), "1380000000") {
		t.Errorf("a number stands in the log: %s", out.String())
	}
}

func TestTrustedProxyNamesTheClient(t *testing.T) {
	e := engine(t, slog.New(slog.DiscardHandler), "192.0.2.0/24")
	if got := do(e, http.MethodPost, "/things/1", "", "X-Forwarded-For", "203.0.113.9").Body.String(); !strings.Contains(got, "203.0.113.9") {
		t.Errorf("answer %q, want the address that the trusted proxy named", got)
	}
	if _, err := serve.Engine([]string{"nonsense"}); err == nil {
		t.Error("a proxy that is no address was taken")
	}
}

func TestPanicIsAnsweredAndTellsNoNumber(t *testing.T) {
	var out bytes.Buffer
	e := engine(t, slog.New(slog.NewTextHandler(&out, nil)))
	for _, path := range []string{"/panic", "/bug"} {
		if w := do(e, http.MethodGet, path, ""); w.Code != http.StatusInternalServerError || w.Body.String() != "sorry" {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
	if strings.Contains(out.String(), "13800000001") {
		t.Errorf("the panic's text stands in the log: %s", out.String())
	}
	if !strings.Contains(out.String(), "index out of range") {
		t.Errorf("the runtime's error is missing: %s", out.String())
	}
	if strings.Count(out.String(), "status=500") != 2 {
		t.Errorf("a panic lacks its line in the access log: %s", out.String())
	}
}

func TestServerServesTLSAndDrains(t *testing.T) {
	dir := t.TempDir()
	conf, err := serve.SelfSignedTLS(dir, []string{"localhost", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	s := &serve.Server{Name: "test", TLS: conf, Log: slog.New(slog.DiscardHandler), Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			close(entered)
			<-leave
			_, _ = io.WriteString(w, "whole")
		})}
	ctx, stop := context.WithCancel(t.Context())
	l, err := serve.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // it is our own certificate
	got := make(chan string, 1)
	go func() {
		req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://"+l.Addr().String(), http.NoBody)
		resp, err := client.Do(req)
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		got <- resp.Proto + " " + string(body)
	}()
	<-entered
	stop()
	close(leave)
	if body := <-got; body != "HTTP/1.1 whole" {
		t.Errorf("a request under way at the stop got %q", body)
	}
	if err := <-ended; err != nil {
		t.Errorf("orderly end: %v", err)
	}
	if _, err := serve.Listen(t.Context(), "127.0.0.1:99999"); err == nil {
		t.Error("an impossible port was opened")
	}
}

func TestSelfSignedIsKeptAndRenewedWhenHostsChange(t *testing.T) {
	dir := t.TempDir()
	read := func() string {
		b, err := os.ReadFile(filepath.Join(dir, "self-signed.crt"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for range 2 {
		if _, err := serve.SelfSignedTLS(dir, []string{"a.example"}); err != nil {
			t.Fatal(err)
		}
	}
	first := read()
	if st, err := os.Stat(filepath.Join(dir, "self-signed.key")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v", st.Mode(), err)
	}
	if _, err := serve.SelfSignedTLS(dir, []string{"a.example"}); err != nil || read() != first {
		t.Errorf("a good certificate was made anew: %v", err)
	}
	if _, err := serve.SelfSignedTLS(dir, []string{"b.example"}); err != nil || read() == first {
		t.Errorf("a certificate for another host was kept: %v", err)
	}
	if _, err := serve.FileTLS(filepath.Join(dir, "no.crt"), filepath.Join(dir, "no.key")); err == nil {
		t.Error("a missing certificate was served")
	}
}
