package sim

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// recording is one file that a leg's sound goes into.
type recording struct {
	path  string
	since time.Time
	limit time.Duration
}

// recordSession starts "path [limit]".
func (c *channel) recordSession(arg string) {
	path, limit, _ := strings.Cut(arg, " ")
	c.sw.mu.Lock()
	defer c.sw.mu.Unlock()
	if c.hungUp || len(c.recordings) >= 16 {
		return
	}
	r := &recording{path: path, since: time.Now(), limit: time.Duration(max(0, atoi(limit))) * time.Second}
	c.recordings = append(c.recordings, r)
	c.fire("RECORD_START", "Record-File-Path", path)
	if r.limit > 0 {
		c.sw.schedule(c.uuid, r.limit, func() { c.stopRecording(r) })
	}
}

func (c *channel) stopRecordSession(arg string) {
	c.sw.mu.Lock()
	defer c.sw.mu.Unlock()
	for _, r := range c.recordings {
		if arg == "all" || r.path == arg {
			c.stopRecording(r)
		}
	}
}

// stopRecording writes the file: as long as the leg was recorded, of silence; s.mu is held.
func (c *channel) stopRecording(r *recording) {
	if r.since.IsZero() {
		return
	}
	end := time.Now()
	if c.hungUp {
		end = c.ended
	}
	d := end.Sub(r.since)
	r.since = time.Time{}
	channels := 1
	if c.vars.yes("RECORD_STEREO") {
		channels = 2
	}
	samples := int64(d.Seconds() * 8000)
	if err := writeSilence(r.path, samples, channels); err != nil {
		c.sw.opt.Log.Warn("recording not written", "error", err)
	}
	c.vars.set("record_file_size", strconv.FormatInt(44+samples*2*int64(channels), 10))
	c.vars.set("record_samples", strconv.FormatInt(samples, 10))
	c.vars.set("record_seconds", strconv.FormatInt(samples/8000, 10))
	c.vars.set("record_ms", strconv.FormatInt(samples/8, 10))
	c.vars.set("record_completion_cause", "success-silence")
	c.fire("RECORD_STOP", "Record-File-Path", r.path, "Record-Completion-Cause", "success-silence")
}

// writeSilence makes a WAV file of 16 bit at 8 kHz. The silence is a hole in the file, so it costs nothing to write.
func writeSilence(path string, samples int64, channels int) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the path is the test's or the demo's own
	if err != nil {
		return err
	}
	size := samples * 2 * int64(channels)
	if _, err = f.Write(wavHeader(size, channels)); err == nil {
		err = f.Truncate(44 + size)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

func wavHeader(size int64, channels int) []byte {
	le := binary.LittleEndian
	h := le.AppendUint32([]byte("RIFF"), uint32(min(36+size, 1<<32-1))) //nolint:gosec // bounded on the line
	h = le.AppendUint32(append(h, "WAVEfmt "...), 16)
	h = le.AppendUint16(h, 1)
	h = le.AppendUint16(h, uint16(channels)) //nolint:gosec // 1 or 2
	h = le.AppendUint32(h, 8000)
	h = le.AppendUint32(h, uint32(8000*2*channels)) //nolint:gosec // 1 or 2 channels
	h = le.AppendUint16(h, uint16(2*channels))      //nolint:gosec // 1 or 2 channels
	h = le.AppendUint16(h, 16)
	return le.AppendUint32(append(h, "data"...), uint32(min(size, 1<<32-1))) //nolint:gosec // bounded on the line
}
