package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskline/models"
)

// unfinished is a recording whose switch died: by its header it has no sound.
func unfinished(b []byte) []byte {
	b = slices.Clone(b)
	binary.LittleEndian.PutUint32(b[4:], 8)
	binary.LittleEndian.PutUint32(b[40:], 0)
	return b
}

func TestReadTrack(t *testing.T) {
	whole := stereo(4 * time.Second)
	for _, c := range []struct {
		name   string
		file   []byte
		closed bool
		length time.Duration
		good   bool
	}{
		{"stereo", whole, true, 4 * time.Second, true},
		{"one channel, A-law", alaw(8000), true, time.Second, true},
		{"not finished", unfinished(whole), false, 0, true},
		{"longer than its header says", append(slices.Clone(whole), make([]byte, 5000)...), false, 4 * time.Second, true},
		{"with a chunk behind the samples", append(slices.Clone(whole), "LIST\x04\x00\x00\x00abcd"...), true, 4 * time.Second, true},
		{"shorter than its header says", whole[:len(whole)-1], false, 4 * time.Second, true},
		{"half a sample more", append(slices.Clone(whole), 0, 0), true, 4 * time.Second, true},
		{"MP3", []byte("ID3\x04 and some more bytes of it to read, more than a header has"), false, 0, false},
		{"MP3 in WAV", wav(85, 2, 8000, 16, nil, make([]byte, 160)), false, 0, false},
		{"no format", []byte("RIFF\x10\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd"), false, 0, false},
		{"eight channels", wav(formatPCM, 8, 8000, 16, nil, make([]byte, 160)), false, 0, false},
		{"nothing", nil, false, 0, false},
	} {
		got, err := readTrack(bytes.NewReader(c.file), int64(len(c.file)))
		if (err == nil) != c.good || err == nil && (got.closed() != c.closed || got.duration() != c.length) || err != nil && !errors.Is(err, ErrRecording) {
			t.Errorf("%s: closed %v, %v, %v", c.name, got.closed(), got.duration(), err)
		}
	}
}

func FuzzReadTrack(f *testing.F) {
	f.Add(stereo(time.Millisecond))
	f.Add(unfinished(stereo(time.Millisecond)))
	f.Add(alaw(80))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readTrack(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			if !errors.Is(err, ErrRecording) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		if got.closed() && (got.duration() <= 0 || got.data+got.length > int64(len(b)) || got.duration() > time.Duration(len(b))*time.Second/8000) {
			t.Errorf("%d bytes cannot hold %v of sound", len(b), got.duration())
		}
	})
}

// A file that its switch left unfinished is mended when nobody has written to it for long: its sound is all there.
func TestFinish(t *testing.T) {
	r, dir := recordings(t, RecordingsOptions{})
	name, whole := nameAt(someDay, "a"), stereo(4*time.Second)
	path := recordInto(t, dir, name, append(unfinished(whole), 1, 2)) // half a sample at the end
	if rec, ok := r.Ready(name); ok {
		t.Errorf("an unfinished file is ready: %+v", rec)
	}
	if rec, ok := r.rescue(name, time.Now()); !ok || rec.Duration != 4*time.Second || rec.State != models.RecordingKept {
		t.Errorf("rescued: %+v, %v", rec, ok)
	}
	b, _ := os.ReadFile(path)
	if !bytes.Equal(b[40:len(whole)], whole[40:]) {
		t.Error("its sound was changed")
	}
	fresh := nameAt(someDay, "b")
	write(t, recordInto(t, dir, fresh, nil), unfinished(whole))
	if rec, ok := r.rescue(fresh, time.Now()); ok {
		t.Errorf("a file that is being written: %+v", rec)
	}
	for name, b := range map[string][]byte{nameAt(someDay, "c"): []byte("no sound, but more than a header has to have, so that it is read"), nameAt(someDay, "d"): unfinished(whole)[:44]} {
		recordInto(t, dir, name, b)
		if rec, ok := r.rescue(name, time.Now()); ok {
			t.Errorf("%q is rescued: %+v", b[:4], rec)
		}
	}
}

// tally counts what a Drain tells.
type tally struct {
	mu                    sync.Mutex
	moved, refused, aside int
	left                  int
}

func (c *tally) Moved(int64) { c.mu.Lock(); defer c.mu.Unlock(); c.moved++ }
func (c *tally) Refused(aside bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if aside {
		c.aside++
	} else {
		c.refused++
	}
}
func (c *tally) Left(n int, _ time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.left = n }

func filesIn(t *testing.T, dir string) (out []string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(p string, e os.DirEntry, _ error) error {
		if e != nil && !e.IsDir() {
			out = append(out, e.Name())
		}
		return nil
	})
	return out
}

func drainTo(t *testing.T, dir string, to Sink) (*Drain, *tally) {
	t.Helper()
	seen := &tally{}
	d, err := NewDrain(DrainOptions{Dirs: []string{dir}, To: to, Observe: seen})
	if err != nil {
		t.Fatal(err)
	}
	return d, seen
}

