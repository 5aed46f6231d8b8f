package models

import (
	"testing"
	"time"
)

// TestEnds looks at the months of several zones, one of them with daylight saving, and that rent agrees: the month before the end is paid, the one
// that begins with it is not.
func TestEnds(t *testing.T) {
	for _, tt := range []struct{ zone, at, ends string }{
		{"Asia/Shanghai", "2026-03-25T23:59:59", "2026-04-01"}, {"Asia/Shanghai", "2026-03-26T00:00:00", "2026-05-01"},
		{"Asia/Shanghai", "2026-02-28T12:00:00", "2026-04-01"}, {"Asia/Shanghai", "2028-02-29T12:00:00", "2028-04-01"},
		{"Asia/Shanghai", "2026-12-25T00:00:00", "2027-01-01"}, {"Asia/Shanghai", "2026-12-31T23:59:59", "2027-02-01"},
		{"Asia/Shanghai", "2026-01-31T12:00:00", "2026-03-01"}, {"Asia/Shanghai", "2026-11-30T12:00:00", "2027-01-01"},
		{"Europe/Berlin", "2026-03-25T23:59:59", "2026-04-01"}, {"Europe/Berlin", "2026-10-25T02:30:00", "2026-11-01"},
		{"America/New_York", "2026-03-26T00:00:00", "2026-05-01"},
	} {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.ParseInLocation("2006-01-02T15:04:05", tt.at, zone)
		if err != nil {
			t.Fatal(err)
		}
		want, err := time.ParseInLocation(time.DateOnly, tt.ends, zone)
		if err != nil {
			t.Fatal(err)
		}
		got := Ends(at.UTC(), zone)
		if !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s in %s ends at %v, want %v", tt.at, tt.zone, got, want)
		}
		n := Number{DeliveredAt: at.AddDate(-1, 0, 0), EndsAt: at.UTC()}
		if n.Owes(want) || !n.Owes(want.AddDate(0, -1, 0)) {
			t.Errorf("%s in %s: rent does not end at %v", tt.at, tt.zone, want)
		}
	}
}

func TestMaskID(t *testing.T) {
	for id, want := range map[string]string{"110101199001011234": "11**************34", "E1234567": "E1****67", "A123456": "*******", "": ""} {
		if got := MaskID(id); got != want {
			t.Errorf("%s is masked %s, want %s", id, got, want)
		}
	}
}
