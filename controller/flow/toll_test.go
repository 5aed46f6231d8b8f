package flow

import (
	"context"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
)

// toll sets what protects the lab's tenant.
func (l *lab) toll(t models.Toll) {
	l.Helper()
	l.must(l.st.SetTenantToll(l.ctx, l.app.TenantID, t))
}

func TestLimits(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.toll(models.Toll{Limits: models.Limits{AtOnce: 1, PerHour: 2}})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second, HangsUpAfter: time.Minute})
		l.sw.SetPhone(talks(ann))
		first := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(10 * time.Second)
		l.refused(ben, xLine, models.TenantPortsFull, "system_busy.wav")
		l.refused(eve, xLine, models.NoBinding, "no_binding.wav") // a call that dials nobody counts for nothing
		if r := l.record(first); r.Fail != models.Hungup {
			t.Errorf("the call that was up ended with %d", r.Fail)
		}
		l.reaches(ben, xLine, ann, xLine)
		l.refused(ann, xLine, models.TenantTooManyCalls, "system_busy.wav")
		time.Sleep(time.Hour)
		l.reaches(ben, xLine, ann, xLine)
		used, err := l.st.TollUsed(l.ctx, l.app.TenantID)
		l.must(err)
		if used.AtOnce != 0 || used.PerDay != 3 {
			t.Errorf("used %+v", used)
		}
	})
}

// A call may talk no longer than the tenant's minutes last, and no call is put through when they are used up. The switch cuts it: nobody need be there.
func TestLimitOfMinutes(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.toll(models.Toll{Limits: models.Limits{Minutes: 5}})
		_, stop := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(30 * time.Second)
		stop()
		time.Sleep(10 * time.Minute)
		l.daemon()
		if r := l.record(a); r.TalkSeconds() < 299 || r.TalkSeconds() > 301 || r.Fail != models.DurationReached {
			t.Errorf("talked %d s, state %d", r.TalkSeconds(), r.Fail)
		}
		l.refused(ann, xLine, models.TenantTooManyCalls, "system_busy.wav")
	})
}

// Nobody is dialled whose number the tenant may not call: not by a binding, not by the tenant's own answer.
func TestBarredDestination(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.toll(models.Toll{Destinations: models.Destinations{Deny: []string{"+86139"}}})
		l.daemon()
		l.sw.SetPhone(talks(ben))
		l.sw.SetPhone(talks(ann))
		l.refused(ann, xLine, models.NoPermission, "no_permission.wav")
		l.reaches(ben, xLine, ann, xLine)
	})
	inLab(t, sim.Options{}, func(l *lab) {
		l.toll(models.Toll{Destinations: models.Destinations{Deny: []string{"+86139", "+1"}}})
		l.ask = names(ben)
		l.mode(models.ModeX, models.AppSettings{})
		l.daemon()
		l.sw.SetPhone(talks(ben))
		l.refused(ann, l.x, models.NoPermission, "no_permission.wav")
		if rang := l.sw.Rang(ben); len(rang) != 0 {
			t.Errorf("B's phone rang: %+v", rang)
		}
	})
}

// names answers every question of mode X with one number.
type names string

func (n names) Ask(context.Context, models.App, models.Session, models.CallEvent) ([]byte, int, error) {
	return []byte(`{"operation":"connect","connectInfo":{"calleeNum":"` + string(n) + `"}}`), 200, nil
}

// A placed call waits while its tenant's limits are reached. One whose callee has been barred since it was accepted ends without having rung.
func TestLimitsOfPlacedCalls(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		e, _ := l.daemon()
		held := make(chan models.StateCode, 10)
		e.OnLimit(func(_ models.Session, s models.StateCode) { held <- s })
		l.sw.SetPhone(talks(ann))
		l.toll(models.Toll{Limits: models.Limits{AtOnce: 1, PerHour: 1}})
		notice := models.Place{Play: []models.Item{{Prompts: []string{models.PromptBusy}}}}
		o := l.order(models.ModeNotify, notice)
		if r := l.place(e, o); r.Fail != models.Hungup {
			t.Fatalf("state %d; log:\n%s", r.Fail, l.logs)
		}
		waits := l.order(models.ModeNotify, notice)
		l.must(e.Place(l.ctx, l.adapter, waits))
		time.Sleep(time.Second)
		if got, err := l.st.Outgoing(l.ctx, waits.Session.ID); err != nil || got.State != models.OutgoingQueued || len(held) != 1 || <-held != models.TenantTooManyCalls {
			t.Errorf("%+v, %v, held %d times", got, err, len(held))
		}
		time.Sleep(time.Hour)
		l.toll(models.Toll{Destinations: models.Destinations{Deny: []string{"+86138"}}})
		before := len(l.sw.Rang(ann))
		if r := l.place(e, waits); r.Fail != models.NoPermission || len(l.sw.Rang(ann)) != before {
			t.Errorf("state %d", r.Fail)
		}
		if used, err := l.st.TollUsed(l.ctx, l.app.TenantID); err != nil || used.AtOnce != 0 {
			t.Errorf("used %+v, %v", used, err)
		}
	})
}
