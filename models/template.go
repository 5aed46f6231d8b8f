package models

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// TemplateMax is how many bytes of UTF-8 a template's content has at most (spec/voicecall.md §7).
const TemplateMax = 900

// ValueKind is what may stand in a place of a template.
type ValueKind string

// The kinds (spec/voicecall.md §7). ValueNone is fixed text.
const (
	ValueNone ValueKind = ""
	ValueText ValueKind = "TXT"  // ${TXT_n}: up to n characters
	ValueNum  ValueKind = "NUM"  // ${NUM_n}: up to n digits
	ValueDate ValueKind = "DATE" // ${DATE}: 2017/12/31
	ValueTime ValueKind = "TIME" // ${TIME}: 23:59 or 23:59:59
)

// TemplatePart is fixed text, or a place for a value.
type TemplatePart struct {
	Text string    // of ValueNone
	Kind ValueKind // ValueNone for fixed text
	Most int       // n of ValueText and ValueNum
}

// ValueLimits say how long values may be. The zero value has the defaults.
type ValueLimits struct {
	// Bytes of UTF-8 that one value has at most; 0 is 32 (spec/voicecall.md §7).
	Bytes int
	// CountBytes counts the n of ${TXT_n} in bytes of UTF-8. The documentation does not say what n counts; by default it is characters.
	CountBytes bool
}

