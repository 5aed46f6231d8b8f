package main

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"

	"maskline/controller/guard"
)

// secret is a person's number in every spelling in which it could travel.
//
// The list of spellings is this command's own. The daemon's is asked as well, so that neither can be blind alone.
type secret struct {
	national string       // 138…: the part that +86, 0086, 86 and 0 stand before
	marks    []string     // what a text that holds it in some encoding contains
	second   guard.Secret // the daemon's own list
}

// newSecret makes the marks of a number given in its national form.
func newSecret(national string) secret {
	s := secret{national: national, marks: []string{hex.EncodeToString([]byte(national))}, second: guard.NewSecret("+86"+national, "86")}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for lead := range 3 {
			s.marks = append(s.marks, inBase64(e, national, lead))
		}
	}
	return s
}

// inBase64 is what the Base64 of any text contains when the number begins in it at an offset that leaves this remainder by 3. The
// characters at both ends, which also depend on what stands beside the number, are left out.
func inBase64(e *base64.Encoding, number string, lead int) string {
	encoded := e.EncodeToString(append(make([]byte, lead), number...))
	first := (lead*8 + 5) / 6
	last := (lead + len(number)) * 8 / 6
	return encoded[first:last]
}

// text is what is searched, in the forms in which a number is looked for. They are made once, for many numbers.
type text struct {
	plain, unescaped, together, lower string
	second                            *guard.Text
}

func newText(s string) text {
	return text{s, unescaped(s), digitsTogether(s), strings.ToLower(s), guard.NewText(s)}
}

// in says how a text holds the number; "" when it does not.
func (s secret) in(t text) string {
	switch {
	case strings.Contains(t.plain, s.national):
		return "as it is"
	case strings.Contains(t.unescaped, s.national):
		return "%-escaped"
	case strings.Contains(t.together, s.national):
		return "with separators"
	case strings.Contains(t.lower, s.marks[0]):
		return "in hex"
	}
	for _, m := range s.marks[1:] {
		if strings.Contains(t.plain, m) {
			return "in Base64"
		}
	}
	return string(s.second.In(t.second))
}

// unescaped undoes %XX wherever it is well formed.
func unescaped(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := url.PathUnescape(text[i : i+3]); err == nil {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// digitsTogether takes out the separators that people write between the digits of a number.
func digitsTogether(text string) string {
	return strings.NewReplacer("-", "", " ", "", ".", "", "(", "", ")", "").Replace(text)
}

// masked is a line that may be printed: the number is starred in its plain spellings, and a line that holds it otherwise is cut.
func (s secret) masked(line string) string {
	stars := s.national[:3] + strings.Repeat("*", len(s.national)-5) + s.national[len(s.national)-2:]
	line = strings.ReplaceAll(line, s.national, stars)
	if how := s.in(newText(line)); how != "" {
		name, _, found := strings.Cut(line, ":")
		if !found || s.in(newText(name)) != "" {
			name = "a line"
		}
		return name + ": (" + stars + " " + how + ")"
	}
	return line
}

// search gives each line of a text that holds the number, masked.
func (s secret) search(t text) []string {
	// A number that is broken over a line (a folded header) is in the whole and in none of the lines.
	together := t
	together.together = strings.NewReplacer("\r", "", "\n", "").Replace(t.together)
	how := s.in(together)
	if how == "" {
		return nil
	}
	var found []string
	for line := range strings.Lines(t.plain) {
		if line = strings.TrimSpace(line); s.in(newText(line)) != "" {
			found = append(found, s.masked(line))
		}
	}
	if len(found) == 0 {
		found = append(found, "over the end of a line, "+how)
	}
	return found
}
