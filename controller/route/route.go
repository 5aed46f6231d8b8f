// Package route decides what a call does: (dialled, caller) as the store sees them → a Decision, that is a Plan and why. It reads no
// clock and no database and starts no goroutine, so the answer for the past ("who would have been reached at time T") comes from
// the same code that routes live calls. A mode is one file here and one entry in resolvers.
package route

import (
	"fmt"
	"time"

	"maskline/models"
)

// AnswerIn is how long the callee may ring when the rules say nothing else (spec/privatenumber.md §3: about 90 s, then 8035).
const AnswerIn = 90 * time.Second

// Rules are the platform's own settings that a decision depends on. The zero value works.
type Rules struct {
	AnswerIn time.Duration // 0 is AnswerIn
	MaxTalk  time.Duration // the platform's own bound on every call's talk; 0 is none
	// Refusals are the prompts of refusals by state code, where another than the built-in one shall be played.
	Refusals map[models.StateCode]string
}

// resolver turns a sight whose number, app and tenant are fit for calls into a plan and the sentence that says why.
type resolver func(Rules, models.Sight) (models.Plan, string)

var resolvers = map[models.Mode]resolver{
	models.ModeAXB: axb,
}

// Decide says what a call to s.Dialled from s.Caller does.
func (r Rules) Decide(s models.Sight) models.Decision {
	d := models.Decision{}
	if s.Tenant != nil {
		d.TenantID = s.Tenant.ID
	}
	if s.App != nil {
		d.AppID, d.AppKey = s.App.ID, s.App.Key
	}
	if s.Route != nil && s.Binding != nil && s.Route.Live(s.Now) {
		d.BindingID, d.UserData, d.Side = s.Binding.ID, s.Binding.UserData, s.Route.Side
	}
	d.Plan, d.Why = r.plan(s)
	if d.Refuse != nil {
		if name, set := r.Refusals[d.Refuse.State]; set {
			d.Refuse.Prompt = Prompt(s.App, name)
		}
	}
	if d.Connect != nil && s.Number != nil {
		d.Connect.Trunk = s.Number.Trunk
	}
	return d
}

func (r Rules) plan(s models.Sight) (models.Plan, string) {
	switch {
	case s.Number == nil || s.App == nil || s.Tenant == nil:
		return refuse(models.NoBinding, unallocated, models.PromptNoBinding, nil), s.Dialled + " is no number of this platform"
	case s.Tenant.State != models.StateNormal:
		return refuse(models.AccountFrozen, rejected, models.PromptNoPermission, s.App), fmt.Sprintf("tenant %s is %s", s.Tenant.Name, s.Tenant.State)
	case s.App.State != models.StateNormal:
		return refuse(models.Abnormal, rejected, models.PromptAbnormal, s.App), fmt.Sprintf("app %s is %s", s.App.Name, s.App.State)
	case !s.Number.State.TakesCalls():
		return refuse(models.NumberBarred, rejected, models.PromptNoPermission, s.App), fmt.Sprintf("number %s is in state %d, which takes no calls", s.Dialled, s.Number.State)
	}
	resolve, known := resolvers[s.App.Mode]
	if !known {
		return refuse(models.WrongMode, temporary, models.PromptAbnormal, s.App), fmt.Sprintf("no rules for mode %q", s.App.Mode)
	}
	return resolve(r, s)
}

// Q.850 causes of refusals, which the switch turns into the caller's final response.
const (
	unallocated = 1  // 404
	rejected    = 21 // 603
	temporary   = 41 // 503
)

func refuse(state models.StateCode, q850 int, prompt string, app *models.App) models.Plan {
	return models.Plan{Refuse: &models.Refuse{State: state, Q850: q850, Prompt: Prompt(app, prompt)}}
}

// Prompt is the file an app plays where the platform has the default named name: the app's own choice, which may be "" for silence.
func Prompt(app *models.App, name string) string {
	if app != nil {
		if own, chosen := app.Prompts[name]; chosen {
			return own
		}
	}
	return name
}

func (r Rules) answerIn() time.Duration {
	if r.AnswerIn == 0 {
		return AnswerIn
	}
	return r.AnswerIn
}
