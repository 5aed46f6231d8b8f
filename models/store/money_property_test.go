package store

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

// purse is what a tenant's money should be: the simplest thing that could settle. Only its lists are filled while daemons work at once; what they come
// to is worked out when they rest.
type purse struct {
	mu       sync.Mutex
	paid     int64
	calls    []models.Charge
	packages []models.Package
	closed   int64 // the latest hour that was settled, microseconds
	taken    int64 // by settlements
	late     int   // charges that were corrections
}

// settle works out every charge that ended before now and was not settled, hour by hour.
func (p *purse) settle(now time.Time) {
	slices.SortFunc(p.calls, func(a, b models.Charge) int { return cmp.Or(a.EndAt.Compare(b.EndAt), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(p.packages, func(a, b models.Package) int { return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID)) })
	closed := p.closed
	for i := range p.calls {
		c := &p.calls[i]
		hour := c.EndAt.Truncate(time.Hour)
		if !c.SettledAt.IsZero() || hour.Add(time.Hour).After(now) {
			continue
		}
		c.SettledAt = now
		if p.pay(c, hour) > 0 && hour.UnixMicro() <= closed {
			p.late++
		}
		p.closed = max(p.closed, hour.UnixMicro())
	}
}

// pay gives minutes one by one, and bills the rest.
func (p *purse) pay(c *models.Charge, hour time.Time) int64 {
	if c.Minutes == 0 {
		return 0
	}
	for range c.Minutes {
		for k := range p.packages {
			v := &p.packages[k]
			if v.Left == 0 || hour.Before(v.From) || !hour.Before(v.Until) || len(v.Modes) > 0 && !slices.Contains(v.Modes, c.Mode) {
				continue
			}
			v.Left--
			c.PackageMinutes++
			break
		}
	}
	part := new(big.Rat).SetFrac64(int64(c.Amount)*(c.Minutes-c.PackageMinutes), c.Minutes)
	whole := new(big.Int).Div(part.Num(), part.Denom())
	if !part.IsInt() {
		whole.Add(whole, big.NewInt(1))
	}
	c.Billed = models.Amount(whole.Int64())
	p.taken += whole.Int64()
	return whole.Int64()
}

// market is a house with several tenants that two daemons serve.
type market struct {
	*house
	daemons [2]*Store
	purses  map[int64]*purse
}

// TestMoneyFollowsTheModel lets four goroutines on two stores recharge, sell packages and write charges, early and late, then settle what they find in
// chunks of any size, all at once; after each round every charge, package and balance is the model's.
func TestMoneyFollowsTheModel(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		h := newHouse(t, cfg)
		cfg.Clock = h.clock.Now
		m := &market{house: h, daemons: [2]*Store{h.Store, open(t, cfg)}, purses: map[int64]*purse{h.tenant.ID: {}}}
		for i := range 2 {
			v := models.Tenant{Name: fmt.Sprint("tenant ", i), SpID: fmt.Sprint("sp", i)}
			if err := h.CreateTenant(context.Background(), &v); err != nil {
				t.Fatal(err)
			}
			m.purses[v.ID] = &purse{}
		}
		for round := range 6 {
			m.atOnce(func(i int, s *Store) {
				rnd := rand.New(rand.NewPCG(seed, uint64(10*round+i)))
				for step := range 25 {
					m.trade(t, s, rnd, fmt.Sprintf("%d-%d-%d", round, i, step))
				}
			})
			m.learnIDs(t)
			h.clock.advance(2 * time.Hour)
			m.atOnce(func(i int, s *Store) {
				if _, err := settleAll(context.Background(), s, 1+int(seed>>(8*i)&7), h.clock.Now()); err != nil {
					t.Error(err)
				}
			})
			for id, p := range m.purses {
				p.settle(h.clock.Now())
				m.compare(t, id, p)
			}
			h.verified(t)
			if t.Failed() {
				t.Fatalf("after round %d", round)
			}
		}
	})
}

func (m *market) atOnce(do func(i int, s *Store)) {
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { do(i, m.daemons[i%2]) })
	}
	wg.Wait()
}

