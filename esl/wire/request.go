package wire

import (
	"bytes"
	"fmt"
	"strings"
)

// Request is one command frame as the switch's side reads it.
type Request struct {
	Verb string // first word of the first line, in lower case: api, bgapi, sendmsg, event …
	Args string // the rest of that line
	Body []byte
	head []byte
}

// Get gives a header of the request, without regard to case, "" if absent.
func (q Request) Get(name string) string { return string(find(q.head, name)) }

// Arg is the argument of `sendmsg … execute`: the header execute-app-arg, else a text/plain body (switch_ivr_parse_event).
func (q Request) Arg() string {
	if a := q.Get("execute-app-arg"); a != "" {
		return a
	}
	if strings.EqualFold(q.Get("content-type"), "text/plain") {
		return string(q.Body)
	}
	return ""
}

// Request reads the next command frame. Errors are those of Next. Unlike FreeSWITCH it refuses a second, different
// Content-Length and a length that is no number.
func (r *Reader) Request() (Request, error) {
	if err := r.readHead(); err != nil {
		return Request{}, err
	}
	line, rest, _ := bytes.Cut(r.head, []byte{'\n'})
	q := Request{head: bytes.Clone(rest)}
	h, err := scanHead(q.head)
	if err != nil {
		return Request{}, err
	}
	if h.length > MaxRequest {
		return Request{}, fmt.Errorf("%w: content-length %d is above %d", ErrFrame, h.length, MaxRequest)
	}
	if q.Body, err = r.readBody(h.length); err != nil {
		return Request{}, err
	}
	verb, args, _ := strings.Cut(string(line), " ")
	q.Verb, q.Args = strings.ToLower(verb), strings.Trim(args, " ")
	return q, nil
}
