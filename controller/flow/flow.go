// Package flow carries a Plan out on a switch. A call is one goroutine of straight-line code (inbound.go), from the leg's arrival to its
// CDR; what it does is in the Plan, what happened is folded by controller/cdr, and each step is committed before it is told.
//
// Goroutines: Engine.Run owns them all and returns after the last has ended. One per live call, which alone reads that call's events; one
// for the switch's own leg records (reports.go). Nothing here blocks the goroutine that reads a switch's events.
package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"maskline/controller/route"
	"maskline/esl"
	"maskline/models"
)

// Store is what calls need of the database. models/store implements it.
type Store interface {
	Sight(ctx context.Context, dialled string, caller models.Party, extension string) (models.Sight, error)
	// SightAt is Sight as it would have been then.
	SightAt(ctx context.Context, dialled string, caller models.Party, extension string, at time.Time) (models.Sight, error)
	Record(ctx context.Context, c models.Change) (applied bool, err error)
	Session(ctx context.Context, id string) (models.Session, error)
	LiveSessions(ctx context.Context, switchName string) ([]models.Session, error)
	App(ctx context.Context, id int64) (models.App, error)
	Tenant(ctx context.Context, id int64) (models.Tenant, error)
	Number(ctx context.Context, number string) (models.Number, error)
	// TollLeft is how long a tenant's calls may still talk today, together; false when l bounds no minutes.
	TollLeft(ctx context.Context, tenantID int64, l models.Limits) (time.Duration, bool, error)
	AllocateY(ctx context.Context, bindingID string, b models.Party) (models.Binding, error)
	Events(ctx context.Context, sessionID string) ([]models.CallEvent, error)
	RegisteredParty(ctx context.Context, tenantID int64, p models.Party) (models.RegisteredParty, bool, error)
	// Of calls that wait to be placed.
	Outgoing(ctx context.Context, sessionID string) (models.Outgoing, error)
	Requeue(ctx context.Context, legA string) (bool, error)
}

// Outbox makes the pushes of a call and hands them to the courier once they are committed.
type Outbox interface {
	Event(app models.App, s models.Session, e models.CallEvent) (models.Delivery, bool)
	CDR(app models.App, spID string, s models.Session, c models.CDR) (models.Delivery, bool)
	Offer(committed []models.Delivery)
}

// Prompts finds a tenant's approved tone file, as the switch reads it.
type Prompts interface {
	Find(spID, name string) (path string, ok bool)
}

// Recordings says where a recording goes, as the switch writes it.
type Recordings interface {
	Name(start time.Time, sessionID string) string
	Path(name string) (string, error)
	// Ready says whether the file lies whole in its place, with its length and whether it is long enough to be kept.
	Ready(name string) (models.Recording, bool)
}

// Purse is what calls need to know of money.
type Purse interface {
	// Rate gives what a call costs; it is written with its record. One that cannot be rated now is rated later.
	Rate(ctx context.Context, c models.CDR) ([]models.Charge, error)
	// Solvent says whether the tenant may have another call. An error says that the ledger could not be read; the answer is then the one that is
	// configured for that.
	Solvent(ctx context.Context, tenantID int64) (bool, error)
	// Afford is the longest a call of the mode may be talked that begins now; 0 is no limit.
	Afford(ctx context.Context, tenantID int64, mode models.Mode, now time.Time) (time.Duration, error)
}

