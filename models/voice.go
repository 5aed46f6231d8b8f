package models

import (
	"slices"
	"time"
)

// The kinds of call that an app of ModeVoice asks for (spec/voicecall.md §2 to §4). They stand in Session.Mode and CDR.Mode, never in App.Mode.
const (
	ModeClick  Mode = "click2call" // two people are called, and joined
	ModeNotify Mode = "callnotify" // one is called and hears something
	ModeVerify Mode = "callverify" // one is called and hears a code
)

// VoiceModes lists them.
var VoiceModes = []Mode{ModeClick, ModeNotify, ModeVerify}

// Placed says that the platform places calls of this mode itself.
func (m Mode) Placed() bool { return slices.Contains(VoiceModes, m) }

// VoiceSettings are those of an app of ModeVoice. The zero value has the defaults.
type VoiceSettings struct {
	Services []Mode     `json:"services,omitempty"` // which of VoiceModes the app may ask for; empty is all
	Ports    int        `json:"ports,omitempty"`    // its calls at once, 1 to 10000; 0 is 100
	Rate     float64    `json:"rate,omitempty"`     // its new calls a second, up to 1000; 0 is 10
	Queue    int        `json:"queue,omitempty"`    // its calls that may wait; 0 is 100000; -1: none waits, a call beyond Ports is refused (1020165)
	WaitFor  int        `json:"wait_for,omitempty"` // seconds that a call may wait, 1 to 86400; 0 is 3600
	App      CallCap    `json:"app,omitzero"`       // accepted calls of the app (1013002, 7002)
	Number   NumberPace `json:"number,omitzero"`    // of each display number (1013003, 7003)
	RingFor  int        `json:"ring_for,omitempty"` // seconds that a called party may ring, 10 to 120; 0 is 60
	Replays  int        `json:"replays,omitempty"`  // how often an item is replayed at most, 1 to 100; 0 is 10
	Rounds   int        `json:"rounds,omitempty"`   // what times 0 of a verification code means, 1 to 20; 0 is 9
	BargeIn  bool       `json:"barge_in,omitempty"` // keys count while an item is played, and cut it short
	HashEnds bool       `json:"hash_ends,omitempty"`
	// PushSignOld signs pushes over url, nonce and time without line breaks, as revisions up to 2024 did (spec/voicecall.md §1.5).
	PushSignOld bool `json:"push_sign_old,omitempty"`
}

// CallCap bounds how many calls are accepted in a clock hour and a day (UTC); 0 is no bound.
type CallCap struct {
	PerHour int `json:"per_hour,omitempty"`
	PerDay  int `json:"per_day,omitempty"`
}

// NumberPace bounds the calls of one display number.
type NumberPace struct {
	CallCap
	Ports int     `json:"ports,omitempty"` // calls at once; 0 is no bound but the app's
	Rate  float64 `json:"rate,omitempty"`  // new calls a second; 0 is no bound but the app's
}

// PortsMost is Ports with its default.
func (v VoiceSettings) PortsMost() int { return orInt(v.Ports, 100) }

// PerSecond is Rate with its default.
func (v VoiceSettings) PerSecond() float64 {
	if v.Rate == 0 {
		return 10
	}
	return v.Rate
}

// QueueMost is Queue with its default; 0 when none may wait.
func (v VoiceSettings) QueueMost() int { return max(0, orInt(v.Queue, 100_000)) }

// Patience is WaitFor with its default.
func (v VoiceSettings) Patience() time.Duration {
	return time.Duration(orInt(v.WaitFor, 3600)) * time.Second
}

// AnswerIn is RingFor with its default.
func (v VoiceSettings) AnswerIn() time.Duration {
	return time.Duration(orInt(v.RingFor, 60)) * time.Second
}

// ReplaysMost is Replays with its default.
func (v VoiceSettings) ReplaysMost() int { return orInt(v.Replays, 10) }

// RoundsMost is Rounds with its default.
func (v VoiceSettings) RoundsMost() int { return orInt(v.Rounds, 9) }

// Serves says whether the app may ask for calls of this mode.
func (v VoiceSettings) Serves(m Mode) bool {
	return len(v.Services) == 0 || slices.Contains(v.Services, m)
}

func orInt(n, fallback int) int {
	if n == 0 {
		return fallback
	}
	return n
}

