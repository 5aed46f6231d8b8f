package api

import (
	"sync"
	"sync/atomic"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"maskline/models"
)

// Why a request was one too many, for Options.Limited.
const (
	OverRate   = "rate"    // more a second than the app may make
	OverAtOnce = "at_once" // more at once than may be under way
)

// flow bounds the requests a second of each app, and the requests under way. What is too much is answered at once: nobody waits for a place, so
// however slow the database is, no more than so many requests hold memory and wait for it, each no longer than its time.
type flow struct {
	Options
	under atomic.Int64 // requests under way

	mu   sync.Mutex
	apps map[int64]*share // no more than there are apps: only those who have signed are counted
}

// share is one app's part.
type share struct {
	pace  *rate.Limiter
	under int
}

func newFlow(o Options) *flow { return &flow{Options: o, apps: map[int64]*share{}} }

// crowd is the middleware before anything is looked up, the app itself among it.
func (f *flow) crowd(c *gin.Context) {
	defer f.under.Add(-1)
	if f.under.Add(1) > int64(f.AtOnce) {
		f.refuse(c, OverAtOnce)
		return
	}
	c.Next()
}

// keep is the middleware once the app is known.
func (f *flow) keep(c *gin.Context) {
	app := callerOf(c).ID
	if why := f.enter(app); why != "" {
		f.refuse(c, why)
		return
	}
	defer f.leave(app)
	c.Next()
}

func (f *flow) enter(app int64) (why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.apps[app]
	if s == nil {
		s = &share{pace: rate.NewLimiter(rate.Limit(f.Rate), f.Burst)}
		f.apps[app] = s
	}
	switch {
	case s.under >= max(1, f.AtOnce/2):
		return OverAtOnce
	case f.Rate > 0 && !s.pace.Allow():
		return OverRate
	}
	s.under++
	return ""
}

func (f *flow) leave(app int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.apps[app].under--
}

// refuse answers in the words of the surface. Before the app is known, what is open to every mode says it as most of them do.
func (f *flow) refuse(c *gin.Context, why string) {
	f.Limited(why)
	over, own := resultsOf(c)[models.FlowControl]
	if own {
		over.code = f.VoiceFlowCode
	} else {
		over = domainResults[models.FlowControl]
		over.code = f.FlowCode
	}
	refuse(c, over)
}
