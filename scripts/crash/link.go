package main

import (
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// link is one daemon's way to the database or to a switch: a forwarder in the runner, which can be cut. Goroutines: one that accepts, three a
// connection; close ends them.
type link struct {
	listener net.Listener
	to       string

	mu     sync.Mutex
	cut    bool
	silent bool
	whole  chan struct{} // closed when the link is mended
	conns  map[net.Conn]struct{}
}

// newLink listens at a port and forwards to an address.
func newLink(port int, to string) (*link, error) {
	l, err := net.Listen("tcp", addr(port)) //nolint:noctx // at once
	if err != nil {
		return nil, fmt.Errorf("open a link: %w", err)
	}
	k := &link{listener: l, to: to, conns: map[net.Conn]struct{}{}, whole: make(chan struct{})}
	close(k.whole)
	go k.run()
	return k, nil
}

func (k *link) run() {
	for {
		c, err := k.listener.Accept()
		if err != nil {
			return
		}
		go k.carry(c)
	}
}

// carry forwards one connection in both directions until either end closes it.
func (k *link) carry(near net.Conn) {
	if !k.keep(near) {
		return
	}
	defer k.drop(near)
	k.hold()
	dialler := net.Dialer{Timeout: 2 * time.Second}
	far, err := dialler.Dial("tcp", k.to) //nolint:noctx // bounded on the line before
	if err != nil || !k.keep(far) {
		return
	}
	defer k.drop(far)
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.pour(far, near)
		_ = near.Close()
		_ = far.Close()
	}()
	k.pour(near, far)
	_ = near.Close()
	_ = far.Close()
	<-done
}

// pour copies until the end, and stands still while the link is cut silently: what was sent arrives when it is whole again, as TCP does it.
func (k *link) pour(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		k.hold()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold waits while the link is cut silently.
func (k *link) hold() {
	k.mu.Lock()
	whole := k.whole
	k.mu.Unlock()
	<-whole
}

// keep remembers a connection, unless the link is cut and refuses it.
func (k *link) keep(c net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cut && !k.silent {
		_ = c.Close()
		return false
	}
	k.conns[c] = struct{}{}
	return true
}

func (k *link) drop(c net.Conn) {
	_ = c.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.conns, c)
}

// sever cuts the link: silently, packets stand still; else its connections break and new ones are refused.
func (k *link) sever(silent bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cut {
		return
	}
	k.cut, k.silent = true, silent
	if silent {
		k.whole = make(chan struct{})
		return
	}
	for c := range k.conns {
		_ = c.Close()
	}
}

// mend makes the link whole.
func (k *link) mend() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cut && k.silent {
		close(k.whole)
	}
	k.cut = false
}

// close ends the link and its connections.
func (k *link) close() {
	k.mend()
	_ = k.listener.Close()
	k.sever(false)
}
