package demo

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"
	"time"

	"maskline/models"
	"maskline/web/serve"
)

// customer is the tenant's own server, which takes pushes: it checks the signature of each, as a customer should.
type customer struct {
	url    string
	cancel context.CancelFunc
	ended  chan error
	pushes chan told

	mu   sync.Mutex
	apps map[string]account // by key
}

// account is what the customer knows of one of his apps.
type account struct {
	secret string
	voice  bool // pushes are signed in VoiceCall's way
}

// told is one push as the customer understood it.
type told struct {
	at      time.Time
	what    string // the event's type, or "CDR"
	session string
	record  json.RawMessage // of a CDR
	wrong   string          // what is wrong with the signature; "" is nothing
}

const pushMax = 1 << 20 // bytes

func newCustomer(ctx context.Context) (*customer, error) {
	l, err := serve.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &customer{url: "http://" + l.Addr().String(), ended: make(chan error, 1), pushes: make(chan told, 1000), apps: map[string]account{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /status", c.take)
	mux.HandleFunc("POST /fee", c.take)
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	server := &serve.Server{Name: "customer", Handler: mux, Log: discard, Limits: serve.Limits{Drain: time.Second}}
	go func() { c.ended <- server.Run(life, l) }()
	return c, nil
}

func (c *customer) close() error {
	c.cancel()
	return <-c.ended
}

// knows gives the customer the key and secret of an app.
func (c *customer) knows(key string, a account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apps[key] = a
}

var attribute = regexp.MustCompile(`(\w+)="([^"]*)"`)

// verify checks a push's signature (spec/privatenumber.md §1.2; spec/voicecall.md §1.5: over the URL too, in Beijing's time).
func (c *customer) verify(path string, h http.Header) error {
	a := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(h.Get("X-AKSK"), -1) {
		a[m[1]] = m[2]
	}
	c.mu.Lock()
	app, known := c.apps[a["Username"]]
	c.mu.Unlock()
	want, zone := models.AKSKDigest(app.secret, a["Nonce"], a["Created"]), time.UTC
	if app.voice {
		want, zone = models.PushDigest(app.secret, c.url+path, a["Nonce"], a["Created"], false), models.Beijing
	}
	created, err := time.ParseInLocation("2006-01-02T15:04:05Z", a["Created"], zone)
	switch {
	case !known:
		return errors.New("another app key")
	case err != nil || time.Since(created).Abs() > 15*time.Minute:
		return errors.New("an old signature")
	case !hmac.Equal([]byte(a["PasswordDigest"]), []byte(want)):
		return errors.New("a wrong signature")
	}
	return nil
}

func (c *customer) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, pushMax))
	if err != nil {
		http.Error(w, "too long", http.StatusRequestEntityTooLarge)
		return
	}
	t := told{at: time.Now()}
	if err := c.verify(r.URL.Path, r.Header); err != nil {
		t.wrong = err.Error()
	}
	var push struct {
		EventType  string `json:"eventType"`
		StatusInfo struct {
			SessionID string `json:"sessionId"`
		} `json:"statusInfo"`
		FeeList []json.RawMessage `json:"feeLst"`
	}
	if err := json.Unmarshal(body, &push); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	t.what, t.session = push.EventType, push.StatusInfo.SessionID
	if push.EventType == "fee" || len(push.FeeList) > 0 {
		for _, record := range push.FeeList {
			var one struct {
				SessionID string `json:"sessionId"`
			}
			_ = json.Unmarshal(record, &one)
			t.what, t.session, t.record = "CDR", one.SessionID, record
			c.hand(t)
		}
	} else {
		c.hand(t)
	}
	_, _ = fmt.Fprint(w, `{"resultcode":"0","resultdesc":"Success"}`)
}

// hand gives a push to who shows it; nobody may be looking any more.
func (c *customer) hand(t told) {
	select {
	case c.pushes <- t:
	default:
	}
}
