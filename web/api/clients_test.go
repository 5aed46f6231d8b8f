package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The clients here are written from the fact sheet alone, in the manner of three that are in use, and talk over real sockets.

// phpClient writes its requests by hand: scheme and blanks as in the PHP demo, booleans as strings, minutes as a float out of floor(), and
// the query once more as the body of GET and DELETE.
type phpClient struct {
	t     *testing.T
	addr  string
	key   string
	hexed bool // the digest is over the hash's hex text, as in a Java demo of that time
}

func (p phpClient) ask(method, path, query, body string) (status, answer string, closed bool) {
	nonce, created := fmt.Sprintf("%x", time.Now().UnixNano()), time.Now().UTC().Format("2006-01-02T15:04:05Z")
	sum := sha256.Sum256([]byte(nonce + created + testSecret))
	digest := sum[:]
	if p.hexed {
		digest = []byte(hex.EncodeToString(digest))
	}
	target := path
	if query != "" {
		target, body = path+"?"+query, query
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), "tcp", p.addr)
	must(p.t, err)
	defer func() { _ = conn.Close() }()
	must(p.t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\nContent-Type: application/json;charset=UTF-8\r\n"+
		"Authorization: WSSE realm=\"SDP\", profile=\"UsernameToken\", type=\"Appkey\"\r\n"+
		"X-WSSE: UsernameToken Username=\"%s\", PasswordDigest=\"%s\", Nonce=\"%s\", Created=\"%s\"\r\nContent-Length: %d\r\n\r\n%s",
		method, target, p.addr, p.key, base64.StdEncoding.EncodeToString(digest), nonce, created, len(body), body)
	must(p.t, err)
	whole, err := io.ReadAll(conn) // ends only when the server closes
	head, answer, _ := strings.Cut(string(whole), "\r\n\r\n")
	status, _, _ = strings.Cut(strings.TrimPrefix(head, "HTTP/1.1 "), " ")
	if !strings.Contains(head, "\r\nContent-Type: application/json;charset=utf-8\r\n") {
		p.t.Errorf("the content type is not the wire's: %s", head)
	}
	return status, answer, err == nil
}

func TestPHPStyleClient(t *testing.T) {
	h := newHouse(t)
	srv := httptest.NewServer(h.handler)
	defer srv.Close()
	p := phpClient{t: t, addr: srv.Listener.Addr().String(), key: h.key}
	status, answer, closed := p.ask("POST", pathAXB, "", `{"relationNum":"+8617000000001","callerNum":"+8613800000001","calleeNum":"+8613800000002",`+
		`"callDirection":"0","duration":"86400","recordFlag":"true","maxDuration":30.0,"lastMinVoice":null,"privateSms":null,"userData":null}`)
	var got map[string]any
	must(t, json.Unmarshal([]byte(answer), &got))
	if status != "200" || got["resultcode"] != "0" || !closed {
		t.Fatalf("bind: %s %s, closed by the server %t", status, answer, closed)
	}
	query := url.Values{"subscriptionId": {got["subscriptionId"].(string)}}.Encode()
	if status, answer, _ := p.ask("GET", pathAXB, query, ""); status != "200" || !strings.Contains(answer, `"recordFlag":"true"`) {
		t.Errorf("query: %s %s", status, answer)
	}
	if status, answer, _ := p.ask("DELETE", pathAXB, "relationNum="+url.QueryEscape("+8617000000001"), ""); status != "200" || answer != okAnswer {
		t.Errorf("unbind: %s %s", status, answer)
	}
}

// javaClient sends JSON booleans over HTTPS without looking at the certificate, labels Beijing time Z, and follows no redirect.
type javaClient struct {
	t    *testing.T
	base string
	key  string
	http *http.Client
}

// newJavaClient gives the client and ends its connections with the test.
func newJavaClient(t *testing.T, base, key string) javaClient {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // as the demo does
	t.Cleanup(transport.CloseIdleConnections)
	return javaClient{t, base, key, &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (j javaClient) ask(method, path string, params map[string]any, query url.Values) (*http.Response, map[string]any) {
	var body []byte
	if params != nil {
		body, _ = json.Marshal(params)
	}
	target := j.base + path
	if query != nil {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(context.Background(), method, target, bytes.NewReader(body))
	must(j.t, err)
	nonce := strings.ToUpper(strings.ReplaceAll(rand.Text(), "-", ""))
	created := time.Now().In(time.FixedZone("CST", 8*3600)).Format("2006-01-02T15:04:05") + "Z"
	mac := hmac.New(sha256.New, []byte(testSecret))
	mac.Write([]byte(nonce + created))
	req.Header.Set("Authorization", `AKSK realm="SDP",profile="UsernameToken",type="Appkey"`)
	req.Header.Set("X-AKSK", `UsernameToken Username="`+j.key+`",PasswordDigest="`+base64.StdEncoding.EncodeToString(mac.Sum(nil))+
		`",Nonce="`+nonce+`",Created="`+created+`"`)
	req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	resp, err := j.http.Do(req)
	must(j.t, err)
	defer func() { _ = resp.Body.Close() }()
	var got map[string]any
	_ = json.NewDecoder(bufio.NewReader(resp.Body)).Decode(&got)
	return resp, got
}

func TestJavaStyleClient(t *testing.T) {
	h := newHouse(t)
	srv := httptest.NewTLSServer(h.handler)
	defer srv.Close()
	j := newJavaClient(t, srv.URL, h.key)
	resp, got := j.ask(http.MethodPost, pathAXB, map[string]any{"areaCode": "755", "callerNum": numA, "calleeNum": numB, "callDirection": 0, "duration": 120,
		"recordFlag": true, "recordHintTone": "record.wav", "maxDuration": 60, "lastMinVoice": "last.wav",
		"preVoice": map[string]any{"callerHintTone": "a.wav", "calleeHintTone": nil}}, nil)
	if resp.StatusCode != http.StatusOK || got["resultcode"] != "0" || got["callDirection"] != 0.0 || got["duration"] != 120.0 {
		t.Fatalf("bind: %d %v", resp.StatusCode, got)
	}
	id := got["subscriptionId"].(string)
	if resp, got := j.ask(http.MethodPut, pathAXB, map[string]any{"subscriptionId": id, "calleeNum": numC, "recordFlag": false}, nil); resp.StatusCode != http.StatusOK || got["resultdesc"] != "Success" {
		t.Errorf("modify: %d %v", resp.StatusCode, got)
	}
	_, got = j.ask(http.MethodGet, pathAXB, nil, url.Values{"subscriptionId": {id}, "pageIndex": {"1"}, "pageSize": {"20"}})
	list, _ := got["relationNumList"].([]any)
	if got["totalCount"] != 1.0 || len(list) != 1 || list[0].(map[string]any)["calleeNum"] != numC {
		t.Errorf("query: %v", got)
	}
	if resp, got := j.ask(http.MethodDelete, pathAXB, nil, url.Values{"subscriptionId": {id}}); resp.StatusCode != http.StatusOK || got["resultcode"] != "0" {
		t.Errorf("unbind: %d %v", resp.StatusCode, got)
	}
	if resp, got := j.ask(http.MethodGet, pathAXB, nil, url.Values{"subscriptionId": {id}}); resp.StatusCode != http.StatusForbidden || got["resultcode"] != "1012007" {
		t.Errorf("query after it: %d %v", resp.StatusCode, got)
	}
}
