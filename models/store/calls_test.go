package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"maskline/models"
)

func (h *house) session(id string) models.Session {
	return models.Session{ID: id, LegA: "leg", Switch: "fs1", Host: "host1", TenantID: h.tenant.ID, AppID: h.app.ID, BindingID: "b", Mode: models.ModeAXB,
		Side: models.SideA, Dialled: x1, Caller: alice, Callee: bob, Plan: models.Plan{Connect: &models.Connect{To: bob.Reveal(), Show: x1, AnswerIn: time.Minute}},
		Stage: models.StageRouting, StartedAt: h.clock.Now()}
}

func event(session string, typ models.EventType) models.CallEvent {
	return models.CallEvent{SessionID: session, Key: string(typ), Type: typ, Caller: alice, Called: bob, At: newClock().Now()}
}

func (h *house) push(session, key string, kind models.DeliveryKind) models.Delivery {
	return models.Delivery{AppID: h.app.ID, SessionID: session, Key: key, Kind: kind, URL: "https://example.com", Body: []byte(`{"k":"` + key + `"}`), CreatedAt: h.clock.Now()}
}

// end is the change that ends a session.
func (h *house) end(id string) models.Change {
	v := h.session(id)
	v.Stage, v.EndedAt = models.StageEnded, h.clock.Now()
	cdr := models.CDR{SessionID: id, ICID: "ic-" + id, TenantID: v.TenantID, AppID: v.AppID, X: x1, Caller: alice, Callee: bob, Display: x1, Mode: models.ModeAXB,
		Direction: 1, CallInAt: v.StartedAt, EndAt: v.EndedAt, Fail: models.CalleeBusy, Q850: 17, Record: true, Source: models.SourceEvents, CompletedAt: v.EndedAt}
	return models.Change{Session: v, Events: []models.CallEvent{event(id, models.EventDisconnect)}, CDR: &cdr,
		Deliveries: []models.Delivery{h.push(id, "disconnect", models.DeliverEvent), h.push(id, "cdr", models.DeliverCDR)}}
}

func (h *house) record(t testing.TB, ch models.Change) bool {
	t.Helper()
	return must[bool](t)(h.Record(context.Background(), ch))
}

func (h *house) keys(t testing.TB, session string) string {
	t.Helper()
	var out []string
	for _, e := range must[[]models.CallEvent](t)(h.Events(context.Background(), session)) {
		out = append(out, e.Key)
	}
	list, _, err := h.Deliveries(context.Background(), DeliveryFilter{SessionID: session}, models.Page{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		out = append(out, "→"+list[len(list)-1-i].Key)
	}
	return strings.Join(out, " ")
}

func TestRecordACall(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		v := h.session("s1")
		in := models.Change{Session: v, Events: []models.CallEvent{event("s1", models.EventCallIn)}, Deliveries: []models.Delivery{h.push("s1", "callin", models.DeliverEvent)}}
		for range 2 {
			if !h.record(t, in) {
				t.Fatal("not applied")
			}
		}
		if got := h.keys(t, "s1"); got != "callin →callin" {
			t.Errorf("a repeated event: %s", got)
		}
		if got := must[models.Session](t)(h.Session(ctx, "s1")); !reflect.DeepEqual(got, v) {
			t.Errorf("read %+v, want %+v", got, v)
		}
		// An event recorded without a push stays without, if it is told again with one.
		ring := models.Change{Session: v, Events: []models.CallEvent{event("s1", models.EventAlerting)}}
		h.record(t, ring)
		ring.Deliveries = []models.Delivery{h.push("s1", "alerting", models.DeliverEvent)}
		h.record(t, ring)
		// A delivery's key holds without its event too, and lets its neighbours through.
		h.record(t, models.Change{Session: v, Deliveries: []models.Delivery{h.push("s1", "callin", models.DeliverEvent), h.push("s1", "answer", models.DeliverEvent)}})
		end := h.end("s1")
		if !h.record(t, end) {
			t.Fatal("the end is not applied")
		}
		want := "callin alerting disconnect →callin →answer →disconnect →cdr"
		if got := h.keys(t, "s1"); got != want {
			t.Errorf("recorded %s, want %s", got, want)
		}
		if h.record(t, end) || h.record(t, in) {
			t.Error("something was applied after the end")
		}
		if got := h.keys(t, "s1"); got != want {
			t.Errorf("recorded %s after the end, want %s", got, want)
		}
		cdr := must[models.CDR](t)(h.CDR(ctx, "s1"))
		end.CDR.ID = cdr.ID
		if cdr != *end.CDR {
			t.Errorf("read %+v, want %+v", cdr, *end.CDR)
		}
		for f, want := range map[CDRFilter]int{{TenantID: h.tenant.ID}: 1, {AppID: 99}: 0, {Caller: alice, X: x1}: 1, {Callee: alice}: 0, {SessionID: "s1"}: 1, {Since: h.clock.Now().Add(1e9)}: 0} {
			if _, total, err := h.CDRs(ctx, f, models.Page{}); err != nil || total != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, total, want, err)
			}
		}
	})
}

