package delivery

import (
	"time"

	"maskline/models"
)

// aloneAfter is after how many failed attempts a CDR that was answered, but not accepted, goes by itself: a record that the customer
// cannot read must not take its 49 neighbours with it to the end of the calendar.
const aloneAfter = 3

// batchKey says which CDRs may go together: one app's, since the app's key signs them, to one URL.
type batchKey struct {
	appID int64
	url   string
}

// batch is CDRs that wait for others. A retried CDR is regrouped with whatever is due when it is: batches are put together anew for each
// attempt, so each record keeps a calendar of its own and a batch needs no row in the store.
type batch struct {
	key     batchKey
	members []models.Delivery
	until   time.Time // when it goes in any case
	gone    bool
}

// batches is what is being gathered, in Run's goroutine alone.
type batches struct {
	wait   time.Duration
	open   map[batchKey]*batch
	inTime []*batch // by until, the earliest first: each waits equally long
}

// add puts a CDR into its batch and gives the batch when that is full.
func (b *batches) add(d models.Delivery, now time.Time) (full *batch) {
	key := batchKey{d.AppID, d.URL}
	got := b.open[key]
	if got == nil {
		got = &batch{key: key, until: now.Add(b.wait)}
		b.open[key] = got
		b.inTime = append(b.inTime, got)
	}
	got.members = append(got.members, d)
	if len(got.members) < models.BatchMax {
		return nil
	}
	return b.close(got)
}

// due gives the next batch that has waited long enough, or nil.
func (b *batches) due(now time.Time) *batch {
	for len(b.inTime) > 0 {
		first := b.inTime[0]
		if !first.gone && now.Before(first.until) {
			return nil
		}
		b.inTime = b.inTime[1:]
		if !first.gone {
			return b.close(first)
		}
	}
	return nil
}

func (b *batches) close(got *batch) *batch {
	got.gone = true
	delete(b.open, got.key)
	return got
}

// goesAlone says whether a CDR is sent without others.
func goesAlone(d models.Delivery) bool {
	return d.State == models.DeliveryRetry && d.Attempts >= aloneAfter && d.LastStatus != 0
}
