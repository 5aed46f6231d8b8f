package models

import (
	"database/sql/driver"
	"fmt"
	"log/slog"
	"strings"
)

// Party is the telephone number of a person, as "+" and E.164 digits. It prints masked, whatever prints it: fmt, slog and JSON never
// show more than the first and last digits. Reveal gives the number to the few places that dial or push it. Parties compare with ==.
//
// Storage goes through Value and Scan alone, so that encryption at rest is a change in one place (DESIGN §6.11).
type Party struct{ key string }

// Anyone is not a person but the caller's place in a route that holds for every caller.
var Anyone = Party{"*"}

// Hidden is a caller who did not show his number. He is a caller, not anyone: no route names him, routes for Anyone do.
var Hidden = Party{"anonymous"}

// NewParty takes a number in global form, "+" and 4 to 30 digits (spec/privatenumber.md §2.1: String(4-31)).
func NewParty(global string) (Party, error) {
	if !isGlobal(global) {
		return Party{}, fmt.Errorf("number %s is not in the form +<country><number>", Mask(global))
	}
	return Party{global}, nil
}

// MustParty is NewParty for constants; it panics on a malformed one.
func MustParty(global string) Party {
	p, err := NewParty(global)
	if err != nil {
		panic(err)
	}
	return p
}

// Reveal gives the real number: for the dial string, the signed push to the number's own tenant, and storage.
func (p Party) Reveal() string { return p.key }

// IsZero says that there is no party at all, not even a hidden one.
func (p Party) IsZero() bool { return p.key == "" }

// Known says that p is a person with a number: not the zero Party, not Hidden, not Anyone.
func (p Party) Known() bool { return strings.HasPrefix(p.key, "+") }

func (p Party) String() string { return Mask(p.key) }

// Format makes every verb print the masked form, so that %#v and %q leak nothing either.
func (p Party) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// LogValue masks the number in logs.
func (p Party) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText masks the number in JSON and other text encodings.
func (p Party) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Value stores the party.
func (p Party) Value() (driver.Value, error) { return p.key, nil }

// Scan reads a stored party.
func (p *Party) Scan(src any) error {
	switch v := src.(type) {
	case string:
		p.key = v
	case []byte:
		p.key = string(v)
	case nil:
		p.key = ""
	default:
		return fmt.Errorf("scan party: unexpected %T", src)
	}
	return nil
}

// Mask hides the middle of a number: +8613812345678 becomes +86138****5678. Short strings lose all but their last digit; words such
// as "anonymous" and "*" stay.
func Mask(number string) string {
	digits := 0
	for _, r := range number {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	switch n := len(number); {
	case digits < 3:
		return number
	case n >= 11:
		return number[:min(n-8, 6)] + "****" + number[n-4:]
	default:
		return strings.Repeat("*", n-1) + number[n-1:]
	}
}

func isGlobal(s string) bool {
	if len(s) < 5 || len(s) > 31 || s[0] != '+' || s[1] == '0' {
		return false
	}
	return allDigits(s[1:])
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
