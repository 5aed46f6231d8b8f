package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// Bounds of the control interface.
const (
	maxScript  = 64 << 10
	maxStreams = 100
	maxListed  = 1000
)

// Control lets another process place calls and cause faults:
//
//	POST /sim/calls   a CallScript; answers with one JSON object a line, as things happen, until the call is over (?wait=no: at once)
//	GET  /sim/calls   the legs that are up, at most 1000
//	POST /sim/faults  a FaultScript
//
// It asks for no password: serve it on loopback.
func Control(s *Switch) http.Handler {
	s.start()
	c := &control{sw: s}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sim/calls", c.place)
	mux.HandleFunc("GET /sim/calls", c.list)
	mux.HandleFunc("POST /sim/faults", c.fault)
	return mux
}

type control struct {
	sw      *Switch
	streams atomic.Int32
}

// Wait is a time.Duration that JSON writes as "2s".
type Wait time.Duration

// MarshalText writes the duration as "2s".
func (w Wait) MarshalText() ([]byte, error) { return []byte(time.Duration(w).String()), nil }

// UnmarshalText reads "2s".
func (w *Wait) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no duration such as 2s", b)
	}
	*w = Wait(d)
	return nil
}

// CallScript is a call as POST /sim/calls takes it. Times are texts such as "2s".
type CallScript struct {
	From    string       `json:"from"`
	To      string       `json:"to"`
	Display string       `json:"display,omitempty"`
	Address string       `json:"address,omitempty"` // host:port of the INVITE
	PAI     string       `json:"pai,omitempty"`
	Hidden  bool         `json:"hidden,omitempty"`
	Cancels Wait         `json:"cancels,omitempty"` // gives up after so long
	HangsUp Wait         `json:"hangs_up,omitempty"`
	Digits  string       `json:"digits,omitempty"`
	Early   bool         `json:"digits_early,omitempty"`
	After   Wait         `json:"digits_after,omitempty"`
	Callee  *PhoneScript `json:"callee,omitempty"` // nil: what SetPhone said
}

// PhoneScript is the callee of a CallScript.
type PhoneScript struct {
	Delay      Wait   `json:"delay,omitempty"`
	Rings      Wait   `json:"rings,omitempty"`
	EarlyMedia bool   `json:"early_media,omitempty"`
	Silent     bool   `json:"silent,omitempty"`
	Busy       bool   `json:"busy,omitempty"`
	Rejects    bool   `json:"rejects,omitempty"`
	PoweredOff bool   `json:"powered_off,omitempty"`
	NotExist   bool   `json:"not_exist,omitempty"`
	NoAnswer   bool   `json:"no_answer,omitempty"`
	Status     int    `json:"status,omitempty"`
	Digits     string `json:"digits,omitempty"`
	HangsUp    Wait   `json:"hangs_up,omitempty"`
}

// Happening is one line of the answer to POST /sim/calls.
type Happening struct {
	At    time.Time `json:"at"`
	Side  string    `json:"side"` // "a" or "b"
	Leg   string    `json:"leg"`
	Sent  bool      `json:"sent,omitempty"` // the party did it; else the switch did
	What  string    `json:"what"`           // as Moment.What, or "end"
	Text  string    `json:"text,omitempty"`
	Shown string    `json:"shown,omitempty"` // on a callee's INVITE: the number he sees
	Cause string    `json:"cause,omitempty"` // on "end"
}

func (s CallScript) caller() (Caller, error) {
	c := Caller{
		From: s.From, To: s.To, Display: s.Display, PAI: s.PAI, Hidden: s.Hidden, CancelsAfter: time.Duration(s.Cancels),
		HangsUpAfter: time.Duration(s.HangsUp), Digits: s.Digits, DigitsEarly: s.Early, DigitsAfter: time.Duration(s.After),
	}
	if s.From == "" || s.To == "" {
		return c, errors.New("from and to must be set")
	}
	if s.Address != "" {
		a, err := netip.ParseAddrPort(s.Address)
		if err != nil {
			return c, fmt.Errorf("address: %w", err)
		}
		c.Address = a
	}
	if p := s.Callee; p != nil {
		c.Callee = &Phone{
			Delay: time.Duration(p.Delay), Rings: time.Duration(p.Rings), EarlyMedia: p.EarlyMedia, Silent: p.Silent, Busy: p.Busy,
			Rejects: p.Rejects, PoweredOff: p.PoweredOff, NotExist: p.NotExist, NoAnswer: p.NoAnswer, Status: p.Status, Digits: p.Digits,
			HangsUpAfter: time.Duration(p.HangsUp),
		}
	}
	return c, nil
}

