package store

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"maskline/models"
)

// world is what the bindings of AX, AXE and AXYB should be: the simplest thing that could route.
type world struct {
	*estate
	t     *testing.T
	rnd   *rand.Rand
	open  map[string]models.Binding
	temps map[place]temporary // of AX
	calls map[place]temporary // of AXE: who called last
	past  []instantOf
}

// place is A on an X.
type place struct {
	x string
	a models.Party
}

type temporary struct {
	to    models.Party
	until time.Time
}

func (v temporary) at(now time.Time) models.Party {
	if v.until.IsZero() || now.Before(v.until) {
		return v.to
	}
	return models.Party{}
}

// instantOf is what a look-up came to at a time.
type instantOf struct {
	x         string
	caller    models.Party
	extension string
	at        time.Time
	want      reached
}

var (
	crowdOfFour = []models.Party{alice, bob, carol, dave}
	callersToo  = append(slices.Clone(crowdOfFour), models.Hidden)
	extensions  = []string{models.NoExtension, "1", "2", "3", "4"}
)

// TestAllModesFollowTheModel binds, unbinds, modifies, calls and lets expire at random in three modes and compares every look-up with a small
// model: any caller, number and digits reach at most one destination, the model's, now and at every time past.
func TestAllModesFollowTheModel(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		cfg.CoolOff = -1 // so that the few numbers come back
		w := &world{estate: newEstate(t, cfg), t: t, rnd: rand.New(rand.NewPCG(seed, 0)), open: map[string]models.Binding{},
			temps: map[place]temporary{}, calls: map[place]temporary{}}
		steps := 500
		if cfg.Driver == MySQL {
			steps = 250
		}
		for step := range steps {
			w.clock.advance(time.Duration(1+w.rnd.IntN(15_000_000)) * time.Microsecond)
			w.forget()
			w.step()
			if step%5 == 0 {
				w.compare()
				w.sound(t)
			}
			if t.Failed() {
				t.Fatalf("after step %d", step)
			}
		}
		for _, p := range w.past {
			v := must[models.Sight](t)(w.SightAt(context.Background(), p.x, p.caller, p.extension, p.at))
			if got := outcome(t, v); got != p.want {
				t.Errorf("%v on %s (%s) at %v reached %+v, the history says %+v", p.caller, p.x, p.extension, p.at, p.want, got)
			}
		}
	})
}

func (w *world) now() time.Time { return w.clock.Now() }

// live lists the bindings that route, of which keep says yes, in the order of their ids.
func (w *world) live(keep func(models.Binding) bool) (list []models.Binding) {
	for _, id := range slices.Sorted(maps.Keys(w.open)) {
		if b := w.open[id]; b.Live(w.now()) && keep(b) {
			list = append(list, b)
		}
	}
	return list
}

func (w *world) has(keep func(models.Binding) bool) bool { return len(w.live(keep)) > 0 }

// forget drops what lives no longer than A's bindings.
func (w *world) forget() {
	for _, kept := range []map[place]temporary{w.temps, w.calls} {
		maps.DeleteFunc(kept, func(p place, _ temporary) bool {
			return !w.has(func(b models.Binding) bool { return b.X == p.x && b.A == p.a && b.Y == "" })
		})
	}
}

// expected is the rules.
func (w *world) expected(x string, caller models.Party, extension string) reached {
	now := w.now()
	for _, b := range w.live(func(b models.Binding) bool { return b.X == x || b.Y == x }) {
		own := reached{to: w.temps[place{x, b.A}].at(now), show: x, side: models.SideA, own: true, bound: true}
		switch {
		case b.Mode == models.ModeAXE && b.Extension == extension:
			return reached{to: b.A, show: x, side: models.SideB, bound: true}
		case b.Mode == models.ModeAXE && b.A == caller && extension == models.NoExtension:
			own.to = w.calls[place{x, b.A}].at(now)
			return own
		case b.Mode == models.ModeAXE || extension != models.NoExtension:
		case b.Y == x && b.A == caller:
			return reached{to: b.B, show: b.X, side: models.SideA, own: true, bound: true}
		case b.Y == x:
		case b.Y != "" && b.B == caller:
			return reached{to: b.A, show: b.Y, side: models.SideB, own: true, bound: true}
		case b.Y != "":
		case b.A == caller:
			return own
		case !w.has(func(yb models.Binding) bool { return yb.Parent == b.ID && yb.B == caller }):
			return reached{to: b.A, show: x, side: models.SideB, bound: true}
		}
	}
	return reached{}
}

