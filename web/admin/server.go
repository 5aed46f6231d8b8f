package admin

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"io"
	"log/slog"
	"net/http"
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
	walkIn    = 30 * time.Minute // through all of a long list
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
	// News tells a tenant's contacts of what was done; it does not wait. Without it nobody is told.
	News  func(tenantID int64, kind models.Notice, subject, text string)
	Queue Queue // of calls that the platform places
	Jobs  Jobs  // what runs by itself
	// BalanceMoved looks at once whether a tenant's arrears begin or end; without it the job does. ExplainCharges says how a call's charges came about.
	BalanceMoved   func(ctx context.Context, tenantID int64) error
	ExplainCharges func(models.CDR, []models.Charge, ...models.PricePlan) string
	// Documents keeps what enterprises show. Forbidden are businesses beside models.ForbiddenBusinesses for which no number is given. EnterpriseFirst
	// lets only tenants order numbers whose enterprise is approved. CoolDown is how long a returned number rests.
	Documents       Documents
	Forbidden       []string
	EnterpriseFirst bool
	CoolDown        time.Duration
	Toll            models.Toll        // where all calls may go and what bounds each tenant's, but for his own
	Values          models.ValueLimits // of what templates are filled with
	Switches        []esl.Switch
	Daemons         func(ctx context.Context) ([]Daemon, error) // of this database; nil: none are known
	Trunks          []models.Trunk
	SessionLife     time.Duration // of a login; 0 is 12 hours
	Lock            Lock          // of failed logins
	Sim             http.Handler  // the control of a simulated switch, which serves /sim/calls and /sim/faults
	Log             *slog.Logger
}

type server struct {
	Options
	tokens      [][sha256.Size]byte
	permissions map[string]Permission // of the routes, by method and path
	lock        *lockout
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
	s := &server{Options: o, permissions: map[string]Permission{}, lock: newLockout(o.Lock)}
	store := narrowed{o.Store}
	s.Store = store
	if o.Shelf != nil {
		s.Shelf = narrowedShelf{o.Shelf, store}
	}
	if s.SessionLife <= 0 {
		s.SessionLife = sessionLife
	}
	for _, t := range o.Tokens {
		s.tokens = append(s.tokens, sha256.Sum256([]byte(t.Token)))
	}
	// Session ids and numbers stand in paths, percent-encoded.
	engine.UseRawPath, engine.UnescapePathValues = true, true
	engine.Use(serve.RequestID(), serve.AccessLog(o.Log),
		serve.Recover(o.Log, func(c *gin.Context) { s.fail(c, models.Fail(models.Internal, "", "the daemon failed")) }))
	s.route(engine.Group(Prefix, serve.Bound(bodyLimit, answerIn), s.authorise))
	upload := engine.Group(Prefix, serve.Bound(uploadLimit, soundIn), s.authorise)
	s.handle(upload, http.MethodPost, "/prompts", PromptsChange, s.addPrompt, outside)
	sound := engine.Group(Prefix, serve.Bound(bodyLimit, soundIn), s.authorise)
	s.handle(sound, http.MethodGet, "/prompts/:id/sound", PromptsView, s.hearPrompt)
	s.handle(sound, http.MethodPost, "/templates/:id/sound", PromptsView, s.hearTemplate, harmless)
	s.handle(sound, http.MethodGet, "/recordings/:name/sound", RecordingsHear, s.hearRecording)
	long := engine.Group(Prefix, serve.Bound(bodyLimit, walkIn), s.authorise)
	s.longAudits(long)
	s.routeExports(long)
	s.routeFiles(engine.Group(Prefix, serve.Bound(fileLimit, soundIn), s.authorise))
	sim := engine.Group(Prefix, serve.Bound(bodyLimit, simIn), s.authorise)
	s.handle(sim, http.MethodGet, "/sim/calls", PlatformChange, s.simulate)
	s.handle(sim, http.MethodPost, "/sim/calls", PlatformChange, s.simulate, outside)
	s.handle(sim, http.MethodPost, "/sim/faults", PlatformChange, s.simulate, outside)
	engine.NoRoute(func(c *gin.Context) { s.fail(c, models.Fail(models.NotFound, "", "there is no such route")) })
	engine.NoMethod(func(c *gin.Context) {
		c.JSON(http.StatusMethodNotAllowed, Failure{Code: models.Invalid, Message: "the route does not take this method"})
	})
	return engine, nil
}

