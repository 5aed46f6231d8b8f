package spool

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"maskline/controller/cdr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// leg is the record of one ended leg, as far as it is read.
func leg(call string) []byte {
	return fmt.Appendf(nil, `{"switchname":"fs9","variables":{"uuid":%q,"maskline_call":%q,"maskline_role":"a","hangup_cause":"NORMAL_CLEARING"},`+
		`"callflow":[{"times":{"created_time":"1700000000000000","hangup_time":"1700000010000000"}}]}`, call, call)
}

// desk takes reports as the engine does, up to a number.
type desk struct {
	room  int
	calls []string
	hosts []string
	done  []func()
}

func (d *desk) report(l cdr.Leg, host string, done func()) bool {
	if len(d.calls) >= d.room {
		return false
	}
	d.calls, d.hosts, d.done = append(d.calls, l.Call), append(d.hosts, host), append(d.done, done)
	return true
}

func open(t *testing.T, dir string, d *desk, hosts ...string) *Spool {
	t.Helper()
	s, err := Open(Options{Dir: dir, Hosts: hosts, Report: d.report, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newSpool(t *testing.T, d *desk) *Spool {
	t.Helper()
	return open(t, t.TempDir(), d, "fs1", "fs2")
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestARecordStaysOnDiskUntilItsCallIsSettled(t *testing.T) {
	d := &desk{room: 10}
	s := newSpool(t, d)
	if err := s.Take(leg("c1")); err != nil {
		t.Fatal(err)
	}
	s.scan(t.Context(), Other{Dir: s.Dir})
	if len(d.calls) != 1 || d.hosts[0] != "fs9" || len(files(t, s.Dir)) != 1 || s.Holding() != 1 {
		t.Fatalf("reported %v of %v, files %v", d.calls, d.hosts, files(t, s.Dir))
	}
	d.done[0]()
	if len(files(t, s.Dir)) != 0 || s.Holding() != 0 {
		t.Errorf("after it was settled: %v, %d held", files(t, s.Dir), s.Holding())
	}
}

func TestARestartFindsWhatWasLeft(t *testing.T) {
	first := &desk{room: 10}
	s := newSpool(t, first)
	for _, c := range []string{"c1", "c2"} {
		if err := s.Take(leg(c)); err != nil {
			t.Fatal(err)
		}
	}
	second := &desk{room: 10}
	again := open(t, s.Dir, second, "only")
	again.scan(t.Context(), Other{Dir: again.Dir})
	if len(second.calls) != 2 || second.hosts[0] != "only" {
		t.Errorf("reported again: %v of %v", second.calls, second.hosts)
	}
}

func TestAFullEngineLeavesRecordsForLater(t *testing.T) {
	d := &desk{room: 1}
	s := newSpool(t, d)
	for _, c := range []string{"c1", "c2", "c3"} {
		if err := s.Take(leg(c)); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.calls) != 1 || s.Holding() != 1 || len(files(t, s.Dir)) != 3 {
		t.Fatalf("reported %v, held %d", d.calls, s.Holding())
	}
	d.room = 3
	s.scan(t.Context(), Other{Dir: s.Dir})
	if len(d.calls) != 3 {
		t.Errorf("reported %v", d.calls)
	}
}

func TestRecordsThatAreNotOursOrMakeNoSense(t *testing.T) {
	d := &desk{room: 10}
	s := newSpool(t, d)
	for _, record := range []string{`{"variables":{"uuid":"x"}}`, "no json", "", strings.Repeat("x", cdr.MaxPost+1)} {
		if err := s.Take([]byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.calls) != 0 {
		t.Errorf("reported %v", d.calls)
	}
	left := files(t, s.Dir)
	if len(left) != 3 {
		t.Fatalf("left: %v", left)
	}
	for _, name := range left {
		if !strings.HasSuffix(name, badSuffix) {
			t.Errorf("%s would be read again", name)
		}
	}
}

func TestASwitchsOwnSpool(t *testing.T) {
	d := &desk{room: 10}
	s := newSpool(t, d)
	dir := t.TempDir()
	half, whole := filepath.Join(dir, "half.cdr.json"), filepath.Join(dir, "whole.cdr.json")
	for name, content := range map[string][]byte{half: leg("c1")[:40], whole: leg("c2"), filepath.Join(dir, "notes.txt"): []byte("x")} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.scan(t.Context(), Other{dir, "fs2"})
	if len(d.calls) != 1 || d.calls[0] != "c2" || d.hosts[0] != "fs2" {
		t.Fatalf("reported %v of %v", d.calls, d.hosts)
	}
	if got := strings.Join(files(t, dir), " "); got != "half.cdr.json notes.txt whole.cdr.json" {
		t.Errorf("a file that was being written was touched: %s", got)
	}
	if err := os.WriteFile(half, leg("c1"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.scan(t.Context(), Other{dir, "fs2"})
	if len(d.calls) != 2 {
		t.Errorf("the finished file was not read: %v", d.calls)
	}
	old := time.Now().Add(-2 * unfinished)
	bad := filepath.Join(dir, "bad.cdr.json")
	if err := os.WriteFile(bad, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(bad, old, old); err != nil {
		t.Fatal(err)
	}
	s.scan(t.Context(), Other{dir, "fs2"})
	if _, err := os.Stat(bad + badSuffix); err != nil {
		t.Errorf("an old file that makes no sense stays in the way: %v", err)
	}
}
