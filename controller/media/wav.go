package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Encoding is how a sound's samples are written.
type Encoding string

// The encodings that the switch plays without resampling (spec/privatenumber.md §6 asks for A-law; the others do no harm).
const (
	ALaw  Encoding = "alaw"
	MuLaw Encoding = "mulaw"
	PCM16 Encoding = "pcm16"
)

// Sound is what a WAV header says.
type Sound struct {
	Encoding Encoding
	Duration time.Duration
}

// ErrSound is wrapped by every complaint about a sound file.
var ErrSound = errors.New("not a WAV file of 8 kHz, mono, A-law, µ-law or 16-bit PCM")

const (
	sampleRate = 8000
	chunkMax   = 64 // chunks looked at before data; real files have two to five

	formatPCM        = 1
	formatALaw       = 6
	formatMuLaw      = 7
	formatExtensible = 0xFFFE
)

// ReadWAV reads the header of a WAV file of size bytes and checks that the sound it promises is all there.
func ReadWAV(r io.ReaderAt, size int64) (Sound, error) {
	var riff [12]byte
	if err := readAt(r, riff[:], 0, size); err != nil {
		return Sound{}, err
	}
	if string(riff[:4]) != "RIFF" || string(riff[8:]) != "WAVE" {
		return Sound{}, fmt.Errorf("%w: no RIFF WAVE header", ErrSound)
	}
	var f format
	for at, n := int64(len(riff)), 0; n < chunkMax; n++ {
		var head [8]byte
		if err := readAt(r, head[:], at, size); err != nil {
			return Sound{}, err
		}
		length := int64(binary.LittleEndian.Uint32(head[4:]))
		at += int64(len(head))
		switch string(head[:4]) {
		case "fmt ":
			if err := f.read(r, at, length, size); err != nil {
				return Sound{}, err
			}
		case "data":
			return f.sound(length, size-at)
		}
		at += length + length%2 // chunks are padded to an even length
	}
	return Sound{}, fmt.Errorf("%w: no data within %d chunks", ErrSound, chunkMax)
}

// format is the part of the fmt chunk that matters.
type format struct {
	encoding Encoding
	width    int64 // bytes a sample
}

func (f *format) read(r io.ReaderAt, at, length, size int64) error {
	var b [26]byte // the fields up to the first two bytes of the sub-format
	if length < 16 {
		return fmt.Errorf("%w: the fmt chunk has %d bytes", ErrSound, length)
	}
	part := b[:min(length, int64(len(b)))]
	if err := readAt(r, part, at, size); err != nil {
		return err
	}
	le := binary.LittleEndian
	tag, channels, rate, bits := le.Uint16(b[0:]), le.Uint16(b[2:]), le.Uint32(b[4:]), le.Uint16(b[14:])
	if tag == formatExtensible {
		tag = le.Uint16(b[24:])
	}
	if channels != 1 || rate != sampleRate {
		return fmt.Errorf("%w: it has %d channels at %d Hz", ErrSound, channels, rate)
	}
	switch {
	case tag == formatALaw && bits == 8:
		*f = format{ALaw, 1}
	case tag == formatMuLaw && bits == 8:
		*f = format{MuLaw, 1}
	case tag == formatPCM && bits == 16:
		*f = format{PCM16, 2}
	default:
		return fmt.Errorf("%w: its samples have format %d and %d bits", ErrSound, tag, bits)
	}
	return nil
}

// sound judges a data chunk of length bytes in a file that has there bytes left for it.
func (f format) sound(length, there int64) (Sound, error) {
	switch {
	case f.width == 0:
		return Sound{}, fmt.Errorf("%w: the data comes before the format", ErrSound)
	case length > there:
		return Sound{}, fmt.Errorf("%w: it promises %d bytes of sound and has %d", ErrSound, length, there)
	case length == 0 || length%f.width != 0:
		return Sound{}, fmt.Errorf("%w: %d bytes of sound are no whole number of samples, at least one", ErrSound, length)
	}
	return Sound{f.encoding, time.Duration(length/f.width) * (time.Second / sampleRate)}, nil
}

func readAt(r io.ReaderAt, b []byte, at, size int64) error {
	if at+int64(len(b)) > size {
		return fmt.Errorf("%w: it ends in its header", ErrSound)
	}
	if _, err := r.ReadAt(b, at); err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	return nil
}
