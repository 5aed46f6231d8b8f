package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The records that a switch on another machine could not post reach the daemon, and are gone from the switch's host when they are on its disk.
func TestSpool(t *testing.T) {
	h := openHouse(t, "")
	dir := t.TempDir()
	path := filepath.Join(dir, "c1.cdr.json")
	// A call that came in while no daemon was there, to a number that is nobody's.
	began := time.Now().Add(-time.Minute)
	record := fmt.Sprintf(`{"switchname":"fs1","variables":{"uuid":"5ac1c1c2-0000-4000-8000-000000000001","maskline_call":"5ac1c1c2-0000-4000-8000-000000000001","maskline_role":"a",
		"direction":"inbound","sip_network_ip":"127.0.0.1","sip_req_user":"+8617099990000","sip_from_user":"+8613800000001","hangup_cause":"NORMAL_TEMPORARY_FAILURE"},
		"callflow":[{"times":{"created_time":"%d","hangup_time":"%d"}}]}`, began.UnixMicro(), began.Add(10*time.Second).UnixMicro())
	spooled := func() {
		t.Helper()
		if err := os.WriteFile(path, []byte(record), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	spooled()
	to := "http://" + h.daemon.Addr("intake")
	if _, errs, code := execute(t, []string{"MASKLINE_CDR_PASSWORD=wrong"}, "spool", dir, "--to", to, "--once"); code != exitFailure || !strings.Contains(errs, "intake.password") {
		t.Errorf("with a wrong password: exit %d, %s", code, errs)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("a record that was refused is gone: %v", err)
	}
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInsufficientStorage) }))
	defer full.Close()
	environ := []string{"MASKLINE_CDR_PASSWORD=cdr-password"}
	out, errs, code := execute(t, environ, "spool", dir, "--to", full.URL, "--to", to, "--once", "--json")
	if code != exitOK || !strings.Contains(out, `"sent": 1`) {
		t.Fatalf("spool: exit %d, %s%s", code, out, errs)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still on the switch: %v", err)
	}
	h.await("the call to be written", func() error {
		out, code := h.run("cdr", "list", "--json")
		if code != exitOK || strings.Count(out, `"session_id"`) != 1 || !strings.Contains(out, `"source": "post"`) || !strings.Contains(out, `"shortfall": "nobody saw`) {
			return fmt.Errorf("exit %d, %s", code, out)
		}
		return nil
	})
	if n := h.counter(t, `maskline_calls_untaken_total{switch="fs1",why="nobody"}`); n != 1 {
		t.Errorf("%d calls are counted", n)
	}
	spooled()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, world{args: []string{"spool", dir, "--to", to}, in: strings.NewReader(""), out: io.Discard, err: io.Discard, environ: environ})
	}()
	h.await("the record to go again", func() error {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("it is there: %w", err)
		}
		return nil
	})
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("an interrupted spool: exit %d", code)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"spool", "--to", to}, exitUsage, "directory"},
		{[]string{"spool", dir}, exitUsage, `"to" not set`},
		{[]string{"spool", dir, "--to", "nowhere"}, exitUsage, "nowhere"},
		{[]string{"spool", dir, "--to", to, "--password-file", "/nowhere"}, exitFailure, "/nowhere"},
		{[]string{"spool", "/nowhere", "--to", to}, exitFailure, "/nowhere"},
	} {
		if _, errs, code := execute(t, environ, c.args...); code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit %d, %s; want exit %d and %q", c.args, code, errs, c.code, c.says)
		}
	}
}
