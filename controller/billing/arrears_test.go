package billing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// numbersOf gives a tenant numbers in every state.
func (l *lab) numbersOf(app models.App) {
	l.Helper()
	for i, st := range []models.NumberState{models.NumberNormal, models.NumberNormal, models.NumberSuspended, models.NumberUnavailable, models.NumberBindFrozen} {
		n := fmt.Sprintf("+8617000000%d0%d", app.ID, i)
		l.number(app, n, l.clock())
		if st != models.NumberNormal {
			cause := 0
			if st == models.NumberUnavailable {
				cause = 3
			}
			_, _, err := l.SetNumberState(l.ctx, n, st, cause, nil)
			l.must(err)
		}
	}
}

// states are the states of the numbers of numbersOf.
func (l *lab) states(app models.App) string {
	var out []string
	for i := range 5 {
		out = append(out, fmt.Sprint(l.state(fmt.Sprintf("+8617000000%d0%d", app.ID, i))))
	}
	return strings.Join(out, " ")
}

func (l *lab) look(a *Arrears) int {
	l.Helper()
	n, err := a.Run(l.ctx, l.clock())
	l.must(err)
	return n
}

func TestArrearsSuspendAndARechargeRestoresExactlyThat(t *testing.T) {
	bothEngines(t, arrearsSuspendAndARechargeRestoresExactlyThatOn)
}

func arrearsSuspendAndARechargeRestoresExactlyThatOn(t *testing.T, e engine) {
	l := newLabOn(t, e, at("12:00:00"), "")
	l.plan(at("00:00:00"), 100, nil)
	other, otherApp := l.add("second", "")
	l.numbersOf(l.app)
	l.numbersOf(otherApp)
	l.pay(l.tenant.ID, 100)
	a := l.arrears()
	guard := NewGuard(l.Store, false)
	a.o.Moved = guard.Forget
	const before = "5 5 9 10 11"

	if n := l.look(a); n != 0 || l.states(l.app) != before {
		t.Fatalf("with money: %d changed, numbers %s", n, l.states(l.app))
	}
	solvent, err := guard.Solvent(l.ctx, l.tenant.ID)
	if err != nil || !solvent {
		t.Fatalf("with money: %v, %v", solvent, err)
	}
	l.pay(l.tenant.ID, -100)
	if n := l.look(a); n != 0 {
		t.Errorf("with nothing, and no debt: %d changed", n)
	}
	l.pay(l.tenant.ID, -1)
	if n := l.look(a); n != 1 || l.states(l.app) != "9 9 9 10 11" || l.states(otherApp) != before {
		t.Errorf("in arrears: %d changed, numbers %s, the other's %s", n, l.states(l.app), l.states(otherApp))
	}
	if solvent, err = guard.Solvent(l.ctx, l.tenant.ID); err != nil || solvent {
		t.Errorf("in arrears: %v, %v", solvent, err)
	}
	id := l.tenant.ID
	l.hears("in arrears", fmt.Sprint(id, " service: The service was suspended"), fmt.Sprint(id, " number: 2 numbers were suspended"),
		fmt.Sprint(id, " balance: The balance is gone"))
	if len(l.pushed) != 1 || strings.Count(l.pushed[0], `"status":"9"`) != 2 {
		t.Errorf("pushed %q", l.pushed)
	}
	if n := l.look(a); n != 0 {
		t.Errorf("a second look: %d changed", n)
	}
	l.hears("a second look")

	// The operator's word about one of them holds, whatever is paid.
	_, _, err = l.SetNumberState(l.ctx, fmt.Sprintf("+8617000000%d01", l.app.ID), models.NumberUnavailable, 1, nil)
	l.must(err)
	l.must(l.SetTenantState(l.ctx, l.tenant.ID, models.StateSuspended))
	l.pushed = nil
	l.pay(l.tenant.ID, 1)
	l.must(a.After(l.ctx, l.tenant.ID))
	if l.states(l.app) != "5 10 9 10 11" {
		t.Errorf("after the recharge: numbers %s", l.states(l.app))
	}
	if len(l.pushed) != 1 || strings.Count(l.pushed[0], `"status":"5"`) != 1 {
		t.Errorf("after the recharge: pushed %q", l.pushed)
	}
	tenant, err := l.Tenant(l.ctx, l.tenant.ID)
	if err != nil || tenant.Arrears || tenant.State != models.StateSuspended {
		t.Errorf("after the recharge: %+v, %v", tenant, err)
	}
	if solvent, err = guard.Solvent(l.ctx, l.tenant.ID); err != nil || !solvent {
		t.Errorf("after the recharge calls wait: %v, %v", solvent, err)
	}
	l.hears("after the recharge", fmt.Sprint(id, " service: The service was restored"), fmt.Sprint(id, " number: 1 numbers were restored"))
	if checked, broken, err := l.VerifyAudit(l.ctx); err != nil || checked != 2 || broken != 0 {
		t.Errorf("audit: %d lines, broken %d, %v", checked, broken, err)
	}
	if l.balance(other.ID) != 0 {
		t.Error("the other has moved")
	}
}

