package media

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"maskline/models"
)

func TestCommandEngine(t *testing.T) {
	t.Setenv("MASKLINE_ESL_PASSWORD", "secret")
	text := "$(touch /tmp/x); `id` {out} \"'\n第二行 -v en"
	for name, c := range map[string]struct {
		argv []string
		want string // of the answer; with ! words of the error
	}{
		"text as an argument":   {[]string{"printf", "%s|%s|%s|%s", "{text}", "{voice}", "{rate}", "{speed}"}, text + "|cmn|80|160"},
		"text on the input":     {[]string{"cat"}, text + "\n"},
		"a file":                {[]string{"sh", "-c", `cat > "$0"`, "{out}"}, text + "\n"},
		"no secrets":            {[]string{"sh", "-c", "env | grep -c MASKLINE; true"}, "0\n"},
		"no file":               {[]string{"sh", "-c", "true {out}"}, "!wrote no file"},
		"fails":                 {[]string{"sh", "-c", "echo sound; echo one >&2; echo 'bad voice 13812345678 一三八' >&2; exit 3"}, "!exit status 3: bad vo****678"},
		"is not installed":      {[]string{"/no/such/engine"}, "!/no/such/engine"},
		"answers without end":   {[]string{"sh", "-c", "exec cat /dev/zero"}, "!more than"},
		"complains without end": {[]string{"sh", "-c", "head -c 100000 /dev/zero >&2; echo fine"}, "fine\n"},
	} {
		e, err := NewCommandEngine(c.argv)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Speak(context.Background(), models.Speech{Text: text, Voice: "cmn", Rate: 80})
		if words, fails := strings.CutPrefix(c.want, "!"); fails {
			if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "一三八") || strings.Contains(err.Error(), "13812345678") {
				t.Errorf("%s: %v; want %s", name, err, words)
			}
		} else if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
	if _, err := NewCommandEngine(nil); err == nil {
		t.Error("no command line is an engine")
	}
	e, _ := NewCommandEngine([]string{"cat"})
	if got, err := e.Speak(context.Background(), models.Speech{Text: "[[h@'loU]]"}); err != nil || strings.Contains(string(got), "[[") {
		t.Errorf("sounds in place of words: %q, %v", got, err)
	}
	if _, err := (&CommandEngine{[]string{"/no/such/engine"}}).Speak(context.Background(), models.Speech{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("not installed: %v", err)
	}
	if _, err := (&CommandEngine{[]string{"no-such-engine"}}).Speak(context.Background(), models.Speech{}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("not found: %v", err)
	}
}

// An engine that hangs is killed with all that it started: nobody holds the pipe any more.
func TestCommandEngineIsKilled(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	ended := make(chan error)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		f, err := os.Open(pipe) // waits for the engine to open it
		cancel()
		if err == nil {
			_, err = io.ReadAll(f) // and this for the end of whoever has it
			_ = f.Close()
		}
		ended <- err
	}()
	e, _ := NewCommandEngine([]string{"sh", "-c", `exec 3>"$0"; sleep 1000 & wait`, pipe})
	if _, err := e.Speak(ctx, models.Speech{Text: "您好"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestHTTPEngine(t *testing.T) {
	var asked struct {
		Text, Voice string
		Rate        int
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /speak", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sesame" || r.Header.Get("Content-Type") != "application/json" || json.NewDecoder(r.Body).Decode(&asked) != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write(word)
	})
	mux.HandleFunc("POST /moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/speak", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("POST /broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	mux.HandleFunc("POST /endless", func(w http.ResponseWriter, _ *http.Request) {
		b := make([]byte, 1<<20)
		for range engineMax>>20 + 1 {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("POST /hangs", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	for path, words := range map[string]string{"/speak": "", "/moved": "307", "/broken": "502", "/endless": "more than", "/hangs": "deadline"} {
		e, err := NewHTTPEngine(srv.URL+path, "sesame")
		if err != nil {
			t.Fatal(err)
		}
		within := 10 * time.Second
		if path == "/hangs" {
			within = 50 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(context.Background(), within)
		got, err := e.Speak(ctx, models.Speech{Text: "您好", Voice: "xiaoyan", Rate: 120})
		cancel()
		if words == "" && (err != nil || string(got) != string(word)) || words != "" && (err == nil || !strings.Contains(err.Error(), words)) {
			t.Errorf("%s: %d bytes, %v; want %s", path, len(got), err, words)
		}
		e.CloseIdle()
	}
	if asked.Text != "您好" || asked.Voice != "xiaoyan" || asked.Rate != 120 {
		t.Errorf("asked for %+v", asked)
	}
	for _, bad := range []string{"", "speak", "ftp://h/speak", "http:///speak"} {
		if _, err := NewHTTPEngine(bad, ""); err == nil {
			t.Errorf("%q is an address", bad)
		}
	}
}
