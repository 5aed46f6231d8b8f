package dialstring

import (
	"strings"

	"maskline/esl"
)

// most are the words that originate reads, and the applications of an inline script.
const (
	mostWords = 10
	mostApps  = 128
)

// Words reads the argument of `originate`: words at blanks, unquoted and unescaped (separate_string_blank_delim).
func Words(s string) []string {
	var words []string
	for i := 0; i < len(s) && len(words) < mostWords; {
		for i < len(s) && s[i] == ' ' {
			i++
		}
		start, quoted := i, false
		for ; i < len(s) && (quoted || s[i] != ' '); i++ {
			switch s[i] {
			case '\\':
				i++
			case '\'':
				quoted = !quoted
			}
		}
		i = min(i, len(s))
		words = append(words, cleanup(s[start:i], 0))
		for i < len(s) && s[i] == ' ' {
			i++
		}
	}
	return words
}

// Inline reads a script of the inline dialplan (inline_dialplan_hunt): applications parted by commas, or by the character that `m:S:` names.
func Inline(s string) []esl.App {
	sep := byte(',')
	if len(s) > 3 && s[0] == 'm' && s[1] == ':' && s[3] == ':' {
		sep, s = s[2], s[4:]
	}
	parts := Separate(s, sep, mostApps)
	apps := make([]esl.App, 0, len(parts))
	for _, text := range parts {
		name, arg, _ := strings.Cut(text, ":")
		apps = append(apps, esl.App{Name: strings.TrimLeft(name, " "), Arg: arg})
	}
	return apps
}
