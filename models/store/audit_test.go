package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/models"
)

// wantAudit verifies the chain.
func (o *office) wantAudit(t testing.TB, checked int, broken int64) {
	t.Helper()
	n, at, err := o.VerifyAudit(context.Background())
	if err != nil || n != checked || at != broken {
		t.Errorf("verified %d lines, broken at %d, %v; want %d and %d", n, at, err, checked, broken)
	}
}

func (o *office) audited(t testing.TB, lines ...models.Audit) {
	t.Helper()
	for _, a := range lines {
		if err := o.Audited(context.Background(), a); err != nil {
			t.Fatal(err)
		}
	}
}

// lines gives the ids that a filter takes, oldest first, and checks that list and export agree.
func (o *office) lines(t testing.TB, f AuditFilter) (ids []int64) {
	t.Helper()
	ctx := context.Background()
	err := o.EachAudit(ctx, f, func(a models.Audit) error { ids = append(ids, a.ID); return nil })
	if err != nil {
		t.Fatal(err)
	}
	rows, total, err := o.AuditLines(ctx, f, models.Page{Limit: 500})
	if err != nil || total != len(ids) || len(rows) != len(ids) {
		t.Fatalf("%+v: list has %d of %d, export %d, %v", f, len(rows), total, len(ids), err)
	}
	for i, a := range rows {
		if a.ID != ids[len(ids)-1-i] {
			t.Errorf("%+v: list and export differ: %d", f, a.ID)
		}
	}
	return ids
}

func TestAudit(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		o.wantAudit(t, 0, 0)
		full := models.Audit{Who: "ada", Role: models.RoleAdmin, TenantID: 5, Action: "tenant.state", Object: "5", Before: `{"state":"normal"}`,
			After: `{"state":"冻结"}`, From: "192.0.2.1", Request: "r-1"}
		o.audited(t, full, models.Audit{Who: "job:rent", Action: "rent"})
		got := must[models.Audit](t)(o.AuditLine(ctx, 1))
		want := full
		want.ID, want.At, want.Hash = 1, o.clock.Now(), got.Hash
		if got != want || len(got.Hash) != 64 {
			t.Errorf("read %+v, want %+v", got, want)
		}
		second := must[models.Audit](t)(o.AuditLine(ctx, 2))
		if end := must[AuditEnd](t)(o.AuditHead(ctx)); second.Previous != got.Hash || end.Hash != second.Hash || end.Length != 2 {
			t.Errorf("second %+v, end %+v", second, end)
		}
		_, err := o.AuditLine(ctx, 3)
		wantCode(t, err, models.NotFound)
		wantCode(t, o.Audited(ctx, models.Audit{Who: "ada"}), models.Invalid)
		wantCode(t, o.Audited(ctx, models.Audit{Action: "a"}), models.Invalid)
		o.wantAudit(t, 2, 0)
	})
}

func TestAuditFilters(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		o := newOffice(t, cfg)
		began := o.clock.Now()
		for i, who := range []string{"ada", "bob", "ada", "cy", "ada"} {
			o.audited(t, models.Audit{Who: who, TenantID: int64(i % 2), Action: fmt.Sprint("a", i/2), Object: fmt.Sprint(i)})
			if i != 2 { // lines 3 and 4 have one time
				o.clock.advance(time.Minute)
			}
		}
		at := func(m int) time.Time { return began.Add(time.Duration(m) * time.Minute) }
		for _, tt := range []struct {
			f    AuditFilter
			want string
		}{
			{AuditFilter{}, "[1 2 3 4 5]"},
			{AuditFilter{Who: "ada"}, "[1 3 5]"},
			{AuditFilter{Who: "nobody"}, "[]"},
			{AuditFilter{TenantID: 1}, "[2 4]"},
			{AuditFilter{Action: "a1"}, "[3 4]"},
			{AuditFilter{Object: "2"}, "[3]"},
			{AuditFilter{Since: at(2)}, "[3 4 5]"},
			{AuditFilter{Since: at(2).Add(time.Microsecond)}, "[5]"},
			{AuditFilter{Until: at(2)}, "[1 2]"},
			{AuditFilter{Since: at(1), Until: at(3)}, "[2 3 4]"},
			{AuditFilter{Since: at(9)}, "[]"},
			{AuditFilter{Until: at(9)}, "[1 2 3 4 5]"},
			{AuditFilter{Who: "ada", TenantID: 1}, "[]"},
			{AuditFilter{Who: "ada", Since: at(1), Until: at(3)}, "[3]"},
		} {
			if got := fmt.Sprint(o.lines(t, tt.f)); got != tt.want {
				t.Errorf("%+v: %s, want %s", tt.f, got, tt.want)
			}
		}
	})
}

