package cdr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"maskline/esl"
)

// ErrForeign says that a record is of a leg that is not ours.
var ErrForeign = errors.New("leg record carries no call of ours")

// MaxPost is the longest record of a leg that is read, in bytes. A leg with every variable set is about 30 kB.
const MaxPost = 1 << 20

// Peek tells whose record it is without reading it: the call, the host of its session ids and the switch that wrote it. It is false for a record
// that must be read to know.
func Peek(record []byte) (call, host, writer string, ok bool) {
	call, host, writer = peek(record, `"maskline_call"`), peek(record, `"maskline_host"`), peek(record, `"switchname"`)
	return call, host, writer, call != ""
}

// peek finds a plain string value by its key. A quote inside a value is escaped, so what looks like a key is one.
func peek(record []byte, key string) string {
	i := bytes.Index(record, []byte(key))
	if i < 0 {
		return ""
	}
	rest := bytes.TrimLeft(record[i+len(key):], " \t:")
	if len(rest) == 0 || rest[0] != '"' {
		return ""
	}
	rest = rest[1:]
	end := bytes.IndexAny(rest[:min(len(rest), 256)], `"\%`)
	if end < 0 || rest[end] != '"' {
		return ""
	}
	return string(rest[:end])
}

// FromPost reads the record of a leg that mod_json_cdr posts and spools, and the name of the switch that wrote it. Values may come
// percent-encoded (its encode-values setting); times are microseconds.
func FromPost(record []byte) (l Leg, host string, err error) {
	if len(record) > MaxPost {
		return Leg{}, "", fmt.Errorf("leg record of %d bytes is longer than %d", len(record), MaxPost)
	}
	var post struct {
		Switch    string         `json:"switchname"`
		Variables map[string]any `json:"variables"`
		Callflow  []struct {
			Times map[string]any `json:"times"`
		} `json:"callflow"`
	}
	if err := json.Unmarshal(record, &post); err != nil {
		return Leg{}, "", fmt.Errorf("read leg record: %w", err)
	}
	variable := func(name string) string {
		s, _ := post.Variables[name].(string)
		if plain, err := url.PathUnescape(s); err == nil {
			return plain
		}
		return s
	}
	l = Leg{ID: variable("uuid"), Call: variable("maskline_call"), Role: variable("maskline_role"), Trunk: variable("maskline_trunk"), Host: variable("maskline_host"), Keyed: keyed(variable)}
	if l.ID == "" || l.Call == "" || l.Role == "" {
		return Leg{}, "", ErrForeign
	}
	if l.Role == "a" {
		l.Invite = ReadInvite(variable)
	}
	// The first profile of a call flow is the newest one; a transferred leg has more. Ours are never transferred, and earliest
	// over all of them is right in any case.
	for _, flow := range post.Callflow {
		at := func(name string) time.Time { return micros(flow.Times[name]) }
		l = l.Merge(Leg{Created: at("created_time"), Progress: at("progress_time"), ProgressMedia: at("progress_media_time"),
			Answered: at("answered_time"), HungUp: at("hangup_time")})
	}
	// The variables hold the same times and win nothing, but a record with an empty call flow still tells its story.
	l = l.Merge(Leg{Created: micros(variable("start_uepoch")), Progress: micros(variable("progress_uepoch")), ProgressMedia: micros(variable("progress_media_uepoch")),
		Answered: micros(variable("answer_uepoch")), HungUp: micros(variable("end_uepoch"))})
	l.Cause = esl.Cause(variable("hangup_cause"))
	l.ended(variable)
	if l.HungUp.IsZero() {
		return Leg{}, "", fmt.Errorf("leg record of %s has no end", l.ID)
	}
	return l, post.Switch, nil
}

func micros(v any) time.Time {
	s, ok := v.(string)
	if !ok {
		f, isNumber := v.(float64)
		if !isNumber || f <= 0 || f > 1e17 {
			return time.Time{}
		}
		return time.UnixMicro(int64(f)).UTC()
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
