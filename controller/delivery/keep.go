package delivery

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"maskline/models"
)

// save hands settled rows to the store, one part at a time and outside the loop. Until they are saved they count as held, so a store
// that is away makes the outbox stop taking in, and forget nothing.
func (r *outbox) save() {
	if len(r.unsaved) == 0 || r.saving != nil || time.Now().Before(r.saveAt) {
		return
	}
	n := min(len(r.unsaved), saveMax)
	r.saving, r.unsaved = r.unsaved[:n:n], r.unsaved[n:]
	r.saveAt = time.Now().Add(r.o.SaveEach)
	go func(rows []models.Delivery, under []models.Lease) {
		r.stored <- r.o.store(context.WithoutCancel(r.ctx), rows, under)
	}(r.saving, r.lanes.under(r.saving))
}

// store writes rows. A row that somebody has removed meanwhile must not hold up the others for ever: they are written one by one then.
func (o Options) store(ctx context.Context, rows []models.Delivery, under []models.Lease) error {
	err := o.write(ctx, rows, under)
	if models.CodeOf(err) != models.NotFound {
		return err
	}
	for i := range rows {
		err := o.write(ctx, rows[i:i+1], under)
		if models.CodeOf(err) == models.NotFound {
			o.Log.Warn("a delivery is gone from the store; its outcome is dropped", slog.Int64("delivery", rows[i].ID))
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (o Options) write(ctx context.Context, rows []models.Delivery, under []models.Lease) error {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	return o.Store.SaveAttempt(ctx, rows, under...)
}

// saved takes the store's answer in.
func (r *outbox) saved(err error) {
	rows, now := r.saving, time.Now()
	r.saving = nil
	if err != nil {
		r.o.Log.Error("outcomes of pushes could not be saved; trying again", slog.Int("deliveries", len(rows)), slog.Any("error", err))
		r.unsaved, r.saveAt = append(rows, r.unsaved...), now.Add(time.Second)
		r.letGo()
		return
	}
	moved := map[models.DeliveryKind]map[models.DeliveryState]int{}
	for _, d := range rows {
		held := r.rows[d.ID]
		held.over = now
		held.to.rows--
		if held.to.rows < r.o.QueuePerURL {
			held.to.deferred = 0
		}
		r.counts[index(held.retry)]--
		r.settled = append(r.settled, settled{d.ID, now})
		if moved[d.Kind] == nil {
			moved[d.Kind] = map[models.DeliveryState]int{}
		}
		moved[d.Kind][d.State]++
	}
	for kind, states := range moved {
		for state, n := range states {
			r.o.Observe.Moved(kind, state, n)
		}
	}
	r.forget(now)
}

// forget lets go of rows that were settled a while ago, of sessions that nothing defers any longer, and of URLs not used for long.
func (r *outbox) forget(now time.Time) {
	for len(r.settled) > 0 && now.Sub(r.settled[0].over) > settledFor {
		old := r.settled[0]
		r.settled = r.settled[1:]
		if held := r.rows[old.id]; held != nil && held.over.Equal(old.over) { // else it has been taken in again since
			delete(r.rows, old.id)
		}
	}
	if now.Sub(r.swept) < settledFor {
		return
	}
	r.swept = now
	maps.DeleteFunc(r.deferred, func(_ string, until time.Time) bool { return now.Sub(until) > 2*r.o.Poll })
	r.sweep(now)
}
