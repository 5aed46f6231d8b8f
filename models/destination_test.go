package models

import "testing"

func TestDestinations(t *testing.T) {
	platform := Destinations{Allow: []string{"+86", "+852"}, Deny: []string{"+86168", "+852900"}}
	for _, c := range []struct {
		name, number string
		tenant       Destinations
		want         bool
	}{
		{"at home", "+8613800000001", Destinations{}, true},
		{"abroad, allowed", "+85291234567", Destinations{}, true},
		{"abroad", "+447700900123", Destinations{}, false},
		{"a country whose code begins like ours", "+8", Destinations{}, false},
		{"premium", "+8616812345", Destinations{}, false},
		{"premium behind an allowed country", "+85290012345", Destinations{}, false},
		{"the tenant may more", "+447700900123", Destinations{Allow: []string{"+44"}}, true},
		{"the tenant's own list leaves the rest as it is", "+8613800000001", Destinations{Allow: []string{"+44"}}, true},
		{"and what is denied", "+8616812345", Destinations{Allow: []string{"+44"}}, false},
		{"the tenant may less", "+8613800000001", Destinations{Deny: []string{"+86"}, Allow: []string{"+8610"}}, false},
		{"but for one city", "+861012345678", Destinations{Deny: []string{"+86"}, Allow: []string{"+8610"}}, true},
		{"as long: denied", "+8613800000001", Destinations{Deny: []string{"+86"}, Allow: []string{"+86"}}, false},
		{"every number", "+19005550123", Destinations{Allow: []string{"+"}}, true},
		{"no number at all", "", Destinations{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.tenant.Within(platform, c.number); got != c.want {
				t.Errorf("%s: %t", c.number, got)
			}
		})
	}
	if !(Destinations{}).Permits("+19005550123") || (Destinations{Deny: []string{"+1900"}}).Permits("+19005550123") || !(Destinations{Deny: []string{"+1900"}}).Permits("+12125550123") {
		t.Error("without Allow whatever is not denied may be called")
	}
}

func TestTollValidate(t *testing.T) {
	for _, bad := range []string{"86", "0086", "+86 138", "+86\r\nbgapi", "+8613800000000000", "138", "", "＋86", "+٣"} {
		if err := (Toll{Destinations: Destinations{Allow: []string{bad}}}).Validate(); CodeOf(err) != Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := (Toll{Destinations: Destinations{Allow: []string{"+"}, Deny: []string{"+86168"}}, Limits: Limits{AtOnce: NoLimit, PerDay: 5}}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (Toll{Limits: Limits{Minutes: -2}}).Validate(); CodeOf(err) != Invalid {
		t.Error(err)
	}
}

func TestLimitsWithin(t *testing.T) {
	platform := Limits{AtOnce: 10, PerHour: 100, PerDay: 1000}
	if got, want := (Limits{AtOnce: NoLimit, PerHour: 5, Minutes: 60}).Within(platform), (Limits{PerHour: 5, PerDay: 1000, Minutes: 60}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if (Limits{}).Within(Limits{}).Any() {
		t.Error("nothing bounds something")
	}
}
