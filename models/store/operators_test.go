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

func TestOperators(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		for _, tt := range []struct {
			who  models.Operator
			code models.Code
		}{
			{models.Operator{Name: "ada", Role: models.RoleAdmin}, models.Conflict},
			{models.Operator{Name: "", Role: models.RoleAdmin}, models.Invalid},
			{models.Operator{Name: "bo b", Role: models.RoleAdmin}, models.Invalid},
			{models.Operator{Name: strings.Repeat("b", 65), Role: models.RoleAdmin}, models.Invalid},
			{models.Operator{Name: "bob", Role: "root"}, models.Invalid},
			{models.Operator{Name: "bob", Role: models.RoleTenantRead}, models.Invalid},
			{models.Operator{Name: "bob", Role: models.RoleFinance, TenantID: o.house.tenant.ID}, models.Invalid},
			{models.Operator{Name: "bob", Role: models.RoleAdmin, State: models.StateFrozen}, models.Invalid},
			{models.Operator{Name: "bob", Role: models.RoleTenantRead, TenantID: 99}, models.NotFound},
		} {
			wantCode(t, o.CreateOperator(ctx, &tt.who), tt.code)
			if tt.who.ID != 0 {
				t.Errorf("a refused operator got id %d", tt.who.ID)
			}
		}
		if got := must[models.Operator](t)(o.OperatorByName(ctx, "ada")); got != o.admin || got.State != models.StateNormal || !got.CreatedAt.Equal(o.clock.Now()) {
			t.Errorf("read %+v, stored %+v", got, o.admin)
		}
		_, err := o.OperatorByName(ctx, "ADA")
		wantCode(t, err, models.NotFound)
		_, err = o.Operator(ctx, 99)
		wantCode(t, err, models.NotFound)
		for _, tt := range []struct {
			f    OperatorFilter
			want string
		}{
			{OperatorFilter{}, "[tim@acme ada]"}, {OperatorFilter{TenantID: o.house.tenant.ID}, "[tim@acme]"}, {OperatorFilter{Role: models.RoleAdmin}, "[ada]"},
			{OperatorFilter{State: models.StateSuspended}, "[]"}, {OperatorFilter{Name: "ti"}, "[tim@acme]"},
		} {
			rows, total, err := o.Operators(ctx, tt.f, models.Page{})
			if err != nil {
				t.Fatal(err)
			}
			names := []string{}
			for _, r := range rows {
				names = append(names, r.Name)
			}
			if fmt.Sprint(names) != tt.want || total != len(names) {
				t.Errorf("%+v: %v of %d, want %s", tt.f, names, total, tt.want)
			}
		}
	})
}

func TestChangeOperator(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		set := func(f func(*models.Operator)) (models.Operator, models.Operator, error) {
			return o.ChangeOperator(ctx, o.admin.ID, func(a *models.Operator) error { f(a); return nil })
		}
		_, _, err := set(func(a *models.Operator) { a.Name = "tim@acme" })
		wantCode(t, err, models.Conflict)
		_, _, err = set(func(a *models.Operator) { a.Role = models.RoleTenantRead })
		wantCode(t, err, models.Invalid)
		_, _, err = set(func(a *models.Operator) { a.Role, a.TenantID = models.RoleTenantRead, 99 })
		wantCode(t, err, models.NotFound)
		mine := errors.New("mine")
		if _, _, err = o.ChangeOperator(ctx, o.admin.ID, func(*models.Operator) error { return mine }); !errors.Is(err, mine) {
			t.Errorf("error %v", err)
		}
		_, _, err = o.ChangeOperator(ctx, 99, func(*models.Operator) error { return nil })
		wantCode(t, err, models.NotFound)
		if got := must[models.Operator](t)(o.Operator(ctx, o.admin.ID)); got != o.admin {
			t.Errorf("refused changes left %+v", got)
		}
		was, is, err := set(func(a *models.Operator) { a.Role, a.ID, a.CreatedAt = models.RoleFinance, 7, time.Time{} })
		want := o.admin
		want.Role = models.RoleFinance
		if err != nil || was != o.admin || is != want || must[models.Operator](t)(o.Operator(ctx, o.admin.ID)) != want {
			t.Errorf("from %+v to %+v, %v", was, is, err)
		}
	})
}

