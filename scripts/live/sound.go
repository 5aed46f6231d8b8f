package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"time"
)

// sampleRate of everything here, and the samples of one look at it (20 ms).
const (
	sampleRate = 8000
	window     = 160
)

// sound is what came to an address as RTP in A-law, the only codec of these calls.
type sound struct {
	law   []byte
	began time.Time
}

// heard takes the payloads of the A-law RTP that came to an address, in the order in which they came. Other payload types (comfort
// noise, telephone events) are left out.
func (w *wire) heard(addr netip.AddrPort) sound {
	var s sound
	for _, p := range w.to[addr] {
		if b := p.payload; len(b) > 12 && b[0] == 0x80 && b[1]&0x7f == 8 {
			if s.began.IsZero() {
				s.began = p.at
			}
			s.law = append(s.law, b[12:]...)
		}
	}
	return s
}

// alaw gives the linear value of an A-law byte (G.711).
func alaw(b byte) float64 {
	b ^= 0x55
	v := int(b&0x0f)<<4 + 8
	if exp := int(b&0x70) >> 4; exp > 0 {
		v = (v + 0x100) << (exp - 1)
	}
	if b&0x80 == 0 {
		v = -v
	}
	return float64(v)
}

func linear(law []byte) []float64 {
	out := make([]float64, len(law))
	for i, b := range law {
		out[i] = alaw(b)
	}
	return out
}

// share is how much of a sound's power is at a frequency, 0 to 1; 0 for silence (Goertzel).
func share(samples []float64, hz float64) float64 {
	k := 2 * math.Cos(2*math.Pi*hz/sampleRate)
	var a, b, power float64
	for _, x := range samples {
		a, b = x+k*a-b, a
		power += x * x
	}
	n := float64(len(samples))
	if power/n < 100*100 {
		return 0
	}
	return (a*a + b*b - k*a*b) * 2 / (n * power)
}

// seconds says for how long a tone is heard: in all windows of which it has most of the power.
func seconds(samples []float64, hz float64) float64 {
	n := 0
	for i := 0; i+window <= len(samples); i += window {
		if share(samples[i:i+window], hz) > 0.7 {
			n++
		}
	}
	return float64(n) * window / sampleRate
}

// plays says that a prompt is heard, undisturbed: most of the tenths of a second taken out of its louder parts stand in the sound as they are.
// An A-law file reaches an A-law listener byte for byte.
func (s sound) plays(prompt []byte) bool {
	const piece, pieces = 800, 5
	found, looked := 0, 0
	for i := 1; i <= pieces; i++ {
		at := len(prompt) * i / (pieces + 1)
		if at+piece > len(prompt) || loudness(linear(prompt[at:at+piece])) < 300 {
			continue
		}
		looked++
		if bytes.Contains(s.law, prompt[at:at+piece]) {
			found++
		}
	}
	return looked >= 2 && found*2 > looked
}

func loudness(samples []float64) float64 {
	sum := 0.0
	for _, x := range samples {
		sum += x * x
	}
	return math.Sqrt(sum / float64(max(1, len(samples))))
}

// wav is a WAVE file's format and data.
type wav struct {
	format, channels, rate, bits int
	data                         []byte
}

func readWAV(path string) (wav, error) {
	b, err := os.ReadFile(path) //nolint:gosec // prompts and recordings of the run
	if err != nil {
		return wav{}, fmt.Errorf("read sound: %w", err)
	}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return wav{}, errors.New("not a WAVE file")
	}
	var w wav
	for rest := b[12:]; len(rest) >= 8; {
		size := int(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[8:]
		if size > len(body) {
			size = len(body)
		}
		switch string(rest[:4]) {
		case "fmt ":
			if size < 16 {
				return wav{}, errors.New("short fmt chunk")
			}
			w.format, w.channels = int(binary.LittleEndian.Uint16(body)), int(binary.LittleEndian.Uint16(body[2:]))
			w.rate, w.bits = int(binary.LittleEndian.Uint32(body[4:])), int(binary.LittleEndian.Uint16(body[14:]))
		case "data":
			w.data = body[:size]
			return w, nil
		}
		rest = body[min(len(body), size+size%2):]
	}
	return wav{}, errors.New("no data chunk")
}

// channel takes one channel of 16-bit samples.
func (w wav) channel(n int) []float64 {
	var out []float64
	for i := n * 2; i+2 <= len(w.data); i += w.channels * 2 {
		out = append(out, float64(int16(binary.LittleEndian.Uint16(w.data[i:])))) //nolint:gosec // two's complement
	}
	return out
}

// correlation is how like each other a part of a sound and another sound are, at the best place: 1 is the same but for loudness. It is looked for
// in steps of one sample around the loudest match of a coarser search.
func correlation(whole, part []float64) float64 {
	if len(part) > 2*sampleRate {
		part = part[:2*sampleRate]
	}
	best := 0.0
	power := loudness(part)
	if len(part) == 0 || power == 0 {
		return 0
	}
	for at := 0; at+len(part) <= len(whole); at++ {
		if at%4 != 0 && best < 0.5 { // speech of 8 kHz keeps half of its likeness two samples away
			continue
		}
		sum, own := 0.0, 0.0
		for i := 0; i < len(part); i += 3 {
			sum += whole[at+i] * part[i]
			own += whole[at+i] * whole[at+i]
		}
		if own == 0 {
			continue
		}
		n := float64((len(part) + 2) / 3)
		if r := sum / n / (math.Sqrt(own/n) * power); r > best {
			best = r
		}
	}
	return best
}
