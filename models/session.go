package models

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Session is one call as the customer sees it. Its id is made from the first leg's uuid, so that whoever meets the call on the switch knows it.
type Session struct {
	ID        string // sessionId, see SessionID
	LegA      string // uuid
	Switch    string // the switch's configured name
	Host      string // hostName of the CDR
	TenantID  int64  // 0 when the dialled number is not ours
	AppID     int64
	BindingID string
	Mode      Mode
	Side      Side
	Dialled   string // X, global form; in a placed call the number that leg 1 sees
	Caller    Party  // who is on leg 1: the caller, or whom a placed call reaches first
	Callee    Party  // leg 2; zero when nobody was dialled
	Trunk     string
	UserData  string
	Plan      Plan
	RecordAs  string // file name of the recording; "" when none is made
	Stage     Stage
	Extension string    // AXE: what was keyed
	Area      string    // city of the dialled number
	Stopped   bool      // callStop asked for the end
	Counted   bool      // its tenant's Limits count it until it ends
	StartedAt time.Time // when leg A came in
	EndedAt   time.Time // zero while it lives
}

// SessionID makes the session id of a first leg on a host: CallRef, "@" and the host.
func SessionID(legA, host string) string { return CallRef(legA) + "@" + host }

// CallRef is a call's name outside the switch. Whoever meets the leg can compute it, and nobody can go back: a leg's uuid opens a live call
// to whoever may send the switch an INVITE with Replaces (conf/freeswitch/README.md), so it is never shown to a customer.
func CallRef(legA string) string {
	sum := sha256.Sum256([]byte(legA))
	return hex.EncodeToString(sum[:16])
}

// Stage is how far a live session has come.
type Stage string

// The stages.
const (
	StageRouting    Stage = "routing"
	StageRefusing   Stage = "refusing"
	StageCollecting Stage = "collecting" // the caller keys an extension
	StageAsking     Stage = "asking"     // the tenant is asked
	StageDialling   Stage = "dialling"
	StageRinging    Stage = "ringing"
	StageTalking    Stage = "talking"
	StageEnded      Stage = "ended"
	StageAnnounced  Stage = "announcing" // the callee could not be reached; the caller hears why
	// Of calls that we place.
	StageQueued  Stage = "queued"
	StagePlacing Stage = "placing" // leg 1 is dialled
	StagePlaying Stage = "playing" // leg 1 hears something
)

// EventType is a call event's kind, by its wire name (spec/privatenumber.md §4.1).
type EventType string

// The events.
const (
	EventCallIn     EventType = "callin"
	EventCallOut    EventType = "callout"
	EventAlerting   EventType = "alerting"
	EventAnswer     EventType = "answer"
	EventDisconnect EventType = "disconnect"
	EventCollect    EventType = "collectInfo"
)

// CallEvent is one thing that the customer is told of a session. (SessionID, Key) is unique: what is told twice is told once.
type CallEvent struct {
	ID        int64
	SessionID string
	Key       string // Type, and for those that may come more than once a number: "collectInfo:2"; leg 1 of a placed call: "answer:a"
	Type      EventType
	At        time.Time // when the switch saw it
	Caller    Party     // as the leg has it: callin real caller; leg 2 the number shown. A private number may stand here
	Called    Party
	State     StateCode // disconnect
	Digits    string    // collectInfo
	By        int       // disconnect: who hung up, as CDR.HungUpBy. Only the push has it; it is not stored
}

// Change is what one step of a call commits together (DESIGN §6.2): the session as it stands now, the events of the step, at the end
// the CDR, and the pushes that follow from them.
type Change struct {
	Session    Session
	Events     []CallEvent
	CDR        *CDR     // set exactly once, with Session.EndedAt
	Charges    []Charge // what the CDR costs; their CDRID is the store's
	Deliveries []Delivery
	// Exclusive takes the dialled number for this session until it ends; Record fails with NumberBusy when another call has it, and
	// nothing of the change is written.
	Exclusive bool
	// UseTemp clears the temporary destination of the row (Session.Dialled, Session.Caller): it has been used.
	UseTemp bool
	// CallBack lets Session.Callee call Session.Caller back on Session.Dialled until this time; the zero time is as long as the row lives.
	CallBack      bool
	CallBackUntil time.Time
	// Take claims the waiting call of Session.LegA for dialling: its row goes from queued to taken, with Core. Where it does not stand as
	// queued nothing of the change is written, and applied is false.
	Take bool
	Core string
	// Cancel ends a call that waits: its row, which must be queued, is removed; else as for Take.
	Cancel bool
	// Placed says that the call is known to be on the switch, or over: its row is removed if it is there.
	Placed bool
	// Recording is written with the end of a recorded call.
	Recording *Recording
	// Limits bound the calls of the session's tenant: this is the step in which somebody is dialled, so the call is counted, once. Beyond them Record
	// fails with TenantTooOften, or PortsFull for AtOnce, and nothing of the change is written. The zero value counts nothing.
	Limits Limits
	// Patient says that nobody waits for this step: it may be gathered with others of other calls, so that they share a commit.
	Patient bool
	// Under is the lease of the switch whose owner writes this: without it nothing of the change is written. The zero value is nobody's.
	Under Lease
}