func TestRecordRefusesWhatCannotBe(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	noEnd, other, stranger := h.end("s1"), h.end("s1"), h.end("s1")
	noEnd.Session.EndedAt = time.Time{}
	other.CDR.SessionID = "s2"
	stranger.Events[0].SessionID = "s2"
	for name, ch := range map[string]models.Change{"no end": noEnd, "another's cdr": other, "another's event": stranger, "no id": {}} {
		if applied, err := h.Record(context.Background(), ch); err == nil || applied {
			t.Errorf("%s: recorded", name)
		}
	}
}

func TestSessions(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		for i := range 7 {
			h.clock.advance(time.Second)
			v := h.session(fmt.Sprintf("s%d", i))
			v.Switch = []string{"fs1", "fs2"}[i%2]
			h.record(t, models.Change{Session: v})
		}
		ended := h.end("s0")
		h.record(t, ended)
		for _, tt := range []struct {
			f    SessionFilter
			want int
		}{
			{SessionFilter{}, 7}, {SessionFilter{Live: true}, 6}, {SessionFilter{Switch: "fs2", AppID: h.app.ID}, 3}, {SessionFilter{Caller: bob}, 0},
			{SessionFilter{Callee: bob, TenantID: h.tenant.ID}, 7}, {SessionFilter{Since: h.clock.Now()}, 2}, {SessionFilter{Until: h.clock.Now()}, 5},
		} {
			if _, total, err := h.Sessions(ctx, tt.f, models.Page{}); err != nil || total != tt.want {
				t.Errorf("%+v finds %d, want %d (%v)", tt.f, total, tt.want, err)
			}
		}
		live := must[[]models.Session](t)(h.LiveSessions(ctx, "fs1"))
		if len(live) != 3 || live[0].ID != "s2" {
			t.Errorf("live on fs1: %+v", live)
		}
	})
}

func TestGroupCommit(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		var wg sync.WaitGroup
		const calls = 150
		var mu sync.Mutex
		ends := map[string]int{}
		for i := range calls {
			id := fmt.Sprintf("s%d", i)
			for range 2 { // each end is told twice
				wg.Go(func() {
					applied, err := h.Record(context.Background(), h.end(id))
					mu.Lock()
					defer mu.Unlock()
					if applied {
						ends[id]++
					}
					if err != nil {
						t.Errorf("%s: %v", id, err)
					}
				})
			}
		}
		wg.Wait()
		for i := range calls {
			id := fmt.Sprintf("s%d", i)
			if ends[id] != 1 {
				t.Errorf("%s ended %d times", id, ends[id])
			}
			if got := h.keys(t, id); got != "disconnect →disconnect →cdr" {
				t.Errorf("%s recorded %s", id, got)
			}
		}
	})
}

