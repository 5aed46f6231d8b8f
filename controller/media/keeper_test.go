package media

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskline/controller/delivery"
	"maskline/models"
	"maskline/models/store"
)

// rest is a database with recorded calls, and a keeper.
type rest struct {
	testing.TB
	st     *store.Store
	r      *Recordings
	dir    string
	app    models.App
	mu     sync.Mutex
	sent   []models.Delivery // what the courier was offered
	states []models.RecordingState
	late   int
}

func (h *rest) Record(app models.App, spID string, c models.CDR) []byte {
	return delivery.Fee{}.Record(app, spID, c)
}

func (h *rest) Offer(committed []models.Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, committed...)
}

func (h *rest) Settled(s models.RecordingState, _ time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.states = append(h.states, s)
}
func (h *rest) Late()       { h.mu.Lock(); defer h.mu.Unlock(); h.late++ }
func (h *rest) Waiting(int) {}

func newRest(t *testing.T, o RecordingsOptions) *rest {
	t.Helper()
	h := &rest{TB: t}
	h.r, h.dir = recordings(t, o)
	var err error
	h.st, err = store.Open(t.Context(), store.Config{Driver: store.SQLite, DSN: filepath.Join(t.TempDir(), "test.db"), Keys: store.Keys{Current: "k", ByID: map[string][]byte{"k": make([]byte, 32)}}})
	h.must(err)
	t.Cleanup(func() { h.must(h.st.Close()) })
	h.must(h.st.Migrate(t.Context()))
	tenant := models.Tenant{Name: "t", SpID: "sp1", State: models.StateNormal}
	h.must(h.st.CreateTenant(t.Context(), &tenant))
	h.app = models.App{TenantID: tenant.ID, Key: "APPKEY", Name: "app", Mode: models.ModeAXB, State: models.StateNormal, PushScheme: models.PushAKSK, Record: true, FeeURL: "https://tenant.example/fee"}
	h.must(h.st.CreateApp(t.Context(), &h.app, "secret"))
	return h
}

func (h *rest) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *rest) keeper() *Keeper {
	return NewKeeper(KeeperOptions{Store: h.st, Outbox: h, Recordings: h.r, Observe: h})
}

// call commits the end of a recorded call at now, which waits for its file for a minute.
func (h *rest) call(session string, talk time.Duration, now time.Time, edit ...func(*models.Change)) models.Recording {
	h.Helper()
	now = now.UTC().Truncate(time.Microsecond)
	began := now.Add(-talk)
	name := h.r.Name(began, session)
	s := models.Session{ID: session, LegA: session, AppID: h.app.ID, TenantID: h.app.TenantID, Mode: models.ModeAXB, RecordAs: name, StartedAt: began, EndedAt: now, Stage: models.StageEnded}
	c := models.CDR{SessionID: session, ICID: session, AppID: h.app.ID, TenantID: h.app.TenantID, Mode: models.ModeAXB, CallInAt: began, AnswerAt: began, EndAt: now, Record: true, RecordAt: began, RecordFile: name, CompletedAt: now}
	ch := models.Change{Session: s, CDR: &c, Recording: &models.Recording{Name: name, SessionID: session, AppID: h.app.ID, TenantID: h.app.TenantID, Switch: "sw1", State: models.RecordingWaiting, BeganAt: began, WaitUntil: now.Add(time.Minute)}}
	d, _ := delivery.Fee{}.CDR(h.app, "sp1", s, c)
	d.State, d.DueAt = models.DeliveryHeld, now.Add(time.Minute)
	ch.Deliveries = []models.Delivery{d}
	for _, e := range edit {
		e(&ch)
	}
	if applied, err := h.st.Record(h.Context(), ch); err != nil || !applied {
		h.Fatalf("record the call: %t, %v", applied, err)
	}
	if ch.Recording == nil {
		return models.Recording{Name: name}
	}
	return *ch.Recording
}

// lands puts a file where the switch records, changed at that time.
func (h *rest) lands(name string, b []byte, at time.Time) {
	h.Helper()
	h.must(os.Chtimes(recordInto(h.TB.(*testing.T), h.dir, name, b), at, at))
}

