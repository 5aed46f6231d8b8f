package flow

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"maskline/models"
)

// reality is who reaches whom by spec/privatenumber.md §2 and §3 alone: a list of bindings and the simplest questions about it. It knows
// neither rows nor plans.
type reality struct {
	apps  map[string]models.App // by number
	bonds []*bond               // in the order in which they were bound, the ended ones too
	last  map[string]fleeting   // AXE: who was put through to A last, by X and A
	named map[string]*bond      // AXE: the binding of A on X that was bound or called last
	held  map[string]string     // AX: the session that talks on X
}

// bond is one binding.
type bond struct {
	models.BindingSettings
	id, x, y, ext string
	a, b          models.Party
	expires       time.Time // zero: never
	ended         bool
	parent        *bond    // of a Y relation
	temp          fleeting // AX: the temporary callee
}

// fleeting is a person until a time; the zero time is as long as the binding.
type fleeting struct {
	who   models.Party
	until time.Time
}

func (f fleeting) at(now time.Time) (models.Party, bool) {
	return f.who, !f.who.IsZero() && (f.until.IsZero() || now.Before(f.until))
}

// live says that a binding holds: dead at its very second, and no Y outlives its X.
func (b *bond) live(now time.Time) bool {
	return !b.ended && (b.expires.IsZero() || now.Before(b.expires)) && (b.parent == nil || b.parent.live(now))
}

// verdict is what becomes of a call.
type verdict struct {
	how       string // "connect", "ask", "allocate", or the state code of a refusal
	to, shown string
	id        string // subscriptionId
	direction int    // of the CDR; of mode X nobody says what it is
}

func refused(state models.StateCode, direction int) verdict {
	return verdict{how: strconv.Itoa(int(state)), direction: direction}
}

func (r *reality) where(now time.Time, which func(*bond) bool) (found []*bond) {
	for _, b := range r.bonds {
		if b.live(now) && which(b) {
			found = append(found, b)
		}
	}
	return found
}

// reach is the fate of a call. It fails when more than one person could be meant.
func (r *reality) reach(x string, caller models.Party, keys string, busy bool, now time.Time) (verdict, error) {
	app, ours := r.apps[x]
	if !ours {
		return refused(models.NoBinding, 2), nil
	}
	switch app.Mode {
	case models.ModeAXB:
		return r.axb(x, caller, now)
	case models.ModeAX:
		return r.ax(x, caller, busy, now)
	case models.ModeAXE:
		return r.axe(app, x, caller, keys, now)
	case models.ModeAXYB:
		return r.axyb(x, caller, now)
	}
	return verdict{how: "ask"}, nil
}

// only is the one binding among those found.
func only(found []*bond) (*bond, error) {
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%d bindings claim the call: %s and %s", len(found), found[0].id, found[1].id)
}

func (r *reality) axb(x string, caller models.Party, now time.Time) (verdict, error) {
	b, err := only(r.where(now, func(b *bond) bool { return b.x == x && (b.a == caller || b.b == caller) }))
	switch {
	case b == nil || err != nil:
		return refused(models.NoBinding, 2), err
	case b.Direction == models.OnlyAToB && caller == b.b || b.Direction == models.OnlyBToA && caller == b.a:
		return refused(models.DirectionBarred, 1), nil
	case caller == b.a:
		return verdict{"connect", b.b.Reveal(), x, b.id, 1}, nil
	}
	return verdict{"connect", b.a.Reveal(), x, b.id, 1}, nil
}

func (r *reality) ax(x string, caller models.Party, busy bool, now time.Time) (verdict, error) {
	b, err := only(r.where(now, func(b *bond) bool { return b.x == x }))
	if b == nil || err != nil {
		return refused(models.NoPermission, 2), err
	}
	to, direction := b.a, 0
	set := true
	if caller == b.a {
		to, set = b.temp.at(now)
		direction = 1
	}
	switch {
	case b.Off:
		return refused(models.NoPermission, direction), nil
	case b.Direction == models.OnlyAToB && direction == 0 || b.Direction == models.OnlyBToA && direction == 1:
		return refused(models.DirectionBarred, direction), nil
	case !set:
		return refused(models.NoTempCallee, 1), nil
	case direction == 0 && b.ShowCaller && caller.Known():
		return refused(models.RealCallerBarred, 0), nil
	case busy && r.held[x] != "":
		return refused(models.CalleeBusy, direction), nil
	}
	return verdict{"connect", to.Reveal(), x, b.id, direction}, nil
}

