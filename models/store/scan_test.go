package store

import (
	"context"
	"database/sql"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"maskline/models"
)

// statementLog collects what the store asks the database.
type statementLog struct {
	mu   sync.Mutex
	list []asked
}

type asked struct {
	sql  string
	args []any
}

func (l *statementLog) watch(t *testing.T, db *gorm.DB) {
	t.Helper()
	note := func(tx *gorm.DB) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = append(l.list, asked{tx.Statement.SQL.String(), append([]any{}, tx.Statement.Vars...)})
	}
	if err := db.Callback().Row().After("gorm:row").Register("note", note); err != nil {
		t.Fatal(err)
	}
	if err := db.Callback().Raw().After("gorm:raw").Register("note", note); err != nil {
		t.Fatal(err)
	}
}

var (
	statement   = regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE)`)
	scanOfTable = regexp.MustCompile(`^SCAN (\w+)$`)
	sortOfRows  = regexp.MustCompile(`USE TEMP B-TREE FOR ORDER BY`)
	// Lists without a filter walk the primary key and stop at their LIMIT.
	unfiltered = regexp.MustCompile(`FROM \w+ t  ORDER BY t.(id|seq) DESC LIMIT`)
	// Few rows to sort: two routes, an app's secrets, what came with one nonce, what belongs to one session or one number, the black lists'
	// entries of one person, the prompts of one name.
	fewRows = regexp.MustCompile(`FROM \(SELECT 1|app_secrets|nonce_hash|t.session_id = \?|t.x = \?|t.party = \?|t.name = \?`)
	// Small by what they are: q is the one row that outer joins start from, counted is bounded by its LIMIT; p are the priorities, d the apps
	// with calls that wait, counted in outgoing_depth by one row each.
	small = []string{"q", "counted", "p", "d", "outgoing_depth"}
)

// TestNothingScans runs the store's methods and asks SQLite for the plan of every statement: none reads a table from end to end, and
// none that pages through many rows sorts them. MySQL gets the same statements on the same indexes.
func TestNothingScans(t *testing.T) {
	e := newEstate(t, sqliteConfig(t))
	h := e.house
	var log statementLog
	log.watch(t, h.read)
	log.watch(t, h.write)
	h.askEverything(t)
	e.askModes(t)
	e.askVoice(t)
	log.explain(t, h.write)
	if len(log.list) < 200 {
		t.Errorf("only %d statements were seen", len(log.list))
	}
}

// explain asks SQLite for the plan of every statement that was seen.
func (l *statementLog) explain(t *testing.T, db *gorm.DB) {
	t.Helper()
	for _, q := range slices.Clone(l.list) {
		if !statement.MatchString(q.sql) {
			continue
		}
		err := each(db.Session(&gorm.Session{NewDB: true}), func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			if m := scanOfTable.FindStringSubmatch(detail); m != nil && !slices.Contains(small, m[1]) && !unfiltered.MatchString(q.sql) {
				t.Errorf("%s\n\tof %s", detail, q.sql)
			}
			if sortOfRows.MatchString(detail) && !fewRows.MatchString(q.sql) {
				t.Errorf("%s\n\tof %s", detail, q.sql)
			}
			return nil
		}, "EXPLAIN QUERY PLAN "+q.sql, q.args...)
		if err != nil {
			t.Errorf("%s: %v", q.sql, err)
		}
	}
}

// askEverything calls what runs while calls run, and every list by each of its keys.
func (h *house) askEverything(t *testing.T) {
	t.Helper()
	ctx, now, page := context.Background(), h.clock.Now(), models.Page{Limit: 1}
	b := h.bind(t, x1, alice, bob, 60)
	h.bind(t, x2, carol, dave, 60)
	auto := h.request("", models.MustParty("+8613800000011"), models.MustParty("+8613800000012"))
	auto.Area = "0755"
	chosen := must[models.Binding](t)(h.Bind(ctx, auto))
	auto.Area, auto.A = "", models.MustParty("+8613800000013")
	must[models.Binding](t)(h.Bind(ctx, auto))
	must[models.Sight](t)(h.Sight(ctx, x1, alice, models.NoExtension))
	must[models.Sight](t)(h.SightAt(ctx, x1, alice, models.NoExtension, now.Add(-time.Hour)))
	must[models.Binding](t)(h.Modify(ctx, h.app.ID, b.ID, func(b *models.Binding) error { b.B = models.MustParty("+8613800000014"); return nil }))
	must[int](t)(h.Unbind(ctx, h.app.ID, UnbindBy{SubscriptionID: chosen.ID}))
	h.clock.advance(time.Hour)
	must[int](t)(h.ExpireBindings(ctx, 10))
	if _, _, _, err := h.Credentials(ctx, "key-1"); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := h.once(ctx, replyKey("n", ""), h.request(x1, alice, bob)); err != nil {
		t.Fatal(err)
	}
	oneUse := replyKey("n2", "")
	oneUse.OneUse = true
	if _, _, _, err := h.once(ctx, oneUse, h.request(x2, alice, bob)); err != nil {
		t.Fatal(err)
	}
	must[bool](t)(h.NonceUsed(ctx, "key-1", "n", replyKey("m", "")))
	must[int](t)(h.PruneReplies(ctx, now, 10))
	must[int](t)(h.Unbind(ctx, h.app.ID, UnbindBy{X: x1}))
	h.record(t, models.Change{Session: h.session("s0")})
	h.record(t, h.end("s1"))
	must[[]models.Session](t)(h.LiveSessions(ctx, "fs1"))
	wantCode(t, h.dial("toll", models.Limits{AtOnce: 9, PerHour: 9, PerDay: 9, Minutes: 9}), "")
	must[models.Limits](t)(h.TollUsed(ctx, h.tenant.ID))
	h.endCounted(t, "toll", time.Minute)
	must[[]models.CallEvent](t)(h.Events(ctx, "s1"))
	must[models.CDR](t)(h.CDR(ctx, "s1"))
	waiting := must[[]models.Delivery](t)(h.WaitingDeliveries(ctx, 0, nil, 10))
	if err := h.SaveAttempt(ctx, waiting); err != nil {
		t.Fatal(err)
	}
	must[[]models.Delivery](t)(h.DueDeliveries(ctx, now, nil, 10))
	must[[]models.Delivery](t)(h.DeadCDRs(ctx, now, h.app.ID, 0, 10))
	must[int](t)(h.Replay(ctx, DeliveryFilter{SessionID: "s1"}))
	h.list(t, page)
}

// askModes calls what the other modes and the risk rules have.
func (e *estate) askModes(t *testing.T) {
	t.Helper()
	ctx, page := context.Background(), models.Page{Limit: 1}
	turn := func(b *models.Binding) error { b.Direction = models.OnlyAToB; return nil }
	later := func(b *models.Binding) error { b.BindTime = 9; return nil }
	fine := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	ax := must[models.Binding](t)(e.BindAX(ctx, AXRequest{App: e.ax, Where: Where{Area: "0755", Loose: true}, A: alice}))
	must[models.Binding](t)(e.SetTemp(ctx, e.ax.ID, AXBy{X: ax.X}, bob, time.Minute))
	must[models.Binding](t)(e.ModifyAX(ctx, e.ax.ID, AXBy{SubscriptionID: ax.ID}, turn))
	v := e.session("temp")
	v.Dialled, v.Caller, v.Callee = ax.X, alice, bob
	e.record(t, models.Change{Session: v, Exclusive: true, UseTemp: true})
	axe := must[models.Binding](t)(e.BindAXE(ctx, AXERequest{App: e.axe, Where: Where{Area: "0755"}, A: alice}))
	must[models.Binding](t)(e.BindAXE(ctx, AXERequest{App: e.axe, Where: Where{Area: "010"}, A: alice, Extension: "3"}))
	v.ID, v.Dialled, v.Caller, v.Callee, v.BindingID = "back", axe.X, bob, alice, axe.ID
	e.record(t, models.Change{Session: v, CallBack: true})
	must[models.Binding](t)(e.ModifyAXE(ctx, e.axe.ID, AXEBy{X: axe.X, Extension: axe.Extension}, later))
	must[models.Sight](t)(e.Sight(ctx, axe.X, bob, axe.Extension))
	e.clock.advance(time.Second)
	must[models.Binding](t)(e.BindAXE(ctx, AXERequest{App: e.axe, Where: Where{X: axe.X}, A: alice}))
	e.clock.advance(10 * time.Hour)
	must[models.Sight](t)(e.Sight(ctx, axe.X, alice, models.NoExtension))
	must[models.Sight](t)(e.SightAt(ctx, axe.X, alice, models.NoExtension, e.clock.Now()))
	xy := must[models.Binding](t)(e.BindAXYB(ctx, AXYBRequest{App: e.axyb, Where: Where{Area: "0755"}, A: alice}))
	must[models.Binding](t)(e.BindYB(ctx, e.axyb.ID, xy.ID, bob, Where{Area: "0755", Loose: true}, models.BindingSettings{Lifetime: 60}))
	must[models.Binding](t)(e.AllocateY(ctx, xy.ID, carol))
	if _, _, err := e.Bindings(ctx, BindingFilter{Parent: xy.ID}, page); err != nil {
		t.Error(err)
	}
	e.clock.advance(time.Hour)
	must[int](t)(e.ExpireBindings(ctx, 10))
	fine(e.UnbindAXYB(ctx, e.axyb.ID, AXYBBy{SubscriptionID: xy.ID}))
	fine(e.UnbindAX(ctx, e.ax.ID, AXBy{X: ax.X}))
	if _, _, err := e.SetNumberState(ctx, ax.X, models.NumberUnavailable, 2, nil); err != nil {
		t.Error(err)
	}
	e.heed(t, models.Risk{BlackLists: models.WatchRefuse, Direction: models.WatchRefuse, TestDial: models.WatchRefuse, Frequency: models.WatchRefuse, PerCaller: 1,
		PerCallee: 1, PerNumber: 1})
	e.bind(t, x3, alice, bob, 0)
	e.conductOf(t, x3, alice)
	b := models.Barred{Kind: models.BarCaller, Party: alice, AppID: e.app.ID}
	fine(e.Bar(ctx, &b))
	for _, f := range []BarredFilter{{}, {AppID: 1}, {TenantID: 1}, {Party: alice}, {Kind: models.BarCaller, AppID: 1}} {
		_, _, err := e.BarredList(ctx, f, page)
		fine(err)
	}
	fine(e.Unbar(ctx, b.ID))
}

// askVoice calls what placed calls, reviews and recordings have.
func (e *estate) askVoice(t *testing.T) {
	t.Helper()
	ctx, now := context.Background(), e.clock.Now()
	v := &voices{house: e.house}
	v.voice = v.voiceApp(t, "voice-1")
	fine := func(_ int, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	caps := []Cap{{"app:1", models.CallCap{PerHour: 9, PerDay: 9}, models.AppTooOften}}
	for range 2 {
		fine(0, e.Enqueue(ctx, v.call(v.voice, 1), caps))
	}
	o, cancelled := v.enqueue(t, v.voice, 0), v.enqueue(t, v.voice, 1)
	must[[]models.Outgoing](t)(e.QueueHead(ctx, v.voice.ID, QueueMark{}, 2))
	must[[]models.Outgoing](t)(e.QueueHead(ctx, v.voice.ID, MarkOf(o), 9))
	must[int](t)(e.QueueDepth(ctx, v.voice.ID))
	must[[]QueueApp](t)(e.QueueApps(ctx))
	must[[]models.Outgoing](t)(e.QueueExpired(ctx, now, 9))
	e.record(t, taking(o, "fs1"))
	must[[]models.Outgoing](t)(e.Taken(ctx, "fs1"))
	must[[]models.Session](t)(e.PlacedLive(ctx))
	must[bool](t)(e.Requeue(ctx, o.Session.LegA))
	e.record(t, taking(o, "fs1"))
	e.record(t, models.Change{Session: taking(o, "fs1").Session, Placed: true})
	e.record(t, v.givingUp(cancelled))
	for _, f := range []OutgoingFilter{{}, {AppID: 1}, {TenantID: 1}, {State: models.OutgoingTaken}, {AppID: 1, State: models.OutgoingQueued},
		{TenantID: 1, State: models.OutgoingQueued}, {AppID: 1, TenantID: 1}} {
		_, n, err := e.OutgoingList(ctx, f, models.Page{Limit: 1})
		fine(n, err)
	}
	must[[]models.Number](t)(e.DisplayNumbers(ctx, v.voice.ID))
	fine(0, e.SetTenantCalls(ctx, e.tenant.ID, models.CallCap{}))
	e.askReviews(t, fine)
	e.recorded(t, "recorded", time.Minute)
	must[[]models.Recording](t)(e.WaitingRecordings(ctx, 9))
	must[[]models.Delivery](t)(e.HeldDeliveries(ctx, 9))
	fine(0, e.SetRecording(ctx, models.Recording{Name: "recorded.wav", State: models.RecordingKept}))
	_, _, err := e.ReleaseDelivery(ctx, "recorded", nil, &models.CDR{})
	fine(0, err)
	for _, f := range []RecordingFilter{{}, {AppID: 1}, {TenantID: 1}, {SessionID: "s"}, {State: models.RecordingKept}, {State: models.RecordingKept, Until: now},
		{Until: now}, {AppID: 1, Until: now}, {AppID: 1, State: models.RecordingKept}} {
		_, n, err := e.RecordingsOf(ctx, f, models.Page{Limit: 1})
		fine(n, err)
	}
}

func (e *estate) askReviews(t *testing.T, fine func(int, error)) {
	t.Helper()
	ctx := context.Background()
	e.approved(t, "a.wav")
	p := e.approved(t, "a.wav")
	fine(0, e.UrgePrompt(ctx, e.upload(t, "a.wav").ID))
	fine(0, e.RemovePrompt(ctx, p.ID, "rita", ""))
	for _, f := range []PromptFilter{{}, {TenantID: 1}, {State: models.ReviewWaiting}, {State: models.ReviewWaiting, Urgent: true}, {TenantID: 1, Name: "a.wav"}, {Name: "a.wav"},
		{TenantID: 1, State: models.ReviewApproved}, {TenantID: 1, Urgent: true}} {
		_, n, err := e.PromptsOf(ctx, f, models.Page{Limit: 1})
		fine(n, err)
	}
	v := models.Template{TenantID: e.tenant.ID, Name: "n", Content: "x"}
	fine(0, e.AddTemplate(ctx, &v))
	fine(0, e.UrgeTemplate(ctx, v.ID))
	must[models.Template](t)(e.DecideTemplate(ctx, v.ID, models.ReviewApproved, "rita", ""))
	fine(0, e.RemoveTemplate(ctx, v.ID, "rita", ""))
	for _, f := range []TemplateFilter{{}, {TenantID: 1}, {State: models.ReviewWaiting}, {State: models.ReviewWaiting, Urgent: true}, {TenantID: 1, State: models.ReviewApproved}} {
		_, n, err := e.Templates(ctx, f, models.Page{Limit: 1})
		fine(n, err)
	}
}

func (h *house) list(t *testing.T, page models.Page) {
	t.Helper()
	ctx, now := context.Background(), h.clock.Now()
	var errs []error
	note := func(_ int, err error) { errs = append(errs, err) }
	for _, f := range []BindingFilter{{}, {AppID: 1}, {AppID: 1, Open: true}, {TenantID: 1}, {X: x1, Open: true}, {X: x1, A: alice, Open: true}, {A: alice}, {B: bob}, {SubscriptionID: "s"},
		{AppID: 1, A: alice, Open: true}, {AppID: 1, A: alice}, {AppID: 1, X: x1, Open: true}, {AppID: 1, Y: x1, Open: true}, {AppID: 1, Mode: models.ModeAX, Open: true},
		{X: x1, Extension: "1"}} {
		_, n, err := h.Bindings(ctx, f, page)
		note(n, err)
	}
	for _, f := range []SessionFilter{{}, {AppID: 1}, {TenantID: 1}, {Switch: "fs1"}, {Caller: alice}, {Callee: bob}, {Since: now, Until: now}, {AppID: 1, Since: now}} {
		_, n, err := h.Sessions(ctx, f, page)
		note(n, err)
	}
	for _, f := range []CDRFilter{{}, {AppID: 1}, {TenantID: 1}, {SessionID: "s"}, {Caller: alice}, {Callee: bob}, {X: x1}, {AppID: 1, Since: now}} {
		_, n, err := h.CDRs(ctx, f, page)
		note(n, err)
	}
	for _, f := range []DeliveryFilter{{}, {AppID: 1}, {Since: now}, {AppID: 1, Since: now}} {
		_, n, err := h.Deliveries(ctx, f, page)
		note(n, err)
	}
	for _, f := range []NumberFilter{{}, {AppID: 1}, {TenantID: 1}, {AppID: 1, Kind: models.NumberDisplay}} {
		_, n, err := h.Numbers(ctx, f, page)
		note(n, err)
	}
	_, n, err := h.PastRoutes(ctx, PastRouteFilter{Dialled: x1, Caller: alice}, page)
	note(n, err)
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}
