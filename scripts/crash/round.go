package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// outcome is what a round came to.
type outcome struct {
	calls, sessions int
	findings        []string
	repeated        int
	known           map[string]int
	took            time.Duration
}

// round is one round under way.
type round struct {
	h     *house
	s     schedule
	began time.Time
	seq   int64

	mu     sync.Mutex
	struck []struck
	notes  []string
	calls  int
	body   []sync.Mutex
}

// play carries a schedule out and checks it.
func (h *house) play(ctx context.Context, s schedule) (outcome, error) {
	db, err := h.database.reader()
	if err != nil {
		return outcome{}, err
	}
	r := &round{h: h, s: s, began: time.Now(), body: make([]sync.Mutex, len(h.daemons))}
	if r.seq, err = lastSession(ctx, db); err != nil {
		return outcome{}, fmt.Errorf("begin a round: %w", err)
	}
	h.customer.forget()
	var work sync.WaitGroup
	for _, k := range s.strikes {
		work.Go(func() {
			if !r.until(ctx, k.at) {
				return
			}
			r.strike(ctx, k)
		})
	}
	r.load(ctx)
	work.Wait()
	if ctx.Err() != nil {
		return outcome{}, ctx.Err()
	}
	o := outcome{calls: r.calls, findings: r.notes}
	for _, d := range h.daemons {
		if err := d.ready(ctx, 30*time.Second); err != nil {
			return o, err
		}
	}
	o.findings = append(o.findings, r.quiet(ctx)...)
	err = r.judge(ctx, &o)
	o.took = time.Since(r.began)
	return o, err
}

