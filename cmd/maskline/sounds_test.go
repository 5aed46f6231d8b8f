package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"maskline/controller/media"
	"maskline/esl/sim"
)

func TestSwitchesFetchTheirSounds(t *testing.T) {
	port := freePort(t)
	h := openHouse(t, "")
	text := strings.NewReplacer("intake: '127.0.0.1:0'}", "intake: '127.0.0.1:0', sounds: '127.0.0.1:"+port+"'}", "media: {", "media: {sounds_url: 'http://127.0.0.1:"+port+"', ").
		Replace(read(t, h.config))
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h.start()
	app := h.voiceApp()
	h.approved("notice.wav")
	h.daemon.Sim().SetPhone(sim.Phone{Number: numA, Rings: 10 * time.Millisecond, HangsUpAfter: 2 * time.Second})
	session := h.notified(app, `{"notifyVoice":"notice.wav"}`)
	var heard string
	h.await("the notice", func() error {
		for _, line := range h.daemon.Sim().Rang(numA) {
			for _, m := range line.Heard() {
				if at := regexp.MustCompile(`http_cache://(http://\S+notice\.wav)`).FindStringSubmatch(m.Text); at != nil {
					heard = at[1]
					return nil
				}
			}
		}
		return errors.New("not heard")
	})
	res, err := http.Get(heard)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(string(b), "RIFF") {
		t.Errorf("%s: %s, %d bytes, %v", heard, res.Status, len(b), err)
	}
	h.over(session)
}

// recorded puts a finished recording into a switch's directory, as old as it must be to be moved.
func recorded(t *testing.T, dir, name string) string {
	t.Helper()
	day := filepath.Join(dir, "20"+name[:6])
	if err := os.MkdirAll(day, 0o750); err != nil {
		t.Fatal(err)
	}
	path := tone(t, day, name, 4*time.Second)
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDrain(t *testing.T) {
	h := openHouse(t, "")
	dir := t.TempDir()
	name := media.RecordingName(time.Now(), "s1@fs1")
	path := recorded(t, dir, name)
	sound := read(t, path)
	environ := []string{"MASKLINE_CDR_PASSWORD=wrong"}
	to := "http://" + h.daemon.Addr("intake")
	if _, errs, code := execute(t, environ, "drain", "--dir", dir, "--to", to, "--once"); code != exitFailure || !strings.Contains(errs, "intake.password") {
		t.Errorf("with a wrong password: exit %d, %s", code, errs)
	}
	environ = []string{"MASKLINE_CDR_PASSWORD=cdr-password"}
	out, errs, code := execute(t, environ, "drain", "--dir", dir, "--to", to, "--once")
	if code != exitOK || !strings.Contains(out, "1 recordings moved") {
		t.Fatalf("drain: exit %d, %s%s", code, out, errs)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still on the switch: %v", err)
	}
	kept := filepath.Join(filepath.Dir(h.config), "recordings", "20"+name[:6], name)
	if read(t, kept) != sound {
		t.Error("what was kept is not what was recorded")
	}
	second := media.RecordingName(time.Now(), "s2@fs1")
	recorded(t, dir, second)
	if out, errs, code := execute(t, nil, "drain", "--dir", dir, "--config", h.config, "--once", "--json"); code != exitOK || !strings.Contains(out, `"moved": 1`) {
		t.Errorf("drain by the configuration: exit %d, %s%s", code, out, errs)
	}
	third := recorded(t, dir, media.RecordingName(time.Now(), "s3@fs1"))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, world{args: []string{"drain", "--dir", dir, "--to", to}, in: strings.NewReader(""), out: io.Discard, err: io.Discard, environ: environ})
	}()
	h.await("the third to go", func() error {
		if _, err := os.Stat(third); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("it is there: %w", err)
		}
		return nil
	})
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("an interrupted drain: exit %d", code)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"drain", "--to", to}, exitUsage, `"dir" not set`},
		{[]string{"drain", "--dir", dir}, exitUsage, "--to URL"},
		{[]string{"drain", "--dir", dir, "--to", to, "--password-file", "/nowhere"}, exitFailure, "/nowhere"},
		{[]string{"drain", "--dir", dir, "--to", "nowhere"}, exitUsage, "nowhere"},
		{[]string{"drain", "--dir", filepath.Dir(filepath.Dir(kept)), "--config", h.config}, exitFailure, "nothing to drain"},
	} {
		if _, errs, code := execute(t, environ, c.args...); code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit %d, %s; want exit %d and %q", c.args, code, errs, c.code, c.says)
		}
	}
}
