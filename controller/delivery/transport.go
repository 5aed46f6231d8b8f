package delivery

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	answerMax   = 64 << 10 // bytes of an answer's body that are read
	headerMax   = 16 << 10 // bytes of an answer's header that are accepted
	idlePerHost = 8
	idleMax     = 256
	idleFor     = 30 * time.Second
	userAgent   = "maskline"
	contentType = "application/json;charset=UTF-8"
)

// sender puts one HTTP request on the wire. It follows no redirect.
type sender interface {
	RoundTrip(req *http.Request) (*http.Response, error)
}

// network is the sender to the real world: no proxy, no private addresses, certificates verified but for the hosts listed. HTTP/1.1
// only, so that the headers' names arrive as they are documented and one connection carries one push.
type network struct {
	verified, unverified *http.Transport
	insecure             []string
}

func newNetwork(o Options) *network {
	n := &network{insecure: o.Insecure}
	n.verified = newTransport(o, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots})
	n.unverified = newTransport(o, &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}) //nolint:gosec // for hosts that the operator lists
	return n
}

func newTransport(o Options, c *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: o.Timeout, Control: guard{o.Allow}.control}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: c, TLSHandshakeTimeout: o.Timeout, ResponseHeaderTimeout: o.Timeout,
		MaxIdleConns: idleMax, MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: idleFor, MaxResponseHeaderBytes: headerMax,
		DisableCompression: true, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
}

// newAskNetwork is newNetwork for questions. Each has a connection of its own: one that was kept may be closed by the other side just as the
// question goes out, and a question is never repeated, so that would cost a call. How long it may take is the question's own matter.
func newAskNetwork(o Options) *network {
	o.Timeout = askMost
	n := newNetwork(o)
	n.verified.DisableKeepAlives, n.unverified.DisableKeepAlives = true, true
	return n
}

func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	listed := func(h string) bool {
		return strings.EqualFold(h, req.URL.Host) || strings.EqualFold(h, req.URL.Hostname())
	}
	if slices.ContainsFunc(n.insecure, listed) {
		return n.unverified.RoundTrip(req)
	}
	return n.verified.RoundTrip(req)
}

// CloseIdleConnections ends the connections that wait for another push.
func (n *network) CloseIdleConnections() {
	n.verified.CloseIdleConnections()
	n.unverified.CloseIdleConnections()
}

// answer is what came of one request.
type answer struct {
	status int   // 0 when none came
	err    error // in our own words: it holds nothing that came from the other side, no URL and no number
	result Result
	took   time.Duration
}

// post sends a body to a URL within the context's time. Success is HTTP 200 and nothing else: a redirect is a failure like any other
// status (spec/privatenumber.md §1.2). What the answer says is looked at only where judge is given; it is read up to its bound so that the
// connection can be used again.
func post(ctx context.Context, s sender, target string, header http.Header, body []byte, judge func(said []byte) error) answer {
	started := time.Now()
	resp, a := send(ctx, s, target, header, body) //nolint:bodyclose // hear closes it
	if resp != nil {
		a = hear(resp, a, judge)
	}
	a.took = time.Since(started)
	return a
}

// hear reads an answer's body. The status has come: a body that breaks off or is too long changes nothing.
func hear(resp *http.Response, a answer, judge func(said []byte) error) answer {
	defer func() { _ = resp.Body.Close() }()
	if judge == nil || a.err != nil {
		_, _ = io.CopyN(io.Discard, resp.Body, answerMax)
		return a
	}
	said, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if err == nil {
		err = judge(said)
		if err != nil {
			a.result, a.err = Rejected, err
		}
	}
	return a
}

// errRefused is the failure of a push whose answer is HTTP 200 and says no.
var errRefused = errors.New("the answer's resultcode is not 0")

// resultcode judges the answer to CDRs of placed calls: where it is an object with a resultcode, that is "0" on success
// (spec/voicecall.md §6.2). Anything else, such as customers' own result_code or no body at all, is success by its status.
func resultcode(said []byte) error {
	var object map[string]json.RawMessage
	_ = json.Unmarshal(said, &object) // what is no object has no resultcode
	switch string(object["resultcode"]) {
	case "", "null", "0", `"0"`:
		return nil
	}
	return errRefused
}

// send puts a body on its way and gives the answer up to its status, and the response, whose body the caller closes; nil when none came.
func send(ctx context.Context, s sender, target string, header http.Header, body []byte) (*http.Response, answer) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, answer{result: NoAnswer, err: errors.New("the URL cannot be read")}
	}
	req.Header = header
	header.Set("Content-Type", contentType)
	header.Set("User-Agent", userAgent)
	resp, err := s.RoundTrip(req)
	if err != nil {
		result, why := explain(err)
		return nil, answer{result: result, err: why}
	}
	if resp.StatusCode != http.StatusOK {
		return resp, answer{status: resp.StatusCode, result: Rejected, err: fmt.Errorf("the answer is HTTP %d", resp.StatusCode)}
	}
	return resp, answer{status: resp.StatusCode, result: Delivered}
}

// explain puts a transport's error into fixed words: its own text may hold the URL's query or bytes from the other side.
func explain(err error) (Result, error) {
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, tlsHeader := errors.AsType[tls.RecordHeaderError](err)
	dns, noName := errors.AsType[*net.DNSError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, errBarred):
		return Barred, errBarred
	case errors.Is(err, context.DeadlineExceeded), isNet && timeout.Timeout() && !noName:
		return NoAnswer, errors.New("no answer within the time")
	case errors.Is(err, context.Canceled):
		return NoAnswer, errors.New("given up before an answer came")
	case badCertificate, unknown:
		return NoAnswer, errors.New("the certificate is not trusted")
	case tlsHeader:
		return NoAnswer, errors.New("the other side does not speak TLS")
	case noName && dns.IsNotFound:
		return NoAnswer, errors.New("the host name does not exist")
	case noName:
		return NoAnswer, errors.New("the host name could not be resolved")
	case errors.Is(err, syscall.ECONNREFUSED):
		return NoAnswer, errors.New("the connection was refused")
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return NoAnswer, errors.New("the connection was closed before an answer")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return NoAnswer, errors.New("the connection was closed in the middle of an answer")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return NoAnswer, errors.New("the host cannot be reached")
	}
	return NoAnswer, errors.New("the connection failed, or the answer was not HTTP")
}

// bare is a URL for logs: without query and fragment, which may hold secrets.
func bare(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "unreadable URL"
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}
