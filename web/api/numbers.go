package api

import (
	"context"
	"strings"

	"maskline/models"
)

// numbers reads telephone numbers and city codes as clients write them.
type numbers struct {
	models.Numbering
	abroad bool // parties outside the platform's own country are allowed
	// cityOfMobile finds the city code of a mobile number, when the operator has such a table.
	cityOfMobile func(ctx context.Context, number string) (area string, ok bool)
}

// party reads the number of a person: a mobile or a fixed line; 400 and 95 numbers are neither (spec/privatenumber.md §0). "" is absent.
func (n numbers) party(f *fields, name string) (models.Party, bool) {
	raw, ok := f.text(name)
	if !ok || raw == "" {
		return models.Party{}, false
	}
	p, err := n.Party(raw)
	if err != nil || len(raw) > 31 {
		f.fail(name, "%s is not a telephone number in the form +<country><number>", name)
		return models.Party{}, false
	}
	switch n.Line(p.Reveal()) {
	case models.LineMobile, models.LineFixed:
		return p, true
	case models.LineInternational:
		if n.abroad {
			return p, true
		}
		f.fail(name, "%s is a number abroad, which this platform does not connect", name)
	default:
		f.fail(name, "%s is neither a mobile number nor a fixed line with its area code", name)
	}
	return models.Party{}, false
}

// private reads the platform's own number X. "" is absent.
func (n numbers) private(f *fields, name string) (string, bool) {
	raw, ok := f.text(name)
	if !ok || raw == "" {
		return "", false
	}
	x, err := n.Global(raw)
	if err != nil || len(raw) > 31 {
		f.fail(name, "%s is not a telephone number in the form +<country><number>", name)
		return "", false
	}
	return x, true
}

// city reads a city code, with its leading zero or without. "" is absent.
func (n numbers) city(f *fields, name string) (string, bool) {
	raw, ok := f.text(name)
	if !ok || raw == "" {
		return "", false
	}
	area, err := n.AreaCode(raw)
	if err != nil {
		f.fail(name, "%s is a city code such as 0755", name)
		return "", false
	}
	return area, true
}

// cityOf is the city of a person's number: of a fixed line its area code, of a mobile what the operator's table says.
func (n numbers) cityOf(ctx context.Context, p models.Party) (string, bool) {
	number := p.Reveal()
	switch n.Line(number) {
	case models.LineFixed:
		return areaOfFixed(number)
	case models.LineMobile:
		if n.cityOfMobile != nil {
			return n.cityOfMobile(ctx, number)
		}
	}
	return "", false
}

// areaOfFixed cuts the area code from a Chinese fixed line: two digits for Beijing (10) and the cities of 2x, three for all others.
func areaOfFixed(number string) (string, bool) {
	rest, ok := strings.CutPrefix(number, "+86")
	if !ok || len(rest) < 3 {
		return "", false
	}
	if strings.HasPrefix(rest, "10") || rest[0] == '2' {
		return "0" + rest[:2], true
	}
	return "0" + rest[:3], true
}
