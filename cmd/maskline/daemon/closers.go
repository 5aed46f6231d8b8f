package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// closers are the clean-ups of what was started, by name. close runs them last first, each within its own time, once.
type closers struct {
	log  *slog.Logger
	mu   sync.Mutex
	list []closer
}

type closer struct {
	name string
	in   time.Duration
	do   func(ctx context.Context) error
}

func (c *closers) add(name string, in time.Duration, do func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, closer{name, in, do})
}

// close runs what has been added since the last close. least is given to those who asked for less.
func (c *closers) close(least time.Duration) error {
	c.mu.Lock()
	list := c.list
	c.list = nil
	c.mu.Unlock()
	var errs []error
	for _, it := range slices.Backward(list) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), max(it.in, least))
		err := it.do(ctx)
		cancel()
		if err != nil {
			errs = append(errs, fmt.Errorf("end %s: %w", it.name, err))
		}
		c.log.DebugContext(ctx, "ended", "part", it.name, "took", time.Since(began), "error", err)
	}
	return errors.Join(errs...)
}
