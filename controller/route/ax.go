package route

import (
	"fmt"

	"maskline/models"
)

// ax: whoever dials X reaches A; A dials X and reaches the temporary callee he has set (spec/privatenumber.md §2.2, §3). X carries one call
// at a time: a second caller hears busy.
func ax(r Rules, s models.Sight) (models.Plan, string) {
	if !bound(s) {
		return refuse(models.NoPermission, rejected, models.PromptNoPermission, s.App), s.Dialled + " belongs to nobody"
	}
	plan, why := axCall(r, s)
	return turned(plan, by(s.Route.Side)), fmt.Sprintf("binding %s: %s", s.Binding.ID, why)
}

func axCall(r Rules, s models.Sight) (models.Plan, string) {
	to, show := s.Route.Destination, s.Route.Display
	temporary, set := s.Route.TempLive(s.Now)
	fromOwner := s.Route.Side == models.SideA
	real, allowed := r.shown(s)
	switch {
	case s.Binding.Off:
		return refuse(models.NoPermission, rejected, models.PromptNoPermission, s.App), "turnFlag is off"
	case s.Route.Forbidden:
		return refuse(models.DirectionBarred, rejected, models.PromptDirection, s.App), fmt.Sprintf("callDirection %d bars side %s", s.Binding.Direction, s.Route.Side)
	case fromOwner && (!set || temporary == s.Caller):
		return refuse(models.NoTempCallee, rejected, models.PromptNoBinding, s.App), "A dials X and has set no temporary callee"
	case !fromOwner && !allowed:
		return refuse(models.RealCallerBarred, rejected, models.PromptNoPermission, s.App), "calleeNumDisplay asks for the real caller, which is not allowed"
	case s.Busy:
		return refuse(models.CalleeBusy, userBusy, models.PromptBusy, s.App), "another call holds " + s.Dialled
	case fromOwner:
		to = temporary
	default:
		show = real
	}
	c := connect(r, s, to, show)
	c.Exclusive, c.UsesTemp, c.ShowsCaller = true, fromOwner, !fromOwner && r.showsCaller(s)
	return models.Plan{Connect: c}, fmt.Sprintf("side %s on %s reaches %s, who sees %s", s.Route.Side, s.Dialled, to, models.Mask(show))
}
