package delivery

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

// office is one of several daemons' couriers over the store and the customers of a lab.
type office struct {
	l     *lab
	c     *Courier
	lanes map[int]context.CancelCauseFunc
	wg    sync.WaitGroup
	stop  context.CancelFunc
}

func open(l *lab) *office {
	o := l.o
	o.Leased, o.Shared = true, func() bool { return true }
	of := &office{l: l, c: New(o), lanes: map[int]context.CancelCauseFunc{}}
	var ctx context.Context
	ctx, of.stop = context.WithCancel(context.Background())
	of.wg.Go(func() { of.c.Run(ctx) })
	return of
}

// take serves a lane from now on, under a lease that outdates the ones before.
func (of *office) take(lanes ...int) {
	for _, n := range lanes {
		name := fmt.Sprint("outbox/", n)
		var held models.Lease
		of.l.set(func(m *memory) {
			m.tokens[name]++
			held = models.Lease{Name: name, Token: m.tokens[name]}
		})
		ctx, cancel := context.WithCancelCause(context.Background())
		served := make(chan struct{})
		of.wg.Go(func() { defer close(served); of.c.Serve(ctx, n, held) })
		of.lanes[n] = func(cause error) { cancel(cause); <-served }
	}
}

// give ends lanes, and returns when the courier has.
func (of *office) give(cause error, lanes ...int) {
	for _, n := range lanes {
		of.lanes[n](cause)
		delete(of.lanes, n)
	}
}

func (of *office) close() {
	for n := range of.lanes {
		of.give(context.Canceled, n)
	}
	of.stop()
	of.wg.Wait()
}

func span(from, to int) (lanes []int) {
	for n := from; n < to; n++ {
		lanes = append(lanes, n)
	}
	return lanes
}

// inOrder is what a customer got of each session, with repeats, by session.
func inOrder(l *lab) map[string]string {
	got := map[string]string{}
	for _, r := range l.seen() {
		session, n, _ := strings.Cut(r.body, "/")
		got[session] += n
	}
	return got
}

// Two daemons share the lanes; whoever writes a delivery, its lane's owner sends it, once and in its session's order, and soon.
func TestTwoDaemonsShareLanes(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		a, b := open(l), open(l)
		a.take(span(0, models.Lanes/2)...)
		b.take(span(models.Lanes/2, models.Lanes)...)
		after(time.Second)
		for n := range 4 {
			for i := range 100 {
				rows := l.commit(event(fmt.Sprint("s", i), fmt.Sprintf("s%d/%d", i, n)))
				if i%2 == 0 {
					a.c.Offer(rows) // whether it is his or not
				}
			}
			after(20 * time.Millisecond)
		}
		after(time.Second)
		if s := l.states(); s[models.DeliveryDone] != 400 {
			t.Errorf("states %v", s)
		}
		for s, got := range inOrder(l) {
			if got != "0123" {
				t.Errorf("%s got %s", s, got)
			}
		}
		for _, r := range l.seen() {
			if r.at > 1500*time.Millisecond {
				t.Errorf("%s came after %v", r.body, r.at)
			}
		}
		a.close()
		b.close()
	})
}

// A lane that is given away in good order while its pushes are under way repeats none and loses none.
func TestLaneGiven(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 200, 300 * time.Millisecond }
		a, b := open(l), open(l)
		a.take(span(0, models.Lanes)...)
		after(time.Second)
		for i := range 60 {
			for n := range 3 {
				a.c.Offer(l.commit(event(fmt.Sprint("s", i), fmt.Sprintf("s%d/%d", i, n))))
			}
		}
		after(400 * time.Millisecond)
		a.give(context.Canceled, span(0, models.Lanes/2)...)
		b.take(span(0, models.Lanes/2)...)
		after(time.Minute)
		if s := l.states(); s[models.DeliveryDone] != 180 {
			t.Errorf("states %v", s)
		}
		for s, got := range inOrder(l) {
			if got != "012" {
				t.Errorf("%s got %s", s, got)
			}
		}
		a.close()
		b.close()
	})
}

// Who has lost a lane without knowing it writes nothing any more, and the next owner delivers all; what the first had taken up may come twice.
func TestLaneLost(t *testing.T) {
	inLab(t, Options{}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 500, 300 * time.Millisecond }
		a, b := open(l), open(l)
		a.take(3)
		after(time.Second)
		var session string
		for i := 0; session == ""; i++ {
			if s := fmt.Sprint("s", i); models.LaneOf(s) == 3 {
				session = s
			}
		}
		a.c.Offer(l.commit(event(session, "s/0"), event(session, "s/1")))
		after(100 * time.Millisecond) // the first is under way
		l.change(func() { l.answer = nil })
		b.take(3) // a does not know
		after(5 * time.Second)
		if s := l.states(); s[models.DeliveryDone] != 2 {
			t.Errorf("states %v: a refused attempt of the one before was written over what the owner had delivered", s)
		}
		a.give(fmt.Errorf("the lease is lost"), 3)
		after(time.Minute)
		got := map[string]int{}
		for _, r := range l.seen() {
			got[r.body]++
		}
		if got["s/0"] != 2 || got["s/1"] < 1 {
			t.Errorf("received %v", got)
		}
		if held := a.c.lanes.mine(); len(held) != 0 {
			t.Errorf("a still has %v", held)
		}
		a.close()
		b.close()
	})
}

// What a lane's former owner held in memory for a URL that hangs goes to the next with the lane.
func TestLaneOfHangingURL(t *testing.T) {
	inLab(t, Options{Timeout: 5 * time.Second}, func(l *lab) {
		l.answer = func(received) (int, time.Duration) { return 0, 0 }
		a, b := open(l), open(l)
		a.take(span(0, models.Lanes)...)
		after(time.Second)
		for i := range 200 {
			a.c.Offer(l.commit(event(fmt.Sprint("s", i), fmt.Sprintf("s%d/0", i))))
		}
		after(time.Second)
		began := time.Now()
		a.give(context.Canceled, span(0, models.Lanes)...)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("the lanes were given after %v", took)
		}
		l.change(func() { l.answer = nil })
		b.take(span(0, models.Lanes)...)
		after(time.Hour)
		if s := l.states(); s[models.DeliveryDone] != 200 {
			t.Errorf("states %v", s)
		}
		if rows, counts := len(a.c.lanes.mine()), l.saves; rows != 0 || counts == 0 {
			t.Errorf("a holds %d lanes", rows)
		}
		a.close()
		b.close()
	})
}
