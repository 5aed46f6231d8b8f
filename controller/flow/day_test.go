package flow

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite" // reads what the day has left in the tables

	"maskline/esl/sim"
	"maskline/models"
	"maskline/models/store"
)

// day is a day of calls in every mode, on one switch and one database.
type day struct {
	*lab
	rnd     *rand.Rand
	apps    map[models.Mode]models.App
	numbers map[models.Mode][]string
	people  []models.Party
	bonds   []models.Binding
	calls   []dayCall
	engine  *Engine
	stop    func()
	work    sync.WaitGroup // housekeeping, and links that come back
	over    chan struct{}
}

// dayCall is a call with what its two phones will do if they meet.
type dayCall struct {
	*sim.Line
	talk time.Duration
}

// TestADay lives 24 hours: calls in all modes with every end that a call can have, bindings that come, expire and go meanwhile, a daemon that is
// stopped, killed and started again, links that break. When the last call is over nothing is left of the day but its records. A timer that nobody
// stops would show as a goroutine that waits for it: the daemon has no other.
func TestADay(t *testing.T) {
	rnd := chance(t)
	inLab(t, sim.Options{}, func(l *lab) {
		d := &day{lab: l, rnd: rnd, apps: map[models.Mode]models.App{}, numbers: map[models.Mode][]string{}, over: make(chan struct{})}
		d.ask = dayTenant{rnd.Uint64(), d}
		d.furnish()
		for range 60 {
			d.bindOne()
		}
		d.engine, d.stop = d.daemon()
		d.work.Go(d.housekeeping)
		calls, restarts := scale(4500), 0
		for n := range calls {
			time.Sleep(time.Duration(d.rnd.ExpFloat64() * float64(24*time.Hour) / float64(calls)))
			d.placeCall()
			switch kind := d.rnd.IntN(100); {
			case kind < 14:
				d.bindOne()
			case kind < 22:
				d.unbindOne()
			case kind < 26:
				d.breakLink()
			}
			if n*8/calls > restarts {
				restarts++
				d.restart()
			}
		}
		time.Sleep(15 * time.Minute)
		close(d.over)
		d.work.Wait()
		d.nothingIsLeft()
	})
}

func (d *day) furnish() {
	d.Helper()
	for i := range 25 {
		d.people = append(d.people, models.MustParty(fmt.Sprintf("+86138000000%02d", i)))
	}
	tenant, err := d.st.Tenant(d.ctx, d.app.TenantID)
	d.must(err)
	for i, mode := range models.MaskedModes {
		a := models.App{TenantID: tenant.ID, Key: "day-" + string(mode), Name: string(mode), Mode: mode, State: models.StateNormal, PushScheme: models.PushAKSK,
			StatusURL: "http://customer/status", FeeURL: "http://customer/fee", CreatedAt: time.Now(),
			Settings: models.AppSettings{Extension: models.ExtensionSettings{Digits: 2, Repeats: 1, Gap: 3}}}
		d.must(d.st.CreateApp(d.ctx, &a, "secret"))
		d.apps[mode] = a
		for n := range 8 {
			x := fmt.Sprintf("+861720000%d%02d", i, n)
			d.must(d.st.AddNumbers(d.ctx, []models.Number{{TenantID: tenant.ID, AppID: a.ID, Number: x, AreaCode: "0755", State: models.NumberNormal, CreatedAt: time.Now()}}))
			d.numbers[mode] = append(d.numbers[mode], x)
		}
	}
}

