package billing

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"strings"
	"time"
)

// How the connection to a mail server is kept private.
const (
	MailStartTLS = "starttls" // the server must offer it
	MailTLS      = "tls"      // from the first byte
	MailPlain    = "none"     // for a server on the same machine
)

// Mail sends mail through one server. It is safe for concurrent use; each mail has a connection of its own.
type Mail struct {
	Host     string // host:port
	TLS      string // "" is MailStartTLS
	User     string // "" logs in as nobody
	Password string
	From     string
	Roots    *x509.CertPool // nil is the system's
}

// Send gives a mail to the server. What it fails with holds neither password nor text.
func (m Mail) Send(ctx context.Context, to, subject, text string) error {
	if strings.ContainsAny(to+m.From, "\r\n<> ") {
		return errors.New("the mail's address cannot be used")
	}
	c, done, err := m.dial(ctx)
	if err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	defer done()
	if err := m.greet(c); err != nil {
		return fmt.Errorf("log in to the mail server: %w", err)
	}
	if err := m.hand(c, to, m.letter(to, subject, text)); err != nil {
		return fmt.Errorf("give a mail to the mail server: %w", err)
	}
	return nil
}

// dial connects. The connection ends with done, or with ctx, whatever it waits for.
func (m Mail) dial(ctx context.Context) (c *smtp.Client, done func(), err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Host)
	if err != nil {
		return nil, nil, err
	}
	release := context.AfterFunc(ctx, func() { _ = conn.Close() })
	done = func() {
		release()
		_ = conn.Close()
	}
	through := conn
	if m.TLS == MailTLS {
		through = tls.Client(conn, m.config())
	}
	if c, err = smtp.NewClient(through, m.name()); err != nil {
		done()
		return nil, nil, err
	}
	return c, done, nil
}

func (m Mail) config() *tls.Config {
	return &tls.Config{ServerName: m.name(), MinVersion: tls.VersionTLS12, RootCAs: m.Roots}
}

// name is the server's, without its port.
func (m Mail) name() string {
	host, _, err := net.SplitHostPort(m.Host)
	if err != nil {
		return m.Host
	}
	return host
}

func (m Mail) greet(c *smtp.Client) error {
	if err := c.Hello("localhost"); err != nil {
		return err
	}
	if m.TLS == MailStartTLS || m.TLS == "" {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("the server does not offer STARTTLS")
		}
		if err := c.StartTLS(m.config()); err != nil {
			return err
		}
	}
	if m.User == "" {
		return nil
	}
	return c.Auth(smtp.PlainAuth("", m.User, m.Password, m.name()))
}

func (m Mail) hand(c *smtp.Client, to string, letter []byte) error {
	if err := c.Mail(m.From); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(letter); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = c.Quit() // the mail is the server's already
	return nil
}

// letter writes a mail: what could end a header line is encoded.
func (m Mail) letter(to, subject, text string) []byte {
	var b bytes.Buffer
	_, domain, _ := strings.Cut(m.From, "@")
	fmt.Fprintf(&b, "From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\n", m.From, to, mime.QEncoding.Encode("utf-8", subject))
	fmt.Fprintf(&b, "Date: %s\r\nMessage-ID: <%s@%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
		time.Now().UTC().Format(time.RFC1123Z), rand.Text(), domain)
	b.WriteString("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	q := quotedprintable.NewWriter(&b)
	_, _ = q.Write([]byte(text + "\n")) // a buffer takes everything
	_ = q.Close()
	return b.Bytes()
}
