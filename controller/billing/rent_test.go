package billing

import (
	"fmt"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"maskline/models"
	"maskline/models/store"
)

// in reads a local time of a zone.
func in(zone, s string) time.Time {
	l := models.Beijing
	if zone != "" {
		var err error
		if l, err = time.LoadLocation(zone); err != nil {
			panic(err)
		}
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", s, l)
	if err != nil {
		panic(err)
	}
	return t
}

const privateNumber = "+8617000000001"

// months lists the months for which a tenant's rent is posted, oldest first, with their amounts.
func (l *lab) months(tenantID int64) []string {
	l.Helper()
	list, _, err := l.Entries(l.ctx, store.EntryFilter{TenantID: tenantID, Kind: models.EntryRent}, models.Page{Limit: models.PageMax})
	l.must(err)
	var out []string
	for _, e := range list {
		for _, p := range e.Postings {
			if p.Account == models.AccountRent {
				out = append(out, fmt.Sprintf("%s %s", e.Key[len(e.Key)-7:], p.Amount))
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestRent(t *testing.T) {
	const fifteen = 15 * models.Unit
	for _, test := range []struct {
		name         string
		zone         string
		delivered    string
		unsubscribed string
		runs         []string
		want         []string
	}{
		{"not before 00:10 of the 1st", "", "2026-10-20 12:00", "", []string{"2026-11-01 00:09"}, []string{"2026-10"}},
		{"at 00:10", "", "2026-10-20 12:00", "", []string{"2026-11-01 00:09", "2026-11-01 00:10"}, []string{"2026-10", "2026-11"}},
		{"on the day of delivery", "", "2026-11-20 12:00", "", []string{"2026-11-20 12:05"}, []string{"2026-11"}},
		{"twice, and two days late", "", "2026-11-20 12:00", "", []string{"2026-12-03 07:00", "2026-12-03 07:15"}, []string{"2026-11", "2026-12"}},
		{"delivered on the 31st, first run on the 1st", "", "2026-10-31 23:59", "", []string{"2026-11-01 00:10"}, []string{"2026-10", "2026-11"}},
		{"delivered on the 31st, run that day", "", "2026-10-31 23:50", "", []string{"2026-10-31 23:55", "2026-11-01 00:10"}, []string{"2026-10", "2026-11"}},
		{"February of 28 days", "", "2026-01-31 10:00", "", []string{"2026-02-28 23:55", "2026-03-01 00:10"}, []string{"2026-01", "2026-02", "2026-03"}},
		{"February of 29 days", "", "2028-02-29 10:00", "", []string{"2028-02-29 23:55", "2028-03-01 00:10"}, []string{"2028-02", "2028-03"}},
		{"a month of 30 days, over the year's end", "", "2026-11-30 23:00", "", []string{"2026-12-31 23:59", "2027-01-01 00:10"}, []string{"2026-11", "2026-12", "2027-01"}},
		{"unsubscribed on the 25th at 23:59", "", "2026-11-02 12:00", "2026-11-25 23:59", []string{"2026-11-25 23:59", "2026-12-01 00:10", "2027-01-01 00:10"}, []string{"2026-11"}},
		{"on the 26th at 00:00", "", "2026-11-02 12:00", "2026-11-26 00:00", []string{"2026-11-26 00:00", "2026-12-01 00:10", "2027-01-01 00:10"}, []string{"2026-11", "2026-12"}},
		{"in New York, where the 25th ends later", "America/New_York", "2026-11-02 12:00", "2026-11-25 23:59",
			[]string{"2026-11-25 23:59", "2026-12-01 00:09", "2026-12-01 00:10", "2027-01-01 00:10"}, []string{"2026-11"}},
		{"summer time ends on the 1st", "America/New_York", "2026-10-02 12:00", "", []string{"2026-10-31 23:59", "2026-11-01 00:09", "2026-11-01 00:10", "2026-11-01 03:00"}, []string{"2026-10", "2026-11"}},
		{"where the day is another than in Beijing", "Pacific/Auckland", "2026-10-31 23:30", "", []string{"2026-10-31 23:45", "2026-11-01 00:09"}, []string{"2026-10"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			delivered := in(test.zone, test.delivered)
			l := newLab(t, delivered, test.zone)
			l.plan(in(test.zone, "2026-01-01 00:00"), 0, map[string]models.Amount{"private": fifteen})
			l.number(l.app, privateNumber, delivered)
			r := NewRent(l.Store, l.tell)
			for _, run := range test.runs {
				now := in(test.zone, run)
				if test.unsubscribed != "" && !in(test.zone, test.unsubscribed).After(now) {
					l.set(now)
					_, err := l.UnsubscribeNumber(l.ctx, privateNumber, in(test.zone, test.unsubscribed))
					l.must(err)
				}
				l.set(now)
				_, err := r.Run(l.ctx, now)
				l.must(err)
			}
			want := make([]string, len(test.want))
			for i, m := range test.want {
				want[i] = m + " 15.0000"
			}
			if got := l.months(l.tenant.ID); !slices.Equal(got, want) {
				t.Errorf("rent for %q, want %q", got, want)
			}
			l.sound()
		})
	}
}

func TestWhatANumberCosts(t *testing.T) { bothEngines(t, whatANumberCostsOn) }

func whatANumberCostsOn(t *testing.T, e engine) {
	l := newLabOn(t, e, in("", "2026-10-15 12:00"), "")
	old := l.plan(in("", "2026-01-01 00:00"), 0, map[string]models.Amount{"private": 50000, "private:010": 80000})
	l.must(l.EndPlan(l.ctx, old.ID, in("", "2026-11-10 00:00")))
	l.plan(in("", "2026-11-10 00:00"), 0, map[string]models.Amount{"private": 150000})
	l.must(l.AddNumbers(l.ctx, []models.Number{
		{AppID: l.app.ID, Number: "+8617000000001", AreaCode: "0755", DeliveredAt: in("", "2026-11-09 23:59")},
		{AppID: l.app.ID, Number: "+8617000000002", AreaCode: "010", DeliveredAt: in("", "2026-11-01 00:05")},
		{AppID: l.app.ID, Number: "+8617000000003", AreaCode: "010", DeliveredAt: in("", "2026-11-10 00:00")},
		{AppID: l.app.ID, Number: "+8617000000004", AreaCode: "0755", Kind: models.NumberDisplay, DeliveredAt: in("", "2026-11-10 00:00")},
	}))
	now := in("", "2026-11-10 08:00")
	l.set(now)
	n, err := NewRent(l.Store, l.tell).Run(l.ctx, now)
	if err != nil || n != 3 || l.balance(l.tenant.ID) != -50000-80000-150000 {
		t.Errorf("%d rents, balance %s, error %v", n, l.balance(l.tenant.ID), err)
	}
	l.hears("after the run", fmt.Sprint(l.tenant.ID, " rent: Rent of numbers: 28.0000"))
	// A price that is changed afterwards changes no rent that is posted.
	if n, err = NewRent(l.Store, l.tell).Run(l.ctx, now.Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("again: %d rents, error %v", n, err)
	}
	l.hears("after a second run")
}

func TestManyNumbersOfManyTenants(t *testing.T) {
	now := in("", "2026-11-20 12:00")
	l := newLab(t, now, "")
	l.plan(in("", "2026-11-01 00:00"), 0, map[string]models.Amount{"private": 100})
	_, second := l.add("second", "America/New_York")
	for i, app := range []models.App{l.app, second} {
		var list []models.Number
		for j := range rentsAtOnce + 50 {
			list = append(list, models.Number{AppID: app.ID, Number: fmt.Sprintf("+86170%d%06d", i, j), AreaCode: "0755", DeliveredAt: now})
		}
		l.must(l.AddNumbers(l.ctx, list))
	}
	r := NewRent(l.Store, nil)
	if n, err := r.Run(l.ctx, now.Add(time.Minute)); n != 2*(rentsAtOnce+50) || err != nil {
		t.Errorf("%d rents, error %v", n, err)
	}
	if n, err := r.Run(l.ctx, now.Add(time.Minute)); n != 0 || err != nil {
		t.Errorf("again: %d rents, error %v", n, err)
	}
	l.sound()
}

// In Havana summer time began with the 1st of April 2012: there was no midnight.
func TestAMonthWithoutItsMidnight(t *testing.T) {
	zone, err := time.LoadLocation("America/Havana")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		year  int
		month time.Month
		want  string
	}{{2012, 4, "2012-04-01 01:00"}, {2012, 5, "2012-05-01 00:00"}, {2012, 0, "2011-12-01 00:00"}} {
		if got := monthBegins(test.year, test.month, zone).Format("2006-01-02 15:04"); got != test.want {
			t.Errorf("%d-%d begins %s, want %s", test.year, test.month, got, test.want)
		}
	}
}
