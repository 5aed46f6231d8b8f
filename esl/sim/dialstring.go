package sim

import (
	"errors"
	"strings"

	"maskline/esl"
)

// The grammar of dial strings as FreeSWITCH reads them, translated from switch_ivr_originate.c, switch_event.c
// (switch_event_create_brackets) and switch_utils.c (switch_separate_string).

var errGrammar = errors.New("dial string: parse error")

// peer is one endpoint of a dial string with the variables of its own [] blocks.
type peer struct {
	vars []esl.Var
	url  string
}

// dialled is a dial string read: ways are tried one after the other (`|`), the peers of a way at once (`,`).
type dialled struct {
	vars []esl.Var
	ways [][]peer
}

func parseDial(s string) (dialled, error) {
	var d dialled
	s = strings.TrimLeft(s, " ")
	for strings.HasPrefix(s, "{") {
		vars, rest, err := brackets(s, '{', '}', ',')
		if err != nil {
			return d, err
		}
		d.vars, s = append(d.vars, vars...), strings.TrimLeft(rest, " ")
	}
	for _, text := range separate(s, '|', 128) {
		var way []peer
		for _, one := range separate(hideCommas(text), ',', 128) {
			p := peer{url: strings.TrimLeft(one, " ")}
			for strings.HasPrefix(p.url, "[") {
				vars, rest, err := brackets(strings.ReplaceAll(p.url, "\x01", ","), '[', ']', 2)
				if err != nil {
					return d, err
				}
				p.vars, p.url = append(p.vars, vars...), rest
			}
			way = append(way, p)
		}
		d.ways = append(d.ways, way)
	}
	if len(d.ways) == 0 {
		return d, errGrammar
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
		return nil, "", errGrammar
	}
	inner, rest := s[1:at], s[at+1:]
	if strings.HasPrefix(inner, "^^") {
		if len(inner) < 3 {
			return nil, "", errGrammar
		}
		sep, inner = inner[2], inner[3:]
	}
	var vars []esl.Var
	for _, item := range separate(inner, sep, 1024) {
		if pair := separate(item, '=', 2); len(pair) == 2 {
			vars = append(vars, esl.Var{Name: pair[0], Value: pair[1]})
		}
	}
	return vars, rest, nil
}

// separate is switch_separate_string for a separator that is not a blank.
func separate(s string, sep byte, most int) []string {
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