// trade does one thing, and now and then does it twice.
func (m *market) trade(t *testing.T, s *Store, rnd *rand.Rand, name string) {
	ctx, now := context.Background(), m.clock.Now()
	tenant := m.tenant.ID + rnd.Int64N(3)
	p := m.purses[tenant]
	times := 1 + rnd.IntN(2)
	switch rnd.IntN(10) {
	case 0, 1:
		amount := 1 + rnd.Int64N(5000)
		for i := range times {
			e := models.Entry{Key: "recharge:" + name, Kind: models.EntryRecharge, TenantID: tenant, At: now,
				Postings: models.Transfer(models.AccountCash, models.TenantAccount(tenant), models.Amount(amount))}
			if posted, err := s.Post(ctx, &e); err != nil || posted != (i == 0) {
				t.Errorf("recharge: %v, %v", posted, err)
			}
		}
		p.mu.Lock()
		p.paid += amount
		p.mu.Unlock()
	case 2, 3:
		v := models.Package{TenantID: tenant, Name: name, Minutes: 1 + rnd.Int64N(60), Price: models.Amount(rnd.Int64N(300)), Until: now.Add(time.Duration(2+rnd.IntN(8)) * time.Hour)}
		if rnd.IntN(2) == 0 {
			v.From = now.Add(-time.Hour).Truncate(time.Hour)
		}
		if rnd.IntN(3) == 0 {
			v.Modes = []models.Mode{models.ModeAX}
		}
		for i := range times {
			if bought, err := s.BuyPackage(ctx, &v, &models.Entry{Key: "package:" + name}); err != nil || bought != (i == 0) {
				t.Errorf("buy: %v, %v", bought, err)
			}
		}
		p.mu.Lock()
		p.paid -= int64(v.Price)
		p.packages = append(p.packages, v)
		p.mu.Unlock()
	default:
		c := m.charge(name, now.Add(time.Duration(rnd.IntN(7*60)-5*60)*time.Minute).Truncate(10*time.Minute), 1+rnd.Int64N(9), models.Amount(rnd.Int64N(2000)))
		c.TenantID = tenant
		if c.Amount == 0 {
			c.Minutes = 0
		}
		if rnd.IntN(2) == 0 {
			c.Mode = models.ModeAX
		}
		for range times {
			if err := s.AddCharges(ctx, []models.Charge{c}); err != nil {
				t.Error(err)
			}
		}
		p.mu.Lock()
		p.calls = append(p.calls, c)
		p.mu.Unlock()
	}
}

// learnIDs reads the numbers that the store gave the charges: they are the order among those that ended at once.
func (m *market) learnIDs(t *testing.T) {
	t.Helper()
	for id, p := range m.purses {
		for i, c := range p.calls {
			if c.ID == 0 {
				p.calls[i].ID = m.charges(t, ChargeFilter{TenantID: id, SessionID: c.SessionID})[0].ID
			}
		}
	}
}

func (m *market) compare(t *testing.T, id int64, p *purse) {
	t.Helper()
	m.wantBalance(t, models.TenantAccount(id), models.Amount(p.paid-p.taken))
	for _, c := range p.calls {
		got := m.charges(t, ChargeFilter{SessionID: c.SessionID})
		if len(got) != 1 || got[0].PackageMinutes != c.PackageMinutes || got[0].Billed != c.Billed || got[0].SettledAt.IsZero() != c.SettledAt.IsZero() {
			t.Errorf("charges %+v, want %+v", got, c)
		}
	}
	for _, v := range p.packages {
		if got := m.left(t, v); got != v.Left {
			t.Errorf("package %s has %d minutes left, want %d", v.Name, got, v.Left)
		}
	}
	corrected := 0
	entries, _, err := m.Entries(context.Background(), EntryFilter{TenantID: id, Kind: models.EntryCorrection}, models.Page{Limit: models.PageMax})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[int64]bool{}
	for _, e := range entries {
		ids[e.ID] = true
	}
	for _, c := range p.calls {
		if got := m.charges(t, ChargeFilter{SessionID: c.SessionID}); len(got) == 1 && ids[got[0].EntryID] {
			corrected++
		}
	}
	if corrected != p.late {
		t.Errorf("tenant %d has %d charges in corrections, want %d", id, corrected, p.late)
	}
}