// told is what the tenant is told of a recording, or "" while the push waits.
func (h *rest) told(session string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := ""
	for _, d := range h.sent {
		if d.SessionID != session {
			continue
		}
		var v struct {
			Flag int    `json:"recordFlag"`
			Name string `json:"recordObjectName"`
			Fail int    `json:"ulFailReason"`
		}
		h.must(json.Unmarshal(d.Body, &v))
		if out != "" {
			out += "; again: "
		}
		out += fmt.Sprintf("flag %d, named %t, fail %d, %s", v.Flag, v.Name != "", v.Fail, d.State)
	}
	return out
}

func (h *rest) state(name string) models.RecordingState {
	h.Helper()
	rec, err := h.st.Recording(h.Context(), name)
	h.must(err)
	return rec.State
}

const (
	toldKept    = "flag 1, named true, fail 0, waiting"
	toldNothing = "flag 0, named false, fail 0, waiting"
	toldMissing = "flag 0, named false, fail 8015, waiting"
)

func TestKeeper(t *testing.T) {
	const never = -1 * time.Second
	for name, c := range map[string]struct {
		talk    time.Duration
		file    []byte
		lands   time.Duration // after the end of the call
		edit    func(*models.Change)
		settles time.Duration // when the push goes
		told    string
		state   models.RecordingState
	}{
		"there at once":                    {10 * time.Second, stereo(10 * time.Second), 0, nil, 0, toldKept, models.RecordingKept},
		"comes after 20 s":                 {10 * time.Second, stereo(10 * time.Second), 20 * time.Second, nil, 20 * time.Second, toldKept, models.RecordingKept},
		"does not come":                    {10 * time.Second, nil, never, nil, time.Minute, toldMissing, models.RecordingMissing},
		"comes too late":                   {10 * time.Second, stereo(10 * time.Second), 61 * time.Second, nil, time.Minute, toldMissing, models.RecordingKept},
		"two seconds of talk":              {2 * time.Second, nil, never, nil, 0, toldNothing, models.RecordingShort},
		"not answered after all":           {0, nil, never, func(ch *models.Change) { ch.CDR.AnswerAt = time.Time{} }, 0, toldNothing, models.RecordingShort},
		"just three seconds":               {3 * time.Second, nil, never, nil, time.Minute, toldMissing, models.RecordingMissing},
		"less sound than talk":             {10 * time.Second, stereo(time.Second), 0, nil, 0, toldNothing, models.RecordingShort},
		"three seconds of sound":           {4 * time.Second, stereo(3 * time.Second), 0, nil, 0, toldKept, models.RecordingKept},
		"missing, and stopped by callStop": {10 * time.Second, nil, never, func(ch *models.Change) { ch.CDR.Fail = models.StoppedByCustomer }, time.Minute, strings.Replace(toldMissing, "8015", "8017", 1), models.RecordingMissing},
		"not finished by a switch that died": {10 * time.Second, unfinished(stereo(10 * time.Second)), 5 * time.Second, nil, 20 * time.Second, toldKept,
			models.RecordingKept},
		"rubbish":          {10 * time.Second, []byte("no recording, but more than the header of one would have to have"), 0, nil, time.Minute, toldMissing, models.RecordingMissing},
		"nobody is told":   {10 * time.Second, nil, never, func(ch *models.Change) { ch.Deliveries = nil }, never, "", models.RecordingMissing},
		"its row says 30s": {10 * time.Second, nil, never, func(ch *models.Change) { ch.Recording.WaitUntil = ch.Session.EndedAt.Add(30 * time.Second) }, 30 * time.Second, toldMissing, models.RecordingMissing},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newRest(t, RecordingsOptions{})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { defer close(done); h.keeper().Run(ctx) }()
				defer func() { cancel(); <-done }()
				synctest.Wait()
				time.Sleep(500 * time.Millisecond) // between two looks
				end := time.Now()
				rec := h.call("s", c.talk, end, func(ch *models.Change) {
					if c.edit != nil {
						c.edit(ch)
					}
				})
				if c.lands >= 0 {
					time.AfterFunc(c.lands, func() { h.lands(rec.Name, c.file, time.Now()) })
				}
				for s := range 100 {
					synctest.Wait()
					if got := h.told("s"); (got != "") != (c.settles >= 0 && time.Duration(s)*time.Second > c.settles) {
						t.Fatalf("after %d s: %q", s, got)
					}
					time.Sleep(time.Second)
				}
				if got := h.told("s"); got != c.told || h.state(rec.Name) != c.state {
					t.Errorf("told %q, want %q; it is %s, want %s", got, c.told, h.state(rec.Name), c.state)
				}
				cdr, err := h.st.CDR(t.Context(), "s")
				if err != nil || (cdr.RecordFile != "") != (c.told == toldKept) || cdr.Record == (c.state == models.RecordingShort) || (cdr.Fail == models.RecordingFailed) != (c.told == toldMissing || c.told == "") {
					t.Errorf("the CDR names %q, fail %d, %v", cdr.RecordFile, cdr.Fail, err)
				}
			})
		})
	}
}

