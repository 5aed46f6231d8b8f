package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Reader reads frames, or requests, from one stream in the order in which they come.
type Reader struct {
	in   *bufio.Reader
	head []byte // the header lines of the frame that is read now; used again for the next
}

// NewReader reads from r.
func NewReader(r io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, MaxLine)}
}

// NewRequestReader reads from r as a server does: what it reads are requests, whose lines may be longer.
func NewRequestReader(r io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, MaxCommand)}
}

// Next reads the next frame. It gives io.EOF if the stream ended between two frames, ErrFrame for anything that is no frame (a
// truncated one is also io.ErrUnexpectedEOF), and else the stream's own error. After any error the stream must be closed.
//
// A frame's own headers must be UTF-8, and so must the header lines of an event: FreeSWITCH percent-encodes every other byte. A
// body that is not an event may hold anything; Frame.Text mends it.
func (r *Reader) Next() (Frame, error) {
	if err := r.readHead(); err != nil {
		return Frame{}, err
	}
	if !utf8.Valid(r.head) {
		return Frame{}, fmt.Errorf("%w: header is not utf-8", ErrFrame)
	}
	h, err := scanHead(r.head)
	if err != nil {
		return Frame{}, err
	}
	if h.kind == "" {
		return Frame{}, fmt.Errorf("%w: no content-type", ErrFrame)
	}
	if h.length > MaxBody {
		return Frame{}, fmt.Errorf("%w: content-length %d is above %d", ErrFrame, h.length, MaxBody)
	}
	f := Frame{Type: h.kind}
	if f.Type != EventPlain { // an event's own headers say nothing more
		f.head = slices.Clone(r.head)
	}
	if f.Body, err = r.readBody(h.length); err != nil {
		return Frame{}, err
	}
	return f, nil
}

// readHead collects lines into r.head up to the blank line that ends them. Blank lines before the first one are skipped, as
// FreeSWITCH itself skips them (read_packet).
func (r *Reader) readHead() error {
	r.head = r.head[:0]
	for read := 0; ; {
		line, err := r.in.ReadSlice('\n')
		read += len(line)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("%w: line longer than %d bytes", ErrFrame, r.in.Size())
		case errors.Is(err, io.EOF) && read > 0:
			return truncated("headers")
		case err != nil:
			return err
		case read > MaxHead:
			return fmt.Errorf("%w: headers longer than %d bytes", ErrFrame, MaxHead)
		}
		line = bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'})
		if len(line) == 0 {
			if len(r.head) == 0 {
				continue
			}
			return nil
		}
		if bytes.IndexByte(line, 0) >= 0 || bytes.IndexByte(line, '\r') >= 0 {
			return fmt.Errorf("%w: NUL or CR in a header", ErrFrame)
		}
		r.head = append(append(r.head, line...), '\n')
	}
}

// readBody reads n bytes. Room for a large body grows only as its bytes come.
func (r *Reader) readBody(n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	body := make([]byte, min(n, bodyStep))
	for got := 0; ; {
		m, err := io.ReadFull(r.in, body[got:])
		got += m
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, truncated("body")
		}
		if err != nil {
			return nil, err
		}
		if got == n {
			return body, nil
		}
		body = append(body, make([]byte, min(n-got, got))...)
	}
}

func truncated(what string) error {
	return fmt.Errorf("%w: %s: %w", ErrFrame, what, io.ErrUnexpectedEOF)
}

// head is what the reader needs of a frame's headers.
type head struct {
	kind   string
	length int
}

// scanHead checks header lines and reads type and length. Every line is `name: value` with a name that is not empty.
func scanHead(lines []byte) (head, error) {
	h := head{}
	seen := false
	for line := range bytes.Lines(lines) {
		name, value, ok := bytes.Cut(line[:len(line)-1], []byte{':'})
		if !ok || len(name) == 0 {
			return h, fmt.Errorf("%w: header without a name and a colon", ErrFrame)
		}
		value = bytes.TrimLeft(value, " ")
		switch {
		case foldEqual(name, "Content-Length"):
			n, err := contentLength(value)
			if err != nil {
				return h, err
			}
			if seen && n != h.length {
				return h, fmt.Errorf("%w: two different content-lengths", ErrFrame)
			}
			h.length, seen = n, true
		case foldEqual(name, "Content-Type") && h.kind == "":
			h.kind = intern(value)
		}
	}
	return h, nil
}

// contentLength reads digits and nothing else: no sign, no blank, at most nine of them, which no int overflows.
func contentLength(value []byte) (int, error) {
	if len(value) == 0 || len(value) > 9 {
		return 0, fmt.Errorf("%w: absurd content-length", ErrFrame)
	}
	n := 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%w: content-length is no number", ErrFrame)
		}
		n = n*10 + int(c-'0')
	}
	return n, nil
}

// intern gives the constant for a known type, so that the common frames cost no string.
func intern(kind []byte) string {
	switch string(kind) {
	case EventPlain:
		return EventPlain
	case CommandReply:
		return CommandReply
	case APIResponse:
		return APIResponse
	}
	return string(kind)
}

func foldEqual(b []byte, s string) bool {
	return len(b) == len(s) && strings.EqualFold(string(b), s)
}
