package api

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"maskline/models"
	"maskline/models/store"
)

const bindAB = `{"callerNum":"+8613800000001","calleeNum":"+8613800000002","relationNum":"+8617000000001"}`

func (h *house) open() int {
	h.Helper()
	_, total, err := h.store.Bindings(h.Context(), store.BindingFilter{Open: true}, models.Page{})
	must(h, err)
	return total
}

func TestRepeatGetsTheFirstAnswer(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		first := h.send(signedAs(testKey, "n1", http.MethodPost, pathAXB, bindAB))
		again := h.send(signedAs(testKey, "n1", http.MethodPost, pathAXB, bindAB))
		if first.Code != 200 || again.Code != 200 || first.Body.String() != again.Body.String() || again.Header().Get(replayedHeader) != "true" {
			t.Errorf("first %d %s, again %d %s", first.Code, first.Body, again.Code, again.Body)
		}
		if first.Header().Get(replayedHeader) != "" || h.open() != 1 {
			t.Errorf("%d bindings after a repeat", h.open())
		}
		// A refusal is an answer too: the conflict stays a conflict although the number has become free in between.
		refused := h.send(signedAs(testKey, "n2", http.MethodPost, pathAXB, bindAB))
		h.call(http.MethodDelete, pathAXB+"?relationNum=%2B8617000000001", "")
		if again := h.send(signedAs(testKey, "n2", http.MethodPost, pathAXB, bindAB)); refused.Code != 403 || again.Body.String() != refused.Body.String() || h.open() != 0 {
			t.Errorf("refused %s, again %s, %d bindings", refused.Body, again.Body, h.open())
		}
		// Unbinding twice: the answer that got lost was a success.
		id := h.bindOK(bindAB)
		for range 2 {
			if w := h.send(signedAs(testKey, "n3", http.MethodDelete, pathAXB+"?subscriptionId="+id, "")); w.Body.String() != okAnswer {
				t.Errorf("unbind: %s", w.Body)
			}
		}
	})
}

func TestOneNonceUnderOtherRequests(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		other := strings.Replace(bindAB, "+8617000000001", "+8617000000002", 1)
		for _, body := range []string{bindAB, other} {
			if w := h.send(signedAs(testKey, "n1", http.MethodPost, pathAXB, body)); w.Code != 200 {
				t.Errorf("a nonce under another body: %s", w.Body)
			}
		}
		if w := h.send(signedAs("OTHERKEY", "n1", http.MethodPost, pathAXB, strings.Replace(bindAB, "+8617000000001", xOther, 1))); w.Code != 200 {
			t.Errorf("another app's nonce: %s", w.Body)
		}
		// A client that reuses a header polls and wants the news.
		const q = pathAXB + "?relationNum=%2B8617000000001"
		before := h.send(signedAs(testKey, "n1", http.MethodGet, q, ""))
		h.call(http.MethodDelete, q, "")
		if after := h.send(signedAs(testKey, "n1", http.MethodGet, q, "")); before.Code != 200 || after.Code != 403 {
			t.Errorf("polling with one nonce: %d, then %d", before.Code, after.Code)
		}
	})
}

func TestOneUseNonce(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		must(t, h.store.UpdateApp(t.Context(), h.app.ID, func(a *models.App) error { a.OneUseNonce = true; return nil }))
		first := h.send(signedAs(testKey, "n1", http.MethodPost, pathAXB, bindAB))
		if again := h.send(signedAs(testKey, "n1", http.MethodPost, pathAXB, bindAB)); first.Code != 200 || again.Body.String() != first.Body.String() {
			t.Errorf("the same request again: %s", again.Body)
		}
		used := invalid("Nonce: the nonce has been used already.")
		for what, r := range map[string]*http.Request{
			"another body":   signedAs(testKey, "n1", http.MethodPost, pathAXB, strings.Replace(bindAB, "+8617000000001", "+8617000000002", 1)),
			"another method": signedAs(testKey, "n1", http.MethodPut, pathAXB, bindAB),
			"a query":        signedAs(testKey, "n1", http.MethodGet, pathAXB+"?relationNum=%2B8617000000001", ""),
			"a recording":    signedAs(testKey, "n1", http.MethodGet, pathRecord+"?fileName=1.wav&recordDomain=x", ""),
		} {
			if w := h.send(r); w.Code != 403 || w.Body.String() != used {
				t.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
		}
		if w := h.send(signedAs(testKey, "n2", http.MethodPost, pathAXB, `{}`)); w.Code != 403 {
			t.Errorf("a malformed request: %s", w.Body)
		}
		if w := h.send(signedAs(testKey, "n2", http.MethodGet, pathAXB+"?relationNum=%2B8617000000001", "")); w.Body.String() != used {
			t.Errorf("the nonce of a malformed request: %s", w.Body)
		}
		if h.open() != 1 {
			t.Errorf("%d bindings", h.open())
		}
	})
}

func TestRepeatsAtOnceDoItOnce(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		const at = 24
		answers := make([]string, at)
		var wg sync.WaitGroup
		for i := range at {
			r := signedAs(testKey, "n1", http.MethodPost, pathAXB, bindAB)
			wg.Go(func() { answers[i] = fmt.Sprint(h.send(r).Body) })
		}
		wg.Wait()
		for i, a := range answers {
			if a != answers[0] || subscriptionField.FindString(a) == "" {
				t.Fatalf("answer %d is %s, the first %s", i, a, answers[0])
			}
		}
		if h.open() != 1 {
			t.Errorf("%d bindings of one request", h.open())
		}
	})
}

func TestOverlappingBindsAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		const at = 100
		statuses := make([]int, at)
		var wg sync.WaitGroup
		for i := range at { // ten people, each wanting several partners on two numbers
			r := signed(testKey, http.MethodPost, pathAXB, fmt.Sprintf(`{"callerNum":"+861390000000%d","calleeNum":"+861390000000%d","relationNum":%q}`,
				i%10, (i+1+i/10)%10, []string{x1, x2}[i%2]))
			wg.Go(func() { statuses[i] = h.send(r).Code })
		}
		wg.Wait()
		won := 0
		for i, status := range statuses {
			switch status {
			case http.StatusOK:
				won++
			case http.StatusForbidden:
			default:
				t.Errorf("bind %d got %d", i, status)
			}
		}
		used := map[string]bool{}
		rows, total, err := h.store.Bindings(t.Context(), store.BindingFilter{Open: true}, models.Page{Limit: at})
		must(t, err)
		for _, b := range rows {
			for _, p := range []models.Party{b.A, b.B} {
				if key := b.X + p.Reveal(); used[key] {
					t.Errorf("%s is bound twice on one number", p)
				} else {
					used[key] = true
				}
			}
		}
		if total != won || won == 0 {
			t.Errorf("%d binds were answered with success, %d stand", won, total)
		}
	})
}
