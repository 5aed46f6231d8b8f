package main

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// captured makes a capture file of one frame, as loopback writes it.
func captured(order binary.AppendByteOrder, magic uint32, payload string) []byte {
	udp := binary.BigEndian.AppendUint16(nil, 5060)
	udp = binary.BigEndian.AppendUint16(udp, 5080)
	udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(payload)))
	udp = append(append(udp, 0, 0), payload...)
	ip := append([]byte{0x45, 0}, binary.BigEndian.AppendUint16(nil, uint16(20+len(udp)))...)
	ip = append(ip, 0, 0, 0, 0, 64, protocolUDP, 0, 0, 127, 0, 0, 3, 127, 0, 0, 1)
	frame := append(append(make([]byte, 12), 0x08, 0x00), append(ip, udp...)...)
	frame = append(frame, 0, 0) // padding after the datagram is no part of it
	var b []byte
	for _, n := range []uint32{magic, 0x00040002, 0, 0, 65535, linkEthernet, 1700000000, 250, uint32(len(frame)), uint32(len(frame))} {
		b = order.AppendUint32(b, n)
	}
	return append(b, frame...)
}

func TestReadPcap(t *testing.T) {
	for name, c := range map[string]struct {
		order binary.AppendByteOrder
		magic uint32
		at    time.Time
	}{
		"little, microseconds": {binary.LittleEndian, pcapMicro, time.Unix(1700000000, 250_000)},
		"big, nanoseconds":     {binary.BigEndian, pcapNano, time.Unix(1700000000, 250)},
	} {
		whole := captured(c.order, c.magic, "BYE sip:x SIP/2.0\r\n")
		for cut, want := range map[int]int{0: 1, 1: 0, 40: 0} {
			got, err := readPcap(bytes.NewReader(whole[:len(whole)-cut]))
			if err != nil || len(got) != want {
				t.Fatalf("%s, %d bytes cut off: %d packets, %v", name, cut, len(got), err)
			}
			if want == 1 && (!got[0].at.Equal(c.at) || string(got[0].payload) != "BYE sip:x SIP/2.0\r\n" ||
				got[0].src != netip.MustParseAddrPort("127.0.0.3:5060") || got[0].dst != netip.MustParseAddrPort("127.0.0.1:5080")) {
				t.Errorf("%s: %+v", name, got[0])
			}
		}
	}
	for name, bad := range map[string][]byte{"nothing": nil, "another format": bytes.Repeat([]byte{7}, 24)} {
		if _, err := readPcap(bytes.NewReader(bad)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzReadPcap(f *testing.F) {
	f.Add(captured(binary.LittleEndian, pcapMicro, "x"))
	f.Add(captured(binary.BigEndian, pcapNano, ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		packets, _ := readPcap(bytes.NewReader(b))
		newWire(packets)
	})
}

func TestMessage(t *testing.T) {
	m := message{text: "SIP/2.0 183 Session Progress\r\nFrom: <sip:+8617000000001@127.0.0.1>\r\nCSEQ: 1 INVITE\r\n\r\nv=0\r\nFrom: no header\r\n"}
	if m.status() != 183 || m.method() != "INVITE" || m.header("from") != "<sip:+8617000000001@127.0.0.1>" || !m.hasSDP() {
		t.Errorf("%d %s %q %t", m.status(), m.method(), m.header("from"), m.hasSDP())
	}
	m = message{text: "UPDATE sip:x SIP/2.0\r\n\r\n"}
	if m.status() != 0 || m.method() != "UPDATE" || m.header("From") != "" || m.hasSDP() {
		t.Errorf("%d %s", m.status(), m.method())
	}
}
