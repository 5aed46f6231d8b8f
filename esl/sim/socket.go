package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"maskline/esl/wire"
)

// Bounds of one connection.
const (
	maxEvents  = 100_000 // events waiting for a reader who is slow (MAX_QUEUE_LEN); more are dropped
	maxMissed  = 500     // and so many dropped end the connection (MAX_MISSED)
	maxReplies = 10_000  // answers waiting for a reader who does not read
)

// loginTime is how long a connection may take to log in (read_packet's timeout).
const loginTime = 25 * time.Second

// Listen accepts Event Socket connections on a TCP address such as "127.0.0.1:8021" until Close. It returns the address it got.
func (s *Switch) Listen(address string) (net.Addr, error) {
	s.start()
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("simulated switch: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.spawn(func() { _ = s.Serve(l) }) {
		_ = l.Close()
		return nil, ErrClosed
	}
	s.lsn = append(s.lsn, l)
	return l.Addr(), nil
}

// Serve accepts connections from l until it or the switch is closed; it closes l.
func (s *Switch) Serve(l net.Listener) error {
	s.start()
	defer func() { _ = l.Close() }()
	s.mu.Lock()
	s.lsn = append(s.lsn, l)
	closed := s.closed
	s.mu.Unlock()
	for !closed {
		nc, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("simulated switch: accept: %w", err)
		}
		if !s.attach(nc) {
			_ = nc.Close()
		}
	}
	return ErrClosed
}

// Dial connects to the Event Socket in memory.
func (s *Switch) Dial() (net.Conn, error) {
	s.start()
	near, far := net.Pipe()
	if !s.attach(far) {
		_ = near.Close()
		_ = far.Close()
		return nil, fmt.Errorf("simulated switch: connection refused: %w", ErrClosed)
	}
	return near, nil
}

// attach serves a connection; false if the switch is closed, full, or told to refuse.
func (s *Switch) attach(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.ended || s.Faults.refuses() || len(s.conns) >= s.opt.MaxConns {
		return false
	}
	c := &conn{sw: s, nc: nc, wake: make(chan struct{}, 1), gone: make(chan struct{}), events: map[string]bool{}}
	s.conns[c] = struct{}{}
	c.reply(wire.AppendAuthRequest(nil))
	s.spawn(c.read)
	s.spawn(c.write)
	return true
}

// conn is one connection to the Event Socket. Its fields are guarded by the switch's mutex. One goroutine reads requests and carries
// them out, another writes; replies and events leave in the order in which they were made.
type conn struct {
	sw      *Switch
	nc      net.Conn
	authed  bool
	events  map[string]bool // names, or ALL
	filters []wire.Field
	queue   [][]byte
	waiting int // events in queue
	missed  int
	final   bool // close when the queue is empty
	frozen  bool
	wake    chan struct{}
	gone    chan struct{}
	once    sync.Once
}

// close breaks the connection.
func (c *conn) close() {
	c.once.Do(func() {
		close(c.gone)
		_ = c.nc.Close()
	})
}

func (c *conn) kick() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// reply queues a frame that is no event; s.mu is held.
func (c *conn) reply(frame []byte) {
	if len(c.queue)-c.waiting >= maxReplies {
		c.close()
		return
	}
	c.queue = append(c.queue, frame)
	c.kick()
}

// push queues an event; s.mu is held.
func (c *conn) push(frame []byte) {
	if c.waiting >= maxEvents {
		if c.missed++; c.missed > maxMissed {
			c.close()
		}
		return
	}
	c.queue = append(c.queue, frame)
	c.waiting++
	c.kick()
}

// read carries out requests until the connection ends.
func (c *conn) read() {
	defer c.leave()
	r := wire.NewRequestReader(c.nc)
	_ = c.nc.SetReadDeadline(time.Now().Add(loginTime)) // a connection without deadlines just waits longer
	for {
		q, err := r.Request()
		if err != nil {
			return
		}
		if !c.obey(q) {
			return
		}
	}
}

// leave ends the connection after what is queued has been written.
func (c *conn) leave() {
	s := c.sw
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	c.final = true
	c.kick()
}

// write sends the queue. A frozen connection sends nothing until it is thawed.
func (c *conn) write() {
	defer c.close()
	for {
		c.sw.mu.Lock()
		var batch [][]byte
		if !c.frozen {
			batch, c.queue, c.waiting = c.queue, nil, 0
		}
		final := c.final && len(batch) == 0
		c.sw.mu.Unlock()
		if final {
			return
		}
		if len(batch) > 0 {
			if _, err := c.nc.Write(join(batch)); err != nil {
				return
			}
			continue
		}
		select {
		case <-c.wake:
		case <-c.gone:
			return
		}
	}
}

func join(frames [][]byte) []byte {
	if len(frames) == 1 {
		return frames[0]
	}
	n := 0
	for _, f := range frames {
		n += len(f)
	}
	all := make([]byte, 0, n)
	for _, f := range frames {
		all = append(all, f...)
	}
	return all
}

// wanted tells whether any connection listens for an event; s.mu is held.
func (s *Switch) wanted(name string) bool {
	if s.Faults.watches() {
		return true
	}
	for c := range s.conns {
		if c.listens(name) {
			return true
		}
	}
	return false
}

func (c *conn) listens(name string) bool { return c.authed && (c.events[name] || c.events["ALL"]) }

// wants tells whether this connection shall get the event: subscribed, and let through by one of its filters, if it has any.
func (c *conn) wants(e *Event) bool {
	if !c.listens(e.Name) {
		return false
	}
	if len(c.filters) == 0 {
		return true
	}
	for _, f := range c.filters {
		if v := e.Get(f.Name); v != "" && strings.EqualFold(v, f.Value) {
			return true
		}
	}
	return false
}

// send gives an event to whoever listens, unless a fault has other plans; s.mu is held.
func (s *Switch) send(e *Event) {
	for _, x := range s.Faults.pass(s, e) {
		s.broadcast(x)
	}
}

func (s *Switch) broadcast(e *Event) {
	var frame []byte
	for c := range s.conns {
		if c.wants(e) {
			if frame == nil {
				frame = wire.AppendEvent(nil, e.fields, e.body)
			}
			c.push(frame)
		}
	}
}
