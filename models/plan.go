package models

import "time"

// Plan is everything one call will do, as data. A resolver makes it from a Sight; the flow carries it out. Exactly one of the
// pointers is set.
type Plan struct {
	Refuse  *Refuse  `json:"refuse,omitempty"`
	Connect *Connect `json:"connect,omitempty"`
}

// Refuse ends the call: a prompt as early media, then a final error, never an answer.
type Refuse struct {
	State  StateCode `json:"state"`
	Q850   int       `json:"q850"`             // the cause given to the caller's carrier
	Prompt string    `json:"prompt,omitempty"` // file name; "" is silence
}

// Connect dials the callee and joins the two.
type Connect struct {
	To         string        `json:"to"`   // the callee's number, revealed: a Plan is stored beside the call and never logged
	Show       string        `json:"show"` // the number he sees
	Trunk      string        `json:"trunk,omitempty"`
	AnswerIn   time.Duration `json:"answer_in"` // how long he may ring; after it 8035
	PreVoice   string        `json:"pre_voice,omitempty"`
	Record     bool          `json:"record,omitempty"`
	RecordTone string        `json:"record_tone,omitempty"` // both hear it before the recording starts
	MaxTalk    time.Duration `json:"max_talk,omitempty"`    // from the callee's answer; 0 is unlimited
	LastMinute string        `json:"last_minute,omitempty"` // both hear it one minute before MaxTalk
}

// Decision is a Plan with whose call it is and why.
type Decision struct {
	Plan
	TenantID  int64
	AppID     int64
	AppKey    string
	BindingID string
	UserData  string
	Side      Side
	Why       string // one sentence for the operator: which rule decided
}
