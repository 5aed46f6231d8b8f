package delivery

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

// The first event hangs, the second is refused: the third goes all the same, in its turn, and the CDR after the last.
func TestOrderOfFirstAttempts(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(r received) (int, time.Duration) {
			switch r.body {
			case "callin":
				return 0, 0
			case "callout":
				return 500, 300 * time.Millisecond
			}
			return 200, 100 * time.Millisecond
		}
		l.start()
		l.happen(event("s1", "callin"))
		l.happen(event("s1", "callout"), event("s1", "alerting"))
		l.happen(event("s1", "answer"))
		l.happen(event("s1", "disconnect"), fee("s1", `{"n":1}`))
		after(20 * time.Second)
		want := []struct {
			body string
			at   time.Duration
		}{{"callin", 0}, {"callout", 5 * time.Second}, {"alerting", 5300 * time.Millisecond}, {"answer", 5400 * time.Millisecond},
			{"disconnect", 5500 * time.Millisecond}, {feeOf(`{"n":1}`), 6600 * time.Millisecond}}
		got := l.seen()
		if len(got) != len(want) {
			t.Fatalf("received %s", l.bodies())
		}
		for i, w := range want {
			if got[i].body != w.body || got[i].at != w.at {
				t.Errorf("push %d: %s at %v, want %s at %v", i, got[i].body, got[i].at, w.body, w.at)
			}
		}
		if s := l.states(); s[models.DeliveryDone] != 4 || s[models.DeliveryRetry] != 2 {
			t.Errorf("states %v", s)
		}
	})
}

// Another session's events do not wait for a hanging one, even at the same URL.
func TestSessionsAreIndependent(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(r received) (int, time.Duration) {
			if r.body == "hangs" {
				return 0, 0
			}
			return 200, time.Millisecond
		}
		l.start()
		for i := range 5 { // the URL proves itself
			l.happen(event(fmt.Sprint(i), "ok"))
		}
		after(time.Second)
		l.happen(event("a", "hangs"), event("a", "later"))
		l.happen(event("b", "first"), event("b", "second"))
		after(100 * time.Millisecond)
		if got := l.bodies(); !strings.HasSuffix(got, " second") || !strings.Contains(got, " first ") || !strings.Contains(got, " hangs ") {
			t.Errorf("received %s", got)
		}
	})
}

// A push that always fails is tried seven times, at the minutes of spec §4, then dead; a replay gives it the whole calendar again.
func TestCalendarToTheMinute(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 500, 10 * time.Millisecond }
		l.start()
		after(300 * time.Millisecond)
		id := l.happen(event("s", "e"))[0].ID
		check := func(offset time.Duration) {
			t.Helper()
			after(301 * time.Minute)
			minutes := []int{0, 1, 4, 9, 106, 203, 300}
			got := l.seen()
			if len(got) != len(minutes) {
				t.Fatalf("%d attempts", len(got))
			}
			for i, m := range minutes {
				want := offset + time.Duration(m)*time.Minute
				if late := got[i].at - want; late < 0 || late > 2*time.Second {
					t.Errorf("attempt %d at %v, want %v", i, got[i].at, want)
				}
			}
			if d := l.row(id); d.State != models.DeliveryDead || d.Attempts != 7 || d.LastStatus != 500 || d.EndedAt.IsZero() || d.LastError != "the answer is HTTP 500" {
				t.Errorf("row %+v", d)
			}
		}
		check(300 * time.Millisecond)
		l.change(func() { l.got = nil })
		l.replay()
		after(5 * time.Second)
		if len(l.seen()) != 1 {
			t.Fatalf("%d attempts after the replay", len(l.seen()))
		}
		check(l.seen()[0].at)
	})
}

