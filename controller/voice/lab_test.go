package voice

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"maskline/controller/delivery"
	"maskline/esl"
	"maskline/models"
	"maskline/models/store"
	"maskline/models/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ann    = "+8613800000001"
	ben    = "+8613900000002"
	lineA  = "+867550000001"
	lineB  = "+867550000002"
	xLine  = "+8617000000009"
	second = time.Second
)

// lab is a store, switches and whatever dials, in virtual time.
type lab struct {
	*testing.T
	ctx      context.Context
	st       *store.Store
	tenant   models.Tenant
	app      models.App
	switches []*box
	trunks   []models.Trunk
	box      *outbox
	speaker  *speaker
	keys     int
	stops    []func()

	mu    sync.Mutex
	calls []dialled
	// What the dialling does.
	talk   func(models.Outgoing) time.Duration // how long a call is up; nil is 5 s
	refuse error                               // Place fails
	full   bool                                // Room says no
}

// dialled is a call that somebody would have been rung for.
type dialled struct {
	at  time.Time
	by  string // switch
	o   models.Outgoing
	end time.Time
}

// box is a switch as far as the Queue looks at one.
type box struct {
	esl.Switch
	name string
	mu   sync.Mutex
	up   bool
}

func (b *box) Name() string { return b.name }
func (b *box) Status() esl.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return esl.Status{Up: b.up, Core: b.name}
}

func (b *box) set(up bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up = up
}

func inLab(t *testing.T, test func(*lab)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		l := &lab{T: t, ctx: ctx, box: &outbox{}, speaker: &speaker{}, switches: []*box{{name: "sw1", up: true}},
			trunks: []models.Trunk{{Name: "carrier-a", Proxy: "127.0.0.1"}}}
		var err error
		l.must(storetest.Lay(file))
		l.st, err = store.Open(ctx, store.Config{Driver: store.SQLite, DSN: file, Keys: store.Keys{Current: "k", ByID: map[string][]byte{"k": make([]byte, 32)}}})
		l.must(err)
		defer func() {
			cancel()
			for _, stop := range l.stops {
				stop()
			}
			synctest.Wait()
			l.must(l.st.Close())
		}()
		l.tenant = models.Tenant{Name: "t", SpID: "sp1", State: models.StateNormal}
		l.must(l.st.CreateTenant(ctx, &l.tenant))
		l.app = l.newApp("key1", models.VoiceSettings{}, lineA, lineB)
		test(l)
	})
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) newApp(key string, v models.VoiceSettings, numbers ...string) models.App {
	l.Helper()
	app := models.App{TenantID: l.tenant.ID, Key: key, Name: key, Mode: models.ModeVoice, State: models.StateNormal, PushScheme: models.PushAKSK,
		StatusURL: "http://customer/status", FeeURL: "http://customer/fee", Record: true, Settings: models.AppSettings{Voice: v}}
	l.must(l.st.CreateApp(l.ctx, &app, "secret"))
	var list []models.Number
	for _, n := range numbers {
		list = append(list, models.Number{AppID: app.ID, Number: n, AreaCode: "0755", Kind: models.NumberDisplay})
	}
	l.must(l.st.AddNumbers(l.ctx, list))
	return app
}

// settings changes what an app may do.
func (l *lab) settings(app *models.App, v models.VoiceSettings) {
	l.Helper()
	app.Settings.Voice = v
	l.must(l.st.UpdateApp(l.ctx, app.ID, func(a *models.App) error { a.Settings.Voice = v; return nil }))
}

func (l *lab) seats() (list []Seat) {
	for i, b := range l.switches {
		list = append(list, Seat{Switch: b, Host: fmt.Sprint("host", i+1)})
	}
	return list
}

// queue makes a Queue with what dials for it.
func (l *lab) queue() *Queue {
	e := &engine{lab: l}
	e.q = New(Options{Store: l.st, Placer: e, Outbox: l.box, Speaker: l.speaker, Seats: l.seats(), Trunks: l.trunks})
	return e.q
}

// run runs a Queue until the stop that it gives.
func (l *lab) run(q *Queue) (stop func()) {
	ctx, cancel := context.WithCancel(l.ctx)
	done := make(chan struct{})
	go func() { defer close(done); q.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	l.stops = append(l.stops, stop)
	time.Sleep(second) // in which another daemon's pace runs out
	return stop
}

func (l *lab) desk(p Ports) *Desk {
	l.Helper()
	return NewDesk(DeskOptions{Store: l.st, Prompts: files{"sp1/hello.wav", "sp1/bye.wav", "sp2/secret.wav"}, Ports: p, Seats: l.seats()})
}

// files are tenants' approved prompts.
type files []string

func (f files) Find(spID, name string) (string, bool) {
	return "/prompts/" + spID + "/" + name, slices.Contains(f, spID+"/"+name)
}

// wait lets calls of an app wait, all accepted at the same time.
func (l *lab) wait(app models.App, n int, change func(*models.Outgoing)) (ids []string) {
	l.Helper()
	ids = make([]string, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		l.keys++
		o := waiting(app, l.keys)
		if change != nil {
			change(&o)
		}
		ids[i] = o.Session.ID
		wg.Go(func() { errs[i] = l.st.Enqueue(l.ctx, o, nil) })
	}
	wg.Wait()
	l.must(errors.Join(errs...))
	return ids
}

func waiting(app models.App, n int) models.Outgoing {
	leg, now := models.NewID(), time.Now().UTC().Add(time.Duration(n)*time.Microsecond)
	callee := models.MustParty(fmt.Sprintf("+86138%08d", n))
	return models.Outgoing{Priority: models.VoicePriority[models.ModeNotify], QueuedAt: now, GiveUpAt: now.Add(app.Settings.Voice.Patience()),
		Session: models.Session{ID: models.SessionID(leg, "host1"), LegA: leg, Host: "host1", TenantID: app.TenantID, AppID: app.ID, Mode: models.ModeNotify,
			Dialled: lineA, Caller: callee, Stage: models.StageQueued, StartedAt: now,
			Plan: models.Plan{Place: &models.Place{To: callee.Reveal(), Show: lineA, AnswerIn: time.Minute, Play: []models.Item{{Prompts: []string{"wait.wav"}}}}}}}
}

// engine dials for one Queue, as flow.Engine does: it takes the row first, and tells of the end.
type engine struct {
	*lab
	q *Queue
}

func (e *engine) Room() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.full
}

