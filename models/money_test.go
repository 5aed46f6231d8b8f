package models

import (
	"testing"
	"time"
)

func TestRestOfACharge(t *testing.T) {
	for _, c := range []struct {
		amount           Amount
		minutes, covered int64
		want             Amount
	}{
		{1500, 3, 0, 1500}, {1500, 3, 1, 1000}, {1500, 3, 3, 0}, {1000, 3, 1, 667}, {1000, 3, 2, 334}, {1, 3, 2, 1}, {1, 3, 3, 0},
		{0, 3, 1, 0}, {500, 0, 0, 500}, {500, 2, 5, 0},
		{1 << 62, 1 << 40, 1, 1<<62 - 1<<22}, {1<<63 - 1, 3, 0, 1<<63 - 1},
	} {
		got := Charge{Amount: c.amount, Minutes: c.minutes, PackageMinutes: c.covered}.Rest()
		if got != c.want {
			t.Errorf("%d for %d minutes, %d covered: rest %d, want %d", c.amount, c.minutes, c.covered, got, c.want)
		}
	}
}

func TestNumberOwesRent(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(zone *time.Location, s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04:05", s, zone)
		if err != nil {
			t.Fatal(err)
		}
		return v.UTC()
	}
	for _, c := range []struct {
		zone             *time.Location
		month            string
		delivered, ended string
		want             bool
	}{
		{Beijing, "2026-03", "2026-01-10 00:00:00", "", true},
		{Beijing, "2026-03", "2026-03-31 23:59:59", "", true},
		{Beijing, "2026-03", "2026-04-01 00:00:00", "", false},
		{Beijing, "2026-03", "2026-01-10 00:00:00", "2026-02-25 23:59:59", false},
		{Beijing, "2026-03", "2026-01-10 00:00:00", "2026-02-26 00:00:00", true},
		{Beijing, "2026-04", "2026-01-10 00:00:00", "2026-02-26 00:00:00", false},
		{Beijing, "2026-03", "2026-03-05 00:00:00", "2026-03-06 00:00:00", true},
		{Beijing, "2026-04", "2026-03-05 00:00:00", "2026-03-06 00:00:00", false},
		{Beijing, "2026-01", "2025-11-05 00:00:00", "2025-12-25 12:00:00", false},
		{Beijing, "2026-01", "2025-11-05 00:00:00", "2025-12-26 12:00:00", true},
		{berlin, "2026-04", "2026-01-10 00:00:00", "2026-03-25 23:59:59", false}, // the 29th begins summer time
		{berlin, "2026-04", "2026-03-31 23:30:00", "2026-03-26 00:00:00", true},
	} {
		n := Number{CreatedAt: at(c.zone, c.delivered)}
		if c.ended != "" {
			n.EndsAt = at(c.zone, c.ended)
		}
		month, err := time.ParseInLocation("2006-01", c.month, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Owes(month); got != c.want {
			t.Errorf("%s, delivered %s, ended %q: owes %v", c.month, c.delivered, c.ended, got)
		}
		n.DeliveredAt, n.CreatedAt = n.CreatedAt, n.CreatedAt.AddDate(1, 0, 0)
		if got := n.Owes(month); got != c.want {
			t.Errorf("%s: the delivery does not count but the row's making", c.month)
		}
	}
}
