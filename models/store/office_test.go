package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"maskline/models"
)

// office is a house with people who work for it.
type office struct {
	*house
	admin  models.Operator // of the platform
	tenant models.Operator // of the house's tenant
}

func newOffice(t testing.TB, cfg Config) *office {
	t.Helper()
	o := &office{house: newHouse(t, cfg)}
	o.admin = o.hire(t, models.Operator{Name: "ada", Role: models.RoleAdmin, Password: "hash of ada's"})
	o.tenant = o.hire(t, models.Operator{Name: "tim@acme", Role: models.RoleTenantAdmin, TenantID: o.house.tenant.ID})
	return o
}

func (o *office) hire(t testing.TB, who models.Operator) models.Operator {
	t.Helper()
	if err := o.CreateOperator(context.Background(), &who); err != nil {
		t.Fatal(err)
	}
	return who
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// session and token are logins to be added.
func (o *office) session(who models.Operator, secret string) models.Login {
	return models.Login{OperatorID: who.ID, Kind: models.LoginSession, Hash: hashOf(secret), ExpiresAt: o.clock.Now().Add(time.Hour), From: "192.0.2.1"}
}

func (o *office) token(who models.Operator, secret string) models.Login {
	return models.Login{OperatorID: who.ID, Kind: models.LoginToken, Hash: hashOf(secret), Name: "token " + secret}
}

func (o *office) login(t testing.TB, l models.Login) models.Login {
	t.Helper()
	if err := o.AddLogin(context.Background(), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// admitted says whether a secret lets somebody in.
func (o *office) admitted(t testing.TB, secret string) bool {
	t.Helper()
	_, _, err := o.LoginByHash(context.Background(), hashOf(secret))
	if err != nil {
		wantCode(t, err, models.NotFound)
	}
	return err == nil
}

// TestNothingScansOffice does for operators, audit, leases and jobs what TestNothingScans does for the rest.
func TestNothingScansOffice(t *testing.T) {
	ctx := context.Background()
	o := newOffice(t, sqliteConfig(t))
	var log statementLog
	log.watch(t, o.read)
	log.watch(t, o.write)
	list := func(_ int, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	fine := func(err error) { t.Helper(); list(0, err) }
	page, now := models.Page{Limit: 1}, o.clock.Now()
	guest := o.hire(t, models.Operator{Name: "guest", Role: models.RoleReviewer})
	must[models.Operator](t)(o.OperatorByName(ctx, "ada"))
	for _, f := range []OperatorFilter{{}, {TenantID: 1}, {Role: models.RoleAdmin}, {State: models.StateNormal}, {Name: "a"}, {TenantID: 1, Role: models.RoleTenantRead}} {
		_, n, err := o.Operators(ctx, f, page)
		list(n, err)
	}
	l := o.login(t, o.session(o.admin, "s"))
	o.login(t, o.token(o.admin, "t"))
	o.clock.advance(2 * time.Minute)
	o.admitted(t, "t")
	_, n, err := o.Logins(ctx, o.admin.ID, page)
	list(n, err)
	fine(o.EndLogin(ctx, o.admin.ID, l.ID))
	fine(o.EndLogins(ctx, o.admin.ID, models.LoginToken))
	o.login(t, o.session(o.admin, "u"))
	o.clock.advance(2 * time.Hour)
	list(o.PruneLogins(ctx, 9))
	_, _, err = o.ChangeOperator(ctx, guest.ID, func(g *models.Operator) error { g.State = models.StateSuspended; return nil })
	fine(err)
	must[models.Operator](t)(o.RemoveOperator(ctx, guest.ID))
	fine(o.Audited(ctx, models.Audit{Who: "ada", Action: "a"}))
	must[models.Audit](t)(o.AuditLine(ctx, 1))
	for _, f := range []AuditFilter{{}, {Who: "ada"}, {TenantID: 1}, {Action: "a"}, {Object: "o"}, {Since: now}, {Until: now}, {Who: "ada", Since: now, Until: now},
		{TenantID: 1, Action: "a", Since: now}, {Since: now, Until: now.Add(time.Hour)}} {
		_, n, err := o.AuditLines(ctx, f, page)
		list(n, err)
		fine(o.EachAudit(ctx, f, func(models.Audit) error { return nil }))
	}
	_, _, err = o.VerifyAudit(ctx)
	fine(err)
	o.askLeases(t, fine)
	log.explain(t, o.write)
}

func (o *office) askLeases(t *testing.T, fine func(error)) {
	t.Helper()
	ctx := context.Background()
	l := o.acquire(t, "job:rent", "d1", time.Minute)
	_, _, err := o.Renew(ctx, l, time.Minute)
	fine(err)
	_, _, err = o.Lease(ctx, "job:rent")
	fine(err)
	fine(o.Within(ctx, func(ctx context.Context) error { return o.StillHeld(ctx, l) }))
	fine(o.Release(ctx, l))
	r := must[models.JobRun](t)(o.StartRun(ctx, "rent", "d1"))
	fine(o.EndRun(ctx, r, 1, nil))
	_, _, err = o.JobRuns(ctx, models.Page{Limit: 1})
	fine(err)
}

// TestOfficeByDatabaseClock does without a clock of the test's: the same methods, on MySQL other SQL.
func TestOfficeByDatabaseClock(t *testing.T) {
	onEach(t, func(t *testing.T, cfg Config) {
		ctx := context.Background()
		o := &office{house: &house{Store: open(t, cfg), clock: newClock()}}
		o.clock.advance(time.Since(o.clock.now)) // what session() counts from
		o.admin = o.hire(t, models.Operator{Name: "ada", Role: models.RoleAdmin})
		s := o.login(t, o.session(o.admin, "s"))
		mustExec(t, o.pools[0], "UPDATE logins SET used_at = used_at - 60000000")
		if l, _, err := o.LoginByHash(ctx, s.Hash); err != nil || l.UsedAt.Before(s.UsedAt) {
			t.Errorf("login %+v, %v", l, err)
		}
		mustExec(t, o.pools[0], "UPDATE logins SET expires_at = expires_at - 3600000000")
		if o.admitted(t, "s") {
			t.Error("an expired session lets in")
		}
		held := func(l models.Lease) error {
			return o.Within(ctx, func(ctx context.Context) error { return o.StillHeld(ctx, l) })
		}
		l := o.acquire(t, "job:rent", "d1", time.Hour)
		o.refused(t, "job:rent", "d2")
		if err := held(l); err != nil {
			t.Error(err)
		}
		mustExec(t, o.pools[0], "UPDATE leases SET expires_at = expires_at - 3600000000")
		if err := held(l); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("an expired lease is held: %v", err)
		}
		o.acquire(t, "job:rent", "d2", time.Hour)
		o.audited(t, models.Audit{Who: "ada", Action: "a"})
		o.wantAudit(t, 1, 0)
	})
}
