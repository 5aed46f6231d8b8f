package voice

import (
	"context"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

// leased is a Queue of one of several daemons, and its lanes.
type leased struct {
	*Queue
	stops map[int]func()
}

func (l *lab) leased() *leased {
	e := &engine{lab: l}
	e.q = New(Options{Store: l.st, Placer: e, Outbox: l.box, Speaker: l.speaker, Seats: l.seats(), Trunks: l.trunks, Leased: true})
	l.run(e.q)
	d := &leased{e.q, map[int]func(){}}
	l.stops = append(l.stops, func() {
		for _, stop := range d.stops {
			stop()
		}
	})
	return d
}

func (d *leased) take(l *lab, lane int) {
	ctx, cancel := context.WithCancel(l.ctx)
	done := make(chan struct{})
	go func() { defer close(done); d.Serve(ctx, lane) }()
	d.stops[lane] = sync.OnceFunc(func() { cancel(); <-done })
}

// The lane of an app goes from daemon to daemon: its calls go on, each is dialled once, and in no second more than the app may.
func TestLaneMoves(t *testing.T) {
	inLab(t, func(l *lab) {
		l.settings(&l.app, models.VoiceSettings{Rate: 10, Ports: 1000})
		lane := Lane(l.app.ID)
		daemons := []*leased{l.leased(), l.leased(), l.leased()}
		l.wait(l.app, 400, nil)
		time.Sleep(5 * second)
		if n := len(l.dialled()); n != 0 {
			t.Fatalf("%d calls were dialled without a lane", n)
		}
		for i := range 9 {
			d := daemons[i%3]
			d.take(l, lane)
			time.Sleep(5*second + time.Duration(i)*70*time.Millisecond)
			d.stops[lane]()
		}
		daemons[1].take(l, lane)
		time.Sleep(30 * second)
		l.once(400)
		if n := most(l.dialled()); n > 10 {
			t.Errorf("%d calls in one second of an app that takes 10", n)
		}
	})
}

// What waits too long in a lane is ended by its owner alone; an app of another lane is left alone.
func TestLaneGivesUp(t *testing.T) {
	inLab(t, func(l *lab) {
		other := l.newApp("other", models.VoiceSettings{}, "+867550000031")
		l.full = true
		first, second1 := l.wait(l.app, 1, nil)[0], l.wait(other, 1, nil)[0]
		d := l.leased()
		d.take(l, Lane(l.app.ID))
		time.Sleep(other.Settings.Voice.Patience() + time.Minute)
		if l.state(first) <= 0 || l.state(second1) != -1 {
			t.Errorf("states %d and %d", l.state(first), l.state(second1))
		}
	})
}
