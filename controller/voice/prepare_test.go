package voice

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"maskline/models"
)

func says(text string) func(*models.Outgoing) {
	return func(o *models.Outgoing) {
		o.Session.Plan.Place.Play = []models.Item{{Prompts: []string{"wait.wav"}}, {Speech: &models.Speech{Text: text}}}
	}
}

// Speech is rendered ahead, so that an engine that takes its time does not cost the pace; and no more of it at once than may be.
func TestSpeechAhead(t *testing.T) {
	inLab(t, func(l *lab) {
		l.speaker.took = 1500 * time.Millisecond
		l.settings(&l.app, models.VoiceSettings{Rate: 8, Ports: 1000})
		n := 0
		l.wait(l.app, 120, func(o *models.Outgoing) { n++; says(fmt.Sprint("text ", n))(o) })
		l.run(l.queue())
		time.Sleep(22 * second)
		l.once(120)
		if got := most(l.dialled()); got > 8 {
			t.Errorf("%d calls in one second", got)
		}
		calls := l.dialled()
		if took := calls[119].at.Sub(calls[0].at); took > 16*second {
			t.Errorf("120 calls took %v at 8 a second", took)
		}
		if l.speaker.atOne > 16 || len(l.speaker.texts) != 120 {
			t.Errorf("%d texts were rendered, %d at once", len(l.speaker.texts), l.speaker.atOne)
		}
	})
}

// A call whose speech fails ends with 8005 before anybody is rung; the others go on, and slow speech of one app does not hold up another.
func TestSpeechFails(t *testing.T) {
	inLab(t, func(l *lab) {
		l.speaker.took = second
		l.settings(&l.app, models.VoiceSettings{Rate: 10})
		quick := l.newApp("quick", models.VoiceSettings{Rate: 10}, "+867550000011")
		failing := l.wait(l.app, 3, says("fails"))
		l.wait(l.app, 3, says("works"))
		l.wait(quick, 10, nil)
		q := l.queue()
		l.run(q)
		began := time.Now()
		time.Sleep(5 * second)
		l.once(13)
		for _, id := range failing {
			if got, told := l.state(id), l.box.told(l, id); got != models.SpeechFailed || len(told) != 2 {
				t.Errorf("ended with %d and told %v", got, told)
			}
		}
		for _, d := range of(l.dialled(), quick) {
			if d.at.Sub(began) > 1500*time.Millisecond {
				t.Errorf("the other app's call waited %v", d.at.Sub(began))
			}
		}
	})
}

// What is long ready is looked at anew: its speech may have left the cache.
func TestSpeechAgain(t *testing.T) {
	inLab(t, func(l *lab) {
		l.settings(&l.app, models.VoiceSettings{Ports: 1})
		l.talk = func(models.Outgoing) time.Duration { return time.Hour / 2 }
		l.wait(l.app, 1, nil)
		l.run(l.queue())
		time.Sleep(second)
		l.wait(l.app, 1, says("later"))
		time.Sleep(time.Hour / 2)
		l.once(2)
		if n := len(l.speaker.texts); n < 3 || n > 4 {
			t.Errorf("rendered %d times in half an hour", n)
		}
	})
}

// Whoever is on a black list is not rung, where the app heeds them: 7004. Without an engine, speech ends with 8005.
func TestJudged(t *testing.T) {
	inLab(t, func(l *lab) {
		l.must(l.st.UpdateApp(l.ctx, l.app.ID, func(a *models.App) error { a.Settings.Risk.BlackLists = models.WatchRefuse; return nil }))
		heedless := l.newApp("heedless", models.VoiceSettings{}, "+867550000011")
		reporting := l.newApp("reporting", models.VoiceSettings{}, "+867550000012")
		l.must(l.st.UpdateApp(l.ctx, reporting.ID, func(a *models.App) error { a.Settings.Risk.BlackLists = models.WatchReport; return nil }))
		barred := models.MustParty(ben)
		for _, b := range []models.Barred{{Kind: models.BarCallee, Party: barred, TenantID: l.tenant.ID}, {Kind: models.BarCaller, Party: models.MustParty(ann)},
			{Kind: models.BarCallee, Party: models.MustParty(ann), AppID: heedless.ID}} {
			l.must(l.st.Bar(l.ctx, &b))
		}
		calls := func(p models.Party) func(*models.Outgoing) {
			return func(o *models.Outgoing) { o.Session.Caller = p }
		}
		refused := l.wait(l.app, 1, calls(barred))
		joined := l.wait(l.app, 1, func(o *models.Outgoing) { o.Session.Mode, o.Session.Callee = models.ModeClick, barred })
		rung := slices.Concat(l.wait(l.app, 1, calls(models.MustParty(ann))), l.wait(heedless, 1, calls(barred)), l.wait(reporting, 1, calls(barred)))
		mute := &engine{lab: l}
		mute.q = New(Options{Store: l.st, Placer: mute, Outbox: l.box, Seats: l.seats()})
		silent := l.wait(l.app, 1, says("anything"))
		l.run(mute.q)
		time.Sleep(10 * second)
		l.once(len(rung))
		for id, want := range map[string]models.StateCode{refused[0]: models.CalleeBarred, joined[0]: models.CalleeBarred, silent[0]: models.SpeechFailed} {
			if got := l.state(id); got != want {
				t.Errorf("ended with %d, not %d", got, want)
			}
		}
	})
}

// A Queue that ends while speech is rendered ends no call for that.
func TestEndsWhilePreparing(t *testing.T) {
	inLab(t, func(l *lab) {
		l.speaker.took = 30 * second
		ids := l.wait(l.app, 5, says("long"))
		stop := l.run(l.queue())
		time.Sleep(5 * second)
		stop()
		for _, id := range ids {
			if o, err := l.st.Outgoing(l.ctx, id); err != nil || o.State != models.OutgoingQueued {
				t.Errorf("%v, %v", o.State, err)
			}
		}
		l.speaker.took = 0
		l.run(l.queue())
		time.Sleep(5 * second)
		l.once(5)
	})
}
