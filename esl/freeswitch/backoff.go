package freeswitch

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

const maxBackoff = 5 * time.Second

// backoff is the pause before attempt n+1: n²·10 ms times 0.5 to 1.5, so that many daemons do not come back at once, and at most 5 s (the
// shape of tailscale's util/backoff).
func backoff(n int) time.Duration {
	n = min(n, 100)
	d := time.Duration(n*n) * 10 * time.Millisecond
	return min(d/2+rand.N(d+1), maxBackoff-rand.N(maxBackoff/4)) //nolint:gosec // spreads load, guards nothing
}

// weight is how loudly the n-th failure in a row is logged: the first, and then every tenth.
func weight(n int) slog.Level {
	if n%10 == 1 {
		return slog.LevelWarn
	}
	return slog.LevelDebug
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
