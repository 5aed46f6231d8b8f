package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// daemon is one `maskline serve`, with links of its own to the database and to each switch.
type daemon struct {
	name                      string
	dir                       string
	host                      string
	api, admin, intake, peers int
	config                    string
	proc                      *process
	database                  cutter // nil for SQLite
	switches                  []cutter
}

const (
	adminToken = "crash-admin-token-0123456789"
	sealingKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// settings of the daemons that the checker relies on.
const (
	longestTalk = time.Minute
	recordWait  = 10 * time.Second
)

// newDaemon gives a daemon its ports.
func newDaemon(dir, name, host string, p *ports) (*daemon, error) {
	d := &daemon{name: name, dir: filepath.Join(dir, name), host: host}
	if err := os.MkdirAll(d.dir, 0o750); err != nil {
		return nil, fmt.Errorf("make a daemon's directory: %w", err)
	}
	for _, port := range []*int{&d.api, &d.admin, &d.intake, &d.peers} {
		var err error
		if *port, err = p.take(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// configure writes the configuration of the i-th daemon of the house and opens its links.
func (d *daemon) configure(h *house, i int) error {
	databaseAt := ""
	if h.database.proc != nil {
		var err error
		if d.database, databaseAt, err = h.way(i, h.network.databaseHost(), h.database.port); err != nil {
			return err
		}
	}
	var switches []string
	for j, g := range h.switches {
		l, eslAt, err := h.way(i, h.network.switchHost(j), g.esl)
		if err != nil {
			return err
		}
		d.switches = append(d.switches, l)
		spool := ""
		if j%len(h.daemons) == i {
			spool = ", spool: " + g.spool
		}
		switches = append(switches, fmt.Sprintf("{name: %s, addr: '%s', password: %s%s}", g.name, eslAt, eslPassword, spool))
	}
	text := fmt.Sprintf(`%[1]s
keys: [{id: k1, key: %[2]s}]
listen: {api: '%[3]s', admin: '%[4]s', intake: '%[5]s'%[6]s}
admin: {tokens: [{name: crash, token: %[7]s}]}
intake: {password: %[8]s, spool: %[9]s/posted}
switches: [%[10]s]
trunks: [{name: carrier-a, addresses: [127.0.0.0/8], trust_caller: true, proxy: '127.0.0.1:5090'}]
media: {prompts: %[11]s/prompts, tenants: %[11]s/tenants, uploads: %[11]s/uploads, recordings: %[11]s/recordings, record_wait: %[12]s}
speech: {dir: %[11]s/speech}
delivery: {allow: [127.0.0.0/8, '%[15]s'], calendar: [1s, 2s, 4s, 8s, 15s, 30s], voice_calendar: [1s, 2s, 4s, 8s, 15s, 30s], batch_wait: 200ms, dead_files: %[9]s/dead}
call: {max_talk: %[13]s}
binding: {cool_off: 0s}
schedule: {rate: '@every 3s'}
tls: {dir: %[9]s/tls}
log: {level: info}
drain: 5s
%[14]s`, h.database.config(databaseAt), sealingKey, at(d.host, d.api), at(d.host, d.admin), at(d.host, d.intake), h.clusterListen(d), adminToken, cdrPassword, d.dir,
		strings.Join(switches, ", "), h.shared, recordWait, longestTalk, h.clusterSection(d), spaceNet)
	d.config = filepath.Join(d.dir, "maskline.yaml")
	if err := os.WriteFile(d.config, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write a daemon's configuration: %w", err)
	}
	program, args := h.network.command(i, h.program, "serve", "--config", d.config)
	d.proc = &process{name: d.name, log: filepath.Join(d.dir, "log"), dir: d.dir, program: program, args: args,
		env: []string{"GOTRACEBACK=all"}}
	return nil
}

// ready waits until the daemon says that it is.
func (d *daemon) ready(ctx context.Context, within time.Duration) error {
	err := eventually(within, d.name, func() error {
		return exchange(ctx, http.MethodGet, "http://"+at(d.host, d.admin)+"/readyz", nil, nil, nil)
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, d.proc.tail(1500))
	}
	return nil
}

// tell posts to the admin API.
func (d *daemon) tell(ctx context.Context, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return d.send(ctx, path, "application/json", bytes.NewReader(b), out)
}

func (d *daemon) send(ctx context.Context, path, kind string, body io.Reader, out any) error {
	return exchange(ctx, http.MethodPost, "http://"+at(d.host, d.admin)+"/admin/v1"+path, body,
		http.Header{"Authorization": {"Bearer " + adminToken}, "Content-Type": {kind}}, out)
}

// recharge lets a tenant have money, so that no round ends in arrears.
func (d *daemon) recharge(ctx context.Context, tenant, amount string) error {
	return exchange(ctx, http.MethodPost, "http://"+at(d.host, d.admin)+"/admin/v1/tenants/"+tenant+"/recharge", strings.NewReader(`{"amount":"`+amount+`"}`),
		http.Header{"Authorization": {"Bearer " + adminToken}, "Content-Type": {"application/json"}, "Idempotency-Key": {"crash"}}, nil)
}

// metric reads one metric, summed over its labels.
func (d *daemon) metric(ctx context.Context, name string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at(d.host, d.admin)+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	res, err := local.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	sum, lines := 0.0, bufio.NewScanner(res.Body)
	for lines.Scan() {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, name); ok && rest != "" && (rest[0] == ' ' || rest[0] == '{') {
			v, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
			if err != nil {
				return 0, fmt.Errorf("metric %s: %w", name, err)
			}
			sum += v
		}
	}
	return sum, lines.Err()
}

func (d *daemon) close() {
	for _, l := range append([]cutter{d.database}, d.switches...) {
		if l != nil {
			l.close()
		}
	}
}
