package billing

import (
	"context"
	"testing"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// house is one tenant's money, as an Allowance asks for it.
type house struct {
	plan    models.PricePlan
	balance models.Amount
	credit  models.Amount
	owed    models.Amount
	taken   int64
	left    int64 // minutes of his package
}

func (h house) Plans(_ context.Context, f store.PlanFilter, _ models.Page) ([]models.PricePlan, int, error) {
	return []models.PricePlan{h.plan}, 1, nil
}

func (h house) PlanAt(context.Context, int64, time.Time) (models.PricePlan, bool, error) {
	return h.plan, true, nil
}

func (h house) Tenant(context.Context, int64) (models.Tenant, error) {
	return models.Tenant{ID: 1, Credit: h.credit}, nil
}

func (h house) Balance(context.Context, models.Account) (models.Amount, error) { return h.balance, nil }

func (h house) Owed(context.Context, int64) (models.Amount, int64, error) {
	return h.owed, h.taken, nil
}

func (h house) Packages(context.Context, store.PackageFilter, models.Page) ([]models.Package, int, error) {
	if h.left == 0 {
		return nil, 0, nil
	}
	return []models.Package{{Left: h.left, Until: time.Now().Add(24 * time.Hour)}}, 1, nil
}

func TestAfford(t *testing.T) {
	plan := models.PricePlan{ID: 1, CutCalls: true, Calls: map[models.Mode]models.CallPrice{models.ModeAXB: {Minute: 1000}, models.ModeClick: {Minute: 1000}}}
	kind := plan
	kind.CutCalls = false
	for _, c := range []struct {
		name  string
		house house
		mode  models.Mode
		want  time.Duration
	}{
		{"ten minutes", house{plan: plan, balance: models.Unit}, models.ModeAXB, 10 * time.Minute},
		{"both legs", house{plan: plan, balance: models.Unit}, models.ModeClick, 5 * time.Minute},
		{"a plan that does not cut", house{plan: kind, balance: models.Unit}, models.ModeAXB, 0},
		{"a mode that is free", house{plan: plan}, models.ModeNotify, 0},
		{"on credit", house{plan: plan, balance: -models.Unit, credit: 2 * models.Unit}, models.ModeAXB, 10 * time.Minute},
		{"less what is owed", house{plan: plan, balance: models.Unit, owed: 4000, taken: 4}, models.ModeAXB, 6 * time.Minute},
		{"minutes and money", house{plan: plan, balance: models.Unit, left: 30}, models.ModeAXB, 40 * time.Minute},
		{"what is owed is in the package", house{plan: plan, balance: models.Unit, left: 30, owed: 4000, taken: 4}, models.ModeAXB, 36 * time.Minute},
		{"nothing left", house{plan: plan}, models.ModeAXB, time.Minute},
		{"more than a day", house{plan: plan, balance: 1e9 * models.Unit}, models.ModeAXB, 24 * time.Hour},
	} {
		got, err := NewAllowance(c.house, NewRater(c.house)).Afford(t.Context(), 1, c.mode, time.Now())
		if err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}
