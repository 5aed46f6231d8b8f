package spool

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskline/controller/cdr"
)

// receiver takes what is sent, and answers as told.
type receiver struct {
	mu     sync.Mutex
	err    error
	taken  []string
	onSend func()
}

func (r *receiver) Send(_ context.Context, record []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.onSend != nil {
		r.onSend()
	}
	if r.err != nil {
		return r.err
	}
	l, _, _ := cdr.FromPost(record)
	r.taken = append(r.taken, l.Call)
	return nil
}

func put(t *testing.T, dir, name string, content []byte, age time.Duration) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func forwarder(dir string, to Receiver) *Forwarder {
	return &Forwarder{Dir: dir, To: to, Log: slog.New(slog.DiscardHandler)}
}

func TestForward(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error // of the receiver
		want Forwarded
		left string
		fail bool
	}{
		{"all goes well", nil, Forwarded{Sent: 2, Aside: 1, Left: 1}, "half.cdr.json notes.txt old.cdr.json.bad", false},
		{"the receiver is away", errors.New("away"), Forwarded{Aside: 1, Left: 1}, "foreign.cdr.json half.cdr.json notes.txt old.cdr.json.bad whole.cdr.json", true},
		{"the receiver will never take them", ErrRecord, Forwarded{Aside: 3, Left: 1}, "foreign.cdr.json.bad half.cdr.json notes.txt old.cdr.json.bad whole.cdr.json.bad", false},
	} {
		dir, to := t.TempDir(), &receiver{err: c.err}
		put(t, dir, "whole.cdr.json", leg("c1"), 0)
		put(t, dir, "half.cdr.json", leg("c2")[:40], 0)
		put(t, dir, "old.cdr.json", leg("c3")[:40], 2*unfinished)
		put(t, dir, "foreign.cdr.json", []byte(`{"variables":{"uuid":"x"}}`), 0)
		put(t, dir, "notes.txt", []byte("x"), time.Hour)
		got, err := forwarder(dir, to).Once(t.Context())
		if got != c.want || (err != nil) != c.fail {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		if left := strings.Join(files(t, dir), " "); left != c.left {
			t.Errorf("%s: left %s", c.name, left)
		}
	}
}

// A file stays until the receiver has said that it has it.
func TestForwardRemovesLast(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.cdr.json", leg("c1"), 0)
	there := false
	to := &receiver{onSend: func() { _, err := os.Stat(filepath.Join(dir, "a.cdr.json")); there = err == nil }}
	if _, err := forwarder(dir, to).Once(t.Context()); err != nil || !there || len(files(t, dir)) != 0 {
		t.Errorf("it was there while it was sent: %t, %v; left %v", there, err, files(t, dir))
	}
}

// While the receiver is away a look ends after some failures, not after each of a hundred thousand files.
func TestForwardGivesUpALook(t *testing.T) {
	dir, tries := t.TempDir(), 0
	for i := range 3 * readAtOnce / 2 {
		put(t, dir, strings.Repeat("x", i%100)+string(rune('a'+i/100))+".json", leg("c"), 0)
	}
	to := &receiver{err: errors.New("away")}
	to.onSend = func() { tries++ }
	if _, err := forwarder(dir, to).Once(t.Context()); err == nil || tries < forwardTries || tries > forwardTries+forwardAtOnce {
		t.Errorf("%d tries, %v", tries, err)
	}
	to.err = nil
	done, err := forwarder(dir, to).Once(t.Context())
	if err != nil || done.Sent != 3*readAtOnce/2 || len(files(t, dir)) != 0 {
		t.Errorf("when it is back: %+v, %v, %d left", done, err, len(files(t, dir)))
	}
}

// Run goes on after failures, and slower.
func TestForwardRuns(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.cdr.json", leg("c1"), 0)
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		to := &receiver{err: errors.New("away")}
		to.onSend = func() { tries++ }
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); forwarder(dir, to).Run(ctx) }()
		time.Sleep(10 * time.Minute)
		to.mu.Lock()
		n := tries
		to.err = nil
		to.mu.Unlock()
		if n < 5 || n > 20 {
			t.Errorf("%d tries in ten minutes", n)
		}
		time.Sleep(2 * forwardPause)
		cancel()
		<-ended
		if len(to.taken) != 1 {
			t.Errorf("taken %v", to.taken)
		}
	})
}

func TestSender(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	server := func(name string, status *int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, p, _ := r.BasicAuth()
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, name)
			if r.Method != http.MethodPost || r.URL.Path != SendPath || r.URL.Query().Get(DurableField) != "true" || u != "switch" || p != "pw" || string(body) != "record" {
				t.Errorf("%s %s of %s:%s, %q", r.Method, r.URL, u, p, body)
			}
			w.WriteHeader(*status)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	one, two := 503, 200
	s, err := NewSender([]string{server("one", &one), server("two", &two)}, "switch", "pw", &http.Client{})
	if err != nil {
		t.Fatal(err)
	}
	send := func(want string, fails error) {
		t.Helper()
		asked = nil
		err := s.Send(t.Context(), []byte("record"))
		if !slices.Equal(asked, strings.Fields(want)) || (err == nil) != (fails == nil) || fails != nil && !errors.Is(fails, errAny) && !errors.Is(err, fails) {
			t.Errorf("asked %v, %v; want %s", asked, err, want)
		}
	}
	send("one two", nil)
	send("two", nil) // the one that took the last
	two = 507
	send("two one", errAny)
	one = 302 // to nowhere: what is not 200 is not taken
	send("two one", errAny)
	one = 200
	send("two one", nil)
	one = 413
	send("one", ErrRecord)
	for _, bad := range []string{"nowhere", "ftp://x", "http://"} {
		if _, err := NewSender([]string{bad}, "", "", &http.Client{}); err == nil {
			t.Errorf("%q is taken for an intake", bad)
		}
	}
}

var errAny = errors.New("any")

func TestTakeDurably(t *testing.T) {
	d := &desk{room: 10}
	s := newSpool(t, d)
	if err := s.TakeDurably(leg("c1")); err != nil || len(d.calls) != 1 || len(files(t, s.Dir)) != 1 {
		t.Errorf("%v, %v, %v", err, d.calls, files(t, s.Dir))
	}
}
