package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/controller/cluster"
	"maskline/controller/voice"
	"maskline/esl"
	"maskline/models"
	"maskline/models/store"
	"maskline/web/admin"
	"maskline/web/peer"
	"maskline/web/serve"
)

// Names of leases: switch/fs1, outbox/07, queue/07.
const (
	switchLease = "switch/"
	outboxLease = "outbox/"
	queueLease  = "queue/"
)

// makeCluster makes this daemon one of those that share the database. failed hears of a switch that cannot be run at all.
func (d *Daemon) makeCluster(context.Context) error {
	d.failed = make(chan error, len(d.servers)+len(d.switches)+1)
	d.member = cluster.New(cluster.Options{Store: d.store, Name: d.cfg.DaemonName(), Version: d.version, URL: d.cfg.PeerURL(), Lease: d.cfg.Cluster.Lease, Works: d.works(),
		Observe: d.metrics.leaseMoved, Log: d.log})
	for _, sw := range d.switches {
		d.metrics.gaugeOf("switch_owned", "Whether this daemon runs the switch: of several daemons one does.", prometheus.Labels{"switch": sw.Name()},
			func() float64 { return flag(d.runs(sw.Name())) })
	}
	return nil
}

func flag(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// works are what daemons share: each switch, the lanes of the outbox, and the lanes of the queue, which follow the switches.
func (d *Daemon) works() []cluster.Work {
	var list []cluster.Work
	for _, sw := range d.switches {
		list = append(list, cluster.Work{Lease: switchLease + sw.Name(), Kind: "switch", Do: func(ctx context.Context, held models.Lease) { d.attend(ctx, sw, held) }})
	}
	for n := range models.Lanes {
		list = append(list, cluster.Work{Lease: fmt.Sprintf("%s%02d", outboxLease, n), Kind: "outbox", Share: cluster.Even(models.Lanes),
			Do: func(ctx context.Context, held models.Lease) { d.courier.Serve(ctx, n, held) }})
	}
	if d.queue == nil {
		return list
	}
	for n := range voice.Lanes {
		list = append(list, cluster.Work{Lease: fmt.Sprintf("%s%02d", queueLease, n), Kind: "queue", Share: cluster.EvenAmong(voice.Lanes, switchLease),
			Do: func(ctx context.Context, _ models.Lease) { d.queue.Serve(ctx, n) }})
	}
	return list
}

// attend runs a switch while it is ours.
func (d *Daemon) attend(ctx context.Context, sw esl.Switch, held models.Lease) {
	err := d.engine.Attend(ctx, sw, d.hostOf(sw.Name()), held)
	if err == nil || ctx.Err() != nil {
		return
	}
	select {
	case d.failed <- fmt.Errorf("run switch %s: %w", sw.Name(), err):
	default:
	}
}

// runs says whether this daemon runs a switch now.
func (d *Daemon) runs(name string) bool { return d.member != nil && d.member.Holds(switchLease+name) }

// ownerOf is the other daemon that runs a switch, as of the last look; false: this one does, or none.
func (d *Daemon) ownerOf(name string) (string, bool) {
	if d.member == nil || d.runs(name) {
		return "", false
	}
	view := d.member.View()
	owner, is := view.Owner(switchLease + name)
	return owner, is && owner != view.Self
}

// shared says that other daemons are there.
func (d *Daemon) shared() bool { return d.member != nil && len(d.member.View().Daemons) > 1 }

// leaseMoved counts what this daemon took, gave back and lost.
func (m *metrics) leaseMoved(lease, move string) {
	kind, _, _ := strings.Cut(lease, "/")
	m.leases.WithLabelValues(kind, move).Inc()
}

// stopIn is how long a call on a switch that is between two owners is waited for, and how often it is asked for.
const (
	stopIn    = 8 * time.Second
	stopAgain = 300 * time.Millisecond
)

// stopper ends live calls of the whole house: those of this daemon, and through it those of others.
type stopper struct{ d *Daemon }

// Stop ends a session on whichever daemon carries it.
func (s stopper) Stop(ctx context.Context, sessionID string) error {
	ctx, cancel := context.WithTimeout(ctx, stopIn)
	defer cancel()
	for {
		err := s.once(ctx, sessionID)
		if !errors.Is(err, errMoving) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stop session %s: %w", sessionID, err)
		case <-time.After(stopAgain):
		}
	}
}