// TestWhatEndsLogins: which changes of an account end what.
func TestWhatEndsLogins(t *testing.T) {
	for _, tt := range []struct {
		name           string
		change         func(*models.Operator)
		session, token bool
	}{
		{"role", func(a *models.Operator) { a.Role = models.RoleFinance }, true, true},
		{"password", func(a *models.Operator) { a.Password = "new" }, false, true},
		{"suspended", func(a *models.Operator) { a.State = models.StateSuspended }, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := context.Background()
			o := newOffice(t, sqliteConfig(t))
			o.login(t, o.session(o.admin, "s"))
			o.login(t, o.token(o.admin, "t"))
			o.login(t, o.session(o.tenant, "other"))
			if _, _, err := o.ChangeOperator(ctx, o.admin.ID, func(a *models.Operator) error { tt.change(a); return nil }); err != nil {
				t.Fatal(err)
			}
			if o.admitted(t, "s") != tt.session || o.admitted(t, "t") != tt.token || !o.admitted(t, "other") {
				t.Errorf("session %v, token %v, other %v", o.admitted(t, "s"), o.admitted(t, "t"), o.admitted(t, "other"))
			}
			if _, _, err := o.ChangeOperator(ctx, o.admin.ID, func(a *models.Operator) error { a.State = models.StateNormal; return nil }); err != nil {
				t.Fatal(err)
			}
			if o.admitted(t, "s") != tt.session || !o.admitted(t, "t") {
				t.Error("restored, the session is back or the token gone")
			}
		})
	}
}

func TestRemoveOperator(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		o.login(t, o.token(o.admin, "t"))
		if was := must[models.Operator](t)(o.RemoveOperator(ctx, o.admin.ID)); was != o.admin {
			t.Errorf("removed %+v", was)
		}
		if o.admitted(t, "t") {
			t.Error("the token of a removed operator lets in")
		}
		_, err := o.RemoveOperator(ctx, o.admin.ID)
		wantCode(t, err, models.NotFound)
		again := o.hire(t, models.Operator{Name: "ada", Role: models.RoleReviewer})
		if o.admitted(t, "t") {
			t.Errorf("the old token became one of the new %+v", again)
		}
	})
}

// TestWithinUndoesBoth: a thing and its audit line stand or fall together, alone and inside Once.
func TestWithinUndoesBoth(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		mine := errors.New("mine")
		change := func(after error) func(context.Context) error {
			return func(ctx context.Context) error {
				if err := o.SetTenantState(ctx, o.house.tenant.ID, models.StateFrozen); err != nil {
					return err
				}
				if err := o.Audited(ctx, models.Audit{Who: "ada", Action: "tenant.state"}); err != nil {
					return err
				}
				return after
			}
		}
		state := func() models.State { return must[models.Tenant](t)(o.Tenant(ctx, o.house.tenant.ID)).State }
		lines := func() int64 { return must[AuditEnd](t)(o.AuditHead(ctx)).Length }
		if err := o.Within(ctx, change(mine)); !errors.Is(err, mine) || state() != models.StateNormal || lines() != 0 {
			t.Fatalf("undone: %v, tenant %s, %d lines", err, state(), lines())
		}
		// Inside another one only the inner one is undone.
		err := o.Within(ctx, func(ctx context.Context) error {
			if err := o.Within(ctx, change(mine)); !errors.Is(err, mine) {
				t.Errorf("inner: %v", err)
			}
			return o.Audited(ctx, models.Audit{Who: "ada", Action: "tried"})
		})
		if err != nil || state() != models.StateNormal || lines() != 1 {
			t.Fatalf("outer: %v, tenant %s, %d lines", err, state(), lines())
		}
		if err := o.Within(ctx, change(nil)); err != nil || state() != models.StateFrozen || lines() != 2 {
			t.Fatalf("done: %v, tenant %s, %d lines", err, state(), lines())
		}
		o.wantAudit(t, 2, 0)
	})
}

// TestLoginsAtOnce: the bound holds for logins that come together.
func TestLoginsAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		o := newOffice(t, cfg)
		for i := range LoginsMost - 2 {
			o.login(t, o.token(o.admin, fmt.Sprint("t", i)))
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		added := 0
		for i := range 8 {
			wg.Go(func() {
				l := o.token(o.admin, fmt.Sprint("late", i))
				err := o.AddLogin(context.Background(), &l)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					added++
				} else if models.CodeOf(err) != models.Conflict {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if added != 2 {
			t.Errorf("%d tokens were added beside %d", added, LoginsMost-2)
		}
	})
}
