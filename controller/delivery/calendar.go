package delivery

import (
	"time"

	"maskline/models"
)

// putOffFor is how long a row waits that could not be tried for a reason of ours.
const putOffFor = 10 * time.Second

// errorMax bounds LastError.
const errorMax = 200

// calendar is when a delivery is repeated. The events of placed calls are not: what failed once is dead. Their CDRs have a calendar of their
// own (spec/voicecall.md §6.1, §6.2).
func (r *outbox) calendar(d models.Delivery) []time.Duration {
	switch {
	case !r.keys.placed(d.AppID):
		return r.o.Calendar
	case d.Kind == models.DeliverEvent:
		return nil
	case d.Kind == models.DeliverCDR:
		return r.o.VoiceCalendar
	}
	return r.o.Calendar
}

// settle writes the end of an attempt that began at started into a row: done, due again by the calendar, or dead after the last.
func settle(d *models.Delivery, calendar []time.Duration, a answer, started, ended time.Time) {
	if d.State == models.DeliveryWaiting { // a replayed row begins its calendar anew
		d.Attempts, d.FirstAt = 0, started
	}
	if d.FirstAt.IsZero() {
		d.FirstAt = started
	}
	d.Attempts++
	d.LastStatus, d.LastError = a.status, ""
	if a.result == Delivered {
		d.State, d.EndedAt = models.DeliveryDone, ended
		return
	}
	if a.err != nil {
		d.LastError = a.err.Error()
		d.LastError = d.LastError[:min(len(d.LastError), errorMax)]
	}
	if d.Attempts > len(calendar) {
		d.State, d.EndedAt = models.DeliveryDead, ended
		return
	}
	d.State, d.DueAt = models.DeliveryRetry, next(calendar, d.Attempts, d.FirstAt, started)
}

// next is when attempt number attempts+1 is due. The calendar counts from the first attempt; but after an attempt that came late (the
// daemon was away) half the calendar's own gap is kept, or the rest of the calendar would be used up at once.
func next(calendar []time.Duration, attempts int, first, last time.Time) time.Time {
	at, gap := calendar[attempts-1], calendar[attempts-1]
	if attempts > 1 {
		gap -= calendar[attempts-2]
	}
	due, earliest := first.Add(at), last.Add(gap/2)
	if due.Before(earliest) {
		return earliest
	}
	return due
}

// postpone makes a row due later without an attempt.
func postpone(d *models.Delivery, until time.Time, why string) {
	if d.State == models.DeliveryWaiting {
		d.Attempts, d.FirstAt = 0, time.Time{}
	}
	d.State, d.DueAt, d.LastError = models.DeliveryRetry, until, why
}
