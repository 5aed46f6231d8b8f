package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// house is everything that runs: the database, the daemons, the switches and the customer's receiver. It lives through all rounds.
type house struct {
	dir, shared string
	program     string // maskline
	self        string // this program, which is also the switch
	ports       ports
	network     network
	database    *database
	daemons     []*daemon
	switches    []*gateway
	customer    *receiver
	lease       time.Duration

	axb, ax, axe, voice account
	// steady is each daemon's goroutines when nothing went on.
	steady []float64
}

// build starts a house of z.
func build(ctx context.Context, dir, program, self string, sqlite bool, net network, z size) (*house, error) {
	h := &house{dir: dir, shared: filepath.Join(dir, "shared"), program: program, self: self, lease: z.lease, network: net}
	if err := h.plan(sqlite, z); err != nil {
		return h, err
	}
	if err := h.database.boot(ctx); err != nil {
		return h, err
	}
	for _, g := range h.switches {
		if err := g.boot(ctx); err != nil {
			return h, err
		}
	}
	for _, d := range h.daemons { // one after the other: the first migrates
		if err := d.proc.start(); err != nil {
			return h, err
		}
		if err := d.ready(ctx, time.Minute); err != nil {
			return h, err
		}
	}
	if err := h.rent(ctx, z.voice); err != nil {
		return h, err
	}
	return h, h.measure(ctx)
}

// plan makes the files and ports of everything.
func (h *house) plan(sqlite bool, z size) error {
	err := os.MkdirAll(h.shared, 0o750)
	if err != nil {
		return fmt.Errorf("make the run's directory: %w", err)
	}
	if err := h.network.open(z.daemons, z.switches); err != nil {
		return err
	}
	if h.database, err = newDatabase(filepath.Join(h.dir, "database"), h.network.databaseHost(), sqlite, &h.ports); err != nil {
		return err
	}
	for i := range z.daemons {
		d, err := newDaemon(h.dir, fmt.Sprintf("d%d", i+1), h.network.daemonHost(i), &h.ports)
		if err != nil {
			return err
		}
		h.daemons = append(h.daemons, d)
	}
	for j := range z.switches {
		g, err := newGateway(h.dir, fmt.Sprintf("fs%d", j+1), h.network.switchHost(j), h.self, at(h.daemons[j%z.daemons].host, h.daemons[j%z.daemons].intake), &h.ports)
		if err != nil {
			return err
		}
		h.switches = append(h.switches, g)
	}
	for i, d := range h.daemons {
		if err := d.configure(h, i); err != nil {
			return err
		}
	}
	h.customer, err = newReceiver(h.network.customerHost())
	return err
}

// way is how the i-th daemon reaches a port of a host, and the address that it is given for it.
func (h *house) way(i int, host string, port int) (cutter, string, error) {
	if h.network.spaces {
		return newWay(host, h.network.daemonHost(i)), at(host, port), nil
	}
	near, err := h.ports.take()
	if err != nil {
		return nil, "", err
	}
	l, err := newLink(near, at(host, port))
	return l, addr(near), err
}

// clusterListen and clusterSection are what several daemons are told of each other.
func (h *house) clusterListen(d *daemon) string {
	if len(h.daemons) == 1 {
		return ""
	}
	return fmt.Sprintf(", peers: '%s'", at(d.host, d.peers))
}

func (h *house) clusterSection(d *daemon) string {
	if len(h.daemons) == 1 {
		return ""
	}
	return fmt.Sprintf("cluster: {name: %s, lease: %s, url: 'http://%s'}\n", d.name, h.lease, at(d.host, d.peers))
}

// rent makes a tenant with a price, his apps, numbers and bindings.
func (h *house) rent(ctx context.Context, voice bool) error {
	d := h.daemons[0]
	if err := d.tell(ctx, "/tenants", map[string]any{"name": "Crash"}, nil); err != nil {
		return err
	}
	if err := d.recharge(ctx, "Crash", "1000000"); err != nil {
		return err
	}
	price := map[string]any{"minute": "0.6", "increment": 6}
	if err := d.tell(ctx, "/prices", map[string]any{"name": "plain", "from": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339),
		"calls": map[string]any{"axb": price, "ax": price, "axe": price, modeNotice: price}}, nil); err != nil {
		return err
	}
	for _, a := range []struct {
		mode string
		into *account
	}{{"axb", &h.axb}, {"ax", &h.ax}, {"axe", &h.axe}, {"voice", &h.voice}} {
		in := map[string]any{"tenant": "Crash", "mode": a.mode, "name": a.mode, "record": true, "status_url": h.customer.url + "/status", "fee_url": h.customer.url + "/fee"}
		if a.mode == "voice" {
			in["settings"] = map[string]any{"voice": map[string]any{"rate": 50, "ports": 500}}
		}
		if err := d.tell(ctx, "/apps", in, a.into); err != nil {
			return err
		}
	}
	if err := h.number(ctx); err != nil {
		return err
	}
	if err := h.bind(ctx); err != nil {
		return err
	}
	if !voice {
		return nil
	}
	return h.prompt(ctx)
}

