package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// SendPath is where a daemon's intake takes records, from switches and from a Forwarder.
const SendPath = "/switch/v1/cdr"

// DurableField asks the intake, as a field of the query, to answer only when the record is past a power cut: whoever asks will remove his own.
const DurableField = "durable"

// sendIn bounds one try at one intake.
const sendIn = 10 * time.Second

// Sender is a Receiver that posts records to the intakes of daemons: to the one that took the last, and if that fails to the others in turn.
type Sender struct {
	to             []string
	user, password string
	client         *http.Client
	last           atomic.Int64
}

// NewSender makes a Sender for the intakes at these addresses, http://host:port or https://…, with the user and password of the switch's vars.xml.
func NewSender(to []string, user, password string, client *http.Client) (*Sender, error) {
	if len(to) == 0 {
		return nil, errors.New("no address of an intake is given")
	}
	s := &Sender{user: user, password: password}
	for _, addr := range to {
		u, err := url.Parse(addr)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("%q is not the address of an intake, http://host:port or https://host:port", addr)
		}
		u = u.JoinPath(SendPath)
		u.RawQuery = DurableField + "=true"
		s.to = append(s.to, u.String())
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.client = &own
	return s, nil
}

// Send posts a record until one intake has it on its disk. The error names what each said.
func (s *Sender) Send(ctx context.Context, record []byte) error {
	var errs []error
	first := int(s.last.Load())
	for i := range s.to {
		at := (first + i) % len(s.to)
		err := s.post(ctx, s.to[at], record)
		if err == nil {
			s.last.Store(int64(at))
			return nil
		}
		errs = append(errs, err)
		if errors.Is(err, ErrRecord) || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (s *Sender) post(ctx context.Context, to string, record []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendIn)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(record))
	if err != nil {
		return fmt.Errorf("send a record: %w", err)
	}
	r.SetBasicAuth(s.user, s.password)
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(r)
	if err != nil {
		return fmt.Errorf("send a record: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	why, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
	switch answer.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusRequestEntityTooLarge:
		return fmt.Errorf("send a record: %w: %s", ErrRecord, strings.TrimSpace(string(why)))
	case http.StatusUnauthorized:
		return fmt.Errorf("send a record to %s: the daemon refuses the user or the password; compare intake.user and intake.password with the switch's vars.xml", r.URL.Host)
	}
	return fmt.Errorf("send a record to %s: the daemon answered %d %s", r.URL.Host, answer.StatusCode, strings.TrimSpace(string(why)))
}
