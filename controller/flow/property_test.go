package flow

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"maskline/controller/route"
	"maskline/models"
	"maskline/models/store"
	"maskline/models/store/storetest"
)

var seedFlag = flag.Uint64("seed", 0, "repeats a random test: go test ./controller/flow -run NAME -seed N")

// chance is the source of a random test, whose seed a failure prints. What the test does repeats with it; which free number the platform then
// chooses, and who of several at once is first, may differ.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("repeat with -run '^%s$' -seed %d", t.Name(), seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// world is a database with two apps of every mode, and what should be in it.
type world struct {
	*testing.T
	*reality
	ctx     context.Context
	rnd     *rand.Rand
	st      *store.Store
	now     time.Time // the store's clock; only the test's goroutine sets it, and nobody reads it then
	list    []models.App
	numbers map[int64][]string
	people  []models.Party
	calls   []*ongoing
	past    []memory
	seen    map[string]int // verdicts, by mode
	started int
}

// ongoing is a call that was put through.
type ongoing struct {
	s        models.Session
	bond     *bond
	usesTemp bool
	answered bool
}

// memory is who reached whom at a time.
type memory struct {
	question
	at   time.Time
	then verdict
}

type question struct {
	x      string
	caller models.Party
	keys   string
}

// TestEveryModeFollowsTheSpec binds, modifies, unbinds, calls and lets expire at random in all modes, and asks of every caller on every
// number whom he reaches: nobody or one, and the one that the spec gives; now, and later of every moment past.
func TestEveryModeFollowsTheSpec(t *testing.T) {
	w := newWorld(t, chance(t))
	for step := range scale(900) {
		w.elapse()
		w.step()
		if step%15 == 0 {
			w.compare()
		}
		if t.Failed() {
			t.Fatalf("after step %d", step)
		}
	}
	w.remember()
	t.Logf("%d bindings, %d calls, %d moments of the past; verdicts %v", len(w.bonds), w.started, len(w.past), w.seen)
	if scale(3) == 3 {
		w.sawEverything()
	}
}

func newWorld(t *testing.T, rnd *rand.Rand) *world {
	t.Helper()
	w := &world{T: t, seen: map[string]int{}, ctx: context.Background(), rnd: rnd, now: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), numbers: map[int64][]string{},
		reality: &reality{apps: map[string]models.App{}, last: map[string]fleeting{}, named: map[string]*bond{}, held: map[string]string{}}}
	file := filepath.Join(t.TempDir(), "world.db")
	w.must(storetest.Lay(file))
	var err error
	// Without a cool-off: what it leaves out is no matter of who reaches whom.
	w.st, err = store.Open(w.ctx, store.Config{Driver: store.SQLite, DSN: file, CoolOff: -1, Clock: func() time.Time { return w.now },
		Keys: store.Keys{Current: "k", ByID: map[string][]byte{"k": make([]byte, 32)}}})
	w.must(err)
	t.Cleanup(func() { w.must(w.st.Close()) })
	for i := range 5 {
		w.people = append(w.people, models.MustParty(fmt.Sprintf("+861380000000%d", i)))
	}
	tenant := models.Tenant{Name: "t", SpID: "sp1", State: models.StateNormal, CreatedAt: w.now}
	w.must(w.st.CreateTenant(w.ctx, &tenant))
	extensions := []models.ExtensionSettings{{Digits: 1, PerNumber: 3}, {Digits: 2, CallbackNum: w.people[0].Reveal()}}
	for m, mode := range models.MaskedModes {
		for i := range 2 {
			a := models.App{TenantID: tenant.ID, Key: fmt.Sprint(mode, i), Name: fmt.Sprint(mode, i), Mode: mode, State: models.StateNormal, PushScheme: models.PushAKSK,
				StatusURL: "http://customer/status", Settings: models.AppSettings{Extension: extensions[i]}, CreatedAt: w.now}
			w.must(w.st.CreateApp(w.ctx, &a, "secret"))
			w.list = append(w.list, a)
			// Seven numbers of one app let an A ask for more than he may have.
			for n := range [2]int{3, 7}[i] {
				x := fmt.Sprintf("+8617%d%d0000%02d", m, i, n)
				w.must(w.st.AddNumbers(w.ctx, []models.Number{{TenantID: tenant.ID, AppID: a.ID, Number: x, AreaCode: "0755", State: models.NumberNormal, CreatedAt: w.now}}))
				w.numbers[a.ID] = append(w.numbers[a.ID], x)
				w.apps[x] = a
			}
		}
	}
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func pick[T any](rnd *rand.Rand, list ...T) T { return list[rnd.IntN(len(list))] }

