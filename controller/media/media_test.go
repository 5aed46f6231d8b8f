package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"maskline/models"
)

// wav writes a file with these format fields, the chunks extra before the data, and sound.
func wav(tag, channels uint16, rate uint32, bits uint16, extra, sound []byte) []byte {
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	b.WriteString("RIFF")
	put(uint32(4 + 8 + 16 + len(extra) + 8 + len(sound)))
	b.WriteString("WAVEfmt ")
	put(uint32(16))
	put(tag)
	put(channels)
	put(rate)
	put(rate * uint32(bits) / 8)
	put(bits / 8)
	put(bits)
	b.Write(extra)
	b.WriteString("data")
	put(uint32(len(sound)))
	b.Write(sound)
	return b.Bytes()
}

func alaw(n int) []byte { return wav(formatALaw, 1, 8000, 8, nil, make([]byte, n)) }

func TestReadWAV(t *testing.T) {
	extensible := wav(formatPCM, 1, 8000, 16, nil, make([]byte, 16000))
	extensible = slices.Concat(extensible[:16], []byte{40, 0, 0, 0, 0xFE, 0xFF}, extensible[22:36], []byte{22, 0, 16, 0, 4, 0, 0, 0, 1, 0}, make([]byte, 14), extensible[36:])
	for _, c := range []struct {
		name string
		file []byte
		want Sound // zero: refused
	}{
		{"A-law", alaw(12000), Sound{ALaw, 1500 * time.Millisecond}},
		{"µ-law", wav(formatMuLaw, 1, 8000, 8, nil, make([]byte, 8000)), Sound{MuLaw, time.Second}},
		{"PCM", wav(formatPCM, 1, 8000, 16, nil, make([]byte, 16000)), Sound{PCM16, time.Second}},
		{"extensible PCM", extensible, Sound{PCM16, time.Second}},
		{"an odd chunk before the data", wav(formatALaw, 1, 8000, 8, []byte("LIST\x03\x00\x00\x00abc\x00"), make([]byte, 80)), Sound{ALaw, 10 * time.Millisecond}},
		{"bytes after the data", append(alaw(8000), "junk"...), Sound{ALaw, time.Second}},
		{"stereo", wav(formatPCM, 2, 8000, 16, nil, make([]byte, 160)), Sound{}},
		{"16 kHz", wav(formatPCM, 1, 16000, 16, nil, make([]byte, 160)), Sound{}},
		{"8-bit PCM", wav(formatPCM, 1, 8000, 8, nil, make([]byte, 160)), Sound{}},
		{"MP3 in WAV", wav(85, 1, 8000, 16, nil, make([]byte, 160)), Sound{}},
		{"half a sample", wav(formatPCM, 1, 8000, 16, nil, make([]byte, 161)), Sound{}},
		{"silent", alaw(0), Sound{}},
		{"cut short", alaw(8000)[:4000], Sound{}},
		{"a length of all ones, as a stream has", bytes.Replace(alaw(8000), []byte("data\x40\x1f\x00\x00"), []byte("data\xff\xff\xff\xff"), 1), Sound{}},
		{"cut in the header", alaw(8000)[:30], Sound{}},
		{"data before fmt", []byte("RIFF\x10\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd"), Sound{}},
		{"MP3", []byte("ID3\x04 and some more bytes of it"), Sound{}},
		{"empty", nil, Sound{}},
		{"a thousand chunks", slices.Concat(alaw(8)[:36], bytes.Repeat([]byte("junk\x00\x00\x00\x00"), 1000), alaw(8)[36:]), Sound{}},
	} {
		got, err := ReadWAV(bytes.NewReader(c.file), int64(len(c.file)))
		if got != c.want || (err == nil) != (c.want != Sound{}) || err != nil && !errors.Is(err, ErrSound) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add(alaw(80))
	f.Add(wav(formatPCM, 1, 8000, 16, []byte("LIST\x03\x00\x00\x00abc\x00"), make([]byte, 16)))
	f.Add([]byte("RIFF\x10\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadWAV(bytes.NewReader(b), int64(len(b)))
		if err == nil && (s.Duration <= 0 || s.Duration > time.Duration(len(b))*time.Second/8000) {
			t.Errorf("%d bytes cannot hold %v of sound", len(b), s.Duration)
		}
		if err != nil && !errors.Is(err, ErrSound) {
			t.Errorf("an error of another kind: %v", err)
		}
	})
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLibrary(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/zh/busy.wav", alaw(8000))
	write(t, dir+"/zh/broken.wav", []byte("no sound"))
	write(t, dir+"/zh/big.wav", alaw(playedMax))
	write(t, dir+"/en/hello.wav", alaw(80))
	write(t, dir+"/tenants/acme/busy.wav", alaw(16000))
	write(t, dir+"/tenants/acme/wait_voice1.wav", alaw(80))
	write(t, dir+"/tenants/other/secret.wav", alaw(80))
	write(t, dir+"/secret.wav", alaw(80))
	if err := os.Symlink(dir+"/secret.wav", dir+"/tenants/acme/link.wav"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/zh/folder.wav", 0o750); err != nil {
		t.Fatal(err)
	}
	l, err := New(dir+"/tenants", dir+"/zh", dir+"/en", dir+"/not-there")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ spID, name, want string }{
		{"acme", "busy.wav", "/tenants/acme/busy.wav"}, {"other", "busy.wav", "/zh/busy.wav"}, {"", "busy.wav", "/zh/busy.wav"},
		{"acme", "wait_voice1.wav", "/tenants/acme/wait_voice1.wav"}, {"", "wait_voice1.wav", ""}, {"other", "wait_voice1.wav", ""},
		{"acme", "hello.wav", "/en/hello.wav"}, {"nobody", "hello.wav", "/en/hello.wav"},
		{"acme", "secret.wav", ""}, {"..", "secret.wav", ""}, {"acme/../other", "secret.wav", ""}, {".", "secret.wav", ""},
		{"acme", "../other/secret.wav", ""}, {"acme", "..", ""}, {"acme", "", ""}, {"acme", "link.wav", ""}, {"acme", "/etc/passwd", ""},
		{"acme", "busy", ""}, {"acme", "busy.wav\x00", ""}, {"", "broken.wav", ""}, {"", "big.wav", ""}, {"", "folder.wav", ""},
	} {
		got, ok := l.Find(c.spID, c.name)
		if want := strings.TrimPrefix(c.want, "/"); ok != (want != "") || ok && got != filepath.Join(dir, want) {
			t.Errorf("Find(%q, %q) = %q, %v; want %q", c.spID, c.name, got, ok, c.want)
		}
	}
	if p, err := l.Look("acme", "busy.wav"); err != nil || p.Duration != 2*time.Second {
		t.Errorf("Look: %v, %v", p, err)
	}
	if _, err := l.Look("acme", "nothing.wav"); models.CodeOf(err) != models.PromptMissing {
		t.Errorf("a name nobody has: %v", err)
	}
	if _, err := l.Look("", "broken.wav"); !errors.Is(err, ErrSound) {
		t.Errorf("a broken file: %v", err)
	}
}

func TestUnpackKeepsTheOperatorsFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "prompts", "zh")
	src := fstest.MapFS{"busy.wav": {Data: alaw(8)}, "abnormal.wav": {Data: alaw(16)}, "README.md": {Data: []byte("no")}}
	write(t, dir+"/busy.wav", alaw(24))
	for range 2 {
		if err := Unpack(src, dir); err != nil {
			t.Fatal(err)
		}
	}
	names, _ := filepath.Glob(dir + "/*")
	if b, _ := os.ReadFile(dir + "/busy.wav"); !bytes.Equal(b, alaw(24)) || len(names) != 2 {
		t.Errorf("files %v, busy.wav of %d bytes", names, len(b))
	}
}

