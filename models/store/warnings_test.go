package store

import (
	"context"
	"slices"
	"sync"
	"testing"

	"maskline/models"
)

func TestWarnings(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		s, ctx := open(t, cfg), context.Background()
		for _, step := range []struct {
			name     string
			tenant   int64
			standing []string
			month    string
			fresh    []string
		}{
			{"first", 3, []string{"below:100"}, "2026-11", []string{"below:100"}},
			{"again", 3, []string{"below:100"}, "2026-11", nil},
			{"another tenant", 4, []string{"below:100"}, "2026-11", []string{"below:100"}},
			{"one more", 3, []string{"below:20", "below:100"}, "2026-11", []string{"below:20"}},
			{"a new month", 3, []string{"below:20", "below:100"}, "2026-12", []string{"below:100", "below:20"}},
			{"above one", 3, []string{"below:100"}, "2026-12", nil},
			{"below it again", 3, []string{"below:20", "below:100"}, "2026-12", []string{"below:20"}},
			{"above all", 3, nil, "2026-12", nil},
		} {
			fresh, err := s.SetWarnings(ctx, step.tenant, step.standing, step.month)
			if err != nil || !slices.Equal(fresh, step.fresh) {
				t.Fatalf("%s: fresh %q, want %q; %v", step.name, fresh, step.fresh, err)
			}
		}
		got, err := s.Warnings(ctx, 3, 10)
		if err != nil || len(got) != 1 || got[4]["below:100"] != "2026-11" {
			t.Errorf("warnings %v, %v", got, err)
		}
	})
}

func TestOfTwoWhoWarnOneDoes(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		one := open(t, cfg)
		stores := []*Store{one, open(t, cfg)}
		for _, month := range []string{"2026-11", "2026-12"} {
			var mu sync.Mutex
			var all []string
			var group sync.WaitGroup
			for i := range 8 {
				group.Go(func() {
					fresh, err := stores[i%2].SetWarnings(context.Background(), 3, []string{"a", "b"}, month)
					mu.Lock()
					defer mu.Unlock()
					all = append(all, fresh...)
					if err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			slices.Sort(all)
			if !slices.Equal(all, []string{"a", "b"}) {
				t.Errorf("in %s %q were news", month, all)
			}
		}
	})
}

func TestWarningsScanNothing(t *testing.T) {
	h := newHouse(t, sqliteConfig(t))
	ctx := context.Background()
	var log statementLog
	log.watch(t, h.read)
	log.watch(t, h.write)
	must[[]string](t)(h.SetWarnings(ctx, h.tenant.ID, []string{"a", "b"}, "2026-11"))
	must[[]string](t)(h.SetWarnings(ctx, h.tenant.ID, nil, "2026-11"))
	must[map[int64]map[string]string](t)(h.Warnings(ctx, 0, 9))
	must[models.Tenant](t)(h.HeldTenant(ctx, h.tenant.ID))
	log.explain(t, h.write)
	if len(log.list) < 8 {
		t.Errorf("only %d statements were seen", len(log.list))
	}
}
