package main

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestSecretIsFoundInEverySpelling(t *testing.T) {
	const number = "13812345678"
	s := newSecret(number)
	var escaped strings.Builder
	for _, c := range number {
		escaped.WriteString("%3" + string(c))
	}
	texts := map[string]string{
		"national": "X: " + number, "plus": "<sip:+86" + number + "@x>", "double zero": "0086" + number, "e164": "86" + number,
		"percent plus": "%2B86" + number, "percent": escaped.String(), "half percent": "%31381234%3567" + "8", "grouped": "138-1234-5678",
		"spaced": "+86 138 1234 5678", "hex": hex.EncodeToString([]byte("+86" + number)), "HEX": strings.ToUpper(hex.EncodeToString([]byte("tel:" + number))),
		"folded": "X: 138123\r\n45678",
	}
	for _, prefix := range []string{"", "+", "86", "+86", "0086", `{"tn":"86`, `{"orig":{"tn":"86`} {
		for name, e := range map[string]*base64.Encoding{"std": base64.StdEncoding, "url": base64.URLEncoding, "raw": base64.RawURLEncoding} {
			texts[name+" "+prefix] = "Identity: " + e.EncodeToString([]byte(prefix+number+`"}`)) + ";alg=ES256"
		}
	}
	for name, text := range texts {
		found := s.search(newText(text))
		if len(found) == 0 {
			t.Errorf("%s: not found in %q", name, text)
		}
		for _, line := range found {
			if s.in(newText(line)) != "" {
				t.Errorf("%s: what is printed holds the number: %q", name, line)
			}
		}
	}
}

func TestOtherNumbersAreNoFinding(t *testing.T) {
	s := newSecret("13812345678")
	for _, text := range []string{"", "+8613812345679", "+8613812345668", "Call-ID: 1381-2345-9999", base64.StdEncoding.EncodeToString([]byte("+8613812345668")), "%31%33%38", "v=0\r\no=- 1795141844 1795141845 IN IP4 127.0.0.1\r\n"} {
		if found := s.search(newText(text)); len(found) > 0 {
			t.Errorf("%q: %q", text, found)
		}
	}
}
