package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// receiver is the customers' server: it checks the signature of each push and keeps what it was told. One path a customer.
type receiver struct {
	url    string
	server *http.Server

	mu      sync.Mutex
	secret  map[string]string   // by app key
	voice   map[string]bool     // app keys whose pushes are signed over the URL (spec/voicecall.md §1.5)
	events  []event             // in the order in which they came
	cdrs    []cdr               // likewise
	bodies  map[string][]string // every body by the customer it came to
	faults  []string            // pushes that were not as the fact sheet has them
	news    chan struct{}       // closed and renewed at each push
	dialled map[string]string   // what was dialled, by session
	replies map[string]reply    // by the number that was dialled
}

// event is the body of a call event (spec/privatenumber.md §4.1).
type event struct {
	EventType  string `json:"eventType"`
	StatusInfo struct {
		SessionID      string `json:"sessionId"`
		Timestamp      string `json:"timestamp"`
		Caller         string `json:"caller"`
		Called         string `json:"called"`
		SubscriptionID string `json:"subscriptionId"`
		StateCode      *int   `json:"stateCode"`
		DigitInfo      string `json:"digitInfo"`
		NotifyMode     string `json:"notifyMode"`
		UserData       string `json:"userData"`
		PartyType      string `json:"partyType"`
	} `json:"statusInfo"`
}

// cdr is one member of feeLst (spec/privatenumber.md §4.4).
type cdr struct {
	ICID             string `json:"icid"`
	AppKey           string `json:"appKey"`
	BindNum          string `json:"bindNum"`
	SessionID        string `json:"sessionId"`
	SubscriptionID   string `json:"subscriptionId"`
	CallerNum        string `json:"callerNum"`
	FwdDisplayNum    string `json:"fwdDisplayNum"`
	FwdDstNum        string `json:"fwdDstNum"`
	CallInTime       string `json:"callInTime"`
	FwdStartTime     string `json:"fwdStartTime"`
	FwdAlertingTime  string `json:"fwdAlertingTime"`
	FwdAnswerTime    string `json:"fwdAnswerTime"`
	CallEndTime      string `json:"callEndTime"`
	FwdUnaswRsn      int    `json:"fwdUnaswRsn"`
	ULFailReason     int    `json:"ulFailReason"`
	SIPStatusCode    int    `json:"sipStatusCode"`
	RecordFlag       int    `json:"recordFlag"`
	RecordObjectName string `json:"recordObjectName"`
	CallRelDirection int    `json:"callRelDirection"`
	UserData         string `json:"userData"`
	Direction        int    `json:"direction"`
	ExtendNum        string `json:"extendNum"`
	NotifyMode       string `json:"notifyMode"`

	// Of placed calls (spec/voicecall.md §6.2).
	CalleeNum             string `json:"calleeNum"`
	ServiceType           string `json:"serviceType"`
	CallOutStartTime      string `json:"callOutStartTime"`
	CallOutAlertingTime   string `json:"callOutAlertingTime"`
	CallOutAnswerTime     string `json:"callOutAnswerTime"`
	CallOutUnaswRsn       int    `json:"callOutUnaswRsn"`
	TTSPlayTimes          int    `json:"ttsPlayTimes"`
	RecordDomain          string `json:"recordDomain"`
	RecordFileDownloadURL string `json:"recordFileDownloadUrl"`
	HostName              string `json:"hostName"`
}

// reply is what a customer does about an event of a call before he answers it, and his answer: the status and the body.
type reply func(e event) (status int, body string)

func newReceiver() (*receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return nil, fmt.Errorf("open the customers' server: %w", err)
	}
	r := &receiver{url: "http://" + l.Addr().String(), secret: map[string]string{}, voice: map[string]bool{}, bodies: map[string][]string{}, news: make(chan struct{}),
		dialled: map[string]string{}, replies: map[string]reply{}}
	r.server = &http.Server{Handler: http.HandlerFunc(r.take), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.server.Serve(l) }()
	return r, nil
}

func (r *receiver) close() { _ = r.server.Close() }

// knows tells the secret with which an app's pushes are signed.
func (r *receiver) knows(key, secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secret[key] = secret
}

// answers says what the customer does about the events of the calls to a number.
func (r *receiver) answers(dialled string, f reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replies[dialled] = f
}

