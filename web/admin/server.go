package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/esl"
	"maskline/models"
	"maskline/web/serve"
)

// Prefix begins every route.
const Prefix = "/admin/v1"

// The bounds of one request.
const (
	bodyLimit = 1 << 20          // bytes: a few ten thousand numbers
	answerIn  = 90 * time.Second // a re-seal or a test push may take its time
	soundIn   = 5 * time.Minute  // a recording over a slow line
	simIn     = 10 * time.Minute // a simulated call takes as long as its script
)

//go:embed openapi.yaml
var openapi []byte

// Token lets one operator in. Name is logged.
type Token struct{ Name, Token string }

// Options are what the API stands on. Store, Decide and Tokens are needed; where another is nil, its routes say that it is not there.
type Options struct {
	Store     Store
	Decide    func(models.Sight) models.Decision // who would be reached; explain uses it
	Tokens    []Token
	Numbering models.Numbering
	Stop      func(ctx context.Context, sessionID string) error
	TestPush  func(ctx context.Context, app models.App) (status int, took time.Duration, err error)
	// Tell makes the pushes by which an app's tenant learns how a number stands; Offer hands them to the courier once they are committed.
	// Without Tell nobody is told, without Offer the courier finds them by itself.
	Tell  func(models.App, models.Number) []models.Delivery
	Offer func([]models.Delivery)
	// DeadFiles writes the files of CDRs that died on a day (UTC) and gives how many it wrote.
	DeadFiles func(ctx context.Context, day time.Time) (int, error)
	// Shelf keeps prompts. Speak renders text and gives the file. OpenRecording opens a recording and gives its size, -1 where that is unknown.
	Shelf         Shelf
	Speak         func(ctx context.Context, speech models.Speech) (path string, length time.Duration, err error)
	OpenRecording func(ctx context.Context, name string) (io.ReadCloser, int64, error)
	// RemoveRecording removes a recording before its days are over, and notes it.
	RemoveRecording func(ctx context.Context, name string) error
	Queue           Queue              // of calls that the platform places
	Values          models.ValueLimits // of what templates are filled with
	Switches        []esl.Switch
	Trunks          []models.Trunk
	Sim             http.Handler // the control of a simulated switch, which serves /sim/calls and /sim/faults
	Log             *slog.Logger
}

type server struct {
	Options
	tokens [][sha256.Size]byte
}

// New makes the API's engine. The caller may add routes of its own outside Prefix.
func New(o Options) (*gin.Engine, error) {
	engine, err := serve.Engine(nil)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &server{Options: o}
	for _, t := range o.Tokens {
		s.tokens = append(s.tokens, sha256.Sum256([]byte(t.Token)))
	}
	// Session ids and numbers stand in paths, percent-encoded.
	engine.UseRawPath, engine.UnescapePathValues = true, true
	engine.Use(serve.RequestID(), serve.AccessLog(o.Log),
		serve.Recover(o.Log, func(c *gin.Context) { s.fail(c, models.Fail(models.Internal, "", "the daemon failed")) }))
	s.route(engine.Group(Prefix, serve.Bound(bodyLimit, answerIn), s.authorise))
	upload := engine.Group(Prefix, serve.Bound(uploadLimit, soundIn), s.authorise)
	upload.POST("/prompts", s.addPrompt)
	sound := engine.Group(Prefix, serve.Bound(bodyLimit, soundIn), s.authorise)
	sound.GET("/prompts/:id/sound", s.hearPrompt)
	sound.POST("/templates/:id/sound", s.hearTemplate)
	sound.GET("/recordings/:name/sound", s.hearRecording)
	sim := engine.Group(Prefix, serve.Bound(bodyLimit, simIn), s.authorise)
	sim.GET("/sim/calls", s.simulate)
	sim.POST("/sim/calls", s.simulate)
	sim.POST("/sim/faults", s.simulate)
	engine.NoRoute(func(c *gin.Context) { s.fail(c, models.Fail(models.NotFound, "", "there is no such route")) })
	engine.NoMethod(func(c *gin.Context) {
		c.JSON(http.StatusMethodNotAllowed, Failure{Code: models.Invalid, Message: "the route does not take this method"})
	})
	return engine, nil
}