// bindOne binds somebody in some mode, or is refused.
func (d *day) bindOne() {
	d.Helper()
	a, b := pick(d.rnd, d.people...), pick(d.rnd, d.people...)
	s := models.BindingSettings{Lifetime: pick(d.rnd, 0, 60, 600, 7200), UserData: "day"}
	var made models.Binding
	var err error
	// A number that is named may be bound again at once: a day is shorter than the cool-off.
	mode := pick(d.rnd, models.ModeAXB, models.ModeAX, models.ModeAXE, models.ModeAXYB)
	on := store.Where{X: pick(d.rnd, d.numbers[mode]...)}
	switch mode {
	case models.ModeAXB:
		made, err = d.st.Bind(d.ctx, store.BindRequest{App: d.apps[mode], Where: on, A: a, B: b, Settings: s})
	case models.ModeAX:
		s.Lifetime = 0
		made, err = d.st.BindAX(d.ctx, store.AXRequest{App: d.apps[mode], Where: on, A: a, Settings: s})
	case models.ModeAXE:
		s.Lifetime, s.TimeUnit, s.BindTime, s.CallbackTime = 0, 1, pick(d.rnd, 0, 1, 30, 240), pick(d.rnd, 0, 5)
		made, err = d.st.BindAXE(d.ctx, store.AXERequest{App: d.apps[mode], Where: on, A: a, Settings: s})
	default:
		s.YBLifetime = pick(d.rnd, 0, 60, 900)
		if made, err = d.st.BindAXYB(d.ctx, store.AXYBRequest{App: d.apps[mode], Where: on, A: a, Settings: s}); err == nil && d.rnd.IntN(2) == 0 {
			if yb, err := d.st.BindYB(d.ctx, made.AppID, made.ID, b, store.Where{}, models.BindingSettings{}); err == nil {
				d.bonds = append(d.bonds, yb)
			}
		}
	}
	if err == nil {
		d.bonds = append(d.bonds, made)
	} else if models.CodeOf(err) == models.Internal {
		d.Error(err)
	}
}

func (d *day) unbindOne() {
	d.Helper()
	if len(d.bonds) < 30 {
		return
	}
	i := d.rnd.IntN(len(d.bonds))
	b := d.bonds[i]
	var err error
	switch b.Mode {
	case models.ModeAX:
		err = d.st.UnbindAX(d.ctx, b.AppID, store.AXBy{SubscriptionID: b.ID})
	case models.ModeAXE:
		err = d.st.UnbindAXE(d.ctx, b.AppID, store.AXEBy{SubscriptionID: b.ID})
	case models.ModeAXYB:
		err = d.st.UnbindAXYB(d.ctx, b.AppID, store.AXYBBy{SubscriptionID: b.ID})
	default:
		_, err = d.st.Unbind(d.ctx, b.AppID, store.UnbindBy{SubscriptionID: b.ID})
	}
	if err != nil && models.CodeOf(err) != models.NotFound {
		d.Error(err)
	}
	d.bonds = slices.Delete(d.bonds, i, i+1)
}

// housekeeping closes what has expired, every minute, as the daemon's schedule does.
func (d *day) housekeeping() {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := d.st.ExpireBindings(d.ctx, 1000); err != nil {
				d.Error(err)
			}
		case <-d.over:
			return
		}
	}
}

