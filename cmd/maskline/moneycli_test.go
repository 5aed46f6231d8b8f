package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/models"
	"maskline/web/admin"
)

func moneyAnswers() map[string]any {
	end, month := noon.Add(2*time.Second), noon.AddDate(0, 1, 0)
	charge := admin.Charge{SessionID: "s1@fs1", Leg: 2, Mode: "axb", EndAt: noon, Seconds: 61, Units: 2, Amount: 2400, PackageMinutes: 1, Billed: 1200, SettledAt: &end, EntryID: 9}
	entry := admin.Entry{ID: 9, Key: "recharge:1:k1", Kind: "recharge", TenantID: 1, At: noon, For: noon, By: "config:ops", Memo: "bank transfer",
		Postings: []admin.Posting{{Account: models.AccountCash, Amount: -5_000_000}, {Account: "tenant:1", Amount: 5_000_000}}}
	balance := admin.Balance{TenantID: 1, Balance: 5_000_000, Credit: 10_000_000}
	plan := admin.Plan{ID: 3, Name: "standard", From: noon, Until: &month, Calls: map[models.Mode]models.CallPrice{"axb": {Minute: 1200, Free: 3}, "callnotify": {Minute: 1000, Increment: 6}},
		Rent: map[string]models.Amount{"private": 100_000, "private:0755": 150_000}}
	minutes := admin.Package{ID: 2, TenantID: 1, Name: "m1000", Minutes: 1000, Left: 990, Price: 800_000, From: noon, Until: month}
	run := admin.JobRun{Name: "settle", StartedAt: &noon, EndedAt: &end, Count: 12, By: "host/1"}
	failed := run
	failed.Name, failed.Error = "rent", "read tenants for their rent: no connection"
	operator := admin.Operator{ID: 4, Name: "lin", Role: "finance", State: "normal", Password: true, CreatedAt: noon, LoginAt: &noon}
	order := admin.Order{ID: 7, TenantID: 1, AppID: 3, Kind: "private", Area: "0755", Count: 2, Quick: true, State: "delivered", RequestedBy: "lin", RequestedAt: noon,
		Numbers: []string{"+8617000000001", "+8617000000002"}}
	return map[string]any{
		"GET /jobs": admin.List[admin.Job]{Items: []admin.Job{{Name: "settle", Schedule: "5 * * * *", NextAt: &month, Last: &run}, {Name: "rent", Schedule: "10 * * * *", Last: &failed},
			{Name: "rate", Schedule: "@every 5m"}}, Total: 3},
		"POST /jobs/settle/run":               run,
		"POST /jobs/rent/run":                 failed,
		"POST /jobs/prune_cdrs/run":           admin.JobRun{Name: "prune_cdrs", By: "config:ops"},
		"GET /tenants/Acme/balance":           balance,
		"PUT /tenants/Acme/credit":            balance,
		"POST /tenants/Acme/recharge":         admin.Moved{Entry: entry, Balance: 5_000_000},
		"POST /tenants/Acme/adjust":           admin.Moved{Entry: entry, Balance: 5_000_000, Repeated: true},
		"GET /entries":                        admin.List[admin.Entry]{Items: []admin.Entry{entry}, Total: 1},
		"GET /charges":                        admin.List[admin.Charge]{Items: []admin.Charge{charge}, Total: 1},
		"GET /ledger/verify":                  admin.LedgerFindings{OK: true, Entries: 9, Postings: 18, Accounts: 4, Charges: 7},
		"GET /cdrs/s1@fs1/explain":            admin.ChargeExplanation{SessionID: "s1@fs1", Text: "leg 2: 61 s are 2 started units of 60 s at 0.1200 a minute: 0.2400\n"},
		"GET /prices":                         admin.List[admin.Plan]{Items: []admin.Plan{plan}, Total: 1},
		"POST /prices":                        plan,
		"PUT /prices/3/end":                   plan,
		"GET /tenants/Acme/plan":              plan,
		"GET /packages":                       admin.List[admin.Package]{Items: []admin.Package{minutes}, Total: 1},
		"POST /tenants/Acme/packages":         admin.Bought{Package: minutes, Balance: 4_200_000},
		"GET /audit":                          admin.List[admin.AuditLine]{Items: []admin.AuditLine{{ID: 1, At: noon, Who: "lin", Role: "finance", TenantID: 1, Action: "tenants.recharge", Object: "1", After: json.RawMessage(`{"amount":"500.0000"}`), From: "192.0.2.1"}}, Total: 1},
		"GET /audit/verify":                   admin.AuditCheck{Checked: 4, Broken: 5, Length: 9},
		"GET /operators":                      admin.List[admin.Operator]{Items: []admin.Operator{operator}, Total: 1},
		"POST /operators":                     operator,
		"PUT /operators/lin/password":         operator,
		"PATCH /operators/lin":                operator,
		"POST /operators/lin/tokens":          admin.TokenAnswer{Login: admin.Login{ID: 12, Name: "reports", ExpiresAt: &month}, Token: "mlt_secret"},
		"GET /operators/lin/logins":           admin.List[admin.Login]{Items: []admin.Login{{ID: 12, Kind: "token", Name: "reports", From: "192.0.2.1", CreatedAt: noon}}, Total: 1},
		"GET /orders":                         admin.List[admin.Order]{Items: []admin.Order{order}, Total: 1},
		"POST /orders/7/deliver":              order,
		"POST /orders/8/reject":               admin.Order{ID: 8, State: "rejected", Kind: "private", Area: "0755", Count: 5, RequestedAt: noon, Reason: "why so many"},
		"GET /stock":                          admin.List[admin.Stock]{Items: []admin.Stock{{Number: "+8617000000001", Kind: "private", Area: "0755", FreeAt: &month, AddedAt: noon}}, Total: 1},
		"POST /stock/import":                  admin.Report{Done: 1, Refused: 1, Rows: []admin.ReportRow{{Line: 2, Number: "+8617000000001", OK: true}, {Line: 3, Number: "12", Error: "12 is not a telephone number"}}},
		"POST /numbers/changes":               admin.Report{Done: 2, Rows: []admin.ReportRow{{Line: 2, OK: true}, {Line: 3, OK: true}}},
		"GET /tenants/Acme/contacts":          admin.List[admin.Contact]{Items: []admin.Contact{{ID: 1, Name: "Lin", Mail: "lin@acme.example", Notices: []models.Notice{"balance", "rent"}}}, Total: 1},
		"GET /tenants/Acme/enterprise":        admin.Enterprise{TenantID: 1, Kind: "company", Name: "Acme 快递", Licence: "91440300MA5", Scenario: "couriers call", Script: "hello", Business: "logistics", Review: admin.Review{State: "waiting", UploadedAt: noon}, Documents: []models.Document{{Kind: "licence", Name: "l.pdf", Bytes: 7, Hash: "ab"}}},
		"POST /numbers/+8617000000001/return": admin.Returned{Number: "+8617000000001", TenantID: 1, AppID: 3, ReturnedAt: noon, Reason: "complaints"},
	}
}

