package billing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"maskline/models"
)

// explainTime is how times are shown to people: those of the CDR to the second that it prints, in UTC.
const explainTime = "2006-01-02 15:04:05 UTC"

// Explain says in words how the charges of a call came about, and whether the plans, as they stand now, would give the same. Of plans those that
// held when the call's legs were answered are needed; others do no harm. It names no person's number.
func Explain(c models.CDR, charges []models.Charge, plans ...models.PricePlan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "call %s, mode %s, tenant %d, app %d, record %s\n", c.SessionID, c.Mode, c.TenantID, c.AppID, c.ICID)
	legs := BilledLegs(c)
	if len(legs) == 0 {
		b.WriteString("free: " + whyFree(c) + "\n")
	}
	for _, l := range legs {
		fmt.Fprintf(&b, "leg %d: answered %s, ended %s: %d s\n", l.Number, l.AnsweredAt.UTC().Format(explainTime), c.EndAt.UTC().Format(explainTime), l.Seconds)
		i := slices.IndexFunc(charges, func(ch models.Charge) bool { return ch.Leg == l.Number })
		if i < 0 {
			b.WriteString("  not rated yet: its price plan could not be read when the call ended. The job `rate` makes up for it\n")
			continue
		}
		explainCharge(&b, c, l, charges[i], plans)
	}
	for _, ch := range charges {
		if !slices.ContainsFunc(legs, func(l Leg) bool { return l.Number == ch.Leg }) {
			fmt.Fprintf(&b, "leg %d was charged %s, and the record says that nobody pays for it: ask who changed the record\n", ch.Leg, ch.Amount)
		}
	}
	return b.String()
}

func whyFree(c models.CDR) string {
	switch {
	case c.TenantID == 0:
		return "the number that was dialled belongs to no tenant"
	case c.Mode == models.ModeClick, c.Mode == models.ModeNotify, c.Mode == models.ModeVerify:
		return "nobody answered"
	case slices.Contains(models.MaskedModes, c.Mode):
		return "leg 2 was not answered"
	}
	return fmt.Sprintf("calls of mode %q are not billed", c.Mode)
}

func explainCharge(b *strings.Builder, c models.CDR, l Leg, ch models.Charge, plans []models.PricePlan) {
	fmt.Fprintf(b, "  %s\n  charge %s", ch.Why, ch.Amount)
	if ch.Minutes > 0 {
		fmt.Fprintf(b, ", or %d minutes of a package", ch.Minutes)
	}
	b.WriteString("\n  " + settlement(ch) + "\n")
	p, found := planAmong(plans, ch.TenantID, l.AnsweredAt)
	if !found && ch.PlanID != 0 {
		return // the plan was not given, or is no more; nothing to compare with
	}
	again, err := ChargeOf(c, l, p, found)
	switch {
	case err != nil:
		fmt.Fprintf(b, "  computed again: %v\n", err)
	case again.Amount != ch.Amount || again.Seconds != ch.Seconds || again.PlanID != ch.PlanID:
		fmt.Fprintf(b, "  computed again, from the record and the plans of now, it is %s for %d s: %s\n", again.Amount, again.Seconds, again.Why)
	default:
		b.WriteString("  computed again: the same\n")
	}
}

// settlement says what has become of a charge.
func settlement(ch models.Charge) string {
	hour := ch.EndAt.UTC().Truncate(time.Hour).Format("2006-01-02 15:04 UTC")
	switch {
	case ch.SettledAt.IsZero():
		return "to be settled with the hour of " + hour
	case ch.PackageMinutes > 0 && ch.EntryID == 0:
		return fmt.Sprintf("settled %s with the hour of %s: %d minutes of packages paid it", ch.SettledAt.UTC().Format(explainTime), hour, ch.PackageMinutes)
	case ch.PackageMinutes > 0:
		return fmt.Sprintf("settled %s with the hour of %s: packages paid %d of %d minutes, the rest stands in entry %d",
			ch.SettledAt.UTC().Format(explainTime), hour, ch.PackageMinutes, ch.Minutes, ch.EntryID)
	case ch.EntryID == 0:
		return fmt.Sprintf("settled %s with the hour of %s: nothing to pay", ch.SettledAt.UTC().Format(explainTime), hour)
	}
	return fmt.Sprintf("settled %s with the hour of %s, in entry %d", ch.SettledAt.UTC().Format(explainTime), hour, ch.EntryID)
}

// planAmong gives the tenant's plan that holds at t, else the platform's.
func planAmong(plans []models.PricePlan, tenantID int64, t time.Time) (models.PricePlan, bool) {
	for _, owner := range []int64{tenantID, 0} {
		holds := func(p models.PricePlan) bool { return p.TenantID == owner && p.Holds(t) }
		if i := slices.IndexFunc(plans, holds); i >= 0 {
			return plans[i], true
		}
	}
	return models.PricePlan{}, false
}
