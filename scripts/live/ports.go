package main

import (
	"fmt"
	"net"
	"sync"
)

// ports gives out ports that nobody uses, none twice. Telephones and their media get them one by one; a switch's RTP is a range.
type ports struct {
	mu   sync.Mutex
	next int
	rtp  int
}

// Below the range from which the kernel takes ports for clients (32768 on), so that no connection gets one that is given out.
const (
	firstPort, lastPort = 12000, 18000
	firstRTP, lastRTP   = 18000, 32000
	rtpRange            = 1000
)

// take gives a free even port of which the next three are free too: SIPp takes one for sound, and two beside it.
func (p *ports) take() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.next = max(p.next, firstPort); p.next < lastPort; {
		port := p.next
		p.next += 4
		if free(port) && free(port+1) && free(port+2) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d", firstPort, lastPort)
}

// takeRTP gives the first port of a range of rtpRange for one switch. Only its first ports are looked at.
func (p *ports) takeRTP() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.rtp = max(p.rtp, firstRTP); p.rtp+rtpRange <= lastRTP; {
		start := p.rtp
		p.rtp += rtpRange
		clear := true
		for port := start; port < start+rtpRange && clear; port += 50 {
			clear = free(port)
		}
		if clear {
			return start, nil
		}
	}
	return 0, fmt.Errorf("no free range of RTP ports between %d and %d", firstRTP, lastRTP)
}

// free tries a port on loopback, udp and tcp.
func free(port int) bool {
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	u, err := net.ListenPacket("udp", addr) //nolint:noctx // at once
	if err != nil {
		return false
	}
	defer func() { _ = u.Close() }()
	t, err := net.Listen("tcp", addr) //nolint:noctx // at once
	if err != nil {
		return false
	}
	return t.Close() == nil
}
