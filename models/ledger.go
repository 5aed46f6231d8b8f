package models

import (
	"strconv"
	"time"
)

// Account is one account of the ledger. What a tenant has paid in and not used stands on TenantAccount as a credit; every entry moves between it
// and an account of the platform.
type Account string

// The platform's accounts.
const (
	AccountCash        Account = "platform:cash"        // money that came in; refunds go out of it
	AccountCalls       Account = "platform:calls"       // earned with calls
	AccountRent        Account = "platform:rent"        // … with numbers
	AccountPackages    Account = "platform:packages"    // … with packages
	AccountAdjustments Account = "platform:adjustments" // the operator's corrections
)

// TenantAccount is a tenant's balance.
func TenantAccount(tenantID int64) Account {
	return Account("tenant:" + strconv.FormatInt(tenantID, 10))
}

// EntryKind is what an entry is for.
type EntryKind string

// The kinds.
const (
	EntryRecharge   EntryKind = "recharge"
	EntryRefund     EntryKind = "refund"
	EntryAdjustment EntryKind = "adjustment"
	EntrySettlement EntryKind = "settlement" // an hour's calls
	EntryCorrection EntryKind = "correction" // calls of an hour that was settled before
	EntryRent       EntryKind = "rent"
	EntryPackage    EntryKind = "package"
)

// Entry is one business of the ledger: postings that add up to zero. It is written once and never changed; its key says which business it is, and is
// unique, so that what is done twice is posted once.
type Entry struct {
	ID       int64
	Key      string // recharge:REQUEST, settle:TENANT:HOUR, rent:NUMBER:MONTH …; 1 to 120 characters
	Kind     EntryKind
	TenantID int64
	At       time.Time // when it was posted
	For      time.Time // the hour or day that it is for; At for what has none
	Memo     string    // why, for people: the reason of an adjustment, the number of a rent
	By       string    // operator or job
	Postings []Posting
}

// Posting is one side of an entry: Amount is a credit when positive, a debit when negative.
type Posting struct {
	Account Account
	Amount  Amount
}

// Transfer is the two postings that move an amount from one account to another.
func Transfer(from, to Account, a Amount) []Posting {
	return []Posting{{from, -a}, {to, a}}
}

// Validate checks an entry to be posted.
func (e Entry) Validate() error {
	var sum Amount
	for _, l := range e.Postings {
		sum += l.Amount
		if l.Account == "" || l.Amount == 0 {
			return Fail(Invalid, "postings", "each posting has an account and an amount that is not zero")
		}
	}
	switch {
	case e.Key == "" || len(e.Key) > 120:
		return Fail(Invalid, "key", "a key has 1 to 120 characters")
	case len(e.Postings) < 2:
		return Fail(Invalid, "postings", "an entry has two postings or more")
	case sum != 0:
		return Fail(Invalid, "postings", "the postings do not add up to zero but to %s", sum)
	}
	return nil
}