func (w *world) compare() {
	w.t.Helper()
	for _, x := range slices.Concat(axNumbers[:2], axeNumbers, axybNumbers) {
		for _, caller := range callersToo {
			digits := extensions
			if !slices.Contains(axeNumbers, x) {
				digits = extensions[:1+w.rnd.IntN(2)]
			}
			for _, extension := range digits {
				want := w.expected(x, caller, extension)
				if got := w.reach(w.t, x, caller, extension); got != want {
					w.t.Errorf("%v on %s (%s) reaches %+v, want %+v", caller, x, extension, got, want)
				}
				if w.rnd.IntN(8) == 0 {
					w.past = append(w.past, instantOf{x, caller, extension, w.now(), want})
				}
			}
		}
	}
}

func pick[T any](w *world, list ...T) T { return list[w.rnd.IntN(len(list))] }

// any is one binding that is open in the world, perhaps expired.
func (w *world) any(keep func(models.Binding) bool) (models.Binding, bool) {
	var list []models.Binding
	for _, id := range slices.Sorted(maps.Keys(w.open)) {
		if keep(w.open[id]) {
			list = append(list, w.open[id])
		}
	}
	if len(list) == 0 {
		return models.Binding{}, false
	}
	return pick(w, list...), true
}

func (w *world) step() {
	w.t.Helper()
	pick(w, w.bindSomeAX, w.bindSomeAX, w.changeAX, w.setSomeTemp, w.setSomeTemp, w.useSomeTemp, w.bindSomeAXE, w.bindSomeAXE, w.changeAXE, w.putThrough, w.putThrough,
		w.bindSomeAXYB, w.relateSome, w.relateSome, w.unbindSomeAXYB, w.runJob)()
}

func (w *world) wants(err error, codes ...models.Code) {
	w.t.Helper()
	if !slices.Contains(codes, models.CodeOf(err)) {
		w.t.Errorf("error %v, want one of %q", err, codes)
	}
}

func (w *world) add(b models.Binding, err error) {
	if err == nil {
		w.open[b.ID] = b
	}
}

func (w *world) runJob() {
	must[int](w.t)(w.ExpireBindings(context.Background(), 1+w.rnd.IntN(10)))
}

func (w *world) holderOf(x string) (models.Binding, bool) {
	list := w.live(func(b models.Binding) bool { return b.X == x && b.Y == "" })
	if len(list) == 0 {
		return models.Binding{}, false
	}
	return list[0], true
}

func (w *world) bindSomeAX() {
	a, x := pick(w, crowdOfFour...), pick(w, axNumbers[:2]...)
	holder, taken := w.holderOf(x)
	b, err := w.BindAX(context.Background(), AXRequest{App: w.ax, Where: Where{X: x}, A: a})
	switch {
	case taken && holder.A == a:
		w.wants(err, models.BoundAlready)
	case taken:
		w.wants(err, models.NumberTaken)
	default:
		w.wants(err, "")
	}
	w.add(b, err)
}

func (w *world) changeAX() {
	ctx, x := context.Background(), pick(w, axNumbers[:2]...)
	holder, taken := w.holderOf(x)
	want := models.NotBound
	if taken {
		want = ""
	}
	if w.rnd.IntN(3) == 0 {
		w.wants(w.UnbindAX(ctx, w.ax.ID, AXBy{X: x}), want)
		delete(w.open, holder.ID)
		w.forget()
		return
	}
	a, direction := pick(w, crowdOfFour...), models.Direction(w.rnd.IntN(3))
	if taken {
		a = pick(w, a, holder.A)
	}
	b, err := w.ModifyAX(ctx, w.ax.ID, AXBy{X: x}, func(b *models.Binding) error { b.A, b.Direction = a, direction; return nil })
	w.wants(err, want)
	w.add(b, err)
	w.forget()
}

