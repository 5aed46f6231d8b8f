package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/web/admin"
)

func TestMoneyFromTheRechargeToTheBooks(t *testing.T) { onBoth(t, moneyDay) }

// moneyDay is a tenant's money on a real daemon: recharge, a call, rent, arrears and back, and at the end the books and the audit agree.
func moneyDay(t *testing.T, more string) {
	h := openHouse(t, more+"billing: {warn: [50]}\n")
	app, _ := h.bound()
	h.must("contact", "add", "Acme", "--name", "Lin", "--webhook", h.customer.URL+"/notice", "--notices", "balance,rent")
	h.must("price", "add", "--name", "standard", "--from", "2026-01-01", "--call", "axb=0.12", "--rent", "private=10")
	for range 2 {
		h.must("tenant", "recharge", "Acme", "100", "--key", "k1")
	}
	h.balance("100.0000", false)

	line, err := h.daemon.Sim().Call(sim.Caller{From: strings.TrimPrefix(numA, "+86"), To: numX, Callee: &sim.Phone{Rings: 20 * time.Millisecond, HangsUpAfter: 50 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	<-line.Done()
	var charges admin.List[admin.Charge]
	h.await("the charge", func() error {
		h.ask(&charges, "ledger", "charges", "--tenant", "Acme", "--unsettled")
		if charges.Total != 1 {
			return errors.New("none yet")
		}
		return nil
	})
	if ch := charges.Items[0]; ch.Leg != 2 || ch.Amount.String() != "0.1200" || ch.AppID != app.ID {
		t.Errorf("charge %+v", ch)
	}
	if out := h.must("cdr", "explain", charges.Items[0].SessionID); !strings.Contains(out, "0.12") {
		t.Errorf("explained: %s", out)
	}

	var run admin.JobRun
	for i, want := range []int{2, 0} { // two numbers, once
		h.ask(&run, "job", "run", "rent")
		if run.Count != want || run.Error != "" || run.By != "config:ops" {
			t.Errorf("run %d of rent: %+v", i, run)
		}
	}
	h.balance("80.0000", false)
	if p := h.told(`"kind":"rent"`, "20.0000"); p.path != "/notice" {
		t.Errorf("told at %s", p.path)
	}
	h.ask(&run, "job", "run", "settle") // the hour is not over
	if run.Count != 0 {
		t.Errorf("settled: %+v", run)
	}
	h.arrears(t, app)
	h.books(t)
}

func (h *house) balance(want string, arrears bool) {
	h.t.Helper()
	var b admin.Balance
	h.ask(&b, "ledger", "balance", "Acme")
	if b.Balance.String() != want || b.Arrears != arrears {
		h.t.Errorf("balance %s, arrears %t; want %s, %t", b.Balance, b.Arrears, want, arrears)
	}
}

// arrears takes a tenant's money away and gives it back.
func (h *house) arrears(t *testing.T, app admin.App) {
	t.Helper()
	h.must("tenant", "adjust", "Acme", "--by=-90", "--reason", "a test", "--key", "k2")
	h.balance("-10.0000", true)
	h.told(`"kind":"balance"`, "-10.0000")
	if out := h.must("number", "list", "--state", "suspended"); !strings.Contains(out, numX) {
		t.Errorf("suspended numbers: %s", out)
	}
	_, answer := h.signed(http.MethodPost, "/rest/caas/relationnumber/partners/v1.0", app.Key, app.Secret, `{"relationNum":"+8617000000002","callerNum":"`+numA+`","calleeNum":"`+numB+`"}`)
	if answer["resultcode"] != "1010029" {
		t.Errorf("bind in arrears: %v", answer)
	}
	line, err := h.daemon.Sim().Call(sim.Caller{From: strings.TrimPrefix(numA, "+86"), To: numX, Callee: &sim.Phone{}})
	if err != nil {
		t.Fatal(err)
	}
	<-line.Done()
	var records admin.List[admin.CDR]
	h.await("the record of the refused call", func() error {
		records = admin.List[admin.CDR]{}
		h.ask(&records, "cdr", "list", "--app", app.Key)
		if records.Total != 2 {
			return errors.New("not yet")
		}
		return nil
	})
	if r := records.Items[0]; r.State != 7108 || r.AnswerAt != nil {
		t.Errorf("a call in arrears: %+v", r)
	}
	h.must("tenant", "recharge", "Acme", "60", "--key", "k3")
	h.balance("50.0000", false)
	if out := h.must("number", "list", "--state", "suspended"); strings.Contains(out, numX) {
		t.Errorf("still suspended: %s", out)
	}
}

// books looks at what is written down, and at who may see it.
func (h *house) books(t *testing.T) {
	t.Helper()
	for _, job := range []string{"arrears", "rate", "end_numbers", "verify_ledger", "verify_audit", "prune_cdrs", "prune_events", "prune_deliveries", "prune_logins", "prune_replies",
		"expire_bindings", "recordings", "dead_files"} {
		h.must("job", "run", job)
	}
	h.must("ledger", "verify")
	h.must("audit", "verify")
	h.metricsTell(t, `maskline_jobs_total{name="verify_ledger",ok="true"} 1`, `maskline_job_touched_total{name="rent"} 2`,
		`maskline_notices_total{kind="rent",result="delivered",way="webhook"} 1`)
	var lines admin.List[admin.AuditLine]
	h.ask(&lines, "audit", "list", "--tenant", "Acme", "--action", "tenants.recharge")
	if lines.Total == 0 || lines.Items[0].Who != "config:ops" {
		t.Errorf("audit lines of the recharges: %+v", lines)
	}
	var rent admin.List[admin.AuditLine]
	h.ask(&rent, "audit", "list", "--who", "job:rent")
	if rent.Total != 1 || !strings.Contains(string(rent.Items[0].After), `"touched": 2`) {
		t.Errorf("the audit line of the rent: %+v", rent)
	}
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	h.must("audit", "export", "--out", file)
	if b, err := os.ReadFile(file); err != nil || strings.Count(string(b), "\n") < 10 {
		t.Errorf("%d bytes exported, %v", len(b), err)
	}
	h.must("operator", "add", "--role", "finance", "lin")
	var token admin.TokenAnswer
	h.ask(&token, "operator", "token", "lin", "--for", "reports")
	if out, code := h.run("ledger", "entries", "--token", token.Token); code != exitOK {
		t.Errorf("finance reads the ledger: %s", out)
	}
	if out, code := h.run("operator", "list", "--token", token.Token); code != exitFailure || !strings.Contains(out, "operators.manage") {
		t.Errorf("finance lists operators: exit %d, %s", code, out)
	}
	if out := h.must("job", "list"); strings.Contains(out, "failed") {
		t.Errorf("jobs: %s", out)
	}
}