func (r *reality) axe(app models.App, x string, caller models.Party, keys string, now time.Time) (verdict, error) {
	if own := r.where(now, func(b *bond) bool { return b.x == x && b.a == caller }); len(own) > 0 {
		return r.callBack(app, x, caller, own, now), nil
	}
	b, err := only(r.where(now, func(b *bond) bool { return b.x == x && b.ext == keys }))
	switch {
	case b == nil || err != nil:
		return refused(models.NoExtensionBound, 2), err
	case b.ShowCaller && caller.Known():
		return refused(models.RealCallerBarred, 0), nil
	}
	return verdict{"connect", b.a.Reveal(), x, b.id, 0}, nil
}

func (r *reality) callBack(app models.App, x string, a models.Party, own []*bond, now time.Time) verdict {
	b := r.named[x+a.Reveal()]
	if !slices.Contains(own, b) {
		b = own[len(own)-1]
	}
	number := b.CallbackNum
	if number == "" && b.CallbackTone == "" {
		number = app.Settings.Extension.CallbackNum
	}
	if who, recorded := r.last[x+a.Reveal()].at(now); recorded {
		number = who.Reveal()
	}
	if number == "" || number == a.Reveal() {
		return refused(models.NoCallback, 1)
	}
	return verdict{"connect", number, x, b.id, 1}
}

func (r *reality) axyb(x string, caller models.Party, now time.Time) (verdict, error) {
	relations := r.where(now, func(b *bond) bool {
		return b.parent != nil && (b.x == x && b.b == caller || b.y == x && b.a == caller)
	})
	yb, err := only(relations)
	if err != nil {
		return verdict{}, err
	}
	if yb != nil {
		switch fromA := caller == yb.a; {
		case fromA && yb.Direction == models.OnlyBToA:
			return refused(models.DirectionBarred, 1), nil
		case !fromA && yb.Direction == models.OnlyAToB:
			return refused(models.DirectionBarred, 0), nil
		case fromA:
			return verdict{"connect", yb.b.Reveal(), yb.x, yb.id, 1}, nil
		}
		return verdict{"connect", yb.a.Reveal(), yb.y, yb.id, 0}, nil
	}
	b, err := only(r.where(now, func(b *bond) bool { return b.parent == nil && b.x == x }))
	switch {
	case b == nil || err != nil:
		return refused(models.NoRelation, 2), err
	case caller == b.a:
		return refused(models.DialledOwnX, 1), nil
	case b.Direction == models.OnlyAToB:
		return refused(models.DirectionBarred, 0), nil
	case !caller.Known():
		return refused(models.NoRelation, 0), nil
	}
	return verdict{how: "allocate", id: b.id}, nil
}

// wish is a bind as a tenant asks for it.
type wish struct {
	app      models.App
	x        string // "" lets the platform choose
	a, b     models.Party
	ext      string // "" lets the platform choose
	parent   *bond  // AXYB's second step
	settings models.BindingSettings
}

// judge says with which code a bind fails; "" for one that is granted. numbers are the app's.
func (r *reality) judge(w wish, numbers []string, now time.Time) models.Code {
	mayBe := func(conflict func(x string) models.Code) models.Code {
		if w.x != "" {
			return conflict(w.x)
		}
		if slices.ContainsFunc(numbers, func(x string) bool { return conflict(x) == "" }) {
			return ""
		}
		return models.NoNumber
	}
	switch {
	case w.app.Mode == models.ModeAXB && w.a == w.b:
		return models.Invalid
	case w.app.Mode == models.ModeAXB:
		return mayBe(func(x string) models.Code { return r.axbConflict(w, x, now) })
	case w.app.Mode == models.ModeAXE:
		return mayBe(func(x string) models.Code { return r.axeConflict(w, x, now) })
	case w.parent != nil:
		return r.relationConflict(w, numbers, now)
	}
	return r.judgeX(w, mayBe, now)
}

