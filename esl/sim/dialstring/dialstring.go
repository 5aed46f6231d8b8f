// Package dialstring reads dial strings by FreeSWITCH's own rules, translated function by function from switch_ivr_originate.c,
// switch_event.c (switch_event_create_brackets) and switch_utils.c (switch_separate_string). The simulated switch dials by it, and the safe
// builder of esl/wire is judged by it. It holds no state and starts no goroutine.
package dialstring

import (
	"errors"
	"strings"

	"maskline/esl"
)

// ErrGrammar says that FreeSWITCH would give the dial string up: a bracket without its end, or nothing to dial.
var ErrGrammar = errors.New("dial string: parse error")

// Peer is one endpoint of a dial string with the variables of its own [] blocks.
type Peer struct {
	Vars []esl.Var
	URL  string // sofia/gateway/NAME/NUMBER, error/CAUSE …
}

// Dial is a dial string as it was understood: Ways are tried one after the other (`|`), the peers of a way at once (`,`).
type Dial struct {
	Vars []esl.Var // of the {} blocks
	Ways [][]Peer
}

// Parse reads a dial string. It fails with ErrGrammar.
func Parse(s string) (Dial, error) {
	var d Dial
	s = strings.TrimLeft(s, " ")
	for strings.HasPrefix(s, "{") {
		vars, rest, err := brackets(s, '{', '}', ',')
		if err != nil {
			return d, err
		}
		d.Vars, s = append(d.Vars, vars...), strings.TrimLeft(rest, " ")
	}
	for _, text := range Separate(s, '|', 128) {
		var way []Peer
		for _, one := range Separate(hideCommas(text), ',', 128) {
			p := Peer{URL: strings.TrimLeft(one, " ")}
			for strings.HasPrefix(p.URL, "[") {
				vars, rest, err := brackets(strings.ReplaceAll(p.URL, "\x01", ","), '[', ']', 2)
				if err != nil {
					return d, err
				}
				p.Vars, p.URL = append(p.Vars, vars...), rest
			}
			way = append(way, p)
		}
		d.Ways = append(d.Ways, way)
	}
	if len(d.Ways) == 0 {
		return d, ErrGrammar
	}
	return d, nil
}

// hideCommas marks the commas inside [] so that the split at `,` does not see them (QUOTED_ESC_COMMA, UNQUOTED_ESC_COMMA).
func hideCommas(s string) string {
	b := []byte(s)
	end, quoted, alt := -1, false, false
	for i := range b {
		if end < 0 && b[i] == '[' {
			end = findEnd(s, i, '[', ']')
			alt = strings.HasPrefix(s[i+1:], "^^")
			quoted = false
		}
		if b[i] == '\'' {
			quoted = !quoted
		}
		if end >= 0 && i < end && b[i] == ',' && b[i-1] != '\\' {
			if b[i] = 2; quoted || alt {
				b[i] = 1
			}
		}
		if i == end {
			end = -1
		}
	}
	return string(b)
}

// findEnd is switch_find_end_paren from position i; -1 if there is no end.
func findEnd(s string, i int, open, end byte) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// brackets reads one block of variables; its own separator may be named by ^^.
func brackets(s string, open, end, sep byte) ([]esl.Var, string, error) {
	at := findEnd(s, 0, open, end)
	if at < 0 {
		return nil, "", ErrGrammar
	}
	inner, rest := s[1:at], s[at+1:]
	if strings.HasPrefix(inner, "^^") {
		if len(inner) < 3 {
			return nil, "", ErrGrammar
		}
		sep, inner = inner[2], inner[3:]
	}
	var vars []esl.Var
	for _, item := range Separate(inner, sep, 1024) {
		if pair := Separate(item, '=', 2); len(pair) == 2 {
			vars = append(vars, esl.Var{Name: pair[0], Value: pair[1]})
		}
	}
	return vars, rest, nil
}

// Separate is switch_separate_string for a separator that is not a blank: at most so many parts, unquoted and unescaped.
func Separate(s string, sep byte, most int) []string {
	if strings.HasPrefix(s, "^^") && len(s) > 3 {
		sep, s = s[2], s[3:]
	}
	var parts []string
	quoted, start := false, 0
	for i := 0; i < len(s); {
		if start == i && len(parts) == most-1 {
			return append(parts, cleanup(s[start:], sep)) // the last room takes the rest
		}
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '\'' && (quoted || strings.IndexByte(s[i+1:], '\'') >= 0):
			quoted = !quoted
		case s[i] == sep && !quoted:
			parts = append(parts, cleanup(s[start:i], sep))
			start = i + 1
		}
		i++
	}
	if start < len(s) {
		parts = append(parts, cleanup(s[start:], sep))
	}
	return parts
}

// cleanup is cleanup_separated_string: quotes and outer blanks go, escapes become what they stand for.
func cleanup(s string, sep byte) string {
	s = strings.TrimLeft(s, " ")
	var out []byte
	end, quoted := 0, false
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if e, ok := unescaped(s[i+1], sep); ok {
				i++
				out = append(out, e)
				end = len(out)
				continue
			}
		}
		if s[i] == '\'' && (quoted || strings.IndexByte(s[i+1:], '\'') >= 0) {
			if quoted = !quoted; quoted {
				end = len(out)
			}
			continue
		}
		out = append(out, s[i])
		if s[i] != ' ' || quoted {
			end = len(out)
		}
	}
	return string(out[:end])
}

func unescaped(c, sep byte) (byte, bool) {
	switch c {
	case '\'', '"', '\\', sep:
		return c, true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 's':
		return ' ', true
	}
	return c, false
}
