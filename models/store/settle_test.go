package store

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"maskline/models"
)

// buy buys a package that is in force now.
func (h *house) buy(t testing.TB, key string, minutes int64, until time.Time, modes ...models.Mode) models.Package {
	t.Helper()
	p := models.Package{TenantID: h.tenant.ID, Name: key, Minutes: minutes, Price: 100, From: h.clock.Now().Truncate(time.Hour).Add(-24 * time.Hour), Until: until, Modes: modes}
	if !must[bool](t)(h.BuyPackage(context.Background(), &p, &models.Entry{Key: key, By: "fin"})) {
		t.Fatalf("%s was bought before", key)
	}
	return p
}

func (h *house) left(t testing.TB, p models.Package) int64 {
	t.Helper()
	return must[models.Package](t)(h.Package(context.Background(), p.ID)).Left
}

func (h *house) add(t testing.TB, list ...models.Charge) {
	t.Helper()
	if err := h.AddCharges(context.Background(), list); err != nil {
		t.Fatal(err)
	}
}

// settleAll settles every hour that is over, n charges at a time.
func settleAll(ctx context.Context, s *Store, n int, now time.Time) (list []Settled, err error) {
	for {
		hours, err := s.OpenHours(ctx, now, 10)
		if err != nil || len(hours) == 0 {
			return list, err
		}
		for _, h := range hours {
			for done := false; !done; {
				v, err := s.SettleChunk(ctx, h, n, now)
				if err != nil {
					return list, err
				}
				list, done = append(list, v), v.Done
			}
		}
	}
}

func TestSettle(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		hour := h.clock.Now().Truncate(time.Hour)
		h.post(t, h.recharge("r", models.Unit))
		at := func(n int) time.Time { return hour.Add(time.Duration(n) * time.Minute) }
		late := h.buy(t, "late", 100, hour.Add(100*time.Hour))
		soon := h.buy(t, "soon", 4, hour.Add(50*time.Hour), models.ModeAXB)
		other := h.buy(t, "other mode", 50, hour.Add(time.Hour), models.ModeClick)
		gone := h.buy(t, "gone", 50, hour)
		next := models.Package{TenantID: h.tenant.ID, Name: "from the next hour", Minutes: 50, BoughtAt: at(0), Until: hour.Add(5 * time.Hour)}
		must[bool](t)(h.BuyPackage(ctx, &next, &models.Entry{Key: "next"}))
		if !next.From.Equal(hour.Add(time.Hour)) {
			t.Errorf("it holds from %v", next.From)
		}
		ax := h.charge("ax", at(3), 90, 9001)
		ax.Mode = models.ModeAX
		free := h.charge("free", at(0), 5, 0)
		h.add(t, h.charge("b", at(2), 3, 300), h.charge("a", at(1), 3, 300), ax, free, h.charge("c", at(4), 10, 1001), h.charge("next", hour.Add(time.Hour), 1, 100))
		open := must[[]TenantHour](t)(h.OpenHours(ctx, hour.Add(90*time.Minute), 9))
		if want := []TenantHour{{h.tenant.ID, hour}}; !reflect.DeepEqual(open, want) || open[0] != want[0] {
			t.Fatalf("open %+v", open)
		}
		if n := len(must[[]TenantHour](t)(h.OpenHours(ctx, hour.Add(2*time.Hour), 9))); n != 2 {
			t.Errorf("%d hours are open", n)
		}
		for _, bad := range []time.Time{{}, hour.Add(time.Minute), hour.Add(time.Hour)} {
			_, err := h.SettleChunk(ctx, TenantHour{h.tenant.ID, bad}, 10, hour.Add(time.Hour))
			wantCode(t, err, models.Invalid)
		}
		now := hour.Add(time.Hour)
		got := must[Settled](t)(h.SettleChunk(ctx, open[0], 10, now))
		// a: 3 of soon. b: 1 of soon, 2 of late. ax: 90 of late. c: 8 of late, 2 of 10 minutes are left: 200.2.
		if got.Charges != 5 || got.Minutes != 104 || got.Amount != 201 || !got.Done || got.Entry.Kind != models.EntrySettlement {
			t.Errorf("settled %+v", got)
		}
		for p, want := range map[*models.Package]int64{&late: 0, &soon: 0, &other: 50, &gone: 50, &next: 50} {
			if left := h.left(t, *p); left != want {
				t.Errorf("%s has %d minutes left, want %d", p.Name, left, want)
			}
		}
		covered := map[string]int64{}
		for _, c := range h.charges(t, ChargeFilter{Until: now}) {
			covered[c.SessionID] = c.PackageMinutes
			if !c.SettledAt.Equal(now) || (c.EntryID == got.Entry.ID) != (c.SessionID == "c") {
				t.Errorf("%+v", c)
			}
		}
		if want := map[string]int64{"a": 3, "b": 3, "ax": 90, "c": 8, "free": 0}; !reflect.DeepEqual(covered, want) {
			t.Errorf("covered %v", covered)
		}
		h.wantBalance(t, models.TenantAccount(h.tenant.ID), models.Unit-4*100-201)
		h.wantBalance(t, models.AccountCalls, 201)
		if again := must[Settled](t)(h.SettleChunk(ctx, open[0], 10, now)); !reflect.DeepEqual(again, Settled{Done: true}) {
			t.Errorf("again %+v", again)
		}
		// Late ones are corrections of their hour, also of one in which there was no call before.
		h.add(t, h.charge("late", at(59), 1, 100), h.charge("long ago", hour.Add(-48*time.Hour), 1, 100))
		list := must[[]Settled](t)(settleAll(ctx, h.Store, 10, hour.Add(30*time.Hour)))
		if len(list) != 3 || list[0].Entry.Kind != models.EntryCorrection || !list[0].Entry.For.Equal(hour.Add(-48*time.Hour)) || list[1].Entry.Kind != models.EntryCorrection ||
			!list[1].Entry.For.Equal(hour) || list[2].Minutes != 1 || list[2].Entry.ID != 0 {
			t.Errorf("settled %+v", list)
		}
		if r := h.verified(t); r.Charges != 8 {
			t.Errorf("verified %+v", r)
		}
	})
}