func (w *world) setSomeTemp() {
	x, callee, ttl := pick(w, axNumbers[:2]...), pick(w, crowdOfFour...), pick(w, 0, 20*time.Second)
	holder, taken := w.holderOf(x)
	_, err := w.SetTemp(context.Background(), w.ax.ID, AXBy{X: x}, callee, ttl)
	switch {
	case !taken:
		w.wants(err, models.NotBound)
	case holder.A == callee:
		w.wants(err, models.Invalid)
	default:
		w.wants(err, "")
		set := temporary{to: callee}
		if ttl > 0 {
			set.until = w.now().Add(ttl)
		}
		w.temps[place{x, holder.A}] = set
	}
}

func (w *world) useSomeTemp() {
	x, caller, callee := pick(w, axNumbers[:2]...), pick(w, crowdOfFour...), pick(w, crowdOfFour...)
	if holder, taken := w.holderOf(x); taken {
		caller = pick(w, caller, holder.A)
	}
	v := w.session(models.NewID())
	v.Dialled, v.Caller, v.Callee = x, caller, callee
	w.record(w.t, models.Change{Session: v, UseTemp: true})
	if p := (place{x, caller}); w.temps[p].to == callee {
		delete(w.temps, p)
	}
}

func (w *world) bindSomeAXE() {
	r := AXERequest{App: w.axe, Where: Where{X: pick(w, axeNumbers...)}, A: pick(w, crowdOfFour...), Extension: pick(w, "", "1", "2", "3"),
		Settings: models.BindingSettings{TimeUnit: 1, BindTime: w.rnd.IntN(3)}}
	onX := w.live(func(b models.Binding) bool { return b.X == r.X })
	inUse := slices.ContainsFunc(onX, func(b models.Binding) bool { return b.Extension == r.Extension })
	b, err := w.BindAXE(context.Background(), r)
	if inUse || len(onX) == 9 {
		w.wants(err, models.ExtensionTaken)
	} else {
		w.wants(err, "")
	}
	w.add(b, err)
}

func (w *world) changeAXE() {
	ctx := context.Background()
	old, ok := w.any(func(b models.Binding) bool { return b.Mode == models.ModeAXE })
	if !ok {
		return
	}
	want := models.Code("")
	if !old.Live(w.now()) {
		want = models.NotFound
	}
	by := AXEBy{SubscriptionID: old.ID}
	if w.rnd.IntN(2) == 0 {
		w.wants(w.UnbindAXE(ctx, w.axe.ID, by), want)
		delete(w.open, old.ID)
		w.forget()
		return
	}
	times := w.rnd.IntN(3)
	b, err := w.ModifyAXE(ctx, w.axe.ID, by, func(b *models.Binding) error { b.BindTime = times; return nil })
	w.wants(err, want)
	w.add(b, err)
}

// putThrough records a call to an extension, of a binding that may have ended meanwhile.
func (w *world) putThrough() {
	b, ok := w.any(func(b models.Binding) bool { return b.Mode == models.ModeAXE })
	if !ok {
		return
	}
	v := w.session(models.NewID())
	v.Dialled, v.Caller, v.Callee, v.BindingID = b.X, pick(w, callersToo...), b.A, b.ID
	ch := models.Change{Session: v, CallBack: true, CallBackUntil: pick(w, time.Time{}, w.now().Add(20*time.Second))}
	w.record(w.t, ch)
	if v.Caller.Known() && w.has(func(o models.Binding) bool { return o.X == b.X && o.A == b.A }) {
		w.calls[place{b.X, b.A}] = temporary{v.Caller, ch.CallBackUntil}
	}
}

