package api

import (
	"encoding/base64"
	"strings"
	"unicode"
)

// link reads a URL that clients send in Base64, in either alphabet, with its padding or without, in one line or several; one that is sent as it
// is, is taken too (spec/voicecall.md §2). "" is absent.
func (f *fields) link(name string) string {
	raw, ok := f.text(name)
	if raw = strings.TrimSpace(raw); !ok || raw == "" {
		return ""
	}
	if isLink(raw) {
		return raw
	}
	plain, ok := fromBase64(raw)
	if plain = strings.TrimSpace(plain); !ok || !isLink(plain) {
		f.fail(name, "%s is an http or https URL in Base64", name)
		return ""
	}
	return plain
}

// isLink says whether s begins as a URL does. No Base64 holds a colon.
func isLink(s string) bool {
	lower := strings.ToLower(s)
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

func fromBase64(s string) (string, bool) {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		}
		return r
	}, s)
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	return string(plain), err == nil
}
