package admin

import (
	"encoding/json"
	"time"

	"maskline/models"
)

// The documents of the admin API. The command line reads them too. Persons' numbers are masked unless the request says reveal=true.

// List is one page of a list. Total counts all that match.
type List[T any] struct {
	Items  []T   `json:"items"`
	Total  int64 `json:"total"`
	Offset int   `json:"offset"`
	Limit  int   `json:"limit"`
}

// Failure is what is answered when a request fails.
type Failure struct {
	Code    models.Code `json:"code"`
	Param   string      `json:"param,omitempty"`
	Message string      `json:"message"`
}

// Tenant is a company that rents numbers.
type Tenant struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	SpID  string `json:"sp_id"`
	State string `json:"state"`
	// Calls bounds the placed calls of all its apps; 0 is no bound.
	Calls models.CallCap `json:"calls"`
	// Zone is the time zone of its months; "" is Asia/Shanghai. What it owes stands in its Balance.
	Zone      string    `json:"zone,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// TenantChange changes what it names of a tenant.
type TenantChange struct {
	Calls *models.CallCap `json:"calls,omitempty"`
	Zone  *string         `json:"zone,omitempty"`
}

// TenantRequest makes a tenant. Without SpID one is made up.
type TenantRequest struct {
	Name string `json:"name"`
	SpID string `json:"sp_id,omitempty"`
}

// StateRequest sets a state.
type StateRequest struct {
	State string `json:"state"`
}

// App is an application of a tenant. Secret is set in the answer that makes it, and never again.
type App struct {
	ID             int64             `json:"id"`
	TenantID       int64             `json:"tenant_id"`
	Key            string            `json:"app_key"`
	Secret         string            `json:"app_secret,omitempty"`
	Name           string            `json:"name"`
	Mode           string            `json:"mode"`
	State          string            `json:"state"`
	StatusURL      string            `json:"status_url"`
	FeeURL         string            `json:"fee_url"`
	PushScheme     string            `json:"push_scheme"`
	Record         bool              `json:"record"`
	SMS            bool              `json:"sms"`
	OneUseNonce    bool              `json:"one_use_nonce"`
	AllowFrom      []string          `json:"allow_from"`
	PairsPerNumber int               `json:"pairs_per_number"`
	Prompts        map[string]string `json:"prompts"`
	// Settings are what only some modes, or only some tenants, need. Those with their default are left out.
	Settings  models.AppSettings `json:"settings"`
	CreatedAt time.Time          `json:"created_at"`
}

// AppRequest makes an app, or changes what it names of one. Tenant (id or name) and Mode count only when it is made.
type AppRequest struct {
	Tenant         string            `json:"tenant,omitempty"`
	Mode           string            `json:"mode,omitempty"`
	Name           *string           `json:"name,omitempty"`
	State          *string           `json:"state,omitempty"`
	StatusURL      *string           `json:"status_url,omitempty"`
	FeeURL         *string           `json:"fee_url,omitempty"`
	PushScheme     *string           `json:"push_scheme,omitempty"`
	Record         *bool             `json:"record,omitempty"`
	SMS            *bool             `json:"sms,omitempty"`
	OneUseNonce    *bool             `json:"one_use_nonce,omitempty"`
	AllowFrom      *[]string         `json:"allow_from,omitempty"`
	PairsPerNumber *int              `json:"pairs_per_number,omitempty"`
	Prompts        map[string]string `json:"prompts,omitempty"`
	// Settings is a models.AppSettings of which only what is named counts.
	Settings json.RawMessage `json:"settings,omitempty"`
}

// SecretRequest adds a secret; the old ones hold for OldValid seconds more.
type SecretRequest struct {
	OldValid int `json:"old_valid_seconds"`
}

// SecretAnswer tells the new secret, once.
type SecretAnswer struct {
	Key    string `json:"app_key"`
	Secret string `json:"app_secret"`
}

// PushTest is what a test push met: one line a URL of the app.
type PushTest struct {
	OK      bool    `json:"ok"`
	Status  int     `json:"status"`
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
}

// Number is a number of the platform.
type Number struct {
	Number   string `json:"number"`
	TenantID int64  `json:"tenant_id"`
	AppID    int64  `json:"app_id"`
	Area     string `json:"area"`
	Kind     string `json:"kind"`
	State    string `json:"state"`
	Cause    int    `json:"cause,omitempty"` // of unavailable, 1 to 9 (spec/privatenumber.md §4.5)
	Trunk    string `json:"trunk,omitempty"`
	// SuspendedFor says why it is suspended when that was not the operator's word: arrears. EndsAt is told where it is unsubscribed.
	SuspendedFor   string     `json:"suspended_for,omitempty"`
	UnsubscribedAt *time.Time `json:"unsubscribed_at,omitempty"`
	EndsAt         *time.Time `json:"ends_at,omitempty"`
	CreatedAt      time.Time  `json:"created_at"`
}

// NumberStateRequest sets a number's state. Cause belongs to unavailable alone; 0 says none.
type NumberStateRequest struct {
	State string `json:"state"`
	Cause int    `json:"cause,omitempty"`
}

// NumbersRequest adds numbers to an app, all or none. Kind "" is what the app's mode has.
type NumbersRequest struct {
	App     string   `json:"app"`
	Area    string   `json:"area"`
	Kind    string   `json:"kind,omitempty"`
	Trunk   string   `json:"trunk,omitempty"`
	Numbers []string `json:"numbers"`
}

// Binding is one relation that a tenant made.
type Binding struct {
	ID             string     `json:"subscription_id"`
	TenantID       int64      `json:"tenant_id"`
	AppID          int64      `json:"app_id"`
	Mode           string     `json:"mode"`
	X              string     `json:"x"`
	A              string     `json:"a"`
	B              string     `json:"b,omitempty"`
	Extension      string     `json:"extension,omitempty"` // AXE
	Y              string     `json:"y,omitempty"`         // AXYB's second step: what A sees
	Parent         string     `json:"parent,omitempty"`    // AXYB's second step: the subscription of the first
	Direction      int        `json:"direction"`
	Lifetime       int        `json:"duration_seconds"`
	Record         bool       `json:"record"`
	RecordHintTone string     `json:"record_hint_tone,omitempty"`
	MaxDuration    int        `json:"max_duration_minutes"`
	LastMinVoice   string     `json:"last_min_voice,omitempty"`
	PreVoiceA      string     `json:"pre_voice_a,omitempty"`
	PreVoiceB      string     `json:"pre_voice_b,omitempty"`
	UserData       string     `json:"user_data,omitempty"`
	ShowCaller     bool       `json:"show_caller,omitempty"`         // AX, AXE: the callee shall see the real caller
	Off            bool       `json:"off,omitempty"`                 // AX: X connects nobody
	CallbackNum    string     `json:"callback_num,omitempty"`        // AXE
	CallbackTone   string     `json:"callback_tone,omitempty"`       // AXE
	CallbackTime   int        `json:"callback_seconds,omitempty"`    // AXE: how long a caller can be called back; 0 is as long as the binding
	YLifetime      int        `json:"yb_duration_seconds,omitempty"` // AXYB's first step: of a Y chosen by itself
	CreatedAt      time.Time  `json:"created_at"`
	ExpiresAt      *time.Time `json:"expires_at,omitempty"`
	ClosedAt       *time.Time `json:"closed_at,omitempty"`
	Reason         string     `json:"reason,omitempty"`
}

// Explanation says whom a caller of a number would reach, and which rule decided.
type Explanation struct {
	Dialled   string    `json:"dialled"`
	Caller    string    `json:"caller"`
	Extension string    `json:"extension,omitempty"` // what the caller keyed
	At        time.Time `json:"at"`
	Outcome   string    `json:"outcome"`
	To        string    `json:"to,omitempty"`
	Shown     string    `json:"shown,omitempty"`
	Temporary bool      `json:"temporary,omitempty"` // connect: to AX's temporary callee, used up by the answer
	CallBack  bool      `json:"call_back,omitempty"` // connect: the callee may call this caller back afterwards
	Collect   *Collect  `json:"collect,omitempty"`
	AskURL    string    `json:"ask_url,omitempty"`
	State     int       `json:"state,omitempty"`
	StateText string    `json:"state_text,omitempty"`
	Prompt    string    `json:"prompt,omitempty"` // of a refusal, or of the question for an extension
	Side      string    `json:"side,omitempty"`
	Mode      string    `json:"mode,omitempty"`
	TenantID  int64     `json:"tenant_id,omitempty"`
	AppID     int64     `json:"app_id,omitempty"`
	Binding   string    `json:"subscription_id,omitempty"`
	Why       string    `json:"why"`
	Findings  []Finding `json:"findings,omitempty"` // risk rules that only report, and would have refused
	// Past says that it is told from the history. States and settings of number, app and tenant are then today's, and what cannot be rebuilt is not
	// judged: a number that another call held, black lists, and rules that count calls.
	Past bool `json:"past"`
}

// Finding is a risk rule that would have refused a call, had it not been set to report only.
type Finding struct {
	State     int    `json:"state"`
	StateText string `json:"state_text"`
}

// The outcomes of an explanation.
const (
	OutcomeConnect  = "connect"
	OutcomeRefuse   = "refuse"
	OutcomeCollect  = "collect"  // the caller is asked for an extension; ask again with it
	OutcomeAsk      = "ask"      // the tenant is asked
	OutcomeAllocate = "allocate" // the caller gets a Y and reaches A, who sees it
)

// Collect says how a caller is asked for an extension.
type Collect struct {
	Digits      int  `json:"digits"` // at most
	Repeats     int  `json:"repeats"`
	Gap         int  `json:"gap_seconds"`
	AnswerFirst bool `json:"answer_first"`
}

// Call is one call, live or over. Events and CDR are told for a single one.
type Call struct {
	SessionID string     `json:"session_id"`
	Switch    string     `json:"switch"`
	TenantID  int64      `json:"tenant_id"`
	AppID     int64      `json:"app_id"`
	Binding   string     `json:"subscription_id,omitempty"`
	Mode      string     `json:"mode,omitempty"`
	Side      string     `json:"side,omitempty"`
	Dialled   string     `json:"dialled"`
	Extension string     `json:"extension,omitempty"` // what was keyed
	Caller    string     `json:"caller"`
	Callee    string     `json:"callee,omitempty"`
	Trunk     string     `json:"trunk,omitempty"`
	Stage     string     `json:"stage"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Events    []Event    `json:"events,omitempty"`
	CDR       *CDR       `json:"cdr,omitempty"`
}