func (r *reality) axbConflict(w wish, x string, now time.Time) models.Code {
	if len(r.where(now, func(b *bond) bool { return b.x == x && (b.a == w.a || b.a == w.b || b.b == w.a || b.b == w.b) })) > 0 {
		return models.NumberBound
	}
	return ""
}

func (r *reality) axeConflict(w wish, x string, now time.Time) models.Code {
	on := r.where(now, func(b *bond) bool { return b.x == x })
	if len(on) >= w.app.Settings.Extension.Most() || slices.ContainsFunc(on, func(b *bond) bool { return b.ext == w.ext }) {
		return models.ExtensionTaken
	}
	return ""
}

// judgeX is an X for A alone: AX, and AXYB's first step. An A has at most 5 in an app (§2.2, §2.4).
func (r *reality) judgeX(w wish, mayBe func(func(string) models.Code) models.Code, now time.Time) models.Code {
	full := len(r.where(now, func(b *bond) bool { return b.parent == nil && b.a == w.a && r.apps[b.x].ID == w.app.ID })) >= 5
	if full && w.x == "" {
		return models.NumberTaken
	}
	code := mayBe(func(x string) models.Code {
		held := r.where(now, func(b *bond) bool { return b.x == x || b.y == x })
		switch {
		case len(held) == 0:
			return ""
		case held[0].y == x:
			return models.NoNumber
		case held[0].a == w.a:
			return models.BoundAlready
		}
		return models.NumberTaken
	})
	if code == "" && full {
		return models.NumberTaken
	}
	return code
}

func (r *reality) relationConflict(w wish, numbers []string, now time.Time) models.Code {
	switch {
	case !w.parent.live(now):
		return models.NotFound
	case w.b == w.parent.a:
		return models.Invalid
	case len(r.where(now, func(b *bond) bool { return b.parent == w.parent && b.b == w.b })) > 0:
		return models.NumberBound
	case !slices.ContainsFunc(numbers, func(y string) bool { return r.servesAsY(y, w.parent.a, now) }):
		return models.NoNumber
	}
	return ""
}

// servesAsY says that a number can be a Y for an A: nobody's X, and no other Y of his.
func (r *reality) servesAsY(y string, a models.Party, now time.Time) bool {
	return len(r.where(now, func(b *bond) bool { return b.x == y || b.y == y && b.a == a })) == 0
}

// grant takes a binding into the list as the platform made it, and says what is wrong with it.
func (r *reality) grant(w wish, got models.Binding, numbers []string, now time.Time) error {
	made := w
	made.x, made.ext = got.X, got.Extension
	if w.parent != nil {
		made.x = ""
		numbers = []string{got.Y}
	}
	if !slices.Contains(numbers, got.X) && w.parent == nil || w.x != "" && got.X != w.x || w.ext != "" && got.Extension != w.ext {
		return fmt.Errorf("asked for %s %s, was given %s %s", w.x, w.ext, got.X, got.Extension)
	}
	if w.app.Mode == models.ModeAXE && len(got.Extension) != w.app.Settings.Extension.Length() && w.ext == "" {
		return fmt.Errorf("extension %s has another length", got.Extension)
	}
	if code := r.judge(made, numbers, now); code != "" {
		return fmt.Errorf("binding %s was granted against %s", got.ID, code)
	}
	b := &bond{BindingSettings: w.settings, id: got.ID, x: got.X, y: got.Y, ext: got.Extension, a: w.a, b: w.b, parent: w.parent}
	b.clock(now)
	if w.parent != nil {
		b.a, b.Direction = w.parent.a, w.parent.Direction
	}
	if w.app.Mode == models.ModeAXE {
		if key := b.x + b.a.Reveal(); len(r.where(now, func(o *bond) bool { return o.x == b.x && o.a == b.a })) == 0 {
			delete(r.last, key) // whoever called lived with A's bindings on X
		}
		r.named[b.x+b.a.Reveal()] = b
	}
	r.bonds = append(r.bonds, b)
	return nil
}

// clock starts a binding's lifetime.
func (b *bond) clock(now time.Time) {
	b.expires = time.Time{}
	switch {
	case b.Lifetime != 0:
		b.expires = now.Add(time.Duration(b.Lifetime) * time.Second)
	case b.BindTime != 0:
		b.expires = now.Add(time.Duration(b.BindTime) * time.Minute)
	}
}
