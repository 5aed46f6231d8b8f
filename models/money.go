package models

import (
	"math"
	"strconv"
	"strings"
)

// Amount is money in 1/10000 of the currency's unit (DESIGN §6.6). It is never a float.
type Amount int64

// Unit is one of the currency's units.
const Unit Amount = 10_000

// String writes an amount with its four decimals: 12.3456, -0.0500.
func (a Amount) String() string {
	sign, n := "", uint64(a)
	if a < 0 {
		sign, n = "-", -uint64(a)
	}
	fraction := strconv.FormatUint(n%uint64(Unit)+uint64(Unit), 10)[1:]
	return sign + strconv.FormatUint(n/uint64(Unit), 10) + "." + fraction
}

// ParseAmount reads an amount with at most four decimals: 12, 12.3, -0.05. It takes no exponent, no separator and no blank.
func ParseAmount(param, s string) (Amount, error) {
	bad := Fail(Invalid, param, "%s is an amount such as 12.50, with at most four decimals", param)
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if !allDigits(whole) || strings.Contains(digits, ".") && !allDigits(fraction) || len(fraction) > 4 || len(whole) > 14 {
		return 0, bad
	}
	n, err := strconv.ParseInt(whole+(fraction + "0000")[:4], 10, 64)
	if err != nil {
		return 0, bad
	}
	if negative {
		n = -n
	}
	return Amount(n), nil
}

// MarshalText writes the amount as String does, so that JSON has it as a string: a float would lose units.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Amount) UnmarshalText(b []byte) error {
	v, err := ParseAmount("amount", string(b))
	*a = v
	return err
}

// Times is the amount n times; ok is false when it does not fit.
func (a Amount) Times(n int64) (product Amount, ok bool) {
	if a == 0 || n == 0 {
		return 0, true
	}
	p := int64(a) * n
	if p/n != int64(a) || p == math.MinInt64 {
		return 0, false
	}
	return Amount(p), true
}
