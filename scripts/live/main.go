// Command live tries the whole product against a real FreeSWITCH on loopback: the conformance suite, then masked calls between SIPp
// phones through switch and daemon, with every packet captured and read. `make live FREESWITCH=/path/to/freeswitch` runs it from the
// root of the repository; it needs bin/maskline, sipp and tshark, and root or the right to capture on lo.
//
// Processes are the nursery's (process.go), which ends each by its pid; one goroutine a scene, all ended before the packets are read.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// atMost bounds the calls of a run; what has not ended by then has failed.
const atMost = 6 * time.Minute

func main() {
	named := flag.String("freeswitch", os.Getenv("FREESWITCH"), "the FreeSWITCH `binary`; the one on PATH when empty")
	daemon := flag.String("maskline", "bin/maskline", "the daemon's `binary`")
	suite := flag.Bool("suite", true, "run the conformance suite as well")
	only := flag.String("only", "", "run only the scenes whose name holds this `text`, or one of several (a|b); crash and modecrash are the crashes")
	seed := flag.Uint64("seed", 0, "repeats the leak scenes of a run, which prints its `number`")
	keep := flag.Bool("keep", false, "keep the run's files even when all is well")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	ok, err := run(ctx, &lab{seed: leakSeed(*seed)}, *named, *daemon, *only, *suite, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "live:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, l *lab, named, daemon, only string, suite, keep bool) (ok bool, err error) {
	began := time.Now()
	if err := needTools(ctx); err != nil {
		return false, err
	}
	if l.fs, err = findSwitch(named); err != nil {
		return false, err
	}
	if l.repo, err = os.Getwd(); err != nil {
		return false, err
	}
	if l.daemon, err = filepath.Abs(daemon); err != nil {
		return false, err
	}
	if _, err := os.Stat(l.daemon); err != nil {
		return false, errors.New("no daemon to run: make build")
	}
	l.scripts = filepath.Join(l.repo, "scripts/sipp")
	if l.dir, err = os.MkdirTemp("", "maskline-live-"); err != nil {
		return false, err
	}
	defer func() {
		l.end()
		switch {
		case ok && err == nil && !keep:
			_ = os.RemoveAll(l.dir)
		default:
			fmt.Println("live: logs and the capture are in", l.dir)
		}
	}()
	if err := l.perform(ctx, only, suite); err != nil {
		return false, err
	}
	return l.table(time.Since(began)), nil
}

// perform runs everything and leaves the results.
func (l *lab) perform(ctx context.Context, only string, suite bool) error {
	var suiteEnds sync.WaitGroup
	if suite && only == "" {
		program, err := l.buildSuite(ctx)
		if err != nil {
			return err
		}
		suiteEnds.Go(func() { l.conform(ctx, program) })
	}
	shark, err := l.startCapture(ctx)
	if err != nil {
		return err
	}
	calls, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	all := []func(context.Context, string) (*house, error){l.manyCalls, l.deaths, l.otherModes, l.voiceHouse, l.recordHouse, l.twoDaemons, l.drainHouse, l.overloadHouse, l.leakHouse}
	houses, errs := make([]*house, len(all)), make([]error, len(all))
	var open sync.WaitGroup
	for i, f := range all {
		open.Go(func() { houses[i], errs[i] = f(calls, only) })
	}
	open.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	packets, err := shark.packets()
	if err != nil {
		return err
	}
	w := newWire(packets)
	for _, h := range houses {
		if len(h.stages)+len(h.placed) == 0 && h.queue == nil {
			continue
		}
		for _, s := range h.placed {
			s.judge(w)
			l.report(result{s.name, s.expect, s.faults, 0})
		}
		if h.queue != nil {
			l.report(h.queue.judge(w))
		}
		for _, s := range h.stages {
			s.judge(w)
			l.report(result{s.name, s.expect, s.faults, s.setup})
		}
		l.report(h.searchAll(ctx))
		l.report(h.counts(ctx))
		h.customer.close()
	}
	suiteEnds.Wait()
	return nil
}

// buildSuite compiles the conformance suite. That is done before any call, which it would starve.
func (l *lab) buildSuite(ctx context.Context) (string, error) {
	program := filepath.Join(l.dir, "suite.test")
	c, err := l.start("build", filepath.Join(l.dir, "build.log"), l.repo, nil, "go", "test", "-c", "-o", program, "./esl/esltest/live")
	if err != nil {
		return "", err
	}
	select {
	case <-c.ended:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if c.code() != 0 {
		return "", fmt.Errorf("the conformance suite cannot be built: %s", tailOf(filepath.Join(l.dir, "build.log"), 500))
	}
	return program, nil
}

// conform runs the conformance suite, which starts a switch of its own.
func (l *lab) conform(ctx context.Context, program string) {
	log := filepath.Join(l.dir, "suite.log")
	r := result{name: "conformance suite", want: "esl/esltest passes on this FreeSWITCH"}
	defer func() { l.report(r) }()
	c, err := l.start("suite", log, filepath.Join(l.repo, "esl/esltest/live"), []string{"MASKLINE_FREESWITCH=" + l.fs.binary, "MASKLINE_FREESWITCH_MOD=" + l.fs.modules},
		program, "-test.v", "-test.timeout=6m", "-test.run=TestLive")
	if err != nil {
		r.faults = append(r.faults, err.Error())
		return
	}
	select {
	case <-c.ended:
	case <-ctx.Done():
		c.stop(syscall.SIGINT, 20*time.Second)
	}
	if c.code() == 0 {
		return
	}
	b, _ := os.ReadFile(log) //nolint:gosec // the run's own file
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, "--- FAIL") {
			r.faults = append(r.faults, strings.TrimSpace(line))
		}
	}
	if len(r.faults) == 0 {
		r.faults = append(r.faults, "exit code", fmt.Sprint(c.code()), tail(b, 300))
	}
}

