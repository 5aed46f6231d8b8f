package keys

import (
	"encoding/binary"
	"testing"
	"time"
)

// The capture holds every key as RFC 2833 has it: the event, its length that grows, and its end three times.
func TestPcap(t *testing.T) {
	b := Pcap("1,#", 300*time.Millisecond)
	le, be := binary.LittleEndian, binary.BigEndian
	if le.Uint32(b) != 0xa1b2c3d4 || le.Uint32(b[20:]) != 1 {
		t.Fatal("no capture of Ethernet")
	}
	type event struct {
		at      time.Duration
		name    byte
		ends    int
		longest uint16
	}
	seen := map[uint32]*event{}
	var order []uint32
	for b = b[24:]; len(b) > 0; {
		at := time.Duration(le.Uint32(b))*time.Second + time.Duration(le.Uint32(b[4:]))*time.Microsecond
		n := le.Uint32(b[8:])
		rtp := b[16+14+20+8 : 16+n]
		b = b[16+n:]
		if rtp[1]&0x7f != PayloadType || len(rtp) != 16 {
			t.Fatalf("packet % x", rtp)
		}
		stamp := be.Uint32(rtp[4:])
		if stamp == 0 {
			t.Error("an event at 0 is none for FreeSWITCH")
		}
		if seen[stamp] == nil {
			seen[stamp] = &event{at: at, name: rtp[12]}
			order = append(order, stamp)
		}
		e := seen[stamp]
		e.longest = max(e.longest, be.Uint16(rtp[14:]))
		if rtp[13]&0x80 != 0 {
			e.ends++
		}
	}
	want := []event{{0, 1, 3, 800}, {1300 * time.Millisecond, 11, 3, 800}}
	if len(order) != len(want) {
		t.Fatalf("%d keys", len(order))
	}
	for i, stamp := range order {
		if *seen[stamp] != want[i] {
			t.Errorf("key %d is %v, want %v", i, *seen[stamp], want[i])
		}
	}
}
