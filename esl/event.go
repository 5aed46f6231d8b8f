package esl

import (
	"strconv"
	"time"
)

// Kind says what an event tells.
type Kind int

// The kinds of event that a Call delivers.
const (
	Parked        Kind = iota + 1 // CHANNEL_PARK
	Progress                      // CHANNEL_PROGRESS: the far end rings (180)
	ProgressMedia                 // CHANNEL_PROGRESS_MEDIA: the far end sends early media (183)
	Answered                      // CHANNEL_ANSWER
	HungUp                        // CHANNEL_HANGUP_COMPLETE: the leg's last event, with all its times and causes
	Executed                      // CHANNEL_EXECUTE_COMPLETE: an application ended; Token tells which
	Digit                         // DTMF
	Snapshot                      // made by the adapter from uuid_dump: how a leg stands after a resync
	Placed                        // BACKGROUND_JOB of Place: a leg has answered (Leg), or none did and Cause says why the last failed; comes once
	Lost                          // made by the adapter: the leg is gone and nobody saw its end; At is until when its switch was known to live
)

var kindNames = [...]string{"none", "parked", "progress", "progress_media", "answered", "hung_up", "executed", "digit", "snapshot", "placed", "lost"}

func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "kind(" + strconv.Itoa(int(k)) + ")"
	}
	return kindNames[k]
}

// Headers gives an event's values by name, percent-decoded, "" for one that is absent or _undef_.
type Headers interface {
	Get(name string) string
}

// Event is one thing that happened to one leg.
type Event struct {
	Kind Kind
	Leg  string    // uuid of the leg
	Call string    // the leg's maskline_call; "" if it has none
	Role string    // the leg's maskline_role: "a", "b"; "" if it has none
	At   time.Time // when the switch made the event, UTC
	// Token is set on Executed: the token that Execute or Bridge gave.
	Token string
	// Cause is set on Placed when no leg answered: the switch's word, such as USER_BUSY or GATEWAY_DOWN.
	Cause Cause
	Headers
}

// Get gives a header's value; "" on an event without headers.
func (e Event) Get(name string) string {
	if e.Headers == nil {
		return ""
	}
	return e.Headers.Get(name)
}

// Var gives a channel variable's value.
func (e Event) Var(name string) string { return e.Get("variable_" + name) }

// Micros reads a header that holds microseconds since 1970, such as Caller-Channel-Answered-Time. Zero time for 0, absent or unreadable.
func (e Event) Micros(name string) time.Time {
	n, err := strconv.ParseInt(e.Get(name), 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// HeaderMap is Headers held in a map, for events made by adapters and tests.
type HeaderMap map[string]string

// Get gives the value of name.
func (m HeaderMap) Get(name string) string {
	if v := m[name]; v != "_undef_" {
		return v
	}
	return ""
}
