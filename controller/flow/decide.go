package flow

import (
	"context"
	"fmt"
	"time"

	"maskline/controller/route"
	"maskline/models"
)

// route looks the call up, decides, and commits the session with its callin event before anything is done.
func (k *call) route(ctx context.Context, from arrival) (models.Plan, error) {
	k.s.Dialled, k.s.Caller = from.dialled, from.caller
	ctx, cancel := context.WithTimeout(ctx, lookupIn)
	defer cancel()
	if err := k.decide(ctx, models.NoExtension); err != nil {
		return models.Plan{}, err
	}
	k.e.Observe.CallStarted(k.s.Mode)
	k.log.Info("call came in", "dialled", from.dialled, "caller", from.caller, "trunk", from.trunk)
	start := time.Now()
	err := k.settle(ctx, k.event(models.EventCallIn, k.s.StartedAt))
	k.e.Observe.Stage("begin", time.Since(start))
	if err == nil {
		k.told[string(models.EventCallIn)] = true
	}
	return k.s.Plan, err
}

// again looks the call up once more, with what is known now, and commits the session as it then stands.
func (k *call) again(ctx context.Context, extension string) (models.Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupIn)
	defer cancel()
	if err := k.decide(ctx, extension); err != nil {
		return models.Plan{}, err
	}
	return k.s.Plan, k.settle(ctx)
}

// decide makes the plan and takes it into the session.
func (k *call) decide(ctx context.Context, extension string) error {
	start := time.Now()
	sight, err := k.e.Store.Sight(ctx, k.s.Dialled, k.s.Caller, extension)
	if err != nil {
		return fmt.Errorf("look up %s: %w", k.s.Dialled, err)
	}
	sight.Counted = k.told[string(models.EventCallIn)]
	k.askPurse(ctx, &sight)
	d := k.e.Rules.Decide(sight)
	if d.Barred {
		k.e.Observe.TollRefused(d.AppKey, limitDestination)
	}
	if err := k.askRegister(ctx, sight, &d); err != nil {
		return err
	}
	k.e.Observe.Stage("route", time.Since(start))
	for _, state := range d.Findings {
		k.e.Observe.RiskReported(state)
		k.log.Warn("risk rule met; it is set to report only", "state", int(state))
	}
	k.know(sight, d)
	if extension != models.NoExtension {
		k.s.Extension = extension
	}
	k.log.Info("call routed", "why", d.Why)
	return k.take(d.Plan)
}

// know takes into the session whose call it is.
func (k *call) know(sight models.Sight, d models.Decision) {
	k.sight = sight
	k.s.TenantID, k.s.AppID, k.s.BindingID, k.s.UserData, k.s.Side = d.TenantID, d.AppID, d.BindingID, d.UserData, d.Side
	if sight.App != nil {
		k.app, k.s.Mode = *sight.App, sight.App.Mode
	}
	if sight.Tenant != nil {
		k.spID = sight.Tenant.SpID
	}
	if sight.Number != nil {
		k.s.Area = sight.Number.AreaCode
	}
}

// askPurse looks whether the tenant can pay for another call.
func (k *call) askPurse(ctx context.Context, sight *models.Sight) {
	if k.e.Purse == nil || sight.Tenant == nil || sight.Tenant.Arrears {
		return
	}
	solvent, err := k.e.Purse.Solvent(ctx, sight.Tenant.ID)
	if err != nil {
		k.log.Error("whether the tenant can pay could not be read; the configuration says what then", "solvent", solvent, "error", err)
	}
	if !solvent {
		tenant := *sight.Tenant
		tenant.Arrears = true
		sight.Tenant = &tenant
	}
}