// ParseTemplate takes a content apart. It refuses what is not text that can be spoken, variables that are unknown and ${DATE} beside ${TIME}
// without a comma between them; the errors are Invalid and name "content".
func ParseTemplate(content string) ([]TemplatePart, error) {
	switch {
	case len(content) > TemplateMax:
		return nil, Fail(Invalid, "content", "the content has %d bytes of UTF-8 (a Chinese character has 3) and may have %d", len(content), TemplateMax)
	case !speakable(content):
		return nil, Fail(Invalid, "content", "the content is UTF-8 text without control characters other than line breaks")
	}
	if first, _ := utf8.DecodeRuneInString(content); !unicode.Is(unicode.Han, first) {
		return nil, Fail(Invalid, "content", "the content begins with a Chinese character")
	}
	var parts []TemplatePart
	for rest := content; rest != ""; {
		text, after, found := strings.Cut(rest, "${")
		if text != "" {
			parts = append(parts, TemplatePart{Text: text})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(after, "}")
		if !closed {
			return nil, Fail(Invalid, "content", "the variable that follows %q is not closed by }", tail(text))
		}
		place, ok := variable(name)
		if !ok {
			return nil, Fail(Invalid, "content", "the variable ${%s} is unknown; variables are ${TXT_n}, ${NUM_n} with n from 1 to 99, ${DATE} and ${TIME}", head(name))
		}
		parts, rest = append(parts, place), after
	}
	return parts, apart(parts)
}

var sizedVariable = regexp.MustCompile(`^(TXT|NUM)_([1-9][0-9]?)$`)

func variable(name string) (TemplatePart, bool) {
	if k := ValueKind(name); k == ValueDate || k == ValueTime {
		return TemplatePart{Kind: k}, true
	}
	m := sizedVariable.FindStringSubmatch(name)
	if m == nil {
		return TemplatePart{}, false
	}
	n, err := strconv.Atoi(m[2])
	return TemplatePart{Kind: ValueKind(m[1]), Most: n}, err == nil
}

// apart checks that a date and a time do not touch (spec/voicecall.md §7). Blanks alone do not part them.
func apart(parts []TemplatePart) error {
	clock := func(k ValueKind) bool { return k == ValueDate || k == ValueTime }
	solid := slices.DeleteFunc(slices.Clone(parts), func(p TemplatePart) bool { return p.Kind == ValueNone && strings.TrimSpace(p.Text) == "" })
	for i := 1; i < len(solid); i++ {
		if clock(solid[i-1].Kind) && clock(solid[i].Kind) && solid[i-1].Kind != solid[i].Kind {
			return Fail(Invalid, "content", "${DATE} and ${TIME} beside each other are parted by a comma")
		}
	}
	return nil
}

var voiceName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._+-]{0,63}$`)

// Validate checks a template to be stored.
func (t Template) Validate() error {
	switch {
	case t.Name == "" || utf8.RuneCountInString(t.Name) > 64 || !speakable(t.Name):
		return Fail(Invalid, "name", "a template's name has 1 to 64 characters")
	case t.Voice != "" && !voiceName.MatchString(t.Voice):
		return Fail(Invalid, "voice", "a voice is up to 64 letters, digits and . _ + -, and begins with a letter or digit; empty is the engine's own")
	case !ValidSpeed(t.Rate):
		return Fail(Invalid, "rate", "the rate is 50 to 200 percent of the normal speed, or 0 for 100")
	case utf8.RuneCountInString(t.Scene) > 256 || !speakable(t.Scene):
		return Fail(Invalid, "scene", "the scene has at most 256 characters")
	}
	_, err := ParseTemplate(t.Content)
	return err
}

// ValidSpeed says whether a speech may have this rate.
func ValidSpeed(rate int) bool { return rate == 0 || rate >= 50 && rate <= 200 }

// Fill puts values into the template's places, in the order in which they stand there, and applies the reading rules (ReadAloud) to the
// whole. A value of the wrong kind, one that is too long, and too few or too many of them is Invalid and names "templateParas"; the
// sentence gives the value's position and not the value, which may be somebody's number.
func (t Template) Fill(values []string) (Speech, error) {
	return t.FillWithin(ValueLimits{}, values)
}

// FillWithin is Fill with other limits than the documented ones.
func (t Template) FillWithin(limits ValueLimits, values []string) (Speech, error) {
	parts, err := ParseTemplate(t.Content)
	if err != nil {
		return Speech{}, err
	}
	places := 0
	for _, p := range parts {
		if p.Kind != ValueNone {
			places++
		}
	}
	if places != len(values) {
		return Speech{}, Fail(Invalid, "templateParas", "the template takes %d values, not %d", places, len(values))
	}
	var text strings.Builder
	n := 0
	for _, p := range parts {
		if p.Kind == ValueNone {
			text.WriteString(p.Text)
			continue
		}
		n++
		said, wrong := p.say(values[n-1], limits)
		if wrong != "" {
			return Speech{}, Fail(Invalid, "templateParas", "value %d %s", n, wrong)
		}
		text.WriteString(said)
	}
	return Speech{Text: ReadAloud(text.String()), Voice: t.Voice, Rate: t.Rate}, nil
}

// say is a value as it goes into the text; dates and times are read by themselves, so that digits beside them do not join them. wrong
// completes the sentence "value 2 …".
func (p TemplatePart) say(value string, limits ValueLimits) (said, wrong string) {
	most := limits.Bytes
	if most == 0 {
		most = 32
	}
	switch {
	case value == "":
		return "", "is empty"
	case len(value) > most:
		return "", "has " + strconv.Itoa(len(value)) + " bytes of UTF-8 and may have " + strconv.Itoa(most)
	case !speakable(value) || strings.ContainsAny(value, "\r\n\t"):
		return "", "is not UTF-8 text without control characters"
	}
	switch p.Kind {
	case ValueDate:
		if _, err := time.Parse("2006/01/02", value); err != nil {
			return "", "is no date in the form 2017/12/31"
		}
		return ReadAloud(value), ""
	case ValueTime:
		if !isTime(value) {
			return "", "is no time in the form 23:59 or 23:59:59"
		}
		return ReadAloud(value), ""
	case ValueNum:
		if !allDigits(value) || len(value) > p.Most {
			return "", "is not a number of at most " + strconv.Itoa(p.Most) + " digits"
		}
	default:
		if n := utf8.RuneCountInString(value); n > p.Most || limits.CountBytes && len(value) > p.Most {
			return "", "has more than " + strconv.Itoa(p.Most) + " characters"
		}
	}
	return value, ""
}

func isTime(s string) bool {
	_, short := time.Parse("15:04", s)
	_, long := time.Parse("15:04:05", s)
	return short == nil && len(s) == 5 || long == nil && len(s) == 8
}

// speakable says that s is text, without control characters other than line breaks and tabs.
func speakable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || unicode.Is(unicode.Cf, r) || r == utf8.RuneError
	})
}

// head and tail shorten a text for a sentence about it.
func head(s string) string {
	if r := []rune(s); len(r) > 20 {
		return string(r[:20]) + "…"
	}
	return s
}

func tail(s string) string {
	if r := []rune(s); len(r) > 20 {
		return "…" + string(r[len(r)-20:])
	}
	return s
}
