package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	pressed "maskline/esl/esltest/keys"
)

// phone is a script of scripts/sipp that one end of a call follows.
type phone struct {
	scenario string
	ring     time.Duration              // how long it rings, or lets ring
	talk     time.Duration              // then it hangs up, where the scenario does
	from     string                     // its address; "" is 127.0.0.1
	keys     []string                   // more keys of the scenario, name and value
	script   func(number string) string // its scenario as text, in place of a file of scripts/sipp; scenario is its name then
	press    string                     // what callee-keys presses, as esl/esltest/keys writes it: , is a second
}

// apparatus is a phone at work: a SIPp that takes or makes one call.
type apparatus struct {
	*child
	sip, media netip.AddrPort
	log, err   string
}

const patience = 150 * time.Second // of a SIPp: longer than the longest call

// plug starts a phone for a party with this number (national). args are the arguments of a caller: the target and whom it dials.
func (l *lab) plug(ctx context.Context, p phone, number string, args ...string) (*apparatus, error) {
	port, err := l.ports.take()
	if err != nil {
		return nil, err
	}
	return l.plugAt(ctx, port, p, number, args...)
}

func (l *lab) plugAt(ctx context.Context, port int, p phone, number string, args ...string) (*apparatus, error) {
	media, err := l.ports.take()
	if err != nil {
		return nil, err
	}
	if p.from == "" {
		p.from = "127.0.0.1"
	}
	addr, err := netip.ParseAddr(p.from)
	if err != nil {
		return nil, fmt.Errorf("address of a phone: %w", err)
	}
	name := fmt.Sprintf("%s-%d-%d", p.scenario, port, media)
	a := &apparatus{sip: netip.AddrPortFrom(addr, uint16(port)), media: netip.AddrPortFrom(addr, uint16(media)), //nolint:gosec // ports
		log: filepath.Join(l.dir, name+".log"), err: filepath.Join(l.dir, name+".err")}
	international := "86" + number
	all := []string{"-au", "device-1", "-ap", deviceKey, "-sf", p.scenario + ".xml", "-i", p.from, "-p", strconv.Itoa(port), "-mi", p.from, "-mp", strconv.Itoa(media), "-m", "1", "-nostdin",
		"-timeout", strconv.Itoa(int(patience.Seconds())), "-trace_logs", "-log_file", a.log, "-trace_err", "-error_file", a.err,
		"-key", "caller", international, "-key", "callee", international, "-key", "ring", strconv.FormatInt(p.ring.Milliseconds(), 10),
		"-key", "token", shakenToken(international), "-key", "hex", hex.EncodeToString([]byte(international)), "-key", "session", hex.EncodeToString([]byte(international + "00000"))[:32],
		"-d", strconv.FormatInt(p.talk.Milliseconds(), 10)}
	dir := l.scripts
	if p.press != "" {
		if dir, err = l.path(name); err != nil {
			return nil, err
		}
		all[5] = filepath.Join(l.scripts, p.scenario+".xml")
		if err := os.WriteFile(filepath.Join(dir, "keys.pcap"), pressed.Pcap(p.press, 300*time.Millisecond), 0o600); err != nil {
			return nil, fmt.Errorf("write what a phone presses: %w", err)
		}
	}
	for i := 0; i+1 < len(p.keys); i += 2 {
		all = append(all, "-key", p.keys[i], p.keys[i+1])
	}
	if p.script != nil {
		all[5] = filepath.Join(l.dir, name+".xml")
		if err := os.WriteFile(all[5], []byte(p.script(number)), 0o600); err != nil {
			return nil, fmt.Errorf("write a phone's scenario: %w", err)
		}
	}
	a.child, err = l.start("sipp "+name, filepath.Join(l.dir, name+".out"), dir, nil, "sipp", append(all, args...)...)
	if err != nil {
		return nil, err
	}
	return a, l.listening(ctx, a)
}

// shakenToken is a token as STIR/SHAKEN signs it: the number stands in its Base64 payload.
func shakenToken(number string) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"ES256","ppt":"shaken","typ":"passport"}`) + "." + part(`{"attest":"A","orig":{"tn":"`+number+`"}}`) + "." + part("signature")
}

// listening waits until a phone has opened its port.
func (l *lab) listening(ctx context.Context, a *apparatus) error {
	want := fmt.Sprintf(":%04X ", a.sip.Port())
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if b, err := os.ReadFile("/proc/net/udp"); err == nil && strings.Contains(string(b), want) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-a.ended:
			return fmt.Errorf("%s ended at once: %s", a.name, tailOf(a.err, 300))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not listen", a.name)
}

// wait waits for a phone's end.
func (a *apparatus) wait(ctx context.Context, atMost time.Duration) error {
	select {
	case <-a.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(atMost):
		return fmt.Errorf("%s does not end", a.name)
	}
}

// hangUp ends a phone that waits for nothing more.
func (a *apparatus) hangUp() { a.stop(syscall.SIGTERM, 2*time.Second) }

// final is the final answer to the caller's INVITE, as its scenario logged it; 0 when it logged none.
func (a *apparatus) final() int {
	b, err := os.ReadFile(a.log)
	if err != nil {
		return 0
	}
	status := 0
	for line := range strings.Lines(string(b)) {
		if _, s, ok := strings.Cut(line, "final "); ok {
			status, _ = strconv.Atoi(strings.TrimSpace(s))
		}
	}
	return status
}