// askRegister refuses a call whose A has not shown who he is, where his app requires that.
func (k *call) askRegister(ctx context.Context, sight models.Sight, d *models.Decision) error {
	if d.Connect == nil || sight.App == nil || !sight.App.Settings.RequireRegistered || sight.Binding == nil {
		return nil
	}
	_, registered, err := k.e.Store.RegisteredParty(ctx, d.TenantID, sight.Binding.A)
	if err != nil {
		return fmt.Errorf("look A up among the registered: %w", err)
	}
	if !registered {
		d.Plan = models.Plan{Direction: d.Direction, Refuse: &models.Refuse{State: models.NotRegistered, Q850: 21, Prompt: route.Prompt(sight.App, models.PromptNoPermission)}}
		d.Why = "A is not registered, and the app requires it; without that: " + d.Why
	}
	return nil
}

// afford bounds the talk by what the tenant can pay, where his plan says so. The switch keeps the limit, as any other.
func (k *call) afford(ctx context.Context, c *models.Connect) {
	k.shorten(ctx, c)
	if k.e.Purse == nil || k.s.TenantID == 0 {
		return
	}
	most, err := k.e.Purse.Afford(ctx, k.s.TenantID, k.s.Mode, time.Now())
	if err != nil {
		k.log.Warn("what the tenant can pay could not be read; the call is not limited by it", "error", err)
		return
	}
	if most > 0 && (c.MaxTalk == 0 || most < c.MaxTalk) {
		c.MaxTalk = most
	}
}

// take makes a plan the session's.
func (k *call) take(p models.Plan) (err error) {
	k.s.Plan, k.s.Stage, k.s.Callee, k.s.RecordAs = p, models.StageRefusing, models.Party{}, ""
	switch {
	case p.Collect != nil:
		k.s.Stage = models.StageCollecting
	case p.Ask != nil:
		k.s.Stage = models.StageAsking
	case p.Allocate != nil:
		k.s.Stage = models.StageRouting
	case p.Connect != nil:
		k.s.Stage = models.StageDialling
		if k.s.Callee, err = models.NewParty(p.Connect.To); err != nil {
			return fmt.Errorf("route of binding %s: %w", k.s.BindingID, err)
		}
		if p.Connect.Record {
			k.s.RecordAs = k.e.Recordings.Name(time.Now(), k.s.ID)
		}
	}
	return nil
}

// settle commits the session with its plan, before any of it is done. Where the number carries one call, it is claimed in the same
// transaction; when another call was faster, this one hears busy. So is the call counted against its tenant's limits.
func (k *call) settle(ctx context.Context, events ...models.CallEvent) error {
	c := k.change(events...)
	if connect := k.s.Plan.Connect; connect != nil {
		c.Exclusive, c.Limits = connect.Exclusive, k.limits()
	}
	err := k.record(ctx, c)
	if err == nil {
		k.s.Counted = k.s.Counted || c.Limits.Any()
		return nil
	}
	refusal, refused := k.beyond(err)
	if models.CodeOf(err) == models.NumberBusy {
		k.log.Info("another call holds the number")
		refusal, refused = models.Refuse{State: models.CalleeBusy, Q850: 17, Prompt: models.PromptBusy}, true
	}
	if !refused {
		return err
	}
	if err := k.take(models.Plan{Direction: k.s.Plan.Direction, Refuse: &refusal}); err != nil {
		return err
	}
	return k.record(ctx, k.change(events...))
}

// allocate gives the caller a Y on the binding he reached (AXYB). Two first calls at once get one.
func (k *call) allocate(ctx context.Context, a models.Allocate) (models.Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupIn)
	defer cancel()
	_, err := k.e.Store.AllocateY(ctx, a.BindingID, k.s.Caller)
	switch models.CodeOf(err) {
	case "":
		return k.again(ctx, models.NoExtension)
	case models.Internal:
		return models.Plan{}, fmt.Errorf("allocate a Y on binding %s: %w", a.BindingID, err)
	}
	k.log.Warn("no Y could be allocated", "error", err)
	if err := k.take(models.Plan{Direction: k.s.Plan.Direction, Refuse: &models.Refuse{State: models.NoYNumber, Q850: 21, Prompt: models.PromptAbnormal}}); err != nil {
		return models.Plan{}, err
	}
	return k.s.Plan, k.settle(ctx)
}