// A daemon that was away past several dates of the calendar makes one attempt at once and does not use up the rest in a rush.
func TestLateAttemptKeepsGaps(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 404, time.Millisecond }
		d := event("s", "e")
		d.State, d.Attempts, d.FirstAt, d.DueAt = models.DeliveryRetry, 1, time.Now().Add(-6*time.Hour), time.Now().Add(-6*time.Hour+time.Minute)
		l.commit(d)
		l.start()
		after(time.Minute)
		if n := len(l.seen()); n != 1 {
			t.Fatalf("%d attempts in the first minute", n)
		}
		after(5 * time.Hour)
		if n := len(l.seen()); n != 6 {
			t.Errorf("%d attempts in all, want the 6 that were left", n)
		}
	})
}

func TestDeliveredOnce(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.start()
		rows := l.happen(event("s", "1"), event("s", "2"))
		after(time.Second)
		l.c.Offer(rows) // comes again, late
		after(time.Minute)
		if got := l.bodies(); got != "1 2" {
			t.Errorf("received %s", got)
		}
		d := l.row(rows[0].ID)
		if d.State != models.DeliveryDone || d.Attempts != 1 || d.LastStatus != 200 || d.LastError != "" || d.FirstAt.IsZero() || d.EndedAt.IsZero() {
			t.Errorf("row %+v", d)
		}
	})
}

func TestBatches(t *testing.T) {
	for _, c := range []struct {
		n     int
		sizes string
		last  time.Duration
	}{{1, "1", time.Second}, {49, "49", time.Second}, {50, "50", 0}, {51, "50 1", time.Second}, {101, "50 50 1", time.Second}} {
		inLab(t, Options{}, func(l *lab) {
			l.start()
			for i := range c.n {
				l.happen(fee(fmt.Sprint(i), `{"r":1}`))
			}
			after(3 * time.Second)
			var sizes []string
			for _, r := range l.seen() {
				sizes = append(sizes, fmt.Sprint(strings.Count(r.body, `"r"`)))
			}
			got := l.seen()
			if s := strings.Join(sizes, " "); s != c.sizes || got[len(got)-1].at.Truncate(100*time.Millisecond) != c.last {
				t.Errorf("%d CDRs: batches of %s, the last at %v; want %s at %v", c.n, s, got[len(got)-1].at, c.sizes, c.last)
			}
			if l.states()[models.DeliveryDone] != c.n {
				t.Errorf("%d CDRs: states %v", c.n, l.states())
			}
		})
	}
}

// A batch that is refused is put together again for the next dates; in the end each of its records goes by itself, so that the good ones
// arrive.
func TestOneBadRecordEndsAlone(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(r received) (int, time.Duration) {
			if strings.Contains(r.body, "bad") {
				return 400, time.Millisecond
			}
			return 200, time.Millisecond
		}
		l.start()
		for i := range 10 {
			l.happen(fee(fmt.Sprint(i), `"good"`))
		}
		l.happen(fee("x", `"bad"`))
		after(2 * time.Minute)
		got := l.seen()
		if len(got) != 2 || got[0].body != got[1].body {
			t.Fatalf("received %s", l.bodies())
		}
		after(110 * time.Minute)
		if s := l.states(); s[models.DeliveryDone] != 10 || s[models.DeliveryRetry] != 1 {
			t.Errorf("states %v", s)
		}
		after(200 * time.Minute)
		if s := l.states(); s[models.DeliveryDead] != 1 {
			t.Errorf("states %v", s)
		}
	})
}

// A store that was offered nothing is read: what waited when the daemon died goes, in order, and nothing is lost.
func TestRecovery(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(r received) (int, time.Duration) { return 200, 400 * time.Millisecond }
		l.start()
		const sessions, events = 200, 5
		for s := range sessions {
			for e := range events {
				l.happen(event(fmt.Sprint("s", s), fmt.Sprintf("%d/%d", s, e)))
			}
		}
		after(2 * time.Second)
		l.stop()
		if s := l.states(); s[models.DeliveryWaiting] == 0 || s[models.DeliveryDone] == 0 {
			t.Fatalf("the stop came too early or too late: %v", s)
		}
		l.start()
		after(10 * time.Minute)
		if s := l.states(); s[models.DeliveryDone] != sessions*events {
			t.Errorf("states %v", s)
		}
		l.checkOrder(t)
	})
}

