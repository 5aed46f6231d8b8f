package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// list reads an array of objects; a single object stands for an array of it (spec/voicecall.md §3). null, "" and [] are empty. The faults found in
// its objects are theirs: see inherit.
func (f *fields) list(name string) []*fields {
	raw, ok := f.values[name]
	if !ok || string(raw) == `""` {
		return nil
	}
	members := []json.RawMessage{raw}
	if raw[0] != '{' && json.Unmarshal(raw, &members) != nil {
		f.fail(name, "%s is an array of objects", name)
		return nil
	}
	objects := make([]*fields, 0, len(members))
	for i, m := range members {
		at := fmt.Sprintf("%s[%d]", name, i)
		if m[0] != '{' {
			f.fail(at, "%s is an object", at)
			return nil
		}
		o, err := bodyFields(m)
		if err != nil {
			f.fail(at, "%s is not an object in which each name stands once", at)
			return nil
		}
		o.at = f.at + at + "."
		objects = append(objects, o)
	}
	return objects
}

// inherit takes over the first fault of an object inside this one.
func (f *fields) inherit(inner *fields) {
	if f.err == nil {
		f.err = inner.err
	}
}

// strings reads an array of strings, or a string that holds such an array as JSON: clients encode it twice (spec/voicecall.md §3). A number
// stands for its text. null, "" and [] are empty.
func (f *fields) strings(name string) []string {
	raw, ok := f.values[name]
	if !ok {
		return nil
	}
	if raw[0] == '"' {
		var inside string
		if json.Unmarshal(raw, &inside) != nil {
			return nil // the decoder took it for a string, so it is one
		}
		if inside = strings.TrimSpace(inside); inside == "" {
			return nil
		}
		raw = json.RawMessage(inside)
	}
	var members []json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		f.fail(name, "%s is an array of strings", name)
		return nil
	}
	texts := make([]string, len(members))
	for i, m := range members {
		if !isText(m, &texts[i]) {
			f.fail(name, "%s is an array of strings", name)
			return nil
		}
	}
	return texts
}

// isText gives a JSON string's text, or a number as it is written.
func isText(raw json.RawMessage, to *string) bool {
	if raw[0] == '"' {
		return json.Unmarshal(raw, to) == nil
	}
	*to = string(bytes.TrimSpace(raw))
	return raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
}
