package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

func TestLogins(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		began := o.clock.Now()
		s := o.login(t, o.session(o.admin, "s"))
		l, who, err := o.LoginByHash(ctx, s.Hash)
		want := o.admin
		want.LoginAt = began
		if err != nil || l != s || who != want || !s.CreatedAt.Equal(began) {
			t.Errorf("login %+v of %+v, %v; added %+v", l, who, err, s)
		}
		tok := o.login(t, o.token(o.tenant, "t"))
		if _, who, err := o.LoginByHash(ctx, tok.Hash); err != nil || who != o.tenant {
			t.Errorf("a token is of %+v, %v", who, err)
		}
		o.clock.advance(59 * time.Minute)
		if !o.admitted(t, "s") || o.admitted(t, "none") {
			t.Error("a session before its end is refused, or an unknown one let in")
		}
		o.clock.advance(time.Minute)
		if o.admitted(t, "s") || !o.admitted(t, "t") {
			t.Error("an expired session lets in, or a token without an end does not")
		}
		for _, who := range []models.Operator{o.admin, o.tenant} {
			rows, total, err := o.Logins(ctx, who.ID, models.Page{})
			if want := map[int64]int{o.tenant.ID: 1}[who.ID]; err != nil || len(rows) != want || total != want {
				t.Errorf("%s has %d of %d logins, %v", who.Name, len(rows), total, err)
			}
		}
		wantCode(t, o.EndLogin(ctx, o.admin.ID, tok.ID), models.NotFound)
		if err := o.EndLogin(ctx, o.tenant.ID, tok.ID); err != nil || o.admitted(t, "t") {
			t.Errorf("end token: %v", err)
		}
		if n := must[int](t)(o.PruneLogins(ctx, 10)); n != 1 {
			t.Errorf("%d expired logins were pruned", n)
		}
	})
}

func TestLoginRefused(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		o.login(t, o.session(o.admin, "there"))
		if _, _, err := o.ChangeOperator(ctx, o.tenant.ID, func(a *models.Operator) error { a.State = models.StateSuspended; return nil }); err != nil {
			t.Fatal(err)
		}
		for name, tt := range map[string]struct {
			change func(*models.Login)
			code   models.Code
		}{
			"no hash":            {func(l *models.Login) { l.Hash = "" }, models.Invalid},
			"capitals":           {func(l *models.Login) { l.Hash = strings.ToUpper(l.Hash) }, models.Invalid},
			"the secret itself":  {func(l *models.Login) { l.Hash = "s" }, models.Invalid},
			"endless session":    {func(l *models.Login) { l.ExpiresAt = time.Time{} }, models.Invalid},
			"past end":           {func(l *models.Login) { l.ExpiresAt = o.clock.Now() }, models.Invalid},
			"kind":               {func(l *models.Login) { l.Kind = "cookie" }, models.Invalid},
			"nameless token":     {func(l *models.Login) { l.Kind = models.LoginToken }, models.Invalid},
			"long name":          {func(l *models.Login) { l.Name = strings.Repeat("名", 65) }, models.Invalid},
			"same hash":          {func(l *models.Login) { l.Hash = hashOf("there") }, models.Conflict},
			"unknown operator":   {func(l *models.Login) { l.OperatorID = 99 }, models.NotFound},
			"suspended operator": {func(l *models.Login) { l.OperatorID = o.tenant.ID }, models.NotFound},
		} {
			l := o.session(o.admin, "s")
			tt.change(&l)
			err := o.AddLogin(ctx, &l)
			if models.CodeOf(err) != tt.code {
				t.Errorf("%s: %v, want %s", name, err, tt.code)
			}
		}
	})
}

// TestUsedAt: a login that is used all the time is written once a minute.
func TestUsedAt(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := newOffice(t, cfg)
		l := o.login(t, o.token(o.admin, "t"))
		began := o.clock.Now()
		for _, tt := range []struct{ wait, used time.Duration }{{59 * time.Second, 0}, {time.Second, time.Minute}, {30 * time.Second, time.Minute}, {time.Hour, time.Hour + 90*time.Second}} {
			o.clock.advance(tt.wait)
			got, _, err := o.LoginByHash(ctx, l.Hash)
			if err != nil || !got.UsedAt.Equal(began.Add(tt.used)) {
				t.Errorf("at %v used at %v, %v; want %v", o.clock.Now().Sub(began), got.UsedAt.Sub(began), err, tt.used)
			}
			rows, _, err := o.Logins(ctx, o.admin.ID, models.Page{})
			if err != nil || len(rows) != 1 || !rows[0].UsedAt.Equal(got.UsedAt) {
				t.Errorf("stored %+v, %v", rows, err)
			}
		}
	})
}

// TestSessionsAreBounded: the oldest session ends when one too many begins, and expired ones do not count.
func TestSessionsAreBounded(t *testing.T) {
	o := newOffice(t, sqliteConfig(t))
	for i := range LoginsMost {
		o.login(t, o.session(o.admin, fmt.Sprint(i)))
	}
	o.login(t, o.session(o.tenant, "other"))
	o.login(t, o.token(o.admin, "token"))
	if !o.admitted(t, "0") {
		t.Error("a session within the bound is gone")
	}
	o.login(t, o.session(o.admin, "last"))
	if o.admitted(t, "0") || !o.admitted(t, "1") || !o.admitted(t, "last") || !o.admitted(t, "other") || !o.admitted(t, "token") {
		t.Error("another than the oldest session ended")
	}
	o.clock.advance(time.Hour)
	o.login(t, o.session(o.admin, "next"))
	if n := must[int](t)(o.PruneLogins(context.Background(), 500)); n != 1 { // the other operator's; those of this one went with his login
		t.Errorf("%d expired logins were left", n)
	}
}
