package media

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	silence   = 100                 // the highest sample of a sound that nobody hears
	shortest  = sampleRate / 20     // samples: 50 ms are no word
	loudest   = 0.63 * 32767        // -4 dB, as the prompts that ship
	gainMax   = 4                   // a sound that is softer than that allows is noise
	leadIn    = sampleRate / 5      // samples of silence before the first word: carriers swallow the first moment after the answer
	streaming = uint32(0x7f00_0000) // lengths from here on, and 0, say that a program did not know the length when it wrote the header
)

// voiced makes what an engine wrote into the form in which sounds are played, as loud as the prompts that ship. A sound of silence is ErrSilent.
func voiced(raw []byte) ([]byte, error) {
	in, rate, err := decodeWAV(unstream(raw))
	if err != nil {
		return nil, fmt.Errorf("the speech engine's answer: %w", err)
	}
	in = resample(in, rate)
	peak := 0
	for _, v := range in {
		peak = max(peak, int(v), -int(v))
	}
	if peak <= silence || len(in) < shortest {
		return nil, ErrSilent
	}
	gain := min(loudest/float64(peak), gainMax)
	out := make([]int16, leadIn+len(in))
	for i, v := range in {
		out[leadIn+i] = int16(math.Round(float64(v) * gain))
	}
	return encodeWAV(out, ""), nil
}

// unstream writes the true lengths into a WAV file that was written to a pipe. Any other is left as it is.
func unstream(file []byte) []byte {
	le := binary.LittleEndian
	frame := 1
	for at := 12; at+8 <= len(file); {
		name, length := string(file[at:at+4]), le.Uint32(file[at+4:])
		at += 8
		switch {
		case name == "fmt " && at+16 <= len(file):
			frame = max(1, int(le.Uint16(file[at+12:])))
		case name == "data" && (length == 0 || length >= streaming):
			there := (len(file) - at) / frame * frame
			fixed := append([]byte(nil), file[:at+there]...)
			le.PutUint32(fixed[4:], uint32(len(fixed)-8))
			le.PutUint32(fixed[at-4:], uint32(there))
			return fixed
		case name == "data":
			return file
		}
		at += int(length) + int(length%2)
	}
	return file
}
