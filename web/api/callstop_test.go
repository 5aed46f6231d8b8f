package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

// switchboard has the live calls of a test and ends them as a daemon does: the end is committed while stop is still at work.
type switchboard struct {
	*house
	stops []string
	fails error
}

func (s *switchboard) Stop(ctx context.Context, id string) error {
	s.stops = append(s.stops, id)
	if s.fails != nil {
		return s.fails
	}
	v, err := s.store.Session(ctx, id)
	must(s, err)
	if !v.EndedAt.IsZero() {
		return models.Fail(models.SessionOver, "sessionid", "it has ended")
	}
	v.Stage, v.EndedAt, v.Stopped = models.StageEnded, time.Now().UTC(), true
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err = s.store.Record(ctx, models.Change{Session: v})
	return err
}

// stopHouse is a house in which calls can be stopped.
func stopHouse(t *testing.T) (*house, *switchboard) {
	t.Helper()
	board := &switchboard{}
	h := newHouse(t, func(o *Options) { o.Stopper = board })
	board.house = h
	return h, board
}

// live writes a session that rings.
func (h *house) live(id string, app models.App) string {
	h.Helper()
	_, err := h.store.Record(h.Context(), models.Change{Session: models.Session{ID: id, LegA: id, AppID: app.ID, TenantID: app.TenantID, Mode: app.Mode,
		Stage: models.StageRinging, StartedAt: time.Now().UTC()}})
	must(h, err)
	return id
}

func stopBody(id string) string { return `{"sessionid":"` + id + `","signal":"call_stop"}` }

var notLive = wireResult("1020152", "Invalid sessionId.")

func TestCallStop(t *testing.T) {
	h, board := stopHouse(t)
	h.live("one@host", h.app)
	h.live("two@host", h.app)
	h.live("other@host", h.other)
	for _, tc := range []struct {
		what, body string
		status     int
		want       string
	}{
		{"a live call", stopBody("one@host"), 200, okAnswer},
		{"it is over", stopBody("one@host"), 403, notLive},
		{"as the events write it", `{"sessionId":"two@host","signal":"call_stop"}`, 200, okAnswer},
		{"another app's", stopBody("other@host"), 403, notLive},
		{"nobody's", stopBody("three@host"), 403, notLive},
		{"no id", `{"signal":"call_stop"}`, 403, invalid("sessionid has 1 to 256 characters.")},
		{"an empty id", stopBody(""), 403, invalid("sessionid has 1 to 256 characters.")},
		{"a long id", stopBody(strings.Repeat("x", 257)), 403, invalid("sessionid has 1 to 256 characters.")},
		{"an id of another type", `{"sessionid":{},"signal":"call_stop"}`, 403, invalid("sessionid is a string.")},
		{"no signal", `{"sessionid":"one@host"}`, 403, invalid("signal is call_stop.")},
		{"another signal", `{"sessionid":"one@host","signal":"hold"}`, 403, invalid("signal is call_stop.")},
		{"no JSON", `sessionid=one`, 403, invalid("the body is not a JSON object.")},
	} {
		h.wants(tc.what, http.MethodPost, pathCallStop, tc.body, tc.status, tc.want)
	}
	if got := strings.Join(board.stops, " "); got != "one@host two@host" {
		t.Errorf("stopped: %s", got)
	}
}

func TestCallStopOfEveryMode(t *testing.T) {
	for _, mode := range models.Modes {
		board := &switchboard{}
		h := newHouse(t, func(o *Options) { o.Stopper, o.Store = board, ofMode{o.Store, mode} })
		board.house = h
		h.live("one@host", h.app)
		h.wants(string(mode), http.MethodPost, pathCallStop, stopBody("one@host"), 200, okAnswer)
	}
}

func TestCallStopRepeated(t *testing.T) {
	h, board := stopHouse(t)
	id := h.live("one@host", h.app)
	ask := func() (int, string) {
		w := h.send(signedAs(testKey, "n1", http.MethodPost, pathCallStop, stopBody(id)))
		return w.Code, w.Body.String()
	}
	// The switch does not answer: the client is told, and its repeat tries again.
	board.fails = errors.New("the command's connection is gone")
	if status, body := ask(); status != 500 || body != wireResult("1010001", "Internal system error.") {
		t.Errorf("a switch that does not answer: %d %s", status, body)
	}
	board.fails = nil
	for _, what := range []string{"tried again", "asked again after it has ended"} {
		if status, body := ask(); status != 200 || body != okAnswer {
			t.Errorf("%s: %d %s", what, status, body)
		}
	}
	if len(board.stops) != 3 {
		t.Errorf("stopped %d times", len(board.stops))
	}
	if status, body := h.call(http.MethodPost, pathCallStop, stopBody(id)); status != 403 || body != notLive {
		t.Errorf("a new request after the end: %d %s", status, body)
	}
}

func TestCallStopTooLate(t *testing.T) {
	h, board := stopHouse(t)
	h.live("one@host", h.app)
	board.fails = models.Fail(models.SessionOver, "sessionid", "it ended a moment ago")
	h.wants("it ended between the look and the stop", http.MethodPost, pathCallStop, stopBody("one@host"), 403, notLive)
	without := newHouse(t)
	without.live("one@host", without.app)
	without.wants("no switch here", http.MethodPost, pathCallStop, stopBody("one@host"), 403, notLive)
}

func TestCallStopOfAnUnknownApp(t *testing.T) {
	h, board := stopHouse(t)
	h.live("one@host", h.app)
	w := h.send(signed("NOBODY", http.MethodPost, pathCallStop, stopBody("one@host")))
	if w.Code != 403 || w.Body.String() != wireResult("1020150", "The app_key is invalid.") {
		t.Errorf("on callStop: %d %s", w.Code, w.Body)
	}
	if w := h.send(signed("NOBODY", http.MethodPost, pathAXB, bindAB)); w.Body.String() != wireResult("1010003", "Invalid app_key.") {
		t.Errorf("elsewhere: %s", w.Body)
	}
	if len(board.stops) != 0 {
		t.Errorf("stopped: %v", board.stops)
	}
}
