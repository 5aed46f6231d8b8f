package delivery

import (
	"time"

	"maskline/models"
)

// inLine says whether a row's next attempt has its place in a line: the first one of a session's, and each one of number status. One
// that was put off is in state retry, but has had no attempt yet.
func inLine(d models.Delivery) bool {
	return d.Line() != "" && (d.State == models.DeliveryWaiting || d.Attempts == 0 || d.Kind == models.DeliverNumber)
}

// keepOrder makes the number status that follows one that failed wait for its next attempt. A call event carries its time; number status does
// not, so a "suspended" that is repeated after "normal" has arrived would stand. Since each waits for the one before, what is older than the
// whole calendar gets no further attempt, or they would pile up behind a URL that is gone; a replayed one is thus tried once.
//
// The order is known to one Run: what is committed after a restart, while an older one waits for its calendar, goes first.
func (r *outbox) keepOrder(s *session, d *models.Delivery, now time.Time) {
	if d.Kind != models.DeliverNumber || d.State != models.DeliveryRetry || s == nil {
		return
	}
	if now.Sub(d.CreatedAt) > r.o.Calendar[len(r.o.Calendar)-1] {
		d.State, d.EndedAt = models.DeliveryDead, now
		return
	}
	if len(r.deferred) < r.o.Queue {
		r.deferred[s.id] = d.DueAt
	}
	rows := s.rows
	s.rows = nil
	for _, next := range rows {
		r.putOff(next, d.DueAt, "not sent yet: the one before has failed")
	}
}
