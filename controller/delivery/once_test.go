package delivery

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

// inVoiceLab is inLab with an app that places calls.
func inVoiceLab(t *testing.T, o Options, test func(l *lab)) {
	t.Helper()
	inLab(t, o, func(l *lab) {
		l.app = voiceApp()
		test(l)
	})
}

func feeTo(url, session, body string) models.Delivery {
	d := fee(session, body)
	d.URL = url
	return d
}

// An event of a placed call is sent once and no more, whatever comes of it; the next goes in its turn. The CDR is repeated hourly, six times
// (spec/voicecall.md §6.1, §6.2). A replay is one more round.
func TestPlacedCallsHaveTheirCalendar(t *testing.T) {
	w := &watch{}
	inVoiceLab(t, Options{Observe: w}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 500, 10 * time.Millisecond }
		l.start()
		rows := l.happen(event("s1", "callout"), event("s1", "alerting"), event("s1", "disconnect"), fee("s1", `{"n":1}`))
		after(10 * time.Second)
		if got := l.bodies(); got != "callout alerting disconnect "+feeOf(`{"n":1}`) {
			t.Errorf("received %s", got)
		}
		if d := l.row(rows[0].ID); d.State != models.DeliveryDead || d.Attempts != 1 || d.LastStatus != 500 || d.EndedAt.IsZero() {
			t.Errorf("the event: %+v", d)
		}
		after(7 * time.Hour)
		var hours []time.Duration
		got := l.seen()[3:]
		for _, r := range got {
			hours = append(hours, (r.at - got[0].at).Round(time.Minute))
		}
		if want := append([]time.Duration{0}, VoiceCalendar...); !slices.Equal(hours, want) {
			t.Errorf("the CDR went at %v", hours)
		}
		if d := l.row(rows[3].ID); d.State != models.DeliveryDead || d.Attempts != 7 {
			t.Errorf("the CDR: %+v", d)
		}
		l.replay()
		after(10 * time.Second)
		if n := len(l.seen()); n != 3+7+4 {
			t.Errorf("%d pushes after the replay", n)
		}
	})
	if w.moved[models.DeliveryDead] != 3+1+3 {
		t.Errorf("moved %v", w.moved)
	}
}

func TestVoiceCalendarIsTheOperators(t *testing.T) {
	inVoiceLab(t, Options{VoiceCalendar: []time.Duration{time.Minute}}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 500, 10 * time.Millisecond }
		l.start()
		l.happen(fee("s1", `{}`))
		after(24 * time.Hour)
		if n := len(l.seen()); n != 2 {
			t.Errorf("%d pushes", n)
		}
	})
}

// A CDR whose answer says no in its body goes again an hour later; it says nothing about the URL, and none about events.
func TestAnswerThatSaysNo(t *testing.T) {
	inVoiceLab(t, Options{}, func(l *lab) {
		l.says = `{"resultcode":"1","resultdesc":"not now"}`
		l.start()
		rows := l.happen(event("s1", "disconnect"), fee("s1", `{}`))
		after(10 * time.Second)
		if d := l.row(rows[0].ID); d.State != models.DeliveryDone {
			t.Errorf("the event: %+v", d)
		}
		if d := l.row(rows[1].ID); d.State != models.DeliveryRetry || d.LastStatus != 200 || d.LastError != errRefused.Error() {
			t.Errorf("the CDR: %+v", d)
		}
		l.change(func() { l.says = `{"resultcode":"0","resultdesc":"Success"}` })
		after(time.Hour)
		if d := l.row(rows[1].ID); d.State != models.DeliveryDone || d.Attempts != 2 {
			t.Errorf("the CDR: %+v", d)
		}
	})
}

