package billing_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"maskline/models"
	"maskline/models/store"
)

// size says how large a simulated time is.
type size struct {
	tenants, calls int
	from           time.Duration // after the beginning of the bubble's year 2000
	hours          int
	outages        float64 // how often, an hour, every daemon goes down for some hours
	rents          float64 // how often the job of rents runs with the others
}

// world is a platform with tenants who call, pay and run out of money, in the virtual time of a synctest bubble. What happens is told to an
// auditor at once, and kept, so that another can be told later.
type world struct {
	*testing.T
	size
	ctx     context.Context
	rnd     *rand.Rand
	daemons []*daemon // on one database
	base    *database
	live    *auditor
	facts   []fact
	clients []*client
	bursts  [][]burst
	late    []models.CDR // ended, but not written yet
	serial  int
	stats   stats
}

// stats are what the world counts, so that a run shows that it did what it says.
type stats struct{ calls, refused, late, runs, kills, twice, both, arrears, back, recharges, packages, numbers, gone int }

// fact is something that an auditor is told, at its time.
type fact struct {
	at   time.Time
	tell func(*auditor)
}

// client is a tenant and what he does.
type client struct {
	models.Tenant
	apps    []models.App
	numbers []string
	held    map[string]bool // suspended by the operator
	gone    map[string]bool // unsubscribed
	arrears bool
	edge    time.Time
}

// burst is calls that a tenant makes in one hour.
type burst struct{ client, calls int }

var zones = []string{"", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"}

// tell gives a fact to the live auditor and keeps it.
func (w *world) tell(f func(*auditor)) {
	f(w.live)
	w.facts = append(w.facts, fact{time.Now(), f})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("%v: %v", time.Now().UTC(), err)
	}
}

func (w *world) store() *store.Store { return w.daemons[w.rnd.IntN(len(w.daemons))].st }

func (w *world) chance(p float64) bool { return w.rnd.Float64() < p }

func (w *world) key(what string) string {
	w.serial++
	return what + ":" + strconv.Itoa(w.serial)
}

// furnish makes the tenants with their apps, price plans, first numbers and first money.
func (w *world) furnish() {
	for third := range 3 { // the platform's prices change twice
		from := time.Now().Add(time.Duration(third*w.hours/3)*time.Hour + time.Duration(min(third, 1))*17*time.Minute)
		until := time.Now().Add(time.Duration((third+1)*w.hours/3)*time.Hour + 17*time.Minute)
		switch third {
		case 0:
			from = from.Add(-24 * time.Hour)
		case 2:
			until = time.Time{}
		}
		w.plan(0, from, until)
	}
	for i := range w.tenants {
		c := &client{held: map[string]bool{}, gone: map[string]bool{}, Tenant: models.Tenant{Name: fmt.Sprintf("tenant %d", i), SpID: fmt.Sprintf("sp%d", i),
			Zone: zones[i%len(zones)], Credit: models.Amount(w.rnd.IntN(3)) * 20 * models.Unit}}
		w.must(w.store().CreateTenant(w.ctx, &c.Tenant))
		zone := c.Location()
		w.tell(func(a *auditor) { a.open(c.ID, zone) })
		for k, mode := range []models.Mode{models.MaskedModes[i%4], models.ModeVoice} {
			app := models.App{TenantID: c.ID, Key: fmt.Sprintf("key-%d-%d", i, k), Name: "app", Mode: mode}
			w.must(w.store().CreateApp(w.ctx, &app, "secret"))
			c.apps = append(c.apps, app)
		}
		w.clients = append(w.clients, c)
		if i%3 == 0 { // prices of his own, with a gap in which the platform's hold
			at := time.Now().Add(time.Duration(w.rnd.IntN(w.hours/2)) * time.Hour)
			end := at.Add(time.Duration(1+w.rnd.IntN(w.hours/4)) * time.Hour)
			w.plan(c.ID, at, end)
			w.plan(c.ID, end.Add(time.Duration(w.rnd.IntN(2)*100)*time.Hour), time.Time{})
		}
		w.recharge(c, models.Amount(50+w.rnd.IntN(400))*models.Unit)
		for range 1 + w.rnd.IntN(4) {
			w.deliver(c)
		}
	}
	w.bursts = make([][]burst, w.hours)
	for left := w.calls; left > 0; {
		b := burst{client: int(float64(w.tenants) * w.rnd.Float64() * w.rnd.Float64()), calls: 1 + w.rnd.IntN(min(left, 29))}
		h := w.rnd.IntN(w.hours)
		if h%24 < 14 {
			h = h/24*24 + 14 + w.rnd.IntN(10)
		}
		w.bursts[h] = append(w.bursts[h], b)
		left -= b.calls
	}
}

