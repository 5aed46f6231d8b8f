package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// ErrRecording is wrapped by every complaint about a recording's file.
var ErrRecording = errors.New("not a WAV file as the switch records it")

// ShortRecording is how long a recording must be to have a link (spec/privatenumber.md §5, spec/voicecall.md §5). The switch keeps shorter ones
// too, unless RECORD_MIN_SEC is set; they stay for the operator until their days are over.
const ShortRecording = 3 * time.Second

const (
	trackChunks  = 16      // chunks looked at before the samples
	trailerBytes = 4 << 10 // what may stand behind the samples
)

// track is what the header of a recording says. The switch writes the lengths when it closes the file and not before: until then, and for
// ever when it is killed, the file has no samples by its header (mod_sndfile; tried with FreeSWITCH 1.11.2).
type track struct {
	data   int64 // where the samples begin
	length int64 // bytes of samples
	block  int64 // bytes of one sample of all channels
	rate   int64 // samples a second
	size   int64 // of the file
}

// closed says that the switch has finished the file: the header's lengths are those of the file.
func (t track) closed() bool {
	rest := t.size - t.data - t.length
	return t.length > 0 && rest >= 0 && rest <= trailerBytes
}

func (t track) duration() time.Duration {
	seconds, rest := t.length/(t.block*t.rate), t.length%(t.block*t.rate)
	return time.Duration(seconds)*time.Second + time.Duration(rest/t.block)*time.Second/time.Duration(t.rate)
}

// readTrack reads the header of a recording of size bytes: one or two channels, any rate, 16-bit PCM, A-law or µ-law.
func readTrack(r io.ReaderAt, size int64) (track, error) {
	t := track{size: size}
	var b [16]byte
	if err := readFull(r, b[:12], 0); err != nil {
		return track{}, err
	}
	if string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return track{}, fmt.Errorf("%w: no RIFF WAVE header", ErrRecording)
	}
	at := int64(12)
	for range trackChunks {
		if err := readFull(r, b[:8], at); err != nil {
			return track{}, err
		}
		length := int64(binary.LittleEndian.Uint32(b[4:]))
		at += 8
		switch string(b[:4]) {
		case "fmt ":
			if err := readFull(r, b[:16], at); err != nil {
				return track{}, err
			}
			if err := t.format(b[:16]); err != nil {
				return track{}, err
			}
		case "data":
			if t.block == 0 {
				return track{}, fmt.Errorf("%w: the samples come before their format", ErrRecording)
			}
			t.data, t.length = at, length-length%t.block
			return t, nil
		}
		at += length + length%2
	}
	return track{}, fmt.Errorf("%w: no samples within %d chunks", ErrRecording, trackChunks)
}

func (t *track) format(b []byte) error {
	le := binary.LittleEndian
	tag, channels, rate, block, bits := le.Uint16(b), le.Uint16(b[2:]), le.Uint32(b[4:]), le.Uint16(b[12:]), le.Uint16(b[14:])
	known := tag == formatPCM && bits == 16 || (tag == formatALaw || tag == formatMuLaw) && bits == 8 || tag == formatExtensible && (bits == 8 || bits == 16)
	if !known || channels < 1 || channels > 2 || rate < 8000 || rate > 48000 || int(block) != int(channels)*int(bits)/8 {
		return fmt.Errorf("%w: format %d, %d channels, %d Hz, %d bits", ErrRecording, tag, channels, rate, bits)
	}
	t.block, t.rate = int64(block), int64(rate)
	return nil
}

func readFull(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it ends in its header", ErrRecording)
	}
	return fmt.Errorf("read the header of a recording: %w", err)
}

// mend writes the lengths into the header of a file that the switch, killed, could not finish. The caller knows that nobody writes to it.
func (t track) mend(f *os.File) error {
	there := t.size - t.data
	there -= there % t.block
	if there <= 0 || there > 1<<32-1-t.data {
		return fmt.Errorf("%w: it holds no sound", ErrRecording)
	}
	var b [4]byte
	for _, field := range []struct{ at, v int64 }{{4, t.size - 8}, {t.data - 4, there}} {
		binary.LittleEndian.PutUint32(b[:], uint32(field.v))
		if _, err := f.WriteAt(b[:], field.at); err != nil {
			return fmt.Errorf("mend the header of a recording: %w", err)
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("mend the header of a recording: %w", err)
	}
	return nil
}
