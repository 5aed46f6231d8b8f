package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskline/controller/media"
	"maskline/models"
	"maskline/models/store"
)

// recorded is a house with one recording of a call of testKey.
func recorded(t *testing.T, edit ...func(*Options)) (h *house, name string) {
	t.Helper()
	kept, err := media.NewRecordings(media.RecordingsOptions{Dir: t.TempDir(), Key: []byte("0123456789abcdef")})
	must(t, err)
	h = newHouse(t, append([]func(*Options){func(o *Options) { o.Recordings = kept }}, edit...)...)
	name = h.record(kept, h.app.ID, "call-1", &models.Recording{State: models.RecordingKept})
	return h, name
}

// record writes a recording, the CDR of its call, and its row, unless it is from before there were rows.
func (h *house) record(kept *media.Recordings, appID int64, session string, row *models.Recording) string {
	h.Helper()
	began := time.Now().UTC().Add(-time.Minute)
	name := kept.Name(began, session)
	path, err := kept.Path(name)
	must(h, err)
	must(h, os.MkdirAll(filepath.Dir(path), 0o750))
	must(h, os.WriteFile(path, []byte("RIFF of "+session), 0o600))
	s := models.Session{ID: session, LegA: session, AppID: appID, TenantID: h.tenant.ID, StartedAt: began, EndedAt: began.Add(time.Second), Stage: models.StageEnded}
	if row != nil {
		row.Name, row.SessionID, row.AppID, row.TenantID, row.BeganAt = name, session, appID, h.tenant.ID, began
	}
	applied, err := h.store.Record(h.Context(), models.Change{Session: s, Recording: row, CDR: &models.CDR{SessionID: session, ICID: session, AppID: appID, TenantID: h.tenant.ID,
		CallInAt: began.Add(-8 * time.Second), EndAt: s.EndedAt, Record: true, RecordFile: name}})
	if err != nil || !applied {
		h.Fatalf("record the call: %t, %v", applied, err)
	}
	return name
}

func ask(name string) string { return pathRecord + "?recordDomain=ostor.example&fileName=" + name }

