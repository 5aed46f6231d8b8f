package flow

import (
	"cmp"
	"fmt"
	"time"

	"maskline/models"
)

// questions are all that could be asked: every number, every caller and one who hides, the keys that may lead anywhere.
func (w *world) questions() (list []question) {
	for _, app := range w.list {
		for _, x := range append([]string{"+8617999999999"}, w.numbers[app.ID]...) {
			for _, caller := range append([]models.Party{models.Hidden}, w.people...) {
				if app.Mode != models.ModeAXE {
					list = append(list, question{x: x, caller: caller})
					continue
				}
				for e := 1; e < 4; e++ {
					list = append(list, question{x, caller, fmt.Sprintf("%0*d", app.Settings.Extension.Length(), e)})
				}
			}
		}
	}
	return list
}

// compare asks everything of the platform and of the model, and keeps some of the answers for later.
func (w *world) compare() {
	w.Helper()
	for _, q := range w.questions() {
		want, err := w.reach(q.x, q.caller, q.keys, true, w.now)
		if err != nil {
			w.Error(err)
		}
		d, _ := w.decide(q, time.Time{})
		if got := verdictOf(d); got != want {
			w.Errorf("%s dials %s and keys %q: %+v, want %+v (%s)", q.caller, q.x, q.keys, got, want, d.Why)
		}
		w.seen[fmt.Sprint(w.apps[q.x].Mode, " ", want.how)]++
		if w.rnd.IntN(15) == 0 {
			then, _ := w.reach(q.x, q.caller, q.keys, false, w.now)
			w.past = append(w.past, memory{q, w.now, then})
		}
	}
}

// remember asks of the past what was so then. Whether another call held the number is not rebuilt.
func (w *world) remember() {
	w.Helper()
	for _, m := range w.past {
		d, _ := w.decide(m.question, m.at)
		if got := verdictOf(d); got != m.then {
			w.Errorf("%s dialled %s and keyed %q at %s: the history says %+v, it was %+v (%s)", m.caller, m.x, m.keys, m.at.Format(time.TimeOnly), got, m.then, d.Why)
		}
	}
	if len(w.past) < 100 {
		w.Errorf("only %d moments to remember", len(w.past))
	}
}

// call places a call as far as the database sees it: what the lookups say, a Y where one is wanted, and the session with what it takes.
func (w *world) call() {
	q := pick(w.rnd, w.questions()...)
	if live := w.where(w.now, func(*bond) bool { return true }); len(live) > 0 && w.rnd.IntN(4) > 0 {
		b := pick(w.rnd, live...)
		q = question{pick(w.rnd, b.x, cmp.Or(b.y, b.x)), pick(w.rnd, append([]models.Party{b.a, cmp.Or(b.b, b.a), models.Hidden}, w.people...)...), b.ext}
	}
	temporary := w.where(w.now, func(b *bond) bool { _, set := b.temp.at(w.now); return set })
	if len(temporary) > 0 && w.rnd.IntN(3) == 0 {
		b := pick(w.rnd, temporary...)
		q = question{x: b.x, caller: b.a}
	}
	want, err := w.reach(q.x, q.caller, q.keys, true, w.now)
	if err != nil {
		w.Error(err)
	}
	d, s := w.decide(q, time.Time{})
	if got := verdictOf(d); got != want {
		w.Errorf("%s calls %s: %+v, want %+v", q.caller, q.x, got, want)
		return
	}
	if d.Allocate != nil {
		w.allocate(q, d.Allocate.BindingID)
		d, s = w.decide(q, time.Time{})
	}
	if d.Connect == nil {
		return
	}
	w.started++
	k := &ongoing{usesTemp: d.Connect.UsesTemp, bond: w.bondOf(d.BindingID), s: models.Session{ID: fmt.Sprintf("call-%d@sw1", w.started), LegA: fmt.Sprint("leg", w.started),
		Switch: "sw1", Host: "sw1", TenantID: d.TenantID, AppID: d.AppID, BindingID: d.BindingID, Mode: s.App.Mode, Side: d.Side, Dialled: q.x, Caller: q.caller,
		Callee: models.MustParty(d.Connect.To), Plan: d.Plan, Stage: models.StageDialling, StartedAt: w.now}}
	w.record(models.Change{Session: k.s, Exclusive: d.Connect.Exclusive})
	if d.Connect.Exclusive {
		w.held[q.x] = k.s.ID
	}
	if d.Connect.CallBack {
		ch := models.Change{Session: k.s, CallBack: true}
		if d.Connect.CallBackFor > 0 {
			ch.CallBackUntil = w.now.Add(d.Connect.CallBackFor)
		}
		w.record(ch)
	}
	if k.s.Mode == models.ModeAXE && k.s.Callee == k.bond.a && q.caller.Known() {
		key, until := q.x+k.bond.a.Reveal(), time.Time{}
		if k.bond.CallbackTime > 0 {
			until = w.now.Add(time.Duration(k.bond.CallbackTime) * time.Minute)
		}
		w.last[key], w.named[key] = fleeting{q.caller, until}, k.bond
	}
	w.calls = append(w.calls, k)
}