// plan stores a price plan of random prices and tells the auditor.
func (w *world) plan(tenant int64, from, until time.Time) {
	p := models.PricePlan{TenantID: tenant, Name: w.key("plan"), From: from, Until: until, Calls: map[models.Mode]models.CallPrice{},
		Rent: map[string]models.Amount{"private": models.Amount(30_001 + w.rnd.IntN(100_000)), "private:010": models.Amount(w.rnd.IntN(200_000)), "display": models.Amount(w.rnd.IntN(90_000))}}
	t := tariff{tenant: tenant, from: from.UnixMicro(), calls: map[string]callTariff{}, rent: map[string]int64{}}
	if !until.IsZero() {
		t.until = until.UnixMicro()
	}
	for _, mode := range slices.Concat(models.MaskedModes, models.VoiceModes) {
		if w.chance(0.05) {
			continue // a mode without a price
		}
		price := models.CallPrice{Minute: models.Amount(1 + w.rnd.IntN(4000)), Increment: []int{0, 60, 1, 6, 7, 90}[w.rnd.IntN(6)]}
		if w.chance(0.2) {
			price.Free = 1 + w.rnd.IntN(20)
		}
		if w.chance(0.2) {
			price.Minimum = 1 + w.rnd.IntN(150)
		}
		if w.chance(0.03) {
			price.Minute = 0
		}
		p.Calls[mode] = price
		t.calls[string(mode)] = callTariff{minute: int64(price.Minute), free: int64(price.Free), minimum: int64(price.Minimum), unit: int64(price.Increment)}
	}
	for k, v := range p.Rent {
		t.rent[k] = int64(v)
	}
	w.must(w.store().AddPlan(w.ctx, &p))
	w.tell(func(a *auditor) { a.tariffs = append(a.tariffs, t) })
}

// recharge pays money in; sometimes the request is repeated, sometimes it is cut off and made again.
func (w *world) recharge(c *client, amount models.Amount) {
	e := models.Entry{Key: w.key("recharge"), Kind: models.EntryRecharge, TenantID: c.ID, By: "test", Postings: models.Transfer(models.AccountCash, models.TenantAccount(c.ID), amount)}
	w.post(e)
	w.stats.recharges++
	w.tell(func(a *auditor) { a.books[c.ID].move("recharge", int64(amount)) })
	w.settleArrears(c)
}

// post posts an entry once, twice, or until the answer comes.
func (w *world) post(e models.Entry) {
	w.harass(func(ctx context.Context, d *daemon) error {
		mine := e
		_, err := d.st.Post(ctx, &mine)
		return err
	})
}

func (w *world) settleArrears(c *client) {
	if w.daemons[0].arrears == nil {
		return
	}
	w.harass(func(ctx context.Context, d *daemon) error { return d.arrears.After(ctx, c.ID) })
	w.noteArrears(c)
}

func (w *world) noteArrears(c *client) {
	was := c.arrears
	if c.arrears = w.live.books[c.ID].balance < -int64(c.Credit); c.arrears && !was {
		w.stats.arrears++
	} else if was && !c.arrears {
		w.stats.back++
	}
}

// deliver gives a tenant a number, now.
func (w *world) deliver(c *client) {
	w.serial++
	n := models.Number{Number: fmt.Sprintf("+8617%09d", w.serial), AreaCode: []string{"0755", "010"}[w.rnd.IntN(2)], DeliveredAt: time.Now()}
	app := c.apps[w.rnd.IntN(2)]
	n.AppID = app.ID
	w.must(w.store().AddNumbers(w.ctx, []models.Number{n}))
	c.numbers = append(c.numbers, n.Number)
	w.stats.numbers++
	kind := "private"
	if app.Mode == models.ModeVoice {
		kind = "display"
	}
	at := time.Now().UnixMicro()
	w.tell(func(a *auditor) {
		b := a.books[c.ID]
		b.numbers = append(b.numbers, &rented{name: n.Number, kind: kind, area: n.AreaCode, from: at, paid: map[string]bool{}})
	})
}

// unsubscribe gives a number up: by the 25th it ends with the month, later with the next.
func (w *world) unsubscribe(c *client, number string) {
	now := time.Now()
	_, err := w.store().UnsubscribeNumber(w.ctx, number, now)
	w.must(err)
	c.gone[number] = true
	w.stats.gone++
	w.tell(func(a *auditor) {
		b := a.books[c.ID]
		local := now.In(b.zone)
		months := 1
		if local.Day() > 25 {
			months = 2
		}
		for _, n := range b.numbers {
			if n.name == number {
				n.until = time.Date(local.Year(), local.Month()+time.Month(months), 1, 0, 0, 0, 0, b.zone).UnixMicro()
			}
		}
	})
}

