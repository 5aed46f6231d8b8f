package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// lab is one run: where things are, what was started, and what came of it.
type lab struct {
	nursery
	ports   ports
	casting casting
	scenes  atomic.Int64 // cast so far
	fs      softswitch
	repo    string // the tree that holds conf/freeswitch
	scripts string // scripts/sipp
	daemon  string // bin/maskline
	dir     string // the run's files; kept when something fails
	seed    leakSeed

	resultsMu sync.Mutex
	results   []result // in the order in which they came
}

// result is one line of the table.
type result struct {
	name, want string
	faults     []string
	setup      time.Duration // from A's INVITE to B's; 0 when B was not called
}

func (l *lab) report(r result) {
	l.resultsMu.Lock()
	defer l.resultsMu.Unlock()
	l.results = append(l.results, r)
}

// path makes a directory of the run.
func (l *lab) path(parts ...string) (string, error) {
	p := filepath.Join(append([]string{l.dir}, parts...)...)
	if err := os.MkdirAll(p, 0o750); err != nil {
		return "", fmt.Errorf("make a directory of the run: %w", err)
	}
	return p, nil
}

// capture is a tshark that writes every datagram on loopback to a file.
type capture struct {
	*child
	file string
}

// startCapture begins the capture and waits until it writes.
func (l *lab) startCapture(ctx context.Context) (*capture, error) {
	file, log := filepath.Join(l.dir, "loopback.pcap"), filepath.Join(l.dir, "tshark.log")
	// 64 MB of buffer: nothing may be dropped while the calls' sound passes by.
	c, err := l.start("tshark", log, l.dir, nil, "tshark", "-i", "lo", "-q", "-F", "pcap", "-B", "64", "-f", "udp", "-w", file)
	if err != nil {
		return nil, err
	}
	for range 200 {
		if s, err := os.Stat(file); err == nil && s.Size() >= 24 {
			return &capture{c, file}, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.ended:
			return nil, fmt.Errorf("tshark cannot capture on lo (it needs root, or membership in the group wireshark): %s", tailOf(log, 300))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil, fmt.Errorf("tshark does not begin: %s", tailOf(log, 300))
}

// packets ends the capture and reads it.
func (c *capture) packets() ([]packet, error) {
	c.stop(syscall.SIGINT, 10*time.Second)
	return readCapture(c.file)
}
