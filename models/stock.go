package models

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Validate checks a number to be put in stock.
func (s Stock) Validate() error {
	if err := (Number{Number: s.Number, AreaCode: s.AreaCode}).Validate(); err != nil {
		return err
	}
	switch {
	case s.Kind != NumberPrivate && s.Kind != NumberDisplay:
		return Fail(Invalid, "kind", "kind %q is unknown; it is private or display", s.Kind)
	case utf8.RuneCountInString(s.Carrier) > 64:
		return Fail(Invalid, "carrier", "a carrier's name has at most 64 characters")
	case len(s.Trunk) > 64:
		return Fail(Invalid, "trunk", "a trunk's name has at most 64 characters")
	}
	return nil
}

// Returned is a number that a tenant gave back, or that was taken from him (spec/privatenumber.md §7, state 退回). The number itself rests in
// stock; this stays, to say who had it and when.
type Returned struct {
	ID          int64
	Number      string
	TenantID    int64
	AppID       int64
	Kind        NumberKind
	AreaCode    string
	DeliveredAt time.Time
	ReturnedAt  time.Time
	ReturnedBy  string
	Reason      string
}

// Ends is when a number that is unsubscribed at a moment (Number.EndsAt) ends, by the tenant's months: on or before the 25th it pays no rent for
// the next month, after it one more (spec/privatenumber.md §7). The end is the first instant of a month, in UTC; Number.Owes agrees with it.
func Ends(unsubscribed time.Time, zone *time.Location) time.Time {
	year, month, day := unsubscribed.In(zone).Date()
	months := time.Month(1)
	if day > LastUnsubscribeDay {
		months = 2
	}
	return time.Date(year, month+months, 1, 0, 0, 0, 0, zone).UTC()
}

// LastUnsubscribeDay is the day of the month until which an unsubscribed number pays no rent for the next month.
const LastUnsubscribeDay = 25

// Validate checks a holder to be stored.
func (h Holder) Validate() error {
	if !isGlobal(h.Number) {
		return Fail(Invalid, "number", "number %s is not in the form +<country><number>", Mask(h.Number))
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(h.Name)); n < 1 || n > 128 {
		return Fail(Invalid, "name", "a holder's name has 1 to 128 characters")
	}
	if len(h.IDNumber) < 4 || len(h.IDNumber) > 64 || !printableASCII(h.IDNumber) {
		return Fail(Invalid, "id_number", "an ID number has 4 to 64 letters and digits")
	}
	return nil
}

// MaskID hides an ID number but for its first and last two characters.
func MaskID(id string) string {
	if len(id) < 8 {
		return strings.Repeat("*", len(id))
	}
	return id[:2] + strings.Repeat("*", len(id)-4) + id[len(id)-2:]
}

// Validate checks a registered party to be stored.
func (r RegisteredParty) Validate() error {
	if !r.Party.Known() {
		return Fail(Invalid, "number", "a telephone number in the form +<country><number> is registered")
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(r.Name)); n < 1 || n > 64 {
		return Fail(Invalid, "name", "a registered party's name has 1 to 64 characters")
	}
	return nil
}

// DocumentKinds are the values of Document.Kind.
var DocumentKinds = []string{"licence", "legal_person", "handler", "handler_holding", "letter"}

// DocumentsMost is how many documents an enterprise shows at most.
const DocumentsMost = 20