// TestAuditTampered: whatever somebody does to the rows is found, and where.
func TestAuditTampered(t *testing.T) {
	const lines = 5
	rehash := func(t *testing.T, o *office, a models.Audit) {
		a.Hash = auditHash(a)
		mustExec(t, o.pools[0], "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", auditColumns.values(&a)...)
	}
	for _, tt := range []struct {
		name    string
		stmts   []string
		do      func(*testing.T, *office)
		checked int
		broken  int64
	}{
		{name: "who", stmts: []string{"UPDATE audit SET who = 'eve' WHERE id = 3"}, checked: 2, broken: 3},
		{name: "time", stmts: []string{"UPDATE audit SET at = at + 1 WHERE id = 3"}, checked: 2, broken: 3},
		{name: "what was", stmts: []string{"UPDATE audit SET was = '{}' WHERE id = 1"}, checked: 0, broken: 1},
		{name: "text moved between fields", stmts: []string{"UPDATE audit SET action = 'a3x', object = '' WHERE id = 4"}, checked: 3, broken: 4},
		{name: "removed", stmts: []string{"DELETE FROM audit WHERE id = 3"}, checked: 2, broken: 3},
		{name: "first removed", stmts: []string{"DELETE FROM audit WHERE id = 1"}, checked: 0, broken: 1},
		{name: "last removed", stmts: []string{"DELETE FROM audit WHERE id = 5"}, checked: 4, broken: 5},
		{name: "all removed", stmts: []string{"DELETE FROM audit"}, checked: 0, broken: 1},
		{name: "end forgotten", stmts: []string{"DELETE FROM audit_head"}, checked: 0, broken: 1, do: func(t *testing.T, o *office) {
			err := o.Audited(context.Background(), models.Audit{Who: "ada", Action: "next"})
			if err == nil || !strings.Contains(err.Error(), "audit verify") {
				t.Errorf("a line without an end to append to: %v", err)
			}
		}},
		{name: "last removed, end set back", stmts: []string{"DELETE FROM audit WHERE id = 5", "UPDATE audit_head SET length = 4"}, checked: 3, broken: 4},
		{name: "swapped", stmts: []string{"UPDATE audit SET id = 99 WHERE id = 2", "UPDATE audit SET id = 2 WHERE id = 3", "UPDATE audit SET id = 3 WHERE id = 99"}, checked: 1, broken: 2},
		{name: "put before the first", stmts: []string{"UPDATE audit SET id = 0 WHERE id = 3"}, checked: 0, broken: 1},
		{name: "appended with a wrong hash", checked: lines, broken: lines + 1, do: func(t *testing.T, o *office) {
			a := must[models.Audit](t)(o.AuditLine(context.Background(), lines))
			a.ID, a.Previous = lines+1, a.Hash
			mustExec(t, o.pools[0], "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", auditColumns.values(&a)...)
			mustExec(t, o.pools[0], "UPDATE audit_head SET length = length + 1")
		}},
		{name: "appended with a right hash, behind the end", checked: lines, broken: lines + 1, do: func(t *testing.T, o *office) {
			a := must[models.Audit](t)(o.AuditLine(context.Background(), lines))
			a.ID, a.Previous = lines+1, a.Hash
			rehash(t, o, a)
			err := o.Audited(context.Background(), models.Audit{Who: "ada", Action: "next"})
			if err == nil || !strings.Contains(err.Error(), "audit verify") {
				t.Errorf("the line after a forged one: %v", err)
			}
		}},
		{name: "altered with a new hash", checked: 3, broken: 4, do: func(t *testing.T, o *office) {
			a := must[models.Audit](t)(o.AuditLine(context.Background(), 3))
			mustExec(t, o.pools[0], "DELETE FROM audit WHERE id = 3")
			a.Who = "eve"
			rehash(t, o, a)
		}},
		{name: "last altered with a new hash", checked: 4, broken: 5, do: func(t *testing.T, o *office) {
			a := must[models.Audit](t)(o.AuditLine(context.Background(), lines))
			mustExec(t, o.pools[0], "DELETE FROM audit WHERE id = 5")
			a.Who = "eve"
			rehash(t, o, a)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, cfg Config) {
				o := newOffice(t, cfg)
				for i := range lines {
					o.audited(t, models.Audit{Who: "ada", Action: fmt.Sprint("a", i), Object: "x", Before: "1"})
				}
				o.wantAudit(t, lines, 0)
				for _, stmt := range tt.stmts {
					mustExec(t, o.pools[0], stmt)
				}
				if tt.do != nil {
					tt.do(t, o)
				}
				o.wantAudit(t, tt.checked, tt.broken)
			})
		})
	}
}

