package billing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"maskline/models"
)

// Leg is a leg of a call that is paid for.
type Leg struct {
	Number     int       // 1 or 2
	AnsweredAt time.Time // whose price plan holds is judged by this time: what was agreed on when the talk began holds to its end
	Seconds    int64     // between the whole seconds that the CDR prints
}

// BilledLegs are the answered legs of a call that are paid for, in order: of masked calls leg 2 (spec/privatenumber.md §8), of click-to-dial both,
// of notifications and verification codes leg 1 (spec/voicecall.md §8). A call of no tenant's, or in which nobody answered, has none.
func BilledLegs(c models.CDR) []Leg {
	if c.TenantID == 0 {
		return nil
	}
	var legs []Leg
	if c.Mode.Placed() && !c.OutAnswerAt.IsZero() {
		legs = append(legs, leg(1, c.OutAnswerAt, c.EndAt))
	}
	if (c.Mode == models.ModeClick || slices.Contains(models.MaskedModes, c.Mode)) && !c.AnswerAt.IsZero() {
		legs = append(legs, leg(2, c.AnswerAt, c.EndAt))
	}
	return legs
}

// leg counts the seconds as models.CDR.TalkSeconds does, so that a customer who computes from the printed times agrees.
func leg(number int, answered, ended time.Time) Leg {
	return Leg{Number: number, AnsweredAt: answered, Seconds: max(0, ended.Unix()-answered.Unix())}
}

// ChargeOf is what a leg costs by a plan; found is false when no plan holds, and the leg is free. A leg that costs nothing takes no minutes of a
// package. It fails when the amount is beyond what can be counted: such a price is a mistake, and nobody shall talk for nothing because of it.
func ChargeOf(c models.CDR, l Leg, p models.PricePlan, found bool) (models.Charge, error) {
	ch := models.Charge{
		SessionID: c.SessionID, Leg: l.Number, CDRID: c.ID, TenantID: c.TenantID, AppID: c.AppID, Mode: c.Mode, EndAt: c.EndAt, Seconds: l.Seconds,
	}
	if !found {
		ch.Why = fmt.Sprintf("no price plan held when leg %d was answered: free", l.Number)
		return ch, nil
	}
	ch.PlanID = p.ID
	price, ok := p.Calls[c.Mode]
	if !ok {
		ch.Why = fmt.Sprintf("plan %s has no price for calls of mode %s: free", p.Name, c.Mode)
		return ch, nil
	}
	ch.Units, ch.Amount, ch.Why = price.Of(l.Seconds)
	if ch.Amount == 0 && ch.Units > 0 && price.Minute > 0 {
		return ch, fmt.Errorf("rate leg %d of call %s by plan %d: %s", l.Number, c.SessionID, p.ID, ch.Why)
	}
	if ch.Amount > 0 {
		ch.Minutes = price.Minutes(ch.Units)
	}
	ch.Why = fmt.Sprintf("plan %s: %s", p.Name, ch.Why)
	return ch, nil
}

// Rater says what calls cost. It is safe for concurrent use.
type Rater struct{ plans *plans }

// NewRater makes a Rater. What it reads of a tenant's plans holds for plansFor: so a plan that is to begin sooner than that after it was made may
// miss calls that are answered in between.
func NewRater(s PlanStore) *Rater { return &Rater{plans: newPlans(s)} }

// Rate gives a call's charges, one for each billed leg, none for a call in which nobody answered. When the plans cannot be read there are none, and
// an error: CatchUp makes them later.
func (r *Rater) Rate(ctx context.Context, c models.CDR) ([]models.Charge, error) {
	ctx, cancel := context.WithTimeout(ctx, readIn)
	defer cancel()
	var charges []models.Charge
	for _, l := range BilledLegs(c) {
		p, found, err := r.plans.at(ctx, c.TenantID, l.AnsweredAt)
		if err != nil {
			return nil, fmt.Errorf("rate call %s: %w", c.SessionID, err)
		}
		ch, err := ChargeOf(c, l, p, found)
		if err != nil {
			return nil, err
		}
		charges = append(charges, ch)
	}
	return charges, nil
}