func TestCreditIsNoArrears(t *testing.T) {
	l := newLab(t, at("12:00:00"), "")
	l.plan(at("00:00:00"), 100, nil)
	l.must(l.SetTenantCredit(l.ctx, l.tenant.ID, 500))
	l.numbersOf(l.app)
	a := l.arrears()
	l.pay(l.tenant.ID, -500)
	l.look(a)
	if l.states(l.app) != "5 5 9 10 11" {
		t.Errorf("at the end of the credit: %s", l.states(l.app))
	}
	l.pay(l.tenant.ID, -1)
	l.must(a.After(l.ctx, l.tenant.ID))
	if l.states(l.app) != "9 9 9 10 11" {
		t.Errorf("beyond the credit: %s", l.states(l.app))
	}
	// More credit lifts it as a recharge does.
	l.must(l.SetTenantCredit(l.ctx, l.tenant.ID, 501))
	l.must(a.After(l.ctx, l.tenant.ID))
	if l.states(l.app) != "5 5 9 10 11" {
		t.Errorf("with more credit: %s", l.states(l.app))
	}
}

func TestWarnings(t *testing.T) { bothEngines(t, warningsOn) }

func warningsOn(t *testing.T, e engine) {
	l := newLabOn(t, e, at("12:00:00"), "")
	l.plan(at("00:00:00"), 100, nil)
	a := l.arrears(100*models.Unit, 20*models.Unit)
	id := l.tenant.ID
	low, lower := fmt.Sprint(id, " balance: The balance is below 100.0000"), fmt.Sprint(id, " balance: The balance is below 20.0000")
	for _, step := range []struct {
		name string
		pay  models.Amount // in units
		at   string
		want []string
	}{
		{"well above", 200, "2026-11-20 12:00", nil},
		{"at a level", -100, "2026-11-20 13:00", nil},
		{"below it", -1, "2026-11-20 13:01", []string{low}},
		{"still", -9, "2026-11-20 14:00", nil},
		{"below the next", -75, "2026-11-20 15:00", []string{lower}},
		{"above that, below the first", 10, "2026-11-20 16:00", nil},
		{"below the next again", -10, "2026-11-20 17:00", []string{lower}},
		{"above all", 200, "2026-11-20 18:00", nil},
		{"below both at once: the worse is told", -205, "2026-11-20 19:00", []string{lower}},
		{"the same month, in Beijing", 0, "2026-11-30 23:59", nil},
		{"the next month: once more", 0, "2026-12-01 00:00", []string{lower}},
		{"and no more", 0, "2026-12-31 23:59", nil},
	} {
		l.set(in("", step.at))
		if step.pay != 0 {
			l.pay(id, step.pay*models.Unit)
		}
		l.look(a)
		l.hears(step.name, step.want...)
		l.look(l.arrears(100*models.Unit, 20*models.Unit)) // another daemon
		l.hears(step.name + ", by another daemon")
	}
}

func TestWhoHasNothingToPayIsNotWarned(t *testing.T) {
	l := newLab(t, at("12:00:00"), "")
	l.look(l.arrears(100 * models.Unit))
	l.hears("without a plan")
	l.plan(at("00:00:00"), 100, nil)
	l.look(l.arrears(100 * models.Unit))
	l.hears("with one", fmt.Sprint(l.tenant.ID, " balance: The balance is below 100.0000"))
}

// moving is a store in which something happens while arrears are written.
type moving struct {
	*store.Store
	during func()
	after  func()
}

func (m *moving) Within(ctx context.Context, do func(context.Context) error) error {
	if f := m.during; f != nil {
		m.during = nil
		f()
	}
	err := m.Store.Within(ctx, do)
	if f := m.after; f != nil {
		m.after = nil
		f()
	}
	return err
}

// Whoever recharges between the look at a balance and the suspension has seen a tenant in good standing, and does nothing: the suspension itself must
// notice.
func TestARechargeDuringTheSuspension(t *testing.T) {
	for _, name := range []string{"before it is written", "after"} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, at("12:00:00"), "")
			l.plan(at("00:00:00"), 100, nil)
			l.numbersOf(l.app)
			l.pay(l.tenant.ID, -10)
			m := &moving{Store: l.Store}
			recharge := func() { l.pay(l.tenant.ID, 100) }
			if name == "after" {
				m.after = recharge
			} else {
				m.during = recharge
			}
			a := NewArrears(ArrearsOptions{Store: m})
			if _, err := a.Run(l.ctx, l.clock()); err != nil {
				t.Fatal(err)
			}
			tenant, err := l.Tenant(l.ctx, l.tenant.ID)
			if err != nil || tenant.Arrears || l.states(l.app) != "5 5 9 10 11" {
				t.Errorf("arrears %v, numbers %s, error %v", tenant.Arrears, l.states(l.app), err)
			}
		})
	}
}

// Nothing of a suspension stays when its pushes or its audit line cannot be written.
func TestASuspensionIsWholeOrNothing(t *testing.T) { bothEngines(t, aSuspensionIsWholeOrNothingOn) }

