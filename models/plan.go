package models

import "time"

// Plan is everything one call will do, as data. A resolver makes it from a Sight; the flow carries it out. Exactly one of the
// pointers is set. Collect, Ask and Allocate lead to another decision; Refuse and Connect end the chain. Place is no decision about a call that
// came in: it is a call of our own, made from a request.
type Plan struct {
	// Direction is the CDR's: 1 in AXB; in other modes 0 when somebody calls A, 1 when A calls; 2 when nothing is bound.
	Direction int `json:"direction"`

	Refuse   *Refuse   `json:"refuse,omitempty"`
	Connect  *Connect  `json:"connect,omitempty"`
	Collect  *Collect  `json:"collect,omitempty"`
	Ask      *Ask      `json:"ask,omitempty"`
	Allocate *Allocate `json:"allocate,omitempty"`
	Place    *Place    `json:"place,omitempty"`
}

// Callee is the dialling of leg 2, nil when the plan has none.
func (p Plan) Callee() *Connect {
	if p.Place != nil {
		return p.Place.Then
	}
	return p.Connect
}

// Collect asks the caller for digits; the lookup is then made again with them. Prompts are file names, "" is silence.
type Collect struct {
	Digits  int           `json:"digits"`           // at most; # ends earlier
	Repeats int           `json:"repeats"`          // how often a wrong or missing input is asked for again
	Gap     time.Duration `json:"gap"`              // without a key ends the input
	Answer  bool          `json:"answer,omitempty"` // answer the caller before he is asked
	Input   string        `json:"input,omitempty"`  // what he hears first
	Again   string        `json:"again,omitempty"`  // after a wrong input that may be repeated
	GiveUp  string        `json:"give_up,omitempty"`
	Missing string        `json:"missing,omitempty"` // at the end, when nothing was ever keyed
}

// Ask puts the call to the tenant (mode X). Its answer becomes the Plan (route.FromAnswer).
type Ask struct {
	URL string `json:"url"`
}

// Allocate gives the caller a Y on an AXYB binding; the lookup is then made again.
type Allocate struct {
	BindingID string `json:"binding_id"`
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
	Exclusive  bool          `json:"exclusive,omitempty"`   // the number carries one call: a second one is busy
	UsesTemp   bool          `json:"uses_temp,omitempty"`   // the callee is the row's temporary one: used up when he answers
	Extension  string        `json:"extension,omitempty"`   // that was keyed (extendNum)
	// CallBack says that the callee may call this caller back on the number: recorded when he is dialled, for so long (0 is for ever).
	CallBack    bool          `json:"call_back,omitempty"`
	CallBackFor time.Duration `json:"call_back_for,omitempty"`
	// ShowsCaller says that Show is the caller's own number, since his callee's binding asks for it and the platform allows it. Without it nothing
	// that the callee gets may hold that number (controller/guard).
	ShowsCaller bool `json:"shows_caller,omitempty"`
	// Click-to-dial only.
	Media        Media  `json:"media,omitempty"`
	Wait         string `json:"wait,omitempty"`           // waitVoice: what A hears while B is dialled, looped; "" is our ring-back
	LastMinuteTo Side   `json:"last_minute_to,omitempty"` // who hears LastMinute; "" is both
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
	Barred    bool   // the callee may not be dialled, for what his number begins with
	// Findings are the risk rules that would have refused the call, had they not been set to report only.
	Findings []StateCode
}
