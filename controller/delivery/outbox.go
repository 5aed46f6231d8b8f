package delivery

import (
	"context"
	"time"

	"maskline/models"
)

const (
	storeLimit = 5 * time.Second  // for one conversation with the store
	readMax    = 500              // rows read at once
	saveMax    = 500              // rows saved at once
	settledFor = 10 * time.Second // how long a settled row is remembered, against an offer that comes after its own push
	urlsMax    = 10_000           // URLs remembered before idle ones are forgotten
	urlIdle    = 10 * time.Minute
)

// outbox is the state of one Run, in its goroutine alone.
type outbox struct {
	*Courier
	ctx context.Context

	rows      map[int64]*row
	counts    [2]int // rows held: before the first attempt has ended, for another one
	settled   []settled
	urls      map[string]*destination
	hosts     map[string]int // destinations of single URLs, by host
	sessions  map[string]*session
	deferred  map[string]time.Time // sessions with a first attempt that was put off, and until when
	gathering batches

	ready  [len(trusts)][]*destination // URLs with something to send, by trust
	flying [len(trusts)]int            // attempts under way, by their URL's trust
	total  int                         // all of them
	young  []*job                      // those that were not late when they were last looked at, in the order in which they started
	ended  chan ended                  // has room for all: an attempt never waits to report

	unsaved []models.Delivery // settled, in order
	saving  []models.Delivery // being saved now; nil when nothing is
	saveAt  time.Time         // not before
	swept   time.Time         // when what is old was last let go
	stored  chan error

	looking  bool
	looked   chan found
	lookAt   time.Time // not before
	lookedAt time.Time
	dueAt    time.Time // when the calendar is looked at again
	scan     scan
	unknown  bool // which rows the Run before had put off

	laneTurn uint64      // of the lanes, when what is not ours was last let go
	inFlight map[int]int // rows under way, by lane
}

// row is one delivery in memory.
type row struct {
	to    *destination
	retry bool
	over  time.Time // when its outcome was saved; zero before
}

type settled struct {
	id   int64
	over time.Time
}

func newOutbox(ctx context.Context, c *Courier) *outbox {
	return &outbox{
		Courier: c, ctx: ctx, rows: map[int64]*row{}, urls: map[string]*destination{}, hosts: map[string]int{}, sessions: map[string]*session{}, deferred: map[string]time.Time{},
		gathering: batches{wait: c.o.BatchWait, open: map[batchKey]*batch{}},
		ended:     make(chan ended, c.o.Concurrent), stored: make(chan error, 1), looked: make(chan found, 1),
		lookAt: time.Now(), scan: scan{running: true, began: time.Now()}, inFlight: map[int]int{},
	}
}

func (r *outbox) held(retry bool) int {
	if retry {
		return r.counts[1]
	}
	return r.counts[0]
}

// room is how many more rows may be held.
func (r *outbox) room() int { return max(0, r.o.Queue-r.counts[0]-r.counts[1]) }

// receive takes in what was offered.
func (r *outbox) receive() {
	for _, d := range r.inbox.take(r.room()) {
		if r.rows[d.ID] == nil { // else it was read from the store before its offer arrived
			r.admit(d)
		}
	}
}

// admit takes one row in.
func (r *outbox) admit(d models.Delivery) {
	if !r.lanes.owns(d) {
		return
	}
	now := time.Now()
	to, retry := r.destination(d, now), d.State == models.DeliveryRetry
	r.rows[d.ID] = &row{to: to, retry: retry}
	r.counts[index(retry)]++
	to.rows++
	if until, ok := r.crowded(d, to, now); ok {
		r.putOff(d, until, "not sent yet: too many pushes wait for this URL")
		return
	}
	if !inLine(d) {
		r.enqueueRow(d)
		return
	}
	id := d.Line()
	s := r.sessions[id]
	if s == nil {
		s = &session{id: id}
		r.sessions[id] = s
	}
	s.add(d)
	r.advance(s)
}

// crowded says until when a row must be put off because its URL's queue is full, or because an earlier row of its session was: among first
// attempts the order holds even then, since rows come back by the time they were put off to, then by id.
func (r *outbox) crowded(d models.Delivery, to *destination, now time.Time) (until time.Time, ok bool) {
	if until, ok := r.deferred[d.Line()]; ok && inLine(d) {
		wait := until
		if d.State == models.DeliveryWaiting { // the earlier row is read back some time after its own
			wait = until.Add(2 * r.o.Poll)
		}
		if now.Before(wait) {
			return until, true
		}
	}
	if to.rows <= r.o.QueuePerURL || to.open(now) {
		return time.Time{}, false
	}
	to.deferred++ // they come back at the pace at which the queue can take them
	until = now.Add(putOffFor + putOffFor*time.Duration(to.deferred/r.o.QueuePerURL))
	return until, true
}

