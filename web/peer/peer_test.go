package peer

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

var key = []byte("0123456789abcdef0123456789abcdef")

func serve(t *testing.T, stop Stopper) string {
	t.Helper()
	s := httptest.NewServer(New(key, stop, slog.New(slog.DiscardHandler)))
	t.Cleanup(s.Close)
	return s.URL
}

func TestStop(t *testing.T) {
	var asked string
	url := serve(t, func(_ context.Context, id string) error {
		asked = id
		switch id {
		case "over":
			return models.Fail(models.SessionOver, "sessionid", "gone")
		case "broken":
			return errors.New("the switch said no")
		}
		return nil
	})
	c := Client{Key: key, HTTP: http.DefaultClient}
	if err := c.Stop(t.Context(), url+"/", "a@fs1"); err != nil || asked != "a@fs1" {
		t.Errorf("stop: %v, asked %q", err, asked)
	}
	if err := c.Stop(t.Context(), url, "over"); models.CodeOf(err) != models.SessionOver {
		t.Errorf("of one that is over: %v", err)
	}
	if err := c.Stop(t.Context(), url, "broken"); err == nil || models.CodeOf(err) == models.SessionOver || !strings.Contains(err.Error(), "503") {
		t.Errorf("of one that could not be ended: %v", err)
	}
	if err := c.Stop(t.Context(), "http://127.0.0.1:1", "a"); err == nil {
		t.Error("nobody there and no error")
	}
}

func TestForged(t *testing.T) {
	url := serve(t, func(context.Context, string) error { t.Error("a forged request ended a call"); return nil })
	if err := (Client{Key: []byte("another key"), HTTP: http.DefaultClient}).Stop(t.Context(), url, "a"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("with another key: %v", err)
	}
	post := func(body []byte, sig string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+stopPath, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(signature, sig)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	fresh, _ := json.Marshal(stopRequest{SessionID: "a", At: time.Now()})
	old, _ := json.Marshal(stopRequest{SessionID: "a", At: time.Now().Add(-time.Hour)})
	none, _ := json.Marshal(stopRequest{At: time.Now()})
	hexed := func(b []byte) string { return hex.EncodeToString(sign(key, b)) }
	for name, tt := range map[string]struct {
		body []byte
		sig  string
		want int
	}{
		"no signature":  {fresh, "", 401},
		"of another":    {fresh, hexed(old), 401},
		"no hex":        {fresh, "zz", 401},
		"an hour old":   {old, hexed(old), 400},
		"no session":    {none, hexed(none), 400},
		"not JSON":      {[]byte("{"), hexed([]byte("{")), 400},
		"much too long": {bytes.Repeat([]byte("a"), bodyMost+1), "", 400},
	} {
		if got := post(tt.body, tt.sig); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}