// Whatever it waited for when it died, the next one waits for; and one that dies between the push and the note does not push again.
func TestKeeperForgetsNothing(t *testing.T) {
	h := newRest(t, RecordingsOptions{})
	now := time.Now()
	there, gone, half := h.call("there", 10*time.Second, now), h.call("gone", 10*time.Second, now), h.call("half", 10*time.Second, now)
	h.must(h.keeper().waiting(t.Context(), now))
	if h.told("there")+h.told("gone")+h.told("half") != "" {
		t.Fatal("told too early")
	}
	h.lands(half.Name, stereo(10*time.Second), now)
	k := NewKeeper(KeeperOptions{Store: dying{h.st}, Outbox: h, Recordings: h.r})
	h.must(k.waiting(t.Context(), now)) // logged, and tried again
	if h.told("half") != toldKept || h.state(half.Name) != models.RecordingWaiting {
		t.Fatalf("half: told %q, %s", h.told("half"), h.state(half.Name))
	}
	h.lands(there.Name, stereo(10*time.Second), now)
	h.must(h.keeper().waiting(t.Context(), now.Add(time.Hour)))
	for session, want := range map[string]string{"there": toldKept, "gone": toldMissing, "half": toldKept} {
		if got := h.told(session); got != want {
			t.Errorf("%s: %q", session, got)
		}
	}
	if h.state(there.Name) != models.RecordingKept || h.state(gone.Name) != models.RecordingMissing || h.state(half.Name) != models.RecordingKept {
		t.Error("their rows say otherwise")
	}
	// Two of them at once: what one has kept the other does not give up.
	both := h.call("both", 10*time.Second, now)
	one, other := h.keeper(), h.keeper()
	h.must(one.waiting(t.Context(), now))
	list, err := h.st.WaitingRecordings(t.Context(), 10)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	h.lands(both.Name, stereo(10*time.Second), now)
	h.must(one.waiting(t.Context(), now))
	list[0].State = models.RecordingMissing
	h.must(other.settle(t.Context(), list[0], now))
	if h.told("both") != toldKept || h.state(both.Name) != models.RecordingKept {
		t.Errorf("told %q, %s", h.told("both"), h.state(both.Name))
	}
}

// dying is a database that cannot note how a recording turned out.
type dying struct{ *store.Store }

func (dying) SetRecording(context.Context, models.Recording) error {
	return errors.New("the power fails")
}

// failing is a database that fails for one session.
type failing struct {
	*store.Store
	session string
}

func (f failing) CDR(ctx context.Context, id string) (models.CDR, error) {
	if id == f.session {
		return models.CDR{}, errors.New("this row cannot be read")
	}
	return f.Store.CDR(ctx, id)
}

func TestKeeperGoesOnBesideOneThatFails(t *testing.T) {
	h := newRest(t, RecordingsOptions{})
	now := time.Now()
	bad, good := h.call("bad", 10*time.Second, now.Add(-time.Second)), h.call("good", 10*time.Second, now)
	k := NewKeeper(KeeperOptions{Store: failing{h.st, "bad"}, Outbox: h, Recordings: h.r, Observe: h})
	h.must(k.waiting(t.Context(), now.Add(time.Hour)))
	if h.told("good") != toldMissing || h.state(good.Name) != models.RecordingMissing || h.told("bad") != "" || h.state(bad.Name) != models.RecordingWaiting {
		t.Errorf("good: %q; bad: %q", h.told("good"), h.told("bad"))
	}
	if fmt.Sprint(h.states) != "[missing]" {
		t.Errorf("counted %v", h.states)
	}
}

