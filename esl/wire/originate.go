package wire

import (
	"fmt"
	"strings"

	"maskline/esl"
)

// Bounds of one originate. FreeSWITCH reads at most 128 applications of an inline script, the last with whatever is left (argv[128],
// inline_dialplan_hunt). FreeSWITCH 1.11.1 carried out a line of 60 000 bytes with 32 applications as it stood; its reader takes 10 MB (read_packet).
const (
	maxApps      = 64
	maxOriginate = 64 << 10
)

// appSeparators are tried in this order between the applications of a script.
const appSeparators = ";~#!@&?*%+|^"

// Originate renders the argument of `originate`: dial d, and let the leg that answers execute the applications of then, in order:
//
//	'DIALSTRING' 'm:;:playback:/a.wav;bridge:{…}[…]sofia/gateway/…' inline
//
// Why it is so. FreeSWITCH cuts the argument at blanks (separate_string_blank_delim) and takes off quotes and backslashes, then cuts the script
// at the separator that `m:S:` names and does so again (inline_dialplan_hunt); each argument is expanded when its application runs
// (switch_core_session_exec). So both words stand in single quotes, no argument holds a quote, a backslash, a control character, `${` or an
// opening `%[`, and the separator is one that no argument holds. An argument with a blank at either end would lose it. All these are
// esl.ErrUnsafe, and so are a script without applications or with more than 64, and a line of more than 64 KiB.
//
// An application's Dial is rendered by DialString and is its argument.
func Originate(d esl.Dial, then []esl.App) (string, error) {
	dial, err := DialString(d)
	if err != nil {
		return "", err
	}
	script, err := inline(then)
	if err != nil {
		return "", err
	}
	line := "'" + dial + "' '" + script + "' inline"
	if len(line) > maxOriginate {
		return "", fmt.Errorf("originate of %d bytes: %w", len(line), esl.ErrUnsafe)
	}
	return line, nil
}

// inline renders a script for the inline dialplan.
func inline(then []esl.App) (string, error) {
	if n := len(then); n == 0 || n > maxApps {
		return "", fmt.Errorf("script of %d applications: %w", n, esl.ErrUnsafe)
	}
	parts := make([]string, len(then))
	for i, a := range then {
		text, err := application(a)
		if err != nil {
			return "", fmt.Errorf("application %d: %w", i+1, err)
		}
		parts[i] = text
	}
	all := strings.Join(parts, "")
	for i := range len(appSeparators) {
		if sep := appSeparators[i : i+1]; !strings.Contains(all, sep) {
			return "m:" + sep + ":" + strings.Join(parts, sep), nil
		}
	}
	return "", fmt.Errorf("no separator is left for the applications: %w", esl.ErrUnsafe)
}

// application renders `name:argument`.
func application(a esl.App) (string, error) {
	if !made(a.Name, maxWord, "_-") { // a colon would begin the argument
		return "", fmt.Errorf("name: %w", esl.ErrUnsafe)
	}
	arg := a.Arg
	if a.Dial != nil {
		var err error
		if arg, err = DialString(*a.Dial); err != nil {
			return "", err
		}
	}
	what := "argument of " + a.Name
	if err := Argument(what, arg); err != nil {
		return "", err
	}
	if strings.ContainsAny(arg, `'"\`) {
		return "", fmt.Errorf("%s holds a quote or a backslash: %w", what, esl.ErrUnsafe)
	}
	if strings.Trim(arg, " ") != arg {
		return "", fmt.Errorf("%s has a blank at its end: %w", what, esl.ErrUnsafe)
	}
	if arg == "" {
		return a.Name, nil
	}
	return a.Name + ":" + arg, nil
}