// take answers a push, /CUSTOMER/status or /CUSTOMER/fee: 200 and nothing else, unless the customer has something to say about the call.
func (r *receiver) take(w http.ResponseWriter, req *http.Request) {
	e, f := r.keep(req)
	if f == nil {
		return
	}
	status, body := f(e)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// keep reads a push and keeps it.
func (r *receiver) keep(req *http.Request) (e event, f reply) {
	body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
	customer, kind, _ := strings.Cut(strings.Trim(req.URL.Path, "/"), "/")
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { close(r.news); r.news = make(chan struct{}) }()
	r.bodies[customer] = append(r.bodies[customer], string(body))
	key, signed := r.signed(req)
	var fee struct {
		EventType string `json:"eventType"`
		FeeLst    []cdr  `json:"feeLst"`
	}
	switch {
	case err != nil:
		r.fault("a push did not arrive whole")
	case signed != "":
		r.fault("a push to %s: %s", kind, signed)
	case kind == "status" && json.Unmarshal(body, &e) == nil:
		r.events = append(r.events, e)
		if e.EventType == "callin" {
			r.dialled[e.StatusInfo.SessionID] = e.StatusInfo.Called
		}
		f = r.replies[r.dialled[e.StatusInfo.SessionID]]
	case kind == "fee" && json.Unmarshal(body, &fee) == nil && fee.EventType == "fee":
		for _, c := range fee.FeeLst {
			if c.AppKey != key {
				r.fault("a CDR of app %s came signed by app %s", c.AppKey, key)
			}
			r.cdrs = append(r.cdrs, c)
		}
	default:
		r.fault("a push to %s cannot be read", kind)
	}
	return e, f
}

func (r *receiver) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

var attribute = regexp.MustCompile(`(\w+)="([^"]*)"`)

// signed checks the headers of a push (spec/privatenumber.md §1.2). It gives the app key, and what is wrong.
func (r *receiver) signed(req *http.Request) (key, wrong string) {
	h, token := req.Header, ""
	for name, values := range h { // the daemon writes X-AKSK, which is not Go's spelling
		if strings.EqualFold(name, "X-AKSK") {
			token = values[0]
		}
	}
	a := map[string]string{}
	var order []string
	for _, m := range attribute.FindAllStringSubmatch(token, -1) {
		a[m[1]] = m[2]
		order = append(order, m[1])
	}
	created, err := time.Parse("2006-01-02T15:04:05Z", a["Created"])
	secret, known := r.secret[a["Username"]]
	message := a["Nonce"] + a["Created"]
	if r.voice[a["Username"]] {
		// The sheet has Beijing's wall time there.
		created, message = created.Add(-8*time.Hour), r.url+req.URL.Path+"\n"+a["Nonce"]+"\n"+a["Created"]
	}
	switch {
	case h.Get("Authorization") != `AKSK realm="SDP",profile="UsernameToken",type="Appkey"`:
		wrong = "Authorization is " + h.Get("Authorization")
	case h.Get("Content-Type") != "application/json;charset=UTF-8":
		wrong = "Content-Type is " + h.Get("Content-Type")
	case !slices.Equal(order, []string{"Username", "PasswordDigest", "Nonce", "Created"}):
		wrong = "X-AKSK has other attributes, or another order"
	case err != nil || time.Since(created).Abs() > time.Minute:
		wrong = "Created is not now"
	case !known:
		wrong = "Username is no app"
	case !hmac.Equal([]byte(a["PasswordDigest"]), []byte(mac(secret, message))):
		wrong = "PasswordDigest is wrong"
	}
	return a["Username"], wrong
}

// digest is the PasswordDigest of the AKSK scheme (spec/privatenumber.md §1.1).
func digest(secret, nonce, created string) string { return mac(secret, nonce+created) }

func mac(secret, message string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(message))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// told is what the customer was told of the calls to one X, or of one caller's call there: events of each session in order, and CDRs.
func (r *receiver) told(x string, of callOf) (events []event, records []cdr, news <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var sessions []string
	for _, e := range r.events {
		if s := e.StatusInfo; e.EventType == "callin" && s.Called == x && (of.caller == "" || s.Caller == of.caller) && !slices.Contains(sessions, s.SessionID) {
			sessions = append(sessions, s.SessionID)
		}
	}
	for _, c := range r.cdrs {
		if c.BindNum == x && (of.caller == "" || c.CallerNum == of.caller) && !slices.Contains(sessions, c.SessionID) {
			sessions = append(sessions, c.SessionID)
		}
	}
	if of.caller != "" {
		sessions = sessions[min(of.nth, len(sessions)):min(of.nth+1, len(sessions))]
	}
	for _, c := range r.cdrs {
		if slices.Contains(sessions, c.SessionID) {
			records = append(records, c)
		}
	}
	for _, e := range r.events {
		if slices.Contains(sessions, e.StatusInfo.SessionID) {
			events = append(events, e)
		}
	}
	return events, records, r.news
}

// callOf is the n-th call of a caller, from 0; the zero value is every call.
type callOf struct {
	caller string
	nth    int
}

// ofSession is what the customer was told of one session.
func (r *receiver) ofSession(id string) (events []event, records []cdr, news <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.StatusInfo.SessionID == id {
			events = append(events, e)
		}
	}
	for _, c := range r.cdrs {
		if c.SessionID == id {
			records = append(records, c)
		}
	}
	return events, records, r.news
}
