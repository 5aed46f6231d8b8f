package store

import (
	"context"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"maskline/models"
)

// reality is what the bindings of the house should be: the simplest thing that could route.
type reality struct {
	open map[string]models.Binding
	past []moment
}

// moment is who a caller reached on a number at a time.
type moment struct {
	x      string
	caller models.Party
	at     time.Time
	dest   models.Party
}

func (r *reality) live(x string, caller models.Party, now time.Time) (models.Binding, models.Party) {
	for _, b := range r.open {
		switch {
		case b.X != x || !b.Live(now):
		case b.A == caller:
			return b, b.B
		case b.B == caller:
			return b, b.A
		}
	}
	return models.Binding{}, models.Party{}
}

// TestRoutesFollowTheModel binds, unbinds, modifies and lets expire at random and compares every route with a small model: each caller has
// at most one destination on each number, the model's, now and at every time past.
func TestRoutesFollowTheModel(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 0))
		h := newHouse(t, cfg)
		m := &reality{open: map[string]models.Binding{}}
		people := []models.Party{alice, bob, carol, dave}
		for step := range 250 {
			h.clock.advance(time.Duration(rnd.IntN(20_000_000)) * time.Microsecond)
			h.randomStep(t, rnd, m, people)
			if step%5 == 0 {
				h.compare(t, m, people)
			}
			if t.Failed() {
				t.Fatalf("after step %d", step)
			}
		}
		for _, p := range m.past {
			v := must[models.Sight](t)(h.SightAt(context.Background(), p.x, p.caller, p.at))
			var dest models.Party
			if v.Route != nil && v.Route.Live(v.Now) {
				dest = v.Route.Destination
			}
			if dest != p.dest {
				t.Errorf("%v on %s at %v reached %v, the history says %v", p.caller, p.x, p.at, p.dest, dest)
			}
		}
	})
}

func (h *house) randomStep(t *testing.T, rnd *rand.Rand, m *reality, people []models.Party) {
	t.Helper()
	ctx, now := context.Background(), h.clock.Now()
	x := []string{x1, x2}[rnd.IntN(2)]
	a, b := people[rnd.IntN(4)], people[rnd.IntN(4)]
	ids := []string{}
	for id := range maps.Keys(m.open) {
		ids = append(ids, id)
	}
	switch kind := rnd.IntN(10); {
	case kind < 5 || len(ids) == 0:
		r := h.request(x, a, b)
		r.Settings.Lifetime = []int{0, 60, 90}[rnd.IntN(3)]
		_, da := m.live(x, a, now)
		_, db := m.live(x, b, now)
		got, err := h.Bind(ctx, r)
		want := models.Code("")
		if a == b {
			want = models.Invalid
		} else if !da.IsZero() || !db.IsZero() {
			want = models.NumberBound
		}
		wantCode(t, err, want)
		if err == nil {
			m.open[got.ID] = got
		}
	case kind < 7:
		id := ids[rnd.IntN(len(ids))]
		_, err := h.Unbind(ctx, h.app.ID, UnbindBy{SubscriptionID: id})
		if m.open[id].Live(now) != (err == nil) {
			t.Errorf("unbind: %v", err)
		}
		delete(m.open, id)
	case kind < 9:
		h.randomModify(t, rnd, m, m.open[ids[rnd.IntN(len(ids))]], b)
	default:
		must[int](t)(h.ExpireBindings(ctx, 1+rnd.IntN(10)))
	}
}

func (h *house) randomModify(t *testing.T, rnd *rand.Rand, m *reality, old models.Binding, b models.Party) {
	t.Helper()
	now := h.clock.Now()
	lifetime := []int{0, 60, 90, old.Lifetime}[rnd.IntN(4)]
	got, err := h.Modify(context.Background(), h.app.ID, old.ID, func(v *models.Binding) error {
		v.B, v.Lifetime = b, lifetime
		return nil
	})
	other, _ := m.live(old.X, b, now)
	switch {
	case !old.Live(now):
		wantCode(t, err, models.NotFound)
	case b == old.A:
		wantCode(t, err, models.Invalid)
	case other.ID != "" && other.ID != old.ID:
		wantCode(t, err, models.NumberBound)
	default:
		wantCode(t, err, "")
		m.open[old.ID] = got
	}
}

func (h *house) compare(t *testing.T, m *reality, people []models.Party) {
	t.Helper()
	now := h.clock.Now()
	for _, x := range []string{x1, x2} {
		for _, p := range people {
			_, want := m.live(x, p, now)
			if got := h.destination(t, x, p); got != want {
				t.Errorf("%v on %s reaches %v, want %v", p, x, got, want)
			}
			m.past = append(m.past, moment{x, p, now, want})
		}
		open := must[[]models.Binding](t)(bindingColumns.all(h.read, "WHERE t.x = ? AND t.closed_at = 0", x))
		if got := h.pairs(t, x); got != len(open) {
			t.Errorf("%s counts %d pairs, carries %d", x, got, len(open))
		}
	}
}
