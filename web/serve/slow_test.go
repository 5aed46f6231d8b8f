package serve_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"maskline/web/serve"
)

// Clients that send their request drop by drop, that never end it, or that send headers without end are cut off, so that they hold no connection for
// good. The times are short here; a zero Limits has its defaults.
func TestSlowAndEndlessClientsAreCut(t *testing.T) {
	s := &serve.Server{Name: "test", Log: slog.New(slog.DiscardHandler), Limits: serve.Limits{ReadHeader: 100 * time.Millisecond, Read: 200 * time.Millisecond, Idle: 100 * time.Millisecond, Header: 1 << 10},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.WriteHeader(http.StatusRequestTimeout)
			}
		})}
	ctx, stop := context.WithCancel(t.Context())
	l, err := serve.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	for name, sent := range map[string]string{
		"says nothing":           "",
		"never ends its headers": "GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
		"never ends its body":    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc",
		"never asks again":       "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"headers without end":    "GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			_ = c.SetDeadline(time.Now().Add(time.Minute)) // the test's own; the server's are tenths of a second
			_, _ = io.WriteString(c, sent)                 // the last case may be cut in the middle of it
			if _, err := io.Copy(io.Discard, bufio.NewReader(c)); err != nil && strings.Contains(err.Error(), "i/o timeout") {
				t.Error("the connection was kept for a minute")
			}
		})
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
