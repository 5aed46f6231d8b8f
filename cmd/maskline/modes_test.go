package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/web/admin"
)

const stranger = "+8613800000009"

// onBoth runs a test on SQLite and, where there is one, on MySQL.
func onBoth(t *testing.T, test func(t *testing.T, more string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "") })
	if dsn := os.Getenv("MASKLINE_TEST_MYSQL"); dsn != "" {
		t.Run("mysql", func(t *testing.T) { test(t, fmt.Sprintf("database: {driver: mysql, dsn: %q}\n", ownDatabase(t, dsn))) })
	}
}

// made makes an app of a mode with one number, in the tenant that it makes first.
func (h *house) made(mode, x string, flags ...string) (app admin.App) {
	h.t.Helper()
	h.run("tenant", "create", "--name", "Acme") // it may be there
	h.ask(&app, append([]string{"app", "create", "--tenant", "Acme", "--mode", mode, "--name", mode,
		"--status-url", h.customer.URL + "/status", "--fee-url", h.customer.URL + "/fee"}, flags...)...)
	h.must("number", "add", "--app", app.Key, "--area", "0755", x)
	return app
}

// bind sends a signed request that must succeed, and gives the answer.
func (h *house) bind(app admin.App, method, path, body string) map[string]any {
	h.t.Helper()
	status, answer := h.signed(method, path, app.Key, app.Secret, body)
	if status != http.StatusOK || answer["resultcode"] != "0" {
		h.t.Fatalf("%s %s %s: %d %v", method, path, body, status, answer)
	}
	return answer
}

// recordOf waits for the record of the only call through a number.
func (h *house) recordOf(x string) admin.CDR {
	h.t.Helper()
	var records admin.List[admin.CDR]
	h.await("the record of a call through "+x, func() error {
		h.ask(&records, "cdr", "list", "--x", x, "--reveal")
		if records.Total != 1 {
			return fmt.Errorf("%d records", records.Total)
		}
		return nil
	})
	return records.Items[0]
}

// explained asks whom a caller would reach.
func (h *house) explained(x, caller string, more ...string) (e admin.Explanation) {
	h.t.Helper()
	h.ask(&e, append([]string{"binding", "explain", "--reveal", "--dialled", x, "--caller", caller}, more...)...)
	return e
}

// told waits for a push of which the body holds all the words.
func (h *house) told(words ...string) push {
	h.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case p := <-h.pushes:
			held := 0
			for _, w := range words {
				if strings.Contains(string(p.body), w) {
					held++
				}
			}
			if held == len(words) {
				return p
			}
		case <-timeout:
			h.t.Fatalf("no push with %q came", words)
		}
	}
}

func TestAnExtensionIsKeyed(t *testing.T) { onBoth(t, keyedExtension) }

func keyedExtension(t *testing.T, more string) {
	h := openHouse(t, more)
	app := h.made("axe", numX, "--digits", "3", "--repeats", "1")
	h.bind(app, http.MethodPost, "/rest/caas/extendnumber/v1.0", `{"virtualNum":"`+numX+`","bindNum":"`+numA+`","extendNum":"123"}`)

	if e := h.explained(numX, stranger); e.Outcome != admin.OutcomeCollect {
		t.Errorf("without the extension: %+v", e)
	}
	if e := h.explained(numX, stranger, "--extension", "123"); e.Outcome != admin.OutcomeConnect || e.To != numA {
		t.Errorf("with it: %+v", e)
	}
	out := h.must("sim", "call", "--from", stranger, "--to", numX, "--digits", "123#", "--digits-after", "50ms", "--answer", "50ms", "--talk", "100ms")
	if !strings.Contains(out, "extension_input.wav") || !strings.Contains(out, "shows "+numX) {
		t.Errorf("the telephones saw:\n%s", out)
	}
	r := h.recordOf(numX)
	if r.Extension != "123" || r.Callee != numA || r.State != 0 || r.AnswerAt == nil {
		t.Errorf("record %+v", r)
	}
	h.told(`"collectInfo"`, `"digitInfo":"123`)
	h.told(`"fee"`, `"extendNum":"123"`)
	if out := h.must("call", "show", r.SessionID); !strings.Contains(out, "keyed 123") {
		t.Errorf("call show:\n%s", out)
	}
	if e := h.explained(numX, numA); e.Outcome != admin.OutcomeConnect || e.To != stranger {
		t.Errorf("A calls back: %+v", e)
	}
}