// While a URL is left alone, events that have one attempt alone wait for the end of the pause, with what follows them, in their order. Those that
// find it dead then are over.
func TestPauseCostsNoEvents(t *testing.T) {
	inVoiceLab(t, Options{}, func(l *lab) {
		status := 0
		l.answer = func(received) (int, time.Duration) {
			if status == 0 {
				return 503, 10 * time.Millisecond
			}
			return status, 10 * time.Millisecond
		}
		l.start()
		open := func() {
			for i := range 10 {
				l.happen(event(fmt.Sprint("opens", time.Since(l.began), i), "opens"))
			}
			after(2 * time.Second)
		}
		open()
		began := len(l.seen())
		rows := l.happen(event("s1", "callout"), event("s1", "disconnect"), fee("s1", `{"n":1}`))
		after(20 * time.Second)
		later := l.happen(event("s1", "late"))
		if n := len(l.seen()); n != began {
			t.Errorf("%d pushes during the pause", n-began)
		}
		if d := l.row(rows[0].ID); d.State != models.DeliveryRetry || d.Attempts != 0 {
			t.Errorf("the event: %+v", d)
		}
		l.change(func() { status = 200 })
		after(30 * time.Second)
		if got := l.bodies(); !strings.HasSuffix(got, " opens callout disconnect late "+feeOf(`{"n":1}`)) && !strings.HasSuffix(got, " opens callout disconnect "+feeOf(`{"n":1}`)+" late") {
			t.Errorf("received %s", got)
		}
		for _, d := range append(rows, later...) {
			if d := l.row(d.ID); d.State != models.DeliveryDone || d.Attempts != 1 {
				t.Errorf("%+v", d)
			}
		}

		l.change(func() { status = 0 })
		open()
		rows = l.happen(event("s2", "callout"), event("s2", "disconnect"), event("s3", "callout"))
		after(5 * time.Minute)
		for _, d := range rows {
			if d := l.row(d.ID); d.State != models.DeliveryDead || d.Attempts != 1 {
				t.Errorf("%+v", d)
			}
		}
	})
}

// A push that is held for its recording is not sent, whoever offers it and whatever is read; released, it goes once, offered or not.
func TestHeldIsNotSent(t *testing.T) {
	inVoiceLab(t, Options{}, func(l *lab) {
		hold := func(session string) models.Delivery {
			d := fee(session, `{"recordFlag":0}`)
			d.State, d.DueAt = models.DeliveryHeld, time.Now().Add(time.Minute)
			return d
		}
		release := func(id int64) models.Delivery {
			d := l.row(id)
			d.State, d.Body = models.DeliveryWaiting, []byte(`{"recordFlag":1}`)
			l.set(func(m *memory) { m.rows[id] = d })
			return d
		}
		before := l.commit(hold("s0"))
		l.start()
		rows := l.happen(event("s1", "disconnect"), hold("s1"))
		alone := l.happen(hold("s2"))
		after(10 * time.Minute)
		if got := l.bodies(); got != "disconnect" {
			t.Errorf("received %s", got)
		}
		if n := l.c.Resting(models.DeliveryHeld); n != 3 {
			t.Errorf("%d are counted as held", n)
		}
		l.c.Offer([]models.Delivery{release(rows[1].ID)})
		after(2 * time.Second)
		if got := l.bodies(); got != "disconnect "+feeOf(`{"recordFlag":1}`) {
			t.Errorf("received %s", got)
		}
		release(before[0].ID)
		release(alone[0].ID)
		after(time.Minute)
		if s := l.states(); s[models.DeliveryDone] != 4 || len(l.seen()) != 3 {
			t.Errorf("states %v, received %s", s, l.bodies())
		}
		if n := l.c.Resting(models.DeliveryHeld); n != 0 {
			t.Errorf("%d are counted as held", n)
		}
	})
}

// CDRs of one second go together where they go to one URL, and only there: a request may name its own.
func TestBatchesKeepToTheirURL(t *testing.T) {
	inVoiceLab(t, Options{}, func(l *lab) {
		l.start()
		for i := range 120 {
			l.happen(feeTo(fmt.Sprintf("https://customer.example/fee/%d", i%2), fmt.Sprint(i), fmt.Sprintf(`{"n":"%d"}`, i%2)))
		}
		l.happen(feeTo("https://customer.example/fee/own", "own", `{"n":"own"}`))
		after(5 * time.Second)
		sizes := map[string]int{}
		for _, r := range l.seen() {
			mark := r.url[strings.LastIndex(r.url, "/")+1:]
			if n := strings.Count(r.body, `"n":`); n > models.BatchMax || n != strings.Count(r.body, `"n":"`+mark+`"`) {
				t.Errorf("%s got %s", r.url, r.body)
			}
			sizes[mark] += strings.Count(r.body, `"n":`)
		}
		if !maps.Equal(sizes, map[string]int{"0": 60, "1": 60, "own": 1}) || len(l.seen()) != 5 {
			t.Errorf("%d pushes of %v", len(l.seen()), sizes)
		}
	})
}

