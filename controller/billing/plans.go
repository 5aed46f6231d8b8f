package billing

import (
	"context"
	"slices"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// PlanStore is where price plans are kept.
type PlanStore interface {
	Plans(ctx context.Context, f store.PlanFilter, page models.Page) ([]models.PricePlan, int, error)
	// PlanAt gives the plan that is in force for a tenant at a time: his own, else the platform's.
	PlanAt(ctx context.Context, tenantID int64, t time.Time) (models.PricePlan, bool, error)
}

// plansFor is how long what was read of an owner's plans holds.
const plansFor = 10 * time.Second

// plans keeps the plans of each owner, the platform being owner 0, for plansFor: all of them, since a plan of a tenant's may begin or end at any time
// and goes before the platform's.
type plans struct {
	store PlanStore
	owned recent[int64, owned]
}

// owned are the plans of one owner.
type owned struct {
	list []models.PricePlan
	more bool // there are more than a page has; memory does not hold so many
}

func newPlans(s PlanStore) *plans {
	return &plans{store: s, owned: recent[int64, owned]{life: plansFor, most: tenantsMax}}
}

// at gives the plan that is in force for a tenant at a time.
func (p *plans) at(ctx context.Context, tenantID int64, t time.Time) (models.PricePlan, bool, error) {
	for _, owner := range []int64{tenantID, 0} {
		o, err := p.of(ctx, owner)
		if err != nil {
			return models.PricePlan{}, false, err
		}
		if o.more {
			return p.store.PlanAt(ctx, tenantID, t)
		}
		if i := slices.IndexFunc(o.list, func(plan models.PricePlan) bool { return plan.Holds(t) }); i >= 0 {
			return o.list[i], true, nil
		}
	}
	return models.PricePlan{}, false, nil
}

func (p *plans) of(ctx context.Context, owner int64) (owned, error) {
	if o, ok := p.owned.get(owner); ok {
		return o, nil
	}
	mark := p.owned.mark()
	list, total, err := p.store.Plans(ctx, store.PlanFilter{TenantID: owner, Platform: owner == 0}, models.Page{Limit: models.PageMax})
	if err != nil {
		return owned{}, err
	}
	o := owned{list: list, more: total > len(list)}
	if o.more {
		o.list = nil
	}
	p.owned.put(owner, o, mark)
	return o, nil
}