func TestATemporaryCalleeAndABusyNumber(t *testing.T) { onBoth(t, temporaryCallee) }

func temporaryCallee(t *testing.T, more string) {
	h := openHouse(t, more)
	app := h.made("ax", numX, "--prompt", "busy.wav=")
	h.bind(app, http.MethodPost, "/rest/provision/caas/privatenumber/v1.0", `{"origNum":"`+numA+`","privateNum":"`+numX+`"}`)
	h.bind(app, http.MethodPut, "/rest/caas/privatenumber/calleenumber/v1.0", `{"origNum":"`+numA+`","privateNum":"`+numX+`","calleeNum":"`+numB+`"}`)

	sw := h.daemon.Sim()
	line := h.call(sw, numA, numB, numX, sim.Phone{}, true)
	busy, err := sw.Call(sim.Caller{From: strings.TrimPrefix(stranger, "+86"), To: numX})
	if err != nil {
		t.Fatal(err)
	}
	<-busy.Done()
	if busy.Status() != 486 {
		t.Errorf("a second caller got %d: %v", busy.Status(), busy.Ladder())
	}
	h.await("the answer to use the temporary callee up", func() error {
		if e := h.explained(numX, numA); e.State != 8013 {
			return fmt.Errorf("%+v", e)
		}
		return nil
	})
	if e := h.explained(numX, stranger); e.Outcome != admin.OutcomeRefuse || e.State != 8102 {
		t.Errorf("while a call holds the number: %+v", e)
	}
	var calls admin.List[admin.Call]
	h.ask(&calls, "call", "list", "--live", "--caller", numA)
	if calls.Total != 1 {
		t.Fatalf("live calls of A: %+v", calls)
	}
	h.must("call", "stop", calls.Items[0].SessionID)
	<-line.Done()
	h.await("the number to be free", func() error {
		if e := h.explained(numX, stranger); e.Outcome != admin.OutcomeConnect {
			return errors.New(e.Why)
		}
		return nil
	})
}

func TestAFirstCallGetsItsY(t *testing.T) { onBoth(t, firstCall) }

func firstCall(t *testing.T, more string) {
	h := openHouse(t, more)
	app := h.made("axyb", numX)
	const numY = "+8617000000002"
	h.must("number", "add", "--app", app.Key, "--area", "0755", numY)
	answer := h.bind(app, http.MethodPost, "/rest/omp/xyrelationnumber/v1.0?app_key="+app.Key, `{"origNum":"`+numA+`","areaCode":"0755"}`)
	x, _ := answer["relationNumber"].(string)
	y := numY
	if x == numY {
		y = numX
	}
	out := h.must("sim", "call", "--from", numB, "--to", x, "--answer", "50ms", "--talk", "100ms")
	if !strings.Contains(out, "shows "+y) {
		t.Errorf("A does not see Y:\n%s", out)
	}
	if r := h.recordOf(x); r.Callee != numA || r.Shown != y {
		t.Errorf("record %+v", r)
	}
	var list admin.List[admin.Binding]
	h.ask(&list, "binding", "list", "--mode", "axyb", "--y", y, "--open", "--reveal")
	if list.Total != 1 || list.Items[0].B != numB {
		t.Errorf("relations on Y: %+v", list)
	}
	if out := h.must("sim", "call", "--from", numA, "--to", y, "--answer", "50ms", "--talk", "100ms"); !strings.Contains(out, "shows "+x) {
		t.Errorf("B does not see X:\n%s", out)
	}
}