func (s *server) route(g *gin.RouterGroup) {
	s.handle(g, http.MethodGet, "/openapi.yaml", Known, func(c *gin.Context) { c.Data(http.StatusOK, "application/yaml", openapi) })
	s.people(g)

	s.handle(g, http.MethodGet, "/tenants", TenantsView, s.listTenants)
	s.handle(g, http.MethodPost, "/tenants", TenantsChange, s.createTenant)
	s.handle(g, http.MethodGet, "/tenants/:tenant", TenantsView, s.showTenant)
	s.handle(g, http.MethodPatch, "/tenants/:tenant", TenantsChange, s.changeTenant)
	s.handle(g, http.MethodPut, "/tenants/:tenant/state", TenantsChange, s.setTenantState)
	s.routeToll(g)

	s.handle(g, http.MethodGet, "/apps", AppsView, s.listApps)
	s.handle(g, http.MethodPost, "/apps", AppsChange, s.createApp)
	s.handle(g, http.MethodGet, "/apps/:app", AppsView, s.showApp)
	s.handle(g, http.MethodPatch, "/apps/:app", AppsChange, s.changeApp)
	s.handle(g, http.MethodPost, "/apps/:app/secrets", AppsChange, s.addSecret)
	s.handle(g, http.MethodPost, "/apps/:app/test-push", AppsChange, s.testPush, outside)
	s.handle(g, http.MethodPost, "/keys/rotate", PlatformChange, s.reseal, outside)

	s.handle(g, http.MethodGet, "/numbers", NumbersView, s.listNumbers)
	s.handle(g, http.MethodPost, "/numbers", NumbersChange, s.addNumbers)
	s.handle(g, http.MethodGet, "/numbers/:number", NumbersView, s.showNumber)
	s.handle(g, http.MethodPut, "/numbers/:number/state", NumbersChange, s.setNumberState)

	s.handle(g, http.MethodGet, "/bindings", BindingsView, s.listBindings)
	s.handle(g, http.MethodGet, "/bindings/:id", BindingsView, s.showBinding)
	s.handle(g, http.MethodGet, "/explain", BindingsView, s.explain)

	s.handle(g, http.MethodGet, "/prompts", PromptsView, s.listPrompts)
	s.handle(g, http.MethodGet, "/prompts/:id", PromptsView, s.showPrompt)
	s.handle(g, http.MethodPost, "/prompts/:id/approve", PromptsReview, s.decidePrompt(Shelf.Approve), outside)
	s.handle(g, http.MethodPost, "/prompts/:id/reject", PromptsReview, s.decidePrompt(Shelf.Reject), outside)
	s.handle(g, http.MethodPost, "/prompts/:id/urge", PromptsChange, s.urgePrompt)
	s.handle(g, http.MethodDelete, "/prompts/:id", PromptsChange, s.removePrompt, outside)

	s.handle(g, http.MethodGet, "/templates", PromptsView, s.listTemplates)
	s.handle(g, http.MethodPost, "/templates", PromptsChange, s.addTemplate)
	s.handle(g, http.MethodGet, "/templates/:id", PromptsView, s.showTemplate)
	s.handle(g, http.MethodPost, "/templates/:id/try", PromptsView, s.tryTemplate, harmless)
	s.handle(g, http.MethodPost, "/templates/:id/approve", PromptsReview, s.decideTemplate(models.ReviewApproved))
	s.handle(g, http.MethodPost, "/templates/:id/reject", PromptsReview, s.decideTemplate(models.ReviewRejected))
	s.handle(g, http.MethodPost, "/templates/:id/urge", PromptsChange, s.urgeTemplate)
	s.handle(g, http.MethodDelete, "/templates/:id", PromptsChange, s.removeTemplate)

	s.handle(g, http.MethodGet, "/recordings", RecordingsView, s.listRecordings)
	s.handle(g, http.MethodGet, "/recordings/:name", RecordingsView, s.showRecording)
	s.handle(g, http.MethodDelete, "/recordings/:name", RecordingsRemove, s.removeRecording, outside)

	s.handle(g, http.MethodGet, "/queue", CallsView, s.listWaiting)
	s.handle(g, http.MethodGet, "/queue/progress", CallsView, s.listProgress)

	s.handle(g, http.MethodGet, "/calls", CallsView, s.listCalls)
	s.handle(g, http.MethodGet, "/calls/:session", CallsView, s.showCall)
	s.handle(g, http.MethodPost, "/calls/:session/stop", CallsStop, s.stopCall, outside)
	s.handle(g, http.MethodGet, "/cdrs", CDRsView, s.listCDRs)
	s.handle(g, http.MethodGet, "/cdrs/:session", CDRsView, s.showCDR)

	s.handle(g, http.MethodGet, "/deliveries", DeliveriesView, s.listDeliveries)
	s.handle(g, http.MethodGet, "/deliveries/dead", DeliveriesView, s.listDead)
	s.handle(g, http.MethodPost, "/deliveries/dead/files", PlatformChange, s.writeDead, outside)
	s.handle(g, http.MethodPost, "/deliveries/replay", DeliveriesReplay, s.replay, outside)

	s.handle(g, http.MethodGet, "/barred", BarredView, s.listBarred)
	s.handle(g, http.MethodPost, "/barred", BarredChange, s.bar)
	s.handle(g, http.MethodDelete, "/barred/:id", BarredChange, s.unbar)

	s.handle(g, http.MethodGet, "/daemons", PlatformView, s.listDaemons)
	s.handle(g, http.MethodGet, "/switches", PlatformView, s.listSwitches)
	s.handle(g, http.MethodPut, "/switches/:switch/state", PlatformChange, s.setSwitchState)
	s.handle(g, http.MethodGet, "/trunks", PlatformView, s.listTrunks)
	s.routeJobs(g)
	s.routePrices(g)
	s.routeMoney(g)
	s.routePackages(g)
	s.routeEntries(g)
	s.routeEnterprises(g)
	s.routeOrders(g)
	s.routeStock(g)
	s.routeHolders(g)
	s.routeContacts(g)
}

// simulate hands a request to the simulated switch of this daemon.
func (s *server) simulate(c *gin.Context) {
	if s.Sim == nil {
		s.fail(c, models.Fail(models.NotFound, "", "this daemon runs no simulated switch; set simulated: true on one of its switches"))
		return
	}
	http.StripPrefix(Prefix, s.Sim).ServeHTTP(c.Writer, c.Request)
}
