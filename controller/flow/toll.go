package flow

import (
	"context"
	"errors"
	"time"

	"maskline/controller/route"
	"maskline/models"
)

// limitDestination is the limit that a call to a barred destination meets, as metrics name it.
const limitDestination = "destination"

// limits are those of the call's tenant; zero as long as he is not known.
func (k *call) limits() models.Limits {
	if k.sight.Tenant == nil {
		return models.Limits{}
	}
	return k.sight.Tenant.Toll.Limits.Within(k.e.Limits)
}

// beyond makes a refusal of the store's word that the tenant's limits are reached. The caller's carrier may try again, so it is told congestion.
func (k *call) beyond(err error) (models.Refuse, bool) {
	r := models.Refuse{State: models.TenantTooManyCalls, Q850: 42, Prompt: models.PromptSystemBusy}
	switch models.CodeOf(err) {
	case models.TenantTooOften:
	case models.PortsFull:
		r.State = models.TenantPortsFull
	default:
		return models.Refuse{}, false
	}
	limit := ""
	if e, ok := errors.AsType[*models.Error](err); ok {
		limit = e.Param
	}
	k.e.Observe.TollRefused(k.app.Key, limit)
	k.log.Warn("call is beyond its tenant's limits", "tenant", k.s.TenantID, "app", k.app.Key, "limit", limit)
	return r, true
}

// shorten bounds the talk by what is left of the tenant's minutes today. The switch keeps the limit, as any other.
func (k *call) shorten(ctx context.Context, c *models.Connect) {
	left, bounded, err := k.e.Store.TollLeft(ctx, k.s.TenantID, k.limits())
	if err != nil {
		k.log.Warn("what is left of the tenant's minutes could not be read; the call is not shortened", "error", err)
		return
	}
	if left = max(left, time.Second).Truncate(time.Second); bounded && (c.MaxTalk == 0 || left < c.MaxTalk) {
		c.MaxTalk = left
	}
}

// mayDial looks once more whether those whom a placed call reaches may be called: the lists may have changed while it waited.
func (k *call) mayDial(p models.Place) error {
	to := []string{p.To}
	if p.Then != nil {
		to = append(to, p.Then.To)
	}
	for _, number := range to {
		if !k.e.Rules.May(k.sight.Tenant, number) {
			k.placing.wrong = models.NoPermission
			k.e.Observe.TollRefused(k.app.Key, limitDestination)
			return route.ErrDestination
		}
	}
	return nil
}
