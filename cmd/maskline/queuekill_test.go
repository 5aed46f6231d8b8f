package main

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

// notices lets n notifications wait, to numbers of their own.
func notices(t testing.TB, st *store.Store, n int) (callees []string) {
	t.Helper()
	ctx := t.Context()
	tenant := models.Tenant{Name: "Acme", SpID: "acme"}
	if err := st.CreateTenant(ctx, &tenant); err != nil {
		t.Fatal(err)
	}
	app := models.App{TenantID: tenant.ID, Key: "vkey", Name: "notices", Mode: models.ModeVoice,
		Settings: models.AppSettings{Voice: models.VoiceSettings{Ports: 200, Rate: 200}}}
	if err := st.CreateApp(ctx, &app, "secret"); err != nil {
		t.Fatal(err)
	}
	if err := st.AddNumbers(ctx, []models.Number{{AppID: app.ID, Number: numShown, AreaCode: "0755"}}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		to, leg, now := fmt.Sprintf("+86138%08d", i), models.NewID(), time.Now().UTC()
		s := models.Session{ID: models.SessionID(leg, "fs1"), LegA: leg, Host: "fs1", TenantID: tenant.ID, AppID: app.ID, Mode: models.ModeNotify, Dialled: numShown,
			Caller: models.MustParty(to), Stage: models.StageQueued, StartedAt: now, Plan: models.Plan{Place: &models.Place{To: to, Show: numShown, AnswerIn: time.Minute,
				Play: []models.Item{{Prompts: []string{models.PromptTransfer}}}}}}
		if err := st.Enqueue(ctx, models.Outgoing{Session: s, Priority: 2, QueuedAt: now, GiveUpAt: now.Add(time.Hour)}, nil); err != nil {
			t.Fatal(err)
		}
		callees = append(callees, to)
	}
	return callees
}

func TestKillNineInTheMiddleOfAQueue(t *testing.T) {
	const calls = 300
	p := openProcess(t, "log: {level: info}\n")
	p.sw.SetPhone(sim.Phone{Rings: 20 * time.Millisecond, HangsUpAfter: 100 * time.Millisecond})
	st := p.open()
	callees := notices(t, st, calls)
	rang := func() (n int) {
		for _, c := range callees {
			n += len(p.sw.Rang(c))
		}
		return n
	}
	for _, at := range []int{calls / 5, calls / 2} {
		p.begin()
		p.await("some calls", func() error {
			if n := rang(); n < at {
				return fmt.Errorf("%d of %d", n, at)
			}
			return nil
		})
		if err := p.signal(syscall.SIGKILL); err == nil {
			t.Fatal("the daemon ended well when it was killed")
		}
	}
	if n := rang(); n >= calls {
		t.Fatalf("all %d calls had been placed when it was killed", n)
	}
	p.begin()
	// What was taken and never reached the switch waits for the records of legs (15 s) before it goes back into the queue.
	p.awaitFor(90*time.Second, "every record", func() error {
		_, total, err := st.CDRs(t.Context(), store.CDRFilter{}, models.Page{Limit: 1})
		if err == nil && total < calls {
			err = fmt.Errorf("%d of %d", total, calls)
		}
		return err
	})
	for _, c := range callees {
		if n := len(p.sw.Rang(c)); n != 1 {
			t.Errorf("a number was dialled %d times", n)
		}
	}
	if waiting, err := st.QueueApps(t.Context()); err != nil || len(waiting) != 0 {
		t.Errorf("still waiting: %+v, %v", waiting, err)
	}
	if live, err := st.PlacedLive(t.Context()); err != nil || len(live) != 0 {
		t.Errorf("still live: %d, %v", len(live), err)
	}
}
