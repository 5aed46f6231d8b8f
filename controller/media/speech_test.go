package media

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/models"
)

// engine is a speech engine of the test.
type engine func(ctx context.Context, s models.Speech) ([]byte, error)

func (e engine) Name() string { return "test" }

func (e engine) Speak(ctx context.Context, s models.Speech) ([]byte, error) { return e(ctx, s) }

func speaker(t *testing.T, o SpeechOptions) *Speaker {
	t.Helper()
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "speech")
	}
	s, err := NewSpeaker(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

var word = encode16(tone(500, 22050), 22050)

func TestSpeak(t *testing.T) {
	var asked []models.Speech
	dir := filepath.Join(t.TempDir(), "speech")
	e := engine(func(_ context.Context, s models.Speech) ([]byte, error) {
		asked = append(asked, s)
		return word, nil
	})
	s := speaker(t, SpeechOptions{Engine: e, Voice: "cmn", Dir: dir})
	ctx := context.Background()
	paths := map[string]bool{}
	for range 2 {
		for _, speech := range []models.Speech{{Text: "您好"}, {Text: "再见"}, {Text: "您好", Voice: "en"}, {Text: "您好", Rate: 80}, {Text: "您好", Rate: 100}} {
			path, length, err := s.Speak(ctx, speech)
			if err != nil || length != 1200*time.Millisecond || !strings.HasPrefix(path, dir+"/") {
				t.Errorf("%+v: %s, %v, %v", speech, path, length, err)
			}
			paths[path] = true
		}
	}
	if len(paths) != 4 || len(asked) != 4 || asked[0] != (models.Speech{Text: "您好", Voice: "cmn", Rate: 100}) {
		t.Errorf("%d files, asked for %+v", len(paths), asked)
	}
	again := speaker(t, SpeechOptions{Engine: e, Voice: "cmn", Dir: dir})
	path, _, err := again.Render(ctx, models.Speech{Text: "您好"})
	if err != nil || len(asked) != 4 {
		t.Errorf("after a restart: %v, asked %d times", err, len(asked))
	}
	if got := again.Stats(); got.Found != 1 || got.Rendered != 0 || got.Bytes != 4*int64(len(read(t, path))) {
		t.Errorf("after a restart: %+v", got)
	}
	write(t, path, nil) // as a power cut may leave it
	if _, length, err := again.Speak(ctx, models.Speech{Text: "您好"}); err != nil || length == 0 || len(asked) != 5 {
		t.Errorf("a broken file: %v, %v, asked %d times", length, err, len(asked))
	}
}

func TestSpeakRefuses(t *testing.T) {
	s := speaker(t, SpeechOptions{Engine: engine(func(context.Context, models.Speech) ([]byte, error) { panic("asked") })})
	for _, speech := range []models.Speech{{}, {Text: " \n"}, {Text: "您好\x00"}, {Text: "\x1b[2J"}, {Text: "\xff"}, {Text: strings.Repeat("好", speechMax/3+1)},
		{Text: "您好", Voice: "--help"}, {Text: "您好", Rate: 20}, {Text: "您好", Rate: -1}} {
		if path, _, err := s.Speak(context.Background(), speech); err == nil || path != "" {
			t.Errorf("%.20q is spoken", speech.Text)
		}
	}
	if _, _, err := speaker(t, SpeechOptions{}).Speak(context.Background(), models.Speech{Text: "您好"}); !errors.Is(err, ErrNoEngine) {
		t.Errorf("without an engine: %v", err)
	}
}

// A text that many want at once is rendered once, also when the first who wanted it gives up.
func TestSpeakOnceForMany(t *testing.T) {
	var asked atomic.Int32
	started, release := make(chan struct{}), make(chan struct{})
	s := speaker(t, SpeechOptions{Engine: engine(func(context.Context, models.Speech) ([]byte, error) {
		asked.Add(1)
		close(started)
		<-release
		return word, nil
	})})
	impatient, giveUp := context.WithCancel(context.Background())
	first := make(chan error)
	go func() {
		_, _, err := s.Speak(impatient, models.Speech{Text: "您好"})
		first <- err
	}()
	<-started
	giveUp()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, _, err := s.Speak(context.Background(), models.Speech{Text: "您好"}); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("rendered %d times", n)
	}
}

func TestSpeakBoundsTheEngine(t *testing.T) {
	var now, most atomic.Int32
	s := speaker(t, SpeechOptions{Concurrent: 3, Engine: engine(func(context.Context, models.Speech) ([]byte, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		return word, nil
	})})
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			if _, _, err := s.Speak(context.Background(), models.Speech{Text: "您好" + strings.Repeat("好", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := most.Load(); n > 3 {
		t.Errorf("%d at once", n)
	}
}

// A failing engine is an error each time, and one line in the log.
func TestSpeakFails(t *testing.T) {
	var log bytes.Buffer
	var asked int
	broken := errors.New("no voice")
	dir := filepath.Join(t.TempDir(), "speech")
	s := speaker(t, SpeechOptions{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil)), Engine: engine(func(context.Context, models.Speech) ([]byte, error) {
		asked++
		if asked%2 == 0 {
			return []byte("rubbish"), nil
		}
		return nil, broken
	})})
	for i := range 6 {
		_, _, err := s.Speak(context.Background(), models.Speech{Text: "您的号码一三八"})
		if want := []error{broken, ErrSound}[i%2]; !errors.Is(err, want) {
			t.Errorf("attempt %d: %v", i, err)
		}
	}
	s.Close()
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "8005") || strings.Contains(log.String(), "一三八") {
		t.Errorf("log of %d lines: %s", n, log.String())
	}
	if files, _ := filepath.Glob(dir + "/*/*"); len(files) != 0 || s.Stats().Failed != 6 {
		t.Errorf("left %v, %+v", files, s.Stats())
	}
	if _, _, err := s.Speak(context.Background(), models.Speech{Text: "您好"}); err == nil {
		t.Error("a closed speaker speaks")
	}
}

