package billing

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"testing"
	"time"
)

// postbox is a mail server that takes one connection. What the client said is in lines, once done is closed.
type postbox struct {
	net.Listener
	config *tls.Config
	first  bool // TLS from the first byte
	offers bool // STARTTLS
	mute   bool
	lines  []string
	done   chan struct{}
}

// openPostbox starts a server whose certificate roots trust.
func openPostbox(t *testing.T, p *postbox) (roots *x509.CertPool) {
	t.Helper()
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	t.Cleanup(certified.Close)
	p.config = &tls.Config{Certificates: certified.TLS.Certificates}
	roots = x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.Listener, p.done = l, make(chan struct{})
	go p.serve()
	t.Cleanup(func() { _ = l.Close(); <-p.done })
	return roots
}

func (p *postbox) serve() {
	defer close(p.done)
	conn, err := p.Accept()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if p.first {
		conn = tls.Server(conn, p.config)
	}
	in := bufio.NewReader(conn)
	say := func(s string) { _, _ = conn.Write([]byte(s + "\r\n")) }
	if !p.mute {
		say("220 here")
	}
	letter := false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		p.lines = append(p.lines, line)
		verb, _, _ := strings.Cut(line, " ")
		switch {
		case letter && line == ".":
			letter = false
			say("250 taken")
		case letter:
		case verb == "EHLO" && p.offers:
			say("250-here\r\n250-AUTH PLAIN\r\n250 STARTTLS")
		case verb == "EHLO":
			say("250-here\r\n250 AUTH PLAIN")
		case verb == "STARTTLS":
			say("220 go on")
			conn = tls.Server(conn, p.config)
			in = bufio.NewReader(conn)
		case verb == "AUTH":
			say("235 welcome")
		case verb == "DATA":
			letter = true
			say("354 go on")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 well")
		}
	}
}

func TestMailArrives(t *testing.T) {
	for _, test := range []struct {
		name   string
		server *postbox
		tls    string
		user   string
	}{
		{"STARTTLS with a password", &postbox{offers: true}, "", "me"},
		{"TLS from the first byte", &postbox{first: true}, MailTLS, "me"},
		{"a server on the same machine", &postbox{}, MailPlain, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			roots := openPostbox(t, test.server)
			m := Mail{Host: test.server.Addr().String(), TLS: test.tls, User: test.user, Password: "secret", From: "maskline@example.com", Roots: roots}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := m.Send(ctx, "ops@example.com", "余额不足\r\nBcc: x@example.com", "The balance is gone.\n.\nRecharge it: 余额"); err != nil {
				t.Fatal(err)
			}
			<-test.server.done
			said := strings.Join(test.server.lines, "\n")
			if test.user != "" != strings.Contains(said, "AUTH PLAIN") || !strings.Contains(said, "RCPT TO:<ops@example.com>") {
				t.Errorf("said %s", said)
			}
			_, letter, _ := strings.Cut(said, "\nDATA\n")
			got, err := mail.ReadMessage(strings.NewReader(letter))
			if err != nil {
				t.Fatal(err)
			}
			if got.Header.Get("Bcc") != "" || got.Header.Get("From") != "<maskline@example.com>" || got.Header.Get("Subject") == "" {
				t.Errorf("headers %v", got.Header)
			}
		})
	}
}

func TestMailIsNotSentInTheOpen(t *testing.T) {
	server := &postbox{}
	roots := openPostbox(t, server)
	m := Mail{Host: server.Addr().String(), User: "me", Password: "secret", From: "maskline@example.com", Roots: roots}
	err := m.Send(context.Background(), "ops@example.com", "s", "t")
	if err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("error %v", err)
	}
	<-server.done
	if said := strings.Join(server.lines, "\n"); strings.Contains(said, "AUTH") || strings.Contains(said, "RCPT") {
		t.Errorf("said %s", said)
	}
}

func TestMailNeedsATrustedCertificate(t *testing.T) {
	server := &postbox{first: true}
	openPostbox(t, server)
	m := Mail{Host: server.Addr().String(), TLS: MailTLS, From: "maskline@example.com", Roots: x509.NewCertPool()}
	if err := m.Send(context.Background(), "ops@example.com", "s", "t"); err == nil {
		t.Error("a stranger got the mail")
	}
}

func TestASilentMailServerIsLeftInTime(t *testing.T) {
	server := &postbox{mute: true}
	openPostbox(t, server)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := (Mail{Host: server.Addr().String(), From: "maskline@example.com"}).Send(ctx, "ops@example.com", "s", "t"); err == nil {
		t.Error("a mail was taken by nobody")
	}
}

func TestAnAddressEndsNoLine(t *testing.T) {
	for _, to := range []string{"a@example.com\r\nRCPT TO:<b@example.com>", "<a@example.com>", "a@example.com b"} {
		if err := (Mail{Host: "127.0.0.1:1", From: "maskline@example.com"}).Send(context.Background(), to, "s", "t"); err == nil || !strings.Contains(err.Error(), "address") {
			t.Errorf("%q: %v", to, err)
		}
	}
}
