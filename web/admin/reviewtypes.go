package admin

import "time"

// Review is who decided about a prompt or template, and why.
type Review struct {
	State      string     `json:"state"`
	Urgent     bool       `json:"urgent,omitempty"` // the tenant asked for speed
	UploadedBy string     `json:"uploaded_by,omitempty"`
	UploadedAt time.Time  `json:"uploaded_at"`
	ReviewedBy string     `json:"reviewed_by,omitempty"`
	ReviewedAt *time.Time `json:"reviewed_at,omitempty"`
	Reason     string     `json:"reason,omitempty"` // of a rejection or removal
}

// Prompt is a tone file of a tenant.
type Prompt struct {
	ID       int64  `json:"id"`
	TenantID int64  `json:"tenant_id"`
	Name     string `json:"name"`
	Review
	Bytes    int64   `json:"bytes"`    // as uploaded
	Encoding string  `json:"encoding"` // as uploaded: alaw, mulaw, pcm16
	Seconds  float64 `json:"seconds"`
	Hash     string  `json:"sha256"`
}

// Template is text for speech with places for values.
type Template struct {
	ID       string `json:"template_id"`
	TenantID int64  `json:"tenant_id"`
	Name     string `json:"name"`
	Content  string `json:"content"`
	Voice    string `json:"voice,omitempty"`
	Rate     int    `json:"rate"` // speed in percent
	Scene    string `json:"scene,omitempty"`
	Review
}

// TemplateRequest adds a template, which then waits for its review. Rate 0 is 100.
type TemplateRequest struct {
	Tenant  string `json:"tenant"`
	Name    string `json:"name"`
	Content string `json:"content"`
	Voice   string `json:"voice,omitempty"`
	Rate    int    `json:"rate,omitempty"`
	Scene   string `json:"scene,omitempty"`
	Urgent  bool   `json:"urgent,omitempty"`
}

// ReasonRequest says why something is decided so.
type ReasonRequest struct {
	Reason string `json:"reason,omitempty"`
}

// FillRequest gives the values of a template, as templateParas does.
type FillRequest struct {
	Paras []string `json:"paras"`
}

// Filled is what would be spoken.
type Filled struct {
	Text  string `json:"text"`
	Voice string `json:"voice,omitempty"`
	Rate  int    `json:"rate"`
}

// Recording is one call's sound.
type Recording struct {
	Name      string     `json:"name"`
	SessionID string     `json:"session_id"`
	TenantID  int64      `json:"tenant_id"`
	AppID     int64      `json:"app_id"`
	Switch    string     `json:"switch"`
	State     string     `json:"state"`
	Bytes     int64      `json:"bytes"`
	Seconds   float64    `json:"seconds"`
	BeganAt   time.Time  `json:"began_at"`
	WaitUntil *time.Time `json:"wait_until,omitempty"` // until when the push of the call's record waits for it
	KeptAt    *time.Time `json:"kept_at,omitempty"`
	RemovedAt *time.Time `json:"removed_at,omitempty"`
}

// WaitingCall is a call that waits to be placed.
type WaitingCall struct {
	SessionID string    `json:"session_id"`
	TenantID  int64     `json:"tenant_id"`
	AppID     int64     `json:"app_id"`
	Mode      string    `json:"mode"`
	State     string    `json:"state"`    // queued, or taken: it is being dialled
	Position  int       `json:"position"` // among those of the list; 1 is the next
	Priority  int       `json:"priority"` // lower goes first
	Shown     string    `json:"shown"`    // the number that the called party sees
	To        string    `json:"to"`
	Then      string    `json:"then,omitempty"` // click-to-dial: who is called after that
	QueuedAt  time.Time `json:"queued_at"`
	GiveUpAt  time.Time `json:"give_up_at"`
}

// Progress is how the queue of one app goes.
type Progress struct {
	AppID    int64   `json:"app_id"`
	TenantID int64   `json:"tenant_id"`
	AppKey   string  `json:"app_key"`
	Name     string  `json:"name"`
	Waiting  int     `json:"waiting"`
	Oldest   float64 `json:"oldest_seconds"` // how long the first of them has waited
	Live     int     `json:"live"`           // calls that hold a port
	Ports    int     `json:"ports"`
	Rate     float64 `json:"rate"` // new calls a second, at most
	// Placed and GaveUp count since this daemon started; Pace is calls placed a second in the last minute.
	Placed int64   `json:"placed"`
	GaveUp int64   `json:"gave_up"`
	Pace   float64 `json:"pace"`
	// Left is how long it will take at that pace, seconds; 0 when nothing moves.
	Left float64 `json:"left_seconds"`
}
