package api

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"maskline/models"
	"maskline/models/store"
)

func TestShapeOfAnswers(t *testing.T) {
	h := newHouse(t)
	w := h.send(signed(testKey, http.MethodPost, pathAXB, bindAB))
	for name, want := range map[string]string{"Content-Type": "application/json;charset=utf-8", "Connection": "close"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	kept := newHouse(t, func(o *Options) { o.KeepAlive = true })
	if got := kept.send(signed(testKey, http.MethodPost, pathAXB, bindAB)).Header().Get("Connection"); got != "" {
		t.Errorf("Connection is %q although connections are kept", got)
	}
	if w := h.send(signed(testKey, http.MethodGet, "/rest/caas/nothing/v1.0", "")); w.Code != 404 || strings.Contains(w.Body.String(), "resultcode") {
		t.Errorf("a wrong path: %d %s", w.Code, w.Body)
	}
	if w := h.send(signed(testKey, http.MethodPatch, pathAXB, "")); w.Code != 405 || w.Body.String() != wireResult("1010006", "Invalid Rest API.") {
		t.Errorf("a wrong method: %d %s", w.Code, w.Body)
	}
	if w := h.send(signed(testKey, http.MethodPost, pathAXB, strings.Repeat(" ", 65<<10))); w.Body.String() != invalid("the body has more than 65536 bytes.") {
		t.Errorf("a long body: %d %s", w.Code, w.Body)
	}
	if _, err := New(Options{Store: h.store, TrustedProxies: []string{"x"}}); err == nil {
		t.Error("a proxy that is no address was taken")
	}
}

// faulty is a store that fails or panics in one operation.
type faulty struct {
	Store
	panics bool
}

func (f faulty) Unbind(context.Context, int64, store.UnbindBy) (int, error) {
	if f.panics {
		panic("unbind of +8613800000001")
	}
	return 0, errors.New("disk gone at row 8613800000001")
}

func TestFaultsOfOursSayNoMore(t *testing.T) {
	for _, panics := range []bool{false, true} {
		var log bytes.Buffer
		h := newHouse(t, func(o *Options) {
			o.Store, o.Log = faulty{o.Store, panics}, slog.New(slog.NewJSONHandler(&log, nil))
		})
		for range 2 { // it is not kept as an answer: the second is tried again
			w := h.send(signedAs(testKey, "n1", http.MethodDelete, pathAXB+"?relationNum=%2B8617000000001", ""))
			if w.Code != 500 || w.Body.String() != wireResult("1010001", "Internal system error.") || w.Header().Get(replayedHeader) != "" {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
		if w := h.send(signed(testKey, http.MethodPost, pathAXB, bindAB)); w.Code != 200 {
			t.Errorf("after the fault: %d %s", w.Code, w.Body)
		}
		if s := log.String(); strings.Contains(s, "13800000001") || strings.Contains(s, "17000000001") {
			t.Errorf("a number stands in the log: %s", s)
		} else if !panics && !strings.Contains(s, "disk gone") {
			t.Errorf("the fault is not in the log: %s", s)
		}
	}
}

func TestModesDoNotMix(t *testing.T) {
	for _, mode := range models.Modes {
		h := newHouse(t, func(o *Options) { o.Store = ofMode{o.Store, mode} })
		own := 0
		for _, s := range surfaces {
			for _, p := range s.endpoints {
				status, body := h.call(p.method, p.path, "")
				refused := status == 403 && body == otherMode
				if refused == (s.mode == mode) {
					t.Errorf("an app of %s on %s %s of %s: %d %s", mode, p.method, p.path, s.mode, status, body)
				}
				if s.mode == mode {
					own++
				}
			}
		}
		if (own == 0) != (mode == models.ModeX) {
			t.Errorf("an app of %s has %d endpoints of its own", mode, own)
		}
	}
}

func TestWrongMethod(t *testing.T) {
	h := newHouse(t)
	for path, method := range map[string]string{pathAXYB: http.MethodPut, pathCallStop: http.MethodGet, pathRecord: http.MethodPost,
		pathVerify: http.MethodPut, "/sandbox" + pathCallStop: http.MethodDelete} {
		h.wants(method+" "+path, method, path, "", 405, wireResult("1010006", "Invalid Rest API."))
	}
}

// ofMode makes every app one of a mode.
type ofMode struct {
	Store
	mode models.Mode
}

func (s ofMode) Credentials(ctx context.Context, key string) (models.App, models.Tenant, []string, error) {
	app, tenant, secrets, err := s.Store.Credentials(ctx, key)
	app.Mode = s.mode
	return app, tenant, secrets, err
}

func TestEveryDomainCodeHasARow(t *testing.T) {
	for _, c := range []models.Code{models.Internal, models.Invalid, models.PromptMissing, models.NotFound, models.UnknownApp, models.AppUnavailable,
		models.TenantFrozen, models.ModeMismatch, models.NumberNotOwned, models.NumberAbnormal, models.NoNumber, models.NumberBound, models.RecordingOff,
		models.SMSOff, models.FlowControl, models.ReplayedNonce, models.RecordMissing, models.BindingDeadAlready} {
		if r := resultOf(models.Fail(c, "p", ""), nil); r.code == "" || r.desc == "" || (c != models.Internal) == (r == internalError) {
			t.Errorf("%s is %+v on the wire", c, r)
		}
	}
	for _, c := range []models.Code{models.DisplayNumber, models.CallerNumber, models.CalleeNumber, models.PortsFull, models.TenantTooOften, models.AppTooOften,
		models.NumberTooOftenUsed, models.NumberOff, models.SessionOver, models.NotFound, models.PromptMissing, models.Invalid, models.TenantFrozen,
		wrongDigest, wrongTime, wrongAddress, addressHeld} {
		if r := resultOf(models.Fail(c, "p", ""), voiceResults); r.code == "" || r == internalError {
			t.Errorf("%s of a placed call is %+v on the wire", c, r)
		}
	}
	if r := resultOf(models.Fail("brand new", "", "secret detail"), nil); r != internalError {
		t.Errorf("an unknown code is %+v", r)
	}
}

func TestLogHoldsNoNumber(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	id := h.bindOK(bindAB)
	h.call(http.MethodPost, pathAXB, bindAB)
	h.call(http.MethodGet, pathAXB+"?relationNum=%2B8617000000001&callerNum=13800000001", "")
	h.call(http.MethodPut, pathAXB, `{"subscriptionId":"`+id+`","calleeNum":"+8613800000001"}`)
	h.call(http.MethodDelete, pathAXB+"?relationNum=+8617000000001", "")
	h.call(http.MethodGet, "/+8613800000001?x=+8613800000001", "")
	if strings.Contains(log.String(), "13800000") || strings.Contains(log.String(), "17000000") {
		t.Errorf("a number stands in the log: %s", log.String())
	}
	if n := strings.Count(log.String(), "resultcode=1012010"); n != 1 || strings.Count(log.String(), "msg=request") != 6 {
		t.Errorf("a line or a resultcode is missing: %s", log.String())
	}
}