func TestMoneyOutputs(t *testing.T) {
	all := answers()
	maps.Copy(all, moneyAnswers())
	server, _ := scripted(t, all)
	table := filepath.Join(t.TempDir(), "numbers.csv")
	if err := os.WriteFile(table, []byte("number,area\n+8617000000001,0755\n12,0755\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"MASKLINE_SERVER=" + server, "MASKLINE_TOKEN=" + testToken}
	for _, c := range []struct {
		name string
		args string
		code int
	}{
		{"job-list", "job list", 0},
		{"job-run", "job run settle", 0},
		{"job-run-fails", "job run rent", 1},
		{"job-run-goes-on", "job run prune_cdrs", 0},
		{"ledger-balance", "ledger balance Acme", 0},
		{"tenant-credit", "tenant credit Acme 1000", 0},
		{"tenant-recharge", "tenant recharge Acme 500.00 --key k1", 0},
		{"tenant-adjust-repeated", "tenant adjust Acme --by=-3.2 --reason ticket --key k2", 0},
		{"ledger-entries", "ledger entries --tenant Acme", 0},
		{"ledger-charges", "ledger charges", 0},
		{"ledger-verify", "ledger verify", 0},
		{"cdr-explain", "cdr explain s1@fs1", 0},
		{"price-list", "price list", 0},
		{"price-add", "price add --name standard --from now --call axb=0.12,free=3 --rent private=10", 0},
		{"price-end", "price end 3 --at 2027-01-01", 0},
		{"price-show", "price show Acme", 0},
		{"package-list", "package list", 0},
		{"package-buy", "package buy --tenant Acme --name m1000 --minutes 1000 --price 80 --until 2027-01-01 --key k3", 0},
		{"audit-list", "audit list", 0},
		{"audit-verify-fails", "audit verify", 1},
		{"operator-list", "operator list", 0},
		{"operator-add", "operator add --role finance lin", 0},
		{"operator-suspend", "operator suspend lin", 0},
		{"operator-token", "operator token lin --for reports --days 30", 0},
		{"operator-logins", "operator logins lin", 0},
		{"order-list", "order list", 0},
		{"order-deliver", "order deliver 7", 0},
		{"order-reject", "order reject 8 --reason why", 0},
		{"stock-list", "stock list", 0},
		{"stock-import-refused", "stock import " + table, 1},
		{"number-change", "number change " + table, 0},
		{"number-return", "number return +8617000000001 --reason complaints", 0},
		{"contact-list", "contact list Acme", 0},
		{"enterprise-show", "enterprise show Acme", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := execute(t, environ, strings.Fields(c.args)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			golden(t, c.name, out+errs)
		})
	}
}

func TestMoneyUsageErrors(t *testing.T) {
	environ := []string{"MASKLINE_SERVER=http://127.0.0.1:1", "MASKLINE_TOKEN=" + testToken}
	for _, c := range []struct{ args, says string }{
		{"tenant recharge Acme", "name the tenant and the amount"},
		{"tenant recharge Acme 1e3", "no amount"},
		{"tenant recharge Acme 0.00001", "four decimals"},
		{"tenant refund Acme 5", `"reason" not set`},
		{"tenant adjust Acme --by x --reason y", "no amount"},
		{"price add --name x --from soon", "--from"},
		{"price add --name x --from now --call axb", "MODE=PRICE"},
		{"price add --name x --from now --call axb=1,gratis=3", "gratis"},
		{"price add --name x --from now --rent private", "KIND=PRICE"},
		{"package buy --tenant Acme --name m --minutes 5 --price free --until 2027-01-01", "--price"},
		{"operator passwd lin", "no password on standard input"},
		{"operator add lin", `"role" not set`},
		{"order deliver", "requires at least 1 arg"},
		{"audit export", `"out" not set`},
		{"job run", "name the job"},
	} {
		out, errs, code := execute(t, environ, strings.Fields(c.args)...)
		if code != exitUsage || !strings.Contains(errs, c.says) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("%s: exit %d, out %q, errors %q; want exit 2 and one line with %q", c.args, code, out, errs, c.says)
		}
	}
}

// Who does not know whether his money was moved is told the key under which to ask again; who was refused, or made a mistake, is not.
func TestACommandThatWasCutOffNamesItsKey(t *testing.T) {
	var keys []string
	status := http.StatusBadGateway
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get(admin.IdempotencyHeader))
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(admin.Failure{Code: "invalid", Message: "no"})
	}))
	defer s.Close()
	environ := []string{"MASKLINE_SERVER=" + s.URL, "MASKLINE_TOKEN=" + testToken}
	_, errs, code := execute(t, environ, "tenant", "recharge", "Acme", "5")
	if code != exitFailure || len(keys) != 1 || keys[0] == "" || !strings.Contains(errs, "--key "+keys[0]) {
		t.Errorf("exit %d, %q, keys %q", code, errs, keys)
	}
	_, errs, _ = execute(t, environ, "tenant", "recharge", "Acme", "5", "--key", "mine")
	if keys[1] != "mine" || !strings.Contains(errs, "--key mine") {
		t.Errorf("%q, keys %q", errs, keys)
	}
	status = http.StatusConflict
	if _, errs, code = execute(t, environ, "tenant", "recharge", "Acme", "5"); code != exitFailure || strings.Contains(errs, "--key") {
		t.Errorf("a refusal: exit %d, %q", code, errs)
	}
}

