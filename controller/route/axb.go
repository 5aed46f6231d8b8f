package route

import (
	"fmt"
	"time"

	"maskline/models"
)

// axb: A dials X and reaches B, B dials X and reaches A, each seeing X (spec/privatenumber.md §3). Nobody else reaches anybody: 8014.
func axb(r Rules, s models.Sight) (models.Plan, string) {
	switch {
	case s.Route == nil || s.Binding == nil:
		return refuse(models.NoBinding, rejected, models.PromptNoBinding, s.App), fmt.Sprintf("no binding on %s holds caller %s", s.Dialled, s.Caller)
	case !s.Route.Live(s.Now):
		return refuse(models.NoBinding, rejected, models.PromptNoBinding, s.App), fmt.Sprintf("binding %s expired at %s", s.Binding.ID, s.Route.ExpiresAt.Format(time.RFC3339))
	case s.Route.Forbidden:
		return turned(refuse(models.DirectionBarred, rejected, models.PromptDirection, s.App), fromA),
			fmt.Sprintf("binding %s has callDirection %d, which bars side %s", s.Binding.ID, s.Binding.Direction, s.Route.Side)
	}
	return models.Plan{Direction: fromA, Connect: connect(r, s, s.Route.Destination, s.Route.Display)},
		fmt.Sprintf("binding %s: side %s on %s reaches %s, who sees %s", s.Binding.ID, s.Route.Side, s.Dialled, s.Route.Destination, s.Route.Display)
}
