package media

import (
	"bytes"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestG711(t *testing.T) {
	for _, c := range []struct {
		alaw byte
		want int16
	}{{0xD5, 8}, {0x55, -8}, {0xAA, 32256}, {0x2A, -32256}, {0xC5, 264}, {0x80, 5504}} {
		if got := fromALaw(c.alaw); got != c.want {
			t.Errorf("A-law %#x is %d, want %d", c.alaw, got, c.want)
		}
	}
	for _, c := range []struct {
		mulaw byte
		want  int16
	}{{0xFF, 0}, {0x7F, 0}, {0x80, 32124}, {0x00, -32124}, {0xEF, 132}, {0xC0, 1884}} {
		if got := fromMuLaw(c.mulaw); got != c.want {
			t.Errorf("µ-law %#x is %d, want %d", c.mulaw, got, c.want)
		}
	}
}

// Every code of both laws is decoded as sox decodes it.
func TestG711AsSox(t *testing.T) {
	sox, err := exec.LookPath("sox")
	if err != nil {
		t.Skip("sox is not installed")
	}
	codes := make([]byte, 256)
	for i := range codes {
		codes[i] = byte(i)
	}
	for _, law := range []struct {
		sox    string
		tag    uint16
		decode func(byte) int16
	}{{"a-law", formatALaw, fromALaw}, {"mu-law", formatMuLaw, fromMuLaw}} {
		cmd := exec.Command(sox, "-D", "-t", "raw", "-r", "8000", "-c", "1", "-e", law.sox, "-", "-t", "wav", "-e", "signed", "-b", "16", filepath.Join(t.TempDir(), "out.wav"))
		cmd.Stdin = bytes.NewReader(codes)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("sox: %v: %s", err, out)
		}
		samples, rate, err := decodeWAV(read(t, cmd.Args[len(cmd.Args)-1]))
		if err != nil || rate != 8000 {
			t.Fatal(rate, err)
		}
		for i, want := range samples {
			if got := law.decode(byte(i)); got != want {
				t.Errorf("%s %#x is %d, sox says %d", law.sox, i, got, want)
			}
		}
	}
}

func TestEncodeWAV(t *testing.T) {
	samples := []int16{0, 1, -1, 32767, -32768}
	for _, comment := range []string{"", promptComment + "12", promptComment + "123"} {
		file := encodeWAV(samples, comment)
		sound, err := ReadWAV(bytes.NewReader(file), int64(len(file)))
		if err != nil || sound != (Sound{PCM16, 625 * time.Microsecond}) {
			t.Errorf("comment %q: %v, %v", comment, sound, err)
		}
		h, _ := readHeader(bytes.NewReader(file), int64(len(file)))
		if strings.TrimSpace(h.comment) != comment {
			t.Errorf("comment %q is read as %q", comment, h.comment)
		}
		if got, rate, err := decodeWAV(file); err != nil || rate != 8000 || !slices.Equal(got, samples) {
			t.Errorf("samples %v at %d, %v", got, rate, err)
		}
	}
}

func TestDecodeWAV(t *testing.T) {
	stereo := wav(formatPCM, 2, 16000, 16, nil, []byte{10, 0, 20, 0, 0xF6, 0xFF, 0xEC, 0xFF})
	if got, rate, err := decodeWAV(stereo); err != nil || rate != 16000 || !slices.Equal(got, []int16{15, -15}) {
		t.Errorf("stereo: %v at %d, %v", got, rate, err)
	}
	for name, file := range map[string][]byte{
		"three channels": wav(formatPCM, 3, 8000, 16, nil, make([]byte, 12)),
		"4 kHz":          wav(formatPCM, 1, 4000, 16, nil, make([]byte, 12)),
		"96 kHz":         wav(formatPCM, 1, 96000, 16, nil, make([]byte, 12)),
		"no channels":    wav(formatPCM, 0, 8000, 16, nil, make([]byte, 12)),
		"MP3":            []byte("ID3\x04 and some more bytes of it"),
	} {
		if _, _, err := decodeWAV(file); err == nil {
			t.Errorf("%s is converted", name)
		}
	}
}

// tone is a second of a tone of this frequency and the highest sample 10000.
func tone(hertz float64, rate int) []int16 {
	s := make([]int16, rate)
	for i := range s {
		s[i] = int16(10000 * math.Sin(2*math.Pi*hertz*float64(i)/float64(rate)))
	}
	return s
}

