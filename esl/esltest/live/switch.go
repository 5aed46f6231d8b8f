// Package live is an esltest.Lab on a real FreeSWITCH with SIPp phones, all on loopback. It starts the switch from conf/freeswitch on ports
// of its own, and ends it and every phone with the test.
package live

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"maskline/esl"
	"maskline/esl/freeswitch"
)

// password of the event socket; it lives as long as the test.
const password = "esltest-on-loopback" //nolint:gosec // of a switch that lives as long as a test

// Lab is the switch and its phones. It is made by Start.
type Lab struct {
	repo   string // the tree that holds conf/freeswitch and scripts/sipp
	dir    string // work files; removed with the test
	ports  ports
	callee [2]*phone
}

// ports of one instance.
type ports struct{ esl, sip, caller, first, second, cdr, media int }

// Start starts the FreeSWITCH binary with the repository's configuration and waits, at most a minute, until its SIP profile is up. The
// modules are looked for beside it (../lib/freeswitch/mod); MASKLINE_FREESWITCH_MOD names another directory.
func Start(t *testing.T, binary, repo string) *Lab {
	t.Helper()
	root, err := filepath.Abs(repo)
	if err != nil {
		t.Fatal(err)
	}
	l := &Lab{repo: root, dir: t.TempDir(), ports: freePorts(t)}
	for _, d := range []string{"log", "db", "run", "rec", "spool", "trunks/acl", "trunks/gateways", "trunks/users"} {
		l.must(t, os.MkdirAll(filepath.Join(l.dir, d), 0o750))
	}
	l.must(t, os.WriteFile(filepath.Join(l.dir, "trunks/acl/lab.xml"), []byte("<include>\n<node type=\"allow\" cidr=\"127.0.0.1/32\"/>\n</include>\n"), 0o600))
	l.must(t, os.WriteFile(filepath.Join(l.dir, "trunks/gateways/lab.xml"), []byte(l.gateways()), 0o600))
	l.must(t, os.WriteFile(filepath.Join(l.dir, "trunks/users/lab.xml"), []byte("<include>\n</include>\n"), 0o600))
	l.boot(t, binary)
	return l
}

func (l *Lab) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// freePorts finds ports that nobody uses now.
func freePorts(t *testing.T) ports {
	t.Helper()
	var n [6]int
	for i := range n {
		a, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Close() }()
		n[i] = a.LocalAddr().(*net.UDPAddr).Port //nolint:forcetypeassert // a UDP socket has a UDP address
	}
	return ports{esl: n[0], sip: n[1], caller: n[2], first: n[3], second: n[4], cdr: n[5], media: 36000 + os.Getpid()%20*100}
}

func (l *Lab) gateways() string {
	var b strings.Builder
	b.WriteString("<include>\n")
	for i, port := range []int{l.ports.first, l.ports.second} {
		fmt.Fprintf(&b, `<gateway name=%q><param name="username" value=%q/><param name="password" value="none"/>`+
			`<param name="proxy" value="127.0.0.1:%d"/><param name="register" value="false"/><param name="caller-id-in-from" value="true"/>`+
			`<param name="extension-in-contact" value="false"/></gateway>`+"\n", l.Gateway(i), l.Gateway(i), port)
	}
	return b.String() + "</include>\n"
}

func (l *Lab) boot(t *testing.T, binary string) {
	t.Helper()
	modules := os.Getenv("MASKLINE_FREESWITCH_MOD")
	if modules == "" {
		modules = filepath.Join(filepath.Dir(binary), "../lib/freeswitch/mod")
	}
	in := func(d string) string { return filepath.Join(l.dir, d) }
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "-nonat", "-nf", "-nc", "-np", "-conf", filepath.Join(l.repo, "conf/freeswitch"), //nolint:gosec // the tester's own binary
		"-log", in("log"), "-db", in("db"), "-run", in("run"), "-mod", modules)
	cmd.Env = append(os.Environ(),
		"MASKLINE_SWITCH_NAME=esltest", "MASKLINE_ESL_PASSWORD="+password, "MASKLINE_ESL_PORT="+strconv.Itoa(l.ports.esl),
		"MASKLINE_SIP_PORT="+strconv.Itoa(l.ports.sip), "MASKLINE_RTP_START=31000", "MASKLINE_RTP_END=31998",
		"MASKLINE_TRUNKS_DIR="+in("trunks"), "MASKLINE_RECORDINGS_DIR="+in("rec"), "MASKLINE_SPOOL_DIR="+in("spool"),
		"MASKLINE_CDR_URL=http://127.0.0.1:"+strconv.Itoa(l.ports.cdr)+"/switch/v1/cdr")
	out, err := os.Create(in("log/out.txt")) //nolint:gosec // a file of the test's own
	l.must(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	l.must(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		_ = out.Close()
	})
	l.ready(t, ended, out.Name())
}

// ready waits until the SIP profile answers for itself.
func (l *Lab) ready(t *testing.T, ended <-chan struct{}, output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	running, stop := context.WithCancel(ctx)
	defer stop()
	sw := l.Adapter(t)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = sw.Run(running, deaf{})
	}()
	defer func() {
		stop()
		<-over
	}()
	for {
		if text, err := sw.API(ctx, "sofia", "status profile carrier"); err == nil && strings.Contains(text, "Name             \tcarrier") {
			return
		}
		select {
		case <-ended:
			t.Fatalf("FreeSWITCH ended: %s", tail(output))
		case <-ctx.Done():
			t.Fatalf("FreeSWITCH is not ready: %s", tail(output))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// tail gives the end of a file, for a failure's text.
func tail(path string) string {
	b, err := os.ReadFile(path) //nolint:gosec // the lab's own file
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// deaf is a handler for nobody.
type deaf struct{}

func (deaf) Arrived(c esl.Call, _ esl.Event) { c.Close() }
func (deaf) Found(c esl.Call, _ []esl.Event) { c.Close() }
func (deaf) Synced([]string)                 {}
func (deaf) Stranger(esl.Event)              {}
func (deaf) Stray(esl.Event)                 {}
func (deaf) Restarted(string)                {}

// Adapter makes an adapter for the switch.
func (l *Lab) Adapter(*testing.T) esl.Switch {
	return freeswitch.New(freeswitch.Options{Name: "live", Addr: "127.0.0.1:" + strconv.Itoa(l.ports.esl), Password: password})
}

// Gateway names the first or the second way out.
func (l *Lab) Gateway(n int) string { return [...]string{"carrier-a", "carrier-b"}[n] }

// Sound names a sound of a second.
func (l *Lab) Sound() string { return "silence_stream://1000" }

// Dir is where the switch writes recordings.
func (l *Lab) Dir(*testing.T) string { return filepath.Join(l.dir, "rec") }

// Case runs a case in real time.
func (l *Lab) Case(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		f(t)
		if t.Failed() {
			t.Logf("switch's log: %s", tail(filepath.Join(l.dir, "log/freeswitch.log")))
		}
	})
}
