package store

import (
	"context"
	"fmt"

	"maskline/models"
)

var eventColumns = columns[models.CallEvent]{
	table: "call_events",
	names: []string{"id", "session_id", "evkey", "type", "at", "caller", "called", "state", "digits"},
	values: func(e *models.CallEvent) []any {
		return []any{nil, e.SessionID, e.Key, string(e.Type), micros(e.At), e.Caller, e.Called, int(e.State), e.Digits}
	},
	dest: func(e *models.CallEvent) []any {
		return []any{num(&e.ID), text(&e.SessionID), text(&e.Key), text(&e.Type), when(&e.At), &e.Caller, &e.Called, num(&e.State), text(&e.Digits)}
	},
}

// Events reads the events of a session in the order in which they were recorded, at most models.PageMax: a call has a handful.
func (s *Store) Events(ctx context.Context, sessionID string) ([]models.CallEvent, error) {
	rows, err := eventColumns.all(s.reader(ctx), fmt.Sprintf("WHERE t.session_id = ? ORDER BY t.id LIMIT %d", models.PageMax), sessionID)
	return rows, wrap("read events", err)
}
