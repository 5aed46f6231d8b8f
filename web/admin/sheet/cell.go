package sheet

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"maskline/models"
)

// scientific is how a spreadsheet writes a long number: 1.38E+10.
var scientific = regexp.MustCompile(`^([+-]?)(\d+)(?:\.(\d+))?[eE]\+?(\d{1,2})$`)

// value is a cell's text as people mean it: without the blanks around it, and a number in full.
func (c cell) value() (string, error) {
	text := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(c.text), "'"))
	switch {
	case len([]rune(text)) > CellMost:
		return "", models.Fail(models.Invalid, "", "a cell has more than %d characters", CellMost)
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", models.Fail(models.Invalid, "", "a cell holds a line break or another control character")
	case strings.HasPrefix(text, "="):
		return "", models.Fail(models.Invalid, "", "a cell holds a formula; put its value there")
	case c.number:
		return whole(text)
	}
	return inFull(text)
}

// certain is the first whole number that a spreadsheet may have rounded: it keeps 15 digits.
const certain = 1e15

// whole writes a spreadsheet's number without exponent and without a fraction of zero.
func whole(text string) (string, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		n = 0.5 // a text, and no whole number
	}
	switch {
	case n != math.Trunc(n):
		return text, nil
	case math.Abs(n) >= certain:
		return "", models.Fail(models.Invalid, "", "a number has more than 15 digits, of which a spreadsheet keeps 15; format the column as text and enter it again")
	}
	return strconv.FormatFloat(n, 'f', 0, 64), nil
}

// inFull writes out a text of the form 1.3800000001E+10, and refuses one whose last digits are lost: it was a number in a spreadsheet, and was
// saved as it was shown.
func inFull(text string) (string, error) {
	m := scientific.FindStringSubmatch(text)
	if m == nil {
		return text, nil
	}
	exponent := 0
	for _, r := range m[4] {
		exponent = exponent*10 + int(r-'0')
	}
	if len(m[3]) < exponent {
		return "", models.Fail(models.Invalid, "", "%s has lost its last digits; format the column as text and save the file again", text)
	}
	if strings.Trim(m[3][exponent:], "0") != "" {
		return "", models.Fail(models.Invalid, "", "%s is no whole number", text)
	}
	return m[1] + m[2] + m[3][:exponent], nil
}
