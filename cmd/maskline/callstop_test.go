package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maskline/esl/sim"
	"maskline/web/admin"
)

// A tenant ends a call from inside the handler of the push that told him of it, before he answers the push: while the callee rings, and while
// he himself is asked what to do with the call.
func TestATenantStopsACallFromInsideItsPush(t *testing.T) {
	for _, tc := range []struct{ mode, event string }{{"axb", "alerting"}, {"x", "callin"}} {
		t.Run(tc.mode+" "+tc.event, func(t *testing.T) {
			h := openHouse(t, "call: {ask_timeout: 5s}\n")
			var app atomic.Pointer[admin.App]
			answers := make(chan string, 1)
			stop := func(session string) string {
				own := app.Load()
				status, answer := h.signed(http.MethodPost, "/rest/httpsessions/callStop/v2.0", own.Key, own.Secret,
					`{"sessionid":"`+session+`","signal":"call_stop"}`)
				return fmt.Sprintf("%d %v %v", status, answer["resultcode"], answer["resultdesc"])
			}
			tenant := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var told struct {
					EventType  string
					StatusInfo struct{ SessionID string }
				}
				body, _ := io.ReadAll(r.Body)
				if json.Unmarshal(body, &told) == nil && told.EventType == tc.event {
					answers <- stop(told.StatusInfo.SessionID)
				}
			}))
			t.Cleanup(tenant.Close)
			made := h.made(tc.mode, numX, "--status-url", tenant.URL)
			app.Store(&made)
			if tc.mode == "axb" {
				h.bind(made, http.MethodPost, "/rest/caas/relationnumber/partners/v1.0", `{"relationNum":"`+numX+`","callerNum":"`+numA+`","calleeNum":"`+numB+`"}`)
			}
			line, err := h.daemon.Sim().Call(sim.Caller{From: strings.TrimPrefix(numA, "+86"), To: numX, Callee: &sim.Phone{Rings: time.Minute}})
			if err != nil {
				t.Fatal(err)
			}
			<-line.Done()
			if got := <-answers; got != "200 0 Success" {
				t.Errorf("callStop from inside the push: %s", got)
			}
			r := h.recordOf(numX)
			if r.State != 8017 || r.AnswerAt != nil {
				t.Errorf("record %+v", r)
			}
			if got := stop(r.SessionID); got != "403 1020152 Invalid sessionId." {
				t.Errorf("callStop of a call that is over: %s", got)
			}
		})
	}
}
