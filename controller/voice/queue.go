package voice

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"maskline/esl"
	"maskline/models"
	"maskline/models/store"
)

// Store is what the Queue asks of the database.
type Store interface {
	QueueApps(ctx context.Context) ([]store.QueueApp, error)
	QueueHead(ctx context.Context, appID int64, after store.QueueMark, n int) ([]models.Outgoing, error)
	QueueExpired(ctx context.Context, now time.Time, n int) ([]models.Outgoing, error)
	Outgoing(ctx context.Context, sessionID string) (models.Outgoing, error)
	PlacedLive(ctx context.Context) ([]models.Session, error)
	Record(ctx context.Context, c models.Change) (applied bool, err error)
	App(ctx context.Context, id int64) (models.App, error)
	Tenant(ctx context.Context, id int64) (models.Tenant, error)
	BarredList(ctx context.Context, f store.BarredFilter, page models.Page) ([]models.Barred, int, error)
}

// Placer dials. flow.Engine is one.
type Placer interface {
	// Place takes a waiting call and dials it. It does not wait for that: an error says that it was not begun and waits on; after nil the call is
	// told of once with Queue.Ended.
	Place(ctx context.Context, sw esl.Switch, o models.Outgoing) error
	// Room says whether a call could go out now, on any trunk.
	Room() bool
}

// Speaker renders speech into the cache that calls are played from.
type Speaker interface {
	Speak(ctx context.Context, s models.Speech) (path string, length time.Duration, err error)
}

// Outbox makes the pushes of a call and hands them to the courier once they are committed.
type Outbox interface {
	Event(app models.App, s models.Session, e models.CallEvent) (models.Delivery, bool)
	CDR(app models.App, spID string, s models.Session, c models.CDR) (models.Delivery, bool)
	Offer(committed []models.Delivery)
}

// Options are what a Queue is made of. Store, Placer, Outbox and Seats are required.
type Options struct {
	Store   Store
	Placer  Placer
	Outbox  Outbox
	Speaker Speaker // nil ends calls that need speech with 8005
	Seats   []Seat
	// Leased dials for the lanes alone that Serve was given; else all are this daemon's.
	Leased bool
	// Ours says whether this daemon runs a switch, by name; nil is all. Those of others are not waited for.
	Ours      func(switchName string) bool
	Draining  func(switchName string) bool // says of which switch no call may be asked; nil: of none
	Trunks    []models.Trunk
	Observe   Observe
	Poll      time.Duration // between looks at the whole queue; 0 is 1 s
	Preparing int           // calls that are prepared at once; 0 is 16
	Log       *slog.Logger
}

// The bounds of the Queue's steps.
const (
	settleIn = 15 * time.Second // from the start, how long it waits for switches that are away
	storeIn  = 10 * time.Second // one question to the store
	gather   = 20 * time.Millisecond
	// roomAgain is the time between two looks for a free channel: calls that others place end without a word to us.
	roomAgain  = 200 * time.Millisecond
	pauseAfter = time.Second // after the engine could not take a call of the app
	// limitedAfter is how long an app's calls wait when its tenant's limits are reached.
	limitedAfter = 5 * time.Second
)

// Queue places waiting calls. Make one with New and Run it.
type Queue struct {
	o      Options
	trunks []*way // outward, in the order in which they are tried
	wake   chan struct{}
	news   chan struct{}
	wg     sync.WaitGroup

	mu        sync.Mutex
	lines     map[int64]*line
	ring      []*line // the one served longest ago first
	ports     *ports
	counted   bool // the calls that were live before have been counted
	preparing int
	tallies   map[int64]*tally
	gates     gates
	lanes     lanes
}

// way is a trunk out and its pace.
type way struct {
	name string
	pace pace
}

