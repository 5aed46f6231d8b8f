package flow

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"maskline/controller/delivery"
	"maskline/controller/media"
	"maskline/controller/spool"
	"maskline/esl/freeswitch"
	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
	"maskline/models/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ann   = "+8613800000001"
	ben   = "+8613900000002"
	eve   = "+8613700000003"
	xLine = "+8617000000009"
)

// lab is a switch, a database and an engine in one bubble of virtual time.
type lab struct {
	*testing.T
	ctx     context.Context
	sw      *sim.Switch
	st      *store.Store
	app     models.App
	box     *outbox
	spool   string
	trunks  []models.Trunk
	recDir  string
	logs    *lines
	daemons int
	x, y    string // numbers of the app that mode made
	ask     Asker
	drain   time.Duration // of the daemons that are started next
	file    string        // of the database
	adapter *freeswitch.Switch
	ends    chan models.Session // of placed calls
	tune    func(*Engine)       // of the daemons that are started next
	voice   Speaker
	purse   Purse
	observe Observe
	binding models.Binding
}

// inLab runs a test in virtual time. The zero options are a switch with one trusted trunk.
func inLab(t *testing.T, o sim.Options, test func(*lab)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		o.CDR.Spool = filepath.Join(dir, "spool")
		l := &lab{T: t, ctx: ctx, sw: sim.New(o), box: &outbox{}, spool: o.CDR.Spool, file: filepath.Join(dir, "test.db"), recDir: filepath.Join(dir, "rec"), logs: &lines{}, drain: time.Minute, ends: make(chan models.Session, 100),
			trunks: []models.Trunk{{Name: "carrier-a", Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Proxy: "127.0.0.1:5090", TrustCaller: true}}}
		defer func() {
			if err := l.sw.Close(); err != nil {
				t.Error(err)
			}
		}()
		l.must(storetest.Lay(l.file))
		var err error
		l.st, err = store.Open(ctx, store.Config{Driver: store.SQLite, DSN: l.file, Keys: store.Keys{Current: "k", ByID: map[string][]byte{"k": make([]byte, 32)}}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := l.st.Close(); err != nil {
				t.Error(err)
			}
		}()
		tenant := models.Tenant{Name: "t", SpID: "sp1", State: models.StateNormal, CreatedAt: time.Now()}
		l.must(l.st.CreateTenant(ctx, &tenant))
		l.app = models.App{TenantID: tenant.ID, Key: "key1", Name: "rides", Mode: models.ModeAXB, State: models.StateNormal, PushScheme: models.PushAKSK,
			StatusURL: "http://customer/status", FeeURL: "http://customer/fee", Record: true, CreatedAt: time.Now()}
		l.must(l.st.CreateApp(ctx, &l.app, "secret"))
		l.must(l.st.AddNumbers(ctx, []models.Number{{TenantID: tenant.ID, AppID: l.app.ID, Number: xLine, AreaCode: "0755", State: models.NumberNormal, CreatedAt: time.Now()}}))
		test(l)
	})
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) bind(s models.BindingSettings) models.Binding {
	l.Helper()
	b, err := l.st.Bind(l.ctx, store.BindRequest{App: l.app, Where: store.Where{X: xLine}, A: models.MustParty(ann), B: models.MustParty(ben), Settings: s})
	l.must(err)
	return b
}

