package billing

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// at reads a time of the tests' day, with fractions of a second.
func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05.999999", "2026-11-20 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

// priced is a plan that has one price for all modes.
func priced(p models.CallPrice) models.PricePlan {
	plan := models.PricePlan{ID: 4, Name: "standard", From: at("00:00:00"), Calls: map[models.Mode]models.CallPrice{}}
	for _, m := range []models.Mode{models.ModeAXB, models.ModeAX, models.ModeAXE, models.ModeAXYB, models.ModeX, models.ModeClick, models.ModeNotify, models.ModeVerify} {
		plan.Calls[m] = p
	}
	return plan
}

// masked is an AXB call whose leg 2 was answered at a time and ended at another.
func masked(answer, end string) models.CDR {
	return models.CDR{ID: 9, SessionID: "s@h", TenantID: 3, AppID: 7, Mode: models.ModeAXB, AnswerAt: at(answer), EndAt: at(end), Source: models.SourceEvents}
}

// placed is a call of ours: leg 1 answered at out, leg 2 at answer, each "" when it did not.
func placed(m models.Mode, out, answer, end string) models.CDR {
	c := models.CDR{ID: 9, SessionID: "s@h", TenantID: 3, AppID: 7, Mode: m, EndAt: at(end)}
	if out != "" {
		c.OutAnswerAt = at(out)
	}
	if answer != "" {
		c.AnswerAt = at(answer)
	}
	return c
}

func TestRate(t *testing.T) {
	resync, failover, nobody := masked("10:00:00", "10:01:00"), masked("10:00:00", "10:00:30"), masked("10:00:00", "10:00:10")
	resync.Source = models.SourceResync
	failover.Trunk, failover.StartAt = "second", at("09:59:40")
	nobody.TenantID = 0
	unanswered := masked("10:00:00", "10:00:10")
	unanswered.AnswerAt, unanswered.FailAt = time.Time{}, unanswered.EndAt
	minute := models.CallPrice{Minute: 600}
	type want struct {
		leg                     int
		seconds, units, minutes int64
		amount                  models.Amount
	}
	for _, test := range []struct {
		name  string
		cdr   models.CDR
		price models.CallPrice
		want  []want
	}{
		{"answered and 0 s is one minute", masked("10:00:00", "10:00:00"), minute, []want{{2, 0, 1, 1, 600}}},
		{"1 s", masked("10:00:00", "10:00:01"), minute, []want{{2, 1, 1, 1, 600}}},
		{"60 s", masked("10:00:00", "10:01:00"), minute, []want{{2, 60, 1, 1, 600}}},
		{"61 s", masked("10:00:00", "10:01:01"), minute, []want{{2, 61, 2, 2, 1200}}},
		{"60.9 s that print as 60", masked("10:00:00.05", "10:01:00.95"), minute, []want{{2, 60, 1, 1, 600}}},
		{"60.1 s that print as 61", masked("10:00:00.95", "10:01:01.05"), minute, []want{{2, 61, 2, 2, 1200}}},
		{"an end before the answer is 0 s", masked("10:00:05", "10:00:00"), minute, []want{{2, 0, 1, 1, 600}}},
		{"over midnight", models.CDR{TenantID: 3, Mode: models.ModeAX, AnswerAt: at("23:59:30"), EndAt: at("23:59:30").Add(time.Hour)}, minute,
			[]want{{2, 3600, 60, 60, 36000}}},
		{"a trunk failed before another answered: one record, one charge", failover, minute, []want{{2, 30, 1, 1, 600}}},
		{"completed from what the switch was asked", resync, minute, []want{{2, 60, 1, 1, 600}}},
		{"not answered", unanswered, minute, nil},
		{"nobody's number", nobody, minute, nil},
		{"click-to-dial, both", placed(models.ModeClick, "10:00:00", "10:00:30", "10:01:10"), minute, []want{{1, 70, 2, 2, 1200}, {2, 40, 1, 1, 600}}},
		{"click-to-dial, leg 2 not", placed(models.ModeClick, "10:00:00", "", "10:00:20"), minute, []want{{1, 20, 1, 1, 600}}},
		{"click-to-dial, neither", placed(models.ModeClick, "", "", "10:00:20"), minute, nil},
		{"notification", placed(models.ModeNotify, "10:00:00", "", "10:01:01"), minute, []want{{1, 61, 2, 2, 1200}}},
		{"verification code", placed(models.ModeVerify, "10:00:00", "", "10:00:00"), minute, []want{{1, 0, 1, 1, 600}}},
		{"notification, not answered", placed(models.ModeNotify, "", "", "10:01:01"), minute, nil},
		{"within the free time", masked("10:00:00", "10:00:05"), models.CallPrice{Minute: 600, Free: 5}, []want{{2, 5, 0, 0, 0}}},
		{"past the free time", masked("10:00:00", "10:00:06"), models.CallPrice{Minute: 600, Free: 5}, []want{{2, 6, 1, 1, 600}}},
		{"minimum", masked("10:00:00", "10:00:05"), models.CallPrice{Minute: 600, Minimum: 90}, []want{{2, 5, 2, 2, 1200}}},
		{"minimum in units of 6 s", masked("10:00:00", "10:00:05"), models.CallPrice{Minute: 600, Minimum: 30, Increment: 6}, []want{{2, 5, 5, 1, 300}}},
		{"units of 1 s", masked("10:00:00", "10:01:01"), models.CallPrice{Minute: 600, Increment: 1}, []want{{2, 61, 61, 2, 610}}},
		{"units of 6 s", masked("10:00:00", "10:01:01"), models.CallPrice{Minute: 600, Increment: 6}, []want{{2, 61, 11, 2, 660}}},
		{"units of 60 s", masked("10:00:00", "10:01:01"), models.CallPrice{Minute: 600, Increment: 60}, []want{{2, 61, 2, 2, 1200}}},
		{"a part of 1/10000 is rounded up", masked("10:00:00", "10:00:01"), models.CallPrice{Minute: 601, Increment: 6}, []want{{2, 1, 1, 1, 61}}},
		{"a price of 0 takes no minutes of a package", masked("10:00:00", "10:00:01"), models.CallPrice{}, []want{{2, 1, 1, 0, 0}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			charges, err := NewRater(book{priced(test.price)}).Rate(context.Background(), test.cdr)
			if err != nil {
				t.Fatal(err)
			}
			if len(charges) != len(test.want) {
				t.Fatalf("%d charges, want %d: %+v", len(charges), len(test.want), charges)
			}
			for i, w := range test.want {
				c := charges[i]
				if got := (want{c.Leg, c.Seconds, c.Units, c.Minutes, c.Amount}); got != w {
					t.Errorf("charge %+v, want %+v (%s)", got, w, c.Why)
				}
				if c.SessionID != test.cdr.SessionID || c.TenantID != 3 || c.PlanID != 4 || !c.EndAt.Equal(test.cdr.EndAt) || !strings.Contains(c.Why, "standard") {
					t.Errorf("charge %+v does not say whose it is", c)
				}
			}
		})
	}
}