func TestRecordLinkIsA301ThatLeadsToTheFile(t *testing.T) {
	h, name := recorded(t)
	w := h.send(signed(testKey, http.MethodGet, ask(name), ""))
	location := w.Header().Get("Location")
	if w.Code != 301 || !strings.HasPrefix(location, "http://example.com/recordings/v1/"+name+"?expires=") || w.Body.Len() != 0 {
		t.Fatalf("%d, Location %q, body %q", w.Code, location, w.Body)
	}
	get := func(method, target string, hs ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
		for i := 0; i+1 < len(hs); i += 2 {
			r.Header.Set(hs[i], hs[i+1])
		}
		return h.send(r)
	}
	if w := get(http.MethodGet, location); w.Code != 200 || w.Body.String() != "RIFF of call-1" || w.Header().Get("Content-Type") != "audio/wav" {
		t.Errorf("download: %d %q %v", w.Code, w.Body, w.Header())
	}
	if w := get(http.MethodGet, location, "Range", "bytes=5-6"); w.Code != 206 || w.Body.String() != "of" {
		t.Errorf("a range: %d %q", w.Code, w.Body)
	}
	if w := get(http.MethodHead, location); w.Code != 200 || w.Header().Get("Content-Length") != "14" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
	for what, bad := range map[string]string{
		"another signature": strings.Replace(location, "signature=", "signature=x", 1), "another end": strings.Replace(location, "expires=", "expires=9", 1),
		"no signature": pathDownload + name, "another file": strings.Replace(location, ".wav", "0.wav", 1),
	} {
		if w := get(http.MethodGet, bad); w.Code != 403 || w.Body.String() != missingAnswer {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
}

func TestLinkBaseAndTLS(t *testing.T) {
	h, name := recorded(t, func(o *Options) { o.LinkBase = "https://calls.example/" })
	if got := h.send(signed(testKey, http.MethodGet, ask(name), "")).Header().Get("Location"); !strings.HasPrefix(got, "https://calls.example/recordings/v1/") {
		t.Errorf("Location %q", got)
	}
	h, name = recorded(t)
	r := signed(testKey, http.MethodGet, "https://api.example:12543"+ask(name), "")
	if got := h.send(r).Header().Get("Location"); !strings.HasPrefix(got, "https://api.example:12543/recordings/v1/") {
		t.Errorf("Location %q", got)
	}
}

func TestRecordRefusals(t *testing.T) {
	h, name := recorded(t)
	must(t, h.store.UpdateApp(t.Context(), h.other.ID, func(a *models.App) error { a.Record = true; return nil }))
	for what, tc := range map[string]struct{ key, target, want string }{
		"no fileName":         {testKey, pathRecord + "?recordDomain=x", invalid("fileName has 1 to 128 characters.")},
		"no recordDomain":     {testKey, pathRecord + "?fileName=" + name, invalid("recordDomain has 1 to 128 characters.")},
		"a long name":         {testKey, ask(strings.Repeat("1", 129)), invalid("fileName has 1 to 128 characters.")},
		"no such file":        {testKey, ask("26010100000012345678901.wav"), missingAnswer},
		"a path":              {testKey, ask("..%2f..%2fetc%2fpasswd"), missingAnswer},
		"another app's":       {"OTHERKEY", ask(name), missingAnswer},
		"of a call not there": {testKey, ask("260101000000" + name[12:]), missingAnswer},
	} {
		if w := h.send(signed(tc.key, http.MethodGet, tc.target, "")); w.Code != 403 || w.Body.String() != tc.want {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
	must(t, h.store.UpdateApp(t.Context(), h.app.ID, func(a *models.App) error { a.Record = false; return nil }))
	h.wants("an app that may not record", http.MethodGet, ask(name), "", 403, wireResult("1012012", "The application does not open recording function."))
	bare := newHouse(t)
	bare.wants("no recordings at all", http.MethodGet, ask(name), "", 403, missingAnswer)
}

// Only what is kept has a link, and each product says the rest in its own words (spec/privatenumber.md §5, spec/voicecall.md §5).
func TestRecordingsWithoutALink(t *testing.T) {
	kept, err := media.NewRecordings(media.RecordingsOptions{Dir: t.TempDir(), Key: []byte("0123456789abcdef")})
	must(t, err)
	h := newHouse(t, func(o *Options) { o.Recordings = kept })
	voice := models.App{TenantID: h.tenant.ID, Key: "VOICEKEY", Name: "voice", Mode: models.ModeVoice, State: models.StateNormal, PushScheme: models.PushAKSK, Record: true}
	must(t, h.store.CreateApp(t.Context(), &voice, testSecret))
	missing := map[int64]string{h.app.ID: missingAnswer, voice.ID: wireResult("1016002", "The record does not exist.")}
	for i, tc := range []struct {
		state  models.RecordingState
		status int
	}{
		{models.RecordingKept, 301}, {models.RecordingWaiting, 403}, {models.RecordingShort, 403}, {models.RecordingMissing, 403}, {models.RecordingRemoved, 403},
		{"", 301}, // from before there were rows
	} {
		for app, key := range map[int64]string{h.app.ID: testKey, voice.ID: "VOICEKEY"} {
			row := &models.Recording{State: tc.state}
			if tc.state == "" {
				row = nil
			}
			name := h.record(kept, app, fmt.Sprint("call-", i, "-", app), row)
			w := h.send(signed(key, http.MethodGet, ask(name), ""))
			if w.Code != tc.status || w.Code == 403 && w.Body.String() != missing[app] || (w.Code == 301) != (w.Header().Get("Location") != "") {
				t.Errorf("%q for %s: %d %s, Location %q", tc.state, key, w.Code, w.Body, w.Header().Get("Location"))
			}
			for other, otherKey := range map[int64]string{h.app.ID: testKey, voice.ID: "VOICEKEY"} {
				if other == app {
					continue
				}
				if w := h.send(signed(otherKey, http.MethodGet, ask(name), "")); w.Code != 403 || w.Body.String() != missing[other] {
					t.Errorf("%q of another app, for %s: %d %s", tc.state, otherKey, w.Code, w.Body)
				}
			}
		}
	}
	// It was kept, and its disk is gone.
	name := h.record(kept, h.app.ID, "call-lost", &models.Recording{State: models.RecordingKept})
	must(t, kept.Remove(t.Context(), name))
	h.wants("a file that is gone", http.MethodGet, ask(name), "", 403, missingAnswer)
}

// elsewhere is recordings that lie in an object store.
type elsewhere struct{ Recordings }

func (elsewhere) Exists(string) bool { return false }
func (elsewhere) Link(_ context.Context, base, name string, life time.Duration) (string, error) {
	return "https://store.example/" + name + "?base=" + base + "&life=" + life.String(), nil
}

func TestRecordLinkIntoAnObjectStore(t *testing.T) {
	h, name := recorded(t, func(o *Options) { o.Recordings, o.LinkLife = elsewhere{o.Recordings}, 7*24*time.Hour })
	w := h.send(signed(testKey, http.MethodGet, ask(name), ""))
	if got := w.Header().Get("Location"); w.Code != 301 || got != "https://store.example/"+name+"?base=http://example.com&life=168h0m0s" || w.Body.Len() != 0 {
		t.Errorf("%d, Location %q", w.Code, got)
	}
}

func TestLinkExpires(t *testing.T) {
	dir, key := t.TempDir(), []byte("0123456789abcdef")
	synctest.Test(t, func(t *testing.T) {
		kept, err := media.NewRecordings(media.RecordingsOptions{Dir: dir, Key: key})
		must(t, err)
		name := kept.Name(time.Now(), "call")
		path, err := kept.Path(name)
		must(t, err)
		must(t, os.MkdirAll(filepath.Dir(path), 0o750))
		must(t, os.WriteFile(path, []byte("RIFF"), 0o600))
		e, err := New(Options{Store: unasked{}, Recordings: kept, LinkLife: time.Hour, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		a := &api{Options: Options{Recordings: kept, LinkLife: time.Hour}}
		link, err := a.link(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody), name)
		must(t, err)
		status := func() int {
			w := httptest.NewRecorder()
			e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, link, http.NoBody))
			return w.Code
		}
		time.Sleep(time.Hour - time.Second)
		if got := status(); got != 200 {
			t.Errorf("a second before its end: %d", got)
		}
		time.Sleep(time.Second)
		if got := status(); got != 403 {
			t.Errorf("at its end: %d", got)
		}
	})
}

// unasked is a store that nobody asks.
type unasked struct{ Store }

var _ Store = (*store.Store)(nil)
