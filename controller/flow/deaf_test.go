package flow

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/esl/wire"
	"maskline/models"
)

// The switch drops events when its queue for us is full, and does not say which. A call whose end was among them ends from its record, once, and
// is not kept for ever.
func TestEndsAreDropped(t *testing.T) {
	for _, c := range []struct {
		name    string
		drop    func(e *sim.Event) bool
		records bool
		source  models.Source
		by      int
	}{
		{"the caller's", func(e *sim.Event) bool { return e.Get("variable_maskline_role") == "a" }, true, models.SourcePost, 2},
		{"the callee's", func(e *sim.Event) bool { return e.Get("variable_maskline_role") == "b" }, true, models.SourcePost, 2},
		{"both", func(*sim.Event) bool { return true }, true, models.SourcePost, 2},
		{"the callee's, and no record comes", func(e *sim.Event) bool { return e.Get("variable_maskline_role") == "b" }, false, models.SourcePartial, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				if !c.records {
					l.spool = t.TempDir() // the daemon looks where the switch does not write
				}
				l.bind(models.BindingSettings{})
				l.sw.Faults.Event = func(e *sim.Event) *sim.EventFate {
					return &sim.EventFate{Drop: e.Name == "CHANNEL_HANGUP_COMPLETE" && c.drop(e)}
				}
				e, _ := l.daemon()
				l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second, HangsUpAfter: 20 * time.Second})
				a := l.dial(sim.Caller{From: ann, To: xLine})
				l.must(a.Wait(l.ctx))
				time.Sleep(2 * time.Minute)
				r := l.written(a)
				if r.Source != c.source || r.TalkSeconds() != 20 || r.HungUpBy != c.by {
					t.Errorf("%+v", r)
				}
				if c.records {
					l.toldOnce(r)
					l.spoolIsEmpty()
				}
				if e.Live() != 0 || e.reports.waiting() != 0 {
					t.Errorf("%d calls and %d reports are left", e.Live(), e.reports.waiting())
				}
			})
		})
	}
}

// While the switch's list of channels cannot be read, or says nonsense, nobody is cut off; when it can be again, the call goes on to its CDR.
func TestSnapshotsFail(t *testing.T) {
	for name, fate := range map[string]func(q wire.Request) *sim.CommandFate{
		"the list is refused":   func(q wire.Request) *sim.CommandFate { return answer(q, "show", "-ERR SQL error") },
		"the list is cut short": func(q wire.Request) *sim.CommandFate { return answer(q, "show", `{"row_count":2,"rows":[{"uuid":"`) },
		"the list is empty, and nobody says who exists": func(q wire.Request) *sim.CommandFate {
			if f := answer(q, "show", emptyList); f != nil {
				return f
			}
			if f := answer(q, "uuid_dump", "-ERR No such channel!"); f != nil {
				return f
			}
			return answer(q, "uuid_exists", "-ERR try later")
		},
		"the link breaks under it": func(q wire.Request) *sim.CommandFate {
			if strings.HasPrefix(asked(q), "api show") {
				return &sim.CommandFate{Cut: true}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				l.bind(models.BindingSettings{})
				var broken atomic.Bool
				l.sw.Faults.Command = func(q wire.Request) *sim.CommandFate {
					if !broken.Load() {
						return nil
					}
					return fate(q)
				}
				l.daemon()
				l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second, HangsUpAfter: 10 * time.Minute})
				a := l.dial(sim.Caller{From: ann, To: xLine})
				time.Sleep(10 * time.Second)
				broken.Store(true)
				l.sw.CutConnections()
				time.Sleep(3 * time.Minute)
				if s, err := l.st.Session(l.ctx, models.SessionID(a.Leg, "sw1")); err != nil || !s.EndedAt.IsZero() {
					t.Fatalf("it was ended: %+v, %v", s, err)
				}
				broken.Store(false)
				c := l.record(a)
				if c.TalkSeconds() != 600 || c.Source != models.SourceResync {
					t.Errorf("%+v", c)
				}
				l.toldOnce(c)
			})
		})
	}
}

var emptyList = func() string {
	b, _ := json.Marshal(map[string]int{"row_count": 0})
	return string(b)
}()

func answer(q wire.Request, api, reply string) *sim.CommandFate {
	if strings.HasPrefix(asked(q), "api "+api) {
		return &sim.CommandFate{Reply: reply}
	}
	return nil
}

func asked(q wire.Request) string { return q.Verb + " " + q.Args }
