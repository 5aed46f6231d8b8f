package guard

import (
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"strings"
)

// Spelling says how a text holds a number.
type Spelling string

// The spellings that are sought.
const (
	Plain     Spelling = "as it is" // with whatever stands before it: +86, 0086, 86, 0; inside a longer word as well
	Separated Spelling = "with separators"
	Escaped   Spelling = "%-escaped"
	Hex       Spelling = "in hex"
	Base64    Spelling = "in Base64" // and base64url, at any offset: the inside of a signed token is found too
)

const (
	// shortest is the length in digits, without country code and trunk prefix, from which on a number is sought. Shorter ones are services and
	// extensions, and stand in any text by chance.
	shortest = 7
	// certain is the length from which on the digits of a number are it wherever they stand. Shorter ones count only where they are a whole
	// run of digits, or are led by a prefix of a number.
	certain = 10
	// unescapings is how often % is undone: what was escaped twice is found as well.
	unescapings = 2
)

// Secret is a person's number, ready to be sought. The zero Secret is found nowhere.
type Secret struct {
	digits  string // as it is written at home, without country code and trunk prefix
	country string
	hex     string
	base64  [3]string // by the remainder by 3 of where it begins
}

// NewSecret takes a number in global form, +<country><number>. country is ours, without plus: numbers of it are sought without it.
func NewSecret(global, country string) Secret {
	digits, ours := strings.CutPrefix(global, "+"+country)
	if !ours || len(digits) < shortest {
		digits = strings.TrimPrefix(global, "+")
	}
	if len(digits) < shortest || strings.Trim(digits, "0123456789") != "" {
		return Secret{}
	}
	s := Secret{digits: digits, country: country, hex: hex.EncodeToString([]byte(digits))}
	for lead := range s.base64 {
		s.base64[lead] = within64(digits, lead)
	}
	return s
}

// within64 is what the Base64 of any text contains in which the number begins at an offset that leaves this remainder by 3. The characters at
// both ends, which also depend on what stands beside the number, are left out. Digits never give + / - or _, so both alphabets are one.
func within64(digits string, lead int) string {
	encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, lead), digits...))
	return encoded[(lead*8+5)/6 : (lead+len(digits))*8/6]
}

// Text is what is searched, in the forms in which numbers are looked for: made once, for all of them.
type Text struct {
	plain string
	run   string // the digits, separators left out, and one other character for all else
	inner *Text  // with % undone; nil when there is nothing to undo
}

// Classes of characters.
const (
	other = iota
	digit
	separator
)

var classes = func() (c [256]byte) {
	for _, b := range []byte("0123456789") {
		c[b] = digit
	}
	// RFC 3966's, blanks, and the ends of lines over which a header is folded. A slash is none: it parts directories.
	for _, b := range []byte("-.() \t\r\n") {
		c[b] = separator
	}
	return c
}()

// NewText prepares a text.
func NewText(s string) *Text { return textOf(s, unescapings) }

func textOf(s string, depth int) *Text {
	run := make([]byte, 0, len(s))
	for i := range len(s) {
		switch classes[s[i]] {
		case digit:
			run = append(run, s[i])
		case other:
			if n := len(run); n > 0 && run[n-1] != 'x' {
				run = append(run, 'x')
			}
		}
	}
	t := &Text{plain: s, run: string(run)}
	if depth > 0 {
		if undone, changed := unescape(s); changed {
			t.inner = textOf(undone, depth-1)
		}
	}
	return t
}

// unescape undoes %XX wherever it is well formed.
func unescape(s string) (undone string, changed bool) {
	at := strings.IndexByte(s, '%')
	if at < 0 {
		return s, false
	}
	b := make([]byte, 0, len(s))
	b = append(b, s[:at]...)
	for i := at; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := nibble(s[i+1]), nibble(s[i+2]); hi < 16 && lo < 16 {
				b, changed = append(b, hi<<4|lo), true
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b), changed
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// Within says how a text holds the number, "" when it does not.
func (s Secret) Within(in string) Spelling { return s.In(NewText(in)) }

// In is Within for a text in which many numbers are looked for.
func (s Secret) In(t *Text) Spelling { return s.in(t, innocence{}) }

// in looks for the number.
func (s Secret) in(t *Text, ok innocence) Spelling {
	if s.digits == "" {
		return ""
	}
	if strings.Contains(t.run, s.digits) {
		if how := s.written(t.plain, ok); how != "" {
			return how
		}
	}
	if strings.Contains(t.plain, s.hex) {
		return Hex
	}
	for _, m := range s.base64 {
		if strings.Contains(t.plain, m) {
			return Base64
		}
	}
	if t.inner != nil {
		if how := s.in(t.inner, ok); how != "" {
			return Escaped
		}
	}
	return ""
}

// written goes through the places where the digits of the number follow each other, if only with separators between them.
func (s Secret) written(in string, ok innocence) Spelling {
	for from := range len(in) {
		if in[from] != s.digits[0] {
			continue
		}
		end, whole := s.from(in, from)
		if !whole || !s.counts(in, from, end) || ok.covers(in, from, end) {
			continue
		}
		if end-from == len(s.digits) {
			return Plain
		}
		if !isDate(in[from:end]) && !isAddress(in, from, end) {
			return Separated
		}
	}
	return ""
}

// from says whether the number begins at a place, and where it ends.
func (s Secret) from(in string, at int) (end int, whole bool) {
	n := 0
	for ; at < len(in) && n < len(s.digits); at++ {
		switch {
		case in[at] == s.digits[n]:
			n++
		case classes[in[at]] != separator:
			return 0, false
		}
	}
	return at, n == len(s.digits)
}

// counts says whether digits that are those of the number are it: a short one must be all that stands there, but for a prefix.
func (s Secret) counts(in string, from, end int) bool {
	if len(s.digits) >= certain {
		return true
	}
	if end < len(in) && classes[in[end]] == digit {
		return false
	}
	first := from
	for first > 0 && classes[in[first-1]] == digit {
		first--
	}
	switch lead := in[first:from]; lead {
	case "", "0", s.country, "00" + s.country, s.country + "0":
		return true
	}
	return false
}

// innocence is what may look like a number by chance.
type innocence struct {
	numbers []string // that may be seen: another one within such a number is none
	times   []string // stamps in names of files: digits that reach into one are none
}

// covers says that the digits from one place to another are innocent.
func (ok innocence) covers(in string, from, end int) bool {
	for _, n := range ok.numbers {
		if at := max(0, end-len(n)); strings.Contains(in[at:min(len(in), from+len(n))], n) && len(n) >= end-from {
			return true
		}
	}
	for _, t := range ok.times {
		if at := max(0, from-len(t)+1); strings.Contains(in[at:min(len(in), end+len(t)-1)], t) {
			return true
		}
	}
	return false
}

// isDate says that digits with separators are a date as 2026-11-20, with what follows it: 020-2611 2014 is a number in Guangzhou.
func isDate(s string) bool {
	return len(s) >= 10 && s[4] == '-' && s[7] == '-' && strings.HasPrefix(s, "20")
}

// isAddress says that digits with separators are part of an IP address, as it is or as host names have it: 10.82.145.167 and
// ip-10-82-145-167 would be one of Beijing's numbers.
func isAddress(in string, from, end int) bool {
	isPart := func(c byte) bool { return classes[c] == digit || c == '.' || c == '-' }
	for from > 0 && isPart(in[from-1]) {
		from--
	}
	for end < len(in) && isPart(in[end]) {
		end++
	}
	_, err := netip.ParseAddr(strings.ReplaceAll(strings.Trim(in[from:end], ".-"), "-", "."))
	return err == nil
}