// TestAuditAtOnce appends from many goroutines of two daemons, with and without other changes, and some of it is undone: one chain.
func TestAuditAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		stores := []*Store{o.Store, o.Store}
		if cfg.Driver == MySQL {
			cfg.Clock = o.clock.Now
			stores[1] = open(t, cfg)
		}
		const workers, each = 8, 20
		var wg sync.WaitGroup
		for w := range workers {
			s := stores[w%2]
			wg.Go(func() {
				for i := range each {
					who := fmt.Sprint("w", w)
					err := s.Within(ctx, func(ctx context.Context) error {
						if err := s.SetTenantState(ctx, o.house.tenant.ID, []models.State{models.StateNormal, models.StateFrozen}[i%2]); err != nil {
							return err
						}
						if err := s.Audited(ctx, models.Audit{Who: who, Action: "tenant.state", Object: fmt.Sprint(i)}); err != nil {
							return err
						}
						if i%5 == 0 {
							return errUndo
						}
						return nil
					})
					if err != nil && !errors.Is(err, errUndo) {
						t.Error(err)
					}
					if err := s.Audited(ctx, models.Audit{Who: who, Action: "alone", Object: fmt.Sprint(i)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		verified := make(chan struct{})
		go func() { // no line that is being appended is taken for a broken one
			defer close(verified)
			for range 20 {
				if n, broken, err := o.VerifyAudit(ctx); err != nil || broken != 0 {
					t.Errorf("while lines are appended: %d checked, broken at %d, %v", n, broken, err)
				}
			}
		}()
		wg.Wait()
		<-verified
		o.wantAudit(t, workers*(each+each*4/5), 0)
		if got := len(o.lines(t, AuditFilter{Who: "w3"})); got != each+each*4/5 {
			t.Errorf("w3 has %d lines", got)
		}
	})
}

// TestAuditOddLines: what does not fit is cut, and the line still verifies as it reads.
func TestAuditOddLines(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		long := strings.Repeat("名", 70_000)
		o.audited(t, models.Audit{Who: long, Role: models.Role(long), Action: long, Object: long, Before: `"` + long + `"`, After: strings.Repeat("x", changeMost), From: long, Request: long},
			models.Audit{Who: "a\xffb", Action: "nul\x00", Object: "blank ", Before: "\xf0\x28", After: "😀 "})
		o.wantAudit(t, 2, 0)
		a := must[models.Audit](t)(o.AuditLine(ctx, 1))
		if want := fmt.Sprintf(`{"bytes":%d,"sha256":"`, len(long)+2); !strings.HasPrefix(a.Before, want) || len(a.After) != changeMost || len([]rune(a.Who)) != whoMost {
			t.Errorf("before %.80s, after %d bytes, who %d characters", a.Before, len(a.After), len([]rune(a.Who)))
		}
		if a := must[models.Audit](t)(o.AuditLine(ctx, 2)); a.Who != "a\uFFFDb" || a.Action != "nul\uFFFD" || a.Object != "blank " || a.After != "😀 " {
			t.Errorf("%+v", a)
		}
	})
}

// TestAuditClockSetBack: lines stay in order of time, which the filters by time rely on.
func TestAuditClockSetBack(t *testing.T) {
	o := newOffice(t, sqliteConfig(t))
	now := o.clock.Now()
	o.audited(t, models.Audit{Who: "ada", Action: "a"})
	o.clock.advance(-time.Hour)
	o.audited(t, models.Audit{Who: "ada", Action: "b"})
	o.wantAudit(t, 2, 0)
	if got := o.lines(t, AuditFilter{Since: now}); len(got) != 2 {
		t.Errorf("since the first line: %v", got)
	}
}

// TestEachAuditPages: an export goes on behind a full page, and ends with the first error.
func TestEachAuditPages(t *testing.T) {
	ctx := context.Background()
	o := newOffice(t, sqliteConfig(t))
	const n = 2*auditPage + 1
	err := o.Within(ctx, func(ctx context.Context) error {
		for range n {
			if err := o.Audited(ctx, models.Audit{Who: "ada", Action: "a"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := o.lines(t, AuditFilter{Who: "ada"}); len(got) != n || got[n-1] != n {
		t.Errorf("%d lines", len(got))
	}
	o.wantAudit(t, n, 0)
	mine, seen := errors.New("mine"), 0
	err = o.EachAudit(ctx, AuditFilter{}, func(models.Audit) error {
		if seen++; seen == auditPage+1 {
			return mine
		}
		return nil
	})
	if !errors.Is(err, mine) || seen != auditPage+1 {
		t.Errorf("ended after %d with %v", seen, err)
	}
	mustExec(t, o.pools[0], "UPDATE audit SET action = 'b' WHERE id = ?", n-1)
	o.wantAudit(t, n-2, n-1)
}
