package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"maskline/models"
)

// fields are a request's parameters by name, as JSON texts; null is absent. Reading one of a wrong type keeps the first fault in err and
// gives "absent", so that a handler reads all it needs and looks once.
//
// Types are taken as the clients of the original platform send them (spec/privatenumber.md §0): booleans and integers as strings,
// 30.0 for 30, a number where a string is meant. Unknown names are ignored.
type fields struct {
	values map[string]json.RawMessage
	at     string // where the object stands in the body, in front of its names: "playInfoList[0]."
	err    error
}

// readBody reads a request's body within its limit.
func readBody(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, models.Fail(models.Invalid, "body", "the body has more than %d bytes", tooLong.Limit)
	}
	if err != nil {
		return nil, models.Fail(models.Invalid, "body", "the body could not be read to its end")
	}
	return raw, nil
}

// bodyFields reads a JSON object. No body at all is an object without members. A name that comes twice must say the same.
func bodyFields(raw []byte) (*fields, error) {
	raw = bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\ufeff")))
	f := &fields{values: map[string]json.RawMessage{}}
	if len(raw) == 0 {
		return f, nil
	}
	malformed := models.Fail(models.Invalid, "body", "the body is not a JSON object")
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, malformed
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, malformed
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, malformed
		}
		if err := f.put(name.(string), value); err != nil { // a name is always a string: the decoder saw to it
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, malformed
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed
	}
	return f, nil
}

func (f *fields) put(name string, value json.RawMessage) error {
	if string(value) == "null" {
		return nil
	}
	if before, twice := f.values[name]; twice && !bytes.Equal(before, value) {
		return models.Fail(models.Invalid, clip(name), "%s stands twice with different values", clip(name))
	}
	f.values[name] = value
	return nil
}

// clip keeps a name from outside short in an answer.
func clip(name string) string {
	if len(name) > 32 {
		return strings.ToValidUTF8(name[:32], "") + "…"
	}
	return name
}

// queryFields reads the parameters of GET and DELETE. When the query has none, the body is looked at, as JSON or as another query: one
// client sends them only there. A body beside a query, or one that cannot be read, is nobody's fault (spec/privatenumber.md §0).
func queryFields(query string, body []byte) (*fields, error) {
	f := &fields{values: map[string]json.RawMessage{}}
	if err := f.putQuery(query); err != nil || len(f.values) > 0 {
		return f, err
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] != '{' {
		return f, f.putQuery(string(trimmed))
	}
	if fromBody, err := bodyFields(body); err == nil {
		return fromBody, nil
	}
	return f, nil
}

// putQuery takes what can be read of a query. A blank in front of a value was a plus sign that the client did not escape.
func (f *fields) putQuery(query string) error {
	values, _ := url.ParseQuery(query) // malformed pairs are left out
	for name, list := range values {
		for _, v := range list {
			if rest, ok := strings.CutPrefix(v, " "); ok {
				v = "+" + rest
			}
			if err := f.put(name, encode(v)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *fields) has(name string) bool {
	_, ok := f.values[name]
	return ok
}

// says says whether a parameter is there and not empty.
func (f *fields) says(name string) bool { return f.has(name) && string(f.values[name]) != `""` }

// fail keeps the first fault.
func (f *fields) fail(name, format string, args ...any) {
	f.failAs(models.Invalid, name, format, args...)
}

// failAs keeps the first fault, one with a code of its own.
func (f *fields) failAs(code models.Code, name, format string, args ...any) {
	if f.err != nil {
		return
	}
	fault := models.Fail(code, f.at+name, format, args...)
	if strings.HasPrefix(fault.Detail, name) {
		fault.Detail = f.at + fault.Detail
	}
	f.err = fault
}

// text reads a string; a whole number stands for its digits.
func (f *fields) text(name string) (string, bool) {
	raw, ok := f.values[name]
	if !ok {
		return "", false
	}
	if raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return s, true
		}
	}
	if isDigits(string(raw)) {
		return string(raw), true
	}
	f.fail(name, "%s is a string", name)
	return "", false
}

// texts reads strings into their places; a place whose string is absent stays as it is.
func (f *fields) texts(places map[string]*string) {
	for _, name := range slices.Sorted(maps.Keys(places)) { // in one order, so that the fault told is the same each time
		if v, ok := f.text(name); ok {
			*places[name] = v
		}
	}
}

// oneOf reads one of a few words, and says which by its place. "" is absent.
func (f *fields) oneOf(name string, words ...string) (int, bool) {
	v, ok := f.text(name)
	if !ok || v == "" {
		return 0, false
	}
	i := slices.Index(words, v)
	if i < 0 {
		f.fail(name, "%s is %s", name, strings.Join(words, " or "))
		return 0, false
	}
	return i, true
}

// whole reads an integer: 30, 30.0, "30". "" is absent.
func (f *fields) whole(name string) (int, bool) {
	raw, ok := f.values[name]
	if !ok {
		return 0, false
	}
	s := string(raw)
	if raw[0] == '"' {
		if s, ok = f.text(name); !ok {
			return 0, false
		}
		if s = strings.TrimSpace(s); s == "" {
			return 0, false
		}
	}
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return int(n), true
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > math.MaxInt32 || strings.ContainsAny(s, "xXpP_") {
		f.fail(name, "%s is an integer", name)
		return 0, false
	}
	return int(x), true
}

// wholes reads integers into their places; a place whose integer is absent stays as it is.
func (f *fields) wholes(places map[string]*int) {
	for _, name := range slices.Sorted(maps.Keys(places)) {
		if n, ok := f.whole(name); ok {
			*places[name] = n
		}
	}
}

// flag reads a boolean: true, "true", 1, "1". "" is absent.
func (f *fields) flag(name string) (value, ok bool) {
	raw, ok := f.values[name]
	if !ok {
		return false, false
	}
	switch strings.ToLower(strings.TrimSpace(strings.Trim(string(raw), `"`))) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	case "":
		return false, false
	}
	f.fail(name, "%s is true or false", name)
	return false, false
}

// flags reads booleans into their places; a place whose boolean is absent stays as it is.
func (f *fields) flags(places map[string]*bool) {
	for _, name := range slices.Sorted(maps.Keys(places)) {
		if v, ok := f.flag(name); ok {
			*places[name] = v
		}
	}
}

// object reads an object; "" and [] are what some clients make of an empty one.
func (f *fields) object(name string) *fields {
	none := &fields{}
	raw, ok := f.values[name]
	if !ok || slices.Contains([]string{`""`, `[]`}, strings.Join(strings.Fields(string(raw)), "")) {
		return none
	}
	if raw[0] == '{' {
		if inner, err := bodyFields(raw); err == nil {
			return inner
		}
	}
	f.fail(name, "%s is an object", name)
	return none
}

func isDigits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}