// A crash that loses the outcomes of a while: those pushes are made again, from the first that was lost, in order, and then the rest.
func TestCrash(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 200, 300 * time.Millisecond }
		l.start()
		for e := range 10 {
			l.happen(event("s0", fmt.Sprintf("0/%d", e)))
		}
		after(time.Second) // the fourth is under way
		l.set(func(m *memory) { m.down = true })
		after(time.Second)
		l.stop()
		l.set(func(m *memory) { m.down = false })
		l.start()
		after(time.Minute)
		if got := strings.ReplaceAll(l.bodies(), "0/", ""); got != "0 1 2 3 4 5 6 3 4 5 6 7 8 9" {
			t.Errorf("received %s", got)
		}
		if s := l.states(); s[models.DeliveryDone] != 10 {
			t.Errorf("states %v", s)
		}
	})
}

// checkOrder says whether the bodies, "session/event", came in each session's order, each once.
func (l *lab) checkOrder(t *testing.T) {
	t.Helper()
	turn := map[int]int{}
	for _, r := range l.seen() {
		var s, e int
		if _, err := fmt.Sscanf(r.body, "%d/%d", &s, &e); err != nil {
			t.Fatal(err)
		}
		if turn[s] != e {
			t.Errorf("session %d: event %d comes after %d of its events", s, e, turn[s])
			return
		}
		turn[s]++
	}
}

// What has no room in memory, and what is offered without an id, comes from the store, in order, each once.
func TestOverflowAndNoIDs(t *testing.T) {
	inLab(t, Options{Queue: 64}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 200, 20 * time.Millisecond }
		l.start()
		for i := range 1000 {
			rows := l.commit(event(fmt.Sprint("s", i%50), fmt.Sprintf("%d/%d", i%50, i/50)))
			if i%3 == 0 {
				rows[0].ID = 0
			}
			l.c.Offer(rows)
		}
		after(5 * time.Minute)
		if s := l.states(); s[models.DeliveryDone] != 1000 || len(l.seen()) != 1000 {
			t.Fatalf("states %v, received %d", s, len(l.seen()))
		}
		l.checkOrder(t)
	})
}

// Offers that the store gave no ids are sent soon, not at the next round of looks.
func TestNoIDIsSoon(t *testing.T) {
	inLab(t, Options{Poll: time.Hour, Rescan: time.Hour}, func(l *lab) {
		l.start()
		for range 3 {
			after(10 * time.Second)
			rows := l.commit(event("s", "e"))
			rows[0].ID = 0
			l.c.Offer(rows)
			began := len(l.seen())
			after(100 * time.Millisecond)
			if len(l.seen()) != began+1 {
				t.Fatalf("%d pushes, want %d", len(l.seen()), began+1)
			}
		}
	})
}