// until waits for a moment of the round.
func (r *round) until(ctx context.Context, at time.Duration) bool {
	timer := time.NewTimer(time.Until(r.began.Add(at)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *round) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// load places the calls, each at its moment.
func (r *round) load(ctx context.Context) {
	var work sync.WaitGroup
	for i := range r.s.calls {
		if !r.until(ctx, r.s.calls[i].at) {
			break
		}
		work.Go(func() { r.place(ctx, &r.s.calls[i]) })
	}
	work.Wait()
}

// place places one call. A switch that is dead, or a daemon that does not answer, has none.
func (r *round) place(ctx context.Context, p *placed) {
	var err error
	if p.kind == notice {
		p.session, err = r.notify(ctx, p.notify)
	} else {
		p.leg, err = r.h.switches[p.sw].call(ctx, p.script)
	}
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
}

// notify orders a notification from the first daemon that answers.
func (r *round) notify(ctx context.Context, to string) (session string, err error) {
	body := map[string]any{"displayNbr": voiceNumber, "calleeNbr": to, "playInfoList": []any{map[string]any{"notifyVoice": noticePrompt}}}
	for _, d := range r.h.daemons {
		if session, err = r.h.voice.order(ctx, at(d.host, d.api), "/rest/httpsessions/callnotify/v2.0", body); err == nil {
			return session, nil
		}
	}
	return "", err
}

// strike does one fault and undoes it.
func (r *round) strike(ctx context.Context, k strike) {
	h := r.h
	if k.owner {
		k.daemon = r.ownerOf(ctx, k.sw, k.daemon)
	}
	d := h.daemons[k.daemon]
	if k.what == killDaemon || k.what == freezeDaemon { // the same one is not killed while it sleeps
		r.body[k.daemon].Lock()
		defer r.body[k.daemon].Unlock()
	}
	s := struck{strike: k, name: h.switches[k.sw].name, from: time.Now()}
	wait := func() { r.until(ctx, time.Since(r.began)+k.lasts) }
	var err error
	switch k.what {
	case killDaemon:
		d.proc.kill()
		wait()
		err = r.revive(ctx, d)
	case freezeDaemon:
		d.proc.signal(syscall.SIGSTOP)
		wait()
		d.proc.signal(syscall.SIGCONT)
	case killDatabase:
		h.database.proc.kill()
		err = h.database.boot(ctx)
	case killSwitch:
		g := h.switches[k.sw]
		g.proc.kill()
		wait()
		err = g.boot(ctx)
	case cutDatabase:
		d.database.sever(k.silent)
		wait()
		d.database.mend()
	case cutSwitch:
		d.switches[k.sw].sever(k.silent)
		wait()
		d.switches[k.sw].mend()
	}
	if err != nil {
		r.note("%s: %v", k, err)
	}
	s.to = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.struck = append(r.struck, s)
}

// ownerOf is the daemon that runs a switch by what the leases say; another one if nobody does, or the database does not answer.
func (r *round) ownerOf(ctx context.Context, sw, other int) int {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	db, err := r.h.database.reader()
	if err != nil {
		return other
	}
	var holder string
	if err := db.QueryRowContext(ctx, "SELECT holder FROM leases WHERE name = ?", "switch/"+r.h.switches[sw].name).Scan(&holder); err != nil {
		return other
	}
	for i, d := range r.h.daemons {
		if holder == d.name || strings.HasPrefix(holder, d.name+"/") || strings.HasPrefix(holder, d.name+" ") {
			return i
		}
	}
	return other
}

// revive starts a daemon, again if it ends because the database is away, as an init system does.
func (r *round) revive(ctx context.Context, d *daemon) error {
	var err error
	for range 20 {
		if err = d.proc.start(); err != nil {
			return err
		}
		ready := eventually(30*time.Second, d.name, func() error {
			if !d.proc.up() {
				return nil
			}
			return exchange(ctx, http.MethodGet, "http://"+at(d.host, d.admin)+"/readyz", nil, nil, nil)
		})
		if d.proc.up() {
			return ready
		}
		time.Sleep(500 * time.Millisecond)
	}
	return fmt.Errorf("%s does not stay up: %s", d.name, d.proc.tail(800))
}

// quietIn bounds how long a round may take to come to rest: the longest ring and talk, the records of calls that nobody saw (60 s), the
// calendar of pushes (30 s).
const quietIn = 150 * time.Second

// quiet waits until nothing goes on, and gives what still does after quietIn.
func (r *round) quiet(ctx context.Context) []string {
	var still []string
	err := eventually(quietIn, "quiet", func() error {
		still = r.unquiet(ctx)
		if len(still) > 0 && ctx.Err() == nil {
			time.Sleep(500 * time.Millisecond)
			return fmt.Errorf("%s", strings.Join(still, "; "))
		}
		return nil
	})
	if err == nil {
		return nil
	}
	for i := range still {
		still[i] = "left over: " + still[i]
	}
	return still
}

// unquiet lists what is left of the round.
func (r *round) unquiet(ctx context.Context) (what []string) {
	db, err := r.h.database.reader()
	if err != nil {
		return []string{err.Error()}
	}
	for _, g := range r.h.switches {
		if n, err := g.legs(ctx); err != nil || n > 0 {
			what = append(what, fmt.Sprintf("%d legs on %s", n, g.name))
		}
	}
	counts, err := left(ctx, db)
	if err != nil {
		return append(what, err.Error())
	}
	for name, n := range counts {
		what = append(what, fmt.Sprintf("%d %s", n, name))
	}
	owned, err := leases(ctx, db, r.h.switches)
	if err != nil {
		return append(what, err.Error())
	}
	what = append(what, owned...)
	if files := strays(r.h); len(files) > 0 {
		what = append(what, fmt.Sprintf("%d files such as %s", len(files), files[0]))
	}
	slices.Sort(what)
	return what
}

// judge reads the three sources and compares them.
func (r *round) judge(ctx context.Context, o *outcome) error {
	db, err := r.h.database.reader()
	if err != nil {
		return err
	}
	c := &check{sched: r.s, heard: r.h.customer.heard, struck: r.struck, files: filepath.Join(r.h.shared, "recordings")}
	if c.rows, err = load(ctx, db, r.seq); err != nil {
		return err
	}
	for _, g := range r.h.switches {
		calls, err := readJournal(g, r.began)
		if err != nil {
			return err
		}
		c.seen = append(c.seen, calls...)
	}
	c.run()
	o.sessions, o.repeated, o.known = len(c.rows.sessions), c.repeated, c.known
	o.findings = append(o.findings, c.findings...)
	if r.h.customer.unread > 0 {
		o.findings = append(o.findings, fmt.Sprintf("%d pushes could not be read", r.h.customer.unread))
	}
	o.findings = append(o.findings, r.weigh(ctx)...)
	return nil
}

// spare is by how many goroutines a daemon may differ from one that is idle: connections that are kept for a while (32 to the database, and those
// to the customer), and a lane or switch each that it has taken over from others. A leak of one a call would be many more.
const spare = 100

// heldIn is how long a daemon may still wait for the record of a call that another has ended meanwhile.
const heldIn = time.Minute

// weigh looks whether a daemon has grown, and holds what it should not.
func (r *round) weigh(ctx context.Context) (found []string) {
	for i, d := range r.h.daemons {
		var n float64
		err := eventually(20*time.Second, "few goroutines", func() error {
			var err error
			if n, err = d.metric(ctx, "go_goroutines"); err == nil && n > r.h.steady[i]+spare {
				err = fmt.Errorf("%.0f of them, %.0f when it was idle", n, r.h.steady[i])
			}
			return err
		})
		if err != nil {
			found = append(found, d.name+": "+err.Error())
		}
		for _, gauge := range []string{"maskline_calls_live", "maskline_trunk_channels_held", "maskline_spool_held"} {
			err := eventually(heldIn, gauge+" of 0", func() error {
				n, err := d.metric(ctx, gauge)
				if err == nil && n != 0 {
					err = fmt.Errorf("it is %.0f", n)
				}
				return err
			})
			if err != nil {
				found = append(found, d.name+": "+err.Error())
			}
		}
	}
	return found
}