func TestDrainMovesWhatIsFinished(t *testing.T) {
	r, kept := recordings(t, RecordingsOptions{})
	local := t.TempDir()
	sound := stereo(4 * time.Second)
	whole, dead, fresh, writing, rubbish := nameAt(someDay, "whole"), nameAt(someDay, "dead"), nameAt(someDay, "fresh"), nameAt(someDay, "writing"), nameAt(someDay, "rubbish")
	recordInto(t, local, whole, sound)
	recordInto(t, local, dead, unfinished(sound))
	write(t, recordInto(t, local, fresh, nil), sound)
	half := time.Now().Add(-30 * time.Minute)
	if err := os.Chtimes(recordInto(t, local, writing, unfinished(sound)), half, half); err != nil {
		t.Fatal(err)
	}
	recordInto(t, local, rubbish, []byte("no recording, though it has the name of one and is long enough"))
	write(t, filepath.Join(local, "20260320", "notes.txt"), nil)
	write(t, filepath.Join(local, "20260319", whole), sound) // of another day
	d, seen := drainTo(t, local, r)
	n, err := d.Once(t.Context())
	if n != 2 || err != nil || seen.moved != 2 || seen.aside != 1 || seen.left != 0 {
		t.Fatalf("moved %d, %v, %+v", n, err, seen)
	}
	for _, name := range []string{whole, dead} {
		if rec, ok := r.Ready(name); !ok || rec.Duration != 4*time.Second {
			t.Errorf("%s: %+v, %v", name, rec, ok)
		}
	}
	left := []string{fresh, writing, rubbish + asideSuffix, "notes.txt", whole}
	got := filesIn(t, local)
	slices.Sort(left)
	slices.Sort(got)
	if !slices.Equal(got, left) || len(filesIn(t, kept)) != 2 {
		t.Errorf("left %v, want %v; kept %v", got, left, filesIn(t, kept))
	}
	if n, err := d.Once(t.Context()); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}

// What died between the copy and the removal is not copied again; another recording is never overwritten.
func TestDrainMeetsAFileThatIsThere(t *testing.T) {
	r, kept := recordings(t, RecordingsOptions{})
	local := t.TempDir()
	same, other := nameAt(someDay, "same"), nameAt(someDay, "other")
	recordInto(t, kept, same, stereo(4*time.Second))
	recordInto(t, local, same, stereo(4*time.Second))
	recordInto(t, kept, other, stereo(5*time.Second))
	recordInto(t, local, other, stereo(6*time.Second))
	d, seen := drainTo(t, local, r)
	if n, err := d.Once(t.Context()); n != 1 || err != nil || seen.aside != 1 {
		t.Errorf("moved %d, %v, %+v", n, err, seen)
	}
	if rec, _ := r.Ready(other); rec.Duration != 5*time.Second {
		t.Errorf("overwritten: %+v", rec)
	}
	if got := filesIn(t, local); !slices.Equal(got, []string{other + asideSuffix}) {
		t.Errorf("left %v", got)
	}
}

func TestDrainRefusesTheStoreItself(t *testing.T) {
	r, dir := recordings(t, RecordingsOptions{})
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, o := range []DrainOptions{{Dirs: []string{dir}, To: r}, {Dirs: []string{link}, To: r}, {To: r}, {Dirs: []string{dir}}} {
		if _, err := NewDrain(o); err == nil {
			t.Errorf("%v is taken", o.Dirs)
		}
	}
}

// The local file is removed only when the store says that it has it: through refusals, lost connections and answers, and a store that loses what
// it took.
func TestDrainThroughOutages(t *testing.T) {
	refuse := func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "<Error><Code>ServiceUnavailable</Code></Error>", http.StatusServiceUnavailable)
		return true
	}
	for what, broken := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"503": refuse,
		"the connection breaks": func(http.ResponseWriter, *http.Request) bool {
			panic(http.ErrAbortHandler)
		},
		"the answer is lost": func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		},
		"the upload is lost": func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("ETag", `"0123456789abcdef0123456789abcdef"`)
			return true
		},
		"a wrong key": func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
			return true
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := newObjectStore(t, S3Options{})
			s.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
			r, dir := recordings(t, RecordingsOptions{S3: s.S3})
			name := nameAt(someDay, "a")
			recordInto(t, dir, name, stereo(4*time.Second))
			d, seen := drainTo(t, dir, r)
			s.breaks(broken)
			if n, err := d.Once(t.Context()); n != 0 || err == nil || !r.Exists(name) || seen.left != 1 || seen.refused != 1 {
				t.Fatalf("moved %d, %v, %+v", n, err, seen)
			}
			s.breaks(nil)
			if n, err := d.Once(t.Context()); n != 0 || err != nil || seen.left != 1 {
				t.Errorf("it was not left alone for a while: %d, %v, %+v", n, err, seen)
			}
			d.failed = map[string]failure{} // the pause is over
			if n, err := d.Once(t.Context()); n != 1 || err != nil || r.Exists(name) || seen.left != 0 {
				t.Fatalf("when it is well again: %d, %v, %+v", n, err, seen)
			}
			if _, err := s.look(t.Context(), name); err != nil {
				t.Error(err)
			}
		})
	}
}