// book is the store of plans.
type book []models.PricePlan

func (b book) PlanAt(_ context.Context, tenantID int64, t time.Time) (models.PricePlan, bool, error) {
	p, ok := planAmong(b, tenantID, t)
	return p, ok, nil
}

func (b book) Plans(_ context.Context, f store.PlanFilter, page models.Page) ([]models.PricePlan, int, error) {
	var list []models.PricePlan
	for _, p := range b {
		if p.TenantID == f.TenantID && f.Platform == (p.TenantID == 0) {
			list = append(list, p)
		}
	}
	_, limit := page.Bounds()
	return list[:min(limit, len(list))], len(list), nil
}

func TestWhichPlanHolds(t *testing.T) {
	midnight := at("00:00:00").Add(24 * time.Hour)
	price := func(a models.Amount) map[models.Mode]models.CallPrice {
		return map[models.Mode]models.CallPrice{models.ModeAXB: {Minute: a}, models.ModeClick: {Minute: a}}
	}
	b := book{
		{ID: 1, Name: "house", From: at("00:00:00"), Calls: price(100)},
		{ID: 2, TenantID: 3, Name: "old", From: at("08:00:00"), Until: midnight, Calls: price(200)},
		{ID: 3, TenantID: 3, Name: "new", From: midnight, Until: midnight.Add(2 * time.Hour), Calls: price(300)},
		{ID: 4, TenantID: 5, Name: "free of masked calls", From: at("00:00:00"), Calls: map[models.Mode]models.CallPrice{}},
	}
	call := func(tenant int64, answered time.Time) models.CDR {
		return models.CDR{SessionID: "s", TenantID: tenant, Mode: models.ModeAXB, AnswerAt: answered, EndAt: answered.Add(90 * time.Second)}
	}
	click := models.CDR{SessionID: "s", TenantID: 3, Mode: models.ModeClick, OutAnswerAt: midnight.Add(-time.Second), AnswerAt: midnight, EndAt: midnight.Add(time.Minute)}
	for _, test := range []struct {
		name  string
		cdr   models.CDR
		plans []int64
		sum   models.Amount
	}{
		{"his own", call(3, at("10:00:00")), []int64{2}, 400},
		{"answered before midnight, ended after it: the old price to the end", call(3, midnight.Add(-time.Microsecond)), []int64{2}, 400},
		{"answered at midnight", call(3, midnight), []int64{3}, 600},
		{"each leg of click-to-dial by its own answer", click, []int64{2, 3}, 400 + 300},
		{"before his own began: the platform's", call(3, at("07:59:59")), []int64{1}, 200},
		{"after his own ended: the platform's", call(3, midnight.Add(2*time.Hour)), []int64{1}, 200},
		{"none of his own: the platform's", call(4, at("10:00:00")), []int64{1}, 200},
		{"his own has no price for the mode", call(5, at("10:00:00")), []int64{4}, 0},
		{"before all plans", call(3, at("00:00:00").Add(-time.Hour)), []int64{0}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := NewRater(b)
			for range 2 { // from the store, and from memory
				charges, err := r.Rate(context.Background(), test.cdr)
				if err != nil || len(charges) != len(test.plans) {
					t.Fatalf("%d charges, error %v", len(charges), err)
				}
				var sum models.Amount
				for i, c := range charges {
					sum += c.Amount
					if c.PlanID != test.plans[i] || c.Why == "" {
						t.Errorf("leg %d by plan %d, want %d: %s", c.Leg, c.PlanID, test.plans[i], c.Why)
					}
				}
				if sum != test.sum {
					t.Errorf("the sum is %s, want %s", sum, test.sum)
				}
			}
		})
	}
}

