package store

import (
	"context"

	"maskline/models"
)

// CountDeliveries tells how many deliveries are in a state, counting up to most. It reads an index alone.
func (s *Store) CountDeliveries(ctx context.Context, state models.DeliveryState, most int) (n int, err error) {
	_, err = one(s.reader(ctx), []any{num(&n)}, countDeliveries, string(state), most)
	return n, wrap("count deliveries", err)
}

const countDeliveries = "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries t WHERE t.state = ? LIMIT ?) counted"