// level is how much of a tone is in the middle of a sound, in parts of what tone makes.
func level(s []int16, hertz float64) float64 {
	var re, im float64
	n := 0
	for i := len(s) / 4; i < len(s)*3/4; i++ {
		a := 2 * math.Pi * hertz * float64(i) / sampleRate
		re += float64(s[i]) * math.Cos(a)
		im += float64(s[i]) * math.Sin(a)
		n++
	}
	return 2 * math.Hypot(re, im) / float64(n) / 10000
}

func TestResample(t *testing.T) {
	for _, rate := range []int{11025, 16000, 22050, 24000, 32000, 44100, 48000} {
		for _, hertz := range []float64{300, 1000, 3000} {
			out := resample(tone(hertz, rate), rate)
			if len(out) != sampleRate {
				t.Errorf("a second at %d Hz becomes %d samples", rate, len(out))
			}
			if got := level(out, hertz); got < 0.97 || got > 1.03 {
				t.Errorf("%v Hz at %d Hz comes out at %.3f of its level", hertz, rate, got)
			}
		}
		above := 5000.0 // it would come back as 3000 Hz
		if got := level(resample(tone(above, rate), rate), sampleRate-above); got > 0.01 {
			t.Errorf("%v Hz at %d Hz is still heard at %.3f, as another tone", above, rate, got)
		}
	}
	same := tone(440, 8000)
	if !slices.Equal(resample(same, 8000), same) {
		t.Error("a sound that has the rate is changed")
	}
	if got := resample(slices.Repeat([]int16{32767, -32768}, 100), 16000); len(got) != 100 {
		t.Errorf("%d samples", len(got))
	}
}

func TestVoiced(t *testing.T) {
	word := encode16(tone(500, 22050), 22050)
	stream := slices.Clone(word) // as a program writes to a pipe
	copy(stream[4:], "\xff\xff\xff\x7f")
	copy(stream[40:], "\xff\xff\xff\x7f")
	zero := slices.Clone(word)
	copy(zero[40:], "\x00\x00\x00\x00")
	for name, c := range map[string]struct {
		raw  []byte
		want error // nil: it is a second of sound; else wrapped
	}{
		"a word":                  {word, nil},
		"one through a pipe":      {stream, nil},
		"one that does not know":  {zero, nil},
		"through a pipe, and odd": {append(slices.Clone(stream), 1), nil},
		"soft":                    {encode16(quieter(tone(500, 8000), 20), 8000), nil},
		"silence":                 {encode16(make([]int16, 8000), 8000), ErrSilent},
		"noise of the line":       {encode16(quieter(tone(500, 8000), 150), 8000), ErrSilent},
		"a click":                 {encode16(tone(500, 8000)[:100], 8000), ErrSilent},
		"cut short":               {word[:len(word)/2], ErrSound},
		"no sound at all":         {word[:44], ErrSound},
		"words of an error":       {[]byte("cannot open voice"), ErrSound},
		"nothing":                 {nil, ErrSound},
	} {
		file, err := voiced(c.raw)
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.want != nil {
			continue
		}
		samples, _, err := decodeWAV(file)
		peak := 0
		for _, v := range samples {
			peak = max(peak, int(v))
		}
		if err != nil || len(samples) != leadIn+sampleRate || float64(peak) > loudest+200 || slices.Max(samples[:leadIn]) != 0 {
			t.Errorf("%s: %d samples up to %d, %v", name, len(samples), peak, err)
		}
		if name == "a word" && float64(peak) < loudest*0.9 {
			t.Errorf("%s is soft: %d", name, peak)
		}
	}
}

func quieter(s []int16, by int16) []int16 {
	for i := range s {
		s[i] /= by
	}
	return s
}

// encode16 writes samples of any rate.
func encode16(s []int16, rate uint32) []byte {
	raw := make([]byte, 0, 2*len(s))
	for _, v := range s {
		raw = append(raw, byte(v), byte(uint16(v)>>8))
	}
	return wav(formatPCM, 1, rate, 16, nil, raw)
}

func FuzzVoiced(f *testing.F) {
	f.Add(encode16(tone(500, 22050)[:3000], 22050))
	f.Add(wav(formatMuLaw, 2, 8000, 8, []byte("LIST\x03\x00\x00\x00abc\x00"), make([]byte, 900)))
	f.Add([]byte("RIFF\x10\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := voiced(raw)
		if err != nil {
			return
		}
		if s, err := ReadWAV(bytes.NewReader(file), int64(len(file))); err != nil || s.Duration < 250*time.Millisecond {
			t.Fatalf("made %v, %v", s, err)
		}
	})
}

func BenchmarkResample(b *testing.B) {
	in := tone(500, 22050)
	for b.Loop() {
		resample(in, 22050)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
