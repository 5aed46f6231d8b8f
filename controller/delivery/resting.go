package delivery

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"maskline/models"
)

const (
	restEvery = 30 * time.Second
	restMost  = 100_000 // more are not counted
)

// resting is how many deliveries the store has that are not over: most of them rest there until their calendar, or somebody, wakes them.
type resting struct{ waiting, retry, held atomic.Int64 }

func (r *resting) of(state models.DeliveryState) *atomic.Int64 {
	switch state {
	case models.DeliveryWaiting:
		return &r.waiting
	case models.DeliveryRetry:
		return &r.retry
	case models.DeliveryHeld:
		return &r.held
	}
	return nil
}

// Resting is how many deliveries were in a state, waiting, retry or held, when Run last counted them in the store, which it does every 30 s;
// 100000 is that many or more, 0 also of any other state, and before the first count. Those in memory are among them.
func (c *Courier) Resting(state models.DeliveryState) int {
	if n := c.resting.of(state); n != nil {
		return int(n.Load())
	}
	return 0
}

// count counts until ctx ends. A store that is away leaves the last numbers standing.
func (c *Courier) count(ctx context.Context) {
	ticker := time.NewTicker(restEvery)
	defer ticker.Stop()
	for {
		for _, state := range []models.DeliveryState{models.DeliveryWaiting, models.DeliveryRetry, models.DeliveryHeld} {
			if err := c.countOne(ctx, state); err != nil && ctx.Err() == nil {
				c.o.Log.Warn("deliveries could not be counted", slog.String("state", string(state)), slog.Any("error", err))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (c *Courier) countOne(ctx context.Context, state models.DeliveryState) error {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	n, err := c.o.Store.CountDeliveries(ctx, state, restMost)
	if err == nil {
		c.resting.of(state).Store(int64(n))
	}
	return err
}