// putOff moves a row to later without an attempt; what follows in its session must not overtake it.
func (r *outbox) putOff(d models.Delivery, until time.Time, why string) {
	r.o.Observe.Attempted(d.Kind, PutOff, 0)
	if inLine(d) && len(r.deferred) < r.o.Queue {
		r.deferred[d.Line()] = until
	}
	postpone(&d, until, why)
	r.unsaved = append(r.unsaved, d)
}

func index(retry bool) int {
	if retry {
		return 1
	}
	return 0
}

// advance makes the first attempts of a session whose turn it is.
func (r *outbox) advance(s *session) {
	for {
		d, ok := s.next()
		if !ok {
			break
		}
		if d.Kind == models.DeliverCDR {
			r.gather(d)
			continue
		}
		s.busy = true
		r.enqueue(&job{to: r.rows[d.ID].to, kind: d.Kind, members: []models.Delivery{d}, session: s})
	}
	if !s.busy && len(s.rows) == 0 {
		delete(r.sessions, s.id)
	}
}

// enqueueRow makes an attempt that nothing waits for.
func (r *outbox) enqueueRow(d models.Delivery) {
	if d.Kind == models.DeliverCDR && !goesAlone(d) {
		r.gather(d)
		return
	}
	r.enqueue(&job{to: r.rows[d.ID].to, kind: d.Kind, members: []models.Delivery{d}})
}

func (r *outbox) gather(d models.Delivery) {
	if full := r.gathering.add(d, time.Now()); full != nil {
		r.post(full)
	}
}

// flush sends the batches that have waited long enough.
func (r *outbox) flush() {
	for b := r.gathering.due(time.Now()); b != nil; b = r.gathering.due(time.Now()) {
		r.post(b)
	}
}

func (r *outbox) post(b *batch) {
	r.enqueue(&job{to: r.rows[b.members[0].ID].to, kind: models.DeliverCDR, members: b.members})
}

// enqueue puts a job at the end of its URL's queue, or skips it while the URL is left alone.
func (r *outbox) enqueue(j *job) {
	if now := time.Now(); j.to.open(now) {
		r.skip(j, now)
		return
	}
	j.to.queue = append(j.to.queue, j)
	r.list(j.to)
}

// skip settles a job whose URL is left alone. An event of a placed call has one attempt alone, so it is put off, once, to the end of the
// pause: else a URL that is away for a second would cost it the events of half a minute.
func (r *outbox) skip(j *job, now time.Time) {
	first := j.members[0]
	if first.Kind == models.DeliverEvent && first.State == models.DeliveryWaiting && r.keys.placed(first.AppID) {
		r.putOffAll(j, j.to.openUntil, errSkipped.Error())
		return
	}
	j.started = now
	r.settle(j, answer{result: Skipped, err: errSkipped}, now)
}

// list puts a URL among those that may start an attempt.
func (r *outbox) list(to *destination) {
	if !to.listed && to.ready() {
		to.listed = true
		r.ready[to.trust] = append(r.ready[to.trust], to)
	}
}

// pump starts attempts while there is room: the URLs of one trust in turn, an attempt each.
func (r *outbox) pump() {
	for moved := true; moved; {
		moved = false
		below := 0
		for _, t := range trusts {
			for len(r.ready[t]) > 0 && r.total < r.o.Concurrent && below+r.flying[t] < t.share(r.o.Concurrent) {
				to := r.ready[t][0]
				r.ready[t] = r.ready[t][1:]
				to.listed = false
				if to.trust != t {
					moved = true // its trust has changed since it was listed
				} else if to.ready() {
					r.start(to)
				}
				r.list(to) // again, at the end
			}
			below += r.flying[t]
		}
	}
}

func (r *outbox) start(to *destination) {
	j := to.queue[0]
	to.queue[0] = nil
	to.queue = to.queue[1:]
	j.trust, j.started = to.trust, time.Now()
	to.flying++
	r.flying[j.trust]++
	r.total++
	r.young = append(r.young, j)
	for _, d := range j.members {
		r.inFlight[d.Lane]++
	}
	go r.attempt(context.WithoutCancel(r.ctx), j, r.ended)
}