// Options are what an Engine is made of. Store, Outbox, Prompts and Recordings are required.
type Options struct {
	Store      Store
	Outbox     Outbox
	Prompts    Prompts
	Recordings Recordings
	Trunks     []models.Trunk
	Numbering  models.Numbering
	Rules      route.Rules
	Switches   map[string]string // names of all switches by the hosts of their session ids; a switch that is not there is called by its host
	Ringback   string            // tone that the caller hears while the callee rings, as FreeSWITCH names it; "" is DefaultRingback
	Purse      Purse             // nil: calls cost nothing
	Speech     Speaker           // of placed calls; nil fails those that need it with 8005
	Ask        Asker             // mode X; nil refuses its calls with 8014
	AskIn      time.Duration     // how long the tenant may take to answer; 0 is DefaultAskIn
	RecordWait time.Duration     // how long a CDR's push waits for its recording; 0 is DefaultRecordWait
	ReportWait time.Duration     // how long the switch's own record of a leg that nobody saw end is waited for; 0 is DefaultReportWait
	Owner      string            // who claims the calls: this daemon's name
	MaxCalls   int               // calls at once; more are refused with congestion. 0 is 10000
	PerSecond  int               // calls that come in, a second; more are refused with congestion. 0 is any number
	Burst      int               // of those, how many may come at once; 0 is PerSecond
	Observe    Observe
	Log        *slog.Logger
	// Limits bound the calls of each tenant, where he has none of his own.
	Limits models.Limits
}

// DefaultAskIn is how long a caller waits for the tenant's answer (spec/privatenumber.md §4.3 names none).
const DefaultAskIn = 4 * time.Second

// DefaultRecordWait is how long the push of a CDR waits for the recording's file.
const DefaultRecordWait = time.Minute

// DefaultReportWait is how long the switch's own record of a leg that nobody saw end is waited for.
const DefaultReportWait = 15 * time.Second

// SharedReportWait is ReportWait where several daemons share the switches: a record may reach one that does not run its switch, and that one
// completes the call from it before this has passed.
const SharedReportWait = 45 * time.Second

// DefaultRingback is mainland China's ring-back: 450 Hz, 1 s on, 4 s off.
const DefaultRingback = "tone_stream://%(1000,4000,450);loops=-1"

// How long the steps may take. Whatever is longer is the switch's own bound (DESIGN §4.1).
const (
	lookupIn    = 4 * time.Second  // one routing lookup; then the caller hears that something is wrong
	commandIn   = 5 * time.Second  // one command to the switch
	promptIn    = 45 * time.Second // one prompt
	legEndIn    = 5 * time.Second  // a leg that is ending: its record is posted first, which may take 2 s
	calleeEndIn = time.Second      // the end of the callee's leg, told after the bridge's
	rateIn      = 2 * time.Second  // the price of one call
	commitIn    = 10 * time.Minute // how long a step waits for a database that is away
	commitWait  = 30 * time.Second // longest pause between two tries of a commit
)

// Engine carries out calls. Make one with New, tell it of each switch with On, and Run it.
type Engine struct {
	Options
	trunks  *trunks
	reports *reports
	admit   *admission

	placedEnd func(models.Session)
	limited   func(models.Session, models.StateCode)
	pass      func(context.Context, models.Outgoing) (done func(), err error)

	ctx  context.Context // of every call; Run ends it
	stop context.CancelFunc
	wg   sync.WaitGroup
	mu   sync.Mutex
	live map[string]*call // by session id
	// tenures are the switches that are this daemon's now, by name.
	tenures map[string]*tenure
	runs    bool          // Run was called
	shut    bool          // Run is ending: no new calls
	closing chan struct{} // closed with shut
}

