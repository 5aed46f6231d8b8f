package wire

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"maskline/esl"
)

// Longest words that are written. FreeSWITCH's own uuids have 36 characters; its buffers for them hold a few hundred.
const (
	maxUUID = 64
	maxWord = 64
	maxName = 128
)

// UUID checks the id of a leg, a job or an application: letters, digits, - and _, at most 64. The error names what it is, never
// its value.
func UUID(what, id string) error {
	if !made(id, maxUUID, "-_") {
		return fmt.Errorf("%s is no uuid: %w", what, esl.ErrUnsafe)
	}
	return nil
}

// Literal checks text that FreeSWITCH would expand: besides control characters it refuses `${`, which reads variables and calls
// api functions.
func Literal(what, s string) error {
	if strings.Contains(s, "${") {
		return fmt.Errorf("%s holds a variable reference: %w", what, esl.ErrUnsafe)
	}
	return plain(what, s)
}

// Argument checks an application's argument: it is expanded like any text, and a `%[` in front opens scoped variables
// (switch_core_session_execute_application_get_flags).
func Argument(what, s string) error {
	if strings.HasPrefix(s, "%") && strings.Contains(s[:min(3, len(s))], "[") {
		return fmt.Errorf("%s opens scoped variables: %w", what, esl.ErrUnsafe)
	}
	return Literal(what, s)
}

// plain checks text that must stay on its line: UTF-8 without control characters.
func plain(what, s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is not utf-8: %w", what, esl.ErrUnsafe)
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return fmt.Errorf("%s holds a control character: %w", what, esl.ErrUnsafe)
		}
	}
	return nil
}

// word checks the name of an api command, an application or an event.
func word(what, s string) error {
	if !made(s, maxWord, "_-:") {
		return fmt.Errorf("%s is no plain word: %w", what, esl.ErrUnsafe)
	}
	return nil
}

// name checks the name of a variable or a header.
func name(what, s string) error {
	if !made(s, maxName, "_-.") {
		return fmt.Errorf("name of a %s: %w", what, esl.ErrUnsafe)
	}
	return nil
}

// made tells whether s is 1 to most bytes, each a letter, a digit or one of also.
func made(s string, most int, also string) bool {
	if s == "" || len(s) > most {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alphanumeric && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return true
}