// elapse lets some time pass, often to the very second at which something ends.
func (w *world) elapse() {
	w.now = w.now.Add(time.Duration(1+w.rnd.IntN(4_000_000)) * time.Microsecond)
	ends := w.where(w.now, func(b *bond) bool { return !b.expires.IsZero() })
	if len(ends) > 0 && w.rnd.IntN(10) == 0 {
		w.now = slices.MinFunc(ends, func(a, b *bond) int { return a.expires.Compare(b.expires) }).expires
	}
}

func (w *world) step() {
	switch kind := w.rnd.IntN(100); {
	case kind < 30:
		w.bindOne(w.randomWish())
	case kind < 35:
		w.unbind()
	case kind < 43:
		w.modify()
	case kind < 51:
		w.setTemp()
	case kind < 75:
		w.call()
	case kind < 93:
		w.goOn()
	case kind < 95:
		w.race()
	default:
		_, err := w.st.ExpireBindings(w.ctx, 1+w.rnd.IntN(10))
		w.must(err)
	}
}

func (w *world) randomWish() wish {
	v := wish{app: w.list[w.rnd.IntN(8)], a: pick(w.rnd, w.people...), b: pick(w.rnd, w.people...)}
	if w.rnd.IntN(3) > 0 {
		v.x = pick(w.rnd, w.numbers[v.app.ID]...)
	}
	s := &v.settings
	s.Direction = pick(w.rnd, models.BothWays, models.BothWays, models.OnlyAToB, models.OnlyBToA)
	s.Lifetime = pick(w.rnd, 0, 60, 90, 200)
	switch v.app.Mode {
	case models.ModeAX:
		// An X without expiry would soon be everybody's.
		s.Lifetime, s.Off, s.ShowCaller = 60+w.rnd.IntN(200), w.rnd.IntN(9) == 0, w.rnd.IntN(4) == 0
		if w.rnd.IntN(3) == 0 {
			v.a = w.people[0]
		}
	case models.ModeAXE:
		s.Lifetime, s.Direction, s.TimeUnit = 0, models.BothWays, 1
		s.BindTime, s.CallbackTime, s.ShowCaller = pick(w.rnd, 0, 1, 2, 3), pick(w.rnd, 0, 1, 2), w.rnd.IntN(4) == 0
		s.CallbackNum = pick(w.rnd, "", "", pick(w.rnd, w.people...).Reveal())
		v.a = pick(w.rnd, v.a, w.people[0], w.people[1]) // who may have several extensions on one X
		if w.rnd.IntN(2) == 0 {
			v.ext = w.extension(v.app)
		}
	case models.ModeAXYB:
		// Nobody names an X here (§2.4), and with too many X for ever no Y would be left.
		v.x, s.Lifetime, s.YBLifetime = "", 60+w.rnd.IntN(100), pick(w.rnd, 0, 60, 90)
		if parents := w.where(w.now, func(b *bond) bool { return b.parent == nil && w.apps[b.x].ID == v.app.ID }); len(parents) > 0 && w.rnd.IntN(2) == 0 {
			v.parent = pick(w.rnd, parents...)
			s.Direction, s.Lifetime, s.YBLifetime = v.parent.Direction, pick(w.rnd, 0, 60), 0
		}
	}
	return v
}

func (w *world) extension(app models.App) string {
	return fmt.Sprintf("%0*d", app.Settings.Extension.Length(), 1+w.rnd.IntN(4))
}

// carryOut asks the platform for a binding.
func (w *world) carryOut(v wish) (models.Binding, error) {
	where := store.Where{X: v.x}
	switch {
	case v.app.Mode == models.ModeAXB:
		return w.st.Bind(w.ctx, store.BindRequest{App: v.app, Where: where, A: v.a, B: v.b, Settings: v.settings})
	case v.app.Mode == models.ModeAX:
		return w.st.BindAX(w.ctx, store.AXRequest{App: v.app, Where: where, A: v.a, Settings: v.settings})
	case v.app.Mode == models.ModeAXE:
		return w.st.BindAXE(w.ctx, store.AXERequest{App: v.app, Where: where, A: v.a, Extension: v.ext, Settings: v.settings})
	case v.parent != nil:
		return w.st.BindYB(w.ctx, v.app.ID, v.parent.id, v.b, where, v.settings)
	}
	return w.st.BindAXYB(w.ctx, store.AXYBRequest{App: v.app, Where: where, A: v.a, Settings: v.settings})
}

