package models

import (
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// Mode is what an app's numbers do. An app has one, for good.
type Mode string

// The modes (spec/privatenumber.md §3).
const (
	ModeAXB  Mode = "axb"  // A and B see X on each other's calls
	ModeAX   Mode = "ax"   // whoever dials X reaches A; A dials X and reaches a temporary callee
	ModeAXE  Mode = "axe"  // X and an extension reach A; A dials X and reaches who called last
	ModeAXYB Mode = "axyb" // B dials X and reaches A, who sees Y; A dials Y and reaches B, who sees X
	ModeX    Mode = "x"    // the tenant is asked at every call
	// ModeVoice is the other product: calls that the platform places itself (spec/voicecall.md). See VoiceModes.
	ModeVoice Mode = "voice"
)

// MaskedModes are those of masked calls: their numbers are dialled.
var MaskedModes = []Mode{ModeAXB, ModeAX, ModeAXE, ModeAXYB, ModeX}

// Modes lists the modes that an app may have.
var Modes = append(slices.Clone(MaskedModes), ModeVoice)

// PushScheme is how pushes to an app's URLs are signed (spec/privatenumber.md §1.2).
type PushScheme string

// The schemes.
const (
	PushAKSK PushScheme = "aksk"
	PushWSSE PushScheme = "wsse"
	PushBoth PushScheme = "both" // both X- headers; Authorization says AKSK
)

// App is one application of a tenant: a key, a secret, a mode, its URLs and settings. Its secret is kept apart (store.AppSecrets).
type App struct {
	ID         int64
	TenantID   int64
	Key        string // APP_Key, unique over all tenants
	Name       string // 1 to 64 characters
	Mode       Mode
	State      State
	StatusURL  string // call events; "" is no push
	FeeURL     string // CDRs; "" is no push
	PushScheme PushScheme
	Record     bool // may record calls
	SMS        bool // may send SMS (not built yet; bindings may name it)
	// OneUseNonce refuses a nonce that comes again with another method, path or body. Off by default: clients reuse them.
	OneUseNonce bool
	// AllowFrom lists addresses and prefixes requests may come from; empty is everywhere (1020166).
	AllowFrom []netip.Prefix
	// PairsPerNumber is how many bindings one X may carry, 1 to 5000 (spec/privatenumber.md §2.1). 0 is 5000.
	PairsPerNumber int
	// Settings are what only some modes, or only some tenants, need.
	Settings AppSettings
	// Prompts are the app's own default tone files by the name of the platform's; a missing one plays the platform's default.
	Prompts   map[string]string
	CreatedAt time.Time
}

// MaxPairsPerNumber is how many A-B pairs one X carries at most (spec/privatenumber.md §2.1).
const MaxPairsPerNumber = 5000

// Pairs is PairsPerNumber with its default.
func (a App) Pairs() int {
	if a.PairsPerNumber == 0 {
		return MaxPairsPerNumber
	}
	return a.PairsPerNumber
}

// Allows says whether a request may come from addr.
func (a App) Allows(addr netip.Addr) bool {
	return len(a.AllowFrom) == 0 || slices.ContainsFunc(a.AllowFrom, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

// Validate checks an app to be stored.
func (a App) Validate() error {
	switch {
	case a.Name == "" || len([]rune(a.Name)) > 64:
		return Fail(Invalid, "name", "an app's name has 1 to 64 characters")
	case !slices.Contains(Modes, a.Mode):
		return Fail(Invalid, "mode", "mode %q is unknown; it is one of %v", a.Mode, Modes)
	case !slices.Contains([]PushScheme{PushAKSK, PushWSSE, PushBoth}, a.PushScheme):
		return Fail(Invalid, "push_scheme", "push_scheme %q is unknown; it is aksk, wsse or both", a.PushScheme)
	case a.PairsPerNumber < 0 || a.PairsPerNumber > MaxPairsPerNumber:
		return Fail(Invalid, "pairs_per_number", "pairs_per_number is 1 to %d, or 0 for the default", MaxPairsPerNumber)
	}
	if err := ValidURL("status_url", a.StatusURL); err != nil {
		return err
	}
	if err := ValidURL("fee_url", a.FeeURL); err != nil {
		return err
	}
	if a.Mode == ModeX && a.StatusURL == "" && a.Settings.AskURL == "" {
		return Fail(Invalid, "status_url", "an app of mode x is asked at its ask_url, or else its status_url, what to do with each call; give it one of them")
	}
	return a.Settings.Validate()
}

// ValidURL checks the address of a push: http or https, at most 1024 characters, without user or password; "" is none.
func ValidURL(param, raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || len(raw) > 1024 {
		return Fail(Invalid, param, "%s is an http or https URL of at most 1024 characters, without user or password", param)
	}
	return nil
}
