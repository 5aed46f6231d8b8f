package daemon

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// sayEvery is the time between two lines that tell what the end waits for.
const sayEvery = time.Second

// underway counts what an orderly end waits for and nobody else counts.
type underway struct{ requests atomic.Int64 }

// counted counts the requests of a handler while they are answered.
func (u *underway) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.requests.Add(1)
		defer u.requests.Add(-1)
		h.ServeHTTP(w, r)
	})
}

// drainMetrics is what the metrics keep for the end.
type drainMetrics struct {
	pushing atomic.Int64 // attempts at pushes that are under way
}

// waiting is one kind of what the end waits for.
type waiting struct {
	what  string // calls, pushes, requests
	count func() int64
}

// waits are all of them. Calls are those that the daemon still carries: a prompt plays, digits are collected, a commit is tried again. Calls that talk
// have been let go of.
func (d *Daemon) waits() []waiting {
	return []waiting{
		{"calls", func() int64 { return int64(d.engine.Live()) }},
		{"pushes", d.metrics.pushing.Load},
		{"requests", d.underway.requests.Load},
	}
}

// measureDrain tells of the end in the metrics: whether it has begun, and what it waits for, which is 0 before.
func (d *Daemon) measureDrain() {
	d.metrics.gauge("draining", "1 while this daemon ends: it takes nothing new.", func() float64 {
		if d.draining.Load() {
			return 1
		}
		return 0
	})
	for _, w := range d.waits() {
		d.metrics.gaugeOf("drain_waiting", "What the end of this daemon waits for: calls with a prompt, pushes under way, requests.", prometheus.Labels{"what": w.what}, func() float64 {
			if d.draining.Load() {
				return float64(w.count())
			}
			return 0
		})
	}
}

// watchDrain begins the end: from now on /readyz says so, and a line a second tells what it waits for, as long as that is something. The caller calls
// the stop that it gives when all has ended.
func (d *Daemon) watchDrain() (stop func()) {
	d.draining.Store(true)
	began := time.Now()
	end := background(context.Background(), func(ctx context.Context) {
		tick := time.NewTicker(sayEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				d.sayWaits(ctx, time.Since(began))
			}
		}
	})
	return func() { _ = end(context.Background()) } // it looks at ctx all the time: it cannot be late
}

func (d *Daemon) sayWaits(ctx context.Context, since time.Duration) {
	attrs := []slog.Attr{slog.Duration("since", since.Round(time.Millisecond))}
	busy := false
	for _, w := range d.waits() {
		n := w.count()
		busy = busy || n > 0
		attrs = append(attrs, slog.Int64(w.what, n))
	}
	if busy {
		d.log.LogAttrs(ctx, slog.LevelInfo, "daemon waits for its last work", attrs...)
	}
}
