package billing

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// gone is the name of the warning that a tenant is in arrears; that he is below a level is named by below.
const gone = "gone"

func below(level models.Amount) string { return "below:" + level.String() }

// warn tells a tenant's contacts how low his balance is: once for each level until it has been above it again, and once more in each month that it
// stays below. Of several that are news at once, such as after a large settlement, the worst is told. Whom no price plan holds for is not warned:
// he has nothing to pay.
func (a *Arrears) warn(ctx context.Context, b store.TenantBalance, warned map[string]string, now time.Time) (news bool, err error) {
	levels := a.levels(b)
	month := now.In(b.Tenant.Location()).Format("2006-01")
	if told(levels, warned, month) {
		return false, nil
	}
	if _, priced, err := a.plans.at(ctx, b.Tenant.ID, now); err != nil || !priced && !b.Tenant.Arrears && len(levels) > 0 {
		return false, err
	}
	fresh, err := a.o.Store.SetWarnings(ctx, b.Tenant.ID, slices.Collect(maps.Keys(levels)), month)
	if err != nil {
		return false, fmt.Errorf("write warnings of tenant %d: %w", b.Tenant.ID, err)
	}
	if len(fresh) == 0 {
		return false, nil
	}
	if slices.Contains(fresh, gone) {
		a.o.Tell(goneNews(b))
		return true, nil
	}
	level := levels[slices.MinFunc(fresh, func(x, y string) int { return cmp.Compare(levels[x], levels[y]) })]
	a.o.Tell(News{TenantID: b.Tenant.ID, Kind: models.NoticeBalance, Subject: fmt.Sprintf("The balance is below %s", level),
		Text: fmt.Sprintf("The balance of %s is %s, which is below %s. When it is gone, numbers are suspended and calls are refused: recharge it before.",
			b.Tenant.Name, b.Balance, level)})
	return true, nil
}

// told says that what was warned of in a month is what holds, and nothing else is remembered.
func told(levels map[string]models.Amount, warned map[string]string, month string) bool {
	for what := range levels {
		if warned[what] != month {
			return false
		}
	}
	return len(levels) == len(warned)
}

// levels are the warnings that hold for a balance.
func (a *Arrears) levels(b store.TenantBalance) map[string]models.Amount {
	out := map[string]models.Amount{}
	for _, level := range a.o.Warn {
		if b.Balance < level {
			out[below(level)] = level
		}
	}
	if owing(b) {
		out[gone] = -b.Tenant.Credit
	}
	return out
}

func goneNews(b store.TenantBalance) News {
	return News{TenantID: b.Tenant.ID, Kind: models.NoticeBalance, Subject: "The balance is gone",
		Text: fmt.Sprintf("The balance of %s is %s, and the credit is %s. Calls and bindings are refused, and the numbers are suspended, until it is recharged.",
			b.Tenant.Name, b.Balance, b.Tenant.Credit)}
}

// tellChange tells those who want to know of the service, or of numbers, that they were suspended or restored.
func (a *Arrears) tellChange(b store.TenantBalance, on bool, numbers int) {
	what, why := "restored", "The balance was recharged."
	if on {
		what, why = "suspended", "The balance is gone."
	}
	a.o.Tell(News{TenantID: b.Tenant.ID, Kind: models.NoticeService, Subject: "The service was " + what,
		Text: fmt.Sprintf("%s The service of %s was %s.", why, b.Tenant.Name, what)})
	if numbers > 0 {
		a.o.Tell(News{TenantID: b.Tenant.ID, Kind: models.NoticeNumber, Subject: fmt.Sprintf("%d numbers were %s", numbers, what),
			Text: fmt.Sprintf("%s %d numbers of %s were %s.", why, numbers, b.Tenant.Name, what)})
	}
}
