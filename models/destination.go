package models

import "strings"

// Destinations say which numbers may be called, by prefixes in global form such as +86138. The longest that fits decides; of two that are as
// long, Deny. Without Allow whatever is not denied may be called, so the zero value permits all.
type Destinations struct {
	Allow []string `json:"allow,omitempty"`
	Deny  []string `json:"deny,omitempty"`
}

// IsZero says that nothing is narrowed.
func (d Destinations) IsZero() bool { return len(d.Allow) == 0 && len(d.Deny) == 0 }

// Permits says whether a number in global form may be called.
func (d Destinations) Permits(number string) bool {
	allowed, fits := d.decides(number)
	return allowed || !fits && len(d.Allow) == 0
}

// Within is d where one of its prefixes fits the number, and else what the platform's say: a tenant's own list goes first.
func (d Destinations) Within(platform Destinations, number string) bool {
	if allowed, fits := d.decides(number); fits {
		return allowed
	}
	return platform.Permits(number)
}

// decides gives what the longest prefix that fits says, and whether one does.
func (d Destinations) decides(number string) (allowed, fits bool) {
	a, deny := longest(d.Allow, number), longest(d.Deny, number)
	return a > deny, a > 0 || deny > 0
}

func longest(prefixes []string, number string) int {
	most := 0
	for _, p := range prefixes {
		if strings.HasPrefix(number, p) {
			most = max(most, len(p))
		}
	}
	return most
}

// destinationsMost bounds a list: it is looked through at each call.
const destinationsMost = 1000

// Validate checks prefixes: a plus sign and up to 15 digits. "+" alone is every number.
func (d Destinations) Validate() error {
	for _, l := range []struct {
		name string
		list []string
	}{{"allow", d.Allow}, {"deny", d.Deny}} {
		if len(l.list) > destinationsMost {
			return Fail(Invalid, l.name, "%s has at most %d prefixes", l.name, destinationsMost)
		}
		for _, p := range l.list {
			if digits, ok := strings.CutPrefix(p, "+"); !ok || len(digits) > 15 || digits != "" && !allDigits(digits) {
				return Fail(Invalid, l.name, "%q is no prefix in global form, such as +86 or +86138; + alone is every number", p)
			}
		}
	}
	return nil
}

// Limits bound what one tenant's calls may cost, whoever causes them: what he asks for, and what people dial on his numbers. They count calls
// in which somebody is dialled. 0 is the platform's own bound, or none if that is 0 too; NoLimit is none. Hours and days are the clock's, in UTC.
type Limits struct {
	AtOnce  int `json:"at_once,omitempty"`         // beyond it 7109
	PerHour int `json:"per_hour,omitempty"`        // 7001
	PerDay  int `json:"per_day,omitempty"`         // 7001
	Minutes int `json:"minutes_per_day,omitempty"` // of talk on the legs that we dial, those of calls that go on with it: 7001
}

// NoLimit bounds nothing, where the platform has a bound.
const NoLimit = -1

// Within is l where it says something, and else the platform's. What comes back has no NoLimit: 0 is no bound.
func (l Limits) Within(platform Limits) Limits {
	own := func(v, of int) int {
		if v == 0 {
			v = of
		}
		return max(v, 0)
	}
	return Limits{AtOnce: own(l.AtOnce, platform.AtOnce), PerHour: own(l.PerHour, platform.PerHour), PerDay: own(l.PerDay, platform.PerDay),
		Minutes: own(l.Minutes, platform.Minutes)}
}

// Any says that something is bounded.
func (l Limits) Any() bool { return l != Limits{} }

// Validate checks the ranges.
func (l Limits) Validate() error {
	for _, v := range []struct {
		name string
		n    int
	}{{"at_once", l.AtOnce}, {"per_hour", l.PerHour}, {"per_day", l.PerDay}, {"minutes_per_day", l.Minutes}} {
		if v.n < NoLimit || v.n > 100_000_000 {
			return Fail(Invalid, v.name, "%s is 1 to 100000000, 0 for the platform's, or -1 for no bound", v.name)
		}
	}
	return nil
}

// Toll is what keeps a tenant's calls from being misused at his or the platform's cost. The zero value is the platform's own.
type Toll struct {
	Destinations
	Limits Limits `json:"limits,omitzero"`
}

// Validate checks both.
func (t Toll) Validate() error {
	if err := t.Destinations.Validate(); err != nil {
		return err
	}
	return t.Limits.Validate()
}