// buy buys a package, if there is money for it.
func (w *world) buy(c *client) {
	price := models.Amount(w.rnd.IntN(40)) * models.Unit
	if int64(price) > w.live.books[c.ID].balance {
		return
	}
	now := time.Now()
	p := models.Package{TenantID: c.ID, Name: w.key("package"), Minutes: int64(1 + w.rnd.IntN(400)), Price: price, BoughtAt: now, From: models.NextHour(now),
		Until: models.NextHour(now).Add(time.Duration(1+w.rnd.IntN(60*24*60)) * time.Minute)}
	if w.chance(0.5) {
		all := slices.Concat(models.MaskedModes, models.VoiceModes)
		w.rnd.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		p.Modes = all[:1+w.rnd.IntN(5)]
	}
	e := models.Entry{Key: w.key("package"), By: "test"}
	w.harass(func(ctx context.Context, d *daemon) error {
		mine, entry := p, e
		_, err := d.st.BuyPackage(ctx, &mine, &entry)
		return err
	})
	w.stats.packages++
	modes := make([]string, 0, len(p.Modes))
	for _, m := range p.Modes {
		modes = append(modes, string(m))
	}
	w.tell(func(a *auditor) {
		a.books[c.ID].buy(now.UnixMicro(), p.Minutes, int64(price), p.Until.UnixMicro(), modes)
	})
	w.settleArrears(c)
}

// adjust moves money at the operator's word, in either direction; a refund goes no further than what is there.
func (w *world) adjust(c *client) {
	amount := models.Amount(w.rnd.IntN(60_0000) - 40_0000)
	if amount == 0 {
		return
	}
	kind, account := models.EntryAdjustment, models.AccountAdjustments
	if b := w.live.books[c.ID].balance; amount < 0 && w.chance(0.5) && b > int64(-amount) {
		kind, account = models.EntryRefund, models.AccountCash
	}
	w.post(models.Entry{Key: w.key(string(kind)), Kind: kind, TenantID: c.ID, By: "test", Memo: "because", Postings: models.Transfer(account, models.TenantAccount(c.ID), amount)})
	w.tell(func(a *auditor) { a.books[c.ID].move(string(kind), int64(amount)) })
	w.settleArrears(c)
}

// business is what the tenants and the operator do in an hour.
func (w *world) business() {
	for _, c := range w.clients {
		switch {
		case c.arrears && w.chance(0.08):
			w.recharge(c, models.Amount(1+w.rnd.IntN(200_0000)))
		case w.chance(0.004):
			w.recharge(c, models.Amount(1+w.rnd.IntN(200_0000)))
		case w.chance(0.004):
			w.buy(c)
		case w.chance(0.0005):
			w.adjust(c)
		case w.chance(0.001) && !c.arrears:
			w.deliver(c)
		case w.chance(0.001) && !c.arrears:
			if number := c.numbers[w.rnd.IntN(len(c.numbers))]; !c.gone[number] && !c.held[number] {
				w.unsubscribe(c, number)
			}
		case w.chance(0.001) && !c.arrears:
			w.hold(c, c.numbers[w.rnd.IntN(len(c.numbers))])
		}
	}
}

// hold suspends a number at the operator's word, or lets it go.
func (w *world) hold(c *client, number string) {
	state := models.NumberSuspended
	if c.held[number] {
		state = models.NumberNormal
	}
	_, _, err := w.store().SetNumberState(w.ctx, number, state, 0, nil)
	w.must(err)
	c.held[number] = !c.held[number]
}

// makeCalls makes the calls that end in the hour that begins at from, and writes their CDRs; a few come days late.
func (w *world) makeCalls(from time.Time, bursts []burst) {
	var ended []models.CDR
	for _, b := range bursts {
		c := w.clients[b.client]
		solvent, err := w.daemons[0].guard.Solvent(w.ctx, c.ID)
		w.must(err)
		if solvent == c.arrears {
			w.Fatalf("%v: tenant %d solvent %v, balance %d, credit %v", from, c.ID, solvent, w.live.books[c.ID].balance, c.Credit)
		}
		for i := range b.calls {
			r := w.cdr(c, from)
			switch {
			case !solvent:
				r.AnswerAt, r.OutAnswerAt, r.FailAt = time.Time{}, time.Time{}, r.EndAt
				w.stats.refused++
			case i == 0 && w.chance(0.1):
				r.CompletedAt = from.Add(time.Duration(1+w.rnd.IntN(80)) * time.Hour)
				w.late = append(w.late, r)
				w.stats.late++
				continue
			}
			ended = append(ended, r)
		}
	}
	w.late = slices.DeleteFunc(w.late, func(r models.CDR) bool {
		due := !r.CompletedAt.After(from)
		if due {
			ended = append(ended, r)
		}
		return due
	})
	w.record(ended)
}

