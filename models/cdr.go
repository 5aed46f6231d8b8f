package models

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// CDR is one call's record: the source of the fee push, of the charge, and of the tenant's statistics. One a session, answered or not
// (spec/privatenumber.md §4.4). Times are zero for stages that were not reached.
type CDR struct {
	ID        int64
	SessionID string // unique
	ICID      string // unique id of the record on the wire
	TenantID  int64
	AppID     int64
	BindingID string
	Mode      Mode
	Extension string // AXE: extendNum
	Direction int    // direction of the wire: AXB 1; AX 0 others called A, 1 A called; 2 when there was no binding
	X         string // bindNum
	Area      string
	Caller    Party  // leg 1
	Display   string // what leg 2 saw
	Callee    Party  // leg 2; zero when nobody was dialled
	Trunk     string
	Switch    string
	Host      string

	// Leg 1 of a placed call (callOut…): when it was dialled, rang, and answered; its cause when it failed.
	OutAt         time.Time
	OutAlertingAt time.Time
	OutAnswerAt   time.Time
	OutQ850       int
	// Speech that was played to it.
	SpeechPlays   int
	SpeechSeconds int

	CallInAt    time.Time // of a placed call: when it was accepted
	StartAt     time.Time // leg 2 dialled
	AlertingAt  time.Time
	AnswerAt    time.Time
	EndAt       time.Time
	FailAt      time.Time // set when the call was not answered
	Q850        int       // fwdUnaswRsn: leg 2's cause when it failed; 0 else
	Fail        StateCode // ulFailReason
	SIPStatus   int       // of a failed leg 2; 0 else
	HungUpBy    int       // callRelDirection: 0 unknown or platform, 1 caller, 2 callee
	Record      bool
	RecordAt    time.Time
	RecordFile  string // recordObjectName
	UserData    string
	Source      Source
	CompletedAt time.Time // when we wrote it
}

// PlacedICID is ICID of a placed call that was accepted at a time: CAE, the time in Beijing and a number, as the original has it
// (spec/voicecall.md §6.2). The number follows from the session id, so that whoever makes the record makes the same.
func PlacedICID(sessionID string, accepted time.Time) string {
	sum := sha256.Sum256([]byte(sessionID))
	return fmt.Sprintf("CAE-%s-%d", accepted.In(Beijing).Format("20060102150405"), binary.BigEndian.Uint64(sum[:]))
}

// Beijing is the wall time of some of the wire's fields. China has one zone and no summer time.
var Beijing = time.FixedZone("CST", 8*60*60)

// Answered says that somebody whom the platform reached has answered: leg 2, or leg 1 of a placed call without another.
func (c CDR) Answered() bool {
	return !c.AnswerAt.IsZero() || !c.OutAnswerAt.IsZero() && c.Mode != ModeClick
}

// TalkSeconds is the talk time that the CDR prints: whole seconds between the printed times, so that a customer who computes agrees.
func (c CDR) TalkSeconds() int64 {
	if c.AnswerAt.IsZero() {
		return 0
	}
	return max(0, c.EndAt.Unix()-c.AnswerAt.Unix())
}

// DialledSeconds is how long the legs were talked on that the platform dialled: what carriers charge.
func (c CDR) DialledSeconds() int64 {
	if c.OutAnswerAt.IsZero() {
		return c.TalkSeconds()
	}
	return c.TalkSeconds() + max(0, c.EndAt.Unix()-c.OutAnswerAt.Unix())
}

// Source is what a CDR was completed from; anything but SourceEvents means that we did not see the whole call.
type Source string

// The sources.
const (
	SourceEvents Source = "events" // every event seen
	SourceResync Source = "resync" // part of the call was read back after a lost link or a restart
	SourcePost   Source = "post"   // the switch's own record of its legs
	SourceLost   Source = "lost"   // the call was gone and nobody told how it ended
	// SourcePartial is of a call of which some leg's end was told, and another's never: what stands of that one is what was known before.
	SourcePartial Source = "partial"
)

// Shortfall says what was less than everything, in a sentence for people; "" when all was seen.
func (s Source) Shortfall() string {
	switch s {
	case SourceEvents:
		return ""
	case SourceResync:
		return "part of the call was read back from the switch after its daemon had lost sight of it"
	case SourcePost:
		return "nobody saw the call to its end: the switch's own records of its legs tell of it"
	case SourcePartial:
		return "nobody told how one of its legs ended: the record holds what was known before"
	case SourceLost:
		return "nobody told how the call ended: the record ends when it was last known to live"
	}
	return "completed in a way that this version does not know"
}
