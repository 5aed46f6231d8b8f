package models

import (
	"strings"
	"time"
)

// Direction limits who may call whom through a binding; the values are the wire's callDirection (spec/privatenumber.md §2.1).
type Direction int

// The directions of AXB: A is callerNum, B is calleeNum.
const (
	BothWays  Direction = 0
	OnlyAToB  Direction = 1
	OnlyBToA  Direction = 2
	MinuteMax           = 1440    // maxDuration, minutes (spec §2.1)
	LifeMin             = 60      // duration, seconds
	LifeMax             = 7776000 // duration, seconds: 90 days
)

// CloseReason is why a binding ended.
type CloseReason string

// The reasons.
const (
	ClosedUnbound  CloseReason = "unbound"
	ClosedExpired  CloseReason = "expired"
	ClosedModified CloseReason = "modified" // a route of it was replaced; the binding lives
	// What happened to a route's temporary destination; row and binding live.
	TempSet  CloseReason = "temp_set"  // by the tenant
	TempUsed CloseReason = "temp_used" // its callee answered
	TempCall CloseReason = "callback"  // a caller was put through, who can be called back
)

// Binding is one relation that a tenant made. It is closed, never deleted.
type Binding struct {
	ID       string // subscriptionId, a UUID
	TenantID int64
	AppID    int64
	Mode     Mode
	X        string // the private number, global form
	A, B     Party  // B is zero in modes that have none: AX, AXE, AXYB's first step
	// Extension is E in AXE.
	Extension string
	// Y and Parent are set on the second step of AXYB: the number that A sees, and the subscriptionId of the first step.
	Y      string
	Parent string
	BindingSettings
	// BoundUnit and BoundTime are TimeUnit and BindTime as the bind gave them: AXE's query shows them even after a modify
	// (spec/privatenumber.md §2.3).
	BoundUnit, BoundTime int
	CreatedAt            time.Time
	// StartedAt is when the current Lifetime began: the bind, or the last modification of duration.
	StartedAt time.Time
	ExpiresAt time.Time // zero: never
	ClosedAt  time.Time // zero: open
	Reason    CloseReason
}

// BindingSettings is what bind and modify may set beside the parties.
type BindingSettings struct {
	Direction      Direction
	Lifetime       int // seconds; 0 is for ever, else LifeMin to LifeMax
	Record         bool
	RecordHintTone string
	MaxDuration    int // minutes from the callee's answer; 0 is unlimited, at most MinuteMax
	LastMinVoice   string
	PrivateSMS     bool
	PreVoiceA      string // callerHintTone: ring-back to A when A dials X
	PreVoiceB      string // calleeHintTone: ring-back to B when B dials X
	UserData       string
	// The rest belongs to some modes only.
	ShowCaller bool // AX calleeNumDisplay 1, AXE displayNumMode 1: the callee sees the real caller. Barred by carriers now: 8024
	Off        bool // AX turnFlag off: calls to X are not connected
	// DirectionGiven says that callDirection was given: AX's query leaves it out otherwise (spec/privatenumber.md §2.2).
	DirectionGiven bool
	CallbackNum    string // AXE: whom A reaches when nobody called before; "" is the app's
	CallbackTone   string // AXE: what A hears then
	TimeUnit       int    // AXE: 0 hours, 1 minutes, of the two below
	BindTime       int    // AXE bindExpiredTime; 0 is for ever
	CallbackTime   int    // AXE callbackExpiredTime: how long a caller can be called back; 0 is as long as the binding lives
	YBLifetime     int    // AXYB ybDuration: seconds that a Y chosen by itself lives; 0 is as long as AX
}

// Unit is the length of one of AXE's units of time.
func (s BindingSettings) Unit() time.Duration {
	if s.TimeUnit == 1 {
		return time.Minute
	}
	return time.Hour
}

// Expiry is when a binding with this lifetime that starts at t ends; zero for never. AXE has BindTime in place of Lifetime.
func (s BindingSettings) Expiry(t time.Time) time.Time {
	switch {
	case s.Lifetime != 0:
		return t.Add(time.Duration(s.Lifetime) * time.Second)
	case s.BindTime != 0:
		return t.Add(time.Duration(s.BindTime) * s.Unit())
	}
	return time.Time{}
}

