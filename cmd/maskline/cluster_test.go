package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models/store"
	"maskline/web/admin"
)

// pair is two daemons in processes of their own, one database, and two simulated switches that outlive them.
type pair struct {
	a, b *process
	sw   [2]*sim.Switch
	st   *store.Store
}

func openPair(t *testing.T) *pair {
	t.Helper()
	dir, peers := t.TempDir(), []string{freePort(t), freePort(t)}
	p := &pair{}
	var switches []string
	for i := range p.sw {
		name := fmt.Sprintf("fs%d", i+1)
		spool := t.TempDir()
		p.sw[i] = sim.New(sim.Options{Hostname: name, Password: "esl-password", CDR: sim.CDR{Spool: spool}})
		at, err := p.sw[i].Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.sw[i].Close() })
		switches = append(switches, fmt.Sprintf("{name: %s, addr: %q, password: esl-password, spool: %q}", name, at, spool))
	}
	for i, d := range []**process{&p.a, &p.b} {
		*d = openProcess(t, fmt.Sprintf("database: {driver: sqlite, dsn: '%s'}\nlisten: {peers: '127.0.0.1:%s'}\nSWITCHES", filepath.Join(dir, "m.db"), peers[i]))
		(*d).rewrite(func(text string) string {
			text = strings.Replace(text, "listen: {api: '127.0.0.1:0'", "listen: {peers: '127.0.0.1:"+peers[i]+"', api: '127.0.0.1:0'", 1)
			text = strings.Replace(text, "listen: {peers: '127.0.0.1:"+peers[i]+"'}\n", "", 1)
			head, _, _ := strings.Cut(text, "SWITCHES")
			return head + "switches: [" + strings.Join(switches, ", ") + "]\n"
		})
	}
	p.st = p.a.open()
	return p
}

// owners are the switches that each daemon says it has, by the daemon's place.
func (p *pair) owners(through *process) (of [2][]string) {
	var list admin.List[admin.Daemon]
	through.ask(&list, "daemon", "list")
	for _, d := range list.Items {
		for i, is := range []*process{p.a, p.b} {
			if strings.HasSuffix(d.Name, is.admin[strings.LastIndexByte(is.admin, ':'):]) {
				of[i] = d.Switches
			}
		}
	}
	return of
}

func (p *pair) await(through *process, what string, a, b []string) {
	through.t.Helper()
	through.await(what, func() error {
		if of := p.owners(through); !slices.Equal(of[0], a) || !slices.Equal(of[1], b) {
			return fmt.Errorf("%v", of)
		}
		return nil
	})
}

// records waits for n records and checks that each session has one, with one disconnect event.
func (p *pair) records(through *process, n int64) []admin.CDR {
	through.t.Helper()
	var records admin.List[admin.CDR]
	through.await("the records", func() error {
		through.ask(&records, "cdr", "list")
		if records.Total != n {
			return fmt.Errorf("%d records", records.Total)
		}
		return nil
	})
	for _, r := range records.Items {
		var call admin.Call
		through.ask(&call, "call", "show", r.SessionID)
		count := map[string]int{}
		for _, e := range call.Events {
			count[e.Type]++
		}
		if count["disconnect"] != 1 || count["callin"] != 1 || count["answer"] > 1 {
			through.t.Errorf("events of %s: %v", r.SessionID, count)
		}
	}
	return records.Items
}

// A call that one daemon carries is ended through the other. When the first is killed the other has its switches, the call whose B rang goes on,
// and new calls are taken. One that was frozen meanwhile and wakes says nothing more to a switch.
func TestTwoDaemons(t *testing.T) {
	p := openPair(t)
	callers, callees, x := bind(t, p.st, 4)
	p.a.begin()
	p.await(p.a, "all switches", []string{"fs1", "fs2"}, nil)
	p.b.begin()

	line := p.a.call(p.sw[0], callers[0], callees[0], x[0], sim.Phone{HangsUpAfter: time.Minute}, true)
	var live admin.List[admin.Call]
	p.b.ask(&live, "call", "list")
	if live.Total != 1 {
		t.Fatalf("live calls: %+v", live)
	}
	var stopped admin.Count
	p.b.ask(&stopped, "call", "stop", live.Items[0].SessionID)
	<-line.Done()
	if r := p.records(p.b, 1)[0]; r.State != 8017 {
		t.Errorf("record of the stopped call: %+v", r)
	}

	rings := p.a.call(p.sw[1], callers[1], callees[1], x[1], sim.Phone{Rings: 8 * time.Second, HangsUpAfter: 2 * time.Second}, false)
	_ = p.a.signal(syscall.SIGKILL)
	killed := time.Now()
	p.await(p.b, "the other's switches", nil, []string{"fs1", "fs2"})
	t.Logf("the switches moved within %v", time.Since(killed).Round(100*time.Millisecond))
	taken := p.b.call(p.sw[0], callers[2], callees[2], x[2], sim.Phone{HangsUpAfter: time.Second}, true)
	<-rings.Done()
	<-taken.Done()
	for _, r := range p.records(p.b, 3) {
		if r.AnswerAt == nil || r.Source == "lost" {
			t.Errorf("record %+v", r)
		}
	}

	p.a.begin()
	talks := p.b.call(p.sw[0], callers[3], callees[3], x[3], sim.Phone{HangsUpAfter: 14 * time.Second}, true)
	if err := p.b.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p.await(p.a, "the frozen one's switches", []string{"fs1", "fs2"}, nil)
	if err := p.b.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	<-talks.Done()
	for _, r := range p.records(p.a, 4) {
		if r.AnswerAt == nil || r.Source == "lost" {
			t.Errorf("record %+v", r)
		}
	}
	p.await(p.a, "the first still", []string{"fs1", "fs2"}, nil)
	for _, d := range []*process{p.b, p.a} {
		if err := d.signal(syscall.SIGTERM); err != nil {
			t.Errorf("SIGTERM: %v", err)
		}
	}
	left, err := p.st.Leases(t.Context(), "")
	if err != nil || len(left) != 0 {
		t.Errorf("leases are left: %+v, %v", left, err)
	}
}
