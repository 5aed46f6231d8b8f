package admin

import (
	"reflect"
	"testing"

	"maskline/models"
)

func TestLimitsOfATenant(t *testing.T) {
	platform := models.Toll{Destinations: models.Destinations{Allow: []string{"+86"}}, Limits: models.Limits{AtOnce: 100}}
	l := newLab(t, func(o *Options) { o.Toll = platform })
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	var got Toll
	l.do("GET", "/tenants/Acme/limits", "", 200, &got)
	want := Toll{TenantID: got.TenantID, Allow: []string{}, Deny: []string{}, Platform: platform}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	l.do("PATCH", "/tenants/Acme/limits", `{"allow":["+852","+853"],"deny":["+852900"],"at_once":50,"minutes_per_day":-1}`, 200, nil)
	l.do("PATCH", "/tenants/Acme/limits", `{"per_day":900,"deny":[]}`, 200, &got)
	want.Allow, want.Limits = []string{"+852", "+853"}, models.Limits{AtOnce: 50, PerDay: 900, Minutes: models.NoLimit}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for body, code := range map[string]int{`{}`: 400, `{"allow":["852"]}`: 400, `{"at_once":-2}`: 400, `{"tenant_id":7}`: 400, `{"platform":{}}`: 400} {
		l.do("PATCH", "/tenants/Acme/limits", body, code, nil)
	}
	l.do("PATCH", "/tenants/Nobody/limits", `{"at_once":1}`, 404, nil)
	lines := l.lines("action=tenants.limits.change")
	if len(lines) != 2 || lines[0].TenantID != got.TenantID {
		t.Errorf("audit %+v", lines)
	}
}
