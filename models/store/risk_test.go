package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

// heed sets the risk rules of the house's AXB app.
func (h *house) heed(t testing.TB, r models.Risk) {
	t.Helper()
	if err := h.UpdateApp(context.Background(), h.app.ID, func(a *models.App) error { a.Settings.Risk = r; return nil }); err != nil {
		t.Fatal(err)
	}
}

func (h *house) conductOf(t testing.TB, x string, caller models.Party) *models.Conduct {
	t.Helper()
	return must[models.Sight](t)(h.Sight(context.Background(), x, caller, models.NoExtension)).Conduct
}

func TestBlackLists(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		h.bind(t, x1, alice, bob, 0)
		other := h.newApp(t, "key-2")
		h.heed(t, models.Risk{BlackLists: models.WatchRefuse, Direction: models.WatchRefuse})
		for name, tt := range map[string]struct {
			entry models.Barred
			code  models.Code
		}{
			"kind":        {models.Barred{Kind: "all", Party: alice}, models.Invalid},
			"nobody":      {models.Barred{Kind: models.BarCaller}, models.Invalid},
			"hidden":      {models.Barred{Kind: models.BarCallee, Party: models.Hidden}, models.Invalid},
			"no app":      {models.Barred{Kind: models.BarCaller, Party: alice, AppID: 999}, models.NotFound},
			"no tenant":   {models.Barred{Kind: models.BarCaller, Party: alice, TenantID: 999}, models.NotFound},
			"long reason": {models.Barred{Kind: models.BarCaller, Party: alice, Reason: strings.Repeat("a", 257)}, models.Invalid},
		} {
			if err := h.Bar(ctx, &tt.entry); models.CodeOf(err) != tt.code {
				t.Errorf("%s: %v, want %s", name, err, tt.code)
			}
		}
		for _, tt := range []struct {
			entry  models.Barred
			caller models.Party
			want   models.Conduct
		}{
			{models.Barred{Kind: models.BarCaller, Party: alice, AppID: h.app.ID}, alice, models.Conduct{CallerBarred: true}},
			{models.Barred{Kind: models.BarCaller, Party: alice, TenantID: h.tenant.ID}, alice, models.Conduct{CallerBarred: true}},
			{models.Barred{Kind: models.BarCaller, Party: alice}, alice, models.Conduct{CallerBarred: true}},
			{models.Barred{Kind: models.BarCaller, Party: alice, AppID: other.ID}, alice, models.Conduct{}},
			{models.Barred{Kind: models.BarCaller, Party: alice}, bob, models.Conduct{}},
			{models.Barred{Kind: models.BarCallee, Party: alice}, bob, models.Conduct{CalleeBarred: true}},
			{models.Barred{Kind: models.BarCaller, Party: models.Hidden}, models.Hidden, models.Conduct{CallerBarred: true}},
			{models.Barred{Kind: models.OnlyReceive, Party: models.MustParty(x1)}, bob, models.Conduct{OnlyReceive: true}},
			{models.Barred{Kind: models.OnlyPlace, Party: models.MustParty(x1)}, bob, models.Conduct{OnlyPlace: true}},
			{models.Barred{Kind: models.OnlyPlace, Party: models.MustParty(x2)}, bob, models.Conduct{}},
		} {
			if err := h.Bar(ctx, &tt.entry); err != nil {
				t.Fatal(err)
			}
			twin := tt.entry
			wantCode(t, h.Bar(ctx, &twin), models.Conflict)
			if got := h.conductOf(t, x1, tt.caller); *got != tt.want {
				t.Errorf("%+v for %v: %+v, want %+v", tt.entry, tt.caller, got, tt.want)
			}
			list, total, err := h.BarredList(ctx, BarredFilter{TenantID: tt.entry.TenantID, AppID: tt.entry.AppID, Kind: tt.entry.Kind, Party: tt.entry.Party}, models.Page{})
			if err != nil || total != 1 || list[0] != tt.entry {
				t.Errorf("list %+v, %v, want %+v", list, err, tt.entry)
			}
			if err := h.Unbar(ctx, tt.entry.ID); err != nil {
				t.Error(err)
			}
			wantCode(t, h.Unbar(ctx, tt.entry.ID), models.NotFound)
		}
	})
}

func TestConduct(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		h.bind(t, x1, alice, bob, 0)
		if c := h.conductOf(t, x1, alice); c != nil {
			t.Errorf("without a rule: %+v", c)
		}
		call := func(x string, caller, callee models.Party, talk time.Duration) {
			h.clock.advance(time.Minute)
			id := models.NewID()
			ch := h.end(id)
			ch.Session.Dialled, ch.Session.Caller, ch.Session.Callee = x, caller, callee
			ch.CDR.Caller, ch.CDR.Callee, ch.CDR.X = caller, callee, x
			if talk > 0 {
				ch.CDR.AnswerAt = ch.CDR.CallInAt
				ch.CDR.EndAt = ch.CDR.AnswerAt.Add(talk)
			}
			h.record(t, ch)
		}
		for _, talk := range []time.Duration{0, time.Minute, 3 * time.Second, 4 * time.Second, 0, 2 * time.Second} { // 0: not answered
			call(x1, alice, bob, talk)
		}
		call(x1, bob, alice, 0)
		call(x2, alice, carol, 30*time.Second)
		call(x1, alice, models.Party{}, 0) // nobody was dialled
		rules := models.Risk{Frequency: models.WatchReport, PerCaller: 100, PerCallee: 100, PerNumber: 100}
		h.heed(t, rules)
		if c := h.conductOf(t, x1, alice); c == nil || *c != (models.Conduct{ByCaller: 8, ByCallee: 6, OnNumber: 8}) {
			t.Errorf("counts %+v", c)
		}
		if c := h.conductOf(t, x1, models.Hidden); c == nil || *c != (models.Conduct{OnNumber: 8}) {
			t.Errorf("counts of a hidden caller %+v", c)
		}
		rules.PerCaller = 2
		h.heed(t, rules)
		if c := h.conductOf(t, x1, alice); c.ByCaller < 3 || c.ByCaller > 4 {
			t.Errorf("counted %d calls, where 3 or 4 say it all", c.ByCaller)
		}
		h.heed(t, models.Risk{TestDial: models.WatchReport, Behaviour: models.WatchRefuse, MinTalk: 1})
		if c := h.conductOf(t, x1, alice); *c != (models.Conduct{Recent: 7, Answered: 5, MeanTalk: (60 + 3 + 4 + 2 + 30) / 5, ShortInRow: 3}) {
			t.Errorf("behaviour %+v", c)
		}
		for range behaviourOf {
			call(x2, alice, carol, 0)
		}
		if c := h.conductOf(t, x1, alice); *c != (models.Conduct{Recent: behaviourOf}) {
			t.Errorf("behaviour after 20 calls more %+v", c)
		}
		h.clock.advance(behaviourOver)
		h.heed(t, models.Risk{TestDial: models.WatchReport, Frequency: models.WatchReport, PerCaller: 1, PerNumber: 1})
		if c := h.conductOf(t, x1, alice); *c != (models.Conduct{}) {
			t.Errorf("a day later %+v", c)
		}
	})
}