func (e *engine) Place(_ context.Context, sw esl.Switch, o models.Outgoing) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuse != nil {
		return e.refuse
	}
	go e.carry(sw, o)
	return nil
}

func (e *engine) carry(sw esl.Switch, o models.Outgoing) {
	s := o.Session
	defer func() { e.q.Ended(s) }()
	s.Stage, s.Switch = models.StagePlacing, sw.Name()
	at := time.Now()
	taken, err := e.st.Record(e.ctx, models.Change{Session: s, Take: true, Core: sw.Status().Core})
	if err != nil || !taken {
		s.Stage = models.StageQueued
		return
	}
	e.mu.Lock()
	i, talk := len(e.calls), 5*second
	if e.talk != nil {
		talk = e.talk(o)
	}
	e.calls = append(e.calls, dialled{at: at, by: sw.Name(), o: o})
	e.mu.Unlock()
	select {
	case <-time.After(talk):
	case <-e.ctx.Done():
		return
	}
	now := time.Now().UTC()
	s.Stage, s.EndedAt = models.StageEnded, now
	_, err = e.st.Record(e.ctx, models.Change{Session: s, CDR: &models.CDR{SessionID: s.ID, ICID: s.ID, TenantID: s.TenantID, AppID: s.AppID, Mode: s.Mode, EndAt: now, CompletedAt: now}})
	if err != nil && e.ctx.Err() == nil {
		e.Error(err)
	}
	e.mu.Lock()
	e.calls[i].end = now
	e.mu.Unlock()
}

// dialled are the calls so far, in the order in which they were dialled.
func (l *lab) dialled() []dialled {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := slices.Clone(l.calls)
	slices.SortStableFunc(list, func(a, b dialled) int { return a.at.Compare(b.at) })
	return list
}

// of are those of an app.
func of(list []dialled, app models.App) []dialled {
	return slices.DeleteFunc(slices.Clone(list), func(d dialled) bool { return d.o.Session.AppID != app.ID })
}

// once checks that nobody was dialled twice.
func (l *lab) once(want int) {
	l.Helper()
	seen := map[string]int{}
	for _, d := range l.dialled() {
		seen[d.o.Session.ID]++
	}
	for id, n := range seen {
		if n > 1 {
			l.Errorf("%s was dialled %d times", id, n)
		}
	}
	if len(seen) != want {
		l.Errorf("%d calls were dialled, not %d", len(seen), want)
	}
}

// most is the largest number of calls that began in one second, [t, t+1s).
func most(list []dialled) (n int) {
	for i := range list {
		j := i
		for j < len(list) && list[j].at.Sub(list[i].at) < second {
			j++
		}
		n = max(n, j-i)
	}
	return n
}

// atOnce is the largest number of calls that were up at the same time. One that ends when another begins is not counted with it.
func atOnce(list []dialled) (n int) {
	type edge struct {
		at time.Time
		by int
	}
	var edges []edge
	for _, d := range list {
		edges = append(edges, edge{d.at, 1})
		if !d.end.IsZero() {
			edges = append(edges, edge{d.end, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.by, b.by)) })
	up := 0
	for _, e := range edges {
		up += e.by
		n = max(n, up)
	}
	return n
}

// state is the code that a call ended with, as its CDR has it; -1 when it has none.
func (l *lab) state(id string) models.StateCode {
	c, err := l.st.CDR(l.ctx, id)
	if err != nil {
		return -1
	}
	return c.Fail
}

// outbox keeps what was handed to the courier.
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
	o.rows = append(o.rows, rows...)
}

// told are the pushes of a session: each event's type with its code, and "fee".
func (o *outbox) told(l *lab, id string) (list []string) {
	l.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range o.rows {
		if d.SessionID != id {
			continue
		}
		if d.Kind == models.DeliverCDR {
			list = append(list, "fee")
			continue
		}
		var body struct {
			EventType  string `json:"eventType"`
			StatusInfo struct {
				StateCode      int
				Caller, Called string
			} `json:"statusInfo"`
		}
		l.must(json.Unmarshal(d.Body, &body))
		list = append(list, fmt.Sprint(body.EventType, " ", body.StatusInfo.StateCode, " ", body.StatusInfo.Caller, " > ", body.StatusInfo.Called))
	}
	return list
}

// speaker takes its time, and fails for texts that say so.
type speaker struct {
	mu    sync.Mutex
	took  time.Duration
	texts []string
	atOne int // most at the same time
	now   int
}

var errMute = errors.New("the engine said nothing")

func (s *speaker) Speak(ctx context.Context, v models.Speech) (string, time.Duration, error) {
	s.mu.Lock()
	s.texts = append(s.texts, v.Text)
	s.now++
	s.atOne = max(s.atOne, s.now)
	took := s.took
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.now--; s.mu.Unlock() }()
	select {
	case <-time.After(took):
	case <-ctx.Done():
		return "", 0, ctx.Err()
	}
	if v.Text == "fails" {
		return "", 0, errMute
	}
	return "/cache/" + v.Text + ".wav", second, nil
}
