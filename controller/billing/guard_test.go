package billing

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"maskline/models"
)

// purse is one tenant's money as the database has it.
type purse struct {
	tenant  models.Tenant
	balance models.Amount
	err     error
	hang    bool
	reads   int
	during  func() // while it is read
}

func (p *purse) Tenant(ctx context.Context, _ int64) (models.Tenant, error) {
	p.reads++
	if p.hang {
		<-ctx.Done()
		return models.Tenant{}, ctx.Err()
	}
	return p.tenant, p.err
}

func (p *purse) Balance(context.Context, models.Account) (models.Amount, error) {
	b := p.balance
	if p.during != nil {
		p.during()
	}
	return b, p.err
}

func TestSolvent(t *testing.T) {
	for _, test := range []struct {
		name    string
		balance models.Amount
		tenant  models.Tenant
		want    bool
	}{
		{"money", 1, models.Tenant{}, true},
		{"nothing", 0, models.Tenant{}, true},
		{"less than nothing", -1, models.Tenant{}, false},
		{"as far as the credit goes", -500, models.Tenant{Credit: 500}, true},
		{"further", -501, models.Tenant{Credit: 500}, false},
		{"in arrears, and not restored yet", 100, models.Tenant{Arrears: true}, false},
		{"suspended by the operator is another matter", 100, models.Tenant{State: models.StateSuspended}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			ok, err := NewGuard(&purse{tenant: test.tenant, balance: test.balance}, false).Solvent(context.Background(), 3)
			if ok != test.want || err != nil {
				t.Errorf("%v, %v", ok, err)
			}
		})
	}
}

func TestAnUnreadableBalance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, allow := range []bool{false, true} {
			p := &purse{hang: true}
			g := NewGuard(p, allow)
			began := time.Now()
			if ok, err := g.Solvent(t.Context(), 3); ok != allow || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != readIn {
				t.Errorf("%v, %v after %s", ok, err, time.Since(began))
			}
			p.hang, p.balance = false, -1
			if ok, err := g.Solvent(t.Context(), 3); ok || err != nil {
				t.Errorf("a failure was remembered: %v, %v", ok, err)
			}
		}
	})
}

func TestWhatTheGuardRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &purse{balance: 1}
		g := NewGuard(p, false)
		solvent := func() bool {
			ok, err := g.Solvent(t.Context(), 3)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		solvent()
		p.balance = -1
		time.Sleep(solventFor - time.Millisecond)
		if !solvent() || p.reads != 1 {
			t.Errorf("%d reads within %s", p.reads, solventFor)
		}
		time.Sleep(time.Millisecond)
		if solvent() {
			t.Error("the money is gone and the guard does not look")
		}
		p.balance = 1
		g.Forget(3)
		if !solvent() {
			t.Error("after a recharge calls wait")
		}
		// What is read while somebody recharges is not kept.
		g.Forget(3)
		p.balance, p.during = -1, func() { p.during = nil; p.balance = 1; g.Forget(3) }
		solvent()
		if !solvent() {
			t.Error("what was read before the recharge was kept")
		}
	})
}

func TestTheCacheIsBounded(t *testing.T) {
	g := NewGuard(&purse{balance: 1}, false)
	for id := range int64(tenantsMax + 10) {
		if _, err := g.Solvent(context.Background(), id+1); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(g.cached.values); n > tenantsMax {
		t.Errorf("%d tenants are held", n)
	}
}
