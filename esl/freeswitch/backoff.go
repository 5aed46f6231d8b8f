package freeswitch

import (
	"context"
	"math/rand/v2"
	"time"
)

const maxBackoff = 5 * time.Second

// backoff is the pause before attempt n+1: n²·10 ms, at most 5 s, times 0.5 to 1.5 so that many daemons do not come back at once (the
// shape of tailscale's util/backoff).
func backoff(n int) time.Duration {
	d := min(time.Duration(min(n, 100)*min(n, 100))*10*time.Millisecond, maxBackoff)
	return d/2 + rand.N(d+1) //nolint:gosec // spreads load, guards nothing
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
