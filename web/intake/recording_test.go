package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/controller/media"
	"maskline/models"
)

// sound is a recording as the switch writes it: 16 bit, two channels, 8 kHz, 4 s.
func sound() []byte {
	var b bytes.Buffer
	data := make([]byte, 4*32000)
	b.WriteString("RIFF")
	for _, v := range []any{uint32(36 + len(data)), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(2), uint32(8000), uint32(32000), uint16(4), uint16(16), []byte("data"), uint32(len(data)), data} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	return b.Bytes()
}

func keeps(t *testing.T) *media.Recordings {
	t.Helper()
	r, err := media.NewRecordings(media.RecordingsOptions{Dir: t.TempDir(), Key: []byte("a key of enough bytes")})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var quiet = slog.New(slog.DiscardHandler)

func TestRecordingRefusals(t *testing.T) {
	r := keeps(t)
	name, body := r.Name(time.Now(), "s"), sound()
	taken := r.Name(time.Now(), "taken")
	field := func(b []byte) string {
		return media.DigestField(media.Digest{Bytes: int64(len(b)), SHA256: sha256.Sum256(b)})
	}
	if got := put(r, "PUT", taken, "pw", field(body), bytes.NewReader(body)); got != 201 {
		t.Fatalf("the first: %d", got)
	}
	other := slices.Clone(body)
	other[100]++
	for what, c := range map[string]struct {
		method, name, password, digest string
		body                           []byte
		status                         int
	}{
		"a wrong password":     {"PUT", name, "pW", field(body), body, 401},
		"another method":       {"POST", name, "pw", field(body), body, 405},
		"no digest":            {"PUT", name, "pw", "", body, 400},
		"another digest":       {"PUT", name, "pw", field(other), body, 400},
		"no recording":         {"PUT", name, "pw", field([]byte("text")), []byte("text"), 422},
		"no recording's name":  {"PUT", "a.wav", "pw", field(body), body, 422},
		"a path":               {"PUT", "..%2f..%2f" + name, "pw", field(body), body, 422},
		"a name that is taken": {"PUT", taken, "pw", field(other), other, 409},
		"the same again":       {"PUT", taken, "pw", field(body), body, 201},
	} {
		if got := put(r, c.method, c.name, c.password, c.digest, bytes.NewReader(c.body)); got != c.status {
			t.Errorf("%s: %d, want %d", what, got, c.status)
		}
	}
	if r.Exists(name) {
		t.Error("one that was refused is kept")
	}
	if got := put(r, "PUT", name, "pw", field(body), struct{ *strings.Reader }{strings.NewReader(string(body))}); got != 411 {
		t.Errorf("without its length: %d", got)
	}
}

func put(r *media.Recordings, method, name, password, digest string, body io.Reader) int {
	q := httptest.NewRequest(method, RecordingPath+name, body)
	q.SetBasicAuth("switch", password)
	q.Header.Set(media.DigestHeader, digest)
	w := httptest.NewRecorder()
	NewRecordings(r, "switch", "pw", quiet).ServeHTTP(w, q)
	return w.Code
}

// A drain on another host sends over HTTP: what it removed at home lies with the daemon, byte for byte.
func TestDrainOverHTTP(t *testing.T) {
	r := keeps(t)
	password := "pw"
	srv := httptest.NewServer(NewRecordings(r, "switch", password, quiet))
	defer srv.Close()
	home := t.TempDir()
	name := r.Name(time.Now(), "s")
	path := filepath.Join(home, "20"+name[:6], name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, sound(), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		password string
		moved    int
	}{{"wrong", 0}, {password, 1}} {
		to, err := media.NewSender(srv.URL, "switch", c.password, srv.Client())
		if err != nil {
			t.Fatal(err)
		}
		d, err := media.NewDrain(media.DrainOptions{Dirs: []string{home}, To: to})
		if err != nil {
			t.Fatal(err)
		}
		n, err := d.Once(t.Context())
		_, gone := os.Stat(path)
		if n != c.moved || (err == nil) != (c.moved == 1) || os.IsNotExist(gone) != (c.moved == 1) || r.Exists(name) != (c.moved == 1) {
			t.Fatalf("with password %s: moved %d, %v; at home %v", c.password, n, err, gone)
		}
		if c.moved == 0 && !strings.Contains(err.Error(), "intake.password") {
			t.Errorf("the refusal says %v", err)
		}
	}
	rec, ok := r.Ready(name)
	if !ok || rec.State != models.RecordingKept || rec.Duration != 4*time.Second || rec.Bytes != int64(len(sound())) {
		t.Errorf("%+v, %v", rec, ok)
	}
}
