package media

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// SendPath is where a daemon's intake takes recordings by PUT; the name follows.
const SendPath = "/switch/v1/recording/"

// DigestHeader carries a recording's SHA-256 (RFC 9530).
const DigestHeader = "Content-Digest"

// ReceiveMax is how many bytes a recording that is sent may have: a day of stereo at 8 kHz and 16 bit has 2.8 GB, which WAV can just hold.
const ReceiveMax = 1<<32 - 1

// DigestField is the value of DigestHeader.
func DigestField(d Digest) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(d.SHA256[:]) + ":"
}

// ReadDigest reads the value of DigestHeader for a body of this length. Other algorithms beside SHA-256 are passed over.
func ReadDigest(field string, length int64) (Digest, error) {
	d := Digest{Bytes: length}
	for part := range strings.SplitSeq(field, ",") {
		v, ok := strings.CutPrefix(strings.TrimSpace(part), "sha-256=:")
		if !ok {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(v, ":"))
		if err != nil || len(sum) != len(d.SHA256) {
			return Digest{}, fmt.Errorf("%s is no SHA-256", DigestHeader)
		}
		copy(d.SHA256[:], sum)
		return d, nil
	}
	return Digest{}, fmt.Errorf("%s with sha-256 is missing", DigestHeader)
}

// Sender is a Sink that sends recordings to a daemon's intake over HTTP.
type Sender struct {
	base           *url.URL
	user, password string
	client         *http.Client
}

// NewSender makes a Sender for the intake at this address, http://host:port or https://…, with the user and password of the switch's vars.xml.
// A nil client is one with deadlines of its own; a client that is given follows no redirects either.
func NewSender(to, user, password string, client *http.Client) (*Sender, error) {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the address of an intake, http://host:port or https://host:port", to)
	}
	own := http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second}}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Sender{base: u, user: user, password: password, client: &own}, nil
}

// sendStep is how many bytes of a recording must go in each sendIn.
const (
	sendStep = 16 << 20
	sendIn   = time.Minute
)

// Put sends one file. The daemon answers when it has compared what arrived with d and has it on disk.
func (s *Sender) Put(ctx context.Context, name string, f *os.File, d Digest) error {
	if _, err := place(name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendIn*time.Duration(1+d.Bytes/sendStep))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, s.base.JoinPath(SendPath, name).String(), io.NewSectionReader(f, 0, d.Bytes))
	if err != nil {
		return fmt.Errorf("send recording %s: %w", name, err)
	}
	r.ContentLength = d.Bytes
	r.SetBasicAuth(s.user, s.password)
	r.Header.Set("Content-Type", "audio/wav")
	r.Header.Set(DigestHeader, DigestField(d))
	answer, err := s.client.Do(r)
	if err != nil {
		return fmt.Errorf("send recording %s: %w", name, err)
	}
	defer func() { _ = answer.Body.Close() }()
	why, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
	switch answer.StatusCode {
	case http.StatusCreated, http.StatusNoContent:
		return nil
	case http.StatusConflict:
		return fmt.Errorf("send recording %s: %w", name, ErrTaken)
	case http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return fmt.Errorf("send recording %s: %w: %s", name, ErrRecording, strings.TrimSpace(string(why)))
	case http.StatusUnauthorized:
		return errors.New("send a recording: the daemon refuses the user or the password; compare intake.user and intake.password with the switch's vars.xml")
	}
	return fmt.Errorf("send recording %s: the daemon answered %d %s", name, answer.StatusCode, strings.TrimSpace(string(why)))
}