// daemon starts an engine with its connection to the switch and gives two ways to end it: stop drains, kill lets nothing finish.
func (l *lab) daemon() (e *Engine, stop func()) {
	l.Helper()
	l.daemons++
	prompts, err := media.New("", "../../conf/prompts/zh")
	l.must(err)
	recordings, err := media.NewRecordings(media.RecordingsOptions{Dir: l.recDir, Key: make([]byte, 32)})
	l.must(err)
	e = New(Options{Store: l.st, Outbox: l.box, Prompts: prompts, Recordings: recordings, Trunks: l.trunks, Ask: l.ask, Speech: l.voice, Purse: l.purse, Observe: l.observe, Owner: fmt.Sprintf("d%d", l.daemons),
		Log: slog.New(slog.NewTextHandler(l.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if l.tune != nil {
		l.tune(e)
	}
	records, err := spool.Open(spool.Options{Dir: filepath.Join(l.spool, "own"), Hosts: []string{"sw1"}, Others: []spool.Other{{Dir: l.spool, Host: "sw1"}}, Report: e.Report, Later: e.ReportLater, Log: e.Log})
	l.must(err)
	adapter := freeswitch.New(freeswitch.Options{Name: "sw1", Password: "ClueCon", Dial: func(context.Context) (net.Conn, error) { return l.sw.Dial() }})
	l.adapter = adapter
	e.OnPlacedEnd(func(s models.Session) {
		select {
		case l.ends <- s:
		default:
		}
	})
	ctx, cancel := context.WithCancel(l.ctx)
	drain := l.drain
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx, drain); err != nil {
			l.Error(err)
		}
	})
	synctest.Wait()
	wg.Go(func() { _ = adapter.Run(ctx, e.On(adapter, "sw1")) })
	wg.Go(func() { records.Run(ctx) })
	time.Sleep(100 * time.Millisecond)
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	l.Cleanup(stop)
	return e, stop
}

// call places a call and waits for its end and its CDR.
func (l *lab) call(c sim.Caller) (a *sim.Line, r models.CDR) {
	l.Helper()
	a = l.dial(c)
	return a, l.record(a)
}

func (l *lab) dial(c sim.Caller) *sim.Line {
	l.Helper()
	line, err := l.sw.Call(c)
	l.must(err)
	return line
}

// record waits for the end of a call and gives its CDR.
func (l *lab) record(a *sim.Line) models.CDR {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.ctx, 24*time.Hour)
	defer cancel()
	l.must(a.Wait(ctx))
	return l.written(a)
}

// written gives the CDR of a call that has ended, waiting for it half a minute.
func (l *lab) written(a *sim.Line) models.CDR {
	l.Helper()
	for range 60 {
		if c, err := l.st.CDR(l.ctx, models.SessionID(a.Leg, "sw1")); err == nil {
			return c
		}
		time.Sleep(500 * time.Millisecond)
	}
	l.Fatalf("no CDR of %s; log:\n%s", a.Leg, l.logs)
	return models.CDR{}
}

// told gives what was pushed of a session, as "callin +8613… > +8617…".
func (l *lab) told(sessionID string) []string {
	l.Helper()
	var out []string
	for _, d := range l.box.of(sessionID) {
		var body struct {
			EventType  string `json:"eventType"`
			StatusInfo struct {
				Caller, Called string
				StateCode      *int
			} `json:"statusInfo"`
		}
		l.must(json.Unmarshal(d.Body, &body))
		s := body.EventType
		if d.Kind == models.DeliverCDR {
			s = "cdr"
		} else {
			s += " " + body.StatusInfo.Caller + " > " + body.StatusInfo.Called
		}
		if body.StatusInfo.StateCode != nil {
			s += fmt.Sprint(" ", *body.StatusInfo.StateCode)
		}
		out = append(out, s)
	}
	return out
}

// outbox is the pushes in the order in which they were handed on.
type outbox struct {
	mu   sync.Mutex
	rows []models.Delivery
}

func (*outbox) Event(a models.App, s models.Session, e models.CallEvent) (models.Delivery, bool) {
	return delivery.Event(a, s, e)
}

func (*outbox) CDR(a models.App, spID string, s models.Session, c models.CDR) (models.Delivery, bool) {
	return delivery.CDR(a, spID, s, c)
}

func (o *outbox) Offer(rows []models.Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows = append(o.rows, slices.DeleteFunc(slices.Clone(rows), func(d models.Delivery) bool { return d.ID == 0 })...)
}

func (o *outbox) of(sessionID string) (out []models.Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range o.rows {
		if d.SessionID == sessionID {
			out = append(out, d)
		}
	}
	return out
}

// lines gathers the log.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (w *lines) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *lines) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

func (l *lab) spoolIsEmpty() {
	l.Helper()
	left, err := filepath.Glob(filepath.Join(l.spool, "*.json"))
	l.must(err)
	if len(left) > 0 {
		l.Errorf("the spool holds %d records", len(left))
	}
}