// fixed is a sink that says the same to everybody.
type fixed struct {
	mu    sync.Mutex
	err   error
	tries map[string]int
}

func (f *fixed) Put(_ context.Context, name string, _ *os.File, _ Digest) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries[name]++
	return f.err
}

// A sink that is away is not asked for each of a thousand files; and after it, none is forgotten.
func TestDrainGivesASinkThatIsAwayARest(t *testing.T) {
	local := t.TempDir()
	for i := range 200 {
		recordInto(t, local, nameAt(someDay, fmt.Sprint(i)), stereo(4*time.Millisecond))
	}
	synctest.Test(t, func(t *testing.T) {
		for _, path := range filesOf(t, local) { // the files' times are not the bubble's
			old := time.Now().Add(-time.Minute)
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
		to := &fixed{err: errors.New("away"), tries: map[string]int{}}
		d, seen := drainTo(t, local, to)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); d.Run(ctx) }()
		time.Sleep(time.Second)
		to.mu.Lock()
		if n := len(to.tries); n > drainTries+4 {
			t.Errorf("%d files were tried in one round", n)
		}
		to.err = nil
		to.mu.Unlock()
		time.Sleep(drainPauseAt)
		synctest.Wait()
		if seen.moved != 200 || seen.left != 0 || len(filesOf(t, local)) != 0 {
			t.Errorf("after it: %+v", seen)
		}
		cancel()
		<-done
	})
}

func filesOf(t *testing.T, dir string) (out []string) {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDigestField(t *testing.T) {
	want := digestOf([]byte("sound"))
	got, err := ReadDigest("md5=:abc:, "+DigestField(want), 5)
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "sha-256=abc", "sha-256=:!:", "sha-256=:YWJj:", "sha-512=:YWJj:"} {
		if _, err := ReadDigest(bad, 5); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestReceive(t *testing.T) {
	r, dir := recordings(t, RecordingsOptions{})
	name, sound := nameAt(someDay, "a"), stereo(4*time.Second)
	for what, c := range map[string]struct {
		name string
		sent []byte
		want Digest
		err  error
		code models.Code
	}{
		"cut short":         {name, sound[:len(sound)-1], digestOf(sound), ErrDamaged, ""},
		"longer":            {name, append(slices.Clone(sound), 1), digestOf(sound), ErrDamaged, ""},
		"another content":   {name, stereo(4 * time.Second)[:len(sound)-1], Digest{Bytes: int64(len(sound)) - 1}, ErrDamaged, ""},
		"not finished":      {name, unfinished(sound), digestOf(unfinished(sound)), ErrRecording, ""},
		"no recording":      {name, []byte("a text of some length, more than a header of a WAV file has"), digestOf([]byte("a text of some length, more than a header of a WAV file has")), ErrRecording, ""},
		"a name with ../":   {"../" + name, sound, digestOf(sound), nil, models.RecordMissing},
		"a name of another": {"a.wav", sound, digestOf(sound), nil, models.RecordMissing},
	} {
		err := r.Receive(t.Context(), c.name, bytes.NewReader(c.sent), c.want)
		if c.err != nil && !errors.Is(err, c.err) || c.code != "" && models.CodeOf(err) != c.code || len(filesIn(t, dir)) != 0 {
			t.Errorf("%s: %v; there is %v", what, err, filesIn(t, dir))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Receive(ctx, name, bytes.NewReader(sound), digestOf(sound)); !errors.Is(err, context.Canceled) || len(filesIn(t, dir)) != 0 {
		t.Errorf("cancelled: %v", err)
	}
	for range 2 {
		if err := r.Receive(t.Context(), name, bytes.NewReader(sound), digestOf(sound)); err != nil {
			t.Fatal(err)
		}
	}
	if rec, ok := r.Ready(name); !ok || rec.Bytes != int64(len(sound)) {
		t.Errorf("%+v, %v", rec, ok)
	}
}

func TestNewSender(t *testing.T) {
	for _, bad := range []string{"", "daemon:8090", "ftp://daemon", "/switch"} {
		if _, err := NewSender(bad, "u", "p", nil); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	s, err := NewSender("http://127.0.0.1:1", "u", "p", nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := nameAt(someDay, "a")
	recordInto(t, dir, name, stereo(4*time.Second))
	d, _ := drainTo(t, dir, s)
	_, err = d.Once(t.Context())
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" || strings.Contains(err.Error(), "u:p") {
		t.Errorf("nobody listens: %v", err)
	}
}
