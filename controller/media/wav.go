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

// formatNames are the formats that are taken for A-law or PCM most often.
var formatNames = map[uint16]string{2: "Microsoft ADPCM", 3: "floating point", 17: "IMA ADPCM", 49: "GSM", 80: "MPEG", 85: "MP3", 255: "AAC"}

// ReadWAV reads the header of a WAV file of size bytes and checks that it is a sound of 8 kHz and one channel, and that all the sound it
// promises is there.
func ReadWAV(r io.ReaderAt, size int64) (Sound, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return Sound{}, err
	}
	if h.channels != 1 || h.rate != sampleRate {
		return Sound{}, fmt.Errorf("%w: it has %d channels at %d Hz", ErrSound, h.channels, h.rate)
	}
	return h.sound(), nil
}

// header is what a WAV file says of its sound.
type header struct {
	encoding Encoding
	channels int
	rate     int   // samples a second
	at, size int64 // of the samples, bytes
	comment  string
}

// sound of a file with any number of channels and any rate.
func (h header) sound() Sound {
	frames := h.size / (h.width() * int64(h.channels))
	return Sound{h.encoding, time.Duration(frames) * time.Second / time.Duration(h.rate)}
}

// width is how many bytes a sample has.
func (h header) width() int64 {
	if h.encoding == PCM16 {
		return 2
	}
	return 1
}

// readHeader reads what stands before the sound, and checks that the sound is all there: at least one frame and no broken one.
func readHeader(r io.ReaderAt, size int64) (header, error) {
	var riff [12]byte
	if err := readAt(r, riff[:], 0, size); err != nil {
		return header{}, err
	}
	if string(riff[:4]) != "RIFF" || string(riff[8:]) != "WAVE" {
		return header{}, fmt.Errorf("%w: no RIFF WAVE header", ErrSound)
	}
	// One byte may be missing: some programs count the padding of an odd chunk at the end and do not write it.
	if promised := int64(binary.LittleEndian.Uint32(riff[4:])) + 8; promised > size+1 {
		return header{}, fmt.Errorf("%w: it promises to be %d bytes long and has %d", ErrSound, promised, size)
	}
	var h header
	for at, n := int64(len(riff)), 0; n < chunkMax; n++ {
		var head [8]byte
		if err := readAt(r, head[:], at, size); err != nil {
			return header{}, err
		}
		length := int64(binary.LittleEndian.Uint32(head[4:]))
		at += int64(len(head))
		switch string(head[:4]) {
		case "fmt ":
			if err := h.readFormat(r, at, length, size); err != nil {
				return header{}, err
			}
		case "LIST":
			h.readComment(r, at, length, size)
		case "data":
			return h, h.place(at, length, size-at)
		}
		at += length + length%2 // chunks are padded to an even length
	}
	return header{}, fmt.Errorf("%w: no data within %d chunks", ErrSound, chunkMax)
}

func (h *header) readFormat(r io.ReaderAt, at, length, size int64) error {
	var b [26]byte // the fields up to the first two bytes of the sub-format
	if length < 16 {
		return fmt.Errorf("%w: the fmt chunk has %d bytes", ErrSound, length)
	}
	part := b[:min(length, int64(len(b)))]
	if err := readAt(r, part, at, size); err != nil {
		return err
	}
	le := binary.LittleEndian
	tag, bits := le.Uint16(b[0:]), le.Uint16(b[14:])
	h.channels, h.rate = int(le.Uint16(b[2:])), int(le.Uint32(b[4:]))
	if tag == formatExtensible {
		tag = le.Uint16(b[24:])
	}
	switch {
	case tag == formatALaw && bits == 8:
		h.encoding = ALaw
	case tag == formatMuLaw && bits == 8:
		h.encoding = MuLaw
	case tag == formatPCM && bits == 16:
		h.encoding = PCM16
	case tag == formatPCM:
		return fmt.Errorf("%w: its samples are PCM of %d bits", ErrSound, bits)
	case formatNames[tag] != "":
		return fmt.Errorf("%w: its samples are %s", ErrSound, formatNames[tag])
	default:
		return fmt.Errorf("%w: its samples have format %d and %d bits", ErrSound, tag, bits)
	}
	if h.channels < 1 || h.rate < 1 {
		return fmt.Errorf("%w: it has %d channels at %d Hz", ErrSound, h.channels, h.rate)
	}
	return nil
}

// readComment finds the comment of a LIST chunk of kind INFO whose first entry it is, as encodeWAV writes it. Nothing else of such chunks
// matters, so what cannot be read is left alone.
func (h *header) readComment(r io.ReaderAt, at, length, size int64) {
	var head [12]byte
	if length < int64(len(head)) || readAt(r, head[:], at, size) != nil || string(head[:8]) != "INFOICMT" {
		return
	}
	text := make([]byte, min(int64(binary.LittleEndian.Uint32(head[8:])), length-int64(len(head)), 256))
	if readAt(r, text, at+int64(len(head)), size) == nil {
		h.comment = string(text)
	}
}

// place notes where the sound is: length bytes from at, where the file has there bytes left.
func (h *header) place(at, length, there int64) error {
	switch frame := h.width() * int64(h.channels); {
	case h.encoding == "":
		return fmt.Errorf("%w: the data comes before the format", ErrSound)
	case length > there:
		return fmt.Errorf("%w: it promises %d bytes of sound and has %d", ErrSound, length, there)
	case length == 0 || length%frame != 0:
		return fmt.Errorf("%w: %d bytes of sound are no whole number of samples, at least one", ErrSound, length)
	}
	h.at, h.size = at, length
	return nil
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
