package route

import (
	"fmt"

	"maskline/models"
)

// axyb: B dials X and reaches A, who sees Y; A dials Y and reaches B, who sees X. B's first call gets a Y of its own
// (spec/privatenumber.md §2.4, §3).
func axyb(r Rules, s models.Sight) (models.Plan, string) {
	switch {
	case !bound(s):
		return refuse(models.NoRelation, rejected, models.PromptNoBinding, s.App), fmt.Sprintf("no relation on %s holds caller %s", s.Dialled, s.Caller)
	case s.Route.Side == models.SideA && !s.Route.Destination.Known():
		return turned(refuse(models.DialledOwnX, rejected, models.PromptNoPermission, s.App), fromA), "A dialled his own X"
	case s.Route.Forbidden:
		return turned(refuse(models.DirectionBarred, rejected, models.PromptDirection, s.App), by(s.Route.Side)),
			fmt.Sprintf("binding %s has callDirection %d, which bars side %s", s.Binding.ID, s.Binding.Direction, s.Route.Side)
	case s.Route.Caller == models.Anyone && !s.Caller.Known():
		return turned(refuse(models.NoRelation, rejected, models.PromptNoBinding, s.App), toA), "a hidden caller can be given no Y"
	case s.Route.Caller == models.Anyone:
		return models.Plan{Direction: toA, Allocate: &models.Allocate{BindingID: s.Binding.ID}}, fmt.Sprintf("binding %s: %s calls for the first time and is given a Y", s.Binding.ID, s.Caller)
	}
	return models.Plan{Direction: by(s.Route.Side), Connect: connect(r, s, s.Route.Destination, s.Route.Display)},
		fmt.Sprintf("binding %s: side %s on %s reaches %s, who sees %s", s.Binding.ID, s.Route.Side, s.Dialled, s.Route.Destination, s.Route.Display)
}
