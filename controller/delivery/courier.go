package delivery

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"maskline/models"
)

// Courier sends deliveries. Make one with New, start it with Run, and hand it what has been committed with Offer.
type Courier struct {
	o       Options
	keys    *keyring
	inbox   *inbox
	asks    *gate
	asker   sender // for questions
	resting resting
	lanes   lanes
}

// New makes a Courier. It touches neither the store nor the network.
func New(o Options) *Courier {
	o = o.withDefaults()
	asker := o.send
	if o.send == nil {
		o.send, asker = newNetwork(o), newAskNetwork(o)
	}
	return &Courier{o: o, keys: &keyring{store: o.Store}, lanes: newLanes(o.Leased), inbox: newInbox(o.Queue), asks: newGate(o.Questions, o.QuestionsPerURL), asker: asker}
}

// Event is the package's Event, for callers that know a Courier only.
func (c *Courier) Event(app models.App, s models.Session, e models.CallEvent) (models.Delivery, bool) {
	c.keys.learn(app)
	return Event(app, s, e)
}

// CDR is Options.Fee's CDR.
func (c *Courier) CDR(app models.App, spID string, s models.Session, cdr models.CDR) (models.Delivery, bool) {
	c.keys.learn(app)
	return c.o.Fee.CDR(app, spID, s, cdr)
}

// Record is Options.Fee's Record: the body of a CDR's push, for whoever releases one that was held.
func (c *Courier) Record(app models.App, spID string, cdr models.CDR) []byte {
	return c.o.Fee.Record(app, spID, cdr)
}

// Offer hands over rows that have just been committed, with the ids they got, in the order in which they happened. It never waits and
// loses nothing: what there is no room for, or what has no id, is read back from the store. Rows that are held are passed over: who releases
// them offers them again, waiting. It may be called before Run.
func (c *Courier) Offer(rows []models.Delivery) {
	if slices.ContainsFunc(rows, onHold) {
		rows = slices.DeleteFunc(slices.Clone(rows), onHold)
	}
	if len(rows) > 0 {
		c.inbox.offer(rows)
	}
}

func onHold(d models.Delivery) bool { return d.State == models.DeliveryHeld }

// Run delivers until ctx ends: first what it finds waiting in the store, then what it is offered, and what falls due by the calendar.
// It returns when the attempts under way have ended, each within its own time, and their outcomes are saved as far as the store
// takes them within 5 s; an outcome that it does not take is an attempt that a later Run makes again. One Run at a time.
func (c *Courier) Run(ctx context.Context) {
	var counting sync.WaitGroup
	counting.Go(func() { c.count(ctx) })
	defer counting.Wait()
	r := newOutbox(ctx, c)
	for ctx.Err() == nil {
		r.tend()
		r.receive()
		r.flush()
		r.watch()
		r.pump()
		r.save()
		r.look()
		r.o.Observe.Held(r.held(false), r.held(true), r.total)
		r.wait()
	}
	r.finish()
	if n, ok := c.o.send.(interface{ CloseIdleConnections() }); ok {
		n.CloseIdleConnections()
	}
}

// wait sleeps until something has happened or is due.
func (r *outbox) wait() {
	timer := time.NewTimer(time.Until(r.nextDue()))
	defer timer.Stop()
	select {
	case <-r.ctx.Done():
	case <-r.inbox.wake:
	case <-timer.C:
	case e := <-r.ended:
		r.end(e)
		for range len(r.ended) { // whatever else has ended meanwhile: one round of the loop serves all
			r.end(<-r.ended)
		}
	case f := <-r.looked:
		r.read(f)
	case err := <-r.stored:
		r.saved(err)
	}
}

// nextDue is when the loop must look again by itself.
func (r *outbox) nextDue() time.Time {
	due := r.lookAt
	if r.looking || r.room() == 0 { // whoever makes room wakes the loop
		due = time.Now().Add(r.poll())
	}
	if len(r.gathering.inTime) > 0 && r.gathering.inTime[0].until.Before(due) {
		due = r.gathering.inTime[0].until
	}
	if len(r.unsaved) > 0 && r.saving == nil && r.saveAt.Before(due) {
		due = r.saveAt
	}
	if len(r.young) > 0 {
		due = earlier(due, r.young[0].started.Add(quick))
	}
	return due
}

// finish waits for what is under way and saves it.
func (r *outbox) finish() {
	for r.total > 0 {
		r.end(<-r.ended)
		r.tend()
	}
	if r.looking {
		<-r.looked
	}
	if r.saving != nil {
		r.saved(<-r.stored)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), storeLimit)
	defer cancel()
	for len(r.unsaved) > 0 {
		n := min(len(r.unsaved), saveMax)
		if err := r.o.store(ctx, r.unsaved[:n], r.lanes.under(r.unsaved[:n])); err != nil {
			r.o.Log.Error("outcomes of pushes could not be saved; they will be made again", slog.Int("deliveries", len(r.unsaved)), slog.Any("error", err))
			return
		}
		r.unsaved = r.unsaved[n:]
	}
}