// Live says whether the binding routes at time t. It is dead at its very second of expiry.
func (b Binding) Live(t time.Time) bool {
	return b.ClosedAt.IsZero() && (b.ExpiresAt.IsZero() || t.Before(b.ExpiresAt))
}

// Validate checks the ranges and forms of spec/privatenumber.md §2.1. Whether the app may record, owns X and has the
// prompts is judged by those who can look it up.
func (s BindingSettings) Validate() error {
	switch {
	case s.Direction < BothWays || s.Direction > OnlyBToA:
		return Fail(Invalid, "callDirection", "callDirection is 0, 1 or 2")
	case s.Lifetime != 0 && (s.Lifetime < LifeMin || s.Lifetime > LifeMax):
		return Fail(Invalid, "duration", "duration is 0 or %d to %d seconds", LifeMin, LifeMax)
	case s.MaxDuration < 0 || s.MaxDuration > MinuteMax:
		return Fail(Invalid, "maxDuration", "maxDuration is 0 to %d minutes", MinuteMax)
	case len(s.UserData) > 256:
		return Fail(Invalid, "userData", "userData has at most 256 characters")
	case strings.ContainsAny(s.UserData, "{}") || !printableASCII(s.UserData):
		return Fail(Invalid, "userData", "userData holds no braces, no control and no Chinese characters; encode it as Base64")
	}
	if err := s.validModes(); err != nil {
		return err
	}
	for _, p := range []struct{ param, name string }{
		{"callbackTone", s.CallbackTone}, {"recordHintTone", s.RecordHintTone}, {"lastMinVoice", s.LastMinVoice},
		{"callerHintTone", s.PreVoiceA}, {"calleeHintTone", s.PreVoiceB},
	} {
		if err := ValidPromptName(p.param, p.name); err != nil {
			return err
		}
	}
	return nil
}

// AXETimeMax is the longest bindExpiredTime and callbackExpiredTime, hours. The fact sheet leaves it open; clients send up to 720.
const AXETimeMax = 24 * 365

func (s BindingSettings) validModes() error {
	most := AXETimeMax
	if s.TimeUnit == 1 {
		most *= 60
	}
	switch {
	case s.TimeUnit != 0 && s.TimeUnit != 1:
		return Fail(Invalid, "timeUnit", "timeUnit is 0 for hours or 1 for minutes")
	case s.BindTime < 0 || s.BindTime > most:
		return Fail(Invalid, "bindExpiredTime", "bindExpiredTime is 0 to %d", most)
	case s.CallbackTime < 0 || s.CallbackTime > most:
		return Fail(Invalid, "callbackExpiredTime", "callbackExpiredTime is 0 to %d", most)
	case s.YBLifetime != 0 && (s.YBLifetime < LifeMin || s.YBLifetime > LifeMax):
		return Fail(Invalid, "ybDuration", "ybDuration is 0 or %d to %d seconds", LifeMin, LifeMax)
	case s.CallbackNum != "" && !isGlobal(s.CallbackNum):
		return Fail(Invalid, "callbackNum", "callbackNum is a telephone number")
	}
	return nil
}

// ValidExtension checks an extension of AXE: 1 to 4 digits, not all of them 0 (spec/privatenumber.md §2.3).
func ValidExtension(e string) error {
	if len(e) < 1 || len(e) > 4 || !allDigits(e) || strings.Trim(e, "0") == "" {
		return Fail(Invalid, "extendNum", "extendNum has 1 to 4 digits, not all 0")
	}
	return nil
}

// ValidPromptName checks a tone file's name: digits, letters and - _ . @, at most 128 (spec/privatenumber.md §6). "" is none.
func ValidPromptName(param, name string) error {
	ok := len(name) <= 128 && !strings.HasPrefix(name, ".")
	for _, r := range name {
		ok = ok && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_.@", r))
	}
	if !ok {
		return Fail(Invalid, param, "%s is a file name of digits, letters and - _ . @, at most 128", param)
	}
	return nil
}

func printableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