// 1000 URLs, of which 100 hang from the beginning and 100 later: the others are not delayed, and no more attempts are under way than allowed.
func TestHangingURLsDelayNobody(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		hangs := map[string]bool{}
		url := func(i int) string { return fmt.Sprintf("https://c%d.example/status", i) }
		for i := range 100 {
			hangs[url(i*10)] = true
		}
		l.answer = func(r received) (int, time.Duration) {
			if hangs[r.url] {
				return 0, 0
			}
			return 200, 50 * time.Millisecond
		}
		l.start()
		worst := func(round string) time.Duration {
			began := time.Since(l.began)
			before := len(l.seen())
			for i := range 1000 {
				s := fmt.Sprint(round, i)
				l.happen(eventTo(url(i), s, "callin"), eventTo(url(i), s, "callout"), eventTo(url(i), s, "disconnect"))
			}
			after(time.Minute)
			var last time.Duration
			healthy := 0
			for _, r := range l.seen()[before:] {
				if !hangs[r.url] {
					healthy++
					last = max(last, r.at-began)
				}
			}
			if want := 3 * (1000 - len(hangs)); healthy != want {
				t.Errorf("round %s: %d pushes to healthy URLs, want %d", round, healthy, want)
			}
			return last
		}
		// 900 URLs, 3 pushes of 50 ms each: 192 at once while they are unknown, 256 once they have proven themselves.
		if w := worst("cold"); w > 2*time.Second {
			t.Errorf("at first the last healthy push went after %v", w)
		}
		if w := worst("warm"); w > time.Second {
			t.Errorf("then the last healthy push went after %v", w)
		}
		l.change(func() {
			for i := range 100 {
				hangs[url(i*10+5)] = true
			}
		})
		if w := worst("more hang"); w > 2*time.Second { // 100 proven ones hold an attempt each until it is late
			t.Errorf("with 100 more that hang the last healthy push went after %v", w)
		}
		if w := worst("settled"); w > time.Second {
			t.Errorf("after that the last healthy push went after %v", w)
		}
		if l.most > 256 {
			t.Errorf("%d attempts at once", l.most)
		}
	})
}

// Every URL hangs, with more pushes than memory takes: memory stays bounded, workers are not held for ever, nothing is lost, and when the
// URLs answer again everything arrives by the calendar.
func TestEverythingHangs(t *testing.T) {
	w := &watch{}
	inLab(t, Options{Queue: 500, QueuePerURL: 100, Observe: w}, func(l *lab) {
		dead := true
		l.answer = func(received) (int, time.Duration) {
			if dead {
				return 0, 0
			}
			return 200, 10 * time.Millisecond
		}
		l.start()
		const n = 3000
		for i := range n {
			l.happen(eventTo(fmt.Sprintf("https://c%d.example/", i%20), fmt.Sprint(i), "e"))
		}
		after(3 * time.Minute)
		w.mu.Lock()
		if w.mostHeld > 500 {
			t.Errorf("%d rows in memory", w.mostHeld)
		}
		w.mu.Unlock()
		if s := l.states(); s[models.DeliveryWaiting] != 0 || s[models.DeliveryRetry] != n {
			t.Errorf("states %v", s)
		}
		// 20 dead URLs, 10 attempts each until they are left alone, then two a minute.
		if got := len(l.seen()); got > 20*(10+2*8) {
			t.Errorf("%d attempts were made against dead URLs", got)
		}
		l.change(func() { dead = false })
		after(12 * time.Minute)
		if s := l.states(); s[models.DeliveryDone] != n {
			t.Errorf("states %v", s)
		}
	})
}

// A row that was put off, for its URL's queue was full, keeps its place before what its session tells after a restart.
func TestWhatWasPutOffKeepsItsPlaceAfterARestart(t *testing.T) {
	inLab(t, Options{QueuePerURL: 100}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 200, 100 * time.Millisecond }
		l.start()
		for i := range 200 {
			l.happen(event(fmt.Sprint("x", i), fmt.Sprint("x", i, "/1")))
		}
		first := l.happen(event("s", "s/1"))[0].ID
		after(6 * time.Second) // the queue is empty again, and the row not due yet
		if d := l.row(first); d.State != models.DeliveryRetry || d.Attempts != 0 {
			t.Fatalf("the row was not put off: %+v", d)
		}
		l.stop()
		l.start()
		l.happen(event("s", "s/2"))
		after(time.Minute)
		if got := inOrder(l)["s"]; got != "12" {
			t.Errorf("the customer got %q of the session", got)
		}
	})
}