func (w *world) bindOne(v wish) {
	want := w.judge(v, w.numbers[v.app.ID], w.now)
	got, err := w.carryOut(v)
	if models.CodeOf(err) != want {
		w.Errorf("%s bind of %s for %s and %s, E %q: %v, want %q", v.app.Name, v.x, v.a, v.b, v.ext, err, want)
		return
	}
	if err == nil {
		w.must(w.grant(v, got, w.numbers[v.app.ID], w.now))
	}
}

// race lets many bind at once for few parties. Whoever was granted conflicts with nobody, and whoever was refused with somebody.
func (w *world) race() {
	// One that finds a city full while another closes what has expired there may be refused; that is no matter of this test.
	_, err := w.st.ExpireBindings(w.ctx, 1000)
	w.must(err)
	wishes := make([]wish, 12)
	got, errs := make([]models.Binding, len(wishes)), make([]error, len(wishes))
	for i := range wishes {
		wishes[i] = w.randomWish()
		wishes[i].app = wishes[0].app
		if i > 0 {
			again := w.randomWish()
			wishes[i] = wishes[0]
			wishes[i].a, wishes[i].b = again.a, again.b
		}
	}
	var wg sync.WaitGroup
	for i := range wishes {
		wg.Go(func() { got[i], errs[i] = w.carryOut(wishes[i]) })
	}
	wg.Wait()
	// The order in which they were bound is the store's to tell: A's own row of AXE names the last.
	order, _, err := w.st.Bindings(w.ctx, store.BindingFilter{AppID: wishes[0].app.ID, Since: w.now}, models.Page{Limit: 100})
	w.must(err)
	for _, b := range slices.Backward(order) {
		i := slices.IndexFunc(got, func(g models.Binding) bool { return g.ID == b.ID })
		if i < 0 {
			continue
		}
		if err := w.grant(wishes[i], got[i], w.numbers[wishes[i].app.ID], w.now); err != nil {
			w.Error(err)
		}
	}
	for i, v := range wishes {
		if errs[i] != nil && w.judge(v, w.numbers[v.app.ID], w.now) == "" {
			w.Errorf("%s bind of %s for %s and %s was refused for nothing: %v", v.app.Name, v.x, v.a, v.b, errs[i])
		}
	}
}