func TestTheTenantIsAsked(t *testing.T) {
	h := openHouse(t, "call: {ask_timeout: 5s}\n")
	if out, code := h.run("app", "create", "--tenant", "Acme", "--mode", "x", "--name", "x"); code != exitFailure {
		t.Errorf("an app of mode x without a URL: exit %d, %s", code, out)
	}
	asked := make(chan map[string]any, 10)
	tenant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question map[string]any
		_ = json.NewDecoder(r.Body).Decode(&question)
		asked <- question
		_, _ = w.Write([]byte(`{"operation":"connect","connectInfo":[{"calleeNum":"` + numB + `","userData":"order-7"}]}`))
	}))
	t.Cleanup(tenant.Close)
	h.made("x", numX, "--ask-url", tenant.URL)
	out := h.must("sim", "call", "--from", stranger, "--to", numX, "--answer", "50ms", "--talk", "100ms")
	if !strings.Contains(out, "shows "+numX) {
		t.Errorf("the telephones saw:\n%s", out)
	}
	if r := h.recordOf(numX); r.Callee != numB || r.UserData != "order-7" || r.State != 0 {
		t.Errorf("record %+v", r)
	}
	question := <-asked
	info, _ := question["statusInfo"].(map[string]any)
	if question["eventType"] != "callin" || info["notifyMode"] != "Block" || info["caller"] != stranger {
		t.Errorf("the question: %v", question)
	}
	h.told(`"fee"`, `"notifyMode":"Block"`)
}

func TestWhatAnOperatorBars(t *testing.T) { onBoth(t, operatorBars) }

func operatorBars(t *testing.T, more string) {
	h := openHouse(t, more)
	app, _ := h.bound()
	h.must("app", "set", app.Key, "--push-number-status", "--number-status-url", h.customer.URL+"/numbers", "--risk", "black_lists=report")

	h.must("number", "set-state", numX, "unavailable", "--cause", "5")
	if p := h.told(`"numStatus"`, `"status":"10"`, `"cause":"5"`, numX); p.path != "/numbers" || p.header.Get("X-AKSK") == "" {
		t.Errorf("the state of a number was pushed to %s, signed %q", p.path, p.header.Get("X-AKSK"))
	}
	if e := h.explained(numX, numA); e.State != 8055 {
		t.Errorf("an unavailable number: %+v", e)
	}
	if status, answer := h.signed(http.MethodPost, "/rest/caas/relationnumber/partners/v1.0", app.Key, app.Secret,
		`{"relationNum":"`+numX+`","callerNum":"`+stranger+`","calleeNum":"`+numB+`"}`); status != http.StatusForbidden || answer["resultcode"] != "1012102" {
		t.Errorf("a bind on an unavailable number: %d %v", status, answer)
	}
	h.must("number", "set-state", numX, "normal")
	h.told(`"numStatus"`, `"status":"5"`)

	h.must("bar", "add", "--kind", "caller", "--app", app.Key, "--reason", "threats", numA)
	h.must("sim", "call", "--from", numA, "--to", numX, "--answer", "10ms", "--talk", "10ms")
	if r := h.recordOf(numX); r.State != 0 {
		t.Errorf("a dry run refused a call: %+v", r)
	}
	h.metricsTell(t, `maskline_risk_reported_total{state="7005"} 1`)
	h.must("app", "set", app.Key, "--risk", "black_lists=refuse")
	if e := h.explained(numX, numA); e.State != 7005 {
		t.Errorf("a barred caller: %+v", e)
	}
	var list admin.List[admin.Barred]
	h.ask(&list, "bar", "list", "--number", numA)
	if list.Total != 1 || list.Items[0].Number == numA {
		t.Fatalf("the list: %+v", list)
	}
	h.must("bar", "remove", fmt.Sprint(list.Items[0].ID))
	if e := h.explained(numX, numA); e.Outcome != admin.OutcomeConnect {
		t.Errorf("a caller who was let in again: %+v", e)
	}
	if strings.Contains(h.log.String(), "13800000001") {
		t.Error("a number stands in the log")
	}
}
