package voice

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"maskline/models"
)

// Some minutes with apps of all kinds, two daemons that come and go, switches that fail, an engine that is full at times, customers who stop calls: every
// call is dialled once or ends once with a code, and no bound is ever passed.
func TestAnyDay(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inLab(t, func(l *lab) { anyDay(l, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

func anyDay(l *lab, r *rand.Rand) {
	l.talk = func(o models.Outgoing) time.Duration {
		return time.Duration(o.QueuedAt.UnixMicro()*7919%20_000) * time.Millisecond
	}
	l.switches = append(l.switches, &box{name: "sw2", up: true})
	l.speaker.took = 300 * time.Millisecond
	var apps []models.App
	for i := range 4 {
		v := models.VoiceSettings{Rate: float64(1 + r.IntN(10)), Ports: 5 + r.IntN(50), WaitFor: 30 + r.IntN(300)}
		if i%2 == 1 {
			v.Number = models.NumberPace{Rate: float64(1 + r.IntN(3)), Ports: 3 + r.IntN(5)}
		}
		apps = append(apps, l.newApp(fmt.Sprint("app", i), v, fmt.Sprintf("+8675500001%02d", i)))
	}
	queues := []*Queue{l.queue(), l.queue()}
	stop := l.run(queues[0])
	running := 0
	var all []string
	for range 30 {
		switch app := apps[r.IntN(len(apps))]; r.IntN(8) {
		case 0, 1, 2, 3:
			offer := r.IntN(2) == 0
			all = append(all, l.wait(app, r.IntN(60), func(o *models.Outgoing) {
				o.Priority = r.IntN(3)
				o.Session.Dialled = fmt.Sprintf("+86755%08d", app.ID*10+int64(r.IntN(3)))
				switch r.IntN(10) {
				case 0:
					says("fails")(o)
				case 1:
					says(fmt.Sprint("text", r.IntN(5)))(o)
				}
				if offer {
					queues[running].Offer(*o)
				}
			})...)
		case 4:
			if len(all) > 0 {
				if err := queues[running].Stop(l.ctx, all[r.IntN(len(all))]); err != nil && models.CodeOf(err) != models.SessionOver {
					l.Error(err)
				}
			}
		case 5:
			l.switches[r.IntN(2)].set(r.IntN(3) > 0)
		case 6:
			l.mu.Lock()
			l.refuse = nil
			if r.IntN(3) == 0 {
				l.refuse = errors.New("full")
			}
			l.full = r.IntN(4) == 0
			l.mu.Unlock()
		case 7: // another daemon takes over
			stop()
			running = 1 - running
			stop = l.run(queues[running])
		}
		time.Sleep(time.Duration(r.IntN(30_000)) * time.Millisecond)
	}
	for _, b := range l.switches {
		b.set(true)
	}
	l.mu.Lock()
	l.refuse, l.full = nil, false
	l.mu.Unlock()
	time.Sleep(7 * time.Minute)
	l.settled(all, apps)
}

func (l *lab) settled(all []string, apps []models.App) {
	l.Helper()
	rung := map[string]int{}
	for _, d := range l.dialled() {
		rung[d.o.Session.ID]++
	}
	ended := 0
	for _, id := range all {
		code := l.state(id)
		switch {
		case code < 0:
			l.Errorf("%s has no end", id)
		case rung[id] > 1 || rung[id] == 1 && code != 0 || rung[id] == 0 && code == 0:
			l.Errorf("%s was dialled %d times and ended with %d", id, rung[id], code)
		case code != 0:
			ended++
			if n := len(l.box.told(l, id)); n != 2 {
				l.Errorf("%s was told of %d times", id, n)
			}
		}
	}
	l.Logf("%d calls, %d dialled, %d ended before", len(all), len(rung), ended)
	for _, app := range apps {
		calls, v := of(l.dialled(), app), app.Settings.Voice
		if most(calls) > int(v.Rate) || atOnce(calls) > v.Ports {
			l.Errorf("%d calls in a second and %d at once, of %v and %d", most(calls), atOnce(calls), v.Rate, v.Ports)
		}
		byNumber := map[string][]dialled{}
		for _, d := range calls {
			byNumber[d.o.Session.Dialled] = append(byNumber[d.o.Session.Dialled], d)
		}
		for _, list := range byNumber {
			if v.Number.Rate > 0 && (most(list) > int(v.Number.Rate) || atOnce(list) > v.Number.Ports) {
				l.Errorf("%d calls of a number in a second and %d at once, of %v and %d", most(list), atOnce(list), v.Number.Rate, v.Number.Ports)
			}
		}
		if n, err := l.st.QueueDepth(l.ctx, app.ID); err != nil || n != 0 {
			l.Errorf("%d calls wait still, %v", n, err)
		}
	}
}
