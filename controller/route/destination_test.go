package route

import (
	"strings"
	"testing"

	"maskline/models"
)

// No mode dials a number that its tenant may not call, whoever named it: the binding, the caller's digits, or the tenant's answer.
func TestBarredDestinations(t *testing.T) {
	rules := Rules{Destinations: models.Destinations{Allow: []string{"+86"}, Deny: []string{"+86139"}}, Refusals: map[models.StateCode]string{models.NoPermission: "custom.wav"}}
	for _, c := range []struct {
		name  string
		to    string
		own   models.Destinations
		state models.StateCode // 0: connects
	}{
		{"at home", "+8613600000002", models.Destinations{}, 0},
		{"barred at home", "+8613900000002", models.Destinations{}, models.NoPermission},
		{"abroad", "+14155550123", models.Destinations{}, models.ForeignCallee},
		{"satellite", "+881612345678", models.Destinations{}, models.ForeignCallee},
		{"abroad, and this tenant may", "+14155550123", models.Destinations{Allow: []string{"+1"}}, 0},
		{"at home, and this tenant may not", "+8613600000002", models.Destinations{Deny: []string{"+86136"}}, models.NoPermission},
	} {
		t.Run(c.name, func(t *testing.T) {
			tenant := func(s *models.Sight) { s.Tenant.Toll.Destinations = c.own }
			d := rules.Decide(sight(ann, func(s *models.Sight) { tenant(s); s.Binding.B = models.MustParty(c.to) }))
			check(t, d.Plan, c.state)
			if strings.Contains(d.Why, c.to) {
				t.Errorf("why tells the number: %s", d.Why)
			}
			s := sight(ann, tenant)
			s.App.Mode = models.ModeX
			plan, _, err := rules.Answered([]byte(`{"operation":"connect","connectInfo":{"calleeNum":"`+c.to+`"}}`), s, func(string) bool { return true }, func(string) bool { return false })
			check(t, plan, c.state)
			if (err != nil) != (c.state != 0) || err != nil && strings.Contains(err.Error(), c.to) {
				t.Errorf("the answer is judged: %v", err)
			}
		})
	}
	if !(Rules{}).May(nil, "+14155550123") {
		t.Error("rules that say nothing bar nobody")
	}
}

func check(t *testing.T, p models.Plan, state models.StateCode) {
	t.Helper()
	switch {
	case state == 0 && (p.Connect == nil || p.Refuse != nil):
		t.Errorf("refused: %+v", p.Refuse)
	case state != 0 && (p.Connect != nil || p.Refuse == nil || p.Refuse.State != state || p.Refuse.Q850 != rejected || p.Direction != fromA):
		t.Errorf("want %d: %+v", state, p)
	case state == models.NoPermission && p.Refuse.Prompt != "custom.wav":
		t.Errorf("prompt %s", p.Refuse.Prompt)
	}
}
