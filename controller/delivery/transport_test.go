package delivery

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maskline/models"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestGuard(t *testing.T) {
	g := guard{allow: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}}
	for address, open := range map[string]bool{
		"8.8.8.8": true, "114.114.114.114": true, "2400:3200::1": true, "::ffff:8.8.8.8": true, "64:ff9b::808:808": true, "2002:808:808::1": true,
		"10.20.3.4": true, "::ffff:10.20.3.4": true, "fd00:1::5": true, // listed
		"127.0.0.1": false, "127.8.8.8": false, "::1": false, "::ffff:127.0.0.1": false, "0.0.0.0": false, "0.1.2.3": false, "::": false,
		"10.0.0.1": false, "10.21.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "fd00:2::1": false,
		"169.254.169.254": false, "100.100.100.200": false, "fd00:ec2::254": false, "fe80::1": false, "fe80::1%eth0": false, "::ffff:169.254.169.254": false,
		"224.0.0.1": false, "239.1.1.1": false, "ff02::1": false, "255.255.255.255": false, "240.0.0.1": false, "192.0.0.8": false,
		"198.18.0.1": false, "203.0.113.9": false, "2001:db8::1": false, "2001::1": false, "::127.0.0.1": false, "fec0::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "2002:7f00:1::1": false, "2002:a00:1::1": false, "64:ff9b:1::1": false,
	} {
		if got := g.control("tcp", net.JoinHostPort(address, "443"), nil) == nil; got != open {
			t.Errorf("%s: open %v, want %v", address, got, open)
		}
	}
	if err := g.control("tcp", "not an address", nil); err == nil {
		t.Error("an unreadable address is open")
	}
}

func FuzzGuard(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1})
	f.Add([]byte{0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 169, 254, 169, 254})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		if m := a.Unmap(); (guard{}).open(a) && (m.IsLoopback() || m.IsPrivate() || m.IsLinkLocalUnicast() || m.IsMulticast() || m.IsUnspecified()) {
			t.Errorf("%s is open", a)
		}
		if !(guard{allow: []netip.Prefix{netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())}}).open(a) {
			t.Errorf("%s is listed and not open", a)
		}
	})
}

// real is a Courier that sends to real servers on loopback.
func real(t *testing.T, o Options) *Courier {
	t.Helper()
	m := newMemory()
	o.Store, o.Log = m, slog.New(slog.DiscardHandler)
	c := New(o)
	t.Cleanup(c.o.send.(*network).CloseIdleConnections)
	return c
}

func pushTo(t *testing.T, c *Courier, url string) answer {
	t.Helper()
	s, err := c.look(context.Background(), 7)
	if err != nil {
		t.Fatal(err)
	}
	return c.push(context.Background(), s, &job{kind: models.DeliverEvent, members: []models.Delivery{{URL: url, Body: []byte(`{"secret":"+8613812345678"}`)}}})
}

// A name that resolves to a private address is refused as the address itself is; names and literals are judged alike, at the socket.
func TestPrivateTargetsAreRefused(t *testing.T) {
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	c := real(t, Options{Timeout: time.Second})
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "[::1]", "169.254.169.254", "10.0.0.1", "[fe80::1]", "2130706433"} {
		a := pushTo(t, c, "http://"+host+":"+port+"/")
		if a.status != 0 || a.err == nil || host != "2130706433" && a.result != Barred {
			t.Errorf("%s: %+v", host, a)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests arrived", hits.Load())
	}
	if a := pushTo(t, real(t, Options{Allow: loopback}), "http://localhost:"+port+"/"); a.result != Delivered {
		t.Errorf("an allowed address: %+v", a)
	}
}

func TestRedirectIsAFailure(t *testing.T) {
	var hits atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer target.Close()
	for _, status := range []int{301, 302, 307, 308} {
		srv := httptest.NewServer(http.RedirectHandler(target.URL, status))
		if a := pushTo(t, real(t, Options{Allow: loopback}), srv.URL); a.result != Rejected || a.status != status {
			t.Errorf("%d: %+v", status, a)
		}
		srv.Close()
	}
	if hits.Load() != 0 {
		t.Errorf("%d redirects were followed", hits.Load())
	}
}

func TestOnlyHTTP200IsSuccess(t *testing.T) {
	for _, status := range []int{200, 201, 202, 204, 400, 401, 404, 429, 500, 503} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		if a := pushTo(t, real(t, Options{Allow: loopback}), srv.URL); (a.result == Delivered) != (status == 200) || a.status != status {
			t.Errorf("%d: %+v", status, a)
		}
		srv.Close()
	}
}

// A gigabyte for an answer: no more of it is taken than the bound and what the kernel holds.
func TestGiganticAnswer(t *testing.T) {
	sent := make(chan int64, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n, _ := io.Copy(w, io.LimitReader(zeros{}, 1<<30))
		sent <- n
	}))
	defer srv.Close()
	if a := pushTo(t, real(t, Options{Allow: loopback}), srv.URL); a.result != Delivered {
		t.Errorf("%+v", a)
	}
	if n := <-sent; n > 64<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestGiganticHeader(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("a", 1000))
		}
	}))
	defer srv.Close()
	if a := pushTo(t, real(t, Options{Allow: loopback}), srv.URL); a.result != NoAnswer {
		t.Errorf("%+v", a)
	}
}