// One Rater, asked in any order about times around changes of plan, says what the book says.
func TestPlansFromMemoryAreThoseOfTheBook(t *testing.T) {
	b := book{
		{ID: 1, From: at("00:00:00"), Until: at("12:00:00")},
		{ID: 2, From: at("12:00:01")},
		{ID: 3, TenantID: 3, From: at("10:00:00"), Until: at("10:00:01")},
		{ID: 4, TenantID: 3, From: at("10:00:02"), Until: at("12:30:00")},
		{ID: 5, TenantID: 3, From: at("13:00:00")},
	}
	p := newPlans(b)
	for i := range 20 {
		for s := at("09:59:00"); s.Before(at("13:02:00")); s = s.Add(time.Duration(1+i*37) * 500 * time.Millisecond) {
			for _, tenant := range []int64{3, 4} {
				want, wantFound := planAmong(b, tenant, s)
				got, found, err := p.at(context.Background(), tenant, s)
				if err != nil || found != wantFound || got.ID != want.ID {
					t.Fatalf("tenant %d at %s: plan %d (%v), want %d (%v); %v", tenant, s, got.ID, found, want.ID, wantFound, err)
				}
			}
		}
	}
}

// counted is a book that counts what is read, and may fail or change.
type counted struct {
	book
	reads int
	err   error
}

func (c *counted) PlanAt(ctx context.Context, tenantID int64, t time.Time) (models.PricePlan, bool, error) {
	c.reads++
	return c.book.PlanAt(ctx, tenantID, t)
}

func (c *counted) Plans(ctx context.Context, f store.PlanFilter, page models.Page) ([]models.PricePlan, int, error) {
	c.reads++
	if c.err != nil {
		return nil, 0, c.err
	}
	return c.book.Plans(ctx, f, page)
}

// A tenant with more plans than memory holds is asked about each time.
func TestMorePlansThanAPage(t *testing.T) {
	var b book
	for i := range models.PageMax + 1 {
		b = append(b, models.PricePlan{ID: int64(1 + i), TenantID: 3, From: at("00:00:00").Add(time.Duration(i) * time.Minute), Until: at("00:01:00").Add(time.Duration(i) * time.Minute)})
	}
	p := newPlans(b)
	for i := range b {
		got, found, err := p.at(context.Background(), 3, at("00:00:30").Add(time.Duration(i)*time.Minute))
		if err != nil || !found || got.ID != b[i].ID {
			t.Fatalf("plan %d, %v, want %d; %v", got.ID, found, b[i].ID, err)
		}
	}
}

func TestPlansAreReadAgainAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{book: book{priced(models.CallPrice{Minute: 100})}}
		r := NewRater(store)
		amount := func() models.Amount {
			charges, err := r.Rate(t.Context(), masked("10:00:00", "10:00:30"))
			if err != nil {
				t.Fatal(err)
			}
			return charges[0].Amount
		}
		amount()
		read := store.reads
		for range 100 {
			amount()
		}
		if store.reads != read {
			t.Errorf("%d reads more for calls that a plan in memory answers", store.reads-read)
		}
		store.book = book{priced(models.CallPrice{Minute: 300})}
		time.Sleep(plansFor - time.Millisecond)
		if a := amount(); a != 100 {
			t.Errorf("before its time is over the plan in memory says %s", a)
		}
		time.Sleep(time.Millisecond)
		if a := amount(); a != 300 {
			t.Errorf("after it %s", a)
		}
	})
}

func TestACallWithoutReadablePlanHasNoCharge(t *testing.T) {
	down := errors.New("down")
	store := &counted{err: down}
	r := NewRater(store)
	charges, err := r.Rate(context.Background(), masked("10:00:00", "10:00:30"))
	if charges != nil || !errors.Is(err, down) {
		t.Fatalf("charges %v, error %v", charges, err)
	}
	store.err, store.book = nil, book{priced(models.CallPrice{Minute: 100})}
	if charges, err = r.Rate(context.Background(), masked("10:00:00", "10:00:30")); err != nil || len(charges) != 1 {
		t.Fatalf("a failure was remembered: %v, %v", charges, err)
	}
}

func TestAnAmountBeyondCountingIsAnError(t *testing.T) {
	p := priced(models.CallPrice{Minute: math.MaxInt64 / 30})
	c := masked("10:00:00", "11:00:00")
	if ch, err := ChargeOf(c, BilledLegs(c)[0], p, true); err == nil {
		t.Errorf("charged %s", ch.Amount)
	}
}
