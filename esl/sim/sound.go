package sim

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// forever is how long an endless sound lasts.
const forever = time.Duration(-1)

// playback plays a sound on the session thread until it ends, is broken off, or the leg hangs up.
func (c *channel) playback(arg string) {
	s := c.sw
	d, found := s.soundLength(arg)
	s.mu.Lock()
	if !found {
		c.vars.set("current_application_response", "FILE NOT FOUND")
		c.vars.set("playback_last_offset_pos", "0")
		s.mu.Unlock()
		return
	}
	c.plays++
	c.line.hears("playback", arg)
	c.fire("PLAYBACK_START", "Playback-File-Path", arg)
	start := time.Now()
	stop := orElse(c.vars.get("playback_terminators"), "*")
	s.mu.Unlock()

	cut := c.await(d, true, func() bool {
		if c.broken != 0 {
			return true
		}
		for len(c.digits) > 0 && !c.collecting { // other digits are lost while a file plays
			key := c.digits[0]
			c.digits = c.digits[1:]
			if stop != "none" && strings.IndexByte(stop, key) >= 0 {
				c.vars.set("playback_terminator_used", string(key))
				return true
			}
		}
		return c.collecting && len(c.digits) > 0
	})

	s.mu.Lock()
	defer s.mu.Unlock()
	c.plays--
	if c.broken > 0 || c.plays == 0 { // one break ends one file, `all` ends every one that is nested here
		c.broken = 0
	}
	ms := time.Since(start).Milliseconds()
	c.vars.set("playback_ms", strconv.FormatInt(ms, 10))
	c.vars.set("playback_seconds", strconv.FormatInt(ms/1000, 10))
	c.vars.set("playback_samples", strconv.FormatInt(ms*8, 10))
	c.vars.set("current_application_response", "FILE PLAYED")
	if c.hungUp {
		c.vars.set("current_application_response", "PLAYBACK ERROR")
	}
	status := "done"
	if cut {
		status = "break"
	}
	c.fire("PLAYBACK_STOP", "Playback-File-Path", arg, "Playback-Status", status)
	if status == "done" && !c.hungUp {
		c.line.prompted(arg)
	}
}

// displace mixes "path [flags]" into what both parties of a bridge hear, and returns at once.
func (c *channel) displace(arg string) {
	path, _, _ := strings.Cut(arg, " ")
	c.sw.mu.Lock()
	defer c.sw.mu.Unlock()
	for _, x := range []*channel{c, c.originator} {
		if x != nil {
			x.line.hears("playback", path)
		}
	}
}

// soundLength tells how long a sound lasts; forever for one without end; false if there is no such file.
func (s *Switch) soundLength(path string) (time.Duration, bool) {
	for strings.HasPrefix(path, "{") {
		_, path, _ = strings.Cut(path, "}")
	}
	kind, rest, _ := strings.Cut(path, "://")
	switch kind {
	case "silence_stream":
		ms, _, _ := strings.Cut(rest, ",")
		if n := atoi(ms); n >= 0 {
			return time.Duration(n) * time.Millisecond, true
		}
		return forever, true
	case "tone_stream":
		return toneLength(rest), true
	case "file_string":
		var all time.Duration
		some := false
		for part := range strings.SplitSeq(rest, "!") { // a part that is not there is passed over
			d, found := s.soundLength(part)
			switch {
			case found && d < 0:
				return d, true
			case found:
				all += d
				some = true
			}
		}
		return all, some
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.opt.Sounds, path)
	}
	if d, err := wavLength(path); err == nil {
		return d, true
	}
	return s.opt.Playback, s.opt.Playback > 0
}

// toneLength reads the times of a TGML script: %(on,off,frequency…), and ;loops=N.
func toneLength(script string) time.Duration {
	script, loops, _ := strings.Cut(script, ";loops=")
	var once time.Duration
	for {
		_, rest, found := strings.Cut(script, "%(")
		if !found {
			break
		}
		tone, after, _ := strings.Cut(rest, ")")
		times := strings.Split(tone, ",")
		for _, t := range times[:min(2, len(times))] {
			once += time.Duration(atoi(t)) * time.Millisecond
		}
		script = after
	}
	n := atoi(loops)
	if n < 0 {
		return forever
	}
	return once * time.Duration(max(1, n))
}

var errNoWAV = errors.New("not a WAV file")

// wavLength reads how long a WAV file plays from its headers.
func wavLength(path string) (time.Duration, error) {
	f, err := os.Open(path) //nolint:gosec // the path is the test's or the demo's own
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	var riff [12]byte
	if _, err := io.ReadFull(f, riff[:]); err != nil || string(riff[:4]) != "RIFF" || string(riff[8:]) != "WAVE" {
		return 0, errNoWAV
	}
	var perSecond uint32
	for range 64 { // chunks
		var head [8]byte
		if _, err := io.ReadFull(f, head[:]); err != nil {
			return 0, errNoWAV
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		switch string(head[:4]) {
		case "fmt ":
			var format [16]byte
			if _, err := io.ReadFull(f, format[:]); err != nil || size < 16 {
				return 0, errNoWAV
			}
			perSecond = binary.LittleEndian.Uint32(format[8:])
			size -= 16
		case "data":
			if perSecond == 0 {
				return 0, errNoWAV
			}
			return time.Duration(size) * time.Second / time.Duration(perSecond), nil
		}
		if _, err := f.Seek(size+size&1, io.SeekCurrent); err != nil {
			return 0, errNoWAV
		}
	}
	return 0, errNoWAV
}
