package flow

import (
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
)

// A call that is answered and hung up at once is written at once: no wait runs to its end.
func TestShortCallsAreWrittenAtOnce(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, HangsUpAfter: time.Millisecond})
		for range 20 {
			var lines []*sim.Line
			for range 20 {
				lines = append(lines, l.dial(sim.Caller{From: ann, To: xLine}))
			}
			for _, a := range lines {
				l.must(a.Wait(l.ctx))
				if c := l.written(a); c.CompletedAt.Sub(c.EndAt) > time.Second {
					t.Errorf("written %s after the end: %+v", c.CompletedAt.Sub(c.EndAt), c)
				}
			}
		}
	})
}
