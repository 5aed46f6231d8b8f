// Package freeswitch is the one adapter: a real FreeSWITCH, or anything that speaks its Event Socket, as an esl.Switch.
//
// Goroutines. Run owns them all and returns only when they have ended: its own, which calls the Handler; one that reads the event
// connection; one for each command connection, which reads replies; and one while a look at the switch's channels is under way.
// Every wait has a deadline: a reply, a login and a write have Options.Timeout, silence on the event connection 2.5 heartbeats.
// Every queue has a bound: a call's mailbox, the commands of a connection, the events held while a resync looks.
//
// What it assumes of the switch: the hand-off dialplan sets maskline_role, maskline_call and presence_data=maskline:<call> on the
// leg that came in, arms sched_hangup and parks; heartbeats come every 20 s.
package freeswitch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"maskline/esl/wire"
)

// Options of a Switch. Name, and Addr or Dial, must be set; everything else has a default.
type Options struct {
	Name     string // the switch's name in our configuration
	Addr     string // host:port of the event socket
	Password string
	// Dial opens a connection; nil dials Addr over TCP.
	Dial func(ctx context.Context) (net.Conn, error)
	// Commands is the number of command connections: 1 to 32, default 2.
	Commands int
	// Mailbox is how many events a call may leave unread: default 256.
	Mailbox int
	// Timeout bounds every command, login and write: default and most 5 s.
	Timeout time.Duration
	// Heartbeat is the switch's event-heartbeat-interval: default 20 s. Silence of 2.5 times this is a dead connection.
	Heartbeat time.Duration
	// Allowed is asked right before a command is written: false holds it back, as if no connection were up. Nil allows all. So a process that was
	// frozen until the switch had become another's says nothing more to it.
	Allowed func() bool
	// Digits subscribes to DTMF too.
	Digits  bool
	Logger  *slog.Logger
	Metrics Metrics
}

// Metrics are told what happens; each may be nil. They are called from several goroutines and must not block.
type Metrics struct {
	Up       func(up bool)                                          // events flow and commands are taken, or no longer
	Event    func(name string)                                      // an event came
	Command  func(command string, took time.Duration, failed error) // a command was answered, or not
	Overflow func()                                                 // a call's mailbox overflowed
	Resync   func(took time.Duration, failed error)                 // a look at the switch's channels ended
}

const (
	maxTimeout     = 5 * time.Second
	maxConnections = 32
	// maxHeld bounds the events that wait for a resync, at about 8 KiB each. More than that and the connection is made anew.
	maxHeld = 8192
	// maxQueued bounds the callers who wait for their turn on one connection.
	maxQueued = 64
	// secondLook is the time between the two looks of a resync: the channels table lags behind, and so may a leg's last event.
	secondLook = time.Second
	// doubtedFor is how long a switch whose answer to an originate was lost may take to dial after all: a busy one reads a closed connection to its end.
	doubtedFor = 10 * time.Second
)

func (o *Options) fill() error {
	switch {
	case o.Name == "":
		return errors.New("a switch needs a name")
	case o.Addr == "" && o.Dial == nil:
		return fmt.Errorf("switch %s needs an address", o.Name)
	case o.Commands < 0 || o.Commands > maxConnections:
		return fmt.Errorf("switch %s: %d command connections, not 1 to %d", o.Name, o.Commands, maxConnections)
	}
	if _, err := wire.Auth(o.Password); err != nil {
		return fmt.Errorf("switch %s: %w", o.Name, err)
	}
	if o.Commands == 0 {
		o.Commands = 2
	}
	if o.Mailbox <= 0 {
		o.Mailbox = 256
	}
	if o.Timeout <= 0 || o.Timeout > maxTimeout {
		o.Timeout = maxTimeout
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = 20 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = o.Logger.With(slog.String("switch", o.Name))
	if o.Dial == nil {
		addr := o.Addr
		o.Dial = func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		}
	}
	return nil
}
