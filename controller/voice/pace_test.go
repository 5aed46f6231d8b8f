package voice

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// Whatever the rate, and however late the loop wakes up, no second holds more calls than the rate, and lateness costs none in the long run.
func TestPace(t *testing.T) {
	for _, rate := range []float64{0.1, 0.5, 1, 2.5, 3, 7, 10, 33.3, 100, 999, 1000} {
		var p pace
		p.set(rate)
		r := rand.New(rand.NewPCG(1, uint64(rate*10)))
		now := time.Unix(1000, 0)
		began := now
		var at []time.Time
		over := max(30*time.Second, time.Duration(10/rate)*time.Second)
		for now.Sub(began) < over {
			if free := p.free(); free.After(now) {
				now = free.Add(time.Duration(r.Int64N(int64(2 * time.Millisecond)))) // woken late
			}
			p.take(now)
			at = append(at, now)
		}
		for i := range at {
			if j := i + int(math.Ceil(rate)); j < len(at) && at[j].Sub(at[i]) < time.Second {
				t.Fatalf("rate %v: calls %d to %d lie within %v", rate, i, j, at[j].Sub(at[i]))
			}
		}
		got, want := float64(len(at)), rate*over.Seconds()
		if got > want+2+rate*catchUp.Seconds() || got < want*0.99-1 {
			t.Errorf("rate %v: %v calls in %v, not %v", rate, got, over, want)
		}
	}
}

// A pause is no credit beyond catchUp: after it calls come evenly again.
func TestPaceAfterAPause(t *testing.T) {
	var p pace
	p.set(10)
	now := time.Unix(1000, 0)
	p.take(now)
	now = now.Add(time.Hour)
	p.take(now)
	if wait := p.free().Sub(now); wait < 80*time.Millisecond {
		t.Errorf("after a pause the second call comes after %v", wait)
	}
}

// A new rate heeds the calls of the second before.
func TestPaceChanges(t *testing.T) {
	var p pace
	p.set(100)
	now := time.Unix(1000, 0)
	for range 100 {
		now = now.Add(max(0, p.free().Sub(now)))
		p.take(now)
	}
	p.set(5)
	if wait := p.free().Sub(now); wait < 900*time.Millisecond {
		t.Errorf("five calls a second are allowed %v after a hundred", wait)
	}
	p.set(0)
	if !p.free().IsZero() {
		t.Error("no rate is no bound")
	}
	p.take(now)
}

// A pace is forgotten only when nothing of it would be lost.
func TestPaceIsQuiet(t *testing.T) {
	var p pace
	now := time.Unix(1000, 0)
	if !p.quiet(now) {
		t.Error("no bound, and not quiet")
	}
	p.set(10)
	if !p.quiet(now) {
		t.Error("nothing has happened, and it is not quiet")
	}
	p.take(now)
	if p.quiet(now.Add(999 * time.Millisecond)) {
		t.Error("quiet within the second")
	}
	if !p.quiet(now.Add(time.Second)) {
		t.Error("not quiet after the second")
	}
	p.set(0.1)
	p.take(now.Add(time.Second))
	if p.quiet(now.Add(5 * time.Second)) {
		t.Error("quiet before its next call")
	}
}