// record writes CDRs with their charges, many at a time. One in fifty is written without: what cannot be rated at the call is found later.
func (w *world) record(list []models.CDR) {
	now := time.Now()
	charges := make([][]models.Charge, len(list))
	for i := range list {
		list[i].CompletedAt = now
		if w.chance(0.98) {
			var err error
			charges[i], err = w.daemons[i%len(w.daemons)].rater.Rate(w.ctx, list[i])
			w.must(err)
		}
	}
	var wg sync.WaitGroup
	for k := range 32 {
		wg.Go(func() {
			for i := k; i < len(list); i += 32 {
				r := list[i]
				ch := models.Change{Session: models.Session{ID: r.SessionID, LegA: r.SessionID, TenantID: r.TenantID, AppID: r.AppID, Mode: r.Mode,
					Stage: models.StageEnded, StartedAt: r.CallInAt, EndedAt: r.EndAt}, CDR: &r, Charges: charges[i]}
				if applied, err := w.daemons[i%len(w.daemons)].st.Record(w.ctx, ch); err != nil || !applied {
					w.Errorf("record: %v, %v", applied, err)
				}
			}
		})
	}
	wg.Wait()
	if w.Failed() {
		w.FailNow()
	}
	w.stats.calls += len(list)
	for _, r := range list {
		w.live.call(cdrRow{tenant: r.TenantID, mode: string(r.Mode), outAnswered: micro(r.OutAnswerAt), answered: micro(r.AnswerAt), ended: micro(r.EndAt), complete: micro(now)})
	}
}

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

var callSeconds = []int{0, 1, 59, 60, 61, 119, 120, 121, 3600}

// cdr is a call that ends in the hour that begins at from: at its first or last moment, or between; with and without an answer.
func (w *world) cdr(c *client, from time.Time) models.CDR {
	w.serial++
	app := c.apps[w.rnd.IntN(2)]
	mode := app.Mode
	if mode == models.ModeVoice {
		mode = models.VoiceModes[w.rnd.IntN(3)]
	}
	end := from.Add(time.Duration(w.rnd.Int64N(int64(time.Hour)))).Truncate(time.Microsecond)
	if edge := from.Add(time.Duration(w.rnd.IntN(2)) * (time.Hour - time.Microsecond)); w.chance(0.05) && edge.After(c.edge) {
		end, c.edge = edge, edge // one call a moment: which of two was written first is nothing that a row tells
	}
	talk := time.Duration(w.rnd.Int64N(int64(9 * time.Minute))).Truncate(time.Microsecond)
	if w.chance(0.3) {
		talk = time.Duration(callSeconds[w.rnd.IntN(len(callSeconds))])*time.Second + time.Duration(w.rnd.IntN(2))*999_999*time.Microsecond
	}
	answer := end.Add(-talk)
	if w.chance(0.02) { // at the very moment that prices change
		p := w.live.tariffs[w.rnd.IntN(len(w.live.tariffs))]
		if at := time.UnixMicro(p.from).UTC(); at.Before(end) && end.Sub(at) < time.Hour {
			answer = at.Add(-time.Duration(w.rnd.IntN(2)) * time.Microsecond)
		}
	}
	r := models.CDR{SessionID: fmt.Sprintf("s%d@year", w.serial), TenantID: c.ID, AppID: app.ID, Mode: mode, X: c.numbers[0],
		CallInAt: answer.Add(-20 * time.Second), StartAt: answer.Add(-10 * time.Second), AnswerAt: answer, EndAt: end, Source: models.SourceEvents}
	if mode.Placed() {
		r.OutAt, r.OutAnswerAt = answer.Add(-15*time.Second), answer.Add(-time.Duration(w.rnd.IntN(9_000_000))*time.Microsecond)
		if mode != models.ModeClick || w.chance(0.2) {
			r.AnswerAt = time.Time{} // leg 2 was not reached, or there is none
		}
	}
	if w.chance(0.2) {
		r.AnswerAt, r.OutAnswerAt, r.FailAt = time.Time{}, time.Time{}, end
	}
	if w.chance(0.05) {
		r.Source = models.SourceResync
	}
	return r
}

// sortRows puts rows in the order in which they were written.
func sortRows(rows []cdrRow) {
	slices.SortStableFunc(rows, func(x, y cdrRow) int { return cmp.Compare(x.complete, y.complete) })
}
