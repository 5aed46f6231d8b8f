package voice

import (
	"sync/atomic"
	"testing"
	"time"

	"maskline/models"
)

// A switch that is being drained gets no call, though it is up; with all of them drained calls wait.
func TestDrainingSwitches(t *testing.T) {
	inLab(t, func(l *lab) {
		l.switches = append(l.switches, &box{name: "sw2", up: true})
		l.settings(&l.app, models.VoiceSettings{Rate: 10, Ports: 1000})
		l.talk = func(models.Outgoing) time.Duration { return time.Hour }
		var first, other atomic.Bool
		first.Store(true)
		e := &engine{lab: l}
		e.q = New(Options{Store: l.st, Placer: e, Outbox: l.box, Speaker: l.speaker, Seats: l.seats(), Trunks: l.trunks, Draining: func(name string) bool {
			return name == "sw1" && first.Load() || name == "sw2" && other.Load()
		}})
		l.run(e.q)
		l.wait(l.app, 10, nil)
		time.Sleep(5 * second)
		by := func() (n int) {
			for _, d := range l.dialled() {
				if d.by == "sw1" {
					n++
				}
			}
			return n
		}
		l.once(10)
		if by() != 0 {
			t.Errorf("%d calls were placed on a switch that is drained", by())
		}
		other.Store(true)
		l.wait(l.app, 10, nil)
		time.Sleep(10 * second)
		l.once(10)
		first.Store(false)
		time.Sleep(5 * second)
		l.once(20)
		if by() != 10 {
			t.Errorf("%d calls were placed on the switch that serves again, want 10", by())
		}
	})
}
