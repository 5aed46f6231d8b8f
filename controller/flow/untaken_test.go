package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/controller/cdr"
	"maskline/controller/media"
	"maskline/esl"
	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

// A call that no daemon takes is refused by the switch after its 10 s, and is told and written once all the same, when a daemon is back.
func TestUntaken(t *testing.T) {
	tooLate := []string{"callin " + ann + " > " + xLine, "disconnect " + ann + " > " + xLine + " 7102", "cdr"}
	for _, c := range []struct {
		name   string
		caller sim.Caller
		after  func(l *lab) // before a daemon is back
		state  models.StateCode
		by     int
		told   []string
		ours   bool
	}{
		{"to a binding", sim.Caller{From: ann, To: xLine}, nil, models.ServiceError, 0, tooLate, true},
		{"the binding has ended since", sim.Caller{From: ann, To: xLine}, func(l *lab) { l.must(l.unbindIt()) }, models.ServiceError, 0, tooLate, true},
		{"the caller leaves first", sim.Caller{From: ann, To: xLine, CancelsAfter: 4 * time.Second}, nil, models.CallerLeftBefore, 1,
			[]string{"callin " + ann + " > " + xLine, "disconnect " + ann + " > " + xLine + " 7516", "cdr"}, true},
		{"to nobody's number", sim.Caller{From: ann, To: "+8617099999999"}, nil, models.ServiceError, 0, nil, false},
		{"from one who is not bound", sim.Caller{From: eve, To: xLine}, nil, models.ServiceError, 0,
			[]string{"callin " + eve + " > " + xLine, "disconnect " + eve + " > " + xLine + " 7102", "cdr"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				l.binding = l.bind(models.BindingSettings{UserData: "order 7"})
				l.must(os.MkdirAll(l.spool, 0o750))
				a := l.dial(c.caller)
				l.must(a.Wait(l.ctx))
				time.Sleep(time.Hour)
				if c.after != nil {
					c.after(l)
				}
				seen := &counts{}
				l.observe = seen
				e, _ := l.daemon()
				r := l.written(a)
				if r.Fail != c.state || r.HungUpBy != c.by || r.Source != models.SourcePost || r.Answered() || !r.StartAt.IsZero() || r.EndAt.After(r.CallInAt.Add(11*time.Second)) {
					t.Errorf("%+v", r)
				}
				if bound := c.caller.From == ann && c.ours; (r.TenantID != 0) != c.ours || (r.BindingID == l.binding.ID && r.UserData == "order 7") != bound {
					t.Errorf("tenant %d, binding %q, user data %q", r.TenantID, r.BindingID, r.UserData)
				}
				if got := l.told(r.SessionID); !slices.Equal(got, c.told) {
					t.Errorf("told %q", got)
				}
				charges, _, err := l.st.Charges(l.ctx, store.ChargeFilter{}, models.Page{})
				if l.must(err); len(charges) != 0 {
					t.Errorf("charged: %+v", charges)
				}
				time.Sleep(2 * time.Minute)
				if e.reports.waiting() != 0 || seen.untaken.Load() != 1 {
					t.Errorf("%d reports are left; %d calls were counted", e.reports.waiting(), seen.untaken.Load())
				}
				l.spoolIsEmpty()
			})
		})
	}
}

func (l *lab) unbindIt() error {
	_, err := l.st.Unbind(l.ctx, l.app.ID, store.UnbindBy{SubscriptionID: l.binding.ID})
	return err
}

// counts are the calls that were not taken.
type counts struct {
	Silent
	untaken atomic.Int64
}

func (c *counts) Untaken(string, string) { c.untaken.Add(1) }

// A call that is refused for being one too many leaves what any call leaves.
func TestRefusedCallIsWritten(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		e, _ := l.daemon()
		e.MaxCalls = 1
		l.sw.SetPhone(sim.Phone{Number: ben})
		first := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(2 * time.Second)
		second := l.dial(sim.Caller{From: ann, To: xLine})
		r := l.record(second)
		if r.Fail != models.PortsExhausted || r.TenantID == 0 || second.Status() != 503 {
			t.Errorf("status %d, %+v", second.Status(), r)
		}
		if got := l.told(r.SessionID); len(got) != 3 {
			t.Errorf("told %q", got)
		}
		first.HangUp()
		l.record(first)
	})
}

