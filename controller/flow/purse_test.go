package flow

import (
	"context"
	"errors"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

// purse charges one yuan a call, and lets calls pass as it is told.
type purse struct {
	broke   bool
	unknown bool // the ledger cannot be read
	free    bool
	affords time.Duration
}

func (p purse) Rate(_ context.Context, c models.CDR) ([]models.Charge, error) {
	if p.free {
		return nil, errors.New("no plan can be read")
	}
	return []models.Charge{{SessionID: c.SessionID, Leg: 2, TenantID: c.TenantID, AppID: c.AppID, Mode: c.Mode, EndAt: c.EndAt, Seconds: c.TalkSeconds(), Units: 1, Minutes: 1, Amount: models.Unit, Why: "one yuan"}}, nil
}

func (p purse) Solvent(context.Context, int64) (bool, error) {
	if p.unknown {
		return !p.broke, errors.New("the ledger is away")
	}
	return !p.broke, nil
}

func (p purse) Afford(context.Context, int64, models.Mode, time.Time) (time.Duration, error) {
	return p.affords, nil
}

// A plan that cuts calls does so in the switch: nobody need be there when the money is gone.
func TestCallIsCut(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.bind(models.BindingSettings{})
		l.purse = purse{affords: 3 * time.Minute}
		_, stop := l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second})
		a := l.dial(sim.Caller{From: ann, To: xLine})
		time.Sleep(10 * time.Second)
		stop()
		time.Sleep(10 * time.Minute)
		l.daemon()
		if r := l.record(a); r.TalkSeconds() < 179 || r.TalkSeconds() > 181 || r.Fail != models.DurationReached {
			t.Errorf("talked %d s, state %d", r.TalkSeconds(), r.Fail)
		}
	})
}

// What a call costs is written with its record; a call of a tenant who cannot pay reaches nobody (7108).
func TestPurse(t *testing.T) {
	for _, c := range []struct {
		name    string
		purse   purse
		charges int
		state   models.StateCode
	}{
		{"pays", purse{}, 1, models.Hungup},
		{"cannot be rated now", purse{free: true}, 0, models.Hungup},
		{"broke", purse{broke: true}, 1, models.AccountFrozen},
		{"ledger away, closed", purse{broke: true, unknown: true}, 1, models.AccountFrozen},
		{"ledger away, open", purse{unknown: true}, 1, models.Hungup},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, sim.Options{}, func(l *lab) {
				l.bind(models.BindingSettings{})
				l.purse = c.purse
				l.daemon()
				l.sw.SetPhone(sim.Phone{Number: ben, Rings: time.Second, HangsUpAfter: 20 * time.Second})
				_, r := l.call(sim.Caller{From: ann, To: xLine})
				if r.Fail != c.state {
					t.Errorf("state %d, want %d", r.Fail, c.state)
				}
				if c.state != models.Hungup && len(l.sw.Rang(ben)) != 0 {
					t.Error("B's phone rang")
				}
				charges, _, err := l.st.Charges(l.ctx, store.ChargeFilter{SessionID: r.SessionID}, models.Page{})
				l.must(err)
				if len(charges) != c.charges || c.charges > 0 && (charges[0].CDRID != r.ID || charges[0].Amount != models.Unit || !charges[0].SettledAt.IsZero()) {
					t.Errorf("charges %+v", charges)
				}
			})
		})
	}
}

// An app that requires it puts nobody through whose A has not shown who he is (8058).
func TestUnregisteredParty(t *testing.T) {
	inLab(t, sim.Options{}, func(l *lab) {
		l.must(l.st.UpdateApp(l.ctx, l.app.ID, func(a *models.App) error { a.Settings.RequireRegistered = true; return nil }))
		l.bind(models.BindingSettings{})
		l.daemon()
		l.sw.SetPhone(sim.Phone{Number: ben, HangsUpAfter: 5 * time.Second})
		if _, r := l.call(sim.Caller{From: ann, To: xLine}); r.Fail != models.NotRegistered || len(l.sw.Rang(ben)) != 0 {
			t.Errorf("state %d", r.Fail)
		}
		l.must(l.st.RegisterParties(l.ctx, []models.RegisteredParty{{TenantID: l.app.TenantID, Party: models.MustParty(ann), Name: "Ann"}}))
		if _, r := l.call(sim.Caller{From: ann, To: xLine}); r.Fail != models.Hungup {
			t.Errorf("state %d", r.Fail)
		}
	})
}
