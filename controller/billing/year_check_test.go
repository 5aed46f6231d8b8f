package billing_test

import (
	"maps"
	"testing"
	"time"
)

// TestAuditor checks the auditor against an invoice that was made by hand: what judges others is judged first.
func TestAuditor(t *testing.T) {
	zone := time.FixedZone("CST", 8*60*60)
	day := func(month time.Month, d, h, m, s int) int64 {
		return time.Date(2026, month, d, h, m, s, 0, time.UTC).UnixMicro()
	}
	a := newAuditor()
	a.open(7, zone)
	a.tariffs = []tariff{
		{from: day(1, 1, 0, 0, 0), calls: map[string]callTariff{"axb": {minute: 1001}, "click2call": {minute: 600, unit: 6, minimum: 10}, "callnotify": {minute: 999, free: 5, unit: 1}},
			rent: map[string]int64{"private": 50_000, "private:010": 150_000}},
		{tenant: 7, from: day(3, 2, 0, 0, 0), until: day(3, 3, 0, 0, 0), calls: map[string]callTariff{"axb": {minute: 2000}}},
	}
	b := a.books[7]
	b.move("recharge", 1_000_000)
	b.buy(day(2, 20, 9, 59, 59), 3, 10_000, day(3, 1, 0, 0, 0), nil)
	talk := func(mode string, out, answered, ended int64) {
		a.call(cdrRow{tenant: 7, mode: mode, outAnswered: out, answered: answered, ended: ended})
	}
	talk("axb", 0, day(2, 20, 10, 0, 0), day(2, 20, 10, 1, 1))                      // 61 s: 2 minutes of the package
	talk("axb", 0, day(2, 20, 10, 2, 0)+999_999, day(2, 20, 10, 5, 0))              // 180 printed seconds: 3 minutes, 1 of the package, 2/3 of 3003
	talk("axb", 0, 0, day(2, 20, 10, 6, 0))                                         // nobody answered
	talk("axb", 0, day(3, 2, 0, 0, 0)-1, day(3, 2, 0, 0, 0))                        // before the tenant's own prices; 1 printed second: 1001
	talk("axb", 0, day(3, 2, 0, 0, 0), day(3, 2, 0, 0, 0)+1)                        // 0 s are a minute: 2000
	talk("click2call", day(3, 2, 8, 0, 0), day(3, 2, 8, 0, 5), day(3, 2, 8, 0, 12)) // that day it has no price
	talk("click2call", day(3, 4, 8, 0, 0), day(3, 4, 8, 0, 5), day(3, 4, 8, 0, 12)) // 12 s: 2 units, 120; 7 s count as 10: 120
	talk("callnotify", day(3, 4, 9, 0, 0), 0, day(3, 4, 9, 0, 5))                   // free
	talk("callnotify", day(3, 4, 9, 0, 0), 0, day(3, 4, 9, 0, 6))                   // 6 × 999 / 60 = 99.9: 100
	b.numbers = []*rented{                                                          // rent:
		{kind: "private", area: "0755", from: day(1, 31, 15, 0, 0), paid: map[string]bool{}},                             // January 31, 23:00: January, February, March, April
		{kind: "private", area: "010", from: day(1, 31, 16, 5, 0), until: day(3, 31, 16, 0, 0), paid: map[string]bool{}}, // February 1, 00:05, before the job: February once, and March
		{kind: "display", area: "010", from: day(2, 10, 0, 0, 0), paid: map[string]bool{}},                               // has no price
	}
	a.settle(day(2, 20, 10, 59, 59))
	if b.by["settlement"] != 0 {
		t.Error("an hour that goes on was settled")
	}
	for range 2 {
		a.settle(day(2, 20, 11, 0, 0))
		a.rent(day(3, 31, 16, 9, 59))
		a.rent(day(3, 31, 16, 10, 0))
	}
	talk("axb", 0, day(2, 20, 10, 30, 0), day(2, 20, 10, 30, 1)) // came late
	a.settle(day(3, 5, 0, 0, 0))
	want := map[string]int64{"recharge": 1_000_000, "package": -10_000, "settlement": -(2002 + 1001 + 2000 + 240 + 100), "correction": -1001,
		"rent": -(4*50_000 + 2*150_000)}
	if !maps.Equal(b.by, want) {
		t.Errorf("the auditor has %v, the invoice says %v", b.by, want)
	}
	if b.legs != 11 || b.covered != 3 || b.bundles[0].left != 0 {
		t.Errorf("%d legs, %d minutes of packages, %d left", b.legs, b.covered, b.bundles[0].left)
	}
}
