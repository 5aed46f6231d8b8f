package delivery

import (
	"context"
	"log/slog"
	"time"

	"maskline/models"
)

// lookAgain is the least time between two looks into the store, when rows are known to wait there.
const lookAgain = 25 * time.Millisecond

// putOffAhead is how far ahead of now rows are looked for that were put off: the queue of a URL of twenty thousand rows is put off for less.
const putOffAhead = 10 * time.Minute

// scan is the reading of waiting rows from the store, by id. It goes on from where it last ended when something new is known to wait
// there, and begins anew every Options.Rescan: rows replayed since have ids that were passed already, and so may a transaction that
// committed late.
type scan struct {
	running bool
	after   int64 // the last id read
	began   time.Time
}

// begin starts a scan, or goes on with the one that ended.
func (s *scan) begin(now time.Time, anew bool) {
	if anew {
		s.after, s.began = 0, now
	}
	s.running = true
}

// found is what one look into the store brought.
type found struct {
	due, waiting []models.Delivery
	putOff       []models.Delivery // by the Run before, or a lane's owner before
	moreDue      bool
	asked        struct{ due, waiting, putOff bool }
	began        time.Time
	refused      uint64 // of the inbox, before the store was read
	err          error
}

// look reads the store, outside the loop: what is due by the calendar, and what waits there because nobody offered it or there was
// no room.
func (r *outbox) look() {
	if r.looking || r.room() == 0 {
		return
	}
	now := time.Now()
	behind, refused := r.inbox.standing()
	anew := now.Sub(r.scan.began) >= r.rescan()
	if r.inbox.fromStart() {
		r.scan.running, anew = false, true
		r.dueAt = now
		r.unknown = true
	}
	if !r.scan.running && (behind || anew) {
		r.scan.begin(now, anew)
		r.lookAt = earlier(r.lookAt, r.lookedAt.Add(lookAgain))
	}
	if now.Before(r.lookAt) {
		return
	}
	f := found{began: now, refused: refused}
	f.asked.waiting, f.asked.due, f.asked.putOff = r.scan.running, !now.Before(r.dueAt), r.unknown
	r.looking, r.lookedAt = true, now
	lanes := r.lanes.mine()
	go func(after int64, limit int) {
		ctx, cancel := context.WithTimeout(r.ctx, storeLimit)
		defer cancel()
		f = r.o.find(ctx, f, after, lanes, limit)
		r.keys.meet(ctx, f.due)
		r.keys.meet(ctx, f.waiting)
		r.looked <- f
	}(r.scan.after, readMax+r.held(true)) // held rows are due, too, until their outcome is saved; they must not crowd out the others
}

// find reads what f asks for.
func (o Options) find(ctx context.Context, f found, after int64, lanes []int, limit int) found {
	if f.asked.putOff {
		f.putOff, f.err = o.Store.DueDeliveries(ctx, f.began.Add(putOffAhead), lanes, o.Queue)
	}
	if f.err == nil && f.asked.due {
		f.due, f.err = o.Store.DueDeliveries(ctx, f.began, lanes, limit)
		f.moreDue = len(f.due) >= limit
	}
	if f.err == nil && f.asked.waiting {
		f.waiting, f.err = o.Store.WaitingDeliveries(ctx, after, lanes, readMax)
	}
	return f
}

// poll and rescan are shorter while other daemons write deliveries that are ours to send: nobody offers them to us.
func (r *outbox) poll() time.Duration {
	if r.o.Shared != nil && r.o.Shared() {
		return min(r.o.Poll, SharedPoll)
	}
	return r.o.Poll
}

func (r *outbox) rescan() time.Duration {
	if r.o.Shared != nil && r.o.Shared() {
		return min(r.o.Rescan, SharedPoll)
	}
	return r.o.Rescan
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// read takes in what a look has found.
func (r *outbox) read(f found) {
	r.looking = false
	now := time.Now()
	r.lookAt = now.Add(max(r.poll(), 10*now.Sub(f.began))) // a store that is slow is asked less often
	if f.asked.due {
		r.dueAt = r.lookAt
	}
	if f.err != nil {
		if r.ctx.Err() == nil {
			r.o.Log.Error("the outbox could not be read; trying again", slog.Any("error", f.err))
		}
		return
	}
	if f.asked.putOff {
		r.remember(f.putOff)
	}
	r.receive() // what was offered before the store was read comes first
	before := len(r.rows)
	for _, d := range f.due {
		if r.room() == 0 {
			return
		}
		if r.fresh(d.ID, f.began) {
			r.admit(d)
		}
	}
	if f.moreDue && len(r.rows) > before {
		r.lookAt, r.dueAt = now, now
	}
	if f.asked.waiting {
		r.readWaiting(f, now)
	}
}

// remember learns what the Run before has put off without an attempt: what follows in those sessions must not overtake it.
func (r *outbox) remember(rows []models.Delivery) {
	r.unknown = false
	for _, d := range rows {
		if d.Attempts == 0 && inLine(d) && len(r.deferred) < r.o.Queue && d.DueAt.After(r.deferred[d.Line()]) {
			r.deferred[d.Line()] = d.DueAt
		}
	}
}

// readWaiting goes on with the scan. At the store's end offers are taken again, unless one was refused meanwhile.
func (r *outbox) readWaiting(f found, now time.Time) {
	for _, d := range f.waiting {
		if r.room() == 0 {
			return // the scan goes on from here
		}
		r.scan.after = d.ID
		if r.fresh(d.ID, f.began) {
			r.admit(d)
		}
	}
	switch {
	case len(f.waiting) >= readMax:
		r.lookAt = now
	case r.inbox.caughtUp(f.refused):
		r.scan.running = false
	default:
		r.lookAt = earlier(r.lookAt, now.Add(lookAgain))
		r.scan.begin(now, now.Sub(r.scan.began) >= r.rescan())
	}
}

// fresh says whether a row read from the store says how it stands: it is not held, and was not settled while the store was read.
func (r *outbox) fresh(id int64, began time.Time) bool {
	held := r.rows[id]
	return held == nil || !held.over.IsZero() && held.over.Before(began)
}