func (w *world) bindSomeAXYB() {
	a, x := pick(w, crowdOfFour...), pick(w, append(slices.Clone(axybNumbers), "")...)
	r := AXYBRequest{App: w.axyb, Where: Where{X: x}, A: a, Settings: models.BindingSettings{Lifetime: pick(w, 0, 60, 90), YBLifetime: pick(w, 0, 60)}}
	holder, taken := w.holderOf(x)
	isY := w.has(func(b models.Binding) bool { return b.Y == x })
	free := slices.ContainsFunc(axybNumbers, func(n string) bool {
		return !w.has(func(b models.Binding) bool { return b.Y == n || b.X == n && b.Y == "" })
	})
	b, err := w.BindAXYB(context.Background(), r)
	switch {
	case x == "" && free:
		w.wants(err, "")
	case x == "":
		w.wants(err, models.NoNumber)
	case taken && holder.A == a:
		w.wants(err, models.BoundAlready)
	case taken:
		w.wants(err, models.NumberTaken)
	case isY:
		w.wants(err, models.NumberTaken, models.NoNumber)
	default:
		w.wants(err, "")
	}
	w.add(b, err)
}

// relateSome is a second step by the tenant, or a first call.
func (w *world) relateSome() {
	ctx, now := context.Background(), w.now()
	parent, ok := w.any(func(b models.Binding) bool { return b.Mode == models.ModeAXYB && b.Y == "" })
	if !ok {
		return
	}
	b, byCall, area := pick(w, crowdOfFour...), w.rnd.IntN(2) == 0, pick(w, "", "0755")
	if byCall {
		area = must[models.Number](w.t)(w.Number(ctx, parent.X)).AreaCode
	}
	free := slices.ContainsFunc(axybNumbers, func(n string) bool {
		inArea := area == "" || (area == "010") == (n == axybNumbers[3])
		_, isX := w.holderOf(n)
		return inArea && n != parent.X && !isX && !w.has(func(o models.Binding) bool { return o.Y == n && o.A == parent.A })
	})
	standing := w.live(func(o models.Binding) bool { return o.Parent == parent.ID && o.B == b })
	var yb models.Binding
	var err error
	lifetime := pick(w, 0, 60)
	if byCall {
		lifetime = parent.YBLifetime
		yb, err = w.AllocateY(ctx, parent.ID, b)
	} else {
		yb, err = w.BindYB(ctx, w.axyb.ID, parent.ID, b, Where{Area: area}, models.BindingSettings{Lifetime: lifetime})
	}
	ends := parent.ExpiresAt
	if own := now.Add(time.Duration(lifetime) * time.Second); lifetime > 0 && (ends.IsZero() || own.Before(ends)) {
		ends = own
	}
	switch {
	case !parent.Live(now):
		w.wants(err, models.NotFound)
	case parent.A == b:
		w.wants(err, models.Invalid)
	case len(standing) > 0 && byCall:
		w.wants(err, "")
		if yb.ID != standing[0].ID {
			w.t.Errorf("%v was given a second Y: %+v beside %+v", b, yb, standing[0])
		}
	case len(standing) > 0:
		w.wants(err, models.NumberBound)
	case !free:
		w.wants(err, models.NoNumber)
	default:
		w.wants(err, "")
		if !yb.ExpiresAt.Equal(ends) {
			w.t.Errorf("the relation ends %v, want %v", yb.ExpiresAt, ends)
		}
	}
	w.add(yb, err)
}

func (w *world) unbindSomeAXYB() {
	parent, ok := w.any(func(b models.Binding) bool { return b.Mode == models.ModeAXYB && b.Y == "" })
	if !ok {
		return
	}
	by, b := AXYBBy{SubscriptionID: parent.ID}, pick(w, crowdOfFour...)
	meant := func(o models.Binding) bool { return o.ID == parent.ID || o.Parent == parent.ID }
	if w.rnd.IntN(3) > 0 {
		by.B, meant = b, func(o models.Binding) bool { return o.Parent == parent.ID && o.B == b }
	}
	want := models.Code("")
	if !parent.Live(w.now()) || !w.has(meant) {
		want = models.NotFound
	}
	err := w.UnbindAXYB(context.Background(), w.axyb.ID, by)
	w.wants(err, want)
	if err == nil {
		maps.DeleteFunc(w.open, func(_ string, o models.Binding) bool { return meant(o) })
	}
}
