package delivery

import (
	"cmp"
	"context"
	"crypto/x509"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"maskline/models"
)

// Store is where the outbox's truth is kept.
type Store interface {
	// DueDeliveries gives rows of lanes (nil: all) in state retry with DueAt not after now, the earliest first.
	DueDeliveries(ctx context.Context, now time.Time, lanes []int, limit int) ([]models.Delivery, error)
	// WaitingDeliveries gives rows of lanes in state waiting with an id above afterID, by id.
	WaitingDeliveries(ctx context.Context, afterID int64, lanes []int, limit int) ([]models.Delivery, error)
	// SaveAttempt writes state, attempts and times of the rows, all or none; none when a lease is lost.
	SaveAttempt(ctx context.Context, rows []models.Delivery, under ...models.Lease) error
	// CountDeliveries counts the rows in a state, up to most.
	CountDeliveries(ctx context.Context, state models.DeliveryState, most int) (int, error)
	App(ctx context.Context, id int64) (models.App, error)
	// AppSecrets gives an app's live secrets, the newest first.
	AppSecrets(ctx context.Context, appID int64) ([]string, error)
}

// SharedPoll is how soon a daemon finds what another one wrote into a lane of its own.
const SharedPoll = 200 * time.Millisecond

// Calendar is when failed pushes are repeated, counted from the first attempt (spec/privatenumber.md §4).
var Calendar = []time.Duration{1 * time.Minute, 4 * time.Minute, 9 * time.Minute, 106 * time.Minute, 203 * time.Minute, 300 * time.Minute}

// VoiceCalendar is Calendar of VoiceCall's CDRs: hourly (spec/voicecall.md §6.2).
var VoiceCalendar = []time.Duration{1 * time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 5 * time.Hour, 6 * time.Hour}

// Options is how a Courier works. The zero value of each but Store is its default.
type Options struct {
	Store    Store
	Log      *slog.Logger    // nil is silent
	Observe  Observer        // nil observes nothing
	Fee      Fee             // how CDRs are written
	Calendar []time.Duration // rising; nil is Calendar
	// VoiceCalendar is Calendar for the CDRs of placed calls, whose events are not repeated; nil is VoiceCalendar.
	VoiceCalendar []time.Duration
	// VoiceUTC puts UTC into Created of pushes to apps of ModeVoice, in place of Beijing's wall time.
	VoiceUTC bool
	Timeout  time.Duration // of one attempt; 0 is 5 s
	// BatchWait is how long the first CDR of a batch waits for others at most; 0 is 1 s.
	BatchWait  time.Duration
	Concurrent int // attempts at once; 0 is 256
	PerURL     int // attempts at once to one URL; 0 is 8
	// QueuePerURL bounds the rows held in memory for one URL; 0 is 512. What is beyond it is put off (see destination).
	QueuePerURL int
	// Queue bounds the rows held in memory for all URLs; 0 is 20 000 (some 20 MB). What has no room stays in the store until it has.
	Queue int
	Poll  time.Duration // between looks for due rows; 0 is 1 s
	// Rescan is the time between looks for waiting rows that nobody offered, such as replayed ones; 0 is 5 s.
	Rescan time.Duration
	// SaveEach is the least time from one saving of outcomes to the next: what ends meanwhile is saved together. Outcomes that a crash takes are
	// pushed again. 0 is at once.
	SaveEach time.Duration
	// BreakAfter is how many attempts in a row may fail without an answer until a URL is left alone for BreakPause; 0 is 10.
	BreakAfter int
	BreakPause time.Duration // 0 is 30 s

	// Questions bounds the questions of mode X under way at once, and with them their answers in memory, 64 kB each at most; 0 is 1024.
	Questions       int
	QuestionsPerURL int // of those, to one URL; 0 is 128

	Allow    []netip.Prefix // private networks that may be pushed to; public addresses always may
	Insecure []string       // hosts, or host:port, whose certificates are not verified
	Roots    *x509.CertPool // nil is the system's
	// Leased delivers the lanes alone that Serve was given (models.Lanes); else all are this process's.
	Leased bool
	// Shared says that other daemons write deliveries, too: then the store is looked at for them every SharedPoll. Nil is never.
	Shared func() bool

	send sender // takes the place of the network in tests of this package
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = unobserved{}
	}
	if o.Calendar == nil {
		o.Calendar = Calendar
	}
	if o.VoiceCalendar == nil {
		o.VoiceCalendar = VoiceCalendar
	}
	o.Calendar, o.VoiceCalendar = slices.Sorted(slices.Values(o.Calendar)), slices.Sorted(slices.Values(o.VoiceCalendar))
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.BatchWait = cmp.Or(o.BatchWait, time.Second)
	o.Concurrent = max(cmp.Or(o.Concurrent, 256), len(trusts)) // below that, a kind of URL would have no share
	o.PerURL = cmp.Or(o.PerURL, 8)
	o.QueuePerURL = cmp.Or(o.QueuePerURL, 512)
	o.Queue = cmp.Or(o.Queue, 20_000)
	o.Poll = cmp.Or(o.Poll, time.Second)
	o.Rescan = cmp.Or(o.Rescan, 5*time.Second)
	o.BreakAfter = cmp.Or(o.BreakAfter, 10)
	o.BreakPause = cmp.Or(o.BreakPause, 30*time.Second)
	o.Questions = cmp.Or(o.Questions, 1024)
	o.QuestionsPerURL = cmp.Or(o.QuestionsPerURL, 128)
	return o
}

// Result is how one push went.
type Result string

// The results.
const (
	Delivered Result = "delivered" // HTTP 200
	Rejected  Result = "rejected"  // another status
	NoAnswer  Result = "no_answer" // no status within the time
	Barred    Result = "barred"    // the address may not be pushed to
	// Skipped is not sent: the URL gave no answer lately, which counts as an attempt; or, of a question, too many are under way.
	Skipped Result = "skipped"
	PutOff  Result = "put_off" // not sent: the URL's queue was full, or the app could not be read. Counts as none
)

// Observer is told what a Courier does, for metrics. Its methods must not wait. They are called from Run's goroutine, Attempted also from
// those that call Ask.
type Observer interface {
	// Attempted is told of every push that was sent or skipped: one event, one batch of CDRs, one question (as an event).
	Attempted(kind models.DeliveryKind, result Result, took time.Duration)
	// Moved is told that n deliveries are in another state now, and the store knows.
	Moved(kind models.DeliveryKind, state models.DeliveryState, n int)
	// Held is told how many deliveries are in memory before their first attempt has ended, how many for another one, and how many pushes
	// are under way.
	Held(waiting, retrying, flying int)
}

type unobserved struct{}

func (unobserved) Attempted(models.DeliveryKind, Result, time.Duration) {}
func (unobserved) Moved(models.DeliveryKind, models.DeliveryState, int) {}
func (unobserved) Held(int, int, int)                                   {}
