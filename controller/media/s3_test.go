package media

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"maskline/models"
)

const (
	s3Key    = "AKIDEXAMPLE"
	s3Secret = "a secret of the object store"
	s3Region = "eu-west-3"
)

// objectStore is an S3 server that checks signatures, which gofakes3 does not, and can be broken.
type objectStore struct {
	*S3
	server *httptest.Server
	mu     sync.Mutex
	broken func(w http.ResponseWriter, r *http.Request) bool // takes a request over
	now    func() time.Time
	calls  []string // method and path
}

func newObjectStore(t *testing.T, o S3Options) *objectStore {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("calls"); err != nil {
		t.Fatal(err)
	}
	fake := gofakes3.New(backend, gofakes3.WithIntegrityCheck(true)).Server()
	s := &objectStore{now: time.Now}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		broken := s.broken
		s.calls = append(s.calls, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		if broken != nil && broken(w, r) {
			return
		}
		if err := signedV4(r, s.now()); err != nil {
			http.Error(w, "<Error><Code>SignatureDoesNotMatch</Code><Message>"+err.Error()+"</Message></Error>", http.StatusForbidden)
			return
		}
		fake.ServeHTTP(w, r)
	}))
	transport := &http.Transport{}
	t.Cleanup(func() { transport.CloseIdleConnections(); s.server.Close() })
	o.Endpoint, o.Bucket, o.Region, o.Key, o.Secret, o.PathStyle, o.Transport = s.server.URL, "calls", s3Region, s3Key, cmp.Or(o.Secret, s3Secret), true, transport
	var err error
	if s.S3, err = NewS3(o); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *objectStore) breaks(how func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken, s.calls = how, nil
}

func (s *objectStore) called(method string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if strings.HasPrefix(c, method+" ") {
			n++
		}
	}
	return n
}

// signedV4 checks a request's Signature Version 4, in its header or its query, as the specification of AWS has it.
func signedV4(r *http.Request, now time.Time) error {
	q, fields := r.URL.Query(), map[string]string{}
	payload, date := r.Header.Get("X-Amz-Content-Sha256"), r.Header.Get("X-Amz-Date")
	if sig := q.Get("X-Amz-Signature"); sig != "" {
		payload, date = "UNSIGNED-PAYLOAD", q.Get("X-Amz-Date")
		fields = map[string]string{"Credential": q.Get("X-Amz-Credential"), "SignedHeaders": q.Get("X-Amz-SignedHeaders"), "Signature": sig}
		q.Del("X-Amz-Signature")
	} else {
		for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "), ",") {
			k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
			fields[k] = v
		}
	}
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil {
		return errors.New("not signed")
	}
	if life, err := strconv.Atoi(q.Get("X-Amz-Expires")); err == nil && now.After(at.Add(time.Duration(life)*time.Second)) {
		return errors.New("expired")
	}
	var heads strings.Builder
	for h := range strings.SplitSeq(fields["SignedHeaders"], ";") {
		v := strings.Join(r.Header.Values(h), ",")
		switch h {
		case "host":
			v = r.Host
		case "content-length":
			v = strconv.FormatInt(r.ContentLength, 10)
		}
		heads.WriteString(h + ":" + strings.TrimSpace(v) + "\n")
	}
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), strings.ReplaceAll(q.Encode(), "+", "%20"), heads.String(), fields["SignedHeaders"], payload}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	scope := strings.Join([]string{date[:8], s3Region, "s3", "aws4_request"}, "/")
	key := []byte("AWS4" + s3Secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacOf(key, part)
	}
	want := hex.EncodeToString(hmacOf(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(sum[:])))
	if fields["Credential"] != s3Key+"/"+scope || fields["Signature"] != want {
		return errors.New("the signature is not good")
	}
	return nil
}

func hmacOf(key []byte, s string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(s))
	return m.Sum(nil)
}

// stereo is a recording as the switch writes it: 16 bit, two channels, 8 kHz.
func stereo(d time.Duration) []byte {
	n := int(d/time.Millisecond) * 32
	b := wav(formatPCM, 2, 8000, 16, nil, bytes.Repeat([]byte{1, 0, 2, 0}, n/4))
	b[32] = 4 // the helper writes the block of one channel
	return b
}

func nameAt(t time.Time, session string) string { return RecordingName(t, session) }

var someDay = time.Date(2026, 3, 20, 1, 0, 0, 0, time.UTC)

