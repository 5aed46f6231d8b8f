package guard

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
)

// spell writes a number in one of many ways; n says in which.
func spell(national string, n uint16) string {
	prefixes := []string{"", "+86", "0086", "86", "0", "+86 ", "sip:+86", "tel:", "%2B86"}
	s := prefixes[n%9] + national
	n /= 9
	switch n % 9 {
	case 1:
		s = between3(s, "-")
	case 2:
		s = between3(s, " ")
	case 3:
		s = between3(s, ".")
	case 4:
		s = between3(s, "\r\n ")
	case 5:
		var b strings.Builder
		for _, c := range []byte(s) {
			b.WriteByte('%')
			b.WriteString(hex.EncodeToString([]byte{c}))
		}
		s = b.String()
	case 6:
		s = strings.ReplaceAll(spell(national, 9*5), "%", "%25")
	case 7:
		s = hex.EncodeToString([]byte(s))
	case 8:
		s = strings.ToUpper(hex.EncodeToString([]byte("tel:" + s)))
	}
	n /= 9
	if n%4 > 0 {
		e := []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawURLEncoding}[n%3]
		s = e.EncodeToString([]byte(strings.Repeat("~", int(n%3)) + `{"tn":"` + "86" + national + `"}`))
	}
	return s
}

func between3(s, with string) string {
	var b strings.Builder
	for i := 0; i < len(s); i += 3 {
		if i > 0 {
			b.WriteString(with)
		}
		b.WriteString(s[i:min(len(s), i+3)])
	}
	return b.String()
}

const ways = 9 * 9 * 4

func TestNumberIsFoundInEverySpelling(t *testing.T) {
	for _, global := range []string{"+8613812345678", "+867558001234", "+8675528001234", "+14155550123", "+861081234567"} {
		s := NewSecret(global, "86")
		national := strings.TrimPrefix(strings.TrimPrefix(global, "+86"), "+")
		for way := range uint16(ways) {
			text := "X-Y: a/" + spell(national, way) + ";b"
			if s.Within(text) == "" {
				t.Errorf("%s, way %d: not found in %q", global, way, text)
			}
		}
	}
}

func TestSpellingsAreNamed(t *testing.T) {
	s := NewSecret("+8613812345678", "86")
	for text, want := range map[string]Spelling{
		"origination_caller_id_name=+8613812345678": Plain, "a13812345678b": Plain, "9913812345678": Plain, "/rec/13812345678.wav": Plain,
		"+86 138-1234-5678": Separated, "(138) 1234.5678": Separated, "138123\r\n 45678": Separated,
		"%31381234%3567" + "8": Escaped, "%2531%2533812345678": Escaped, "3133383132333435363738": Hex,
		"eyJ0biI6Ijg2MTM4MTIzNDU2NzgifQ": Base64,
		"":                               "", "+8613812345679": "", "1381234567": "", "13812/345678": "", "1381234x5678": "", "%": "", "%3": "", "%zz": "",
	} {
		if got := s.Within(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// What only looks like a number, each as it would stand in a dial string.
func TestInnocent(t *testing.T) {
	for _, c := range []struct {
		name, number, text string
		ok                 innocence
		want               Spelling
	}{
		{"X that holds a short number", "+861234567", "+8617012345678", innocence{}, ""},
		{"X that holds a long one", "+867012345678", "shown=+8617012345678~", innocence{numbers: []string{"17012345678"}}, ""},
		{"and the number itself beside it", "+867012345678", "shown=+8617012345678~07012345678", innocence{numbers: []string{"17012345678"}}, Plain},
		{"it begins in the end of X", "+8613812345678", "17000000013812345678", innocence{numbers: []string{"17000000013"}}, Plain},
		{"a short number as a whole", "+861234567", "tel:1234567;", innocence{}, Plain},
		{"behind a trunk prefix", "+861234567", "tel:01234567;", innocence{}, Plain},
		{"behind the country's code", "+861234567", "tel:00861234567;", innocence{}, Plain},
		{"within other digits", "+861234567", "tel:91234567;", innocence{}, ""},
		{"a time in the recording's name", "+862022073312", "/r/20261120/261120220733124711.wav", innocence{times: []string{"261120220733"}}, ""},
		{"Guangzhou in the same name", "+862022073312", "/r/20261120/26112022073312345.wav 2022073312", innocence{times: []string{"261120220733"}}, Plain},
		{"days in a path", "+862026112014", "/r/2026/11/20/14/x.wav", innocence{}, ""},
		{"a date", "+862026112014", "2026-11-20 14:07:33", innocence{}, ""},
		{"an address", "+861082145167", "http_cache://http://10.82.145.167:8099/sounds/a.wav", innocence{}, ""},
		{"a host named by its address", "+861082145167", "maskline_host=ip-10-82-145-167.node.example", innocence{}, ""},
		{"no address", "+861082145167", "10.8214.5167", innocence{}, Separated},
		{"five digits are a service", "+8610086", "10086", innocence{}, ""},
		{"of another country", "+14155550123", "0014155550123", innocence{}, Plain},
		{"without its country", "+14155550123", "4155550123", innocence{}, ""},
		{"a uuid", "+8613812345678", "13812345-6780-4000-8000-000000000000", innocence{}, Separated},
	} {
		text := NewText(c.text)
		if got := NewSecret(c.number, "86").in(text, c.ok); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Any text made from a number by the listed spellings is found, whatever stands around it; and what is said to be found is there.
func FuzzSpellings(f *testing.F) {
	f.Add(uint64(13812345678), uint16(0), "X-Caller: ", "\r\n")
	f.Add(uint64(7558001234), uint16(100), "%3", "==")
	f.Add(uint64(1234567890), uint16(323), "eyJ", "%31")
	f.Add(uint64(31333831323), uint16(63), "3", "1")
	f.Fuzz(func(t *testing.T, number uint64, way uint16, before, after string) {
		national := strconv.FormatUint(1_000_000_000+number%89_000_000_000, 10)
		s := NewSecret("+86"+national, "86")
		// What stands beside it must not become a part of its encoding: half an escape, or a character of the same Base64 or hex.
		if text := before + "\n;" + spell(national, way%ways) + ";\n" + after; s.Within(text) == "" {
			t.Errorf("way %d: not found in %q", way%ways, text)
		}
		if how := s.Within(before + after); how != "" && !holds(before+after, national) {
			t.Errorf("%q in %q, where it is not", how, before+after)
		}
	})
}

// holds says the slow way whether a text holds a number: by undoing everything that can be undone.
func holds(text, national string) bool {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
	if strings.Contains(digits, national) || strings.Contains(digits, hex.EncodeToString([]byte(national))) {
		return true
	}
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", r)
	})
	for _, word := range words {
		for lead := range min(4, len(word)) {
			part := word[lead:]
			for cut := range 4 { // half a group at the end is none
				if b, err := base64.RawStdEncoding.DecodeString(part[:max(0, len(part)-cut)]); err == nil && strings.Contains(string(b), national) {
					return true
				}
			}
		}
	}
	undone, changed := unescape(text)
	return changed && holds(undone, national)
}