// number gives the apps their numbers.
func (h *house) number(ctx context.Context) error {
	var axb, ax []string
	for pair := 0; pair < 2*pairs; pair += perNumber {
		axb = append(axb, numberOf(pair))
	}
	for n := range axNumbers {
		ax = append(ax, axNumberOf(n))
	}
	for _, g := range []struct {
		app     account
		numbers []string
	}{{h.axb, axb}, {h.ax, ax}, {h.axe, []string{axeNumber}}, {h.voice, []string{voiceNumber}}} {
		if err := h.daemons[0].tell(ctx, "/numbers", map[string]any{"app": g.app.Key, "area": "0755", "numbers": g.numbers}, nil); err != nil {
			return err
		}
	}
	return nil
}

// bind orders all bindings as the tenant does.
func (h *house) bind(ctx context.Context) error {
	const atOnce = 8
	room := make(chan struct{}, atOnce)
	var work sync.WaitGroup
	var mu sync.Mutex
	var failed error
	order := func(a account, path string, body map[string]any) {
		room <- struct{}{}
		work.Go(func() {
			defer func() { <-room }()
			if _, err := a.order(ctx, at(h.daemons[0].host, h.daemons[0].api), path, body); err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
			}
		})
	}
	for pair := range 2 * pairs {
		body := map[string]any{"callerNum": callerOf(pair), "calleeNum": calleeOf(pair), "relationNum": numberOf(pair)}
		if pair >= pairs {
			body["recordFlag"] = "true"
		}
		order(h.axb, "/rest/caas/relationnumber/partners/v1.0", body)
	}
	for n := range axNumbers {
		order(h.ax, "/rest/provision/caas/privatenumber/v1.0", map[string]any{"origNum": axOwnerOf(n), "privateNum": axNumberOf(n)})
	}
	order(h.axe, "/rest/caas/extendnumber/v1.0", map[string]any{"virtualNum": axeNumber, "bindNum": axOwnerOf(0), "extendNum": "1234"})
	work.Wait()
	return failed
}

const noticePrompt = "crash_notice.wav"

// prompt uploads what notifications play, two seconds of it, and approves it.
func (h *house) prompt(ctx context.Context) error {
	var made struct {
		ID int64 `json:"id"`
	}
	if err := h.daemons[0].send(ctx, "/prompts?tenant=Crash&name="+noticePrompt, "audio/wav", bytes.NewReader(hum(2*time.Second)), &made); err != nil {
		return err
	}
	return h.daemons[0].tell(ctx, fmt.Sprintf("/prompts/%d/approve", made.ID), map[string]any{}, nil)
}

// hum is a WAV file of a tone, 16 bit at 8 kHz.
func hum(d time.Duration) []byte {
	n := int(d.Seconds() * 8000)
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("RIFF"), uint32(36+2*n))
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(le.AppendUint16(b, 1), 1)
	b = le.AppendUint32(le.AppendUint32(b, 8000), 16000)
	b = le.AppendUint16(le.AppendUint16(b, 2), 16)
	b = le.AppendUint32(append(b, "data"...), uint32(2*n))
	for i := range n {
		b = le.AppendUint16(b, uint16(int16(3000*math.Sin(float64(i)*2*math.Pi*440/8000))))
	}
	return b
}

// measure remembers what an idle daemon weighs.
func (h *house) measure(ctx context.Context) error {
	h.steady = nil
	for _, d := range h.daemons {
		n, err := d.metric(ctx, "go_goroutines")
		if err != nil {
			return fmt.Errorf("read the metrics of %s: %w", d.name, err)
		}
		h.steady = append(h.steady, n)
	}
	return nil
}

// close ends everything.
func (h *house) close() {
	for _, d := range h.daemons {
		if d.proc != nil {
			d.proc.stop(15 * time.Second)
		}
		d.close()
	}
	for _, g := range h.switches {
		g.proc.stop(5 * time.Second)
	}
	if h.database != nil {
		h.database.close()
	}
	if h.customer != nil {
		h.customer.close()
	}
	local.CloseIdleConnections()
	h.network.close()
}
