package admin

import (
	"time"

	"github.com/gin-gonic/gin"
)

// Daemon is one of the daemons that share the database, and what it has of the work.
type Daemon struct {
	Name        string    `json:"name"`
	State       string    `json:"state"` // up, draining, silent
	Version     string    `json:"version"`
	URL         string    `json:"url,omitempty"` // how others reach it; "" is not at all
	StartedAt   time.Time `json:"started_at"`
	SeenAt      time.Time `json:"seen_at"`
	Switches    []string  `json:"switches"`
	OutboxLanes int       `json:"outbox_lanes"`
	QueueLanes  int       `json:"queue_lanes"`
}

// listDaemons lists those that were seen in the last 24 hours: a few.
func (s *server) listDaemons(c *gin.Context) {
	var all []Daemon
	if s.Daemons != nil {
		var err error
		if all, err = s.Daemons(c.Request.Context()); err != nil {
			s.fail(c, err)
			return
		}
	}
	listed(s, c, inMemory(all), func(d Daemon) Daemon {
		if d.Switches == nil {
			d.Switches = []string{}
		}
		return d
	})
}
