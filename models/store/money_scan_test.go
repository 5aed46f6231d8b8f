package store

import (
	"context"
	"testing"
	"time"

	"maskline/models"
)

// TestMoneyScansNothing asks for the plan of every statement about money, as TestNothingScans does. Verifying reads everything, by index.
func TestMoneyScansNothing(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	var log statementLog
	log.watch(t, h.read)
	log.watch(t, h.write)
	h.askMoney(t)
	if len(log.list) < 120 {
		t.Errorf("only %d statements were seen", len(log.list))
	}
	log.explain(t, h.write)
}

func (h *house) askMoney(t *testing.T) {
	t.Helper()
	ctx, now, page := context.Background(), h.clock.Now(), models.Page{Limit: 1}
	hour := now.Truncate(time.Hour)
	fine := func(_ int, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		e := h.recharge("r", 9)
		_, err := h.Post(ctx, &e)
		fine(0, err)
		must[models.Entry](t)(h.Entry(ctx, e.ID))
		p := models.Package{TenantID: h.tenant.ID, Name: "p", Minutes: 2, Price: 1, From: hour, Until: hour.Add(time.Hour)}
		_, err = h.BuyPackage(ctx, &p, &models.Entry{Key: "p"})
		fine(0, err)
		must[models.Package](t)(h.Package(ctx, p.ID))
	}
	plan := models.PricePlan{TenantID: h.tenant.ID, Name: "p", From: now}
	fine(0, h.AddPlan(ctx, &plan))
	fine(0, h.EndPlan(ctx, plan.ID, now.Add(time.Hour)))
	_, _, err := h.PlanAt(ctx, h.tenant.ID, now)
	fine(0, err)
	ch := h.answered("s1")
	h.record(t, ch)
	must[[]models.CDR](t)(h.UnratedCDRs(ctx, 0, now.Add(time.Second), 9))
	h.add(t, h.charge("s1", now, 1, 7), h.charge("s2", now, 1, 7), h.charge("s3", now, 2, 7), h.charge("s1", now, 1, 7))
	fine(0, h.MarkRated(ctx, []string{"s1"}))
	if owed, minutes, err := h.Owed(ctx, h.tenant.ID); err != nil || owed != 21 || minutes == 0 {
		t.Errorf("owes %s, %d minutes, %v", owed, minutes, err)
	}
	must[[]Settled](t)(settleAll(ctx, h.Store, 2, hour.Add(2*time.Hour)))
	must[[]models.Number](t)(h.RentDue(ctx, h.tenant.ID, "2026-11", "", 9))
	for _, on := range []bool{true, false} {
		must[[]models.Number](t)(h.SetArrears(ctx, h.tenant.ID, on))
	}
	must[[]TenantBalance](t)(h.TenantBalances(ctx, 0, 9))
	fine(0, h.SetTenantCredit(ctx, h.tenant.ID, 1))
	fine(0, h.SetTenantZone(ctx, h.tenant.ID, "UTC"))
	mine := models.TenantAccount(h.tenant.ID)
	for _, f := range []EntryFilter{{}, {TenantID: 1}, {Kind: models.EntryRent}, {TenantID: 1, Kind: models.EntryRent}, {Since: now, Until: now}, {TenantID: 1, Since: now},
		{Account: mine}, {Account: mine, Since: now, Kind: models.EntryRent}} {
		_, n, err := h.Entries(ctx, f, page)
		fine(n, err)
	}
	for _, f := range []PlanFilter{{}, {TenantID: 1}, {Platform: true}} {
		_, n, err := h.Plans(ctx, f, page)
		fine(n, err)
	}
	for _, f := range []PackageFilter{{}, {TenantID: 1}, {Open: true, TenantID: 1}, {TenantID: 1, At: now}} {
		_, n, err := h.Packages(ctx, f, page)
		fine(n, err)
	}
	for _, f := range []ChargeFilter{{}, {TenantID: 1}, {AppID: 1}, {SessionID: "s1"}, {Since: now}, {TenantID: 1, Since: now, Until: now}, {AppID: 1, Since: now}, {Unsettled: true},
		{Unsettled: true, TenantID: 1}, {Unsettled: true, AppID: 1}, {Unsettled: true, TenantID: 1, Since: now}} {
		_, n, err := h.Charges(ctx, f, page)
		fine(n, err)
	}
	h.verified(t)
}