// A commit that was reported as failed and was made all the same: its row is found in the store before what its session tells next, which was
// committed and offered.
func TestACommitInDoubtKeepsItsPlace(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.start()
		after(10 * time.Second)
		l.happen(event("other", "o/1"))
		after(time.Second)
		doubted := l.commit(event("s", "s/1"))
		doubted[0].ID = 0
		l.c.Offer(doubted)
		l.happen(event("s", "s/2"))
		after(time.Second)
		if got := inOrder(l)["s"]; got != "12" {
			t.Errorf("the customer got %q of the session", got)
		}
	})
}

type watch struct {
	mu       sync.Mutex
	mostHeld int
	results  map[Result]int
	moved    map[models.DeliveryState]int
}

func (w *watch) Held(waiting, retrying, _ int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mostHeld = max(w.mostHeld, waiting+retrying)
}

func (w *watch) Attempted(_ models.DeliveryKind, r Result, _ time.Duration) {
	if w.results == nil {
		w.results = map[Result]int{}
	}
	w.results[r]++
}

func (w *watch) Moved(_ models.DeliveryKind, s models.DeliveryState, n int) {
	if w.moved == nil {
		w.moved = map[models.DeliveryState]int{}
	}
	w.moved[s] += n
}

// After ten attempts in a row without an answer the URL is left alone for 30 s; what comes meanwhile is counted and moved on. Then one
// attempt decides.
func TestBreaker(t *testing.T) {
	w := &watch{}
	inLab(t, Options{Observe: w}, func(l *lab) {
		status := 503
		l.answer = func(received) (int, time.Duration) { return status, 100 * time.Millisecond }
		l.start()
		for i := range 10 {
			l.happen(event(fmt.Sprint(i), "e"))
		}
		after(2 * time.Second) // one at once: ten take a second
		if n := len(l.seen()); n != 10 {
			t.Fatalf("%d attempts", n)
		}
		id := l.happen(event("skipped", "1"), event("skipped", "2"))[1].ID
		after(time.Second)
		if d := l.row(id); len(l.seen()) != 10 || d.Attempts != 1 || d.State != models.DeliveryRetry || d.LastStatus != 0 || d.LastError != errSkipped.Error() {
			t.Errorf("%d attempts, row %+v", len(l.seen()), d)
		}
		after(30 * time.Second)
		l.change(func() { status = 200 })
		l.happen(event("a", "probe"), event("b", "waits"), event("c", "waits"))
		after(50 * time.Millisecond)
		if n := len(l.seen()); n != 11 {
			t.Errorf("%d attempts while the probe is under way", n)
		}
		after(5 * time.Minute)
		if s := l.states(); s[models.DeliveryDone] != 15 {
			t.Errorf("states %v", s)
		}
	})
	if !maps.Equal(w.results, map[Result]int{Rejected: 10, Skipped: 2, Delivered: 15}) {
		t.Errorf("results %v", w.results)
	}
	if !maps.Equal(w.moved, map[models.DeliveryState]int{models.DeliveryRetry: 12, models.DeliveryDone: 15}) {
		t.Errorf("moved %v", w.moved)
	}
}

// An answer that says no is no reason to leave a URL alone.
func TestRefusalsDoNotBreak(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 500, time.Millisecond }
		l.start()
		for i := range 100 {
			l.happen(event(fmt.Sprint(i), "e"))
		}
		after(10 * time.Second)
		if n := len(l.seen()); n != 100 {
			t.Errorf("%d attempts", n)
		}
	})
}

// One URL has at most 8 attempts under way, and its surplus is put off without being counted.
func TestSlowURL(t *testing.T) {
	inLab(t, Options{QueuePerURL: 100}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 200, 500 * time.Millisecond }
		l.start()
		for i := range 1000 {
			l.happen(event(fmt.Sprint(i%125), fmt.Sprintf("%d/%d", i%125, i/125)))
			after(time.Millisecond)
		}
		after(time.Second)
		if s := l.states(); s[models.DeliveryRetry] < 850 {
			t.Errorf("states %v", s)
		}
		after(3 * time.Minute) // 16 a second: 1000 take just over a minute
		l.checkOrder(t)
		if s := l.states(); s[models.DeliveryDone] != 1000 || l.most != 8 {
			t.Errorf("states %v, %d at once", s, l.most)
		}
		for id := int64(1); id <= 1000; id++ {
			if d := l.row(id); d.Attempts != 1 {
				t.Fatalf("row %+v", d)
			}
		}
	})
}

