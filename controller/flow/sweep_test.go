package flow

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
)

// absent is a store that cannot say for a while which sessions live.
type absent struct {
	Store
	fails atomic.Int32
}

func (a *absent) LiveSessions(ctx context.Context, name string) ([]models.Session, error) {
	if a.fails.Add(-1) >= 0 {
		return nil, errors.New("the database is away")
	}
	return a.Store.LiveSessions(ctx, name)
}

// A call ends while no daemon looks and leaves no record, and at the resync the database cannot be read: the session is ended all the same, a little
// later.
func TestMissingIsLookedForAgain(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		_, stop := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, HangsUpAfter: 10 * time.Second})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(3 * time.Second)
		stop()
		l.must(a.Wait(l.ctx))
		time.Sleep(time.Second)
		lost, err := filepath.Glob(filepath.Join(l.spool, "*.json"))
		l.must(err)
		if len(lost) == 0 {
			t.Fatal("the switch kept no record that could be lost")
		}
		for _, f := range lost {
			l.must(os.Remove(f))
		}
		l.tune = func(e *Engine) {
			s := &absent{Store: e.Store}
			s.fails.Store(2)
			e.Store = s
		}
		e, _ := l.daemon()
		time.Sleep(3 * time.Minute)
		if c := l.written(a); c.Source != models.SourceLost && c.Source != models.SourcePartial {
			t.Errorf("%+v", c)
		}
		if live, err := l.st.LiveSessions(l.ctx, "sw1"); err != nil || len(live) > 0 || e.Live() > 0 {
			t.Errorf("%d sessions and %d calls are live, %v", len(live), e.Live(), err)
		}
	})
}
