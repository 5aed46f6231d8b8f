package billing

import (
	"strings"
	"testing"
	"time"

	"maskline/models"
)

func TestExplain(t *testing.T) {
	call := masked("10:00:00", "10:01:01")
	call.Caller, call.Callee = models.MustParty("+8613800000001"), models.MustParty("+8613900000002")
	plan := priced(models.CallPrice{Minute: 600})
	rated, err := ChargeOf(call, BilledLegs(call)[0], plan, true)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*models.Charge)) []models.Charge {
		c := rated
		change(&c)
		return []models.Charge{c}
	}
	free, stranger := call, call
	free.AnswerAt = time.Time{}
	stranger.TenantID = 0
	dearer := priced(models.CallPrice{Minute: 900})
	for _, test := range []struct {
		name    string
		cdr     models.CDR
		charges []models.Charge
		plans   []models.PricePlan
		want    []string
	}{
		{"not settled", call, []models.Charge{rated}, []models.PricePlan{plan}, []string{
			"leg 2: answered 2026-11-20 10:00:00 UTC, ended 2026-11-20 10:01:01 UTC: 61 s", "61 s are 2 started units of 60 s at 0.0600 a minute",
			"charge 0.1200, or 2 minutes of a package", "to be settled with the hour of 2026-11-20 10:00 UTC", "computed again: the same"}},
		{"settled", call, with(func(c *models.Charge) { c.SettledAt, c.EntryID = at("11:05:00"), 12 }), nil, []string{"with the hour of 2026-11-20 10:00 UTC, in entry 12"}},
		{"a package paid", call, with(func(c *models.Charge) { c.SettledAt, c.PackageMinutes = at("11:05:00"), 2 }), nil, []string{"2 minutes of packages paid it"}},
		{"a package paid a part", call, with(func(c *models.Charge) { c.SettledAt, c.PackageMinutes, c.EntryID = at("11:05:00"), 1, 12 }), nil,
			[]string{"packages paid 1 of 2 minutes, the rest stands in entry 12"}},
		{"another plan now", call, []models.Charge{rated}, []models.PricePlan{dearer}, []string{"charge 0.1200", "it is 0.1800 for 61 s"}},
		{"the record was changed", masked("10:00:00", "10:00:30"), []models.Charge{rated}, []models.PricePlan{plan}, []string{"it is 0.0600 for 30 s"}},
		{"not rated", call, nil, []models.PricePlan{plan}, []string{"not rated yet"}},
		{"not answered", free, nil, nil, []string{"free: leg 2 was not answered"}},
		{"not answered, and charged", free, []models.Charge{rated}, nil, []string{"leg 2 was charged 0.1200"}},
		{"no tenant", stranger, nil, nil, []string{"belongs to no tenant"}},
		{"nobody answered a call of ours", placed(models.ModeNotify, "", "", "10:00:00"), nil, nil, []string{"free: nobody answered"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Explain(test.cdr, test.charges, test.plans...)
			for _, w := range test.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is missing in\n%s", w, got)
				}
			}
			if strings.Contains(got, "00000001") || strings.Contains(got, "00000002") {
				t.Errorf("a person's number is shown:\n%s", got)
			}
		})
	}
}
