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
	head  []byte  // `Name: value` lines, each ended by LF
	lines []int32 // where each line begins
	body  []byte
}

// ParseEvent reads the plain form. It keeps b. A line without a colon is passed over, since a strange variable name may make one
// and must not cost the event; NUL, a header block without its end, and a body that is not as long as it says are ErrFrame.
func ParseEvent(b []byte) (*Event, error) {
	if bytes.IndexByte(b, 0) >= 0 {
		return nil, fmt.Errorf("%w: NUL in an event", ErrFrame)
	}
	e := &Event{lines: make([]int32, 0, 128)} // an event of a SIP leg has about 115
	at := 0
	for at < len(b) && b[at] != '\n' {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 || at > MaxBody {
			return nil, fmt.Errorf("%w: event headers do not end", ErrFrame)
		}
		e.lines = append(e.lines, int32(at)) //nolint:gosec // at most MaxBody
		at += n + 1
	}
	switch {
	case at == 0:
		return nil, fmt.Errorf("%w: event without headers", ErrFrame)
	case at == len(b):
		return nil, fmt.Errorf("%w: event headers do not end", ErrFrame)
	}
	e.head, e.body = b[:at], b[at+1:]
	if err := e.checkBody(); err != nil {
		return nil, err
	}
	return e, nil
}

// checkBody compares the body with the length that the last line gives: an event may carry a header of that name of its own.
func (e *Event) checkBody() error {
	if len(e.body) == 0 {
		return nil
	}
	name, value, _ := bytes.Cut(e.line(len(e.lines)-1), []byte(": "))
	if !foldEqual(name, "Content-Length") {
		return fmt.Errorf("%w: event body without a content-length", ErrFrame)
	}
	n, err := contentLength(value)
	if err != nil {
		return err
	}
	if n != len(e.body) {
		return fmt.Errorf("%w: event body of %d bytes says %d", ErrFrame, len(e.body), n)
	}
	return nil
}

// line gives the i-th line without its LF.
func (e *Event) line(i int) []byte {
	end := len(e.head)
	if i+1 < len(e.lines) {
		end = int(e.lines[i+1])
	}
	return e.head[e.lines[i] : end-1]
}

// Get gives a header's value, percent-decoded; "" if it is absent or _undef_. A name is matched as it is written, and if there is
// no such header, without regard to case, as FreeSWITCH does. The first of several counts. Bytes that are not UTF-8 after
// decoding become U+FFFD: a caller chooses them, so they must not cost the connection.
func (e *Event) Get(name string) string {
	n := len(name)
	if n == 0 {
		return ""
	}
	for i, at := range e.lines {
		// A look at one byte passes over nearly every line that is another's.
		if end := int(at) + n; end >= len(e.head) || e.head[end] != ':' {
			continue
		}
		if line := e.line(i); len(line) > n && string(line[:n]) == name {
			return Unescape(bytes.TrimLeft(line[n+1:], " "))
		}
	}
	for i := range e.lines {
		if line := e.line(i); len(line) > n && line[n] == ':' && foldEqual(line[:n], name) {
			return Unescape(bytes.TrimLeft(line[n+1:], " "))
		}
	}
	return ""
}

// Name is the event's Event-Name.
func (e *Event) Name() string { return e.Get("Event-Name") }

// Body is the event's own body, such as a job's answer; not UTF-8 is mended as in Get.
func (e *Event) Body() string { return strings.ToValidUTF8(string(e.body), "\uFFFD") }

// All gives every header in order, decoded.
func (e *Event) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range e.lines {
			name, value, ok := bytes.Cut(e.line(i), []byte{':'})
			if ok && !yield(mend(string(name)), Unescape(bytes.TrimLeft(value, " "))) {
				return
			}
		}
	}
}

// find gives the raw value of a header in a block of lines, without regard to case; nil if there is none.
func find(lines []byte, name string) []byte {
	for line := range bytes.Lines(lines) {
		if len(line) > len(name) && line[len(name)] == ':' && foldEqual(line[:len(name)], name) {
			return bytes.TrimLeft(bytes.TrimSuffix(line, []byte{'\n'})[len(name)+1:], " ")
		}
	}
	return nil
}