// allocate is B's first call on an X of AXYB.
func (w *world) allocate(q question, id string) {
	parent := w.bondOf(id)
	v := wish{app: w.apps[q.x], parent: parent, b: q.caller, settings: models.BindingSettings{Lifetime: parent.YBLifetime}}
	want := w.judge(v, w.numbers[v.app.ID], w.now)
	got, err := w.st.AllocateY(w.ctx, id, q.caller)
	if models.CodeOf(err) != want {
		w.Errorf("a Y on %s for %s: %v, want %q", q.x, q.caller, err, want)
	}
	if err == nil {
		w.must(w.grant(v, got, w.numbers[v.app.ID], w.now))
	}
}

// goOn lets a call be answered, or end.
func (w *world) goOn() {
	if len(w.calls) == 0 {
		return
	}
	i := pick(w.rnd, w.rnd.IntN(len(w.calls)), len(w.calls)-1)
	k := w.calls[i]
	if !k.answered && w.rnd.IntN(2) == 0 {
		k.answered, k.s.Stage = true, models.StageTalking
		w.record(models.Change{Session: k.s, UseTemp: k.usesTemp})
		if k.usesTemp && k.bond.live(w.now) && k.bond.a == k.s.Caller && k.bond.temp.who == k.s.Callee {
			k.bond.temp = fleeting{}
		}
		return
	}
	k.s.Stage, k.s.EndedAt = models.StageEnded, w.now
	w.record(models.Change{Session: k.s})
	if w.held[k.s.Dialled] == k.s.ID {
		delete(w.held, k.s.Dialled)
	}
	w.calls = append(w.calls[:i], w.calls[i+1:]...)
}

func (w *world) record(c models.Change) {
	w.Helper()
	if applied, err := w.st.Record(w.ctx, c); err != nil || !applied {
		w.Fatalf("record %s: %t, %v", c.Session.ID, applied, err)
	}
}

func (w *world) bondOf(id string) *bond {
	for _, b := range w.bonds {
		if b.id == id {
			return b
		}
	}
	w.Fatalf("no binding %s", id)
	return nil
}

// sawEverything makes sure that the random steps led to every kind of end that is not rare: a model that never meets a case tests nothing of it.
func (w *world) sawEverything() {
	w.Helper()
	for mode, states := range map[models.Mode][]models.StateCode{
		models.ModeAXB: {models.NoBinding, models.DirectionBarred}, models.ModeAX: {models.NoPermission, models.DirectionBarred, models.NoTempCallee},
		models.ModeAXE: {models.NoExtensionBound, models.NoCallback}, models.ModeAXYB: {models.NoRelation, models.DialledOwnX, models.DirectionBarred},
	} {
		for _, state := range states {
			if w.seen[fmt.Sprintf("%s %d", mode, state)] == 0 {
				w.Errorf("mode %s was never refused with %d", mode, state)
			}
		}
		if w.seen[string(mode)+" connect"] == 0 {
			w.Errorf("nobody was put through in mode %s", mode)
		}
	}
	if w.seen["axyb allocate"] == 0 || w.seen["x ask"] == 0 {
		w.Error("no Y was wanted, or no tenant asked")
	}
}