func TestAPasswordIsReadOrMade(t *testing.T) {
	var sent []admin.PasswordRequest
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in admin.PasswordRequest
		_ = json.NewDecoder(r.Body).Decode(&in)
		sent = append(sent, in)
		_ = json.NewEncoder(w).Encode(admin.Operator{Name: "lin"})
	}))
	defer s.Close()
	environ := []string{"MASKLINE_SERVER=" + s.URL, "MASKLINE_TOKEN=" + testToken}
	var out, errs bytes.Buffer
	code := run(t.Context(), world{args: []string{"operator", "passwd", "lin"}, in: strings.NewReader("correct horse battery\n"), out: &out, err: &errs, environ: environ})
	if code != exitOK || sent[0].Password != "correct horse battery" || strings.Contains(out.String(), "horse") {
		t.Errorf("exit %d, %q, %q, sent %+v", code, out.String(), errs.String(), sent)
	}
	text, _, code := execute(t, environ, "operator", "passwd", "lin", "--generate")
	if code != exitOK || len(sent[1].Password) < 20 || !strings.Contains(text, sent[1].Password) {
		t.Errorf("exit %d, %q, sent %+v", code, text, sent)
	}
}

func TestAnExportIsAFile(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("{\"id\":1}\n"))
		if r.URL.Query().Get("who") == "cut" {
			panic(http.ErrAbortHandler)
		}
	}))
	defer s.Close()
	environ := []string{"MASKLINE_SERVER=" + s.URL, "MASKLINE_TOKEN=" + testToken}
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	if _, errs, code := execute(t, environ, "audit", "export", "--out", file); code != exitOK {
		t.Fatalf("exit %d, %s", code, errs)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "{\"id\":1}\n" {
		t.Errorf("%q, %v", b, err)
	}
	if _, _, code := execute(t, environ, "audit", "export", "--who", "cut", "--out", file); code != exitFailure {
		t.Errorf("an export that was cut off: exit %d", code)
	}
}
