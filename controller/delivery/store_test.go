package delivery

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// The whole way over the real store: a change is committed, its pushes are offered, and their outcome is in the database. A second
// Courier finds what the first had not done.
func TestOverTheRealStore(t *testing.T) {
	ctx := context.Background()
	got := make(chan string, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- r.URL.Path + " " + string(b)
	}))
	defer srv.Close()
	st, tenant, app := openStore(t, models.App{Name: "taxi", Key: "appkey1", Mode: models.ModeAXB, State: models.StateNormal, PushScheme: models.PushBoth,
		StatusURL: srv.URL + "/status", FeeURL: srv.URL + "/fee", Settings: models.AppSettings{PushNumberStatus: true, NumberStatusURL: srv.URL + "/numbers"}})
	options := Options{Store: st, Allow: loopback, Log: slog.New(slog.DiscardHandler), BatchWait: time.Millisecond}
	c := New(options)
	call(t, st, c, app, tenant, "before@h") // before Run: found by the scan
	run(c, func() {
		expect(t, got, `/status {"eventType":"callin"`, `/status {"eventType":"disconnect"`, `/fee {"eventType":"fee"`)
		call(t, st, c, app, tenant, "during@h")
		expect(t, got, `/status {"eventType":"callin"`, `/status {"eventType":"disconnect"`, `/fee {"eventType":"fee"`)
	})
	run(c, func() {
		for _, d := range NumberStatus(app, []NumberItem{{numberX, models.NumberUnavailable, 2}}) {
			if err := st.AddDelivery(ctx, &d); err != nil {
				t.Fatal(err)
			}
			c.Offer([]models.Delivery{d})
		}
		expect(t, got, `/numbers {"eventType":"numStatus","numInfo":[{"number":"+8617000000009","status":"10","cause":"2"}]}`)
	})
	done, n, err := st.Deliveries(ctx, store.DeliveryFilter{State: models.DeliveryDone}, models.Page{})
	if err != nil || n != 7 {
		t.Fatalf("%d deliveries are done: %v, %v", n, done, err)
	}
	if _, err := st.Replay(ctx, store.DeliveryFilter{SessionID: "during@h", Kind: models.DeliverEvent}); err != nil {
		t.Fatal(err)
	}
	run(New(options), func() {
		expect(t, got, `/status {"eventType":"callin"`, `/status {"eventType":"disconnect"`)
	})
	if _, n, err = st.Deliveries(ctx, store.DeliveryFilter{State: models.DeliveryDone}, models.Page{}); err != nil || n != 7 {
		t.Errorf("after the replay %d are done, %v", n, err)
	}
}

// A notification over the real store: its CDR is held with the end of the call, and goes once it is released, with the body it was given then.
func TestHeldOverTheRealStore(t *testing.T) {
	ctx := context.Background()
	got := make(chan string, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- r.URL.Path + " " + string(b)
	}))
	defer srv.Close()
	st, tenant, app := openStore(t, models.App{Name: "calls", Key: "appkey2", Mode: models.ModeVoice, State: models.StateNormal, PushScheme: models.PushAKSK,
		StatusURL: srv.URL + "/status"})
	c := New(Options{Store: st, Allow: loopback, Log: slog.New(slog.DiscardHandler), BatchWait: time.Millisecond})
	now := time.Now()
	s := models.Session{ID: "notify@h", LegA: "notify", TenantID: tenant.ID, AppID: app.ID, Mode: models.ModeNotify, Dialled: numberX, Caller: models.MustParty(numberA),
		Stage: models.StageEnded, StartedAt: now, EndedAt: now, Plan: models.Plan{Place: &models.Place{FeeURL: srv.URL + "/own"}}}
	record := models.CDR{SessionID: s.ID, ICID: models.PlacedICID(s.ID, now), TenantID: tenant.ID, AppID: app.ID, Mode: s.Mode, X: numberX, Caller: s.Caller, EndAt: now, CompletedAt: now}
	e := models.CallEvent{SessionID: s.ID, Key: "disconnect", Type: models.EventDisconnect, At: now, Caller: models.MustParty(numberX), Called: s.Caller}
	told, _ := c.Event(app, s, e)
	billed, _ := c.CDR(app, tenant.SpID, s, record)
	billed.State, billed.DueAt = models.DeliveryHeld, now.Add(time.Minute)
	change := models.Change{Session: s, Events: []models.CallEvent{e}, CDR: &record, Deliveries: []models.Delivery{told, billed}}
	if applied, err := st.Record(ctx, change); err != nil || !applied {
		t.Fatalf("record: %v, %v", applied, err)
	}
	run(c, func() {
		c.Offer(change.Deliveries)
		expect(t, got, `/status {"eventType":"disconnect"`)
		record.Fail = models.RecordingFailed
		d, released, err := st.ReleaseDelivery(ctx, s.ID, c.Record(app, tenant.SpID, record), &record)
		if err != nil || !released {
			t.Fatalf("release: %v, %v", released, err)
		}
		c.Offer([]models.Delivery{d})
		expect(t, got, `/own {"eventType":"fee","feeLst":[{"direction":0,"spId":"acme_pv","appKey":"appkey2","icid":"CAE-`)
	})
	done, n, err := st.Deliveries(ctx, store.DeliveryFilter{State: models.DeliveryDone}, models.Page{})
	if err != nil || n != 2 {
		t.Fatalf("%d deliveries are done: %v, %v", n, done, err)
	}
	if body := string(done[0].Body) + string(done[1].Body); !strings.Contains(body, `"ulFailReason":8015`) {
		t.Errorf("pushed %s", body)
	}
}