// Validate checks the settings' ranges.
func (v VoiceSettings) Validate() error {
	for _, s := range v.Services {
		if !s.Placed() {
			return Fail(Invalid, "voice.services", "service %q is unknown; it is one of %v", s, VoiceModes)
		}
	}
	within := func(n, least, most int) bool { return n == 0 || n >= least && n <= most }
	switch {
	case !within(v.Ports, 1, 10_000):
		return Fail(Invalid, "voice.ports", "an app has 1 to 10000 calls at once")
	case v.Rate < 0 || v.Rate > 1000 || v.Number.Rate < 0 || v.Number.Rate > 1000:
		return Fail(Invalid, "voice.rate", "the rate is up to 1000 new calls a second")
	case v.Queue < -1 || v.Queue > 1_000_000:
		return Fail(Invalid, "voice.queue", "1 to 1000000 calls may wait, or -1 for none")
	case !within(v.WaitFor, 1, 86_400):
		return Fail(Invalid, "voice.wait_for", "a call waits 1 to 86400 seconds")
	case v.App.PerHour < 0 || v.App.PerDay < 0 || v.Number.PerHour < 0 || v.Number.PerDay < 0:
		return Fail(Invalid, "voice.app.per_hour", "calls an hour and a day are 1 or more, or 0 for no bound")
	case !within(v.Number.Ports, 1, 10_000):
		return Fail(Invalid, "voice.number.ports", "a number has 1 to 10000 calls at once, or 0 for no bound of its own")
	case !within(v.RingFor, 10, 120):
		return Fail(Invalid, "voice.ring_for", "a party rings 10 to 120 seconds")
	case !within(v.Replays, 1, 100):
		return Fail(Invalid, "voice.replays", "an item is replayed 1 to 100 times at most")
	case !within(v.Rounds, 1, 20):
		return Fail(Invalid, "voice.rounds", "a code is read 1 to 20 times at most")
	}
	return nil
}

// Place is a call that the platform places itself: leg 1 is dialled; when it answers, Play is played to it; then, for click-to-dial, leg 2 is
// dialled from it. Prompts stand by file name and are found when the call is dialled, as is speech.
type Place struct {
	To       string        `json:"to"`   // leg 1's number, revealed
	Show     string        `json:"show"` // what leg 1 sees: a display number of the app
	Trunk    string        `json:"trunk,omitempty"`
	AnswerIn time.Duration `json:"answer_in"`
	Play     []Item        `json:"play,omitempty"`
	// Then is leg 2; nil when there is none.
	Then *Connect `json:"then,omitempty"`
	// Replays is how often one item is replayed at most.
	Replays   int    `json:"replays,omitempty"`
	BargeIn   bool   `json:"barge_in,omitempty"`
	HashEnds  bool   `json:"hash_ends,omitempty"`
	StatusURL string `json:"status_url,omitempty"` // before the app's own
	FeeURL    string `json:"fee_url,omitempty"`
	PartyType bool   `json:"party_type,omitempty"` // the disconnect event says who hung up
}

// Item is one thing that is played. Exactly one of Prompts and Speech is set.
type Item struct {
	Prompts []string `json:"prompts,omitempty"` // file names, played one after the other with a short pause
	Speech  *Speech  `json:"speech,omitempty"`
	Rounds  int      `json:"rounds,omitempty"`  // how often it is played, 0 is once
	Collect int      `json:"collect,omitempty"` // digits to collect after it, at most; 0 is none (spec/voicecall.md §3)
	// Replay plays the item again after the digits; ReplayOn only when they equal it, "" whatever they are.
	Replay   bool   `json:"replay,omitempty"`
	ReplayOn string `json:"replay_on,omitempty"`
}

// CollectIn is how long the called party may take to the first key after an item, and between keys (spec/voicecall.md §3).
const CollectIn = 5 * time.Second

// Speech is text to be spoken.
type Speech struct {
	Text  string `json:"text"`            // as it shall be read: reading rules are applied before
	Voice string `json:"voice,omitempty"` // "" is the engine's default
	Rate  int    `json:"rate,omitempty"`  // speed in percent of the engine's normal one, 50 to 200; 0 is 100
}

// Media is what A hears while B is dialled in click-to-dial (calleeMedia, spec/voicecall.md §2).
type Media string

// The values of calleeMedia. "" is the masked calls' way: B's early media, else our ring-back.
const (
	MediaAll  Media = "all"  // B's early media replaces waitVoice
	MediaNone Media = "none" // waitVoice until B answers or fails
	MediaFail Media = "fail" // waitVoice, and after a failure an announcement of why
)

// Outgoing is a call that waits to be placed. Its Session is complete but for Switch; Session.StartedAt is when it was accepted.
type Outgoing struct {
	Seq      int64   // running number of the store, the order of acceptance
	Session  Session // Stage queued, LegA the uuid that the first leg will have
	Priority int     // lower goes first among an app's calls
	State    OutgoingState
	Core     string // Core-UUID of the switch when the call was taken
	QueuedAt time.Time
	GiveUpAt time.Time // it is not dialled later than this
}

// OutgoingState is how a waiting call stands. A call that is known to be on the switch has no row any more.
type OutgoingState string

// The states.
const (
	OutgoingQueued OutgoingState = "queued"
	OutgoingTaken  OutgoingState = "taken" // being dialled; not known yet to be on the switch
)

// The priorities of the kinds of call: somebody waits for a code with the telephone in his hand.
var VoicePriority = map[Mode]int{ModeVerify: 0, ModeClick: 1, ModeNotify: 2}
