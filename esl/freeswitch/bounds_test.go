package freeswitch

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maskline/esl"
	"maskline/esl/wire"
)

func TestBackoff(t *testing.T) {
	for n := 1; n < 200; n++ {
		for range 20 {
			d := backoff(n)
			if d < min(time.Duration(n*n)*5*time.Millisecond, maxBackoff/2) || d > min(time.Duration(n*n)*15*time.Millisecond, maxBackoff) {
				t.Fatalf("pause %d is %s", n, d)
			}
		}
	}
	if d := backoff(1 << 40); d > maxBackoff {
		t.Errorf("pause after very many failures is %s", d)
	}
}

func TestHeldEventsAreBounded(t *testing.T) {
	run(t, Options{}, nil, func(b *bench) {
		b.told("synced ")
		good := b.api["show"]
		b.set(func() { b.api["show"] = func(string) string { return "-ERR locked\n" } })
		b.cut()
		time.Sleep(time.Second)
		before := b.loggedIn()
		progress := frame(event("CHANNEL_PROGRESS", "X", "X", "a"))
		for range maxHeld + 1 {
			b.send(progress)
		}
		synctest.Wait()
		time.Sleep(maxBackoff)
		if n := b.loggedIn() - before; n != 1 {
			b.Errorf("%d new event connections, want 1", n)
		}
		b.set(func() { b.api["show"] = good })
		time.Sleep(2 * maxBackoff)
		b.told("synced ")
	})
}

func TestCallersWaitInLine(t *testing.T) {
	run(t, Options{Commands: 1}, nil, func(b *bench) {
		b.set(func() { b.silent["slow"] = true })
		var all sync.WaitGroup
		var down, late atomic.Int64
		for range 3 * maxQueued { // more than there is room for
			all.Go(func() {
				switch _, err := b.sw.API(b.Context(), "slow", ""); {
				case errors.Is(err, esl.ErrDown):
					down.Add(1)
				default:
					late.Add(1)
				}
			})
		}
		started := time.Now()
		all.Wait()
		if took := time.Since(started); took != maxTimeout || down.Load() != 3*maxQueued {
			b.Errorf("after %s %d callers were told that the switch is down, %d something else", took, down.Load(), late.Load())
		}
		if _, err := b.sw.API(b.Context(), "echo", "+OK"); err != nil {
			b.Errorf("afterwards: %v", err)
		}
	})
}

func TestCallerThatGivesUpInLine(t *testing.T) {
	run(t, Options{Commands: 1}, nil, func(b *bench) {
		b.set(func() { b.silent["slow"] = true })
		go func() { _, _ = b.sw.API(b.Context(), "slow", "") }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		defer cancel()
		if _, err := b.sw.API(ctx, "echo", "+OK"); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("got %v", err)
		}
		if n := b.count("echo"); n != 0 {
			b.Error("a command was sent whose caller had gone")
		}
	})
}

func TestSubscription(t *testing.T) {
	for _, digits := range []bool{false, true} {
		names := strings.Join(subscription(digits), " ")
		if strings.Contains(names, "DTMF") != digits || strings.Contains(names, "ALL") {
			t.Errorf("digits %v: %s", digits, names)
		}
	}
	run(t, Options{Digits: true}, nil, func(b *bench) {
		b.send(park("A"), frame(event("DTMF", "A", "A", "a", wire.Field{Name: "DTMF-Digit", Value: "#"})))
		synctest.Wait()
		if e, err := b.call("A").Next(b.Context()); err != nil || e.Kind != esl.Digit || e.Get("DTMF-Digit") != "#" {
			b.Errorf("%+v, %v", e, err)
		}
	})
}

func TestMetrics(t *testing.T) {
	var mu sync.Mutex
	got := map[string]int{}
	count := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		got[name]++
	}
	m := Metrics{
		Up: func(up bool) { count(map[bool]string{true: "up", false: "down"}[up]) }, Event: func(name string) { count(name) },
		Command: func(name string, _ time.Duration, err error) { count(name); _ = err }, Resync: func(time.Duration, error) { count("resync") },
	}
	run(t, Options{Metrics: m}, nil, func(b *bench) {
		b.send(park("A"))
		_, _ = b.sw.API(b.Context(), "echo", "+OK")
		b.cut()
		b.settle()
	})
	for name, want := range map[string]int{"up": 2, "down": 2, "CHANNEL_PARK": 1, "echo": 1, "resync": 4, "show": 4} {
		if got[name] != want {
			t.Errorf("%s was counted %d times, want %d", name, got[name], want)
		}
	}
}