// TestBadChangeFailsAlone puts a change that the database refuses between good ones of one group, whatever the database.
func TestBadChangeFailsAlone(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		if err := h.write.Exec("DROP TABLE cdrs").Error; err != nil { // a change with a CDR is bad now
			t.Fatal(err)
		}
		group := []*pending{}
		for i := range 5 {
			id := fmt.Sprintf("s%d", i)
			ch := models.Change{Session: h.session(id), Events: []models.CallEvent{event(id, models.EventCallIn)}}
			if i == 2 {
				ch = h.end(id)
			}
			group = append(group, &pending{work: h.workOf(ch), done: make(chan struct{})})
		}
		h.commits.commit(group)
		for i, p := range group {
			<-p.done
			if bad := i == 2; (p.err != nil) != bad || p.applied == bad {
				t.Errorf("change %d: applied %v, %v", i, p.applied, p.err)
			}
			_, err := h.Session(context.Background(), fmt.Sprintf("s%d", i))
			if stored := err == nil; stored != (i != 2) {
				t.Errorf("change %d: stored %v", i, stored)
			}
		}
	})
}

// TestCloseCommitsWhatWaits closes the store among many recorders: what Record said yes to is on disk, the rest was told no.
func TestCloseCommitsWhatWaits(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		again := open(t, cfg)
		var wg sync.WaitGroup
		var mu sync.Mutex
		said := map[string]bool{}
		begun := make(chan struct{}, 100)
		for i := range 100 {
			wg.Go(func() {
				id := fmt.Sprintf("s%d", i)
				begun <- struct{}{}
				applied, err := h.Record(context.Background(), h.end(id))
				if err != nil && !errors.Is(err, ErrClosed) {
					t.Errorf("%s: %v", id, err)
				}
				mu.Lock()
				said[id] = applied
				mu.Unlock()
			})
		}
		for range 50 {
			<-begun
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		for id, yes := range said {
			if _, err := again.CDR(context.Background(), id); (err == nil) != yes {
				t.Errorf("%s: said %v, stored %v", id, yes, err == nil)
			}
		}
		if _, err := h.Record(context.Background(), h.end("late")); !errors.Is(err, ErrClosed) {
			t.Errorf("after close: %v", err)
		}
	})
}

func TestGone(t *testing.T) {
	for want, list := range map[bool][]error{
		true:  {ErrBusy, context.DeadlineExceeded, mysql.ErrInvalidConn, driver.ErrBadConn, &net.OpError{Op: "dial", Err: errors.New("refused")}},
		false: {gorm.ErrDuplicatedKey, &mysql.MySQLError{Number: 1406}, errors.New("other")},
	} {
		for _, err := range list {
			if got := gone(fmt.Errorf("record: %w", err)); got != want {
				t.Errorf("%v: gone is %v", err, got)
			}
		}
	}
}

// TestDeadDatabaseFailsTheGroupAtOnce kills the connections under a group: every change is told, none is stored.
func TestDeadDatabaseFailsTheGroupAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		for _, p := range h.pools {
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if applied, err := h.Record(context.Background(), h.end(fmt.Sprintf("s%d", i))); err == nil || applied {
					t.Errorf("change %d: applied %v, %v", i, applied, err)
				}
			})
		}
		wg.Wait()
	})
}

func TestRecordStopsWaiting(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if applied, err := h.Record(ctx, h.end("s1")); applied && err != nil || err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("applied %v, %v", applied, err)
	}
}

// TestTwoDaemonsEndOneCall lets two stores on one database end the same calls: each call ends once.
func TestTwoDaemonsEndOneCall(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		other := open(t, cfg)
		var mu sync.Mutex
		ends := map[string]int{}
		var wg sync.WaitGroup
		for i := range 40 {
			for _, s := range []*Store{h.Store, other} {
				wg.Go(func() {
					id := fmt.Sprintf("s%d", i)
					applied, err := s.Record(context.Background(), h.end(id))
					if err != nil {
						t.Errorf("%s: %v", id, err)
					}
					mu.Lock()
					defer mu.Unlock()
					if applied {
						ends[id]++
					}
				})
			}
		}
		wg.Wait()
		for i := range 40 {
			if id := fmt.Sprintf("s%d", i); ends[id] != 1 || h.keys(t, id) != "disconnect →disconnect →cdr" {
				t.Errorf("%s ended %d times and recorded %s", id, ends[id], h.keys(t, id))
			}
		}
	})
}