// some is a binding, the ended ones among them, for whose modes which holds.
func (w *world) some(which func(*bond) bool) *bond {
	var list []*bond
	for _, b := range w.bonds {
		if which(b) && (b.live(w.now) || w.rnd.IntN(20) == 0) {
			list = append(list, b)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return pick(w.rnd, list...)
}

func (w *world) unbind() {
	b := w.some(func(*bond) bool { return true })
	if b == nil {
		return
	}
	app, gone := w.apps[b.x], []*bond{b}
	want := models.NotFound
	if b.live(w.now) {
		want = ""
	}
	var err error
	switch app.Mode {
	case models.ModeAXB:
		by := store.UnbindBy{SubscriptionID: b.id}
		if w.rnd.IntN(8) == 0 {
			by = store.UnbindBy{X: b.x}
			if gone = w.where(w.now, func(o *bond) bool { return o.x == b.x }); len(gone) > 0 {
				want = ""
			}
		}
		_, err = w.st.Unbind(w.ctx, app.ID, by)
	case models.ModeAX:
		err = w.st.UnbindAX(w.ctx, app.ID, store.AXBy{SubscriptionID: b.id})
	case models.ModeAXE:
		err = w.st.UnbindAXE(w.ctx, app.ID, store.AXEBy{SubscriptionID: b.id})
	default:
		by := store.AXYBBy{SubscriptionID: b.id}
		if b.parent != nil {
			by = pick(w.rnd, by, store.AXYBBy{SubscriptionID: b.parent.id, Y: b.y}, store.AXYBBy{SubscriptionID: b.parent.id, B: b.b})
			if !b.live(w.now) { // the same B, or the same Y, may have come back since
				by = store.AXYBBy{SubscriptionID: b.id}
			}
		}
		err = w.st.UnbindAXYB(w.ctx, app.ID, by)
	}
	if models.CodeOf(err) != want {
		w.Errorf("%s unbind of %s: %v, want %q", app.Name, b.id, err, want)
	}
	for _, b := range gone {
		if b.live(w.now) {
			b.ended = true
		}
	}
}

func (w *world) modify() {
	b := w.some(func(b *bond) bool { return w.apps[b.x].Mode != models.ModeAXYB })
	if b == nil {
		return
	}
	app, next, restart := w.apps[b.x], *b, w.rnd.IntN(2) == 0
	// What the history does not keep of a binding's settings it shows as they are today.
	forgets := func(about bool) {
		if about {
			w.past = slices.DeleteFunc(w.past, func(m memory) bool { return m.x == b.x })
		}
	}
	want := models.Code("")
	switch {
	case !b.live(w.now):
		want = models.NotFound
	case app.Mode == models.ModeAXB:
		next.a, next.b = pick(w.rnd, b.a, pick(w.rnd, w.people...)), pick(w.rnd, w.people...)
		next.Direction, next.Lifetime = models.Direction(w.rnd.IntN(3)), pick(w.rnd, b.Lifetime, 0, 60)
		b.ended = true
		want = w.judge(wish{app: app, x: b.x, a: next.a, b: next.b}, nil, w.now)
		b.ended = false
	case app.Mode == models.ModeAX:
		next.a, next.Direction, next.Off = pick(w.rnd, b.a, pick(w.rnd, w.people...)), models.Direction(w.rnd.IntN(3)), w.rnd.IntN(4) == 0
		b.ended = true
		want = w.judge(wish{app: app, x: b.x, a: next.a}, nil, w.now)
		b.ended = false
		forgets(next.Off != b.Off)
	default:
		next.BindTime, next.CallbackNum = pick(w.rnd, b.BindTime, 0, 1, 2), pick(w.rnd, b.CallbackNum, "", w.people[1].Reveal())
		forgets(next.CallbackNum != b.CallbackNum)
	}
	change := func(m *models.Binding) error {
		m.A, m.B, m.BindingSettings = next.a, next.b, next.BindingSettings
		if restart {
			m.StartedAt = time.Time{}
		}
		return nil
	}
	if got := w.modifyIn(app, b.id, change); got != want {
		w.Errorf("%s modify of %s: %q, want %q", app.Name, b.id, got, want)
		return
	}
	if want == "" {
		if restart = restart || next.Lifetime != b.Lifetime || next.BindTime != b.BindTime; restart {
			next.clock(w.now)
		}
		if next.a != b.a {
			next.temp = fleeting{}
		}
		*b = next
	}
}

func (w *world) modifyIn(app models.App, id string, change func(*models.Binding) error) models.Code {
	var err error
	switch app.Mode {
	case models.ModeAX:
		_, err = w.st.ModifyAX(w.ctx, app.ID, store.AXBy{SubscriptionID: id}, change)
	case models.ModeAXE:
		_, err = w.st.ModifyAXE(w.ctx, app.ID, store.AXEBy{SubscriptionID: id}, change)
	default:
		_, err = w.st.Modify(w.ctx, app.ID, id, change)
	}
	return models.CodeOf(err)
}

func (w *world) setTemp() {
	b := w.some(func(b *bond) bool { return w.apps[b.x].Mode == models.ModeAX })
	if b == nil {
		return
	}
	callee, ttl := pick(w.rnd, w.people...), pick(w.rnd, 5*time.Second, time.Minute, 0)
	want := models.Code("")
	switch {
	case !b.live(w.now):
		want = models.NotFound
	case callee == b.a:
		want = models.Invalid
	}
	if _, err := w.st.SetTemp(w.ctx, w.apps[b.x].ID, store.AXBy{SubscriptionID: b.id}, callee, ttl); models.CodeOf(err) != want {
		w.Errorf("temporary callee of %s: %v, want %q", b.id, err, want)
	}
	if want == "" {
		if b.temp = (fleeting{who: callee}); ttl > 0 {
			b.temp.until = w.now.Add(ttl)
		}
	}
}

// decide carries a call's lookups out, without the switch: at the store's now, or at a time past.
func (w *world) decide(q question, at time.Time) (models.Decision, models.Sight) {
	w.Helper()
	look := func(extension string) (models.Decision, models.Sight) {
		s, err := w.st.Sight(w.ctx, q.x, q.caller, extension)
		if !at.IsZero() {
			s, err = w.st.SightAt(w.ctx, q.x, q.caller, extension, at)
		}
		w.must(err)
		return route.Rules{}.Decide(s), s
	}
	d, s := look(models.NoExtension)
	if d.Collect != nil {
		d, s = look(q.keys)
	}
	return d, s
}

func verdictOf(d models.Decision) verdict {
	switch {
	case d.Connect != nil:
		return verdict{"connect", d.Connect.To, d.Connect.Show, d.BindingID, d.Direction}
	case d.Refuse != nil:
		return refused(d.Refuse.State, d.Direction)
	case d.Allocate != nil:
		return verdict{how: "allocate", id: d.Allocate.BindingID}
	case d.Ask != nil:
		return verdict{how: "ask"}
	}
	return verdict{how: "nothing"}
}