// A customer who names another URL with each call, at a host that hangs, delays nobody, not even those whose URLs are as new; and his own pushes
// arrive once the host answers.
func TestURLPerCall(t *testing.T) {
	inVoiceLab(t, Options{}, func(l *lab) {
		dead := true
		l.answer = func(r received) (int, time.Duration) {
			if dead && strings.HasPrefix(r.url, "https://dead.example/") {
				return 0, 0
			}
			return 200, 10 * time.Millisecond
		}
		l.start()
		for i := range 2000 {
			l.happen(eventTo(fmt.Sprintf("https://dead.example/order/%d", i), fmt.Sprint("dead", i), "e"))
		}
		for i := range 2000 {
			l.happen(eventTo(fmt.Sprintf("https://good.example/order/%d", i), fmt.Sprint("good", i), "e"))
		}
		l.happen(eventTo("https://new.example/status", "new", "e"))
		after(10 * time.Second)
		got := map[string]int{}
		var last time.Duration
		for _, r := range l.seen() {
			host, _, _ := strings.Cut(strings.TrimPrefix(r.url, "https://"), "/")
			got[host]++
			if host == "new.example" {
				last = r.at
			}
		}
		if got["new.example"] != 1 || last > time.Second {
			t.Errorf("another customer's push went after %v", last)
		}
		if got["good.example"] < 500 || got["dead.example"] > 3*(ownMost+1) {
			t.Errorf("%v pushes in 10 s", got)
		}
		l.change(func() { dead = false })
		after(5 * time.Minute)
		sent := l.seen()
		slices.SortFunc(sent, func(a, b received) int { return strings.Compare(a.url, b.url) })
		if n := len(slices.CompactFunc(sent, func(a, b received) bool { return a.url == b.url })); n != 4001 {
			t.Errorf("%d of 4001 were sent: %v", n, l.states())
		}
	})
}

// What is read from the store is known by its app before it is settled.
func TestAppsAreMet(t *testing.T) {
	m := newMemory()
	m.app = voiceApp()
	k := &keyring{store: m}
	k.meet(t.Context(), []models.Delivery{{AppID: 99}, {AppID: m.app.ID}})
	if !k.placed(m.app.ID) || k.placed(99) {
		t.Error("the app that places calls is not known")
	}
	m.set(func(m *memory) { m.noApps = true })
	k.meet(t.Context(), []models.Delivery{{AppID: 98}, {AppID: m.app.ID}})
	if !k.placed(m.app.ID) || k.knows(98) {
		t.Error("a store that is away changed what is known")
	}
}

// Hosts without end leave nothing behind but those that are in use, or have shown that they are dead.
func TestSweep(t *testing.T) {
	r := newOutbox(t.Context(), New(Options{Store: newMemory()}))
	now := time.Now()
	for i := range urlsMax + 1 {
		for p := range 1 + 2*ownMost*(i%1000/999) { // every thousandth host has more URLs than get a place of their own
			r.destination(models.Delivery{AppID: 7, URL: fmt.Sprintf("https://h%d.example/%d", i, p)}, now)
		}
	}
	if n, most := len(r.urls), urlsMax+1+10*ownMost; n != most {
		t.Errorf("%d places, want %d", n, most)
	}
	r.urls["https://h1.example/0"].rows = 1
	r.urls["https://h2.example/0"].openUntil = now
	r.sweep(now.Add(time.Second))
	if len(r.urls) != 2 || !maps.Equal(r.hosts, map[string]int{"https://h1.example": 1, "https://h2.example": 1}) {
		t.Errorf("%d places and %v are left", len(r.urls), r.hosts)
	}
}
