package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"maskline/esl/wire"
)

// softswitch is a FreeSWITCH that can be started.
type softswitch struct{ binary, modules string }

// findSwitch takes the named binary, or the one on PATH, and looks for its modules from the binary's own place.
func findSwitch(named string) (softswitch, error) {
	if named == "" {
		named = "freeswitch"
	}
	binary, err := exec.LookPath(named)
	if err != nil {
		return softswitch{}, errors.New("no FreeSWITCH: put it on PATH or say make bench-live FREESWITCH=/path/to/freeswitch")
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return softswitch{}, fmt.Errorf("path of FreeSWITCH: %w", err)
	}
	places := []string{os.Getenv("MASKLINE_FREESWITCH_MOD")}
	resolved, err := filepath.EvalSymlinks(binary)
	if err != nil {
		return softswitch{}, fmt.Errorf("path of FreeSWITCH: %w", err)
	}
	for _, b := range []string{binary, resolved} {
		above := filepath.Dir(filepath.Dir(b))
		places = append(places, filepath.Join(above, "lib/freeswitch/mod"), filepath.Join(above, "mod"), filepath.Join(above, "lib/*/freeswitch/mod"))
	}
	for _, p := range places {
		if found, _ := filepath.Glob(filepath.Join(p, "mod_sofia.so")); p != "" && len(found) > 0 {
			return softswitch{binary, filepath.Dir(found[0])}, nil
		}
	}
	return softswitch{}, fmt.Errorf("no modules beside %s: set MASKLINE_FREESWITCH_MOD to the directory that holds mod_sofia.so", binary)
}

// missing says which of the modules are not there.
func (s softswitch) missing(modules ...string) []string {
	var without []string
	for _, m := range modules {
		if _, err := os.Stat(filepath.Join(s.modules, m+".so")); err != nil {
			without = append(without, m)
		}
	}
	return without
}

// configure writes the configuration of one variant: conf/freeswitch as it is shipped, with the modules that all variants load, and with the
// variant's own dialplan in place of the hand-off.
func (b *bench) configure(v variant) (dir string, err error) {
	dir = filepath.Join(b.dir, "conf-"+v.Key)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(b.repo, "conf/freeswitch"))); err != nil {
		return "", fmt.Errorf("copy conf/freeswitch: %w", err)
	}
	path := filepath.Join(dir, "autoload_configs/modules.conf.xml")
	text, err := os.ReadFile(path) //nolint:gosec // the copy
	if err != nil {
		return "", fmt.Errorf("read the list of modules: %w", err)
	}
	modules := string(text)
	for _, m := range b.extra {
		modules = strings.Replace(modules, "</modules>", "<load module=\""+m+"\"/>\n</modules>", 1)
	}
	if v.noPost {
		modules = strings.Replace(modules, `<load module="mod_json_cdr"/>`, "", 1)
	}
	if err := os.WriteFile(path, []byte(modules), 0o600); err != nil { //nolint:gosec // a file of the run's own
		return "", fmt.Errorf("write the list of modules: %w", err)
	}
	if v.dialplan == "" {
		return dir, nil
	}
	if err := b.write(v.dialplan, filepath.Join(dir, "dialplan/maskline.xml")); err != nil {
		return "", err
	}
	return dir, nil
}

// write fills one of the templates in scenarios.
func (b *bench) write(name, path string) error {
	t, err := template.ParseFS(scenarios, "scenarios/"+name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	var out strings.Builder
	if err := t.Execute(&out, b.facts); err != nil {
		return fmt.Errorf("fill %s: %w", name, err)
	}
	if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// boot starts the switch of a variant and waits until its SIP profile is up.
func (b *bench) boot(ctx context.Context, v variant) (*child, error) {
	dir := filepath.Join(b.dir, "switch")
	for _, d := range []string{"log", "db", "run", "spool"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o750); err != nil {
			return nil, fmt.Errorf("make a directory of the switch: %w", err)
		}
	}
	in := func(d string) string { return filepath.Join(dir, d) }
	post := b.sink.port
	if v.maskline {
		post = b.facts.Intake
	}
	env := []string{
		"MASKLINE_SWITCH_NAME=bench", "MASKLINE_SIP_PORT=" + strconv.Itoa(b.facts.SIP), "MASKLINE_ESL_PORT=" + strconv.Itoa(b.facts.ESL), "MASKLINE_ESL_PASSWORD=" + eslPassword,
		"MASKLINE_RTP_START=20000", "MASKLINE_RTP_END=24000", "MASKLINE_CODECS=PCMU,PCMA", "MASKLINE_SPS=2000", "MASKLINE_MAX_SESSIONS=5000",
		"MASKLINE_TRUNKS_DIR=" + b.facts.Trunks, "MASKLINE_SPOOL_DIR=" + in("spool"), "MASKLINE_RECORDINGS_DIR=" + b.facts.Recordings,
		"MASKLINE_CDR_URL=http://127.0.0.1:" + strconv.Itoa(post) + "/switch/v1/cdr", "MASKLINE_CDR_PASSWORD=" + cdrPassword,
	}
	c, err := b.start("freeswitch", dir, env, b.fs.binary, "-nonat", "-nf", "-nc", "-np", "-conf", filepath.Join(b.dir, "conf-"+v.Key), "-log", in("log"), "-db", in("db"),
		"-run", in("run"), "-mod", b.fs.modules)
	if err != nil {
		return nil, err
	}
	for range 300 {
		if text, err := b.ask(ctx, "sofia", "status profile carrier"); err == nil && strings.Contains(text, "SIP-IP") {
			return c, nil
		}
		if err := b.pause(ctx, 100*time.Millisecond, c); err != nil {
			return nil, fmt.Errorf("FreeSWITCH: %w: %s", err, c.said())
		}
	}
	return nil, fmt.Errorf("FreeSWITCH is not ready after 30 s: %s", c.said())
}

// ask sends one api command over a connection of its own.
func (b *bench) ask(ctx context.Context, command, arg string) (string, error) {
	d := net.Dialer{Timeout: 2 * time.Second}
	c, err := d.DialContext(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(b.facts.ESL))
	if err != nil {
		return "", fmt.Errorf("event socket: %w", err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", fmt.Errorf("event socket: %w", err)
	}
	if _, err := fmt.Fprintf(c, "auth %s\n\napi %s %s\n\n", eslPassword, command, arg); err != nil {
		return "", fmt.Errorf("event socket: %w", err)
	}
	r := wire.NewReader(c)
	for {
		f, err := r.Next()
		if err != nil {
			return "", fmt.Errorf("event socket: %w", err)
		}
		if f.Type == wire.APIResponse {
			return string(f.Body), nil
		}
	}
}
