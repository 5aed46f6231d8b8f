// Package route decides what a call does: (dialled, caller, digits) as the store sees them → a Decision, that is a Plan and why. It reads
// no clock and no database and starts no goroutine, so the answer for the past ("who would have been reached at time T") comes from
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
	// AllowRealCaller lets a binding show the callee the caller's real number. Carriers bar it: 8024.
	AllowRealCaller bool
	Numbering       models.Numbering
	// Destinations are the numbers that may be called, where a tenant has no list of his own. The zero value is all.
	Destinations models.Destinations
}

// resolver turns a sight whose number, app and tenant are fit for calls into a plan and the sentence that says why.
type resolver func(Rules, models.Sight) (models.Plan, string)

var resolvers = map[models.Mode]resolver{
	models.ModeAXB:  axb,
	models.ModeAX:   ax,
	models.ModeAXE:  axe,
	models.ModeAXYB: axyb,
	models.ModeX:    ask,

	models.ModeVoice: display,
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
	if bound(s) {
		d.BindingID, d.UserData, d.Side = s.Binding.ID, s.Binding.UserData, s.Route.Side
	}
	d.Plan, d.Why = r.plan(s)
	if d.Refuse == nil {
		r.watch(s, &d)
	}
	if p, barred := r.bar(s, d.Plan); barred != nil {
		d.Plan, d.Why, d.Barred = p, barred.Error(), true
	}
	if d.Refuse != nil {
		r.reprompt(s, d.Refuse)
	}
	if d.Connect != nil && s.Number != nil {
		d.Connect.Trunk = s.Number.Trunk
	}
	return d
}

// reprompt gives a refusal the prompt that the configuration has for its code.
func (r Rules) reprompt(s models.Sight, refusal *models.Refuse) {
	if name, set := r.Refusals[refusal.State]; set {
		refusal.Prompt = Prompt(s.App, name)
	}
}

// bound says that a row stands for this caller, and its binding with it.
func bound(s models.Sight) bool { return s.Route != nil && s.Binding != nil && s.Route.Live(s.Now) }

func (r Rules) plan(s models.Sight) (models.Plan, string) {
	switch {
	case s.Number == nil || s.App == nil || s.Tenant == nil:
		return refuse(models.NoBinding, unallocated, models.PromptNoBinding, nil), s.Dialled + " is no number of this platform"
	case s.Tenant.State != models.StateNormal:
		return refuse(models.AccountFrozen, rejected, models.PromptNoPermission, s.App), fmt.Sprintf("tenant %s is %s", s.Tenant.Name, s.Tenant.State)
	case s.Tenant.Arrears:
		return refuse(models.AccountFrozen, rejected, models.PromptNoPermission, s.App), fmt.Sprintf("tenant %s is in arrears", s.Tenant.Name)
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
	userBusy    = 17 // 486
	rejected    = 21 // 603
	temporary   = 41 // 503
)

// Directions of the CDR (spec/privatenumber.md §4.4).
const (
	toA     = 0 // somebody calls A
	fromA   = 1 // A calls; in AXB always
	unbound = 2
)

// refuse is a plan that ends the call. Its direction is that of a call without a binding; a resolver that has one sets another.
func refuse(state models.StateCode, q850 int, prompt string, app *models.App) models.Plan {
	return models.Plan{Direction: unbound, Refuse: &models.Refuse{State: state, Q850: q850, Prompt: Prompt(app, prompt)}}
}

// turned gives a plan another direction.
func turned(p models.Plan, direction int) models.Plan {
	p.Direction = direction
	return p
}

// by is the direction of a call on a binding by whoever's side it is for.
func by(side models.Side) int {
	if side == models.SideA {
		return fromA
	}
	return toA
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

// connect is what every mode with a binding does once it knows whom to call and what he sees.
func connect(r Rules, s models.Sight, to models.Party, show string) *models.Connect {
	b := s.Binding
	c := &models.Connect{To: to.Reveal(), Show: show, AnswerIn: r.answerIn(), PreVoice: b.PreVoiceA}
	if s.Route.Side == models.SideB {
		c.PreVoice = b.PreVoiceB
	}
	// The app's capability is asked again at each call: an operator may have withdrawn it since the bind.
	if b.Record && s.App.Record {
		c.Record, c.RecordTone = true, b.RecordHintTone
		if c.RecordTone == "" {
			c.RecordTone = Prompt(s.App, models.PromptRecordHint)
		}
	}
	r.limit(c, b.MaxDuration, b.LastMinVoice)
	return c
}

// limit puts the tenant's limit in minutes and the platform's own on a call, the shorter one.
func (r Rules) limit(c *models.Connect, minutes int, lastMinute string) {
	c.MaxTalk = r.MaxTalk
	if own := time.Duration(minutes) * time.Minute; own > 0 && (c.MaxTalk == 0 || own < c.MaxTalk) {
		c.MaxTalk = own
	}
	// The last-minute prompt belongs to the tenant's own limit, and a call of one minute has no minute before its last.
	if minutes > 0 && c.MaxTalk > time.Minute {
		c.LastMinute = lastMinute
	}
}

// shown is the number that A sees when somebody calls him: X, or the caller's own where the binding wants that and the platform allows it.
// ok is false when it is wanted and not allowed.
func (r Rules) shown(s models.Sight) (number string, ok bool) {
	switch {
	case !s.Binding.ShowCaller || !s.Caller.Known():
		return s.Route.Display, true
	case r.AllowRealCaller:
		return s.Caller.Reveal(), true
	}
	return "", false
}

// showsCaller says that what shown gives is the caller's own number.
func (r Rules) showsCaller(s models.Sight) bool {
	return r.AllowRealCaller && s.Binding.ShowCaller && s.Caller.Known()
}