// While the database is away nothing is forgotten: outcomes are saved once it is back, and nothing is pushed twice.
func TestStoreAway(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.start()
		l.happen(event("a", "1"))
		after(time.Second)
		rows := l.commit(event("a", "2"), event("a", "3"))
		l.set(func(m *memory) { m.down = true })
		l.c.Offer(rows)
		after(30 * time.Second)
		if s := l.states(); s[models.DeliveryWaiting] != 2 {
			t.Errorf("states %v", s)
		}
		l.set(func(m *memory) { m.down = false })
		after(30 * time.Second)
		if s := l.states(); s[models.DeliveryDone] != 3 || l.bodies() != "1 2 3" {
			t.Errorf("states %v, received %s", s, l.bodies())
		}
	})
}

// A push that cannot be signed because the store is away is no attempt; one whose app is gone is a failed one.
func TestAppUnreadable(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.start()
		l.set(func(m *memory) { m.noApps = true })
		id := l.happen(event("a", "1"), event("a", "2"))[0].ID
		gone := event("b", "x")
		gone.AppID = 99
		goneID := l.happen(gone)[0].ID
		after(5 * time.Second)
		if d := l.row(id); d.Attempts != 0 || d.State != models.DeliveryRetry {
			t.Errorf("row %+v", d)
		}
		l.set(func(m *memory) { m.noApps = false })
		l.happen(event("a", "3")) // could go now, but not before those that were put off
		after(20 * time.Second)
		if d := l.row(id); d.Attempts != 1 || d.State != models.DeliveryDone {
			t.Errorf("row %+v", d)
		}
		if d := l.row(goneID); d.Attempts != 1 || d.State != models.DeliveryRetry || l.bodies() != "1 2 3" {
			t.Errorf("row %+v", d)
		}
	})
}

// Pushes are signed with the app's newest secret, and say who they are from.
func TestHeaders(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.start()
		l.happen(event("a", "1"))
		after(time.Second)
		h := l.seen()[0].head
		const name = "X-AKSK" // as it is documented, not as http.Header would spell it
		token := strings.Split(strings.Join(map[string][]string(h)[name], ""), `"`)
		if len(token) != 9 || token[1] != "XXX" || token[3] != models.AKSKDigest("newest-secret", token[5], token[7]) {
			t.Errorf("X-AKSK %v", token)
		}
		if h.Get("User-Agent") != "maskline" || h.Get("Content-Type") != "application/json;charset=UTF-8" {
			t.Errorf("headers %v", h)
		}
	})
}

// Stop lets attempts under way end, and their outcome is kept.
func TestStopKeepsOutcomes(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 200, 3 * time.Second }
		l.start()
		id := l.happen(event("a", "1"), event("a", "2"))[0].ID
		after(time.Second)
		l.stop()
		if d := l.row(id); d.State != models.DeliveryDone || l.bodies() != "1" {
			t.Errorf("row %+v, received %s", d, l.bodies())
		}
	})
}

// A row that was removed from the store while its push was under way does not keep the others from being saved.
func TestRowGone(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 200, time.Second }
		l.start()
		l.happen(event("a", "1"), fee("b", "{}"), fee("c", "{}"))
		after(500 * time.Millisecond)
		l.set(func(m *memory) { delete(m.rows, 2) })
		after(30 * time.Second)
		if s := l.states(); s[models.DeliveryDone] != 2 || len(l.seen()) != 2 {
			t.Errorf("states %v, received %s", s, l.bodies())
		}
	})
}
