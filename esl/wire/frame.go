package wire

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Frame is one message from the switch: its own headers and its body.
type Frame struct {
	Type string // Content-Type
	Body []byte
	head []byte // header lines, each ended by LF; not kept for an event
}

// Get gives one of the frame's own headers as it stands: these are not percent-encoded. For an event see Event.
func (f Frame) Get(name string) string { return string(find(f.head, name)) }

// Text gives what the frame answers: Reply-Text of a reply, else the body, with whatever is not UTF-8 replaced by U+FFFD.
func (f Frame) Text() string {
	if f.Type == CommandReply {
		return f.Get("Reply-Text")
	}
	return strings.ToValidUTF8(string(f.Body), "\uFFFD")
}

// Lingers tells whether a disconnect notice only says that the channel has ended, and the socket stays for its last events.
func (f Frame) Lingers() bool {
	return f.Type == Disconnect && f.Get("Content-Disposition") == "linger"
}

// Event reads the event in a text/event-plain frame. The event shares the frame's bytes.
func (f Frame) Event() (*Event, error) {
	if f.Type != EventPlain {
		return nil, fmt.Errorf("%w: %s is not a plain event", ErrFrame, f.Type)
	}
	e, err := ParseEvent(f.Body)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(e.head) {
		return nil, fmt.Errorf("%w: event header is not utf-8", ErrFrame)
	}
	return e, nil
}