// Event is one thing that the customer was told of a call.
type Event struct {
	Type      string    `json:"type"`
	At        time.Time `json:"at"`
	Caller    string    `json:"caller,omitempty"`
	Called    string    `json:"called,omitempty"`
	Digits    string    `json:"digits,omitempty"` // collectInfo
	State     int       `json:"state,omitempty"`
	StateText string    `json:"state_text,omitempty"`
}

// CDR is one call's record.
type CDR struct {
	SessionID string `json:"session_id"`
	TenantID  int64  `json:"tenant_id"`
	AppID     int64  `json:"app_id"`
	Binding   string `json:"subscription_id,omitempty"`
	Mode      string `json:"mode,omitempty"`
	Direction int    `json:"direction"`
	X         string `json:"x"`
	Extension string `json:"extension,omitempty"`
	Area      string `json:"area,omitempty"`
	Caller    string `json:"caller"`
	Shown     string `json:"shown,omitempty"`
	Callee    string `json:"callee,omitempty"`
	Trunk     string `json:"trunk,omitempty"`
	Switch    string `json:"switch"`
	// Leg 1 of a placed call.
	OutAt         *time.Time `json:"out_at,omitempty"`
	OutAlertingAt *time.Time `json:"out_alerting_at,omitempty"`
	OutAnswerAt   *time.Time `json:"out_answer_at,omitempty"`
	OutQ850       int        `json:"out_q850,omitempty"`
	SpeechPlays   int        `json:"speech_plays,omitempty"`
	SpeechSeconds int        `json:"speech_seconds,omitempty"`

	CallInAt   *time.Time `json:"call_in_at,omitempty"`
	StartAt    *time.Time `json:"start_at,omitempty"`
	AlertingAt *time.Time `json:"alerting_at,omitempty"`
	AnswerAt   *time.Time `json:"answer_at,omitempty"`
	EndAt      *time.Time `json:"end_at,omitempty"`
	FailAt     *time.Time `json:"fail_at,omitempty"`
	Talk       int64      `json:"talk_seconds"`
	Q850       int        `json:"q850"`
	State      int        `json:"state"`
	StateText  string     `json:"state_text"`
	SIPStatus  int        `json:"sip_status,omitempty"`
	HungUpBy   int        `json:"hung_up_by"`
	Record     bool       `json:"record"`
	RecordFile string     `json:"record_file,omitempty"`
	UserData   string     `json:"user_data,omitempty"`
	Source     string     `json:"source"`
	// Shortfall says what the record lacks; empty when every event was seen.
	Shortfall string `json:"shortfall,omitempty"`
}

