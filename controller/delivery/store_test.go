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
	st, err := store.Open(ctx, store.Config{Driver: store.SQLite, DSN: filepath.Join(t.TempDir(), "maskline.db"),
		Keys: store.Keys{Current: "k", ByID: map[string][]byte{"k": make([]byte, 32)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	if err := st.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	tenant := models.Tenant{Name: "acme", SpID: "acme_pv", State: models.StateNormal}
	if err := st.CreateTenant(ctx, &tenant); err != nil {
		t.Fatal(err)
	}
	app := models.App{TenantID: tenant.ID, Name: "taxi", Key: "appkey1", Mode: models.ModeAXB, State: models.StateNormal, PushScheme: models.PushBoth,
		StatusURL: srv.URL + "/status", FeeURL: srv.URL + "/fee", Settings: models.AppSettings{PushNumberStatus: true, NumberStatusURL: srv.URL + "/numbers"}}
	if err := st.CreateApp(ctx, &app, "secret"); err != nil {
		t.Fatal(err)
	}
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