// Every prompt that the platform plays by itself ships in both languages and can be played.
func TestShippedPrompts(t *testing.T) {
	names := slices.Clone(models.DefaultPrompts)
	for _, language := range []string{"zh", "en"} {
		for digit := byte('0'); digit <= '9'; digit++ {
			names = append(names, models.DigitPrompt(language, digit))
		}
	}
	for _, dir := range []string{"../../conf/prompts/zh", "../../conf/prompts/en"} {
		l, err := New("", dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if _, err := l.Look("", name); err != nil {
				t.Errorf("%s: %v", dir, err)
			}
		}
		if files, _ := filepath.Glob(dir + "/*.wav"); len(files) != len(names) {
			t.Errorf("%s has %d files for %d names", dir, len(files), len(names))
		}
	}
}

func recordings(t *testing.T, o RecordingsOptions) (*Recordings, string) {
	t.Helper()
	o.Dir, o.Key = filepath.Join(t.TempDir(), "recordings"), []byte("a key of enough bytes")
	r, err := NewRecordings(o)
	if err != nil {
		t.Fatal(err)
	}
	return r, o.Dir
}

func TestRecordingName(t *testing.T) {
	start := time.Date(2022, 5, 13, 5, 25, 18, 0, time.UTC) // the sample's: 13:25:18 in Beijing
	name := RecordingName(start, "u1@switch1")
	if !regexp.MustCompile(`^220513132518[0-9]{11}\.wav$`).MatchString(name) {
		t.Errorf("name %s", name)
	}
	if again := RecordingName(start.In(beijing), "u1@switch1"); again != name {
		t.Errorf("named again: %s, before %s", again, name)
	}
	seen := map[string]bool{}
	for range 10000 {
		seen[RecordingName(start, models.SessionID(models.NewID(), "switch1"))] = true
	}
	if len(seen) != 10000 {
		t.Errorf("%d names for 10000 sessions of one second", len(seen))
	}
}