// placeCall lets somebody dial: mostly who can reach somebody.
func (d *day) placeCall() {
	d.Helper()
	c := sim.Caller{From: pick(d.rnd, d.people...).Reveal(), Hidden: d.rnd.IntN(40) == 0}
	b := d.bonds[d.rnd.IntN(len(d.bonds))]
	switch kind := d.rnd.IntN(20); {
	case kind == 0:
		c.To = "+8617999999999"
	case kind < 4:
		c.To = pick(d.rnd, d.numbers[models.ModeX]...)
	default:
		c.To = b.X
		if kind < 13 {
			c.From = b.A.Reveal()
			if b.Y != "" {
				c.To = b.Y
			}
		} else if kind < 16 && b.B.Known() {
			c.From = b.B.Reveal()
		}
	}
	if b.Mode == models.ModeAX && d.rnd.IntN(2) == 0 {
		_, err := d.st.SetTemp(d.ctx, b.AppID, store.AXBy{SubscriptionID: b.ID}, pick(d.rnd, d.people...), time.Minute)
		if err != nil && models.CodeOf(err) == models.Internal {
			d.Error(err)
		}
	}
	if b.Mode == models.ModeAXE {
		c.Digits, c.DigitsEarly = pick(d.rnd, b.Extension, b.Extension, b.Extension, "", "99", "00*"), true
		c.DigitsAfter, c.DigitGap = time.Duration(d.rnd.IntN(5000))*time.Millisecond, pick(d.rnd, 200*time.Millisecond, 4*time.Second)
	}
	talk := time.Duration(1+d.rnd.IntN(300)) * time.Second
	c.Callee = d.phone(talk)
	switch d.rnd.IntN(5) {
	case 0:
		c.CancelsAfter = time.Duration(1+d.rnd.IntN(40_000)) * time.Millisecond
	case 1:
		c.Callee.HangsUpAfter, c.HangsUpAfter = 0, talk
	}
	d.calls = append(d.calls, dayCall{d.dial(c), talk})
}

// phone is a callee's, who may do anything.
func (d *day) phone(talk time.Duration) *sim.Phone {
	p := sim.Phone{Rings: time.Duration(d.rnd.IntN(20_000)) * time.Millisecond, HangsUpAfter: talk, EarlyMedia: d.rnd.IntN(5) == 0, Silent: d.rnd.IntN(8) == 0}
	switch d.rnd.IntN(12) {
	case 0:
		p.Busy = true
	case 1:
		p.NoAnswer = true
	case 2:
		p.Rejects = true
	case 3:
		p.PoweredOff = true
	case 4:
		p.Status = 503
	}
	return &p
}

// breakLink cuts the connections to the switch, for a while or not.
func (d *day) breakLink() {
	d.sw.Faults.Refuse(true)
	d.sw.CutConnections()
	away := time.Duration(d.rnd.IntN(5000)) * time.Millisecond
	if d.rnd.IntN(4) == 0 {
		away = time.Duration(d.rnd.IntN(120)) * time.Second
	}
	d.work.Go(func() {
		time.Sleep(away)
		d.sw.Faults.Refuse(false)
	})
}

// restart stops the daemon, or kills it in the middle of what it does, and starts another one after some seconds or minutes in which calls come and go.
func (d *day) restart() {
	d.Helper()
	d.stop()
	for range d.rnd.IntN(6) {
		d.placeCall()
		time.Sleep(time.Duration(d.rnd.IntN(120)) * time.Second)
	}
	d.drain = pick(d.rnd, 0, time.Minute)
	d.engine, d.stop = d.daemon()
}

// dayTenant answers the question of mode X in every way.
type dayTenant struct {
	seed uint64
	d    *day
}

