// Package keys makes the sound file of a phone that presses keys, for SIPp's play_pcap_audio: RFC 2833 events in RTP, with the payload type that
// FreeSWITCH offers (SIPp's own play_dtmf always sends 96, which a called phone may not). It holds no state and starts no goroutine.
package keys

import (
	"encoding/binary"
	"strings"
	"time"
)

// PayloadType is the telephone-event that conf/freeswitch offers (rfc2833-pt).
const PayloadType = 101

// names are the events 0 to 11 of RFC 2833.
const names = "0123456789*#"

// pressed is how long a key is held, in packets of 20 ms; the last one is sent three times.
const pressed = 5

// Pcap gives a capture in which the keys are pressed one after the other, a key every gap (at least 200 ms). Characters that are no keys are pauses
// of a second: "12,#" presses 1 and 2, waits, and presses #.
func Pcap(keys string, gap time.Duration) []byte {
	le := binary.LittleEndian
	out := le.AppendUint32(nil, 0xa1b2c3d4)
	for _, v := range []uint32{2 | 4<<16, 0, 0, 65535, 1} { // version 2.4, no zone, no accuracy, snap length, Ethernet
		out = le.AppendUint32(out, v)
	}
	at, seq := time.Duration(0), uint16(1)
	for _, k := range keys {
		event := strings.IndexRune(names, k)
		if event < 0 {
			at += time.Second
			continue
		}
		stamp := 8000 + uint32(at/time.Millisecond)*8 //nolint:gosec // a script of a minute; FreeSWITCH takes an event at 0 for none
		for i := range pressed + 2 {
			last := i >= pressed-1
			out = appendPacket(out, at+time.Duration(i)*20*time.Millisecond, rtp(seq, stamp, byte(event), i, last)) //nolint:gosec // below 12
			seq++
		}
		at += max(gap, 200*time.Millisecond)
	}
	return out
}

// rtp is one packet of an event; the i-th of its key.
func rtp(seq uint16, stamp uint32, event byte, i int, last bool) []byte {
	be := binary.BigEndian
	kind := byte(PayloadType)
	if i == 0 {
		kind |= 0x80 // marker
	}
	p := be.AppendUint16([]byte{0x80, kind}, seq)
	p = be.AppendUint32(be.AppendUint32(p, stamp), 0x6b657973)
	volume := byte(10)
	if last {
		volume |= 0x80
	}
	return be.AppendUint16(append(p, event, volume), uint16(min(i+1, pressed)*160)) //nolint:gosec // below 1000
}

// appendPacket wraps RTP into UDP, IPv4 and Ethernet, of which SIPp keeps nothing but the length.
func appendPacket(out []byte, at time.Duration, rtp []byte) []byte {
	be, le := binary.BigEndian, binary.LittleEndian
	udp := be.AppendUint16(be.AppendUint16(nil, 4000), 4000)
	udp = append(be.AppendUint16(be.AppendUint16(udp, uint16(8+len(rtp))), 0), rtp...) //nolint:gosec // 24 bytes
	ip := append([]byte{0x45, 0}, be.AppendUint16(nil, uint16(20+len(udp)))...)        //nolint:gosec // 44 bytes
	ip = append(ip, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1)
	frame := append(make([]byte, 12), 8, 0)
	frame = append(append(frame, ip...), udp...)
	out = le.AppendUint32(out, uint32(at/time.Second))                                  //nolint:gosec // a script of a minute
	out = le.AppendUint32(out, uint32(at%time.Second/time.Microsecond))                 //nolint:gosec // below a million
	out = le.AppendUint32(le.AppendUint32(out, uint32(len(frame))), uint32(len(frame))) //nolint:gosec // 58 bytes
	return append(out, frame...)
}
