package wire

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"maskline/esl"
)

// maxEndpoints bounds the ways of one dial string. FreeSWITCH itself takes 128 (MAX_PEERS); every one may ring for a minute.
const maxEndpoints = 16

// separators are tried in this order for `^^`. None means anything to the grammar; each may appear inside values when another one
// is left that does not.
const separators = "~#!;@&?*:%+/"

// enterprise parts whole dial strings from each other, wherever it stands.
const enterprise = ":_:"

// DialString renders d as FreeSWITCH's bridge and originate read it:
//
//	{^^~name=value~name=value}[^^~origination_uuid=…~leg_timeout=…]sofia/gateway/GATEWAY/NUMBER|[…]…
//
// Why it is so. A value inside [] is unquoted and unescaped four times (at `|`, at `,`, at the separator, at `=`; switch_ivr_originate,
// switch_event_create_brackets, switch_separate_string), inside {} twice, and the end of a block is found by counting braces before
// any of it. No quoting survives all that readably, so nothing is quoted: every block opens with `^^` and a separator that none of its
// values holds, which also makes commas plain text, and whatever could still mean something is refused with esl.ErrUnsafe:
// control characters, `{}[]<>`, quotes, backslash, `|`, `$` (variable references are expanded before the string is read) and `:_:`, at which
// FreeSWITCH cuts the whole string into several that it dials at once (SWITCH_ENT_ORIGINATE_DELIM).
// Refused too is what cannot be carried: an empty value (FreeSWITCH drops the variable), a blank at either end (it is cut
// off), text that is not UTF-8, and values that together use up every separator.
//
// Values such as `record_session /path/x.wav`, `sip:+8617…@10.0.0.1:5080` and `file_string://a.wav!tone_stream://%(1000,4000,450);loops=-1`
// are carried as they are, in {} and in [].
func DialString(d esl.Dial) (string, error) {
	if n := len(d.Endpoints); n == 0 || n > maxEndpoints {
		return "", fmt.Errorf("dial string with %d endpoints: %w", n, esl.ErrUnsafe)
	}
	var b strings.Builder
	if err := writeBlock(&b, '{', '}', d.Vars); err != nil {
		return "", err
	}
	for i, e := range d.Endpoints {
		if i > 0 {
			b.WriteByte('|')
		}
		if err := writeEndpoint(&b, e); err != nil {
			return "", fmt.Errorf("endpoint %d: %w", i+1, err)
		}
	}
	return b.String(), nil
}

func writeEndpoint(b *strings.Builder, e esl.Endpoint) error {
	if !made(e.Gateway, maxWord, "-_.") {
		return fmt.Errorf("gateway: %w", esl.ErrUnsafe)
	}
	if err := Number(e.Number); err != nil {
		return err
	}
	vars := make([]esl.Var, 0, len(e.Vars)+2)
	if e.Leg != "" {
		if err := UUID("leg", e.Leg); err != nil {
			return err
		}
		vars = append(vars, esl.Var{Name: "origination_uuid", Value: e.Leg})
	}
	if e.Timeout > 0 {
		seconds := int64((e.Timeout + time.Second - 1) / time.Second)
		vars = append(vars, esl.Var{Name: "leg_timeout", Value: strconv.FormatInt(seconds, 10)})
	}
	if err := writeBlock(b, '[', ']', append(vars, e.Vars...)); err != nil {
		return err
	}
	b.WriteString("sofia/gateway/" + e.Gateway + "/" + e.Number)
	return nil
}

// writeBlock writes variables between open and end; nothing when there are none.
func writeBlock(b *strings.Builder, open, end byte, vars []esl.Var) error {
	if len(vars) == 0 {
		return nil
	}
	left := separators
	for _, v := range vars {
		if err := name("variable", v.Name); err != nil {
			return err
		}
		if err := dialValue(v); err != nil {
			return err
		}
		left = strings.Map(func(r rune) rune {
			if strings.ContainsRune(v.Value, r) {
				return -1
			}
			return r
		}, left)
	}
	if left == "" {
		return fmt.Errorf("no separator is left for the variables: %w", esl.ErrUnsafe)
	}
	b.WriteByte(open)
	b.WriteString("^^")
	for _, v := range vars { // the first separator is the one that ^^ names
		b.WriteByte(left[0])
		b.WriteString(v.Name + "=" + v.Value)
	}
	b.WriteByte(end)
	return nil
}

// dialValue checks that a value can be carried.
func dialValue(v esl.Var) error {
	what := "variable " + v.Name
	if v.Value == "" || strings.Trim(v.Value, " ") != v.Value {
		return fmt.Errorf("%s is empty or has a blank at its end: %w", what, esl.ErrUnsafe)
	}
	if strings.ContainsAny(v.Value, "{}[]<>'\"\\|$") || strings.Contains(v.Value, enterprise) {
		return fmt.Errorf("%s holds a character of the dial string's own: %w", what, esl.ErrUnsafe)
	}
	return plain(what, v.Value)
}

// Number checks what a trunk dials: 1 to 32 digits, * and #, with at most a + in front.
func Number(s string) error {
	digits := strings.TrimPrefix(s, "+")
	if digits == "" || len(digits) > 32 || strings.Trim(digits, "0123456789*#") != "" {
		return fmt.Errorf("number: %w", esl.ErrUnsafe)
	}
	return nil
}
