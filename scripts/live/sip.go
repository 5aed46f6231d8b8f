package main

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// message is one SIP message of the capture.
type message struct {
	at       time.Time
	src, dst netip.AddrPort
	text     string
}

// first is the request line or the status line.
func (m message) first() string {
	line, _, _ := strings.Cut(m.text, "\r\n")
	return line
}

// status is a response's code; 0 for a request.
func (m message) status() int {
	rest, ok := strings.CutPrefix(m.first(), "SIP/2.0 ")
	if !ok || len(rest) < 3 {
		return 0
	}
	n, _ := strconv.Atoi(rest[:3])
	return n
}

// method is a request's method, or that of the request which a response answers.
func (m message) method() string {
	if m.status() == 0 {
		name, _, _ := strings.Cut(m.first(), " ")
		return name
	}
	_, name, _ := strings.Cut(m.header("CSeq"), " ")
	return name
}

// header is the first value of a header; "" when it is not there.
func (m message) header(name string) string {
	head, _, _ := strings.Cut(m.text, "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// hasSDP says that the message brings a session description.
func (m message) hasSDP() bool {
	_, body, _ := strings.Cut(m.text, "\r\n\r\n")
	return strings.HasPrefix(body, "v=0")
}

// wire is the capture in order of time, by who received and who sent.
type wire struct {
	to, from map[netip.AddrPort][]packet
}

func newWire(packets []packet) *wire {
	w := &wire{to: map[netip.AddrPort][]packet{}, from: map[netip.AddrPort][]packet{}}
	slices.SortStableFunc(packets, func(a, b packet) int { return a.at.Compare(b.at) })
	for _, p := range packets {
		w.to[p.dst] = append(w.to[p.dst], p)
		w.from[p.src] = append(w.from[p.src], p)
	}
	return w
}

// between is what passed in a time: scenes that follow each other use the same trunks.
func (w *wire) between(from, to time.Time) *wire {
	cut := func(all map[netip.AddrPort][]packet) map[netip.AddrPort][]packet {
		in := make(map[netip.AddrPort][]packet, len(all))
		for addr, ps := range all {
			first, _ := slices.BinarySearchFunc(ps, from, func(p packet, t time.Time) int { return p.at.Compare(t) })
			last, _ := slices.BinarySearchFunc(ps, to, func(p packet, t time.Time) int { return p.at.Compare(t) })
			in[addr] = ps[first:max(first, last)]
		}
		return in
	}
	return &wire{to: cut(w.to), from: cut(w.from)}
}

// received are the SIP messages that came to an address.
func (w *wire) received(addr netip.AddrPort) []message { return messages(w.to[addr]) }

// sent are the SIP messages that went out from an address.
func (w *wire) sent(addr netip.AddrPort) []message { return messages(w.from[addr]) }

func messages(packets []packet) []message {
	var ms []message
	for _, p := range packets {
		if len(p.payload) > 16 {
			ms = append(ms, message{p.at, p.src, p.dst, string(p.payload)})
		}
	}
	return ms
}

// find is the first message with this status (0: a request) and method.
func find(ms []message, status int, method string) (message, bool) {
	i := slices.IndexFunc(ms, func(m message) bool { return m.status() == status && m.method() == method })
	if i < 0 {
		return message{}, false
	}
	return ms[i], true
}