// errMoving says that a call is live and nobody carries it at the moment: its switch is between two owners, or being looked at.
var errMoving = errors.New("the call's switch is between two daemons; try again")

func (s stopper) once(ctx context.Context, sessionID string) error {
	over := s.d.engine.Stop(ctx, sessionID)
	if models.CodeOf(over) != models.SessionOver {
		return over
	}
	now, err := s.d.store.Session(ctx, sessionID)
	switch {
	case models.CodeOf(err) == models.NotFound || err == nil && (!now.EndedAt.IsZero() || now.Stage == models.StageQueued):
		return over
	case err != nil:
		return err
	}
	url, err := s.urlOf(ctx, now.Switch)
	if err != nil || url == "" {
		return err
	}
	err = s.d.peers.Stop(ctx, url, sessionID)
	if models.CodeOf(err) == models.SessionOver {
		return errMoving // the session is read again: it may have ended
	}
	return err
}

// urlOf is how the daemon is reached that runs a switch.
func (s stopper) urlOf(ctx context.Context, name string) (url string, err error) {
	held, is, err := s.d.store.Lease(ctx, switchLease+name)
	if err != nil {
		return "", err
	}
	if !is || s.d.runs(name) {
		return "", errMoving
	}
	all, err := s.d.store.Daemons(ctx, time.Time{})
	if err != nil {
		return "", err
	}
	for _, one := range all {
		if one.Name != held.Holder {
			continue
		}
		if one.URL == "" {
			return "", fmt.Errorf("the call is on switch %s, which daemon %s runs, and that one has no listen.peers", name, held.Holder)
		}
		return one.URL, nil
	}
	return "", errMoving
}

// openPeers opens the address at which other daemons ask for an end.
func (d *Daemon) openPeers(ctx context.Context) error {
	key, err := derivedKey(d.cfg, "requests of daemons")
	if err != nil {
		return err
	}
	d.peers = peer.Client{Key: key, HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: stopIn}}}
	d.closers.add("connections to daemons", partIn, func(context.Context) error { d.peers.HTTP.CloseIdleConnections(); return nil })
	return d.listen(ctx, "peers", d.cfg.Listen.Peers, &serve.Server{Handler: peer.New(key, d.engine.Stop, d.log)})
}

// daemons tells the operator who is there and who has what.
func (d *Daemon) daemons(ctx context.Context) ([]admin.Daemon, error) {
	now, err := d.store.Now(ctx)
	if err != nil {
		return nil, err
	}
	all, err := d.store.Daemons(ctx, now.Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	leases, err := d.store.Leases(ctx, "")
	if err != nil {
		return nil, err
	}
	list := make([]admin.Daemon, 0, len(all))
	for _, one := range all {
		out := admin.Daemon{Name: one.Name, Version: one.Version, URL: one.URL, StartedAt: one.StartedAt, SeenAt: one.SeenAt, State: daemonState(one, now, d.lease())}
		for _, l := range leases {
			if l.Holder != one.Name {
				continue
			}
			switch kind, what, _ := strings.Cut(l.Name, "/"); kind + "/" {
			case switchLease:
				out.Switches = append(out.Switches, what)
			case outboxLease:
				out.OutboxLanes++
			case queueLease:
				out.QueueLanes++
			}
		}
		list = append(list, out)
	}
	return list, nil
}

func (d *Daemon) lease() time.Duration { return cmp.Or(d.cfg.Cluster.Lease, cluster.DefaultLease) }

func daemonState(one models.Daemon, now time.Time, lease time.Duration) string {
	switch {
	case now.Sub(one.SeenAt) > lease:
		return "silent"
	case one.Draining:
		return "draining"
	}
	return "up"
}

var _ cluster.Store = (*store.Store)(nil)
