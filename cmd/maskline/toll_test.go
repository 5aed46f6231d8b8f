package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"maskline/models"
	"maskline/web/admin"
)

func TestTenantLimit(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked = append(asked, r.Method+" "+r.URL.EscapedPath()+" "+string(body))
		answer := admin.Toll{TenantID: 1, Allow: []string{"+852"}, Deny: []string{}, Limits: models.Limits{AtOnce: 50, PerDay: models.NoLimit},
			Platform: models.Toll{Destinations: models.Destinations{Allow: []string{"+86"}, Deny: []string{"+86168"}}, Limits: models.Limits{Minutes: 600}},
			Used:     models.Limits{AtOnce: 3, PerHour: 20, PerDay: 90, Minutes: 45}}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	environ := []string{"MASKLINE_SERVER=" + server.URL, "MASKLINE_TOKEN=" + testToken}
	out, errs, code := execute(t, environ, "tenant", "limit", "Acme Ltd")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"+852", "+86168", "50, 3 used", "no bound (the platform's)", "no bound\n", "600 (the platform's), 45 used"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
	for _, args := range [][]string{
		{"tenant", "limit", "Acme", "--allow", "+852,+853", "--at-once", "50", "--minutes-per-day", "-1"},
		{"tenant", "limit", "Acme", "--allow", "", "--per-hour", "0"},
	} {
		if _, errs, code := execute(t, environ, args...); code != 0 {
			t.Errorf("%v: exit %d: %s", args, code, errs)
		}
	}
	if want := []string{"GET /tenants/Acme%20Ltd/limits ", `PATCH /tenants/Acme/limits {"allow":["+852","+853"],"at_once":50,"minutes_per_day":-1}`, `PATCH /tenants/Acme/limits {"allow":[],"per_hour":0}`}; !slices.Equal(trimmed(asked), want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

// trimmed are requests without the API's prefix and line ends.
func trimmed(asked []string) (out []string) {
	for _, a := range asked {
		out = append(out, strings.TrimSuffix(strings.Replace(a, admin.Prefix, "", 1), "\n"))
	}
	return out
}
