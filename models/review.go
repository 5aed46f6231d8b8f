package models

import (
	"time"
)

// ReviewState is how an uploaded prompt or a template stands (spec/privatenumber.md §6, spec/voicecall.md §7).
type ReviewState string

// The states. A removed one is kept as a record of what was played.
const (
	ReviewWaiting  ReviewState = "waiting"
	ReviewApproved ReviewState = "approved"
	ReviewRejected ReviewState = "rejected"
	ReviewRemoved  ReviewState = "removed"
)

// Review is who decided what, and why.
type Review struct {
	State      ReviewState
	Urgent     bool // the tenant asked for speed
	UploadedBy string
	UploadedAt time.Time
	ReviewedBy string
	ReviewedAt time.Time
	Reason     string // of a rejection or removal
}

// Prompt is a tone file of a tenant. Of one name a tenant has at most one approved and one that waits: a replacement is reviewed while the
// old file goes on.
type Prompt struct {
	ID       int64
	TenantID int64
	Name     string // file name, ValidPromptName, ends with .wav
	Review
	Bytes    int64         // of the file as uploaded
	Encoding string        // as uploaded: alaw, mulaw, pcm16
	Duration time.Duration // at least one sample
	Hash     string        // SHA-256 of the file as uploaded, hex
}

// PromptMax is how many bytes an uploaded prompt has at most (spec/privatenumber.md §6).
const PromptMax = 2 << 20

// Template is text for speech with places for values.
type Template struct {
	ID       string // templateId: 32 hex digits
	TenantID int64
	Name     string // 1 to 64 characters
	Content  string // spec/voicecall.md §7
	Voice    string
	Rate     int    // speed in percent, 50 to 200; 0 is 100
	Scene    string // what it is for, told to the reviewer
	Review
}

// RecordingState is how a recording stands.
type RecordingState string

// The states.
const (
	RecordingWaiting RecordingState = "waiting" // the call is over, the file is not in its place yet
	RecordingKept    RecordingState = "kept"
	RecordingShort   RecordingState = "short"   // under 3 s: there is nothing to download
	RecordingMissing RecordingState = "missing" // it did not come in time; it may still come
	RecordingRemoved RecordingState = "removed" // its days are over, or the operator removed it
)

// Recording is one call's sound. It stands in the database from the end of the call on.
type Recording struct {
	Name      string // file name, unique
	SessionID string
	TenantID  int64
	AppID     int64
	Switch    string
	State     RecordingState
	Bytes     int64
	Duration  time.Duration
	BeganAt   time.Time
	WaitUntil time.Time // until when the CDR's push waits for the file
	KeptAt    time.Time
	RemovedAt time.Time
}