// wanted says whether a scene is to be run.
func wanted(s scene, only string) bool {
	return only == "" || slices.ContainsFunc(strings.Split(only, "|"), func(part string) bool { return strings.Contains(s.name, part) })
}

// manyCalls is the house in which calls of every kind run at once.
func (l *lab) manyCalls(ctx context.Context, only string) (*house, error) {
	h, err := l.newHouse("one")
	if err != nil {
		return nil, err
	}
	h.addTrunk("in", 0, ", addresses: [127.0.0.1/32], trust_caller: true")
	h.addTrunk("in-pai", 0, ", addresses: [127.0.0.3/32], trust_caller: true, caller_in: p-asserted-identity")
	h.addTrunk("in-untrusted", 0, ", addresses: [127.0.0.4/32]")
	for _, sc := range masked() {
		if !wanted(sc, only) {
			continue
		}
		if _, err := h.cast(sc); err != nil {
			return nil, err
		}
	}
	if len(h.stages) == 0 {
		return h, nil
	}
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	var calls sync.WaitGroup
	for _, s := range h.stages {
		calls.Go(func() { s.play(ctx) })
		select { // phones take a moment to start
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	calls.Wait()
	return h, nil
}

// deaths is the house of failovers and crashes.
func (l *lab) deaths(ctx context.Context, only string) (*house, error) {
	h, err := l.newHouse("two")
	if err != nil {
		return nil, err
	}
	h.sw.registrar = true
	h.addTrunk("in", 0, ", addresses: [127.0.0.1/32], trust_caller: true")
	h.addTrunk("device", 0, ", registers: device-1, register_key: "+deviceKey+", trust_caller: true")
	for i := range 3 {
		port, err := l.ports.take()
		if err != nil {
			return nil, err
		}
		h.shared = append(h.shared, port)
		h.addTrunk(fmt.Sprintf("f-%d", i+1), port, fmt.Sprintf(", order: %d", i+1))
	}
	for _, sc := range failovers() {
		sc.trunk = "f-1"
		if !wanted(sc, only) {
			continue
		}
		if _, err := h.cast(sc); err != nil {
			return nil, err
		}
	}
	inTurn := h.stages
	var crash crashes
	if only == "" || slices.Contains(strings.Split(only, "|"), "crash") {
		if crash, err = h.castCrashes(); err != nil {
			return nil, err
		}
	}
	if len(h.stages) == 0 {
		return h, nil
	}
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	for _, s := range inTurn {
		s.play(ctx)
	}
	if crash.rings != nil {
		crash.play(ctx)
	}
	return h, nil
}

// counts checks what the daemon counted.
func (h *house) counts(ctx context.Context) result {
	r := result{name: h.name + ": counters", want: "strangers counted; no panic, no overflow, no missing prompt"}
	for _, c := range []struct {
		begins string
		least  float64
		most   float64
	}{
		{"maskline_strangers_total", h.strangers(), 1000}, {"maskline_panics_total", 0, 0}, {"maskline_call_mailbox_overflows_total", 0, 0},
		{"maskline_prompts_missing_total", 0, 0}, {`maskline_leg_reports_dropped_total{why="unreadable"}`, 0, 0},
	} {
		n, err := h.metric(ctx, c.begins)
		if err != nil || n < c.least || n > c.most {
			r.faults = append(r.faults, fmt.Sprintf("%s is %.0f (%v)", c.begins, n, err))
		}
	}
	return r
}

// strangers is how many callers the daemon must have counted as such since it started last.
func (h *house) strangers() float64 {
	n := 0.0
	for _, s := range h.stages {
		if s.want.final == 403 {
			n++
		}
	}
	return n
}

// pushesTo is the customer that a scene's pushes go to.
func (h *house) pushesTo(s *stage) string {
	if s.mode != "" {
		return h.modes[s.mode].customer
	}
	return h.apps[s.place%len(h.apps)].customer
}

// table prints the results and says whether all are as they must be.
func (l *lab) table(took time.Duration) bool {
	failed := 0
	fmt.Printf("%-42s %-8s %8s  %s\n", "CASE", "RESULT", "SET-UP", "EXPECTED")
	for _, r := range l.results {
		word, setup := "ok", ""
		if len(r.faults) > 0 {
			word = "FAILED"
			failed++
		}
		if r.setup > 0 {
			setup = fmt.Sprintf("%d ms", r.setup.Milliseconds())
		}
		fmt.Printf("%-42s %-8s %8s  %s\n", r.name, word, setup, r.want)
		for i, f := range r.faults {
			if i == 6 {
				fmt.Printf("    … and %d more\n", len(r.faults)-i)
				break
			}
			fmt.Println("    " + f)
		}
	}
	fmt.Printf("live: %d cases, %d failed, %d s\n", len(l.results), failed, int(took.Seconds()))
	return failed == 0
}
