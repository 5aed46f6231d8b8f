package admin

import (
	"time"

	"maskline/models"
)

// The documents of money. Amounts are strings with four decimals: a float would lose units.

// Plan is a price plan. TenantID 0 is the platform's own, which holds for tenants without one.
type Plan struct {
	ID        int64                            `json:"id"`
	TenantID  int64                            `json:"tenant_id"`
	Name      string                           `json:"name"`
	From      time.Time                        `json:"from"`
	Until     *time.Time                       `json:"until,omitempty"`
	Calls     map[models.Mode]models.CallPrice `json:"calls"`
	Rent      map[string]models.Amount         `json:"rent"`
	CutCalls  bool                             `json:"cut_calls"`
	CreatedAt time.Time                        `json:"created_at"`
}

// PlanRequest adds a price plan, for a tenant (id or name) or, without one, for the platform.
type PlanRequest struct {
	Tenant   string                           `json:"tenant,omitempty"`
	Name     string                           `json:"name"`
	From     time.Time                        `json:"from"`
	Until    *time.Time                       `json:"until,omitempty"`
	Calls    map[models.Mode]models.CallPrice `json:"calls,omitempty"`
	Rent     map[string]models.Amount         `json:"rent,omitempty"`
	CutCalls bool                             `json:"cut_calls,omitempty"`
}

// EndRequest says when a price plan ends; without a time it goes on.
type EndRequest struct {
	Until *time.Time `json:"until"`
}

// AmountRequest moves money, and says why.
type AmountRequest struct {
	Amount models.Amount `json:"amount"`
	Reason string        `json:"reason,omitempty"`
}

// Moved is what came of it. Repeated says that the same request was posted before, and nothing was done now.
type Moved struct {
	Entry    Entry         `json:"entry"`
	Balance  models.Amount `json:"balance"`
	Repeated bool          `json:"repeated"`
}

// Balance is what a tenant has, and how far below zero he may go.
type Balance struct {
	TenantID int64         `json:"tenant_id"`
	Balance  models.Amount `json:"balance"`
	Credit   models.Amount `json:"credit"`
	Arrears  bool          `json:"arrears"`
}

// CreditRequest sets how far below zero a tenant's balance may go.
type CreditRequest struct {
	Credit models.Amount `json:"credit"`
}

// Entry is one business of the ledger.
type Entry struct {
	ID       int64     `json:"id"`
	Key      string    `json:"key"`
	Kind     string    `json:"kind"`
	TenantID int64     `json:"tenant_id"`
	At       time.Time `json:"at"`
	For      time.Time `json:"for"`
	Memo     string    `json:"memo,omitempty"`
	By       string    `json:"by,omitempty"`
	Postings []Posting `json:"postings"`
}

// Posting is one side of an entry: a credit when positive, a debit when negative.
type Posting struct {
	Account models.Account `json:"account"`
	Amount  models.Amount  `json:"amount"`
}

// Charge is what one billed leg of a call costs. Billed is what the balance paid of it, once it is settled.
type Charge struct {
	ID             int64         `json:"id"`
	SessionID      string        `json:"session_id"`
	Leg            int           `json:"leg"`
	TenantID       int64         `json:"tenant_id"`
	AppID          int64         `json:"app_id"`
	Mode           string        `json:"mode"`
	EndAt          time.Time     `json:"end_at"`
	Seconds        int64         `json:"seconds"`
	Units          int64         `json:"units"`
	Minutes        int64         `json:"minutes"`
	PlanID         int64         `json:"plan_id,omitempty"`
	Amount         models.Amount `json:"amount"`
	Why            string        `json:"why"`
	EntryID        int64         `json:"entry_id,omitempty"`
	PackageMinutes int64         `json:"package_minutes,omitempty"`
	Billed         models.Amount `json:"billed"`
	SettledAt      *time.Time    `json:"settled_at,omitempty"`
}

// ChargeExplanation says in words how a call's charges came about.
type ChargeExplanation struct {
	SessionID string   `json:"session_id"`
	Text      string   `json:"text"`
	Charges   []Charge `json:"charges"`
}

// Package is minutes that were bought ahead.
type Package struct {
	ID       int64         `json:"id"`
	TenantID int64         `json:"tenant_id"`
	Name     string        `json:"name"`
	Modes    []models.Mode `json:"modes"`
	Minutes  int64         `json:"minutes"`
	Left     int64         `json:"left"`
	Price    models.Amount `json:"price"`
	BoughtAt time.Time     `json:"bought_at"`
	From     time.Time     `json:"from"`
	Until    time.Time     `json:"until"`
}

// PackageRequest buys a package for a tenant. Without modes it pays the calls of every mode.
type PackageRequest struct {
	Name    string        `json:"name"`
	Modes   []models.Mode `json:"modes,omitempty"`
	Minutes int64         `json:"minutes"`
	Price   models.Amount `json:"price"`
	Until   time.Time     `json:"until"`
}

// Bought is a package and what was paid for it; Repeated as in Moved.
type Bought struct {
	Package  Package       `json:"package"`
	EntryID  int64         `json:"entry_id,omitempty"`
	Balance  models.Amount `json:"balance"`
	Repeated bool          `json:"repeated"`
}

// LedgerFindings is what a look over the whole ledger found. Problems names the first of what is broken.
type LedgerFindings struct {
	OK       bool     `json:"ok"`
	Entries  int64    `json:"entries"`
	Postings int64    `json:"postings"`
	Accounts int64    `json:"accounts"`
	Charges  int64    `json:"charges"`
	Broken   int64    `json:"broken"`
	Problems []string `json:"problems"`
}
