package api

import (
	"sync"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"maskline/models"
)

// pace bounds the requests a second of each app. There are no more limiters than apps: only those who have signed are counted.
type pace struct {
	each  rate.Limit
	burst int
	over  result // the answer to one too many

	mu   sync.Mutex
	apps map[int64]*rate.Limiter
}

func newPace(each float64, burst int, code string) *pace {
	over := domainResults[models.FlowControl]
	over.code = code
	return &pace{each: rate.Limit(each), burst: burst, over: over, apps: map[int64]*rate.Limiter{}}
}

func (p *pace) allow(app int64) bool {
	p.mu.Lock()
	l, ok := p.apps[app]
	if !ok {
		l = rate.NewLimiter(p.each, p.burst)
		p.apps[app] = l
	}
	p.mu.Unlock()
	return l.Allow()
}

// keep is the middleware. A surface with a code of its own for this keeps it.
func (p *pace) keep(c *gin.Context) {
	if p.each > 0 && !p.allow(callerOf(c).ID) {
		over, own := resultsOf(c)[models.FlowControl]
		if !own {
			over = p.over
		}
		refuse(c, over)
		return
	}
	c.Next()
}
