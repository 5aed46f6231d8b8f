package route

import (
	"fmt"
	"time"

	"maskline/models"
)

// axe: whoever dials X is asked for an extension and reaches its A; A dials X and reaches who called him last (spec/privatenumber.md §2.3,
// §3). Several A share one X.
func axe(r Rules, s models.Sight) (models.Plan, string) {
	if s.Extension != models.NoExtension && s.Extension != "" {
		return extension(r, s)
	}
	if bound(s) && s.Route.Side == models.SideA {
		return callBack(r, s)
	}
	e := s.App.Settings.Extension
	return models.Plan{Direction: toA, Collect: &models.Collect{Digits: e.Length(), Repeats: e.Repeats, Gap: time.Duration(e.GapSeconds()) * time.Second, Answer: e.AnswerFirst,
		Input: Prompt(s.App, models.PromptExtension), Again: Prompt(s.App, models.PromptExtensionWrong),
		GiveUp: Prompt(s.App, models.PromptExtensionGiveUp), Missing: Prompt(s.App, models.PromptExtensionMissing)}}, s.Dialled + " asks for an extension"
}

// extension is the second look, with what the caller keyed.
func extension(r Rules, s models.Sight) (models.Plan, string) {
	if !bound(s) {
		return refuse(models.NoExtensionBound, rejected, models.PromptExtensionGiveUp, s.App), fmt.Sprintf("extension %s of %s is bound to nobody", s.Extension, s.Dialled)
	}
	show, allowed := r.shown(s)
	switch {
	case s.Route.Destination == s.Caller:
		return turned(refuse(models.NoExtensionBound, rejected, models.PromptExtensionGiveUp, s.App), toA), "the caller keyed his own extension"
	case !allowed:
		return turned(refuse(models.RealCallerBarred, rejected, models.PromptNoPermission, s.App), toA), "displayNumMode asks for the real caller, which is not allowed"
	}
	c := connect(r, s, s.Route.Destination, show)
	c.Extension, c.ShowsCaller = s.Extension, r.showsCaller(s)
	// A hidden caller cannot be called back: he is never recorded.
	c.CallBack, c.CallBackFor = s.Caller.Known(), time.Duration(s.Binding.CallbackTime)*s.Binding.Unit()
	return models.Plan{Direction: toA, Connect: c}, fmt.Sprintf("binding %s: extension %s of %s reaches %s, who sees %s", s.Binding.ID, s.Extension, s.Dialled, s.Route.Destination, models.Mask(show))
}

// callBack is A on his own X: the last caller who was put through, else the number set for this, else a tone, else 8019.
func callBack(r Rules, s models.Sight) (models.Plan, string) {
	to, recorded := s.Route.TempLive(s.Now)
	e := s.App.Settings.Extension
	number, tone := s.Binding.CallbackNum, s.Binding.CallbackTone
	if number == "" && tone == "" {
		number, tone = e.CallbackNum, e.CallbackTone
	}
	if !recorded {
		to, _ = models.NewParty(number)
	}
	switch {
	case to.Known() && to != s.Caller:
		return models.Plan{Direction: fromA, Connect: connect(r, s, to, s.Dialled)}, fmt.Sprintf("binding %s: A on %s calls back %s", s.Binding.ID, s.Dialled, to)
	case tone != "":
		return models.Plan{Direction: fromA, Refuse: &models.Refuse{State: models.NoCallback, Q850: rejected, Prompt: tone}}, "nobody to call back; A hears callbackTone"
	}
	return turned(refuse(models.NoCallback, rejected, models.PromptNoBinding, s.App), fromA), "nobody to call back"
}
