package models

import (
	"fmt"
	"strings"
)

// Numbering says how numbers are written where the platform runs. The zero value is mainland China's.
type Numbering struct {
	Country       string // country code without "+"; "" is 86
	International string // prefix before a foreign country code; "" is 00
	National      string // trunk prefix before an area code; "" is 0
}

func (n Numbering) country() string       { return or(n.Country, "86") }
func (n Numbering) international() string { return or(n.International, "00") }
func (n Numbering) national() string      { return or(n.National, "0") }

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// Global brings a number as a carrier or a client writes it to the form +<country><number>: +86138…, 0086138…, 86138…, 0138…
// and 138… are one number; 075528…, 75528… and +8675528… are one. Separators ( - . blank, parentheses) are dropped.
func (n Numbering) Global(raw string) (string, error) {
	s := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()\t", r) {
			return -1
		}
		return r
	}, raw)
	cc := n.country()
	var global string
	switch {
	case strings.HasPrefix(s, "+"):
		global = s
	case strings.HasPrefix(s, n.international()):
		global = "+" + s[len(n.international()):]
	case strings.HasPrefix(s, n.national()):
		global = "+" + cc + s[len(n.national()):]
	case strings.HasPrefix(s, cc) && len(s) > 11:
		global = "+" + s
	default:
		global = "+" + cc + s
	}
	// A trunk prefix kept behind the country code (+86 0755 …) is a common slip of clients and carriers.
	for strings.HasPrefix(global, "+"+cc+n.national()) {
		global = "+" + cc + global[len("+"+cc+n.national()):]
	}
	if !isGlobal(global) {
		return "", fmt.Errorf("number %s cannot be read as a telephone number", Mask(raw))
	}
	return global, nil
}

// Party is Global as a Party.
func (n Numbering) Party(raw string) (Party, error) {
	g, err := n.Global(raw)
	if err != nil {
		return Party{}, err
	}
	return Party{g}, nil
}

// Line is what sort of line a number is.
type Line int

// The sorts of line.
const (
	LineUnknown Line = iota
	LineMobile
	LineFixed
	LineInternational // outside the platform's own country
)

// Line tells a number's sort. In China a mobile number is 1[3-9] and nine digits more, a fixed line an area code and 7 or 8 digits,
// without the leading 0 (spec/privatenumber.md §0). 400 and 95 numbers are neither.
func (n Numbering) Line(global string) Line {
	rest, own := strings.CutPrefix(global, "+"+n.country())
	switch {
	case !isGlobal(global):
		return LineUnknown
	case !own:
		return LineInternational
	case n.country() != "86":
		return LineMobile
	case len(rest) == 11 && rest[0] == '1' && rest[1] >= '3':
		return LineMobile
	case strings.HasPrefix(rest, "400") || strings.HasPrefix(rest, "800") || strings.HasPrefix(rest, "95") && len(rest) <= 8:
		return LineUnknown
	case rest[0] == '1' && !strings.HasPrefix(rest, "10"): // no area code but Beijing's begins with 1: a mobile number with a digit lost
		return LineUnknown
	case len(rest) >= 9 && len(rest) <= 11 && rest[0] != '0':
		return LineFixed
	}
	return LineUnknown
}

// AreaCode brings a city code to the form with its leading zero: 755 and 0755 are one (spec/privatenumber.md §0).
func (n Numbering) AreaCode(raw string) (string, error) {
	if !allDigits(raw) || len(raw) > 5 {
		return "", fmt.Errorf("area code %q is not 2 to 5 digits", raw)
	}
	if strings.HasPrefix(raw, n.national()) {
		return raw, nil
	}
	return n.national() + raw, nil
}

// NationalForm is a global number as it is dialled inside its country: 138… for a mobile, 0755… for a fixed line, 00… for abroad.
func (n Numbering) NationalForm(global string) string {
	rest, own := strings.CutPrefix(global, "+"+n.country())
	switch {
	case !own:
		return n.international() + strings.TrimPrefix(global, "+")
	case n.Line(global) == LineFixed:
		return n.national() + rest
	}
	return rest
}
