package wire

import (
	"bytes"
	"fmt"
	"iter"
	"strings"
)

// Event is a list of headers and a body, in the plain form of switch_event_serialize: an event, or the answer to uuid_dump.
// Headers are looked up and decoded when they are asked for. The zero Event has none.
type Event struct {
	head []byte // `Name: value` lines, each ended by LF
	body []byte
}

// ParseEvent reads the plain form. It keeps b. A line without a colon is passed over, since a strange variable name may make one
// and must not cost the event; NUL, a header block without its end, and a body that is not as long as it says are ErrFrame.
func ParseEvent(b []byte) (*Event, error) {
	if bytes.IndexByte(b, 0) >= 0 {
		return nil, fmt.Errorf("%w: NUL in an event", ErrFrame)
	}
	if len(b) == 0 || b[0] == '\n' {
		return nil, fmt.Errorf("%w: event without headers", ErrFrame)
	}
	end := bytes.Index(b, []byte("\n\n"))
	if end < 0 {
		return nil, fmt.Errorf("%w: event headers do not end", ErrFrame)
	}
	e := &Event{head: b[:end+1], body: b[end+2:]}
	want := 0
	// The length of the body is the last line: an event may carry a header of this name of its own.
	if last := e.head[bytes.LastIndexByte(e.head[:end], '\n')+1:]; len(e.body) > 0 {
		name, value, _ := bytes.Cut(last[:len(last)-1], []byte(": "))
		if !foldEqual(name, "Content-Length") {
			return nil, fmt.Errorf("%w: event body without a content-length", ErrFrame)
		}
		var err error
		if want, err = contentLength(value); err != nil {
			return nil, err
		}
	}
	if want != len(e.body) {
		return nil, fmt.Errorf("%w: event body of %d bytes says %d", ErrFrame, len(e.body), want)
	}
	return e, nil
}

// Get gives a header's value, percent-decoded; "" if it is absent or _undef_. A name is matched as it is written, and if there is
// no such header, without regard to case, as FreeSWITCH does. The first of several counts. Bytes that are not UTF-8 after
// decoding become U+FFFD: a caller chooses them, so they must not cost the connection.
func (e *Event) Get(name string) string {
	return Unescape(find(e.head, name))
}

// Name is the event's Event-Name.
func (e *Event) Name() string { return e.Get("Event-Name") }

// Body is the event's own body, such as a job's answer; not UTF-8 is mended as in Get.
func (e *Event) Body() string { return strings.ToValidUTF8(string(e.body), "\uFFFD") }

// All gives every header in order, decoded.
func (e *Event) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for line := range bytes.Lines(e.head) {
			name, value, ok := bytes.Cut(bytes.TrimSuffix(line, []byte{'\n'}), []byte{':'})
			if ok && !yield(strings.ToValidUTF8(string(name), "\uFFFD"), Unescape(bytes.TrimLeft(value, " "))) {
				return
			}
		}
	}
}

// find gives the raw value of a header in a block of lines, nil if there is none.
func find(lines []byte, name string) []byte {
	if name == "" {
		return nil
	}
	if v, ok := findExact(lines, name); ok {
		return v
	}
	for line := range bytes.Lines(lines) {
		if len(line) > len(name) && line[len(name)] == ':' && foldEqual(line[:len(name)], name) {
			return bytes.TrimLeft(bytes.TrimSuffix(line, []byte{'\n'})[len(name)+1:], " ")
		}
	}
	return nil
}

// findExact looks for the name at the start of a line. It searches for the name itself, which the processor does many bytes at a
// time, and then looks at what stands around it.
func findExact(lines []byte, name string) ([]byte, bool) {
	var room [64]byte
	want := append(room[:0], name...)
	for from := 0; ; {
		i := bytes.Index(lines[from:], want)
		if i < 0 {
			return nil, false
		}
		start, end := from+i, from+i+len(want)
		if (start == 0 || lines[start-1] == '\n') && end < len(lines) && lines[end] == ':' {
			value := lines[end+1:]
			if n := bytes.IndexByte(value, '\n'); n >= 0 {
				value = value[:n]
			}
			return bytes.TrimLeft(value, " "), true
		}
		from = start + 1
	}
}