func aSuspensionIsWholeOrNothingOn(t *testing.T, e engine) {
	l := newLabOn(t, e, at("12:00:00"), "")
	l.plan(at("00:00:00"), 100, nil)
	l.numbersOf(l.app)
	l.pay(l.tenant.ID, -10)
	a := NewArrears(ArrearsOptions{Store: deaf{l.Store}, Tell: l.tell, Offer: func([]models.Delivery) { t.Error("pushes were offered") }})
	if _, err := a.Run(l.ctx, l.clock()); err == nil || !strings.Contains(err.Error(), "no audit") {
		t.Errorf("error %v", err)
	}
	tenant, err := l.Tenant(l.ctx, l.tenant.ID)
	if err != nil || tenant.Arrears || l.states(l.app) != "5 5 9 10 11" {
		t.Errorf("arrears %v, numbers %s, error %v", tenant.Arrears, l.states(l.app), err)
	}
	if list, _, err := l.Deliveries(l.ctx, store.DeliveryFilter{}, models.Page{}); err != nil || len(list) != 0 {
		t.Errorf("%d pushes are written, error %v", len(list), err)
	}
	l.hears("after the failure")
}

// deaf is a store that takes no audit lines.
type deaf struct{ *store.Store }

func (deaf) Audited(context.Context, models.Audit) error { return errors.New("no audit") }

func TestManyLookAtOnce(t *testing.T) { bothEngines(t, manyLookAtOnceOn) }

func manyLookAtOnceOn(t *testing.T, e engine) {
	l := newLabOn(t, e, at("12:00:00"), "")
	l.plan(at("00:00:00"), 100, nil)
	l.numbersOf(l.app)
	l.pay(l.tenant.ID, -10)
	var group sync.WaitGroup
	var mu sync.Mutex
	var told, pushes int
	for range 4 {
		a := NewArrears(ArrearsOptions{Store: l.Store, Tell: func(n News) bool {
			mu.Lock()
			defer mu.Unlock()
			told++
			return true
		}, Offer: func(list []models.Delivery) {
			mu.Lock()
			defer mu.Unlock()
			pushes += len(list)
		}})
		group.Go(func() {
			if _, err := a.Run(l.ctx, l.clock()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if checked, _, err := l.VerifyAudit(l.ctx); err != nil || checked != 1 {
		t.Errorf("%d audit lines, error %v", checked, err)
	}
	if told != 3 || pushes != 1 || // the service, the numbers, the balance: once each
		l.states(l.app) != "9 9 9 10 11" {
		t.Errorf("told %d times, %d pushes, numbers %s", told, pushes, l.states(l.app))
	}
}

func TestALongListOfTenants(t *testing.T) { bothEngines(t, aLongListOfTenantsOn) }

func aLongListOfTenantsOn(t *testing.T, e engine) {
	l := newLabOn(t, e, at("12:00:00"), "")
	l.plan(at("00:00:00"), 100, nil)
	var last int64
	for i := range tenantsAtOnce + 3 {
		tenant := models.Tenant{Name: fmt.Sprint("t", i), SpID: fmt.Sprint("t", i)}
		l.must(l.CreateTenant(l.ctx, &tenant))
		last = tenant.ID
	}
	l.pay(last, -1)
	if n := l.look(l.arrears()); n != 1 {
		t.Errorf("%d changed", n)
	}
	l.set(l.clock().Add(time.Minute))
	if tenant, err := l.Tenant(l.ctx, last); err != nil || !tenant.Arrears {
		t.Errorf("%+v, %v", tenant, err)
	}
}

// partly is a store that fails for one tenant.
type partly struct {
	*store.Store
	broken int64
}

func (p partly) HeldTenant(ctx context.Context, id int64) (models.Tenant, error) {
	if id == p.broken {
		return models.Tenant{}, errors.New("broken")
	}
	return p.Store.HeldTenant(ctx, id)
}

func (p partly) RentDue(ctx context.Context, id int64, month, after string, n int) ([]models.Number, error) {
	if id == p.broken {
		return nil, errors.New("broken")
	}
	return p.Store.RentDue(ctx, id, month, after, n)
}

func TestOneTenantsFailureLeavesTheOthersTheirs(t *testing.T) {
	l := newLab(t, at("12:00:00"), "")
	l.plan(at("00:00:00"), 100, map[string]models.Amount{"private": 100})
	other, app := l.add("second", "")
	l.number(l.app, "+8617000000001", l.clock())
	l.number(app, "+8617000000002", l.clock())
	p := partly{l.Store, l.tenant.ID}
	if n, err := NewRent(p, nil).Run(l.ctx, l.clock()); n != 1 || err == nil || l.balance(other.ID) != -100 || l.balance(l.tenant.ID) != 0 {
		t.Errorf("%d rents, error %v", n, err)
	}
	l.pay(l.tenant.ID, -100)
	if n, err := NewArrears(ArrearsOptions{Store: p}).Run(l.ctx, l.clock()); n != 1 || err == nil || l.state("+8617000000002") != models.NumberSuspended {
		t.Errorf("%d changed, error %v", n, err)
	}
}