// aside is a daemon that shares the database but owns no switch.
func (l *lab) aside() *Engine {
	l.Helper()
	prompts, err := media.New("", "../../conf/prompts/zh")
	l.must(err)
	recordings, err := media.NewRecordings(media.RecordingsOptions{Dir: l.recDir, Key: make([]byte, 32)})
	l.must(err)
	e := New(Options{Store: l.st, Outbox: l.box, Prompts: prompts, Recordings: recordings, Trunks: l.trunks, Owner: "aside", Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(l.ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx, 0); err != nil {
			l.Error(err)
		}
	})
	l.Cleanup(func() { cancel(); wg.Wait() })
	return e
}

// refused is the record of a call that a switch refused after its 10 s.
func refusedLeg(call, from string, began time.Time) cdr.Leg {
	vars := map[string]string{"direction": "inbound", "sip_network_ip": from, "sip_req_user": xLine, "sip_from_user": ann}
	return cdr.Leg{ID: call, Call: call, Role: "a", Created: began, HungUp: began.Add(10 * time.Second), Cause: esl.NormalTemporaryFailure,
		Invite: cdr.ReadInvite(func(name string) string { return vars[name] })}
}

// Several daemons hear of the same calls, again and again: each is written once.
func TestUntakenIsWrittenOnce(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		daemons := []*Engine{l.aside(), l.aside(), l.aside()}
		const calls = 30
		done := 0
		var mu sync.Mutex
		for i := range calls {
			for range 2 {
				for _, e := range daemons {
					e.Report(refusedLeg(fmt.Sprintf("leg-%d", i), "127.0.0.1", time.Now()), "sw1", func() {
						mu.Lock()
						defer mu.Unlock()
						done++
					})
				}
			}
		}
		time.Sleep(time.Minute)
		mu.Lock()
		if done != calls*2*len(daemons) {
			t.Errorf("%d of %d records may go", done, calls*2*len(daemons))
		}
		mu.Unlock()
		for i := range calls {
			id := models.SessionID(fmt.Sprintf("leg-%d", i), "sw1")
			c, err := l.st.CDR(l.ctx, id)
			if l.must(err); c.Fail != models.ServiceError {
				t.Errorf("%+v", c)
			}
			if told := l.told(id); len(told) != 3 {
				t.Errorf("told %q", told)
			}
			events, err := l.st.Events(l.ctx, id)
			if l.must(err); len(events) != 2 {
				t.Errorf("events %+v", events)
			}
		}
	})
}

// What is no call leaves nothing, and its record may go; but not one of a switch that is unknown here.
func TestReportsOfNoCall(t *testing.T) {
	dialled := refusedLeg("c2", "127.0.0.1", time.Now())
	dialled.Invite = cdr.Invite{}
	for name, l0 := range map[string]cdr.Leg{"a stranger": refusedLeg("c1", "192.0.2.9", time.Now()), "a leg that was dialled": dialled,
		"a callee":                  {ID: "b3", Call: "c3", Role: "b", HungUp: time.Now()},
		"a switch of another house": refusedLeg("c4", "127.0.0.1", time.Now())} {
		t.Run(name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				e := l.aside()
				var gone atomic.Bool
				if l0.Call == "c4" {
					e.Switches = map[string]string{"fs7": "fs7"}
				}
				e.Report(l0, "sw1", func() { gone.Store(true) })
				time.Sleep(2 * orphanAfter)
				if _, err := l.st.Session(l.ctx, models.SessionID(l0.Call, "sw1")); models.CodeOf(err) != models.NotFound || gone.Load() == (l0.Call == "c4") || e.reports.waiting() != 0 {
					t.Errorf("session: %v; its record may go: %t", err, gone.Load())
				}
			})
		})
	}
}

// A report that reaches a daemon which does not own the switch ends nothing that the owner still handles; and the call is ended from it when
// the owner never does.
func TestReportReachesAnotherDaemon(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.daemon()
		other := l.aside()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second, HangsUpAfter: time.Hour})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(10 * time.Second)
		leg := cdr.Leg{ID: a.Leg, Call: a.Leg, Role: "a", Created: time.Now().Add(-10 * time.Second), HungUp: time.Now(), Cause: esl.NormalClearing, Disposition: "recv_bye"}
		other.Report(leg, "sw1", nil)
		time.Sleep(othersAfter - 2*time.Second)
		s, err := l.st.Session(l.ctx, models.SessionID(a.Leg, "sw1"))
		if l.must(err); !s.EndedAt.IsZero() {
			t.Error("it was ended under its owner's hands")
		}
		a.HangUp()
		c := l.record(a)
		if c.Source != models.SourceEvents || c.HungUpBy != 1 {
			t.Errorf("%+v", c)
		}
		l.toldOnce(c)
		time.Sleep(time.Minute)
		if other.reports.waiting() != 0 {
			t.Error("the report is kept though the call is over")
		}
	})
}