// TestSettleGoesOn: whoever is killed between chunks, or within one, is followed by another daemon that goes on.
func TestSettleGoesOn(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		other := open(t, cfg)
		hour := h.clock.Now().Truncate(time.Hour)
		now := hour.Add(time.Hour)
		p := h.buy(t, "p", 12, now.Add(time.Hour))
		var list []models.Charge
		for i := range 20 {
			list = append(list, h.charge(fmt.Sprintf("s%02d", i), hour.Add(time.Duration(i%3)*time.Second), 1, 7))
		}
		h.add(t, list...)
		th := TenantHour{h.tenant.ID, hour}
		must[Settled](t)(h.SettleChunk(context.Background(), th, 5, now))
		// Killed within: the transaction that settles is undone as a whole.
		_, _, _, err := h.Once(context.Background(), replyKey("n", ""), time.Hour, func(ctx context.Context) (int, []byte, error) {
			if v, err := h.SettleChunk(ctx, th, 5, now); err != nil || v.Charges != 5 {
				t.Errorf("settled %+v, %v", v, err)
			}
			return 500, nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(h.charges(t, ChargeFilter{Unsettled: true})); n != 15 || h.left(t, p) != 7 {
			t.Errorf("%d charges are open, %d minutes left", n, h.left(t, p))
		}
		rest := must[[]Settled](t)(settleAll(context.Background(), other, 5, now))
		if len(rest) != 4 || rest[1].Minutes != 2 || rest[1].Amount != 21 || rest[3].Charges != 0 {
			t.Errorf("the rest %+v", rest)
		}
		h.wantBalance(t, models.AccountCalls, 8*7)
		h.verified(t)
	})
}

func TestBuyPackage(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		ctx := context.Background()
		until := h.clock.Now().Add(30 * 24 * time.Hour)
		buy := func(key string, change func(*models.Package)) (models.Package, models.Entry, bool, error) {
			p := models.Package{TenantID: h.tenant.ID, Name: "p", Minutes: 1000, Price: 500, Until: until, Modes: []models.Mode{models.ModeAXB, models.ModeAX}}
			e := models.Entry{Key: key, Memo: "m", By: "fin"}
			change(&p)
			bought, err := h.BuyPackage(ctx, &p, &e)
			return p, e, bought, err
		}
		same := func(*models.Package) {}
		h.clock.advance(5 * time.Minute)
		p, e, bought, err := buy("k", same)
		if err != nil || !bought || p.ID == 0 || p.Left != 1000 || !p.From.Equal(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)) || e.Kind != models.EntryPackage {
			t.Fatalf("bought %+v by %+v: %v, %v", p, e, bought, err)
		}
		if got := must[models.Package](t)(h.Package(ctx, p.ID)); !reflect.DeepEqual(got, p) {
			t.Errorf("read %+v, want %+v", got, p)
		}
		h.clock.advance(2 * time.Hour) // the retry's From differs
		if again, e2, bought, err := buy("k", same); err != nil || bought || !reflect.DeepEqual(again, p) || !reflect.DeepEqual(e2, e) {
			t.Errorf("again %+v by %+v: %v, %v", again, e2, bought, err)
		}
		for i, change := range []func(p *models.Package){
			func(p *models.Package) { p.Minutes++ }, func(p *models.Package) { p.Price++ }, func(p *models.Package) { p.Modes = nil }, func(p *models.Package) { p.Name = "q" },
			func(p *models.Package) { p.Until = p.Until.Add(time.Hour) },
		} {
			if _, _, _, err := buy("k", change); models.CodeOf(err) != models.Conflict {
				t.Errorf("%d: %v", i, err)
			}
		}
		_, _, _, err = buy("", same)
		wantCode(t, err, models.Invalid)
		_, _, _, err = buy("", func(p *models.Package) { p.Price = 0 })
		wantCode(t, err, models.Invalid)
		_, _, _, err = buy("k2", func(p *models.Package) { p.TenantID = 99 })
		wantCode(t, err, models.NotFound)
		_, _, _, err = buy("k2", func(p *models.Package) { p.Until = h.clock.Now() })
		wantCode(t, err, models.Invalid)
		h.post(t, h.recharge("taken", 1))
		_, _, _, err = buy("taken", same)
		wantCode(t, err, models.Conflict)
		h.wantBalance(t, models.TenantAccount(h.tenant.ID), 1-500)
		for range 2 {
			if _, e, _, err := buy("gift", func(p *models.Package) { p.Price = 0 }); err != nil || e.ID != 0 {
				t.Errorf("gift: %+v, %v", e, err)
			}
		}
		now := h.clock.Now()
		for f, want := range map[PackageFilter]int{{}: 2, {TenantID: h.tenant.ID}: 2, {TenantID: 9}: 0, {Open: true}: 2, {TenantID: h.tenant.ID, At: now}: 1, {At: now.AddDate(1, 0, 0)}: 0} {
			if _, n, err := h.Packages(ctx, f, models.Page{}); err != nil || n != want {
				t.Errorf("%+v finds %d, want %d (%v)", f, n, want, err)
			}
		}
		h.verified(t)
	})
}