func (s *server) route(g *gin.RouterGroup) {
	g.GET("/openapi.yaml", func(c *gin.Context) { c.Data(http.StatusOK, "application/yaml", openapi) })

	g.GET("/tenants", s.listTenants)
	g.POST("/tenants", s.createTenant)
	g.GET("/tenants/:tenant", s.showTenant)
	g.PATCH("/tenants/:tenant", s.changeTenant)
	g.PUT("/tenants/:tenant/state", s.setTenantState)

	g.GET("/apps", s.listApps)
	g.POST("/apps", s.createApp)
	g.GET("/apps/:app", s.showApp)
	g.PATCH("/apps/:app", s.changeApp)
	g.POST("/apps/:app/secrets", s.addSecret)
	g.POST("/apps/:app/test-push", s.testPush)
	g.POST("/keys/rotate", s.reseal)

	g.GET("/numbers", s.listNumbers)
	g.POST("/numbers", s.addNumbers)
	g.GET("/numbers/:number", s.showNumber)
	g.PUT("/numbers/:number/state", s.setNumberState)

	g.GET("/bindings", s.listBindings)
	g.GET("/bindings/:id", s.showBinding)
	g.GET("/explain", s.explain)

	g.GET("/prompts", s.listPrompts)
	g.GET("/prompts/:id", s.showPrompt)
	g.POST("/prompts/:id/approve", s.decidePrompt(Shelf.Approve))
	g.POST("/prompts/:id/reject", s.decidePrompt(Shelf.Reject))
	g.POST("/prompts/:id/urge", s.urgePrompt)
	g.DELETE("/prompts/:id", s.removePrompt)

	g.GET("/templates", s.listTemplates)
	g.POST("/templates", s.addTemplate)
	g.GET("/templates/:id", s.showTemplate)
	g.POST("/templates/:id/try", s.tryTemplate)
	g.POST("/templates/:id/approve", s.decideTemplate(models.ReviewApproved))
	g.POST("/templates/:id/reject", s.decideTemplate(models.ReviewRejected))
	g.POST("/templates/:id/urge", s.urgeTemplate)
	g.DELETE("/templates/:id", s.removeTemplate)

	g.GET("/recordings", s.listRecordings)
	g.GET("/recordings/:name", s.showRecording)
	g.DELETE("/recordings/:name", s.removeRecording)

	g.GET("/queue", s.listWaiting)
	g.GET("/queue/progress", s.listProgress)

	g.GET("/calls", s.listCalls)
	g.GET("/calls/:session", s.showCall)
	g.POST("/calls/:session/stop", s.stopCall)
	g.GET("/cdrs", s.listCDRs)
	g.GET("/cdrs/:session", s.showCDR)

	g.GET("/deliveries", s.listDeliveries)
	g.GET("/deliveries/dead", s.listDead)
	g.POST("/deliveries/dead/files", s.writeDead)
	g.POST("/deliveries/replay", s.replay)

	g.GET("/barred", s.listBarred)
	g.POST("/barred", s.bar)
	g.DELETE("/barred/:id", s.unbar)

	g.GET("/switches", s.listSwitches)
	g.GET("/trunks", s.listTrunks)
}

// operatorKey is where a request keeps the name of who asks.
const operatorKey = "operator"

// authorise lets a request with a known bearer token pass. Every token is compared, in constant time, so that the time taken tells
// nothing of which one was near.
func (s *server) authorise(c *gin.Context) {
	given, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(given)))
	who := -1
	for i := range s.tokens {
		if subtle.ConstantTimeCompare(sum[:], s.tokens[i][:]) == 1 {
			who = i
		}
	}
	if !ok || who < 0 {
		c.Header("WWW-Authenticate", `Bearer realm="maskline"`)
		c.AbortWithStatusJSON(http.StatusUnauthorized, Failure{Code: "unauthorised", Message: "send a token of admin.tokens as: Authorization: Bearer TOKEN"})
		return
	}
	serve.Note(c, "operator", s.Tokens[who].Name)
	c.Set(operatorKey, s.Tokens[who].Name)
	c.Next()
}

// simulate hands a request to the simulated switch of this daemon.
func (s *server) simulate(c *gin.Context) {
	if s.Sim == nil {
		s.fail(c, models.Fail(models.NotFound, "", "this daemon runs no simulated switch; set simulated: true on one of its switches"))
		return
	}
	http.StripPrefix(Prefix, s.Sim).ServeHTTP(c.Writer, c.Request)
}