// Servers that hang before or after their header, close, or speak something else: each ends within the attempt's time, in our own words.
func TestBadServers(t *testing.T) {
	const timeout = 150 * time.Millisecond
	for _, c := range []struct {
		name   string
		result Result
		err    string
		serve  func(c net.Conn, request []byte)
	}{
		{"hangs", NoAnswer, "no answer within the time", func(c net.Conn, _ []byte) { _, _ = io.Copy(io.Discard, c) }},
		{"hangs in its header", NoAnswer, "no answer within the time", func(c net.Conn, _ []byte) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-A: ")
			_, _ = io.Copy(io.Discard, c)
		}},
		{"hangs in its body", Delivered, "", func(c net.Conn, _ []byte) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
			_, _ = io.Copy(io.Discard, c)
		}},
		{"echoes what it got", NoAnswer, "the connection failed, or the answer was not HTTP", func(c net.Conn, request []byte) {
			_, _ = c.Write([]byte(strings.ReplaceAll(string(request), "\n", " ") + "\r\n\r\n"))
		}},
		{"closes", NoAnswer, "the connection was closed before an answer", func(net.Conn, []byte) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					b := make([]byte, 4096)
					n, _ := conn.Read(b)
					c.serve(conn, b[:n])
					_ = conn.Close()
				}
			}()
			a := pushTo(t, real(t, Options{Allow: loopback, Timeout: timeout}), "http://"+l.Addr().String()+"/p?token=hidden")
			_ = l.Close()
			<-done
			if a.result != c.result || (a.err == nil) != (c.err == "") || a.err != nil && a.err.Error() != c.err {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if a := pushTo(t, real(t, Options{Allow: loopback}), "http://"+l.Addr().String()); a.result != NoAnswer || a.err.Error() != "the connection was refused" {
		t.Errorf("%+v", a)
	}
	if a := pushTo(t, real(t, Options{Timeout: 2 * time.Second}), "http://no-such-host.invalid/?token=x"); a.result != NoAnswer || strings.Contains(a.err.Error(), "token") {
		t.Errorf("%+v", a)
	}
}

func TestCertificates(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	defer srv.Close()
	host := srv.Listener.Addr().String()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	for name, c := range map[string]struct {
		o    Options
		want Result
	}{
		"self-signed":              {Options{}, NoAnswer},
		"another host is listed":   {Options{Insecure: []string{"127.0.0.2", "other.example"}}, NoAnswer},
		"its host is listed":       {Options{Insecure: []string{"127.0.0.1"}}, Delivered},
		"host and port are listed": {Options{Insecure: []string{host}}, Delivered},
		"its authority is known":   {Options{Roots: roots}, Delivered},
	} {
		c.o.Allow = loopback
		a := pushTo(t, real(t, c.o), srv.URL)
		if a.result != c.want || c.want == NoAnswer && a.err.Error() != "the certificate is not trusted" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if a := pushTo(t, real(t, Options{Allow: loopback}), "https://"+strings.TrimPrefix(plain(t), "http://")); a.err == nil || a.err.Error() != "the other side does not speak TLS" {
		t.Errorf("TLS to a plain server: %+v", a)
	}
}

func plain(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	return srv.URL
}

// No proxy is taken from the environment, and the header names go out as documented.
func TestOnTheWire(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			close(got)
			return
		}
		b := make([]byte, 4096)
		n, _ := conn.Read(b)
		got <- string(b[:n])
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		_ = conn.Close()
	}()
	a := pushTo(t, real(t, Options{Allow: loopback}), "http://"+l.Addr().String()+"/status?x=1")
	_ = l.Close()
	text := <-got
	for _, want := range []string{"POST /status?x=1 HTTP/1.1\r\n", "\r\nX-AKSK: UsernameToken Username=\"XXX\",PasswordDigest=\"", "\r\nAuthorization: AKSK realm=\"SDP\",profile=\"UsernameToken\",type=\"Appkey\"\r\n",
		"\r\nUser-Agent: maskline\r\n", "\r\nContent-Type: application/json;charset=UTF-8\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
	if a.result != Delivered {
		t.Errorf("%+v", a)
	}
}

func TestTestPush(t *testing.T) {
	var paths []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		paths = append(paths, r.URL.Path+" "+string(b[:18]))
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer srv.Close()
	c := real(t, Options{Allow: loopback})
	app := models.App{ID: 7, Key: "k", Mode: models.ModeAXB, PushScheme: models.PushBoth, StatusURL: srv.URL + "/status", FeeURL: srv.URL + "/fee"}
	status, took, err := c.TestPush(context.Background(), app)
	if err != nil || status != 200 || took <= 0 || strings.Join(paths, ", ") != `/status {"eventType":"call, /fee {"eventType":"fee"` {
		t.Errorf("%d after %v, %v; %v", status, took, err, paths)
	}
	app.FeeURL = srv.URL + "/bad?token=hidden"
	if status, _, err = c.TestPush(context.Background(), app); status != 418 || err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("%d, %v", status, err)
	}
	if _, _, err = c.TestPush(context.Background(), models.App{ID: 7}); err == nil {
		t.Error("an app without URLs")
	}
	paths = nil
	app.Mode, app.FeeURL = models.ModeVoice, srv.URL+"/fee"
	if _, _, err = c.TestPush(context.Background(), app); err != nil || strings.Join(paths, ", ") != `/status {"eventType":"call, /fee {"eventType":"fee"` {
		t.Errorf("%v; %v", err, paths)
	}
	paths = nil
	app.Mode, app.FeeURL = models.ModeX, ""
	app.Settings = models.AppSettings{AskURL: srv.URL + "/ask", NumberStatusURL: srv.URL + "/num", PushNumberStatus: true}
	if _, _, err = c.TestPush(context.Background(), app); err != nil || strings.Join(paths, ", ") != `/ask {"eventType":"call, /status {"eventType":"call, /num {"eventType":"numS` {
		t.Errorf("%v; %v", err, paths)
	}
}
