package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maskline/controller/cluster"
	"maskline/controller/media"
	"maskline/controller/spool"
	"maskline/esl/freeswitch"
	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

// sharer is one of several daemons, with the leases of the real store.
type sharer struct {
	e      *Engine
	member *cluster.Member
	cut    *cutoff
	stop   func() // in good order
	kill   func() // nothing is given back
}

// cutoff is a store whose leases a daemon may be cut off from.
type cutoff struct {
	*store.Store
	is atomic.Bool
}

var errCut = errors.New("no way to the database")

func (c *cutoff) RenewAll(ctx context.Context, held []models.Lease, ttl time.Duration) ([]models.Lease, error) {
	if c.is.Load() {
		return nil, errCut
	}
	return c.Store.RenewAll(ctx, held, ttl)
}

func (c *cutoff) Release(ctx context.Context, l models.Lease) error {
	if c.is.Load() {
		return errCut
	}
	return c.Store.Release(ctx, l)
}

// share starts a daemon that runs the switch while its lease is its own.
func (l *lab) share(name string) *sharer {
	l.Helper()
	l.daemons++
	prompts, err := media.New("", "../../conf/prompts/zh")
	l.must(err)
	recordings, err := media.NewRecordings(media.RecordingsOptions{Dir: l.recDir, Key: make([]byte, 32)})
	l.must(err)
	s := &sharer{cut: &cutoff{Store: l.st}}
	s.e = New(Options{Store: l.st, Outbox: l.box, Prompts: prompts, Recordings: recordings, Trunks: l.trunks, Ask: l.ask, Owner: name,
		Log: slog.New(slog.NewTextHandler(l.logs, &slog.HandlerOptions{Level: slog.LevelDebug})).With("daemon", name)})
	records, err := spool.Open(spool.Options{Dir: filepath.Join(l.spool, name), Hosts: []string{"sw1"}, Others: []spool.Other{{Dir: l.spool, Host: "sw1"}}, Report: s.e.Report, Later: s.e.ReportLater, Log: s.e.Log})
	l.must(err)
	adapter := freeswitch.New(freeswitch.Options{Name: "sw1", Password: "ClueCon", Logger: s.e.Log, Dial: func(context.Context) (net.Conn, error) { return l.sw.Dial() },
		Allowed: func() bool { return s.member.Holds("switch/sw1") }})
	s.member = cluster.New(cluster.Options{Store: s.cut, Name: name, Log: s.e.Log, Works: []cluster.Work{{Lease: "switch/sw1",
		Do: func(ctx context.Context, held models.Lease) { _ = s.e.Attend(ctx, adapter, "sw1", held) }}}})
	calls, endCalls := context.WithCancel(l.ctx)
	rest, endRest := context.WithCancel(l.ctx)
	var wgCalls, wg sync.WaitGroup
	drain := l.drain
	wgCalls.Go(func() {
		if err := s.e.Run(calls, drain); err != nil {
			l.Error(err)
		}
	})
	synctest.Wait()
	wg.Go(func() { s.member.Run(rest) })
	wg.Go(func() { records.Run(rest) })
	s.stop = sync.OnceFunc(func() { endCalls(); wgCalls.Wait(); endRest(); wg.Wait() })
	s.kill = func() { s.cut.is.Store(true); endRest(); s.e.stop(); s.stop() }
	l.Cleanup(s.stop)
	return s
}

// TestADayOfTwoDaemons: calls of all modes on a switch that goes from daemon to daemon, as these are killed, stopped, and cut off from the database; links
// break as well. No call is lost, none is told of twice, and nothing is left.
func TestADayOfTwoDaemons(t *testing.T) {
	rnd := chance(t)
	inLab(t, sim.Options{}, func(l *lab) {
		d := &day{lab: l, rnd: rnd, apps: map[models.Mode]models.App{}, numbers: map[models.Mode][]string{}, over: make(chan struct{})}
		d.ask = dayTenant{rnd.Uint64(), d}
		d.furnish()
		for range 60 {
			d.bindOne()
		}
		both := [2]*sharer{l.share("d1"), l.share("d2")}
		d.work.Go(d.housekeeping)
		calls := scale(300)
		for range calls {
			time.Sleep(time.Duration(d.rnd.ExpFloat64() * float64(5*time.Second)))
			d.placeCall()
			at := d.rnd.IntN(2)
			switch kind := d.rnd.IntN(100); {
			case kind < 14:
				d.bindOne()
			case kind < 17:
				d.breakLink()
			case kind < 21:
				cut := both[at].cut
				cut.is.Store(true)
				time.AfterFunc(time.Duration(d.rnd.IntN(30_000))*time.Millisecond, func() { cut.is.Store(false) })
			case kind < 23:
				if d.drain = time.Minute; kind == 21 {
					both[at].kill()
				} else {
					both[at].stop()
				}
				for range d.rnd.IntN(3) {
					d.placeCall()
				}
				both[at] = l.share(fmt.Sprint("d", at+1))
			}
		}
		time.Sleep(15 * time.Minute)
		close(d.over)
		d.work.Wait()
		if n := both[0].e.Live() + both[0].e.reports.waiting(); n > 0 {
			t.Errorf("%d calls and reports are left with the first", n)
		}
		d.engine = both[1].e
		d.nothingIsLeft()
	})
}
