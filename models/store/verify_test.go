package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

// TestVerifyLedgerFinds spoils one thing at a time.
func TestVerifyLedgerFinds(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		h := newHouse(t, cfg)
		hour := h.clock.Now().Truncate(time.Hour)
		now := hour.Add(time.Hour)
		h.post(t, h.recharge("r", models.Unit))
		h.buy(t, "p", 5, now)
		for i := range 4 {
			h.add(t, h.charge(fmt.Sprint("s", i), hour.Add(time.Duration(i)*time.Minute), 2, 101))
		}
		must[[]Settled](t)(settleAll(context.Background(), h.Store, 3, now)) // 2, 2, 1 and 0 minutes of the package
		h.add(t, h.charge("open", hour, 1, 50))
		h.verified(t)
		for _, c := range []struct{ spoil, heal, names string }{
			{"UPDATE balances SET amount = amount + 1 WHERE account = 'platform:cash'", "UPDATE balances SET amount = amount - 1 WHERE account = 'platform:cash'", "balance of platform:cash"},
			{"UPDATE balances SET account = 'x' WHERE account = 'platform:cash'", "UPDATE balances SET account = 'platform:cash' WHERE account = 'x'", "no balance"},
			{"UPDATE postings SET amount = amount + 1 WHERE account = 'platform:calls'", "UPDATE postings SET amount = amount - 1 WHERE account = 'platform:calls'", "add up to zero"},
			{"UPDATE postings SET entry_id = entry_id + 100 WHERE entry_id = 1", "UPDATE postings SET entry_id = entry_id - 100 WHERE entry_id = 101", "has 0 postings"},
			{"UPDATE postings SET at = at + 1 WHERE entry_id = 1", "UPDATE postings SET at = at - 1 WHERE entry_id = 1", "another time"},
			{"UPDATE charges SET amount = amount + 1 WHERE session_id = 's3'", "UPDATE charges SET amount = amount - 1 WHERE session_id = 's3'", "is billed"},
			{"UPDATE charges SET amount = amount + 1, billed = billed + 1 WHERE session_id = 's3'", "UPDATE charges SET amount = amount - 1, billed = billed - 1 WHERE session_id = 's3'", "come to"},
			{"UPDATE charges SET package_minutes = 1, billed = 51 WHERE session_id = 's1'", "UPDATE charges SET package_minutes = 2, billed = 0 WHERE session_id = 's1'", "stands in entry 0"},
			{"UPDATE charges SET entry_id = 1 WHERE session_id = 's3'", "UPDATE charges SET entry_id = 4 WHERE session_id = 's3'", "no settlement of it"},
			{"UPDATE charges SET end_at = end_at + 3600000000 WHERE session_id = 's3'", "UPDATE charges SET end_at = end_at - 3600000000 WHERE session_id = 's3'", "no settlement of it"},
			{"UPDATE charges SET settled_at = 0 WHERE session_id = 's3'", "UPDATE charges SET settled_at = 1 WHERE session_id = 's3'", "not settled"},
			{"UPDATE charges SET settled_at = 0, billed = 0, entry_id = 0 WHERE session_id = 's3'", "UPDATE charges SET settled_at = 1, billed = 101, entry_id = 4 WHERE session_id = 's3'", "have no charges"},
			{"UPDATE packages SET minutes_left = 1", "UPDATE packages SET minutes_left = 0", "gave 4 minutes"},
		} {
			mustExec(t, h.pools[0], c.spoil)
			r := must[LedgerReport](t)(h.VerifyLedger(context.Background()))
			if r.OK() || !strings.Contains(strings.Join(r.Problems, "; "), c.names) {
				t.Errorf("%s: found %q", c.spoil, r.Problems)
			}
			mustExec(t, h.pools[0], c.heal)
			if h.verified(t); t.Failed() {
				return
			}
		}
	})
}

// TestVerifyLedgerPages has more of everything than is read at once.
func TestVerifyLedgerPages(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	hour := h.clock.Now().Truncate(time.Hour)
	var entries []models.Entry
	for i := range verifyPage + 300 {
		e := h.recharge(fmt.Sprint("r", i), 2)
		e.Postings[1].Account = models.TenantAccount(int64(i % 450))
		entries = append(entries, e)
	}
	must[int](t)(h.PostRents(context.Background(), entries))
	var list []models.Charge
	for i := range 2*verifyPage + 10 {
		list = append(list, h.charge(fmt.Sprint("s", i), hour.Add(time.Duration(i/verifyPage)*time.Hour), 1, 1))
	}
	h.add(t, list...)
	must[[]Settled](t)(settleAll(context.Background(), h.Store, 700, hour.Add(9*time.Hour)))
	r := h.verified(t)
	if r.Entries != verifyPage+300+3+3+1 || r.Accounts != 450+2 || r.Charges != 2*verifyPage+10 {
		t.Errorf("verified %+v", r)
	}
}
