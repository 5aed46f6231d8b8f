package admin

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

var update = flag.Bool("update", false, "write testdata/permissions.txt anew; read the difference before it is committed")

// roleSession gives a fresh session of an account of a role.
func (l *lab) roleSession(operator int64) person {
	l.t.Helper()
	l.sessions++
	secret := fmt.Sprintf("session %d of operator %d", l.sessions, operator)
	login := models.Login{OperatorID: operator, Kind: models.LoginSession, Hash: hashSecret(secret), ExpiresAt: time.Now().Add(time.Hour)}
	if err := l.store.AddLogin(l.t.Context(), &login); err != nil {
		l.t.Fatal(err)
	}
	return person{session: secret, script: true}
}

// people makes an account of each role; those of a tenant's belong to the tenant.
func (l *lab) people(tenant int64) map[models.Role]int64 {
	l.t.Helper()
	out := map[models.Role]int64{}
	for _, role := range models.Roles {
		o := models.Operator{Name: fmt.Sprintf("%s.%d", role, tenant), Role: role}
		if role.OfTenant() {
			o.TenantID = tenant
		}
		if err := l.store.CreateOperator(l.t.Context(), &o); err != nil {
			l.t.Fatal(err)
		}
		out[role] = o.ID
	}
	return out
}

// fill puts values in the place of a route's parameters.
func fill(path string, value func(name string) string) string {
	parts := strings.Split(strings.TrimPrefix(path, Prefix), "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = value(name)
		}
	}
	return strings.Join(parts, "/")
}

// TestPermissionMatrix tries every route as every role, and as nobody, and compares who gets in with testdata/permissions.txt: the statement of who
// may do what that people read and agree on.
func TestPermissionMatrix(t *testing.T) {
	l := newLab(t)
	people := l.people(l.tenantNamed("Acme"))
	var matrix []string
	for _, r := range l.engine.Routes() {
		path := fill(r.Path, func(string) string { return "999999" })
		may := []string{}
		if _, w := l.raw(person{script: true}, r.Method, path, ""); w.Code != http.StatusUnauthorized || strings.HasSuffix(path, "/login") {
			may = append(may, "nobody")
		}
		for _, role := range models.Roles {
			if _, w := l.raw(l.roleSession(people[role]), r.Method, path, ""); w.Code != http.StatusForbidden {
				may = append(may, string(role))
			}
		}
		if !slices.Contains(may, "admin") {
			t.Errorf("%s %s: not even an admin gets in; is it registered through handle?", r.Method, r.Path)
		}
		matrix = append(matrix, fmt.Sprintf("%-7s%-45s %s", r.Method, strings.TrimPrefix(r.Path, Prefix), strings.Join(may, " ")))
	}
	slices.SortFunc(matrix, func(a, b string) int { return strings.Compare(a[7:], b[7:]) })
	got := strings.Join(matrix, "\n") + "\n"
	file := filepath.Join("testdata", "permissions.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stated := strings.Split(strings.TrimSpace(string(want)), "\n")
	for _, line := range matrix {
		if !slices.Contains(stated, line) {
			t.Errorf("so it is:    %s\nwhich is not what testdata/permissions.txt states; when it is right: go test -run Matrix -update", line)
		}
	}
	for _, line := range stated {
		if !slices.Contains(matrix, line) {
			t.Errorf("stated, and not so: %s", line)
		}
	}
}

// TestRolesKeepApart holds what must never be granted, whatever the tables say.
func TestRolesKeepApart(t *testing.T) {
	for role, never := range map[models.Role][]Permission{
		models.RoleOperator:    {MoneyChange, MoneyView, PricesView, PriceChange, PromptsReview, EnterprisesReview, OrdersReview, OperatorsManage},
		models.RoleReviewer:    {MoneyChange, MoneyView, OperatorsManage, TenantsChange, NumbersChange, Reveal, RecordingsHear},
		models.RoleFinance:     {PromptsReview, EnterprisesReview, OrdersReview, OperatorsManage, TenantsChange, Reveal, RecordingsHear},
		models.RoleTenantAdmin: {MoneyChange, PriceChange, PromptsReview, EnterprisesReview, OrdersReview, OrdersDeliver, OperatorsManage, TenantsChange, NumbersChange, PlatformView, PlatformChange, StockView, StockChange, JobsView, JobsRun, LedgerCheck, AuditVerify, BarredChange, RecordingsRemove},
	} {
		for _, p := range never {
			if may(role, p) {
				t.Errorf("%s has %s", role, p)
			}
		}
	}
	for _, p := range granted[models.RoleTenantRead] {
		if !may(models.RoleTenantAdmin, p) || !strings.HasSuffix(string(p), ".view") && p != RecordingsHear {
			t.Errorf("a tenant's reader has %s", p)
		}
	}
	for role, has := range granted {
		for _, p := range has {
			if !slices.Contains(Permissions, p) {
				t.Errorf("%s has %s, which is not listed in Permissions", role, p)
			}
		}
	}
	if may("", Known) || may("", TenantsView) || !may("", Anybody) {
		t.Error("nobody may more than anybody")
	}
}

func TestRevealNeedsItsPermission(t *testing.T) {
	l := newLab(t)
	l.bound()
	for role, operator := range l.people(l.tenantNamed("Beta")) {
		want := http.StatusForbidden
		if may(role, BindingsView) && may(role, Reveal) {
			want = http.StatusOK
		}
		if w := l.by(l.roleSession(operator), "GET", "/bindings?reveal=true", ""); w.Code != want {
			t.Errorf("%s: %d, want %d", role, w.Code, want)
		}
	}
}
