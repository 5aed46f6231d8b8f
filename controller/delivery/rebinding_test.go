package delivery

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// rebinder is a name server that says of every name that it stands at the addresses in turn.
type rebinder struct {
	answers []netip.Addr
	asked   atomic.Int32
}

// serve answers queries over one connection of the resolver. A names; other types have no answer.
func (r *rebinder) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	b := make([]byte, 1024)
	for {
		n, err := c.Read(b)
		if err != nil || n < 2+12 {
			return
		}
		q := b[2:n] // after the length of a message over TCP
		end := 12
		for q[end] != 0 {
			end += int(q[end]) + 1
		}
		end += 5
		reply := append([]byte{}, q[:end]...)
		reply[2], reply[3] = 0x81, 0x80                           // an answer, recursion done
		copy(reply[4:12], []byte{0, 1, 0, 0, 0, 0, 0, 0})         // one question, and no more yet
		if binary.BigEndian.Uint16(q[end-4:]) == 1 /* type A */ { // by turns
			a := r.answers[int(r.asked.Add(1)-1)%len(r.answers)].As4()
			reply[7] = 1
			reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, a[0], a[1], a[2], a[3])
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

// resolveWith has every name resolved by r until the test ends.
func resolveWith(t *testing.T, r *rebinder) {
	t.Helper()
	old := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go r.serve(far)
		return near, nil
	}}
	t.Cleanup(func() { net.DefaultResolver = old })
}

// A name that stands at a public address when it is looked at and at a private one when it is connected to gains nothing: addresses are judged where
// the socket connects, each time. 127.0.0.2 plays the public address: it alone is allowed.
func TestReboundNamesAreRefused(t *testing.T) {
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	public, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip("this machine has no 127.0.0.2")
	}
	open := &http.Server{Handler: srv.Config.Handler, ReadHeaderTimeout: time.Second}
	go func() { _ = open.Serve(public) }()
	defer func() { _ = open.Close() }()
	r := &rebinder{answers: []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")}}
	resolveWith(t, r)
	c := real(t, Options{Timeout: 5 * time.Second, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	for i, want := range []Result{Delivered, Barred, Delivered, Barred} {
		if a := pushTo(t, c, "http://rebind.example.:"+port+"/"); a.result != want {
			t.Errorf("push %d: %+v, want %s", i, a, want)
		}
		c.o.send.(*network).CloseIdleConnections()
	}
	if hits.Load() != 2 || r.asked.Load() != 4 {
		t.Errorf("%d requests arrived after %d look-ups", hits.Load(), r.asked.Load())
	}
}

// However a private address is spelled, nothing reaches it: decimal, octal, hexadecimal, short, mapped, with a zone, behind a user name, or in other
// scripts' digits and dots.
func TestSpellingsOfPrivateAddresses(t *testing.T) {
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	resolveWith(t, &rebinder{answers: []netip.Addr{netip.MustParseAddr("127.0.0.1")}})
	c := real(t, Options{Timeout: 5 * time.Second})
	for _, host := range []string{"127.0.0.1", "127.1", "2130706433", "017700000001", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "localhost", "LOCALHOST.", "0", "[::1]",
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::1%25lo]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "user:pw@127.0.0.1", "example.com@127.0.0.1",
		"127.0.0.1%2f", "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "169.254.169.254", "[fe80::1]", "metadata.google.internal.", "any.nip.io."} {
		a := pushTo(t, c, "http://"+host+":"+port+"/latest/meta-data")
		if a.result == Delivered || a.status != 0 || a.err == nil {
			t.Errorf("%s: %+v", host, a)
		}
		if strings.Contains(a.err.Error(), "meta-data") {
			t.Errorf("%s: the error tells the URL: %v", host, a.err)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests arrived", hits.Load())
	}
}
