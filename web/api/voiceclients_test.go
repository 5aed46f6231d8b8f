package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"maskline/models"
)

// The clients here are written from spec/voicecall.md alone, in the manner of those that are in use, and talk over real sockets.

// A call centre in PHP: signed with WSSE, everything a string, the older bindNbr beside the new names, and both tests of a success.
func TestPHPStyleClientOfCallbacks(t *testing.T) {
	h := deskHouse(t, 50)
	srv := httptest.NewServer(h.handler)
	defer srv.Close()
	for _, hexed := range []bool{false, true} {
		p := phpClient{t: t, addr: srv.Listener.Addr().String(), key: h.key, hexed: hexed}
		ask := func(path, body string) (status string, got map[string]any) {
			t.Helper()
			status, answer, closed := p.ask("POST", path, "", body)
			must(t, json.Unmarshal([]byte(answer), &got))
			if !closed {
				t.Errorf("%s: the server kept the connection", path)
			}
			return status, got
		}
		status, got := ask("/rest/httpsessions/click2Call/v2.0", `{"bindNbr":"+8675528000001","displayNbr":"+8675528000001","callerNbr":"+8613800000001",`+
			`"displayCalleeNbr":"+8675528000001","calleeNbr":"+8613800000002","maxDuration":"0","lastMinVoice":"","lastMinToUE":"both","playPreVoice":"false","preVoice":"",`+
			`"waitVoice":"a.wav","calleeMedia":"all","statusUrl":"`+in64("http://1.2.3.4:8080/status")+`","feeUrl":"aHR0cDovLzEuMi4zLjQ6ODA4MC9mZWU","recordFlag":"true",`+
			`"recordHintTone":"record.wav","partyTypeRequiredInDisconnect":"true","returnIdlePort":"true","userData":"order-7"}`)
		id, _ := got["sessionId"].(string)
		if status != "200" || got["resultcode"] != "0" || got["resultdesc"] != "Success" || !strings.Contains(id, "@") || got["idlePort"] == nil {
			t.Fatalf("click, hexed %t: %s %v", hexed, status, got)
		}
		o, err := h.store.Outgoing(t.Context(), id)
		must(t, err)
		if p := o.Session.Plan.Place; p.StatusURL != "http://1.2.3.4:8080/status" || p.FeeURL != "http://1.2.3.4:8080/fee" || o.Session.UserData != "order-7" {
			t.Errorf("it waits as %+v", p)
		}
		if status, got := ask("/rest/httpsessions/click2Call/v2.0", `{"displayNbr":"+8675528000009","callerNbr":"+8613800000001","displayCalleeNbr":"+8675528000001","calleeNbr":"+8613800000002"}`); status != "403" ||
			got["resultcode"] != "1010023" || got["sessionId"] != nil {
			t.Errorf("another's display number: %s %v", status, got)
		}
	}
}

