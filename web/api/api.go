package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"maskline/controller/media"
	"maskline/models"
	"maskline/models/store"
	"maskline/web/serve"
)

// The paths of the wire (spec/privatenumber.md §2), and the download that a recording's Location leads to.
const (
	pathAXB      = "/rest/caas/relationnumber/partners/v1.0"
	pathRecord   = "/rest/provision/voice/record/v1.0"
	pathDownload = media.DownloadPath
)

// Store is what the API asks of the database. Operations are atomic; called with the context that Once gives, they join its transaction.
type Store interface {
	Credentials
	axStore
	axeStore
	axybStore
	voiceStore
	Bind(ctx context.Context, r store.BindRequest) (models.Binding, error)
	Unbind(ctx context.Context, appID int64, by store.UnbindBy) (int, error)
	Modify(ctx context.Context, appID int64, id string, change func(*models.Binding) error) (models.Binding, error)
	Bindings(ctx context.Context, f store.BindingFilter, page models.Page) ([]models.Binding, int, error)
	Number(ctx context.Context, number string) (models.Number, error)
	Session(ctx context.Context, id string) (models.Session, error)
	CDRs(ctx context.Context, f store.CDRFilter, page models.Page) ([]models.CDR, int, error)
	Recording(ctx context.Context, name string) (models.Recording, error)
	Once(ctx context.Context, key store.ReplyKey, window time.Duration,
		do func(ctx context.Context) (status int, body []byte, err error)) (status int, body []byte, replayed bool, err error)
}

// Prompts finds tone files that a tenant may name.
type Prompts interface {
	Find(spID, name string) (path string, ok bool)
}

// Options is what New needs. Store is needed, the rest has defaults.
type Options struct {
	Store      Store
	Prompts    Prompts    // nil: no tone file exists
	Recordings Recordings // nil: no recording exists
	Stopper    Stopper    // ends calls on a tenant's order; nil: no call is live
	Waiting    Stopper    // ends calls that wait to be placed; nil: none waits
	Desk       Desk       // accepts calls to be placed; nil: no app may ask for them (1010040)
	Numbering  models.Numbering
	// International lets parties have numbers outside Numbering's country.
	International bool
	// CityOfMobile finds the city code of a mobile number, for binds that name neither relationNum nor areaCode. Nil: no mobile's city is
	// known, and such a bind is told to name one.
	CityOfMobile func(ctx context.Context, number string) (area string, ok bool)
	Auth         Auth
	// ReplayWindow is how long the answers to requests that change something are kept for repeats of them. It is never less than a signature
	// can be accepted: see Auth.Believable.
	ReplayWindow time.Duration
	Rate         float64 // requests a second and app; 0 is 200, below 0 unbounded
	Burst        int     // requests at once; 0 is twice Rate
	// AtOnce bounds the requests under way, of all apps; one app may have half of it. Downloads of recordings have a bound of their own, as
	// large. 0 is 512.
	AtOnce        int
	FlowCode      string           // resultcode of a request beyond Rate or AtOnce; "" is 1010023
	VoiceFlowCode string           // the same in VoiceCall's words; "" is 1010010
	Limited       func(why string) // hears of each such request, OverRate or OverAtOnce; nil: nobody does
	// TrustedProxies are the addresses and prefixes whose X-Forwarded-For is believed; none by default.
	TrustedProxies []string
	BodyLimit      int64         // bytes; 0 is 64 kB
	Timeout        time.Duration // for one request; 0 is 10 s
	KeepAlive      bool          // keep connections open, against the wire's habit of short ones
	LinkBase       string        // scheme and host of links to recordings; "" is as the request came
	LinkLife       time.Duration // how long they hold; 0 is three days (spec/privatenumber.md §5)
	Log            *slog.Logger  // nil is slog.Default
}

func (o Options) withDefaults() Options {
	o.Auth = o.Auth.withDefaults()
	o.ReplayWindow = max(o.ReplayWindow, o.Auth.Believable())
	if o.Rate == 0 {
		o.Rate = 200
	}
	o.Burst = orElse(o.Burst, max(1, int(2*o.Rate)))
	o.BodyLimit = orElse(o.BodyLimit, 64<<10)
	o.Timeout = orElse(o.Timeout, 10*time.Second)
	o.LinkLife = orElse(o.LinkLife, 72*time.Hour)
	o.AtOnce = orElse(o.AtOnce, 512)
	if o.FlowCode == "" {
		o.FlowCode = domainResults[models.FlowControl].code
	}
	if o.VoiceFlowCode == "" {
		o.VoiceFlowCode = voiceResults[models.FlowControl].code
	}
	if o.Limited == nil {
		o.Limited = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// api answers the routes.
type api struct {
	Options
	numbers numbers
}

// New makes the handler of the tenant API. Only malformed TrustedProxies fail.
func New(o Options) (http.Handler, error) {
	o = o.withDefaults()
	a := &api{Options: o, numbers: numbers{Numbering: o.Numbering, abroad: o.International, cityOfMobile: o.CityOfMobile}}
	e, err := serve.Engine(o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	e.Use(serve.RequestID(), serve.AccessLog(o.Log), serve.Recover(o.Log, func(c *gin.Context) { refuse(c, internalError) }),
		serve.Bound(o.BodyLimit, o.Timeout))
	if !o.KeepAlive {
		e.Use(serve.ShortConnections())
	}
	e.NoMethod(func(c *gin.Context) { refuse(c, invalidAPI) })

	flow, enter := newFlow(o), newDoor(o.Auth, o.Store).enter
	for _, s := range surfaces {
		s.serve(e, a, flow.crowd, enter, flow.keep)
	}
	stop := calls.group(e, flow.crowd, enter, byProduct, flow.keep)
	for _, path := range pathsCallStop {
		stop.POST(path, a.stopCall)
	}
	e.Group("", flow.crowd, enter, byProduct, flow.keep).GET(pathRecord, a.recordLink)
	loads := e.Group("", newFlow(o).crowd)
	loads.GET(pathDownload+":name", a.download)
	loads.HEAD(pathDownload+":name", a.download)
	return e, nil
}