// recordInto writes a recording that the switch finished an hour ago.
func recordInto(t *testing.T, dir, name string, b []byte) (path string) {
	t.Helper()
	path = filepath.Join(dir, "20"+name[:6], name)
	write(t, path, b)
	old := time.Now().Add(-time.Hour - time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	return path
}

func digestOf(b []byte) Digest {
	return Digest{Bytes: int64(len(b)), SHA256: sha256.Sum256(b)}
}

// putInto uploads bytes as a drain does.
func putInto(t *testing.T, s *S3, name string, b []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, b)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	d, err := digest(f)
	if err != nil {
		t.Fatal(err)
	}
	return s.Put(t.Context(), name, f, d)
}

func TestS3KeepsARecording(t *testing.T) {
	s := newObjectStore(t, S3Options{Prefix: "recordings/"})
	name, sound := nameAt(someDay, "a"), stereo(4*time.Second)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.look(t.Context(), name); models.CodeOf(err) != models.RecordMissing {
		t.Errorf("before it is there: %v", err)
	}
	for range 2 {
		if err := putInto(t, s.S3, name, sound); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.called("PUT"); n != 1 {
		t.Errorf("the same content was uploaded %d times", n)
	}
	if err := putInto(t, s.S3, name, stereo(5*time.Second)); !errors.Is(err, ErrTaken) {
		t.Errorf("another content under the name: %v", err)
	}
	got, err := s.look(t.Context(), name)
	if err != nil || got.duration() != 4*time.Second || !got.closed() {
		t.Errorf("look: %+v, %v", got, err)
	}
	f, err := s.open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	_ = f.Close()
	if err != nil || !bytes.Equal(b, sound) || f.Bytes != int64(len(sound)) {
		t.Errorf("read back %d of %d bytes, %v", len(b), f.Bytes, err)
	}
	s.mu.Lock()
	if !slices.Contains(s.calls, "PUT /calls/recordings/20260320/"+name) {
		t.Errorf("requests %v", s.calls)
	}
	s.mu.Unlock()
	for range 2 { // what is not there is removed well
		if err := s.remove(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.open(t.Context(), name); models.CodeOf(err) != models.RecordMissing {
		t.Errorf("after its removal: %v", err)
	}
}

func TestS3Link(t *testing.T) {
	s := newObjectStore(t, S3Options{})
	name, sound := nameAt(someDay, "a"), stereo(4*time.Second)
	if err := putInto(t, s.S3, name, sound); err != nil {
		t.Fatal(err)
	}
	get := func(link string) (int, []byte, http.Header) {
		t.Helper()
		r, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }()
		b, _ := io.ReadAll(r.Body)
		return r.StatusCode, b, r.Header
	}
	link, err := s.link(t.Context(), name, 72*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if status, b, _ := get(link); status != 200 || !bytes.Equal(b, sound) {
		t.Errorf("the link gives %d and %d bytes", status, len(b))
	}
	u, err := url.Parse(link)
	if err != nil || u.Query().Get("X-Amz-Expires") != "259200" || u.Query().Get("response-content-type") != "audio/wav" {
		t.Errorf("the link %s", link)
	}
	if status, _, _ := get(strings.Replace(link, name, nameAt(someDay, "b"), 1)); status != 403 {
		t.Errorf("of another recording: %d", status)
	}
	s.now = func() time.Time { return time.Now().Add(72*time.Hour + 2*time.Second) }
	if status, _, _ := get(link); status != 403 {
		t.Errorf("after its end: %d", status)
	}
	if long, err := s.link(t.Context(), name, 300*24*time.Hour); err != nil || !strings.Contains(long, "X-Amz-Expires=604800") {
		t.Errorf("a year: %s, %v", long, err)
	}
	// Another secret's signatures are refused: the server of this test does check.
	other := newObjectStore(t, S3Options{Secret: "another"})
	if err := other.Check(t.Context()); err == nil {
		t.Error("a wrong secret is taken")
	}
}

func TestS3TellsWhenTheUploadIsNotWhatWasSent(t *testing.T) {
	name, sound := nameAt(someDay, "a"), stereo(4*time.Second)
	for what, c := range map[string]struct {
		stat http.HandlerFunc
		good bool
	}{
		"says it is shorter": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "17") }, false},
		"gives another ETag, and the same bytes": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(sound)))
		}, true},
	} {
		s := newObjectStore(t, S3Options{})
		put := false
		s.breaks(func(w http.ResponseWriter, r *http.Request) bool {
			put = put || r.Method == http.MethodPut
			if r.Method != http.MethodHead || !put {
				return false
			}
			w.Header().Set("ETag", `"0123456789abcdef0123456789abcdef"`)
			w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
			c.stat(w, r)
			return true
		})
		if err := putInto(t, s.S3, name, sound); (err == nil) != c.good || err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
		s.breaks(nil)
		if _, err := s.look(t.Context(), name); (err == nil) != c.good { // nothing is in the way of the next try
			t.Errorf("%s: then it has %v", what, err)
		}
	}
}

