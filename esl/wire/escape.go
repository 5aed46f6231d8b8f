package wire

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// undef is how FreeSWITCH writes an empty value (switch_event_serialize).
const undef = "_undef_"

const hexDigits = "0123456789ABCDEF"

// unsafe are the printable bytes that FreeSWITCH encodes in a value (SWITCH_URL_UNSAFE, switch_utils.h).
const unsafe = " #%&+:;<=>?@[\\]^`{|}\""

// AppendEscaped appends a value as switch_url_encode writes it. A %XX that the value holds already is not encoded again, so a
// value with a literal %2B comes back as +; that is FreeSWITCH's own loss.
func AppendEscaped(dst []byte, value string) []byte {
	if value == "" {
		return append(dst, undef...)
	}
	for i := range len(value) {
		c := value[i]
		escaped := c == '%' && i+2 < len(value) && strings.IndexByte(hexDigits, value[i+1]) >= 0 && strings.IndexByte(hexDigits, value[i+2]) >= 0
		if !escaped && (c < ' ' || c > '~' || strings.IndexByte(unsafe, c) >= 0) {
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// Unescape reads a value as FreeSWITCH wrote it. A % that no two hexadecimal digits follow stands for itself.
func Unescape(value []byte) string {
	if string(value) == undef {
		return ""
	}
	i := bytes.IndexByte(value, '%')
	if i < 0 {
		return mend(string(value))
	}
	var b strings.Builder
	b.Grow(len(value))
	for i >= 0 {
		b.Write(value[:i])
		value = value[i:]
		if hi, lo, ok := hexPair(value); ok {
			b.WriteByte(hi<<4 | lo)
			value = value[3:]
		} else {
			b.WriteByte('%')
			value = value[1:]
		}
		i = bytes.IndexByte(value, '%')
	}
	b.Write(value)
	return mend(b.String())
}

func mend(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// hexPair reads %XX at the start of b.
func hexPair(b []byte) (hi, lo byte, ok bool) {
	if len(b) < 3 {
		return 0, 0, false
	}
	hi, ok1 := hexValue(b[1])
	lo, ok2 := hexValue(b[2])
	return hi, lo, ok1 && ok2
}

func hexValue(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