// Delivery is one push to a customer's URL. Its body is not told: it holds real numbers.
type Delivery struct {
	ID         int64      `json:"id"`
	AppID      int64      `json:"app_id"`
	SessionID  string     `json:"session_id"`
	Kind       string     `json:"kind"`
	URL        string     `json:"url"`
	State      string     `json:"state"`
	Attempts   int        `json:"attempts"`
	FirstAt    *time.Time `json:"first_at,omitempty"`
	DueAt      *time.Time `json:"due_at,omitempty"`
	LastStatus int        `json:"last_status"`
	LastError  string     `json:"last_error,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	EndedAt    *time.Time `json:"ended_at,omitempty"`
}

// ReplayRequest says which done or dead deliveries are pushed again. At least one of App, Session, Since is needed.
type ReplayRequest struct {
	App     string     `json:"app,omitempty"`
	Session string     `json:"session,omitempty"`
	State   string     `json:"state,omitempty"` // done or dead; "" is dead
	Kind    string     `json:"kind,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
}

// DayRequest names a day, UTC.
type DayRequest struct {
	Day string `json:"day"` // 2026-11-20
}

// Barred is an entry of the black lists. AppID 0 is every app of the tenant, TenantID 0 everybody. Number is masked unless the request says
// reveal=true; a private number never is.
type Barred struct {
	ID        int64     `json:"id"`
	Kind      string    `json:"kind"`
	Number    string    `json:"number"`
	TenantID  int64     `json:"tenant_id"`
	AppID     int64     `json:"app_id"`
	Reason    string    `json:"reason,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// BarRequest adds an entry: a caller or callee for one App, one Tenant or Everybody; or what a private number may do (receive, place).
type BarRequest struct {
	Kind      string `json:"kind"`
	Number    string `json:"number"`
	App       string `json:"app,omitempty"`
	Tenant    string `json:"tenant,omitempty"`
	Everybody bool   `json:"everybody,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// Count tells how many things a request touched.
type Count struct {
	Count int `json:"count"`
}

// Trunk is a way to a carrier as it is configured, without its secrets.
type Trunk struct {
	Name        string   `json:"name"`
	Addresses   []string `json:"addresses"`
	Registers   string   `json:"registers,omitempty"`
	Proxy       string   `json:"proxy,omitempty"`
	TrustCaller bool     `json:"trust_caller"`
	ShowIn      []string `json:"show_in"`
	DialForm    string   `json:"dial_form"`
	Channels    int      `json:"channels"`
	Rate        float64  `json:"rate"`
	Order       int      `json:"order"`
}