// A push that is held while no recording is waited for goes when its time is over.
func TestKeeperReleasesWhatNobodyWaitsFor(t *testing.T) {
	h := newRest(t, RecordingsOptions{})
	now := time.Now()
	h.call("no row", 10*time.Second, now, func(ch *models.Change) { ch.Recording = nil })
	h.call("kept", 10*time.Second, now, func(ch *models.Change) { ch.Recording.State = models.RecordingKept })
	h.call("waits", 10*time.Second, now)
	k := h.keeper()
	h.must(k.held(t.Context(), now.Add(90*time.Second)))
	if len(h.sent) != 0 {
		t.Fatal("within its minute")
	}
	h.must(k.held(t.Context(), now.Add(2*time.Minute+time.Second)))
	if h.told("no row") != toldMissing || h.told("kept") != toldKept || h.told("waits") != "" {
		t.Errorf("no row: %q; kept: %q; waits: %q", h.told("no row"), h.told("kept"), h.told("waits"))
	}
}

func TestKeeperAsksTheObjectStore(t *testing.T) {
	s := newObjectStore(t, S3Options{})
	h := newRest(t, RecordingsOptions{S3: s.S3})
	now := time.Now()
	rec := h.call("s", 10*time.Second, now)
	k := h.keeper()
	h.must(k.waiting(t.Context(), now))
	if err := putInto(t, s.S3, rec.Name, stereo(10*time.Second)); err != nil {
		t.Fatal(err)
	}
	asked := s.called(http.MethodHead)
	h.must(k.waiting(t.Context(), now.Add(9*time.Second)))
	if s.called(http.MethodHead) != asked || h.told("s") != "" {
		t.Error("it is asked at each look")
	}
	h.must(k.waiting(t.Context(), now.Add(10*time.Second)))
	if h.told("s") != toldKept || h.state(rec.Name) != models.RecordingKept {
		t.Errorf("told %q, %s", h.told("s"), h.state(rec.Name))
	}
	// The store is away: the push goes at the end of its minute all the same, and what is there is kept when the store is back.
	rec = h.call("t", 10*time.Second, now)
	if err := putInto(t, s.S3, rec.Name, stereo(10*time.Second)); err != nil {
		t.Fatal(err)
	}
	s.breaks(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusForbidden); return true })
	h.must(k.waiting(t.Context(), now.Add(59*time.Second)))
	if h.told("t") != "" {
		t.Error("given up too early")
	}
	h.must(k.waiting(t.Context(), now.Add(time.Minute)))
	if h.told("t") != toldMissing || h.state(rec.Name) != models.RecordingMissing {
		t.Errorf("told %q, %s", h.told("t"), h.state(rec.Name))
	}
	if err := k.given(t.Context(), now.Add(time.Minute)); err == nil {
		t.Error("the store's failure is not told")
	}
	s.breaks(nil)
	h.must(k.given(t.Context(), now.Add(2*time.Minute)))
	if h.state(rec.Name) != models.RecordingKept || h.late != 1 || h.told("t") != toldMissing {
		t.Errorf("late: %s, %d, %q", h.state(rec.Name), h.late, h.told("t"))
	}
}

// An S3 store that is away keeps no push waiting while the file lies on this host's disk.
func TestKeeperNeedsNoStoreWhileTheFileIsHere(t *testing.T) {
	s := newObjectStore(t, S3Options{})
	s.breaks(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusForbidden); return true })
	h := newRest(t, RecordingsOptions{S3: s.S3})
	now := time.Now()
	rec := h.call("s", 10*time.Second, now)
	h.lands(rec.Name, stereo(10*time.Second), now)
	h.must(h.keeper().waiting(t.Context(), now))
	if h.told("s") != toldKept {
		t.Errorf("told %q", h.told("s"))
	}
	if link, err := h.r.Link(t.Context(), "https://calls.example", rec.Name, time.Hour); err != nil || !strings.HasPrefix(link, "https://calls.example"+DownloadPath) {
		t.Errorf("link %s, %v", link, err)
	}
}

