// Package sim is a simulated FreeSWITCH. It speaks the Event Socket's real wire over TCP, or over an in-memory pipe inside
// testing/synctest, and takes all its time from package time, so that in a test a ring of a minute costs microseconds. Phones are
// scripts: Switch.SetPhone says how a callee behaves, Switch.Call places a call as a scripted caller and hands back what he saw and
// heard. Faults that a network or a sick switch would cause are set through Switch.Faults.
//
// Calls that the switch places itself (bgapi originate, with an inline script) ring phones like any other.
//
// The hand-off of conf/freeswitch is built in: strangers get 403 before there is a channel, a caller is parked under a hang-up armed for ten
// seconds, and whoever holds the Event Socket decides the rest.
//
// It is a test double: it carries no voice and speaks no SIP. What it tells of SIP messages is what FreeSWITCH, set up as
// conf/freeswitch is, would put into them. The real switch is always right; a difference is a bug here (esl/esltest finds them).
//
// Goroutines: a Switch owns one a leg, one a phone or caller, two a connection and one for the heartbeat, and ends them all in Close.
// All of a Switch's methods may be called from any goroutine.
package sim

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// ErrClosed says that the switch was closed.
var ErrClosed = errors.New("simulated switch is closed")

// Options of a switch. The zero value is a switch that knows every gateway and takes calls from everywhere.
type Options struct {
	Hostname string // FreeSWITCH-Hostname; "sim" if empty
	Password string // of the Event Socket; "ClueCon", FreeSWITCH's own default, if empty
	// Trunks are the addresses whose calls are taken; a caller from elsewhere is a stranger. Empty: every address.
	Trunks []netip.Prefix
	// Gateways are the names that a dial string may use; another one fails with INVALID_GATEWAY. Empty: every name.
	Gateways []string
	// Sounds is the directory that relative file names in playback start from.
	Sounds string
	// Playback is how long a sound file lasts that cannot be read; 2 s if zero. Negative: such a file fails as FreeSWITCH lets it
	// fail, with "FILE NOT FOUND".
	Playback time.Duration
	CDR      CDR
	// MaxConns bounds the connections to the Event Socket; 64 if zero. One more is closed at once.
	MaxConns int
	// MaxCalls bounds the calls at a time; 2000 if zero. One more is refused with 503.
	MaxCalls int
	Log      *slog.Logger // nothing is logged if nil
	// Journal is told of each leg's begin, answer and end as they happen, with the switch's lock held: it must be quick and may not call
	// the switch. Nil: nobody is told. A switch that crashes (Restart, Close) tells of no end.
	Journal func(Entry)
}

// Switch is one simulated FreeSWITCH. The zero value is ready to use.
type Switch struct {
	Faults Faults

	opt     Options
	started sync.Once
	stop    chan struct{} // closed by Close
	work    sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	ended    bool // shut down by fsctl
	paused   paused
	core     string // Core-UUID
	born     time.Time
	sequence int64
	sessions int // session ids given out
	channels map[string]*channel
	placing  map[*channel]struct{} // who dials for calls of the switch's own
	order    []*channel            // in the order of their creation, for show channels
	conns    map[*conn]struct{}
	lsn      []net.Listener
	phones   map[phoneKey]Phone
	rang     map[string][]*Line
	down     map[string]bool // gateways that are down
	globals  map[string]string
	tasks    map[int]*task
	apps     map[string]application
	taskID   int
}

// New makes a switch.
func New(o Options) *Switch { return &Switch{opt: o} }

// start makes what the zero value lacks.
func (s *Switch) start() {
	s.started.Do(func() {
		o := &s.opt
		o.Hostname = orElse(o.Hostname, "sim")
		o.Password = orElse(o.Password, "ClueCon")
		o.MaxConns = orElse(o.MaxConns, 64)
		o.MaxCalls = orElse(o.MaxCalls, 2000)
		o.Playback = orElse(o.Playback, 2*time.Second)
		if o.Log == nil {
			o.Log = slog.New(slog.DiscardHandler)
		}
		s.stop = make(chan struct{})
		s.core, s.born = newUUID(), time.Now()
		s.channels = map[string]*channel{}
		s.placing = map[*channel]struct{}{}
		s.conns = map[*conn]struct{}{}
		s.rang = map[string][]*Line{}
		s.tasks = map[int]*task{}
		s.apps = applications()
		s.globals = map[string]string{"hostname": o.Hostname, "switchname": o.Hostname, "core_uuid": s.core, "sounds_dir": o.Sounds, "local_ip_v4": "127.0.0.1"}
		s.work.Go(s.beat)
	})
}

func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}

// Close ends all calls and connections and waits for every goroutine.
func (s *Switch) Close() error {
	s.start()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.work.Wait()
		return nil
	}
	s.closed = true
	close(s.stop)
	for _, l := range s.lsn {
		_ = l.Close()
	}
	for c := range s.conns {
		c.close()
	}
	s.vanish()
	s.mu.Unlock()
	s.work.Wait()
	return nil
}

// Restart is a crash and a new start of the switch: every connection breaks, every call is over without another word or
// event, and the core has a new Core-UUID.
func (s *Switch) Restart() {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.close()
	}
	s.vanish()
	s.core, s.born, s.sequence, s.sessions = newUUID(), time.Now(), 0, 0
	s.ended, s.paused = false, paused{}
	s.globals["core_uuid"] = s.core
}

// vanish ends every channel without events or CDRs.
func (s *Switch) vanish() {
	for _, c := range slices.Clone(s.order) {
		c.lost = true
		c.hangup("SYSTEM_SHUTDOWN", "")
	}
	for g := range s.placing {
		g.hungUp = true
		close(g.done)
		g.kick()
	}
	clear(s.placing)
	for _, t := range s.tasks {
		t.timer.Stop()
	}
	clear(s.tasks)
	clear(s.channels)
	s.order = nil
}

// Core gives the Core-UUID.
func (s *Switch) Core() string {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.core
}

// Channels gives the number of channels that are up now.
func (s *Switch) Channels() int {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.channels)
}

// Var gives a channel variable of a leg that is up, and whether the leg is there.
func (s *Switch) Var(leg, name string) (string, bool) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[leg]
	if c == nil {
		return "", false
	}
	return c.vars.get(name), true
}

// SetGateway says whether a gateway is up; dialling through one that is down fails with GATEWAY_DOWN.
func (s *Switch) SetGateway(name string, up bool) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down == nil {
		s.down = map[string]bool{}
	}
	s.down[name] = !up
}

// spawn runs f in a goroutine of the switch; s.mu is held. It tells whether it did: not after Close.
func (s *Switch) spawn(f func()) bool {
	if s.closed {
		return false
	}
	s.work.Go(f)
	return true
}