func TestSpeakDeadline(t *testing.T) {
	s := speaker(t, SpeechOptions{Timeout: time.Millisecond, Engine: engine(func(ctx context.Context, _ models.Speech) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})})
	if _, _, err := s.Speak(context.Background(), models.Speech{Text: "您好"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an engine that hangs: %v", err)
	}
}

// What was used longest ago goes first; what was used within the hour stays, whatever it weighs.
func TestSpeechCacheSweeps(t *testing.T) {
	dir := t.TempDir()
	c, err := openSpeechCache(dir, 10*1044)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	file := encodeWAV(make([]int16, 500), "") // 1044 bytes
	name := func(i int) string { return strings.Repeat(string("0123456789abcdef"[i]), 64) + ".wav" }
	age := func(i int, used time.Duration) {
		if err := os.Chtimes(c.path(name(i)), now.Add(-used), now.Add(-used)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 12 {
		write(t, c.path(name(i)), file)
		age(i, time.Duration(100-i)*time.Hour)
	}
	age(0, 30*time.Minute) // the oldest but for its use
	write(t, dir+"/00/.part-old", file)
	write(t, dir+"/00/README", file)
	if err := os.Chtimes(dir+"/00/.part-old", now.Add(-2*time.Hour), now.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := c.sweep(now); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		if _, ok := c.find(name(i)); ok != (i == 0 || i > 3) {
			t.Errorf("file %d is there: %v", i, ok)
		}
	}
	if n := c.held(); n != 9*1044 {
		t.Errorf("%d bytes are held", n)
	}
	if left, _ := filepath.Glob(dir + "/00/.part-*"); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if _, err := os.Stat(dir + "/00/README"); err != nil {
		t.Errorf("somebody else's file: %v", err)
	}
	for i := range 12 {
		write(t, c.path(name(i)), file)
		age(i, time.Minute)
	}
	if err := c.sweep(now); err != nil || c.held() != 12*1044 {
		t.Errorf("after an hour without room: %d bytes, %v", c.held(), err)
	}
	age(5, 3*time.Hour)
	if _, ok := c.find(name(5)); !ok {
		t.Fatal("file 5 is gone")
	}
	if info, err := os.Stat(c.path(name(5))); err != nil || now.Sub(info.ModTime()) > time.Minute {
		t.Errorf("its use is not noted: %v, %v", info.ModTime(), err)
	}
}

// With the cache full, new speech makes room by itself.
func TestSpeakMakesRoom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "speech")
	s := speaker(t, SpeechOptions{Dir: dir, MaxBytes: 50_000, Engine: engine(func(context.Context, models.Speech) ([]byte, error) { return word, nil })})
	old := time.Now().Add(-2 * time.Hour)
	for _, text := range []string{"一", "二", "三"} { // 19 KB each
		s.cache.next = time.Time{}
		path, _, err := s.Speak(context.Background(), models.Speech{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, old, old); err != nil && text != "三" {
			t.Fatal(err)
		}
		old = old.Add(time.Minute)
	}
	if files, _ := filepath.Glob(dir + "/*/*.wav"); len(files) != 2 || s.Stats().Bytes > 50_000 {
		t.Errorf("%d files, %+v", len(files), s.Stats())
	}
}

func TestEspeak(t *testing.T) {
	if _, err := exec.LookPath("espeak-ng"); err != nil {
		t.Skip("espeak-ng is not installed")
	}
	for name, argv := range map[string][]string{"to a file": EspeakCommand, "to a pipe": {"espeak-ng", "--stdout", "-b", "1", "-v", "{voice}", "-s", "{speed}", "{text}"}} {
		e, err := NewCommandEngine(argv)
		if err != nil {
			t.Fatal(err)
		}
		s := speaker(t, SpeechOptions{Engine: e, Voice: "cmn"})
		_, normal, err := s.Speak(context.Background(), models.Speech{Text: "您的验证码是一二三四"})
		if err != nil || normal < time.Second || normal > 10*time.Second {
			t.Errorf("%s: %v, %v", name, normal, err)
		}
		if _, slow, err := s.Speak(context.Background(), models.Speech{Text: "您的验证码是一二三四", Rate: 60}); err != nil || slow <= normal {
			t.Errorf("%s, slowly: %v, %v", name, slow, err)
		}
	}
}