// read reads a JSON body into v; false if it answered with an error.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxScript))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func (c *control) place(w http.ResponseWriter, r *http.Request) {
	var script CallScript
	if !read(w, r, &script) {
		return
	}
	caller, err := script.caller()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer c.streams.Add(-1)
	if c.streams.Add(1) > maxStreams {
		http.Error(w, "too many calls are followed", http.StatusServiceUnavailable)
		return
	}
	line, err := c.sw.Call(caller)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if r.URL.Query().Get("wait") == "no" {
		answer(w, map[string]string{"leg": line.Leg})
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	follow(r.Context(), w, line)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone, if anything
}

// follow writes what happens on a caller's line and on those of his callees, until the call is over or the client leaves.
func follow(ctx context.Context, w http.ResponseWriter, a *Line) {
	out := json.NewEncoder(w)
	told := map[*Line]int{}
	for {
		next := a.pending()
		var more <-chan struct{}
		for i, l := range append([]*Line{a}, a.Callees()...) {
			news, changed := l.since(told[l])
			if i == 0 {
				more = changed
			}
			told[l] += len(news)
			for _, m := range news {
				if err := out.Encode(happening(l, l == a, m)); err != nil {
					return
				}
			}
		}
		if next == nil {
			_ = out.Encode(Happening{At: time.Now(), Side: "a", Leg: a.Leg, What: "end", Cause: string(a.Cause())})
			return
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		select {
		case <-more:
		case <-next:
		case <-ctx.Done():
			return
		}
	}
}

func happening(l *Line, caller bool, m Moment) Happening {
	h := Happening{At: m.At, Side: "b", Leg: l.Leg, Sent: m.Sent, What: m.What, Text: m.Text}
	if caller {
		h.Side = "a"
	} else if m.What == "INVITE" {
		h.Shown = l.Shown
	}
	return h
}

// pending gives what closes when the next of the caller's and his callees' legs is over; nil when all are.
func (l *Line) pending() <-chan struct{} {
	for _, x := range append([]*Line{l}, l.Callees()...) {
		select {
		case <-x.channel.over:
		default:
			return x.channel.over
		}
	}
	return nil
}

func (c *control) list(w http.ResponseWriter, _ *http.Request) {
	s := c.sw
	s.mu.Lock()
	rows := make([]map[string]string, 0, min(len(s.order), maxListed))
	for _, x := range s.order[:min(len(s.order), maxListed)] {
		rows = append(rows, map[string]string{"leg": x.uuid, "direction": x.direction(), "state": x.callState(), "number": x.line.Number, "shown": x.line.Shown})
	}
	s.mu.Unlock()
	answer(w, rows)
}

// FaultScript is what POST /sim/faults takes; what is left out stays as it is.
type FaultScript struct {
	Restart bool  `json:"restart,omitempty"`
	Cut     bool  `json:"cut,omitempty"`
	Refuse  *bool `json:"refuse,omitempty"`
	Freeze  *bool `json:"freeze,omitempty"`
	Hold    *bool `json:"hold,omitempty"`
}

func (c *control) fault(w http.ResponseWriter, r *http.Request) {
	var f FaultScript
	if !read(w, r, &f) {
		return
	}
	if f.Refuse != nil {
		c.sw.Faults.Refuse(*f.Refuse)
	}
	if f.Freeze != nil {
		c.sw.Freeze(*f.Freeze)
	}
	if f.Hold != nil {
		if *f.Hold {
			c.sw.HoldEvents()
		} else {
			c.sw.ReleaseEvents()
		}
	}
	if f.Cut {
		c.sw.CutConnections()
	}
	if f.Restart {
		c.sw.Restart()
	}
	w.WriteHeader(http.StatusNoContent)
}
