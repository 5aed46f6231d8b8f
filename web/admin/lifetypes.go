package admin

import (
	"time"

	"maskline/models"
)

// The documents of enterprises, orders, stock, the end of numbers, holders, registered parties and contacts.

// Enterprise is what a tenant shows before he may order numbers.
type Enterprise struct {
	TenantID  int64             `json:"tenant_id"`
	Kind      string            `json:"kind"`
	Name      string            `json:"name"`
	Licence   string            `json:"licence"`
	Documents []models.Document `json:"documents"`
	Scenario  string            `json:"scenario"`
	Script    string            `json:"script"`
	Business  string            `json:"business"`
	SMS       bool              `json:"sms"`
	Review
	Refusals int `json:"refusals"` // in a row for a forbidden business
}

// EnterpriseRequest submits an enterprise. Documents are uploaded before it and named by what the upload answered.
type EnterpriseRequest struct {
	Kind      string            `json:"kind"`
	Name      string            `json:"name"`
	Licence   string            `json:"licence"`
	Documents []models.Document `json:"documents,omitempty"`
	Scenario  string            `json:"scenario"`
	Script    string            `json:"script"`
	Business  string            `json:"business"`
	SMS       bool              `json:"sms,omitempty"`
	Urgent    bool              `json:"urgent,omitempty"`
}

// DecisionRequest is a reviewer's word on an enterprise. Submitted is uploaded_at of what he has seen: one that was submitted since is not decided.
type DecisionRequest struct {
	Reason    string     `json:"reason,omitempty"`
	Forbidden bool       `json:"forbidden,omitempty"` // rejected for a forbidden business
	Submitted *time.Time `json:"submitted,omitempty"`
}

// Order asks for numbers. Numbers are told of one that is delivered, when it is shown by itself.
type Order struct {
	ID          int64      `json:"id"`
	TenantID    int64      `json:"tenant_id"`
	AppID       int64      `json:"app_id"`
	Kind        string     `json:"kind"`
	Area        string     `json:"area"`
	Carrier     string     `json:"carrier,omitempty"`
	Count       int        `json:"count"`
	Quick       bool       `json:"quick"`
	Recording   bool       `json:"recording"`
	Inspection  bool       `json:"inspection"`
	State       string     `json:"state"`
	RequestedBy string     `json:"requested_by,omitempty"`
	RequestedAt time.Time  `json:"requested_at"`
	ReviewedBy  string     `json:"reviewed_by,omitempty"`
	ReviewedAt  *time.Time `json:"reviewed_at,omitempty"`
	Reason      string     `json:"reason,omitempty"`
	DeliveredBy string     `json:"delivered_by,omitempty"`
	DeliveredAt *time.Time `json:"delivered_at,omitempty"`
	Numbers     []string   `json:"numbers,omitempty"`
}

// OrderRequest places an order for an app (id or app_key).
type OrderRequest struct {
	App        string `json:"app"`
	Kind       string `json:"kind,omitempty"`
	Area       string `json:"area"`
	Carrier    string `json:"carrier,omitempty"`
	Count      int    `json:"count"`
	Quick      bool   `json:"quick,omitempty"`
	Inspection bool   `json:"inspection,omitempty"`
}

// DeliverRequest names the numbers of a delivery; without any, those that have been in stock for longest are taken.
type DeliverRequest struct {
	Numbers []string `json:"numbers,omitempty"`
}

// Stock is a number that no app has.
type Stock struct {
	Number  string     `json:"number"`
	Kind    string     `json:"kind"`
	Area    string     `json:"area"`
	Carrier string     `json:"carrier,omitempty"`
	Trunk   string     `json:"trunk,omitempty"`
	FreeAt  *time.Time `json:"free_at,omitempty"`
	AddedAt time.Time  `json:"added_at"`
}

// Report tells of each row of an uploaded table what became of it.
type Report struct {
	Done    int         `json:"done"`
	Refused int         `json:"refused"`
	Rows    []ReportRow `json:"rows"`
}

// ReportRow is one row. Line is the one of the file; Error is empty when the row was done.
type ReportRow struct {
	Line   int    `json:"line"`
	Number string `json:"number"`
	OK     bool   `json:"ok"`
	Error  string `json:"error,omitempty"`
}

// ReturnRequest takes a number from its app. Without CoolDown it rests as long as the configuration says.
type ReturnRequest struct {
	Reason   string `json:"reason,omitempty"`
	CoolDown *int   `json:"cool_down_days,omitempty"`
}

// MoveRequest gives a number to another app (id or app_key) of its tenant.
type MoveRequest struct {
	App string `json:"app"`
}

// Returned is a number that a tenant had.
type Returned struct {
	Number      string    `json:"number"`
	TenantID    int64     `json:"tenant_id"`
	AppID       int64     `json:"app_id"`
	Kind        string    `json:"kind"`
	Area        string    `json:"area"`
	DeliveredAt time.Time `json:"delivered_at"`
	ReturnedAt  time.Time `json:"returned_at"`
	ReturnedBy  string    `json:"returned_by,omitempty"`
	Reason      string    `json:"reason,omitempty"`
}

// Holder is in whose name a number stands or stood. The ID number is masked.
type Holder struct {
	Number    string     `json:"number"`
	Name      string     `json:"name"`
	IDNumber  string     `json:"id_number"`
	Since     time.Time  `json:"since"`
	Until     *time.Time `json:"until,omitempty"`
	ChangedBy string     `json:"changed_by,omitempty"`
}

// HolderRequest registers a number in somebody's name, or passes it on to him.
type HolderRequest struct {
	Name     string     `json:"name"`
	IDNumber string     `json:"id_number"`
	Since    *time.Time `json:"since,omitempty"`
}

// RegisteredParty is an A who has shown who he is. The number is masked unless the request says reveal=true.
type RegisteredParty struct {
	TenantID     int64     `json:"tenant_id"`
	Party        string    `json:"party"`
	Name         string    `json:"name"`
	RegisteredAt time.Time `json:"registered_at"`
}

// PartiesRequest registers parties, all or none.
type PartiesRequest struct {
	Parties []PartyRequest `json:"parties"`
}

// PartyRequest is one of them.
type PartyRequest struct {
	Party string `json:"party"`
	Name  string `json:"name"`
}

// Contact is somebody who is told of what concerns a tenant.
type Contact struct {
	ID       int64           `json:"id"`
	TenantID int64           `json:"tenant_id"`
	Name     string          `json:"name"`
	Phone    string          `json:"phone,omitempty"`
	Mail     string          `json:"mail,omitempty"`
	Webhook  string          `json:"webhook,omitempty"`
	Notices  []models.Notice `json:"notices"`
}

// ContactRequest adds a contact, or writes one anew.
type ContactRequest struct {
	Name    string          `json:"name"`
	Phone   string          `json:"phone,omitempty"`
	Mail    string          `json:"mail,omitempty"`
	Webhook string          `json:"webhook,omitempty"`
	Notices []models.Notice `json:"notices,omitempty"`
}