// The owner of a switch loses sight of a call whose records go to another daemon: the other completes it, not the owner's guess.
func TestAnotherDaemonHasTheRecords(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		other := l.aside()
		e, _ := l.daemon()
		e.ReportWait = SharedReportWait
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second, HangsUpAfter: time.Hour})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(10 * time.Second)
		began := time.Now().Add(-10 * time.Second)
		l.sw.Restart()
		ended := time.Now()
		other.Report(cdr.Leg{ID: a.Leg, Call: a.Leg, Role: "a", Created: began, HungUp: ended, Cause: esl.NormalClearing, Disposition: "recv_bye"}, "sw1", nil)
		other.Report(cdr.Leg{ID: "b", Call: a.Leg, Role: "b", Created: began, Answered: began.Add(time.Second), HungUp: ended, Cause: esl.NormalClearing}, "sw1", nil)
		time.Sleep(2 * time.Minute)
		c := l.written(a)
		if c.Source != models.SourcePost || c.TalkSeconds() < 8 || c.HungUpBy != 1 {
			t.Errorf("%+v", c)
		}
		l.toldOnce(c)
		if strings.Contains(l.logs.String(), "panic") || e.Live() != 0 {
			t.Errorf("%d calls are left", e.Live())
		}
	})
}

// The callee's record comes when its call has been written long ago: it is not kept.
func TestLateRecordOfACallee(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		e, _ := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second, HangsUpAfter: 5 * time.Second})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		c := l.record(a)
		time.Sleep(time.Hour)
		var gone atomic.Bool
		e.Report(cdr.Leg{ID: "b", Call: a.Leg, Role: "b", HungUp: c.EndAt}, "sw1", func() { gone.Store(true) })
		time.Sleep(settleAfter + 2*settleEvery)
		if !gone.Load() {
			t.Error("its record is kept")
		}
		l.toldOnce(c)
	})
}

// A call comes and is refused while the daemon has lost its link to the switch: it is written though the link stays down, and once.
func TestUntakenWhileTheLinkIsDown(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		e, _ := l.daemon()
		l.sw.Faults.Refuse(true)
		l.sw.CutConnections()
		a := l.dial(sim.Caller{From: ann, To: xLine})
		l.must(a.Wait(l.ctx))
		time.Sleep(settleAfter + 10*time.Second)
		c, err := l.st.CDR(l.ctx, models.SessionID(a.Leg, "sw1"))
		if l.must(err); c.Fail != models.ServiceError {
			t.Errorf("%+v", c)
		}
		l.sw.Faults.Refuse(false)
		time.Sleep(2 * time.Minute)
		if told := l.told(c.SessionID); len(told) != 3 || e.Live() != 0 || e.reports.waiting() != 0 {
			t.Errorf("told %q, %d calls and %d reports are left", told, e.Live(), e.reports.waiting())
		}
	})
}

// cutStore is a database that can be away.
type cutStore struct {
	Store
	away atomic.Bool
}

var errAway = errors.New("the database is away")

func (s *cutStore) Session(ctx context.Context, id string) (models.Session, error) {
	if s.away.Load() {
		return models.Session{}, errAway
	}
	return s.Store.Session(ctx, id)
}

func (s *cutStore) SightAt(ctx context.Context, dialled string, caller models.Party, extension string, at time.Time) (models.Sight, error) {
	if s.away.Load() {
		return models.Sight{}, errAway
	}
	return s.Store.SightAt(ctx, dialled, caller, extension, at)
}

// While the database is away all reports wait; when it is back each call is written.
func TestUntakenWhileTheDatabaseIsAway(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		e := l.aside()
		st := &cutStore{Store: l.st}
		e.Store = st
		st.away.Store(true)
		for i := range 100 {
			e.Report(refusedLeg(fmt.Sprintf("leg-%d", i), "127.0.0.1", time.Now()), "sw1", nil)
		}
		time.Sleep(10 * time.Minute)
		if e.reports.waiting() != 100 {
			t.Errorf("%d reports are left while the database is away", e.reports.waiting())
		}
		st.away.Store(false)
		time.Sleep(10 * time.Second)
		for i := range 100 {
			if _, err := l.st.CDR(l.ctx, models.SessionID(fmt.Sprintf("leg-%d", i), "sw1")); err != nil {
				t.Fatal(err)
			}
		}
	})
}
