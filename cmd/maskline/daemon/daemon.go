// Package daemon is the whole daemon in one process: it makes the parts from the configuration, joins them, runs them, and ends them in
// the opposite order. It decides nothing about calls.
//
// Goroutines: each part's Run is started by Daemon.Run under a name, and ended and awaited by the clean-up of that name. Run returns when
// all have ended, or when the time for it is over.
package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"maskline/conf"
	"maskline/controller/cluster"
	"maskline/controller/delivery"
	"maskline/controller/flow"
	"maskline/controller/jobs"
	"maskline/controller/media"
	"maskline/controller/spool"
	"maskline/controller/switches"
	"maskline/controller/voice"
	"maskline/esl"
	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
	"maskline/web/peer"
	"maskline/web/serve"
)

// Options are what the configuration does not say.
type Options struct {
	Version string
	Log     *slog.Logger
}

// Daemon is one daemon. Make it with New, then Run it once.
type Daemon struct {
	cfg     conf.Config
	log     *slog.Logger
	version string

	metrics    *metrics
	store      *store.Store
	prompts    *media.Library
	recordings *media.Recordings
	shelf      *media.Shelf
	speaker    *media.Speaker
	sounds     *media.Sounds // nil: switches read the directories
	keeper     *media.Keeper
	drain      *media.Drain // nil: there is nothing to move
	courier    *delivery.Courier
	money
	schedule *jobs.Schedule
	engine   *flow.Engine
	queue    *voice.Queue // nil without a switch, as desk
	desk     *voice.Desk
	spool    *spool.Spool
	trunks   []models.Trunk
	member   *cluster.Member
	peers    peer.Client
	failed   chan error // a part that ends the daemon
	switches []esl.Switch
	orders   *switches.Orders
	sims     []*sim.Switch
	servers  []listener

	closers  closers
	started  atomic.Bool
	draining atomic.Bool
	underway underway
}

// listener is a server with its open address.
type listener struct {
	*serve.Server
	net.Listener
}

// New makes a daemon of a validated configuration: it opens the database and every address, so that what is wrong is known before anything
// runs. Close it if it is not Run.
func New(ctx context.Context, cfg conf.Config, o Options) (*Daemon, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if _, port, err := net.SplitHostPort(cfg.Listen.Admin); err == nil && port == "0" && cfg.Cluster.Name == "" {
		cfg.Cluster.Name = cfg.DaemonName() + "/" + models.NewID()[:8] // any number of them may have this port
	}
	d := &Daemon{cfg: cfg, log: o.Log, version: o.Version, metrics: newMetrics(o.Version)}
	d.closers.log = o.Log
	for _, step := range []func(context.Context) error{
		d.openStore, d.openMedia, d.makeDelivery, d.makeKeeper, d.makeMoney, d.makeCalls, d.openIntake, d.makeSwitches, d.makeOrders, d.makeVoice, d.makeJobs,
		d.openServers, d.openPeers, d.makeCluster,
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// Close frees what New opened. Run does it by itself.
func (d *Daemon) Close() error { return d.closers.close(closeIn) }

const (
	closeIn = 10 * time.Second // the end of everything, beside the drain time
	partIn  = 15 * time.Second // the end of one part that has no drain time
)

// Addr is the open address of a listener: "api", "api_tls", "admin", "intake", "sounds", "peers", "debug"; "" when it is not served.
func (d *Daemon) Addr(name string) string {
	for _, l := range d.servers {
		if l.Name == name {
			return l.Addr().String()
		}
	}
	return ""
}

// Sim is the first simulated switch, nil when there is none.
func (d *Daemon) Sim() *sim.Switch {
	if len(d.sims) == 0 {
		return nil
	}
	return d.sims[0]
}

// Store is the daemon's database, for those who run a daemon inside their process.
func (d *Daemon) Store() *store.Store { return d.store }

// Run serves until ctx ends, then drains: no new requests and calls, those under way are given the drain time, and the calls that talk go
// on in the switch. The error is nil after an orderly end.
func (d *Daemon) Run(ctx context.Context) error {
	life, failed := context.WithoutCancel(ctx), d.failed

	d.background(life, "pushes", d.cfg.Delivery.Timeout+partIn, func(ctx context.Context) { d.courier.Run(ctx) })
	if d.spool != nil {
		d.background(life, "spool", partIn, d.spool.Run)
	}
	d.background(life, "recordings", partIn, d.keeper.Run)
	if d.drain != nil {
		d.background(life, "drain", partIn, d.drain.Run)
	}
	d.serve(life, failed, "intake", "admin", "sounds", "peers", "debug")
	// The engine must run before a switch tells it of calls, and must still hear the switches while it ends.
	stopCalls := background(life, func(ctx context.Context) {
		if err := d.engine.Run(ctx, d.cfg.Drain); err != nil {
			failed <- err
		}
	})
	// What this daemon owns, switches among it, it keeps until its calls have ended.
	d.background(life, "leases", d.cfg.Delivery.Timeout+2*partIn, d.member.Run)
	d.closers.add("calls", d.cfg.Drain+partIn, stopCalls)
	d.background(life, "orders to switches", partIn, d.orders.Run)
	if d.queue != nil {
		d.background(life, "queue", partIn, d.queue.Run)
	}
	d.background(life, "notices", partIn, d.notices.Run)
	d.background(life, "schedule", partIn, d.schedule.Run)
	d.serve(life, failed, "api", "api_tls")
	d.started.Store(true)
	d.log.InfoContext(ctx, "daemon is up", "version", d.version, "switches", len(d.switches), "trunks", len(d.trunks))

	var err error
	select {
	case <-ctx.Done():
		d.log.InfoContext(ctx, "daemon drains", "calls", d.engine.Live(), "at most", d.cfg.Drain)
	case err = <-failed:
		d.log.ErrorContext(ctx, "a part failed; the daemon ends", "error", err)
	}
	ended := d.watchDrain()
	d.member.Drain()
	err = errors.Join(err, d.Close())
	ended()
	d.log.InfoContext(ctx, "daemon has ended")
	return err
}

// background starts a part and registers its end.
func (d *Daemon) background(life context.Context, name string, endIn time.Duration, run func(context.Context)) {
	d.closers.add(name, endIn, background(life, run))
}

// background starts run and gives the function that ends it and waits.
func background(life context.Context, run func(context.Context)) func(context.Context) error {
	ctx, cancel := context.WithCancel(life)
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	return func(limit context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-limit.Done():
			return errors.New("it has not ended in time")
		}
	}
}

// serve starts the named listeners.
func (d *Daemon) serve(life context.Context, failed chan<- error, names ...string) {
	for _, name := range names {
		for _, l := range d.servers {
			if l.Name != name {
				continue
			}
			d.background(life, name, d.cfg.Drain+partIn, func(ctx context.Context) {
				if err := l.Run(ctx, l.Listener); err != nil && ctx.Err() == nil {
					failed <- err
				}
			})
		}
	}
}

// hostOf is the part of a switch's session ids after "@".
func (d *Daemon) hostOf(name string) string {
	for _, s := range d.cfg.Switches {
		if s.Name == name {
			return s.HostName()
		}
	}
	return name
}

// Handler is a listener's handler, for tests that need no socket.
func (d *Daemon) Handler(name string) http.Handler {
	for _, l := range d.servers {
		if l.Name == name {
			return l.Handler
		}
	}
	return nil
}
