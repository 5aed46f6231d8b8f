package voice

import (
	"context"
	"sync"
	"time"

	"maskline/models"
)

// Lanes is into how many lanes the apps' queues are cut. A lane is what one daemon dials for, so that every pace and port of an app is kept in one
// place. The number does not change while calls wait.
const Lanes = 16

// Lane is the lane of an app's waiting calls, 0 to Lanes-1.
func Lane(appID int64) int { return int(appID % Lanes) }

// takeover is how long a lane that was another's waits: what he dialled last counts for the paces of this second.
const takeover = 2 * time.Second

// lanes are those that this daemon dials for; all of them unless they are leased.
type lanes struct {
	mu    sync.Mutex
	since map[int]time.Time
}

// Serve dials the waiting calls of a lane's apps until ctx ends. Those that were handed over by then are the Placer's. It needs Run beside it, and
// Options.Leased.
func (q *Queue) Serve(ctx context.Context, lane int) {
	q.lanes.mu.Lock()
	q.lanes.since[lane] = time.Now()
	q.lanes.mu.Unlock()
	tell(q.news)
	<-ctx.Done()
	q.lanes.mu.Lock()
	delete(q.lanes.since, lane)
	q.lanes.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, l := range q.lines {
		if Lane(id) == lane {
			l.forget()
		}
	}
}

// owns says whether an app's calls are this daemon's to dial, or to end when they have waited too long.
func (q *Queue) owns(appID int64) bool {
	if !q.o.Leased {
		return true
	}
	q.lanes.mu.Lock()
	defer q.lanes.mu.Unlock()
	_, ok := q.lanes.since[Lane(appID)]
	return ok
}

// takesFrom is from when an app's calls may be dialled here; false when they may not.
func (q *Queue) takesFrom(appID int64) (time.Time, bool) {
	if !q.o.Leased {
		return time.Time{}, true
	}
	q.lanes.mu.Lock()
	defer q.lanes.mu.Unlock()
	since, ok := q.lanes.since[Lane(appID)]
	return since.Add(takeover), ok
}

// forget drops what a line holds of calls that are another's now.
func (l *line) forget() { l.waiting, l.window, l.news = 0, nil, false }

// ours are the rows of apps that are this daemon's.
func (q *Queue) ours(list []models.Outgoing) []models.Outgoing {
	var out []models.Outgoing
	for _, o := range list {
		if q.owns(o.Session.AppID) {
			out = append(out, o)
		}
	}
	return out
}