func (t dayTenant) Ask(ctx context.Context, _ models.App, _ models.Session, e models.CallEvent) ([]byte, int, error) {
	rnd := rand.New(rand.NewPCG(t.seed, uint64(e.At.UnixNano())))
	timer := time.NewTimer(time.Duration(rnd.IntN(6000)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, 0, errors.New("no answer in time")
	case <-timer.C:
	}
	connect := fmt.Sprintf(`{"operation":"connect","connectInfo":{"calleeNum":"%s"}}`, pick(rnd, t.d.people...).Reveal())
	return []byte(pick(rnd, connect, connect, connect, `{"operation":"close","closeInfo":{"closeHintTone":"wait.wav"}}`, `{`)), pick(rnd, 200, 200, 200, 500), nil
}

// nothingIsLeft looks everywhere for what a call could have left behind, and at each call's record.
func (d *day) nothingIsLeft() {
	d.Helper()
	if live, reports, channels := d.engine.Live(), d.engine.reports.waiting(), d.sw.Channels(); live+reports+channels > 0 {
		d.Errorf("%d calls, %d reports and %d channels are left", live, reports, channels)
	}
	for _, c := range d.calls {
		select {
		case <-c.Done():
		default:
			d.Errorf("call %s has not ended: %q", c.Leg, strings.Join(c.Ladder(), "; "))
			for _, b := range c.Callees() {
				d.Errorf("its callee: %q", strings.Join(b.Ladder(), "; "))
			}
		}
	}
	d.spoolIsEmpty()
	_, err := d.st.ExpireBindings(d.ctx, 10_000)
	d.must(err)
	db, err := sql.Open("sqlite", d.file)
	d.must(err)
	defer func() { d.must(db.Close()) }()
	count := func(query string) (n int) {
		d.Helper()
		d.must(db.QueryRowContext(d.ctx, "SELECT COUNT(*) FROM "+query).Scan(&n))
		return n
	}
	for what, query := range map[string]string{
		"sessions that have not ended":        "sessions WHERE ended_at = 0",
		"sessions without one CDR":            "sessions s WHERE (SELECT COUNT(*) FROM cdrs c WHERE c.session_id = s.id) <> 1",
		"sessions without one disconnect":     "sessions s WHERE (SELECT COUNT(*) FROM call_events e WHERE e.session_id = s.id AND e.type = 'disconnect') <> 1",
		"sessions whose disconnect is untold": "sessions s WHERE s.app_id > 0 AND (SELECT COUNT(*) FROM deliveries p WHERE p.session_id = s.id AND p.dkey = 'disconnect') <> 1",
		"sessions whose CDR is untold":        "sessions s WHERE s.app_id > 0 AND (SELECT COUNT(*) FROM deliveries p WHERE p.session_id = s.id AND p.dkey = 'cdr') <> 1",
		"numbers that are held":               "busy",
		"routes of closed bindings":           "routes r JOIN bindings b ON b.id = r.binding_id WHERE b.closed_at > 0",
		"routes of no binding":                "routes r LEFT JOIN bindings b ON b.id = r.binding_id WHERE b.id IS NULL",
	} {
		if n := count(query); n > 0 {
			d.Errorf("%d %s", n, what)
		}
	}
	sessions, missed := count("sessions"), 0
	ends := map[string]int{}
	for _, c := range d.calls {
		record, err := d.st.CDR(d.ctx, models.SessionID(c.Leg, "sw1"))
		if models.CodeOf(err) == models.NotFound && !c.Answered() && len(c.Callees()) == 0 {
			missed++ // no daemon was there, or it died before it could write
			continue
		}
		if err != nil {
			d.Errorf("call %s: %v", c.Leg, err)
			continue
		}
		ends[fmt.Sprint(record.Mode, " ", int(record.Fail))]++
		d.agrees(c, record)
	}
	if sessions+missed != len(d.calls) || missed > len(d.calls)/10 {
		d.Errorf("%d calls: %d sessions, %d came to nobody", len(d.calls), sessions, missed)
	}
	d.Logf("%d calls, %d of them to nobody, by %d daemons; %d bindings, %d ended; ends %v", len(d.calls), missed, d.daemons, count("bindings"), count("bindings WHERE closed_at > 0"), ends)
}

// agrees compares a call's record with what the two phones lived through: neither an unbind, nor an expiry, nor a daemon's death cuts a talk short.
func (d *day) agrees(c dayCall, record models.CDR) {
	d.Helper()
	if c.Answered() == record.AnswerAt.IsZero() {
		d.Errorf("call %s: answered %t, by its CDR at %q; %+v; %q", c.Leg, c.Answered(), record.AnswerAt, record, strings.Join(c.Ladder(), "; "))
	}
	if short := c.talk - record.EndAt.Sub(record.AnswerAt); c.Answered() && (short > time.Second || short < -time.Second) {
		d.Errorf("call %s: they would have talked %s, the CDR says %d s; %+v", c.Leg, c.talk, record.TalkSeconds(), record)
	}
}
