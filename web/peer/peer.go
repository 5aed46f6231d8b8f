// Package peer is what the daemons of one database ask of each other: to end a call that lives on a switch of the other's. Requests are signed
// with a key that all daemons derive from the sealing key, and carry the id of a session and nothing of a person. It starts no goroutine.
package peer

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"maskline/models"
)

// The wire.
const (
	stopPath  = "/peer/v1/stop"
	signature = "X-Maskline-Signature"
	bodyMost  = 4096
	window    = 5 * time.Minute // how far the clocks of two daemons may lie apart
)

// Stopper ends a call that this daemon carries. One that it does not is models.SessionOver.
type Stopper func(ctx context.Context, sessionID string) error

type stopRequest struct {
	SessionID string    `json:"session_id"`
	At        time.Time `json:"at"`
}

// New makes the handler.
func New(key []byte, stop Stopper, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+stopPath, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMost))
		if err != nil {
			http.Error(w, "the request did not arrive whole, or is too long", http.StatusBadRequest)
			return
		}
		given, err := hex.DecodeString(r.Header.Get(signature))
		if err != nil || !hmac.Equal(given, sign(key, body)) {
			log.WarnContext(r.Context(), "request of another daemon refused: its signature is wrong; do all daemons have the same first key?", "from", r.RemoteAddr)
			http.Error(w, "wrong signature", http.StatusUnauthorized)
			return
		}
		var req stopRequest
		if err := json.Unmarshal(body, &req); err != nil || req.SessionID == "" || time.Since(req.At).Abs() > window {
			http.Error(w, "no session id, or a time that is not now", http.StatusBadRequest)
			return
		}
		switch err := stop(r.Context(), req.SessionID); {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case models.CodeOf(err) == models.SessionOver:
			http.Error(w, "not live here", http.StatusNotFound)
		default:
			log.WarnContext(r.Context(), "call could not be ended for another daemon", "sessionId", req.SessionID, "error", err)
			http.Error(w, "it could not be ended", http.StatusServiceUnavailable)
		}
	})
	return mux
}

func sign(key, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(body)
	return m.Sum(nil)
}

// Client asks other daemons. Its zero Key asks in vain.
type Client struct {
	Key  []byte
	HTTP *http.Client
}

// Stop has the daemon at a URL end a call. models.SessionOver: it is not live there.
func (c Client) Stop(ctx context.Context, url, sessionID string) error {
	body, err := json.Marshal(stopRequest{SessionID: sessionID, At: time.Now().UTC()})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(url, "/")+stopPath, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask another daemon: %w", err)
	}
	req.Header.Set(signature, hex.EncodeToString(sign(c.Key, body)))
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("ask another daemon: %w", err)
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, bodyMost))
	if err := resp.Body.Close(); err != nil {
		return fmt.Errorf("ask another daemon: %w", err)
	}
	switch resp.StatusCode {
	case http.StatusNoContent:
		return nil
	case http.StatusNotFound:
		return models.Fail(models.SessionOver, "sessionid", "no live session has this id")
	}
	return errors.New("another daemon said " + resp.Status + ": " + strings.TrimSpace(string(said)))
}
