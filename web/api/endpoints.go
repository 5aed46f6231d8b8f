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

// surfaces are the modes' parts of the wire. Mode X has none: it has no bindings, and its apps get 1010040 from all of these. What is open to
// every mode, the stop of a call and the link to a recording, stands in New: it does more than read and write the database.
var surfaces = []surface{axb, ax, axe, axyb, voiceCalls}

// serve registers the surface's endpoints behind the door.
func (s surface) serve(e *gin.Engine, a *api, door ...gin.HandlerFunc) {
	g := s.group(e, door...)
	for _, p := range s.endpoints {
		g.Handle(p.method, p.path, a.answer(func(ctx context.Context, r request) (work, error) { return p.read(a, ctx, r) }))
	}
}

// group is where the surface's handlers stand. What it calls its failures is said before the door, since the door fails too.
func (s surface) group(e *gin.Engine, door ...gin.HandlerFunc) *gin.RouterGroup {
	g := e.Group("", append([]gin.HandlerFunc{s.speak}, door...)...)
	if s.mode != "" {
		g.Use(only(s.mode))
	}
	return g
}

const resultsKey = "maskline.results"

// speak is the middleware that lets refuseErr call failures as the surface does.
func (s surface) speak(c *gin.Context) {
	c.Set(resultsKey, s.results)
	c.Next()
}

// byProduct is the middleware by which what is open to every mode speaks to an app of ModeVoice in its own product's words, from where the app is
// known on: 1010023 is flow control in one, and a wrong display number in the other.
func byProduct(c *gin.Context) {
	if callerOf(c).Mode == models.ModeVoice {
		c.Set(resultsKey, voiceResults)
	}
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
