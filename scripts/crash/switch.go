package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"maskline/esl/sim"
)

// gateway is one simulated switch, a process of its own: this program with other arguments.
type gateway struct {
	name    string
	host    string // of its event socket
	esl     int    // its event socket's port
	control int
	journal string // its own record of its legs
	spool   string
	proc    *process
}

const (
	eslPassword = "crash-esl-password" //nolint:gosec // of a switch that lives for minutes, on this machine
	cdrPassword = "crash-cdr-password" //nolint:gosec // likewise
	asSwitch    = "switch"             // the hidden mode of this program
)

// newGateway describes a switch that posts its legs' records to an intake.
func newGateway(dir, name, host, program, intake string, p *ports) (*gateway, error) {
	g := &gateway{name: name, host: host, journal: filepath.Join(dir, name+".journal"), spool: filepath.Join(dir, name+"-spool")}
	if err := os.MkdirAll(g.spool, 0o750); err != nil {
		return nil, fmt.Errorf("make a switch's spool: %w", err)
	}
	for _, port := range []*int{&g.esl, &g.control} {
		var err error
		if *port, err = p.take(); err != nil {
			return nil, err
		}
	}
	g.proc = &process{name: name, log: filepath.Join(dir, name+".log"), dir: dir, program: program, env: []string{asSwitchEnv + "=1"},
		args: []string{asSwitch, "-name", name, "-host", host, "-esl", strconv.Itoa(g.esl), "-control", strconv.Itoa(g.control), "-journal", g.journal,
			"-spool", g.spool, "-post", "http://" + intake + "/switch/v1/cdr"}}
	return g, nil
}

// asSwitchEnv lets a test's program be a switch as well.
const asSwitchEnv = "MASKLINE_CRASH_SWITCH"

// boot starts the switch and waits until it takes calls.
func (g *gateway) boot(ctx context.Context) error {
	if err := g.proc.start(); err != nil {
		return err
	}
	return eventually(10*time.Second, g.name, func() error {
		_, err := g.legs(ctx)
		return err
	})
}

var local = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// call places a call and gives its leg.
func (g *gateway) call(ctx context.Context, script sim.CallScript) (leg string, err error) {
	b, err := json.Marshal(script)
	if err != nil {
		return "", err
	}
	var placed struct {
		Leg string `json:"leg"`
	}
	err = exchange(ctx, http.MethodPost, "http://"+addr(g.control)+"/sim/calls?wait=no", bytes.NewReader(b), nil, &placed)
	return placed.Leg, err
}

// legs is how many legs are up.
func (g *gateway) legs(ctx context.Context) (int, error) {
	var up []json.RawMessage
	err := exchange(ctx, http.MethodGet, "http://"+addr(g.control)+"/sim/calls", nil, nil, &up)
	return len(up), err
}

// runSwitch is the hidden mode: a simulated switch until it is ended.
func runSwitch(args []string) error {
	f := flag.NewFlagSet(asSwitch, flag.ContinueOnError)
	name := f.String("name", "", "")
	host := f.String("host", "127.0.0.1", "")
	esl := f.Int("esl", 0, "")
	control := f.Int("control", 0, "")
	journal := f.String("journal", "", "")
	spool := f.String("spool", "", "")
	post := f.String("post", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	out, err := os.OpenFile(*journal, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	defer func() { _ = out.Close() }()
	write := func(e sim.Entry) { // one write a line: it outlives the process from then on
		b, err := json.Marshal(e)
		if err == nil {
			_, err = out.Write(append(b, '\n'))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "journal:", err)
		}
	}
	write(sim.Entry{What: "start", At: time.Now()})
	sw := sim.New(sim.Options{Hostname: *name, Password: eslPassword, Journal: write, MaxCalls: 5000,
		CDR: sim.CDR{URL: *post, User: "switch", Password: cdrPassword, Spool: *spool}})
	defer func() { _ = sw.Close() }()
	sw.SetPhone(sim.Phone{Rings: time.Second, HangsUpAfter: 4 * time.Second}) // whom the platform calls itself
	if _, err := sw.Listen(at(*host, *esl)); err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr(*control)) //nolint:noctx // at once
	if err != nil {
		return fmt.Errorf("open the control port: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	server := &http.Server{Handler: sim.Control(sw), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
