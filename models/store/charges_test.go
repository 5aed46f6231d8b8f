package store

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

// charge is what a leg of a call of so many minutes costs.
func (h *house) charge(session string, end time.Time, minutes int64, a models.Amount) models.Charge {
	return models.Charge{SessionID: session, Leg: 2, TenantID: h.tenant.ID, AppID: h.app.ID, Mode: models.ModeAXB, EndAt: end, Seconds: 60 * minutes, Units: minutes,
		Minutes: minutes, PlanID: 1, Amount: a, Why: "it is so"}
}

func (h *house) charges(t testing.TB, f ChargeFilter) []models.Charge {
	t.Helper()
	list, _, err := h.Charges(context.Background(), f, models.Page{Limit: models.PageMax})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// answered ends a call that was answered.
func (h *house) answered(id string) models.Change {
	ch := h.end(id)
	ch.CDR.AnswerAt, ch.CDR.Fail = ch.CDR.EndAt.Add(-time.Minute), 0
	return ch
}

func TestRecordCharges(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		ch := h.answered("s1")
		c := h.charge("s1", ch.CDR.EndAt, 1, 600)
		c.Why = strings.Repeat("钱", 2*whyMost)
		two := c
		two.Leg, two.Why = 1, ""
		ch.Charges = []models.Charge{c, two}
		for range 2 { // a call ends once
			h.record(t, ch)
		}
		cdr := must[models.CDR](t)(h.CDR(ctx, "s1"))
		got := h.charges(t, ChargeFilter{SessionID: "s1"})
		if len(got) != 2 || got[0].Leg != 1 || got[1].CDRID != cdr.ID {
			t.Fatalf("charges %+v", got)
		}
		c.ID, c.CDRID, c.Why = got[1].ID, cdr.ID, c.Why[:whyMost*len("钱")]
		if got[1] != c {
			t.Errorf("read %+v, want %+v", got[1], c)
		}
		for i, bad := range []func(*models.Change){
			func(ch *models.Change) { ch.Charges[0].SessionID = "other" },
			func(ch *models.Change) { ch.Charges[0].Leg = 3 },
			func(ch *models.Change) { ch.Charges[0].TenantID = 9 },
			func(ch *models.Change) { ch.Charges[0].Amount = -1 },
			func(ch *models.Change) { ch.CDR = nil },
		} {
			ch := h.answered("s2")
			ch.Charges = []models.Charge{h.charge("s2", ch.CDR.EndAt, 1, 600)}
			bad(&ch)
			if _, err := h.Record(ctx, ch); err == nil {
				t.Errorf("%d is recorded", i)
			}
		}
	})
}

func TestUnratedCDRs(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		h.record(t, h.end("unanswered"))
		rated := h.answered("rated")
		rated.Charges = []models.Charge{h.charge("rated", rated.CDR.EndAt, 1, 0)}
		h.record(t, rated)
		for i := range 3 {
			h.record(t, h.answered(fmt.Sprint("s", i)))
		}
		placed := h.end("placed")
		placed.CDR.Mode, placed.CDR.OutAnswerAt = models.ModeNotify, placed.CDR.EndAt
		h.record(t, placed)
		nobody := h.answered("nobody")
		nobody.CDR.TenantID, nobody.Session.TenantID = 0, 0
		h.record(t, nobody)
		later := h.clock.Now().Add(time.Second)
		want := func(after int64, n int, names ...string) (last int64) {
			t.Helper()
			var got []string
			for _, c := range must[[]models.CDR](t)(h.UnratedCDRs(ctx, after, later, n)) {
				got, last = append(got, c.SessionID), c.ID
			}
			if !reflect.DeepEqual(got, names) {
				t.Errorf("unrated %v, want %v", got, names)
			}
			return last
		}
		last := want(0, 2, "s0", "s1")
		want(last, 9, "s2", "placed")
		if list := must[[]models.CDR](t)(h.UnratedCDRs(ctx, 0, h.clock.Now(), 9)); len(list) != 0 {
			t.Errorf("%d before they were written", len(list))
		}
		c0, c1 := h.charge("s0", h.clock.Now(), 2, 1200), h.charge("s1", h.clock.Now(), 1, 600)
		for range 2 {
			if err := h.AddCharges(ctx, []models.Charge{c0, c1, c0}); err != nil {
				t.Fatal(err)
			}
		}
		other := c0
		other.Amount = 9
		if err := h.AddCharges(ctx, []models.Charge{other}); err != nil {
			t.Fatal(err)
		}
		if got := h.charges(t, ChargeFilter{SessionID: "s0"}); len(got) != 1 || got[0].Amount != 1200 {
			t.Errorf("charges %+v", got)
		}
		if err := h.MarkRated(ctx, []string{"placed"}); err != nil {
			t.Fatal(err)
		}
		want(0, 9, "s2")
		wantCode(t, h.AddCharges(ctx, []models.Charge{{SessionID: "x"}}), models.Invalid)
		now := h.clock.Now()
		for f, n := range map[ChargeFilter]int{{}: 3, {TenantID: h.tenant.ID}: 3, {TenantID: 9}: 0, {AppID: h.app.ID, Since: now}: 3, {Until: now}: 0, {Unsettled: true}: 3,
			{Unsettled: true, TenantID: h.tenant.ID}: 3, {Unsettled: true, AppID: 9}: 0} {
			if _, got, err := h.Charges(ctx, f, models.Page{}); err != nil || got != n {
				t.Errorf("%+v finds %d, want %d (%v)", f, got, n, err)
			}
		}
	})
}