// openStore makes a store with a tenant and an app.
func openStore(t testing.TB, app models.App) (*store.Store, models.Tenant, models.App) {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Config{Driver: store.SQLite, DSN: filepath.Join(t.TempDir(), "maskline.db"),
		Keys: store.Keys{Current: "k", ByID: map[string][]byte{"k": make([]byte, 32)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if err := st.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	tenant := models.Tenant{Name: "acme", SpID: "acme_pv", State: models.StateNormal}
	if err := st.CreateTenant(ctx, &tenant); err != nil {
		t.Fatal(err)
	}
	app.TenantID = tenant.ID
	if err := st.CreateApp(ctx, &app, "secret"); err != nil {
		t.Fatal(err)
	}
	return st, tenant, app
}

// run runs a Courier while do does.
func run(c *Courier, do func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx)
	}()
	do()
	cancel()
	<-done
}

func expect(t *testing.T, got <-chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case g := <-got:
			if !strings.HasPrefix(g, w) {
				t.Fatalf("received %s, want %s…", g, w)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("nothing received, want %s…", w)
		}
	}
}

// call commits a call of two changes and offers their pushes, as the call flow does.
func call(t *testing.T, st *store.Store, c *Courier, app models.App, tenant models.Tenant, id string) {
	t.Helper()
	now := time.Now()
	s := models.Session{ID: id, LegA: id, TenantID: tenant.ID, AppID: app.ID, Mode: models.ModeAXB, Dialled: numberX,
		Caller: models.MustParty(numberA), Stage: models.StageRouting, StartedAt: now}
	step := func(ch models.Change, typ models.EventType) {
		t.Helper()
		e := models.CallEvent{SessionID: id, Key: string(typ), Type: typ, At: now, Caller: s.Caller, Called: models.MustParty(numberX)}
		ch.Session, ch.Events = s, []models.CallEvent{e}
		if d, ok := c.Event(app, s, e); ok {
			ch.Deliveries = append(ch.Deliveries, d)
		}
		if ch.CDR != nil {
			d, _ := c.CDR(app, tenant.SpID, s, *ch.CDR)
			ch.Deliveries = append(ch.Deliveries, d)
		}
		if applied, err := st.Record(context.Background(), ch); err != nil || !applied {
			t.Fatalf("record: %v, %v", applied, err)
		}
		c.Offer(ch.Deliveries)
	}
	step(models.Change{}, models.EventCallIn)
	s.Stage, s.EndedAt = models.StageEnded, now
	step(models.Change{CDR: &models.CDR{SessionID: id, ICID: id, TenantID: tenant.ID, AppID: app.ID, Mode: models.ModeAXB, X: numberX, Caller: s.Caller,
		CallInAt: now, EndAt: now, CompletedAt: now}}, models.EventDisconnect)
}
