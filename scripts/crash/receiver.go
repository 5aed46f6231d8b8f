package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// receiver is the customer's server: it writes down every push, and answers as the wire wants, sometimes late and sometimes with 500.
type receiver struct {
	url    string
	server *http.Server

	mu     sync.Mutex
	r      *rand.Rand
	told   map[string]*told // by session
	unread int              // pushes that could not be read
}

// told is what the customer heard of one session.
type told struct {
	tries []string       // types of events as they came, those refused with 500 among them
	taken map[string]int // types of events he took, and how often
	fees  int            // how often he took its CDR
	fee   feePush        // as it came last
}

// feePush is what the checker reads of a pushed CDR (spec/privatenumber.md §4.4).
type feePush struct {
	SessionID    string `json:"sessionId"`
	ULFailReason int    `json:"ulFailReason"`
	RecordFlag   int    `json:"recordFlag"`
	RecordName   string `json:"recordObjectName"`
	AnswerTime   string `json:"fwdAnswerTime"`
	EndTime      string `json:"callEndTime"`
}

func newReceiver(host string) (*receiver, error) {
	l, err := net.Listen("tcp", at(host, 0)) //nolint:noctx // at once
	if err != nil {
		return nil, fmt.Errorf("open the customer's server: %w", err)
	}
	c := &receiver{url: "http://" + l.Addr().String(), told: map[string]*told{}, r: rand.New(rand.NewPCG(0, 0))} //nolint:gosec // repeatable, no secret
	c.server = &http.Server{Handler: http.HandlerFunc(c.take), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = c.server.Serve(l) }()
	return c, nil
}

func (c *receiver) close() { _ = c.server.Close() }

// Of a hundred pushes so many are refused, and answered late.
const refusedShare, lateShare = 2, 2

func (c *receiver) take(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
	if err != nil {
		return // the daemon died in the middle of it
	}
	c.mu.Lock()
	luck := c.r.IntN(100)
	refuse := luck < refusedShare
	if err := c.note(strings.Trim(req.URL.Path, "/"), body, !refuse); err != nil {
		c.unread++
	}
	c.mu.Unlock()
	if luck >= 100-lateShare {
		time.Sleep(time.Duration(luck) * 10 * time.Millisecond)
	}
	if refuse {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// note writes a push down; c.mu is held.
func (c *receiver) note(kind string, body []byte, taken bool) error {
	switch kind {
	case "status":
		var e struct {
			Type string `json:"eventType"`
			Info struct {
				SessionID string `json:"sessionId"`
				PartyType string `json:"partyType"`
			} `json:"statusInfo"`
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return err
		}
		t := c.of(e.Info.SessionID)
		if !slices.Contains(t.tries, e.Type) {
			t.tries = append(t.tries, e.Type)
		}
		if taken {
			t.taken[e.Type]++
		}
		return nil
	case "fee":
		var f struct {
			List []feePush `json:"feeLst"`
		}
		if err := json.Unmarshal(body, &f); err != nil {
			return err
		}
		for _, r := range f.List {
			if t := c.of(r.SessionID); taken {
				t.fees, t.fee = t.fees+1, r
			}
		}
		return nil
	}
	return errors.New("a push to " + kind)
}

func (c *receiver) of(session string) *told {
	t := c.told[session]
	if t == nil {
		t = &told{taken: map[string]int{}}
		c.told[session] = t
	}
	return t
}

// heard is what was told of a session; the zero told if nothing.
func (c *receiver) heard(session string) told {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.told[session]; t != nil {
		return *t
	}
	return told{}
}

// forget makes room for the next round.
func (c *receiver) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.told)
	c.unread = 0
}
