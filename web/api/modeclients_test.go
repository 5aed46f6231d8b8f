package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"maskline/models"
)

// A shop's back end in PHP: it looks for the teacher's binding, makes one when there is none, and then says whom he may call for a minute.
func TestPHPStyleClientOfAX(t *testing.T) {
	h := newHouse(t).as(models.ModeAX)
	srv := httptest.NewServer(h.handler)
	defer srv.Close()
	p := phpClient{t: t, addr: srv.Listener.Addr().String(), key: h.key}
	ask := func(method, path, query, body string) map[string]any {
		t.Helper()
		_, answer, closed := p.ask(method, path, query, body)
		var got map[string]any
		must(t, json.Unmarshal([]byte(answer), &got))
		if !closed {
			t.Errorf("%s %s: the server kept the connection", method, path)
		}
		return got
	}
	byA := "origNum=" + url.QueryEscape(numA)
	if got := ask("GET", pathAX, byA, ""); got["resultcode"] != "1016001" {
		t.Fatalf("a query before the bind: %v", got)
	}
	bound := ask("POST", pathAX, "", `{"origNum":"+8613800000001","privateNum":"+8617000000011","privateNumType":"mobile-virtual","areaCode":"0755",`+
		`"recordFlag":"true","recordHintTone":"record.wav","calleeNumDisplay":"0","privateSms":"false","preVoice":{"callerHintTone":"a.wav","calleeHintTone":"b.wav"},`+
		`"maxDuration":45.0,"lastMinVoice":"last.wav"}`)
	list, _ := ask("GET", pathAX, byA, "")["privateNumList"].([]any)
	if bound["resultcode"] != "0" || len(list) != 1 {
		t.Fatalf("bind: %v, then %d bindings", bound, len(list))
	}
	first := list[0].(map[string]any)
	if first["origNum"] != numA || first["privateNum"] != y1 || first["subscriptionId"] != bound["subscriptionId"] || first["maxDuration"] != 45.0 {
		t.Errorf("the binding is %v", first)
	}
	id := bound["subscriptionId"].(string)
	if got := ask("PUT", pathAX, "", `{"subscriptionId":"`+id+`","maxDuration":30.0}`); got["resultcode"] != "0" {
		t.Errorf("modify: %v", got)
	}
	if got := ask("PUT", pathAXCallee, "", `{"subscriptionId":"`+id+`","calleeNum":"+8613800000002","duration":60}`); got["resultcode"] != "0" {
		t.Errorf("temporary callee: %v", got)
	}
	if got := ask("DELETE", pathAX, "subscriptionId="+id, ""); got["resultcode"] != "0" {
		t.Errorf("unbind: %v", got)
	}
}

// The Java demo of AX leaves out what is blank, and names by privateNum what it has no id of.
func TestJavaStyleClientOfAX(t *testing.T) {
	h := newHouse(t).as(models.ModeAX)
	srv := httptest.NewTLSServer(h.handler)
	defer srv.Close()
	j := newJavaClient(t, srv.URL, h.key)
	steps := []struct {
		method, path string
		params       map[string]any
		query        url.Values
	}{
		{http.MethodPost, pathAX, map[string]any{"origNum": numA, "privateNum": y1, "calleeNumDisplay": "0", "recordFlag": true, "callDirection": 0}, nil},
		{http.MethodPut, pathAX, map[string]any{"privateNum": y1, "origNum": numA, "privateSms": false}, nil},
		{http.MethodPut, pathAXCallee, map[string]any{"privateNum": y1, "calleeNum": numB, "duration": 120, "userData": "test123"}, nil},
		{http.MethodPut, pathAXCallee, map[string]any{"origNum": numA, "privateNum": y1, "calleeNum": numC}, nil},
		{http.MethodGet, pathAX, nil, url.Values{"privateNum": {y1}}},
		{http.MethodDelete, pathAX, nil, url.Values{"origNum": {numA}, "privateNum": {y1}}},
	}
	for _, s := range steps {
		if resp, got := j.ask(s.method, s.path, s.params, s.query); resp.StatusCode != http.StatusOK || got["resultcode"] != "0" || got["resultdesc"] != "Success" {
			t.Errorf("%s %s %v %v: %d %v", s.method, s.path, s.params, s.query, resp.StatusCode, got)
		}
	}
}

// The Java demo of AXE sends all three names when it has them; a PHP shop sends integers and no extension.
func TestClientsOfAXE(t *testing.T) {
	h := newHouse(t).as(models.ModeAXE)
	srv := httptest.NewTLSServer(h.handler)
	defer srv.Close()
	j := newJavaClient(t, srv.URL, h.key)
	resp, got := j.ask(http.MethodPost, pathAXE, map[string]any{"virtualNum": y1, "bindNum": numA, "displayNumMode": 0, "bindExpiredTime": 168, "recordFlag": true}, nil)
	e, _ := got["extendNum"].(string)
	id, _ := got["subscriptionId"].(string)
	if resp.StatusCode != http.StatusOK || got["resultcode"] != "0" || got["virtualNum"] != y1 || models.ValidExtension(e) != nil || id == "" {
		t.Fatalf("bind: %d %v", resp.StatusCode, got)
	}
	_, got = j.ask(http.MethodGet, pathAXE, nil, url.Values{"virtualNum": {y1}, "extendNum": {e}})
	if got["bindNum"] != numA || got["bindExpiredTime"] != 168.0 || got["subscriptionId"] != id {
		t.Errorf("query: %v", got)
	}
	if _, got = j.ask(http.MethodDelete, pathAXE, nil, url.Values{"subscriptionId": {id}, "virtualNum": {y1}, "extendNum": {e}}); got["resultcode"] != "0" {
		t.Errorf("unbind: %v", got)
	}
	if resp, got = j.ask(http.MethodGet, pathAXE, nil, url.Values{"subscriptionId": {id}}); resp.StatusCode != http.StatusForbidden || got["resultcode"] != "1016001" {
		t.Errorf("query after it: %d %v", resp.StatusCode, got)
	}
}

func TestLogsOfAXHoldNoNumber(t *testing.T) {
	var log strings.Builder
	h := newHouse(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) }).as(models.ModeAX)
	h.call(http.MethodPost, pathAX, bindA)
	h.call(http.MethodPost, pathAX, bindA)
	h.call(http.MethodGet, pathAX+"?origNum=%2B8613800000001", "")
	h.call(http.MethodPut, pathAXCallee, `{"origNum":"+8613800000001","privateNum":"+8617000000011","calleeNum":"+8613800000001"}`)
	h.call(http.MethodDelete, pathAX+"?privateNum=+8617000000011", "")
	if strings.Contains(log.String(), "13800000") || strings.Contains(log.String(), "17000000") {
		t.Errorf("a number stands in the log: %s", log.String())
	}
	if strings.Count(log.String(), "resultcode=1016002") != 1 || strings.Count(log.String(), "msg=request") != 5 {
		t.Errorf("a line or a resultcode is missing: %s", log.String())
	}
}
