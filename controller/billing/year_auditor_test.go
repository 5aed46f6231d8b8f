package billing_test

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// The auditor recomputes what every tenant owes from what anybody can see: the rows of cdrs, the price lists, what was paid in, which packages and
// numbers were bought, and when settlements ended. It is written from spec/privatenumber.md §8 and spec/voicecall.md §8 and knows nothing of
// the package under test nor of the store. It computes with fractions and rounds where the rules say so.
type auditor struct {
	tariffs []tariff
	books   map[int64]*book
}

// tariff is a price list. Times are microseconds since 1970; until 0 is open.
type tariff struct {
	tenant      int64
	from, until int64
	calls       map[string]callTariff
	rent        map[string]int64 // kind, or kind:city
}

// callTariff is a mode's price: 1/10000 for 60 seconds, and the seconds that are free, that are billed at least, and of a unit (0: 60).
type callTariff struct{ minute, free, minimum, unit int64 }

// cdrRow is a row of cdrs, as it stands in the database.
type cdrRow struct {
	tenant                                 int64
	mode                                   string
	outAnswered, answered, ended, complete int64
}

// book is what the auditor has on one tenant.
type book struct {
	zone    *time.Location
	balance int64
	by      map[string]int64 // what each kind of entry moved
	waiting []leg
	bundles []*bundle
	closed  int64 // the last hour that was settled, by its beginning
	numbers []*rented
	legs    int64
	covered int64 // minutes that packages paid
}

// leg is an answered and billed leg that is not settled.
type leg struct {
	ended   int64
	leg     int
	mode    string
	minutes int64
	cost    int64
}

// bundle is a package that was bought.
type bundle struct {
	order       int
	left        int64
	from, until int64
	modes       []string // empty: all
}

// rented is a number that a tenant has from one time to another.
type rented struct {
	name        string
	kind, area  string
	from, until int64 // until 0: still
	paid        map[string]bool
}

func newAuditor() *auditor { return &auditor{books: map[int64]*book{}} }

func (a *auditor) open(tenant int64, zone *time.Location) {
	a.books[tenant] = &book{zone: zone, by: map[string]int64{}}
}

func (b *book) move(kind string, amount int64) {
	b.balance += amount
	b.by[kind] += amount
}

// tariffAt is the tenant's price list at a time, or the platform's.
func (a *auditor) tariffAt(tenant, at int64) (tariff, bool) {
	for _, whose := range []int64{tenant, 0} {
		for _, t := range a.tariffs {
			if t.tenant == whose && t.from <= at && (t.until == 0 || at < t.until) {
				return t, true
			}
		}
	}
	return tariff{}, false
}

// call takes a CDR to the tenant's waiting legs. Masked calls bill leg 2; click-to-dial bills both; notices and codes have leg 1 only.
func (a *auditor) call(r cdrRow) {
	b := a.books[r.tenant]
	bill := func(n int, answered int64) {
		if answered == 0 {
			return
		}
		b.legs++
		l := leg{ended: r.ended, leg: n, mode: r.mode}
		if list, ok := a.tariffAt(r.tenant, answered); ok {
			if price, ok := list.calls[r.mode]; ok {
				l.cost, l.minutes = price.of(max(0, floor(r.ended, 1e6)-floor(answered, 1e6)))
			}
		}
		b.waiting = append(b.waiting, l)
	}
	switch r.mode {
	case "click2call":
		bill(1, r.outAnswered)
		bill(2, r.answered)
	case "callnotify", "callverify":
		bill(1, r.outAnswered)
	default:
		bill(2, r.answered)
	}
}

// of is what so many printed seconds cost and how many minutes of a package they are.
func (p callTariff) of(seconds int64) (cost, minutes int64) {
	if p.free > 0 && seconds <= p.free {
		return 0, 0
	}
	unit := cmp.Or(p.unit, 60)
	billed := ceil(max(seconds, p.minimum, 1), unit) * unit
	return fractionUp(p.minute, billed, 60), ceil(billed, 60)
}

