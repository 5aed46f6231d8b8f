package delivery

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestPosterKeepsTheRulesOfPushes(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + string(body)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()

	barred := NewPoster(Options{})
	defer barred.CloseIdleConnections()
	status, err := barred.Post(context.Background(), server.URL+"?token=secret", []byte(`{"a":1}`))
	if status != 0 || err == nil || strings.Contains(err.Error(), "secret") || got != "" {
		t.Fatalf("a private address: status %d, error %v, arrived %q", status, err, got)
	}

	allowed := NewPoster(Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	defer allowed.CloseIdleConnections()
	status, err = allowed.Post(context.Background(), server.URL, []byte(`{"a":1}`))
	if status != http.StatusFound || err != nil || got != `POST {"a":1}` {
		t.Fatalf("a listed address: status %d, error %v, arrived %q", status, err, got)
	}
}
