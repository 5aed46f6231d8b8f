package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"maskline/models"
)

// steps gathers the events and deliveries of a group of changes: they are written at the end of its transaction, many rows in one statement.
// That an event or a delivery is there already is found by nobody meanwhile: it comes as a duplicate key, the group fails, and each of its
// changes is written by itself, which sorts it out (committer.commit). It is rare: after a resync.
type steps struct {
	events     []*models.CallEvent
	deliveries []*models.Delivery
}

// stepsMost is how many rows one statement writes or reads.
const stepsMost = 50

// add takes a change's events and deliveries; the latter get their ids when it is flushed.
func (g *steps) add(ch models.Change) {
	first := len(g.events)
	for i := range ch.Events {
		if !hasKey(g.events[first:], ch.Events[i].Key) {
			g.events = append(g.events, &ch.Events[i])
		}
	}
	for i := range ch.Deliveries {
		ch.Deliveries[i].ID = 0
		g.deliveries = append(g.deliveries, &ch.Deliveries[i])
	}
}

func (g *steps) flush(tx *gorm.DB) error {
	if g == nil {
		return nil
	}
	for chunk := range slices.Chunk(g.events, stepsMost) {
		if err := eventColumns.add(tx, chunk...); err != nil {
			return fmt.Errorf("write the events of a group: %w", err)
		}
	}
	var keyed []*models.Delivery
	for _, d := range g.deliveries {
		if d.Key != "" && d.SessionID != "" {
			keyed = append(keyed, d)
		} else if err := addDelivery(tx, d); err != nil {
			return fmt.Errorf("write a delivery of a group: %w", err)
		}
	}
	for chunk := range slices.Chunk(keyed, stepsMost) {
		if err := addKeyed(tx, chunk); err != nil {
			return fmt.Errorf("write the deliveries of a group: %w", err)
		}
	}
	return nil
}

// addKeyed writes deliveries and reads the ids that they got: how the ids of one statement follow each other is not the same in every database.
func addKeyed(tx *gorm.DB, list []*models.Delivery) error {
	type place struct{ session, key string }
	at := make(map[place]*models.Delivery, len(list))
	args := make([]any, 0, 2*len(list))
	for _, d := range list {
		completeDelivery(d)
		at[place{d.SessionID, d.Key}] = d
		args = append(args, d.SessionID, d.Key)
	}
	if err := deliveryColumns.add(tx, list...); err != nil {
		return err
	}
	var id int64
	var p place
	return each(tx, func(rows *sql.Rows) error {
		if err := rows.Scan(&id, &p.session, &p.key); err != nil {
			return err
		}
		if d := at[p]; d != nil {
			d.ID = id
		}
		return nil
	}, "SELECT id, session_id, dkey FROM deliveries WHERE "+strings.TrimPrefix(strings.Repeat(" OR session_id = ? AND dkey = ?", len(list)), " OR "), args...)
}

// stepsOf is what gathers the steps of ctx's transaction; nil: each step writes its own.
func (s *Store) stepsOf(ctx context.Context) *steps {
	if j := s.joint(ctx); j != nil && j.queue != nil {
		return j.queue.steps
	}
	return nil
}