// New makes an Engine. It takes calls at once; Run must follow, since it ends what they start.
func New(o Options) *Engine {
	if o.Ringback == "" {
		o.Ringback = DefaultRingback
	}
	if o.RecordWait == 0 {
		o.RecordWait = DefaultRecordWait
	}
	if o.ReportWait == 0 {
		o.ReportWait = DefaultReportWait
	}
	if o.AskIn == 0 {
		o.AskIn = DefaultAskIn
	}
	if o.MaxCalls == 0 {
		o.MaxCalls = 10_000
	}
	if o.Burst == 0 {
		o.Burst = o.PerSecond
	}
	if o.Observe == nil {
		o.Observe = Silent{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{Options: o, trunks: newTrunks(o.Trunks, o.Numbering), live: map[string]*call{}, tenures: map[string]*tenure{}, closing: make(chan struct{})}
	e.reports, e.admit = newReports(e), newAdmission(e, o.PerSecond, o.Burst)
	e.ctx, e.stop = context.WithCancel(context.Background())
	return e
}

// Run carries out calls until ctx ends; then it takes no more. Calls that the switch alone can finish are left to it; those in
// which a prompt of ours runs are given until drain has passed. Run returns when no goroutine of its own is left.
func (e *Engine) Run(ctx context.Context, drain time.Duration) error {
	defer e.stop()
	e.mu.Lock()
	if e.runs {
		e.mu.Unlock()
		return errors.New("run call engine: it runs already or has ended")
	}
	e.runs = true
	e.mu.Unlock()
	reportsDone := make(chan struct{})
	go func() { defer close(reportsDone); e.reports.run(e.ctx) }()
	<-ctx.Done()

	e.mu.Lock()
	e.shut = true
	close(e.closing)
	for _, k := range e.live {
		k.leave()
	}
	e.mu.Unlock()
	idle := make(chan struct{})
	go func() { e.wg.Wait(); close(idle) }()
	timer := time.NewTimer(drain)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
		e.Log.Warn("calls were still in a prompt at the end of the drain time; the switch ends them")
	}
	e.stop()
	<-idle
	<-reportsDone
	return nil
}

// begin starts a call's goroutine, unless the session is known already, the engine ends, or it is full.
func (e *Engine) begin(k *call, flow func(context.Context)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, known := e.live[k.s.ID]
	t := e.tenures[k.s.Switch]
	switch {
	case t == nil || t.ctx.Err() != nil:
		return errNotOurs
	case e.shut:
		return errClosing
	case known:
		return errKnown
	case len(e.live) >= e.MaxCalls && k.source != models.SourceResync: // a call that is up is carried, however many there are
		return errFull
	}
	e.live[k.s.ID] = k
	k.on = k.s.Switch
	e.admit.count(k.on, 1)
	e.wg.Add(1)
	t.wg.Add(1)
	k.under = t.held
	ctx, cancel := context.WithCancel(t.ctx)
	k.abandon = cancel
	go func() {
		defer e.wg.Done()
		defer t.wg.Done()
		defer cancel()
		defer e.forget(k)
		defer k.close()
		defer k.recoverPanic()
		flow(ctx)
	}()
	return nil
}

func (e *Engine) forget(k *call) {
	e.mu.Lock()
	delete(e.live, k.s.ID)
	e.mu.Unlock()
	e.admit.count(k.on, -1)
	e.trunks.release(k.holds)
	if k.s.Plan.Place != nil && e.placedEnd != nil {
		e.placedEnd(k.s)
	}
}

func (e *Engine) find(sessionID string) *call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.live[sessionID]
}

// Live is the number of calls that this engine carries.
func (e *Engine) Live() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.live)
}

// Stop ends a session on the customer's order, leg A first (spec/privatenumber.md §2.6). SessionOver if it is not live here.
func (e *Engine) Stop(ctx context.Context, sessionID string) error {
	k := e.find(sessionID)
	if k == nil {
		return models.Fail(models.SessionOver, "sessionid", "no live session has this id")
	}
	k.stopped.Store(true)
	select {
	case <-k.ready:
	case <-ctx.Done():
		return fmt.Errorf("stop session %s: %w", sessionID, ctx.Err())
	}
	if k.leg == nil {
		return nil // it was not dialled, and will not be
	}
	if leg := k.placed.Load(); leg != nil {
		// This cause keeps the switch from dialling the next trunk, and ends a leg that has answered as well as any.
		err := k.leg.Hangup(ctx, *leg, esl.OriginatorCancel)
		if errors.Is(err, esl.ErrGone) {
			return nil // between two trunks: its goroutine ends the next one (reach), or it is over
		}
		return err
	}
	if err := k.leg.Hangup(ctx, k.leg.ID(), esl.NormalClearing); err != nil {
		return fmt.Errorf("stop session %s: %w", sessionID, err)
	}
	return nil
}