func TestRecordings(t *testing.T) {
	r, dir := recordings(t, RecordingsOptions{})
	name := r.Name(time.Date(2022, 5, 13, 20, 0, 0, 0, time.UTC), "u1@h") // already the 14th in Beijing
	path, err := r.Path(name)
	if err != nil || path != filepath.Join(dir, "20220514", name) {
		t.Fatalf("path %s, %v", path, err)
	}
	if _, err := r.Open(name); models.CodeOf(err) != models.RecordMissing || r.Exists(name) {
		t.Errorf("before it is made: %v", err)
	}
	write(t, path, []byte("sound"))
	f, err := r.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(f)
	_ = f.Close()
	if string(b) != "sound" || !r.Exists(name) {
		t.Errorf("read %q", b)
	}
	write(t, dir+"/../22051400000012345678901.wav", nil)
	for _, bad := range []string{"", "..", "../" + name, "20220514/" + name, name + "/", "a" + name, "220514.wav", name[:len(name)-4], "/etc/passwd"} {
		if _, err := r.Open(bad); models.CodeOf(err) != models.RecordMissing {
			t.Errorf("Open(%q): %v", bad, err)
		}
		if _, err := r.Path(bad); models.CodeOf(err) != models.RecordMissing {
			t.Errorf("Path(%q): %v", bad, err)
		}
	}
	if _, err := NewRecordings(RecordingsOptions{Dir: dir, Key: []byte("short")}); err == nil {
		t.Error("a short key is accepted")
	}
}

func TestLinks(t *testing.T) {
	r, _ := recordings(t, RecordingsOptions{})
	now := time.Unix(1_700_000_000, 0)
	until := now.Add(time.Hour)
	sig := r.Sign("a.wav", until)
	if err := r.Verify("a.wav", until, sig, now); err != nil {
		t.Error(err)
	}
	if err := r.Verify("a.wav", until, sig, until.Add(-time.Second)); err != nil {
		t.Error(err)
	}
	other, err := NewRecordings(RecordingsOptions{Dir: r.dir, Key: []byte("another key of enough bytes")})
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"at its end":    r.Verify("a.wav", until, sig, until),
		"another file":  r.Verify("b.wav", until, sig, now),
		"a longer life": r.Verify("a.wav", until.Add(time.Hour), sig, now),
		"no signature":  r.Verify("a.wav", until, "", now),
		"another key":   other.Verify("a.wav", until, sig, now),
	} {
		if models.CodeOf(err) != models.RecordMissing {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestPrune(t *testing.T) {
	now := time.Date(2026, 3, 20, 1, 0, 0, 0, time.UTC)
	left := func(dir string) string {
		var out []string
		_ = filepath.WalkDir(dir, func(p string, e os.DirEntry, _ error) error {
			if !e.IsDir() {
				out = append(out, filepath.Base(filepath.Dir(p))[4:]+":"+filepath.Base(p)[:6])
			}
			return nil
		})
		return strings.Join(out, " ")
	}
	fill := func(dir string) {
		for _, d := range []string{"260311", "260312", "260313", "260318", "260319", "260320"} {
			write(t, dir+"/20"+d+"/"+d+"12000000000000001.wav", make([]byte, 100))
		}
		write(t, dir+"/20260311/notes.txt", nil)
		write(t, dir+"/other/260311120000000001.wav", nil)
	}
	const kept = "0311:notes. 0313:260313 0318:260318 0319:260319 0320:260320 r:260311"
	for _, c := range []struct {
		o       RecordingsOptions
		removed int
		want    string
	}{
		{RecordingsOptions{}, 2, kept},
		{RecordingsOptions{KeepDays: 2}, 3, "0311:notes. 0318:260318 0319:260319 0320:260320 r:260311"},
		{RecordingsOptions{TotalMax: 1000}, 2, kept},
		{RecordingsOptions{TotalMax: 399}, 3, "0311:notes. 0318:260318 0319:260319 0320:260320 r:260311"},
		{RecordingsOptions{TotalMax: 1}, 4, "0311:notes. 0319:260319 0320:260320 r:260311"},
	} {
		r, dir := recordings(t, c.o)
		fill(dir)
		n, err := r.Prune(context.Background(), now)
		got := strings.ReplaceAll(left(dir), "other"[4:]+":", "r:")
		if err != nil || n != c.removed || got != c.want {
			t.Errorf("%+v: removed %d, %v; left %s, want %s", c.o, n, err, got, c.want)
		}
		if _, err := os.Stat(dir + "/20260312"); !os.IsNotExist(err) {
			t.Error("an empty day stays")
		}
	}
	r, dir := recordings(t, RecordingsOptions{})
	fill(dir)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Prune(ctx, now); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
