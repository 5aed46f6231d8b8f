package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// gate stands between a switch and the intake to which it posts its records, and can be open, shut, or a hole: it accepts and never answers.
// A goroutine for each connection ends with it.
type gate struct {
	net.Listener
	to     string
	hole   atomic.Bool
	shut   atomic.Bool
	taken  atomic.Int64 // connections while it was a hole
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func newGate(ctx context.Context, to string) (*gate, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return nil, fmt.Errorf("open the gate of the records: %w", err)
	}
	g := &gate{Listener: l, to: to}
	g.ctx, g.cancel = context.WithCancel(ctx)
	g.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			g.wg.Go(func() { g.serve(c) })
		}
	})
	return g, nil
}

func (g *gate) close() {
	g.cancel()
	_ = g.Close()
	g.wg.Wait()
}

func (g *gate) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(g.ctx, func() { _ = c.Close() })()
	switch {
	case g.shut.Load():
		return
	case g.hole.Load():
		g.taken.Add(1)
		for { // until the switch gives up by itself, or the gate closes
			if _, err := c.Read(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}
	d := net.Dialer{Timeout: 2 * time.Second}
	s, err := d.DialContext(g.ctx, "tcp", g.to)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	defer context.AfterFunc(g.ctx, func() { _ = s.Close() })()
	answered := make(chan struct{})
	go func() { defer close(answered); pour(c, s); _ = c.Close() }()
	pour(s, c)
	_ = s.Close()
	<-answered
}

func pour(to, from net.Conn) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// records are calls whose records the switch posts well, to a wrong password, to nobody, and to one who never answers. The daemon does not see
// the switch's spool: maskline spool hands it over, as from another machine.
type records struct {
	h                   *house
	gate                *gate
	posted, wrong, away *stage
	before, hung        []*stage // the same calls without and with a receiver that never answers
}

// atOnce is how many calls end while the receiver hangs.
const atOnce = 8

func (l *lab) recordHouse(ctx context.Context, only string) (*house, error) {
	h, err := l.newHouse("five")
	if err != nil {
		return nil, err
	}
	r := &records{h: h}
	if err := r.cast(only); err != nil || len(h.stages) == 0 {
		return h, err
	}
	if r.gate, err = newGate(ctx, "127.0.0.1:"+strconv.Itoa(h.sw.intake)); err != nil {
		return nil, err
	}
	defer r.gate.close()
	_, port, err := net.SplitHostPort(r.gate.Addr().String())
	if err != nil {
		return nil, err
	}
	if h.sw.posts, err = strconv.Atoi(port); err != nil {
		return nil, err
	}
	h.unseen = true
	h.addTrunk("in", 0, ", addresses: [127.0.0.1/32], trust_caller: true")
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	r.play(ctx)
	return h, nil
}

func (r *records) cast(only string) error {
	talks := func(s float64) want { return want{final: 200, events: answered, hungUpBy: 1, talk: sec(s)} }
	one := func(name, expect string) (*stage, error) {
		sc := scene{name: name, expect: expect, caller: phone{scenario: "caller-plain", talk: sec(3)}, callee: []phone{{scenario: "callee-answer", ring: sec(1)}}, want: talks(3)}
		if !wanted(sc, only) {
			return nil, nil
		}
		return r.h.cast(sc)
	}
	var errs [3]error
	r.posted, errs[0] = one("cdr: posted", "both legs' records are taken, none is spooled")
	r.wrong, errs[1] = one("cdr: wrong password", "refused and spooled; handed over later; told once")
	r.away, errs[2] = one("cdr: nobody listens", "spooled; handed over later; told once")
	for i := range 2 * atOnce {
		name, expect, list := "cdr: receiver answers", "the measure for the next", &r.before
		if i >= atOnce {
			name, expect, list = "cdr: receiver never answers", "set-up as before, end told within 5 s, no thread left", &r.hung
		}
		s, err := one(fmt.Sprintf("%s %d", name, i%atOnce+1), expect)
		if err != nil {
			return err
		}
		if s == nil {
			continue
		}
		s.extra = func(e *evidence) {
			if e.setup > time.Second {
				e.fault("B was called %s after A had called", e.setup)
			}
		}
		*list = append(*list, s)
	}
	return errors.Join(errs[:]...)
}

func (r *records) play(ctx context.Context) {
	h := r.h
	if s := r.posted; s != nil {
		r.call(ctx, s)
		if n, err := h.metric(ctx, `maskline_leg_reports_total{way="post"}`); err != nil || n < 2 {
			s.fault("%.0f records were taken (%v)", n, err)
		}
		r.spooled(s, 0)
	}
	if s := r.wrong; s != nil {
		r.password(ctx, s, "another-password")
		r.call(ctx, s)
		r.spooled(s, 2)
		if !strings.Contains(tailOf(h.in("maskline.log"), 1<<20), "wrong user or password") {
			s.fault("the daemon does not say that it refused a record")
		}
		r.password(ctx, s, cdrPassword)
		r.handOver(ctx, s)
	}
	if s := r.away; s != nil {
		r.gate.shut.Store(true)
		r.call(ctx, s)
		r.spooled(s, 2)
		r.gate.shut.Store(false)
		r.handOver(ctx, s)
	}
	if len(r.before) > 0 {
		told, most := r.timed(ctx, r.before)
		fmt.Printf("live: records to a receiver that answers: ends told after %s, at most %d threads\n", told, most)
	}
	if len(r.hung) > 0 {
		r.hang(ctx)
	}
}

// hang makes calls end while nobody answers the switch's posts.
func (r *records) hang(ctx context.Context) {
	s := r.hung[0]
	threads := r.threads()
	r.gate.hole.Store(true)
	told, most := r.timed(ctx, r.hung)
	fmt.Printf("live: records to a receiver that never answers: ends told after %s, %d threads before and %d at most, %d posts begun\n", told, threads, most, r.gate.taken.Load())
	for i, d := range told {
		if d > 5*time.Second {
			r.hung[i].fault("its end was told %s after it", d)
		}
	}
	if r.gate.taken.Load() == 0 {
		s.fault("nothing was posted: the scene tries nothing")
	}
	if most > threads+3*atOnce+8 { // what the calls themselves take: two legs, and one that carries the sound
		s.fault("%d threads of %d before", most, threads)
	}
	r.gate.hole.Store(false)
	for deadline := time.Now().Add(30 * time.Second); r.threads() > threads+3 && time.Now().Before(deadline); {
		if !pause(ctx, 0.5) {
			return
		}
	}
	if n := r.threads(); n > threads+3 {
		s.fault("%d threads are left of %d before", n, threads)
	}
	r.handOver(ctx, s)
}

// timed plays calls a little apart and gives how long after its end each was told, and the most threads that the switch had.
func (r *records) timed(ctx context.Context, list []*stage) (told []time.Duration, threads int) {
	told = make([]time.Duration, len(list))
	for _, s := range list {
		s.ready(ctx)
	}
	over := make(chan struct{})
	var calls sync.WaitGroup
	for i, s := range list {
		calls.Go(func() { told[i] = r.call(ctx, s) })
		if !pause(ctx, 0.25) {
			break
		}
	}
	go func() { defer close(over); calls.Wait() }()
	for {
		threads = max(threads, r.threads())
		select {
		case <-over:
			slices.Sort(told)
			return told, threads
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// call plays one scene and gives how long after the caller's end all was told.
func (r *records) call(ctx context.Context, s *stage) time.Duration {
	defer s.clear()
	if s.id == "" {
		s.ready(ctx)
	}
	if !s.dial(ctx) {
		return 0
	}
	if err := s.a.wait(ctx, patience); err != nil {
		s.fault("%s", err)
		return 0
	}
	ended := time.Now()
	s.finish(ctx)
	return time.Since(ended).Round(10 * time.Millisecond)
}

// threads is how many threads the switch has.
func (r *records) threads() int {
	entries, err := os.ReadDir("/proc/" + strconv.Itoa(r.h.sw.cmd.Process.Pid) + "/task")
	if err != nil {
		return 0
	}
	return len(entries)
}

// spooled looks whether so many records lie in the switch's spool, or that there is none.
func (r *records) spooled(s *stage, least int) {
	n := 0
	for deadline := time.Now().Add(6 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(r.h.sw.in("spool"), "*.json"))
		if err != nil {
			s.fault("%s", err)
		}
		if n = len(files); n >= cmp.Or(least, n) && (least > 0 || n == 0) || time.Now().After(deadline) {
			break
		}
	}
	if n < least || least == 0 && n > 0 {
		s.fault("%d records are spooled", n)
	}
}

// handOver runs maskline spool until nothing is left.
func (r *records) handOver(ctx context.Context, s *stage) {
	secret := r.h.in("cdr.password")
	if err := os.WriteFile(secret, []byte(cdrPassword+"\n"), 0o600); err != nil {
		s.fault("%s", err)
		return
	}
	out, err := r.h.maskline(ctx, "spool", r.h.sw.in("spool"), "--to", "http://127.0.0.1:"+strconv.Itoa(r.h.sw.intake), "--password-file", secret, "--once")
	if err != nil {
		s.fault("maskline spool: %s: %s", err, out)
	}
	r.spooled(s, 0)
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		n, err := r.h.metric(ctx, "maskline_spool_held")
		if err == nil && n == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.fault("%.0f records wait at the daemon (%v)", n, err)
			return
		}
	}
}

// password starts the daemon again with another intake.password.
func (r *records) password(ctx context.Context, s *stage, to string) {
	b, err := os.ReadFile(r.h.config)
	if err != nil {
		s.fault("%s", err)
		return
	}
	text := string(b)
	for _, old := range []string{"another-password", cdrPassword} {
		text = strings.Replace(text, "intake: {password: "+old, "intake: {password: "+to, 1)
	}
	if err := os.WriteFile(r.h.config, []byte(text), 0o600); err != nil { //nolint:gosec // the run's own file
		s.fault("%s", err)
	}
	r.h.proc.stop(syscall.SIGTERM, 15*time.Second)
	if err := r.h.serve(ctx); err != nil {
		s.fault("%s", err)
	}
}

func pause(ctx context.Context, seconds float64) bool {
	select {
	case <-time.After(sec(seconds)):
		return true
	case <-ctx.Done():
		return false
	}
}