// New makes a Queue. Idle, Offer, Ended, Stop and Progress may be called before Run and without it.
func New(o Options) *Queue {
	o.Poll = cmp.Or(o.Poll, time.Second)
	o.Preparing = cmp.Or(o.Preparing, 16)
	if o.Observe == nil {
		o.Observe = Silent{}
	}
	if o.Draining == nil {
		o.Draining = func(string) bool { return false }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	q := &Queue{o: o, wake: make(chan struct{}, 1), news: make(chan struct{}, 1), lines: map[int64]*line{}, ports: newPorts(), tallies: map[int64]*tally{}, gates: gates{}, lanes: lanes{since: map[int]time.Time{}}}
	list := slices.Clone(o.Trunks)
	slices.SortStableFunc(list, func(a, b models.Trunk) int { return cmp.Compare(a.Order, b.Order) })
	for _, t := range list {
		if t.Proxy != "" {
			w := &way{name: t.Name}
			w.pace.set(t.Rate)
			q.trunks = append(q.trunks, w)
		}
	}
	return q
}

// Run places calls until ctx ends, and returns when no goroutine of its own is left. A call that was handed to the Placer is the Placer's.
// One Run at a time.
func (q *Queue) Run(ctx context.Context) {
	q.wg.Go(func() { q.lookOn(ctx) })
	q.settle(ctx)
	for ctx.Err() == nil {
		q.prepareSome(ctx)
		next := q.dialSome(ctx)
		sleep(ctx, q.wake, next)
	}
	q.wg.Wait()
}

// settle waits until each switch has been synchronised once, so that calls that went on without us are known, and until they are counted. A
// switch that is away for longer holds nobody up. It takes a second at least: another daemon may have dialled until now, at the same paces.
func (q *Queue) settle(ctx context.Context) {
	limit := time.Now().Add(settleIn)
	sleep(ctx, nil, time.Now().Add(time.Second))
	for ctx.Err() == nil {
		q.mu.Lock()
		counted := q.counted
		q.mu.Unlock()
		if counted && (q.allUp() || !time.Now().Before(limit)) {
			return
		}
		sleep(ctx, nil, time.Now().Add(roomAgain))
	}
}

func (q *Queue) allUp() bool {
	return !slices.ContainsFunc(q.o.Seats, func(s Seat) bool {
		return (q.o.Ours == nil || q.o.Ours(s.Switch.Name())) && !s.Switch.Status().Up
	})
}

// sleep waits until something is told, the time has come, or ctx ends.
func sleep(ctx context.Context, told <-chan struct{}, until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-told:
	case <-timer.C:
	}
}

// tell wakes whoever waits on c, without waiting for him.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Idle is how many ports of the app no call uses. Waiting calls use none.
func (q *Queue) Idle(app models.App) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(0, app.Settings.Voice.PortsMost()-q.ports.app[app.ID])
}

// Offer tells of a call that waits now, or will once its transaction is committed. Calls that nobody tells of are found by the next poll.
func (q *Queue) Offer(o models.Outgoing) {
	if !q.owns(o.Session.AppID) {
		return
	}
	q.mu.Lock()
	l := q.line(o.Session.AppID)
	l.waiting++
	full := len(l.window) >= windowMost && l.window[len(l.window)-1].order(&entry{o: o}) < 0
	l.news = l.news || !full
	q.mu.Unlock()
	if !full {
		tell(q.news)
	}
}

// line is the app's line; it comes into being with the first call.
func (q *Queue) line(appID int64) *line {
	l := q.lines[appID]
	if l == nil {
		l = &line{app: models.App{ID: appID}}
		q.lines[appID] = l
		q.ring = append(q.ring, l)
	}
	return l
}

// Ended tells that a call that was placed is over, or that it was not ours to dial and may still wait (stage queued). Its port is free.
func (q *Queue) Ended(s models.Session) {
	q.mu.Lock()
	if s.Stage == models.StageQueued && s.EndedAt.IsZero() {
		q.ports.free(s.ID)
		if q.owns(s.AppID) {
			q.line(s.AppID).news = true
		}
	} else {
		q.ports.over(s.ID)
	}
	q.mu.Unlock()
	tell(q.news)
	tell(q.wake)
}

// Limited tells that a call was not dialled, since its tenant's limits are reached (state is what it would end with). The app's calls wait a while.
func (q *Queue) Limited(s models.Session, state models.StateCode) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.line(s.AppID)
	l.pauseAt, l.held = time.Now().Add(limitedAfter), holdPorts
	if state == models.TenantTooManyCalls {
		l.held = holdTenant
	}
}

// Progress tells of an app's calls: how many are up, what became of those that waited since this daemon began, and how many were dialled a
// second lately.
func (q *Queue) Progress(appID int64) (live int, placed, gaveUp int64, pace float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	live = q.ports.app[appID]
	if t := q.tallies[appID]; t != nil {
		placed, gaveUp, pace = t.placed, t.gaveUp, t.pace(time.Now())
	}
	return live, placed, gaveUp, pace
}

func (q *Queue) tally(appID int64) *tally {
	t := q.tallies[appID]
	if t == nil {
		t = &tally{}
		q.tallies[appID] = t
	}
	return t
}
