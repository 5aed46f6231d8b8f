package voice

import (
	"time"

	"maskline/models"
)

// Backlog is how one app's calls wait.
type Backlog struct {
	AppID   int64
	AppKey  string
	Waiting int
	Oldest  time.Time // when the one that waits longest was accepted
}

// Observe hears what metrics count. Its methods are called from many goroutines and must return at once. No argument is a number.
type Observe interface {
	// Waiting tells of every app that has calls waiting, as the store says, once a poll. One that is not among them has none.
	Waiting(apps []Backlog)
	// Dialled tells that a call was handed to the switch's side, and how long it had waited.
	Dialled(mode models.Mode, waited time.Duration)
	// Ended tells that a waiting call ended without having been dialled, and why.
	Ended(mode models.Mode, why models.StateCode)
	// Refused tells that the engine could not take a call that should have been dialled; it waits on.
	Refused()
}

// Silent observes nothing.
type Silent struct{}

var _ Observe = Silent{}

func (Silent) Waiting([]Backlog)                   {}
func (Silent) Dialled(models.Mode, time.Duration)  {}
func (Silent) Ended(models.Mode, models.StateCode) {}
func (Silent) Refused()                            {}

// tally is what became of an app's calls since this daemon began.
type tally struct {
	placed, gaveUp int64
	began          time.Time // of the first dialling after a pause
	recent         [paceOver]struct {
		second int64
		calls  int
	}
}

// paceOver is over how many seconds the pace is told.
const paceOver = 10

func (t *tally) dialled(now time.Time) {
	if t.pace(now) == 0 {
		t.began = now
	}
	t.placed++
	slot := &t.recent[now.Unix()%paceOver]
	if slot.second != now.Unix() {
		slot.second, slot.calls = now.Unix(), 0
	}
	slot.calls++
}

// pace is how many calls a second were dialled lately.
func (t *tally) pace(now time.Time) float64 {
	n := 0
	for _, s := range t.recent {
		if now.Unix()-s.second < paceOver {
			n += s.calls
		}
	}
	over := min(paceOver*time.Second, now.Sub(t.began)).Seconds()
	return float64(n) / max(1, over)
}
