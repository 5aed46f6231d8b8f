package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Secrets of the run; they live as long as it does, on loopback.
const (
	eslPassword = "live-event-socket" //nolint:gosec // of one run, on loopback
	cdrPassword = "live-cdr-post"     //nolint:gosec // likewise
	adminToken  = "live-admin-token-of-one-run"
	deviceKey   = "live-device-key"
	sealingKey  = "bGl2ZS1saXZlLWxpdmUtbGl2ZS1saXZlLWxpdmUtMTI="
)

// fs is one FreeSWITCH of the run.
type fs struct {
	*child
	l             *lab
	name, dir     string
	sip, esl, rtp int
	intake        int  // where it posts its records
	posts         int  // where it posts its records instead, if that is not 0
	registrar     bool // trunks may log in
	sounds        int  // where it fetches prompts over HTTP; 0: it reads the files
}

func (l *lab) newSwitch(name string) (*fs, error) {
	f := &fs{l: l, name: name}
	var err error
	for _, p := range []*int{&f.sip, &f.esl, &f.intake} {
		if *p, err = l.ports.take(); err != nil {
			return nil, err
		}
	}
	if f.rtp, err = l.ports.takeRTP(); err != nil {
		return nil, err
	}
	if f.dir, err = l.path(name, "switch"); err != nil {
		return nil, err
	}
	for _, d := range []string{"log", "db", "run", "spool", "trunks"} {
		if _, err := l.path(name, "switch", d); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *fs) in(d string) string { return filepath.Join(f.dir, d) }

// boot starts it with conf/freeswitch as it is, and waits until its SIP profile is up.
func (f *fs) boot(ctx context.Context) error {
	args := []string{"-nonat", "-nf", "-nc", "-np", "-conf", filepath.Join(f.l.repo, "conf/freeswitch"), "-log", f.in("log"), "-db", f.in("db"),
		"-run", f.in("run"), "-mod", f.l.fs.modules}
	env := []string{
		"MASKLINE_SWITCH_NAME=" + f.name, "MASKLINE_SIP_PORT=" + strconv.Itoa(f.sip), "MASKLINE_ESL_PORT=" + strconv.Itoa(f.esl),
		"MASKLINE_ESL_PASSWORD=" + eslPassword, "MASKLINE_RTP_START=" + strconv.Itoa(f.rtp), "MASKLINE_RTP_END=" + strconv.Itoa(f.rtp+rtpRange-1),
		"MASKLINE_TRUNKS_DIR=" + f.in("trunks"), "MASKLINE_SPOOL_DIR=" + f.in("spool"), "MASKLINE_RECORDINGS_DIR=" + filepath.Join(f.l.dir, f.name, "recordings"),
		"MASKLINE_CDR_URL=http://127.0.0.1:" + strconv.Itoa(cmp.Or(f.posts, f.intake)) + "/switch/v1/cdr", "MASKLINE_CDR_PASSWORD=" + cdrPassword,
		"MASKLINE_REGISTRAR=" + strconv.FormatBool(f.registrar), "MASKLINE_DISABLE_REGISTER=" + strconv.FormatBool(!f.registrar),
	}
	if f.sounds != 0 {
		env = append(env, "MASKLINE_SOUNDS=http")
	}
	var err error
	if f.child, err = f.l.start("freeswitch "+f.name, filepath.Join(f.dir, "out.log"), f.dir, env, f.l.fs.binary, args...); err != nil {
		return err
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if text, err := f.ask(ctx, "sofia status profile carrier"); err == nil && strings.Contains(text, "SIP-IP") {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.ended:
			return fmt.Errorf("FreeSWITCH ended at once: %s", tailOf(filepath.Join(f.dir, "out.log"), 500))
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("FreeSWITCH is not ready after a minute: %s", tailOf(filepath.Join(f.dir, "out.log"), 500))
}

// ask sends one api command over a connection of its own.
func (f *fs) ask(ctx context.Context, command string) (string, error) {
	d := net.Dialer{Timeout: 2 * time.Second}
	c, err := d.DialContext(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(f.esl))
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	r := bufio.NewReader(c)
	if _, err := fmt.Fprintf(c, "auth %s\n\napi %s\n\n", eslPassword, command); err != nil {
		return "", err
	}
	for {
		kind, body, err := frame(r)
		if err != nil || kind == "api/response" {
			return body, err
		}
	}
}

// frame reads one frame of the event socket.
func frame(r *bufio.Reader) (kind, body string, err error) {
	size := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", "", err
		}
		line = strings.TrimSpace(line)
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ": ")
		switch strings.ToLower(name) {
		case "content-type":
			kind = value
		case "content-length":
			if size, err = strconv.Atoi(value); err != nil || size < 0 || size > 1<<20 {
				return "", "", fmt.Errorf("content length %q", value)
			}
		}
	}
	b := make([]byte, size)
	for n := 0; n < size; {
		k, err := r.Read(b[n:])
		if err != nil {
			return "", "", err
		}
		n += k
	}
	return kind, string(b), nil
}

// logs are all that the switch wrote about calls, for the search after numbers.
func (f *fs) logs() (map[string]string, error) {
	found, err := filepath.Glob(f.in("log/*.log*"))
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for _, path := range append(found, filepath.Join(f.dir, "out.log")) {
		b, err := os.ReadFile(path) //nolint:gosec // the run's own files
		if err != nil {
			return nil, fmt.Errorf("read the switch's log: %w", err)
		}
		texts[filepath.Base(path)] = string(b)
	}
	return texts, nil
}
