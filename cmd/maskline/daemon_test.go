package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/web/admin"
)

const (
	numA = "+8613800000001"
	numB = "+8613800000002"
	numX = "+8617000000001"
)

// bound makes tenant, app, number and binding the way an operator and a tenant do.
func (h *house) bound() (app admin.App, subscription string) {
	h.t.Helper()
	h.must("tenant", "create", "--name", "Acme")
	h.ask(&app, "app", "create", "--tenant", "Acme", "--mode", "axb", "--name", "delivery", "--record",
		"--status-url", h.customer.URL+"/status", "--fee-url", h.customer.URL+"/fee")
	h.must("number", "add", "--app", app.Key, "--area", "0755", numX, "+8617000000002")
	status, answer := h.signed(http.MethodPost, "/rest/caas/relationnumber/partners/v1.0", app.Key, app.Secret,
		`{"relationNum":"`+numX+`","callerNum":"`+numA+`","calleeNum":"`+numB+`","userData":"order-1"}`)
	subscription, _ = answer["subscriptionId"].(string)
	if status != http.StatusOK || answer["resultcode"] != "0" || subscription == "" {
		h.t.Fatalf("bind: %d %v", status, answer)
	}
	return app, subscription
}

func TestAMaskedCallFromTheCommandLineToTheRecord(t *testing.T) {
	h := openHouse(t, "")
	app, subscription := h.bound()

	var e admin.Explanation
	h.ask(&e, "binding", "explain", "--dialled", numX, "--caller", numA)
	if e.Outcome != "connect" || e.Binding != subscription {
		t.Errorf("explain: %+v", e)
	}
	line, err := h.daemon.Sim().Call(sim.Caller{From: strings.TrimPrefix(numA, "+86"), To: numX,
		Callee: &sim.Phone{Rings: 50 * time.Millisecond, HangsUpAfter: 100 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	<-line.Done()

	var records admin.List[admin.CDR]
	h.await("the record", func() error {
		h.ask(&records, "cdr", "list", "--app", app.Key, "--reveal")
		if records.Total != 1 {
			return errors.New("none yet")
		}
		return nil
	})
	r := records.Items[0]
	if r.Caller != numA || r.Callee != numB || r.X != numX || r.AnswerAt == nil || r.State != 0 || r.Source != "events" || r.UserData != "order-1" {
		t.Errorf("record: %+v", r)
	}
	h.pushed(t, r.SessionID)
	var call admin.Call
	h.ask(&call, "call", "show", r.SessionID)
	if call.Stage != "ended" || len(call.Events) != 5 || call.CDR == nil {
		t.Errorf("call: %+v", call)
	}
	h.metricsTell(t, `maskline_calls_ended_total{mode="axb",source="events",state="0"} 1`, `maskline_switch_up{switch="fs1"} 1`,
		`maskline_call_stage_seconds_count{stage="setup"} 1`)
	if err := h.stop(); err != nil {
		t.Errorf("orderly end: %v", err)
	}
	for _, secret := range []string{"13800000001", "13800000002", app.Secret, testToken, testKey} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("%s stands in the log", secret)
		}
	}
}

// pushed checks what the customer was told: five events in order, then the record.
func (h *house) pushed(t *testing.T, session string) {
	t.Helper()
	want := []string{"callin", "callout", "alerting", "answer", "disconnect"}
	for i := 0; i <= len(want); i++ {
		var p push
		select {
		case p = <-h.pushes:
		case <-time.After(20 * time.Second):
			t.Fatalf("push %d did not come", i)
		}
		if p.header.Get("X-AKSK") == "" || !strings.Contains(string(p.body), session) {
			t.Errorf("push %d is not signed, or of another session: %s", i, p.body)
		}
		if i == len(want) {
			if p.path != "/fee" {
				t.Errorf("the record went to %s", p.path)
			}
			continue
		}
		var event struct{ EventType string }
		if err := json.Unmarshal(p.body, &event); err != nil || p.path != "/status" || event.EventType != want[i] {
			t.Errorf("push %d went to %s: %s; want %s", i, p.path, p.body, want[i])
		}
	}
}

// metricsTell checks lines of /metrics, and that no number is among them.
func (h *house) metricsTell(t *testing.T, lines ...string) {
	t.Helper()
	res, err := http.Get("http://" + h.daemon.Addr("admin") + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	if err := res.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if !strings.Contains(b.String(), l) {
			t.Errorf("/metrics lacks %s", l)
		}
	}
	if strings.Contains(b.String(), "8617000") || strings.Contains(b.String(), "1380000") {
		t.Error("a number stands in /metrics")
	}
}
