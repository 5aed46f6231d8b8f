package live

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/esl/esltest"
	"maskline/esl/esltest/keys"
)

// phone is a SIPp that runs one scenario.
type phone struct {
	cmd   *exec.Cmd
	log   string // what the scenario logs, a line a message
	out   string // what SIPp itself says
	ended chan struct{}
	once  sync.Once
}

// Close ends the SIPp.
func (p *phone) Close() error {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	return nil
}

// Numbers that the phones write into their own messages.
const (
	callerNumber = "8613800000001"
	calleeNumber = "8613900000002"
)

// sipp runs a scenario of scripts/sipp for one call, for at most a minute.
func (l *Lab) sipp(t *testing.T, scenario string, port, media int, args ...string) *phone {
	t.Helper()
	return l.sippIn(t, filepath.Join(l.repo, "scripts/sipp"), scenario, port, media, args...)
}

// sippIn is sipp with the sounds of a directory.
func (l *Lab) sippIn(t *testing.T, dir, scenario string, port, media int, args ...string) *phone {
	t.Helper()
	p := &phone{ended: make(chan struct{}), log: filepath.Join(t.TempDir(), "log")}
	scripts := filepath.Join(l.repo, "scripts/sipp")
	all := append([]string{"-sf", filepath.Join(scripts, scenario+".xml"), "-p", strconv.Itoa(port), "-mp", strconv.Itoa(media), "-m", "1",
		"-nostdin", "-timeout", "60", "-timeout_error", "-trace_logs", "-log_file", p.log}, args...)
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "sipp", all...) //nolint:gosec // the arguments are the suite's own
	p.cmd.Dir = dir
	out, err := os.Create(p.log + ".out")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	p.cmd.Stdout, p.cmd.Stderr, p.out = out, out, out.Name()
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("sipp: %v", err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.Close()
		if t.Failed() {
			t.Logf("%s: %s", scenario, tail(p.out))
		}
	})
	return p
}

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Phone starts a callee behind a gateway. It takes one call.
func (l *Lab) Phone(t *testing.T, gateway int, p esltest.Phone) {
	t.Helper()
	scenario := map[esltest.Behaviour]string{
		esltest.Answers: "callee-answer-audio", esltest.HangsUp: "callee-hangs-up", esltest.Busy: "callee-busy", esltest.NotFound: "callee-404",
		esltest.Unavailable: "callee-480", esltest.Rejects: "callee-603", esltest.NoAnswer: "callee-no-answer", esltest.EarlyMedia: "callee-early",
		esltest.EarlyBusy: "callee-early-busy", esltest.Redirects: "callee-302",
	}[p.Does]
	if old := l.callee[gateway]; old != nil {
		_ = old.Close()
	}
	args := []string{"-i", "127.0.0.1", "-key", "callee", calleeNumber, "-key", "ring", ms(p.Rings), "-key", "target", calleeNumber, "-key", "target_host", "127.0.0.1:9"}
	if p.Talk > 0 {
		args = append(args, "-d", ms(p.Talk))
	}
	dir := filepath.Join(l.repo, "scripts/sipp")
	if p.Keys != "" {
		scenario, dir = "callee-keys", t.TempDir()
		l.must(t, os.WriteFile(filepath.Join(dir, "keys.pcap"), keys.Pcap(p.Keys, 400*time.Millisecond), 0o600))
		args = append(args, "-key", "wait", ms(p.KeysAfter))
	}
	l.callee[gateway] = l.sippIn(t, dir, scenario, [...]int{l.ports.first, l.ports.second}[gateway], l.ports.media+40+20*gateway, args...)
	l.listening(t, [...]int{l.ports.first, l.ports.second}[gateway])
}

// listening waits until a SIPp has opened its port, at most five seconds.
func (l *Lab) listening(t *testing.T, port int) {
	t.Helper()
	want := ":" + strings.ToUpper(strconv.FormatInt(int64(port)+0x10000, 16)[1:]) + " "
	for range 100 {
		if b, err := os.ReadFile("/proc/net/udp"); err != nil || strings.Contains(string(b), want) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("sipp does not listen on %d", port)
}

// Call starts a caller.
func (l *Lab) Call(t *testing.T, number string, c esltest.Caller) esltest.Line {
	t.Helper()
	scenario, address := "caller-waits-audio", "127.0.0.1"
	args := []string{"127.0.0.1:" + strconv.Itoa(l.ports.sip), "-s", number, "-key", "caller", callerNumber}
	switch {
	case c.Cancels > 0:
		scenario = "caller-cancel"
		args = append(args, "-key", "ring", ms(c.Cancels))
	case c.HangsUp > 0:
		scenario = "caller-audio"
		args = append(args, "-d", ms(c.HangsUp))
	}
	if c.Keys != "" {
		scenario = map[esltest.Keying]string{esltest.AsEvents: "caller-keys", esltest.AsInfo: "caller-keys-info", esltest.AsTones: "caller-keys-tones"}[c.KeysAs]
		args = append(args, "-key", "wait", "500", "-key", "keys", c.Keys, "-key", "key1", c.Keys[:1], "-key", "key2", c.Keys[1:2])
	}
	if c.Stranger {
		address = "127.0.0.2"
	}
	p := l.sipp(t, scenario, l.ports.caller, l.ports.media, append(args, "-i", address)...)
	return line{phone: p, cancels: c.Cancels > 0}
}

// line is a caller's end.
type line struct {
	*phone
	cancels bool
}

// Outcome waits for the SIPp to end and reads what it logged. The cancelling caller logs nothing and fails unless it got its 487.
func (l line) Outcome(t *testing.T) esltest.Outcome {
	t.Helper()
	select {
	case <-l.ended:
	case <-time.After(70 * time.Second):
		t.Fatal("the caller's sipp does not end")
	}
	if l.cancels {
		if code := l.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the cancelling caller's sipp ended with %d", code)
			return esltest.Outcome{}
		}
		return esltest.Outcome{Final: 487}
	}
	b, err := os.ReadFile(l.log)
	if err != nil {
		t.Fatalf("caller's log: %v", err)
	}
	var o esltest.Outcome
	for text := range strings.Lines(string(b)) {
		words := strings.Fields(text)
		if len(words) < 2 {
			continue
		}
		status, err := strconv.Atoi(words[len(words)-1])
		if err != nil {
			continue
		}
		switch words[len(words)-2] {
		case "ringing":
			if n := len(o.Rang); n == 0 || o.Rang[n-1] != status {
				o.Rang = append(o.Rang, status)
			}
		case "final":
			o.Final = status
		}
	}
	return o
}