func TestS3Options(t *testing.T) {
	good := S3Options{Endpoint: "https://s3.example:9000", Bucket: "calls", Key: "k", Secret: "s"}
	if _, err := NewS3(good); err != nil {
		t.Error(err)
	}
	for _, edit := range []func(*S3Options){
		func(o *S3Options) { o.Endpoint = "s3.example" }, func(o *S3Options) { o.Endpoint = "ftp://s3.example" },
		func(o *S3Options) { o.Endpoint = "https://s3.example/bucket" }, func(o *S3Options) { o.Bucket = "" },
		func(o *S3Options) { o.Key = "" }, func(o *S3Options) { o.Secret = "" },
	} {
		o := good
		edit(&o)
		if _, err := NewS3(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// A recording is found, linked and read wherever it lies: first in the directory, later in the store.
func TestRecordingsWithAnObjectStore(t *testing.T) {
	for _, through := range []bool{false, true} {
		s := newObjectStore(t, S3Options{Through: through})
		r, dir := recordings(t, RecordingsOptions{S3: s.S3})
		name, sound := nameAt(someDay, "a"), stereo(4*time.Second)
		fetch := func() string {
			f, err := r.Fetch(t.Context(), name)
			if err != nil {
				return string(models.CodeOf(err))
			}
			defer func() { _ = f.Close() }()
			b, _ := io.ReadAll(f)
			return fmt.Sprint(bytes.Equal(b, sound), f.Bytes == int64(len(sound)))
		}
		link := func() string {
			v, err := r.Link(t.Context(), "https://calls.example/", name, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			u, _ := url.Parse(v)
			return u.Scheme + " " + u.Path
		}
		if got := fetch(); got != "record_missing" {
			t.Errorf("before it is made: %s", got)
		}
		recordInto(t, dir, name, sound)
		const daemons, stores = "https /recordings/v1/", "http /calls/20260320/"
		if rec, ok, err := r.Look(t.Context(), name); !ok || err != nil || rec.Duration != 4*time.Second || fetch() != "true true" || link() != daemons+name {
			t.Errorf("in the directory: %+v %v %v, %s, %s", rec, ok, err, fetch(), link())
		}
		d, err := NewDrain(DrainOptions{Dirs: []string{dir}, To: r})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := d.Once(t.Context()); n != 1 || err != nil || r.Exists(name) {
			t.Fatalf("drained %d, %v", n, err)
		}
		if _, ok := r.Ready(name); ok {
			t.Error("it is ready in the directory still")
		}
		want := stores
		if through {
			want = daemons
		}
		if rec, ok, err := r.Look(t.Context(), name); !ok || err != nil || rec.Duration != 4*time.Second || rec.State != models.RecordingKept || fetch() != "true true" || link() != want+name {
			t.Errorf("in the store: %+v %v %v, %s, %s", rec, ok, err, fetch(), link())
		}
		if err := r.Remove(t.Context(), name); err != nil || fetch() != "record_missing" {
			t.Errorf("removed: %v, %s", err, fetch())
		}
	}
}

func TestPruneOfTheObjectStore(t *testing.T) {
	s := newObjectStore(t, S3Options{Prefix: "p/"})
	r, _ := recordings(t, RecordingsOptions{S3: s.S3})
	var names []string
	for days := range 12 {
		names = append(names, nameAt(someDay.AddDate(0, 0, -days), fmt.Sprint(days)))
		if err := putInto(t, s.S3, names[days], stereo(4*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	n, err := r.Prune(context.Background(), someDay)
	if err != nil || n != 4 { // days 8 to 11
		t.Errorf("removed %d, %v", n, err)
	}
	for i, name := range names {
		if _, err := s.look(t.Context(), name); (err == nil) != (i < 8) {
			t.Errorf("of %d days ago: %v", i, err)
		}
	}
}
