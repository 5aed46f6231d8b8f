package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test's own program be the simulated switch, as main does.
func TestMain(m *testing.M) {
	if os.Getenv(asSwitchEnv) != "" {
		if err := runSwitch(os.Args[2:]); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// One daemon and one switch on SQLite, each killed once under load: the short form of make crash.
func TestKillsUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "maskline")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "maskline/cmd/maskline").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	z := size{daemons: 1, switches: 1, rate: 15, load: 6 * time.Second, talk: 3 * time.Second, lease: 6 * time.Second, rest: time.Second, voice: true, faults: []fault{killDaemon, killSwitch}}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	h, err := build(ctx, dir, program, os.Args[0], true, network{}, z)
	defer h.close()
	if err != nil {
		t.Fatal(err)
	}
	s := newSchedule(uint64(time.Now().UnixNano())%1_000_000, z)
	t.Logf("seed %d: %s", s.seed, s)
	out, err := h.play(ctx, s)
	if err != nil {
		t.Fatalf("%v\n%s", err, h.daemons[0].proc.tail(2000))
	}
	if out.sessions < out.calls/2 || out.calls == 0 {
		t.Errorf("%d calls made %d sessions", out.calls, out.sessions)
	}
	for _, f := range out.findings {
		t.Error(f)
	}
	t.Logf("%d calls, %d sessions, %d pushes repeated, let pass %v, %s", out.calls, out.sessions, out.repeated, out.known, out.took)
}

func TestASeedRepeatsItsSchedule(t *testing.T) {
	z := size{daemons: 3, switches: 3, rate: 50, load: 20 * time.Second, talk: 20 * time.Second, lease: 6 * time.Second, voice: true,
		faults: []fault{killDaemon, freezeDaemon, killSwitch, killDatabase, cutDatabase, cutSwitch}}
	a, b, other := newSchedule(7, z), newSchedule(7, z), newSchedule(8, z)
	if a.String() != b.String() || len(a.calls) != len(b.calls) || a.calls[10].script.From != b.calls[10].script.From {
		t.Error("one seed made two schedules")
	}
	if a.String() == other.String() {
		t.Error("two seeds made one schedule")
	}
	var kinds []kind
	for _, c := range a.calls {
		if !slices.Contains(kinds, c.kind) {
			kinds = append(kinds, c.kind)
		}
	}
	if len(kinds) != len(shares(z)) || len(a.strikes) != len(z.faults) {
		t.Errorf("%d kinds of calls and %d faults", len(kinds), len(a.strikes))
	}
}
