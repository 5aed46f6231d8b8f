package delivery

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// neighbours is a steady load: 1000 customers, each with a call of three events every two seconds, answered in 50 ms.
type neighbours struct {
	*lab
	dead map[string]bool
	sent map[string]time.Duration // by session: when its events happened
}

func (n *neighbours) url(i int) string { return fmt.Sprintf("https://c%d.example/status", i) }

// load lets everybody call for a while, and gives how long after it had happened each event came to the healthy, the longest last.
func (n *neighbours) load(round string, d time.Duration) []time.Duration {
	before := len(n.seen())
	const steps = 20 // of 2 s
	for tick := range int(d / (2 * time.Second / steps)) {
		for i := tick % steps; i < 1000; i += steps {
			s := fmt.Sprint(round, "-", tick, "-", i)
			n.sent[s] = time.Since(n.began)
			n.happen(eventTo(n.url(i), s, s), eventTo(n.url(i), s, s), eventTo(n.url(i), s, s))
		}
		after(2 * time.Second / steps)
	}
	after(10 * time.Second)
	var late []time.Duration
	for _, r := range n.seen()[before:] {
		if at, ok := n.sent[r.body]; ok && !n.dead[r.url] {
			late = append(late, r.at-at)
		}
	}
	slices.Sort(late)
	return late
}

// 100 of 1000 customers hang, or begin to, under load: the other 900 are told within a second of when they are told without that.
func TestDeadNeighbours(t *testing.T) {
	for _, c := range []struct {
		name string
		dies int // the round in which they do
	}{{"never", 2}, {"from the first", 0}, {"in the middle", 1}} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, Options{}, func(l *lab) {
				n := &neighbours{l, map[string]bool{}, map[string]time.Duration{}}
				l.answer = func(r received) (int, time.Duration) {
					if n.dead[r.url] {
						return 0, 0
					}
					return 200, 50 * time.Millisecond
				}
				l.start()
				for round := range 2 {
					if round == c.dies {
						l.change(func() {
							for i := range 100 {
								n.dead[n.url(i*10)] = true
							}
						})
					}
					late := n.load(fmt.Sprint(round), 12*time.Second)
					normal, last := 3*50*time.Millisecond, late[len(late)-1]
					if last > normal+time.Second {
						t.Errorf("round %d: the last of %d pushes to the healthy came after %v, the median after %v", round, len(late), last, late[len(late)/2])
					}
				}
				if l.most > 256 {
					t.Errorf("%d attempts at once", l.most)
				}
			})
		})
	}
}