// settle closes what ended before the hour that runs at a time, oldest hour first.
func (a *auditor) settle(at int64) {
	end := floor(at, hour) * hour
	for _, b := range a.books {
		b.settle(end)
	}
}

const hour = int64(time.Hour / time.Microsecond)

func (b *book) settle(end int64) {
	slices.SortFunc(b.waiting, func(x, y leg) int { return cmp.Or(cmp.Compare(x.ended, y.ended), cmp.Compare(x.leg, y.leg)) })
	n, before := 0, b.closed
	for _, l := range b.waiting {
		if l.ended >= end {
			break
		}
		n++
		h := floor(l.ended, hour) * hour
		b.closed = max(b.closed, h)
		kind := "settlement"
		if h <= before { // what comes when this hour or a later one is settled
			kind = "correction"
		}
		if due := b.pay(l, h); due != 0 {
			b.move(kind, -due)
		}
	}
	b.waiting = slices.Clone(b.waiting[n:])
}

// pay takes the leg's minutes from packages, the one that expires first before the others, and says what is left to be paid with money.
func (b *book) pay(l leg, h int64) (due int64) {
	if l.minutes == 0 || l.cost == 0 {
		return l.cost
	}
	var able []*bundle
	for _, p := range b.bundles {
		if p.left > 0 && p.from <= h && h < p.until && (len(p.modes) == 0 || slices.Contains(p.modes, l.mode)) {
			able = append(able, p)
		}
	}
	slices.SortFunc(able, func(x, y *bundle) int { return cmp.Or(cmp.Compare(x.until, y.until), cmp.Compare(x.order, y.order)) })
	rest := l.minutes
	for _, p := range able {
		take := min(rest, p.left)
		p.left -= take
		rest -= take
		b.covered += take
	}
	return fractionUp(l.cost, rest, l.minutes)
}

// buy takes a package's price and has it pay from the next full hour on.
func (b *book) buy(at, minutes, price, until int64, modes []string) {
	b.move("package", -price)
	b.bundles = append(b.bundles, &bundle{order: len(b.bundles), left: minutes, from: (floor(at, hour) + 1) * hour, until: until, modes: modes})
}

// rent takes what is due until a time: for the month of delivery at the delivery, for every later month on its 1st at 00:10 of the tenant's zone.
func (a *auditor) rent(at int64) {
	for tenant, b := range a.books {
		for _, n := range b.numbers {
			for first := true; ; first = false {
				due, month := n.from, ""
				start := time.UnixMicro(n.from).In(b.zone)
				if first {
					month = start.Format("2006-01")
				} else {
					y, m := start.Year(), start.Month()
					k := time.Month(len(n.paid))
					next := time.Date(y, m+k, 1, 0, 10, 0, 0, b.zone)
					due, month = next.UnixMicro(), next.Format("2006-01")
				}
				if due > at || n.until != 0 && due >= n.until {
					break
				}
				if first && n.paid[month] {
					continue
				}
				n.paid[month] = true
				list, _ := a.tariffAt(tenant, due)
				price, ok := list.rent[n.kind+":"+n.area]
				if !ok {
					price = list.rent[n.kind]
				}
				if price != 0 {
					b.move("rent", -price)
				}
			}
		}
	}
}

// fractionUp is a × n / d, rounded up to the next whole 1/10000.
func fractionUp(a, n, d int64) int64 {
	r := new(big.Rat).Mul(new(big.Rat).SetInt64(a), big.NewRat(n, d))
	q, m := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	if m.Sign() != 0 {
		q.Add(q, big.NewInt(1))
	}
	return q.Int64()
}

func floor(a, b int64) int64 {
	if a < 0 {
		panic(fmt.Sprintf("time %d is before 1970", a))
	}
	return a / b
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }
