package admin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

// pay sends a request that moves money, with a key.
func (l *lab) pay(path, key, body string, status int, out any) {
	l.t.Helper()
	req := httptest.NewRequestWithContext(l.t.Context(), http.MethodPost, Prefix+path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set(IdempotencyHeader, key)
	}
	l.send(req, status, out)
}

func TestMoneyIsMovedOnce(t *testing.T) {
	l := newLab(t)
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	l.do("POST", "/tenants", `{"name":"Beta"}`, 201, nil)
	var m Moved
	l.pay("/tenants/Acme/recharge", "pay-1", `{"amount":"500.25","reason":"transfer 17"}`, 201, &m)
	if m.Balance != 5_002_500 || m.Repeated || m.Entry.Key != "recharge:1:pay-1" || m.Entry.By != "config:ops" || len(m.Entry.Postings) != 2 {
		t.Fatalf("recharged %+v", m)
	}
	first := m.Entry.ID
	l.pay("/tenants/Acme/recharge", "pay-1", `{"amount":"500.2500","reason":"transfer 17"}`, 200, &m)
	if m.Balance != 5_002_500 || !m.Repeated || m.Entry.ID != first {
		t.Errorf("the same again: %+v", m)
	}
	l.pay("/tenants/Acme/recharge", "pay-1", `{"amount":"500.26","reason":"transfer 17"}`, 409, nil)
	l.pay("/tenants/Beta/recharge", "pay-1", `{"amount":"1"}`, 201, &m)
	if m.Balance != 10_000 {
		t.Errorf("the same key of another tenant: %+v", m)
	}
	l.pay("/tenants/Acme/refund", "back-1", `{"amount":"100.25","reason":"asked for it"}`, 201, &m)
	l.pay("/tenants/Acme/refund", "back-2", `{"amount":"400.0001","reason":"too much"}`, 409, nil)
	l.pay("/tenants/Acme/refund", "back-2", `{"amount":"400","reason":"all of it"}`, 201, &m)
	if m.Balance != 0 {
		t.Errorf("all is paid back: %+v", m)
	}
	l.pay("/tenants/Acme/adjust", "fix-1", `{"amount":"-3.5","reason":"double"}`, 201, &m)
	var b Balance
	l.do("GET", "/tenants/Acme/balance", "", 200, &b)
	if b.Balance != -35_000 || b.Credit != 0 || b.Arrears {
		t.Errorf("balance %+v", b)
	}
	l.do("PUT", "/tenants/Acme/credit", `{"credit":"1000"}`, 200, &b)
	l.do("GET", "/tenants/1/balance", "", 200, &b)
	if b.Credit != 10_000_000 {
		t.Errorf("credit %+v", b)
	}
	l.do("PUT", "/tenants/Acme/credit", `{"credit":"-1"}`, 400, nil)

	var list List[Entry]
	l.do("GET", "/entries?tenant=Acme&kind=refund", "", 200, &list)
	if list.Total != 2 || list.Items[0].Memo != "all of it" {
		t.Errorf("refunds %+v", list)
	}
	l.do("GET", "/entries?account=platform:cash&until=2020-01-01T00:00:00Z", "", 200, &list)
	if list.Total != 0 {
		t.Errorf("entries of long ago %+v", list)
	}
	l.do("GET", "/entries?account=tenant:2", "", 200, &list)
	if list.Total != 1 {
		t.Errorf("Beta's entries %+v", list)
	}
	var e Entry
	l.do("GET", "/entries/"+id(first), "", 200, &e)
	if e.Memo != "transfer 17" {
		t.Errorf("entry %+v", e)
	}
	l.do("GET", "/entries/999", "", 404, nil)
	l.do("GET", "/entries/none", "", 404, nil)
	l.do("GET", "/entries?kind=gift", "", 400, nil)
	var found LedgerFindings
	l.do("GET", "/ledger/verify", "", 200, &found)
	if !found.OK || found.Entries != 5 || found.Postings != 10 {
		t.Errorf("ledger %+v", found)
	}
}

func TestBadAmounts(t *testing.T) {
	l := newLab(t)
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	for _, c := range []struct{ path, key, body, param string }{
		{"recharge", "", `{"amount":"1"}`, IdempotencyHeader},
		{"recharge", "a key", `{"amount":"1"}`, IdempotencyHeader},
		{"recharge", strings.Repeat("k", 65), `{"amount":"1"}`, IdempotencyHeader},
		{"recharge", "k", `{"amount":"-1"}`, "amount"},
		{"recharge", "k", `{"amount":"0"}`, "amount"},
		{"recharge", "k", `{}`, "amount"},
		{"recharge", "k", `{"amount":1.5}`, "amount"},
		{"recharge", "k", `{"amount":"1e3"}`, "amount"},
		{"recharge", "k", `{"amount":"0.00001"}`, "amount"},
		{"recharge", "k", `{"amount":"100000000.0001"}`, "amount"},
		{"recharge", "k", `{"amount":"1","why":"?"}`, ""},
		{"refund", "k", `{"amount":"1"}`, "reason"},
		{"adjust", "k", `{"amount":"1","reason":" "}`, "reason"},
		{"adjust", "k", `{"amount":"0","reason":"nothing"}`, "amount"},
	} {
		var f Failure
		l.pay("/tenants/Acme/"+c.path, c.key, c.body, 400, &f)
		if f.Param != c.param || f.Message == "" {
			t.Errorf("%s %s: %+v, want param %q", c.path, c.body, f, c.param)
		}
	}
	l.pay("/tenants/Nobody/recharge", "k", `{"amount":"1"}`, 404, nil)
	var list List[Entry]
	l.do("GET", "/entries", "", 200, &list)
	if list.Total != 0 {
		t.Errorf("entries %+v", list)
	}
}

// The billing looks at a balance once the recharge is committed: what it reads then is the new one.
func TestArrearsAreLookedAtAtOnce(t *testing.T) {
	var l *lab
	var seen []models.Amount
	l = newLab(t, func(o *Options) {
		o.BalanceMoved = func(ctx context.Context, tenantID int64) error {
			b, err := l.store.Balance(ctx, models.TenantAccount(tenantID))
			seen = append(seen, b)
			return errors.Join(err, errors.New("out of order"))
		}
	})
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	for range 2 {
		l.pay("/tenants/Acme/recharge", "one", `{"amount":"5"}`, map[bool]int{true: 201, false: 200}[len(seen) == 0], nil)
	}
	l.pay("/tenants/Acme/refund", "two", `{"amount":"50","reason":"more than there is"}`, 409, nil)
	if len(seen) != 1 || seen[0] != 50_000 {
		t.Errorf("looked at %v", seen)
	}
	if !strings.Contains(l.log.String(), "out of order") {
		t.Error("the log does not say that the look failed")
	}
}

func TestPricePlans(t *testing.T) {
	l := newLab(t)
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	var p Plan
	l.do("POST", "/prices", `{"name":"all","from":"2026-01-01T00:00:00Z","calls":{"axb":{"minute":"0.12"}},"rent":{"private":"5","private:0755":"15"}}`, 201, &p)
	if p.TenantID != 0 || p.Calls[models.ModeAXB].Minute != 1200 || p.Rent["private:0755"] != 15*models.Unit || p.Until != nil {
		t.Errorf("plan %+v", p)
	}
	l.do("POST", "/prices", `{"tenant":"Acme","name":"own","from":"2026-06-01T00:00:00Z","until":"2026-07-01T00:00:00Z","calls":{"axb":{"minute":"0.10","increment":6}}}`, 201, &p)
	var f Failure
	l.do("POST", "/prices", `{"tenant":"Acme","name":"later","from":"2026-06-30T00:00:00Z"}`, 409, &f)
	if !strings.Contains(f.Message, `"own"`) || !strings.Contains(f.Message, "2026-07-01") {
		t.Errorf("an overlap: %+v", f)
	}
	for body, param := range map[string]string{
		`{"name":"x","from":"2027-01-01T00:00:00Z","calls":{"axb":{"minute":"-1"}}}`: "calls.axb.minute",
		`{"name":"x","from":"2027-01-01T00:00:00Z","calls":{"sms":{"minute":"1"}}}`:  "calls.sms",
		`{"name":"x","from":"2027-01-01T00:00:00Z","calls":{"axb":{"minute":0.1}}}`:  "calls.minute",
		`{"name":"x","from":"2027-01-01T00:00:00Z","until":"2026-01-01T00:00:00Z"}`:  "until",
		`{"name":"x"}`: "from",
		`{"name":"","from":"2027-01-01T00:00:00Z"}`:                             "name",
		`{"name":"x","from":"2027-01-01T00:00:00Z","rent":{"private":"-0.01"}}`: "rent.private",
	} {
		var f Failure
		l.do("POST", "/prices", body, 400, &f)
		if f.Param != param {
			t.Errorf("%s: %+v, want param %q", body, f, param)
		}
	}
	var in Plan
	for when, name := range map[string]string{"2026-06-15T00:00:00Z": "own", "2026-08-01T00:00:00Z": "all"} {
		l.do("GET", "/tenants/Acme/plan?at="+when, "", 200, &in)
		if in.Name != name {
			t.Errorf("%s: plan %s, want %s", when, in.Name, name)
		}
	}
	l.do("GET", "/tenants/Acme/plan?at=2025-01-01T00:00:00Z", "", 404, nil)
	l.do("PUT", "/prices/"+id(p.ID)+"/end", `{"until":"2026-06-10T00:00:00Z"}`, 200, &p)
	l.do("GET", "/prices/"+id(p.ID), "", 200, &p)
	if p.Until == nil || p.Until.Day() != 10 {
		t.Errorf("ended %+v", p)
	}
	l.do("PUT", "/prices/"+id(p.ID)+"/end", `{"until":"2026-05-10T00:00:00Z"}`, 400, nil)
	var open Plan
	l.do("PUT", "/prices/"+id(p.ID)+"/end", `{"until":null}`, 200, &open)
	if open.Until != nil {
		t.Errorf("it goes on: %+v", open)
	}
	var list List[Plan]
	for query, n := range map[string]int64{"": 2, "?tenant=Acme": 1, "?platform=true": 1} {
		l.do("GET", "/prices"+query, "", 200, &list)
		if list.Total != n {
			t.Errorf("plans %s: %+v", query, list)
		}
	}
	l.do("GET", "/prices?tenant=Acme&platform=true", "", 400, nil)
	l.do("GET", "/prices/999", "", 404, nil)
}

func TestPackagesAreBoughtOnce(t *testing.T) {
	l := newLab(t)
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	l.pay("/tenants/Acme/recharge", "k", `{"amount":"100"}`, 201, nil)
	until := time.Now().UTC().AddDate(0, 6, 0).Format(time.RFC3339)
	body := `{"name":"thousand","modes":["axb"],"minutes":1000,"price":"80","until":"` + until + `"}`
	var b Bought
	l.pay("/tenants/Acme/packages", "p1", body, 201, &b)
	if b.Balance != 20*models.Unit || b.Package.Left != 1000 || !b.Package.From.After(b.Package.BoughtAt) || b.EntryID == 0 {
		t.Errorf("bought %+v", b)
	}
	l.pay("/tenants/Acme/packages", "p1", body, 200, &b)
	if b.Balance != 20*models.Unit || !b.Repeated {
		t.Errorf("the same again %+v", b)
	}
	l.pay("/tenants/Acme/packages", "p1", strings.Replace(body, "1000", "2000", 1), 409, nil)
	l.pay("/tenants/Acme/packages", "", body, 400, nil)
	for _, bad := range []string{
		strings.Replace(body, `"80"`, `"-1"`, 1), strings.Replace(body, "1000", "0", 1), strings.Replace(body, until, "2020-01-01T00:00:00Z", 1), strings.Replace(body, "axb", "fax", 1),
	} {
		l.pay("/tenants/Acme/packages", "p2", bad, 400, nil)
	}
	var list List[Package]
	l.do("GET", "/packages?tenant=Acme&open=true", "", 200, &list)
	if list.Total != 1 || list.Items[0].Modes[0] != models.ModeAXB {
		t.Errorf("packages %+v", list)
	}
	l.do("GET", "/packages?at=2020-01-01T00:00:00Z", "", 200, &list)
	if list.Total != 0 {
		t.Errorf("packages of long ago %+v", list)
	}
}

func TestChargesAndWhy(t *testing.T) {
	l := newLab(t, func(o *Options) {
		o.ExplainCharges = func(r models.CDR, ch []models.Charge, plans ...models.PricePlan) string {
			return r.SessionID + " by " + plans[0].Name
		}
	})
	app, b := l.bound()
	l.called(app, b)
	l.do("POST", "/prices", `{"name":"all","from":"2026-01-01T00:00:00Z","calls":{"axb":{"minute":"0.12"}}}`, 201, nil)
	const session = "11111111-0000-4000-8000-000000000001@fs1"
	err := l.store.AddCharges(t.Context(), []models.Charge{{SessionID: session, Leg: 2, TenantID: app.TenantID, AppID: app.ID, Mode: models.ModeAXB, EndAt: time.Now(), Seconds: 30,
		Units: 1, Minutes: 1, Amount: 1200, Why: "30 s are 1 started unit"}})
	if err != nil {
		t.Fatal(err)
	}
	var list List[Charge]
	for query, n := range map[string]int64{"": 1, "?unsettled=true": 1, "?session=" + session: 1, "?app=" + app.Key: 1, "?until=2020-01-01T00:00:00Z": 0, "?session=none": 0} {
		l.do("GET", "/charges"+query, "", 200, &list)
		if list.Total != n {
			t.Errorf("charges %s: %+v", query, list)
		}
	}
	var x ChargeExplanation
	l.do("GET", "/cdrs/"+session+"/explain", "", 200, &x)
	if x.Text != session+" by all" || len(x.Charges) != 1 || x.Charges[0].Amount != 1200 {
		t.Errorf("explained %+v", x)
	}
	l.do("GET", "/cdrs/none/explain", "", 404, nil)
}
