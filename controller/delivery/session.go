package delivery

import (
	"slices"

	"maskline/models"
)

// session is the first attempts of one session that are still to be made, in Run's goroutine alone. Its events go one after the other;
// its CDR is gathered into a batch once every event's first attempt has ended, so that a customer hears of the disconnect before he
// gets the bill, and nothing waits for the CDR. The number status of an app is kept in one, too (see line).
type session struct {
	id   string
	rows []models.Delivery // by id, which is the order in which they happened
	busy bool              // an event's first attempt is under way
}

func (s *session) add(d models.Delivery) {
	i := len(s.rows)
	for i > 0 && s.rows[i-1].ID > d.ID {
		i--
	}
	s.rows = slices.Insert(s.rows, i, d)
}

// next takes the row whose turn it is; false while another is under way, or when none is left.
func (s *session) next() (models.Delivery, bool) {
	if s.busy || len(s.rows) == 0 {
		return models.Delivery{}, false
	}
	d := s.rows[0]
	s.rows = s.rows[1:]
	return d, true
}