func TestExpire(t *testing.T) {
	s := newObjectStore(t, S3Options{})
	local := time.Now().In(beijing)
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, beijing)
	for what, c := range map[string]struct {
		RecordingsOptions
		now time.Time
	}{
		"directory": {RecordingsOptions{}, time.Now()}, "object store": {RecordingsOptions{S3: s.S3}, time.Now()},
		"half an hour after midnight":    {RecordingsOptions{}, midnight.Add(30 * time.Minute)}, // a long call began the day before
		"a minute before midnight":       {RecordingsOptions{}, midnight.Add(-time.Minute)},
		"objects, shortly past midnight": {RecordingsOptions{S3: s.S3}, midnight.Add(10 * time.Minute)},
	} {
		o, now := c.RecordingsOptions, c.now
		h := newRest(t, o)
		day := 24 * time.Hour
		kept := func(ch *models.Change) {
			ch.Recording.State, ch.Recording.Duration = models.RecordingKept, 10*time.Second
		}
		put := func(name string) {
			if o.S3 == nil {
				h.lands(name, stereo(4*time.Second), now)
			} else if err := putInto(t, s.S3, name, stereo(4*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		there := func(name string) bool {
			_, ok, err := h.r.Look(t.Context(), name)
			h.must(err)
			return ok
		}
		old, fresh := h.call(what+"old", 10*time.Second, now.Add(-7*day-time.Second), kept), h.call(what+"fresh", 10*time.Second, now.Add(-7*day+time.Second), kept)
		long := h.call(what+"long", 3*time.Hour, now.Add(-7*day+time.Second), func(ch *models.Change) { kept(ch); ch.Recording.Duration = 3 * time.Hour })
		missing := h.call(what+"missing", 10*time.Second, now.Add(-8*day), func(ch *models.Change) { ch.Recording.State = models.RecordingMissing })
		waiting := h.call(what+"waiting", 10*time.Second, now)
		rowless := h.r.Name(now.Add(-9*day), what+"rowless")
		for _, name := range []string{old.Name, fresh.Name, long.Name, rowless} {
			put(name)
		}
		n, err := h.keeper().Expire(t.Context(), now)
		if err != nil || n != 3 { // old, missing, rowless
			t.Errorf("%s: removed %d, %v", what, n, err)
		}
		for name, want := range map[string]models.RecordingState{old.Name: models.RecordingRemoved, fresh.Name: models.RecordingKept, long.Name: models.RecordingKept,
			missing.Name: models.RecordingRemoved, waiting.Name: models.RecordingWaiting} {
			rec, err := h.st.Recording(t.Context(), name)
			if err != nil || rec.State != want || rec.RemovedAt.IsZero() == (want == models.RecordingRemoved) || there(name) != (want == models.RecordingKept) {
				t.Errorf("%s: %s is %s (removed at %v), want %s, %v", what, rec.SessionID, rec.State, rec.RemovedAt, want, err)
			}
		}
		if there(rowless) {
			t.Errorf("%s: a file without a row stays", what)
		}
		if err := h.keeper().Remove(t.Context(), fresh.Name, now); err != nil || h.state(fresh.Name) != models.RecordingRemoved || there(fresh.Name) {
			t.Errorf("%s: removed by hand: %v", what, err)
		}
		if err := h.keeper().Remove(t.Context(), rowless, now); models.CodeOf(err) != models.RecordMissing {
			t.Errorf("%s: no row: %v", what, err)
		}
	}
}

// A bound on all recordings takes days that have rows: they say so.
func TestExpireNotesWhatTheBoundTakes(t *testing.T) {
	h := newRest(t, RecordingsOptions{TotalMax: 1})
	now := time.Now()
	rec := h.call("s", 10*time.Second, now.Add(-3*24*time.Hour), func(ch *models.Change) { ch.Recording.State = models.RecordingKept })
	h.lands(rec.Name, stereo(4*time.Second), now)
	if n, err := h.keeper().Expire(t.Context(), now); n != 1 || err != nil || h.state(rec.Name) != models.RecordingRemoved {
		t.Errorf("removed %d, %v, %s", n, err, h.state(rec.Name))
	}
}
