package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"
)

// packet is one UDP datagram of the capture.
type packet struct {
	at       time.Time
	src, dst netip.AddrPort
	payload  []byte
}

// Sizes and codes of the classic capture format and of what it carries here.
const (
	pcapMicro, pcapNano  = 0xa1b2c3d4, 0xa1b23c4d
	linkEthernet         = 1
	etherHeader, etherIP = 14, 0x0800
	maxCaptured          = 1 << 18
	protocolUDP          = 17
)

// readCapture reads the UDP datagrams of a capture of an Ethernet-like interface, as loopback is. A record that was cut off at the end
// of the file ends the reading: the capture was stopped in the middle of it.
func readCapture(path string) ([]packet, error) {
	f, err := os.Open(path) //nolint:gosec // the run's own file
	if err != nil {
		return nil, fmt.Errorf("read the capture: %w", err)
	}
	defer func() { _ = f.Close() }()
	return readPcap(bufio.NewReaderSize(f, 1<<20))
}

func readPcap(r io.Reader) ([]packet, error) {
	var head [24]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("read the capture's header: %w", err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if m := binary.BigEndian.Uint32(head[:]); m == pcapMicro || m == pcapNano {
		order = binary.BigEndian
	}
	magic := order.Uint32(head[:])
	if magic != pcapMicro && magic != pcapNano {
		return nil, fmt.Errorf("the capture begins with %#x, which is no pcap file", magic)
	}
	if link := order.Uint32(head[20:]); link != linkEthernet {
		return nil, fmt.Errorf("the capture has link type %d, want Ethernet (%d)", link, linkEthernet)
	}
	unit := time.Microsecond
	if magic == pcapNano {
		unit = time.Nanosecond
	}
	var packets []packet
	for {
		var rec [16]byte
		if _, err := io.ReadFull(r, rec[:]); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return packets, nil
			}
			return packets, fmt.Errorf("read the capture: %w", err)
		}
		size := order.Uint32(rec[8:])
		if size > maxCaptured {
			return packets, fmt.Errorf("the capture holds a packet of %d bytes", size)
		}
		frame := make([]byte, size)
		if _, err := io.ReadFull(r, frame); err != nil {
			return packets, nil //nolint:nilerr // cut off at the end
		}
		at := time.Unix(int64(order.Uint32(rec[0:])), int64(order.Uint32(rec[4:]))*int64(unit))
		if p, ok := datagram(frame); ok {
			p.at = at
			packets = append(packets, p)
		}
	}
}

// datagram takes a UDP datagram out of an Ethernet frame with IPv4. Loopback's largest packet is 64 KB, so nothing is in fragments.
func datagram(frame []byte) (packet, bool) {
	if len(frame) < etherHeader+20 || binary.BigEndian.Uint16(frame[12:]) != etherIP {
		return packet{}, false
	}
	ip := frame[etherHeader:]
	header, total := int(ip[0]&0x0f)*4, int(binary.BigEndian.Uint16(ip[2:]))
	if ip[0]>>4 != 4 || ip[9] != protocolUDP || header < 20 || total > len(ip) || header+8 > total {
		return packet{}, false
	}
	udp := ip[header:total]
	return packet{
		src:     netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[12:16])), binary.BigEndian.Uint16(udp)),
		dst:     netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[16:20])), binary.BigEndian.Uint16(udp[2:])),
		payload: udp[8:],
	}, true
}
