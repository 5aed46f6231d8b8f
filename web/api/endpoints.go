package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"maskline/models"
)

// surface is one mode's part of the wire: its endpoints, and what its failures are called where domainResults would call them otherwise.
// A new mode is a file with its surface, and its name in surfaces.
type surface struct {
	mode      models.Mode // whose apps may call it; "" is every mode's
	results   map[models.Code]result
	endpoints []endpoint
}

// endpoint is one operation of the wire (spec/privatenumber.md §2).
type endpoint struct {
	method, path string
	read         func(a *api, ctx context.Context, r request) (work, error)
}

// surfaces is all that a signed request can ask for, but for the link to a recording, whose answer is no JSON. Mode X has no entry: it has
// no bindings, so that its apps get 1010040 from every surface of a mode.
var surfaces = []surface{axb}

// serve registers the surface behind the door. What it calls its failures is said first, since the door fails too.
func (s surface) serve(e *gin.Engine, a *api, door ...gin.HandlerFunc) {
	g := e.Group("", append([]gin.HandlerFunc{s.speak}, door...)...)
	if s.mode != "" {
		g.Use(only(s.mode))
	}
	for _, p := range s.endpoints {
		g.Handle(p.method, p.path, a.answer(func(ctx context.Context, r request) (work, error) { return p.read(a, ctx, r) }))
	}
}

const resultsKey = "maskline.results"

// speak is the middleware that lets refuseErr call failures as the surface does.
func (s surface) speak(c *gin.Context) {
	c.Set(resultsKey, s.results)
	c.Next()
}

// resultsOf is what the request's surface calls its failures; nil outside of one.
func resultsOf(c *gin.Context) map[models.Code]result {
	own, _ := c.Value(resultsKey).(map[models.Code]result)
	return own
}

// only lets apps of one mode pass.
func only(m models.Mode) gin.HandlerFunc {
	return func(c *gin.Context) {
		if callerOf(c).Mode != m {
			refuseErr(c, models.Fail(models.ModeMismatch, "", "the app is not of mode %s", m))
			return
		}
		c.Next()
	}
}