// A delivery service in Java: AKSK over Beijing time, JSON booleans, values of a template as an array and as a string of one, and the stop of a call.
func TestJavaStyleClientOfNotifications(t *testing.T) {
	h := deskHouse(t, 50)
	waiting := &line{Store: h.store}
	var err error
	h.handler, err = New(Options{Store: h.store, Desk: newDesk(h.store, 50), Waiting: waiting, Log: quiet})
	must(t, err)
	template := h.template("您有${NUM_2}件快递请到${TXT_8}领取", models.ReviewApproved)
	srv := httptest.NewTLSServer(h.handler)
	defer srv.Close()
	j := newJavaClient(t, srv.URL, h.key)
	for _, paras := range []any{[]string{"3", "人民公园正门"}, `["3","人民公园正门"]`, []any{3, "人民公园正门"}} {
		resp, got := j.ask(http.MethodPost, "/rest/httpsessions/callnotify/v2.0?app_key="+h.key+"&access_token=x&format=json", map[string]any{
			"displayNbr": shown1, "calleeNbr": numA, "returnIdlePort": true, "playInfoList": []any{
				map[string]any{"templateId": template, "templateParas": paras, "collectInd": 1, "replayAfterCollection": true, "collectContentTriggerReplaying": 1},
				map[string]any{"notifyVoice": "b.wav"},
			}}, nil)
		id, _ := got["sessionId"].(string)
		if resp.StatusCode != http.StatusOK || got["resultcode"] != "0" || id == "" {
			t.Fatalf("notify with %v: %d %v", paras, resp.StatusCode, got)
		}
		stop := map[string]any{"sessionid": id, "signal": "call_stop"}
		if _, got := j.ask(http.MethodPost, "/rest/httpsessions/callStop/v2.0", stop, nil); got["resultcode"] != "0" {
			t.Errorf("stop: %v", got)
		}
		if _, got := j.ask(http.MethodPost, "/rest/httpsessions/callStop/v2.0", stop, nil); got["resultcode"] != "1020152" {
			t.Errorf("stop again: %v", got)
		}
	}
	for i, item := range []map[string]any{{"ttsContent": "您好"}, {"templateId": template, "templateParas": []string{"3"}}, {"templateId": template, "templateParas": []string{"three", "x"}}} {
		if _, got := j.ask(http.MethodPost, pathNotify, map[string]any{"displayNbr": shown1, "calleeNbr": numA, "playInfoList": item}, nil); got["resultcode"] != "1010002" {
			t.Errorf("item %d: %v", i, got)
		}
	}
	if n := len(h.waiting()); n != 0 {
		t.Errorf("%d calls wait", n)
	}
}

// A bank's codes, as the SDK sends them: integers, absent fields left out.
func TestSDKStyleClientOfCodes(t *testing.T) {
	h := deskHouse(t, 50)
	srv := httptest.NewTLSServer(h.handler)
	defer srv.Close()
	j := newJavaClient(t, srv.URL, h.key)
	ask := func(code string) (int, map[string]any) {
		resp, got := j.ask(http.MethodPost, "/rest/httpsessions/callVerify/v1.0", map[string]any{"displayNbr": shown1, "calleeNbr": numA, "languageType": 2, "preTone": "a.wav",
			"verifyCode": code, "posTone": "b.wav", "times": 0}, nil)
		return resp.StatusCode, got
	}
	if status, got := ask("0042"); status != 200 || got["resultcode"] != "0" || got["sessionId"] == nil || got["idlePort"] != nil {
		t.Errorf("a code: %d %v", status, got)
	}
	if status, got := ask("00a2"); status != 403 || got["resultcode"] != "1010002" || got["sessionId"] != nil {
		t.Errorf("a code with a letter: %d %v", status, got)
	}
	wait := h.waiting()
	if len(wait) != 1 || wait[0].Session.Plan.Place.Play[0].Prompts[1] != models.DigitPrompt("en", '0') {
		t.Errorf("it waits as %+v", wait)
	}
}

func TestLogsOfVoiceHoldNoNumber(t *testing.T) {
	var log strings.Builder
	h := deskHouse(t, 50)
	var err error
	h.handler, err = New(Options{Store: h.store, Desk: newDesk(h.store, 50), Log: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	h.placeOK(pathNotify, notifyLeast)
	h.call(http.MethodPost, pathNotify, "{"+strings.Replace(notifyLeast, numA, x1, 1)+"}")
	h.call(http.MethodPost, pathClick, "{"+strings.Replace(clickLeast, shown1, shownOther, 1)+"}")
	h.call(http.MethodPost, pathVerify, "{"+strings.Replace(verifyLeast, "1234", "98765432109", 1)+"}")
	for _, secret := range []string{"13800000", "17000000", "75528000", "98765432"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s stands in the log: %s", secret, log.String())
		}
	}
	if strings.Count(log.String(), "msg=request") != 4 || !strings.Contains(log.String(), "resultcode=1010025") {
		t.Errorf("a line or a resultcode is missing: %s", log.String())
	}
}
