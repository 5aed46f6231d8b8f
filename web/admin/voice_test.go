package admin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/controller/media"
	"maskline/models"
)

// voiceApp makes an app of mode voice with two display numbers.
func (l *lab) voiceApp() models.App {
	l.t.Helper()
	numbersOf["voice"] = "+867552878080"
	return l.of("voice", `,"settings":{"voice":{"ports":50,"rate":20,"number":{"rate":5}}}`)
}

// waits lets n calls of an app wait, as the desk does.
func (l *lab) waits(app models.App, mode models.Mode, n int) (ids []string) {
	l.t.Helper()
	for i := range n {
		leg := models.NewID()
		s := models.Session{ID: models.SessionID(leg, "fs1"), LegA: leg, Host: "fs1", TenantID: app.TenantID, AppID: app.ID, Mode: mode, Dialled: "+8675528780801",
			Caller: models.MustParty(fmt.Sprintf("+861380000%04d", i)), Stage: models.StageQueued, StartedAt: time.Now().UTC(),
			Plan: models.Plan{Place: &models.Place{To: "+8613800000000", Show: "+8675528780801"}}}
		o := models.Outgoing{Session: s, Priority: models.VoicePriority[mode], State: models.OutgoingQueued, QueuedAt: time.Now().UTC(), GiveUpAt: time.Now().Add(time.Hour).UTC()}
		if err := l.store.Enqueue(l.t.Context(), o, nil); err != nil {
			l.t.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	return ids
}

func TestSettingsOfPlacedCalls(t *testing.T) {
	l := newLab(t)
	app := l.voiceApp()
	var shown App
	l.do("PATCH", "/apps/"+app.Key, `{"settings":{"voice":{"rate":40,"services":["callnotify"]}}}`, 200, &shown)
	v := shown.Settings.Voice
	if v.Ports != 50 || v.Rate != 40 || v.Number.Rate != 5 || len(v.Services) != 1 {
		t.Errorf("settings %+v", v)
	}
	for _, c := range []struct{ body, param string }{
		{`{"settings":{"voice":{"prots":5}}}`, ""},
		{`{"settings":{"voice":{"ports":"many"}}}`, "settings.voice.ports"},
		{`{"settings":{"voice":{"ports":20000}}}`, "voice.ports"},
		{`{"settings":{"voice":{"services":["fax"]}}}`, "voice.services"},
		{`{"settings":{"extension":{"digits":3}}}`, "settings.extension"},
	} {
		var f Failure
		l.do("PATCH", "/apps/"+app.Key, c.body, 400, &f)
		if f.Param != c.param || f.Message == "" {
			t.Errorf("%s: %+v, want param %q", c.body, f, c.param)
		}
	}
	var f Failure
	l.do("POST", "/apps", `{"tenant":"Acme","mode":"axb","name":"b","settings":{"voice":{"ports":5}}}`, 400, &f)
	if f.Param != "settings.voice" {
		t.Errorf("placed calls of an app of mode axb: %+v", f)
	}
	var tenant Tenant
	l.do("PATCH", "/tenants/Acme", `{"calls":{"per_hour":5000}}`, 200, &tenant)
	if tenant.Calls.PerHour != 5000 {
		t.Errorf("tenant %+v", tenant)
	}
	l.do("GET", "/tenants/Acme", "", 200, &tenant)
	if tenant.Calls.PerHour != 5000 || tenant.Calls.PerDay != 0 {
		t.Errorf("tenant as stored %+v", tenant)
	}
	l.do("PATCH", "/tenants/Acme", `{"calls":{"per_hour":-1}}`, 400, nil)
	l.do("PATCH", "/tenants/Acme", `{}`, 400, nil)
}

func TestKindsOfNumbers(t *testing.T) {
	l := newLab(t)
	voice := l.voiceApp()
	masked := l.of("axb", "")
	var list List[Number]
	l.do("GET", "/numbers?kind=display", "", 200, &list)
	if list.Total != 2 || list.Items[0].Kind != "display" || list.Items[0].AppID != voice.ID {
		t.Errorf("display numbers %+v", list)
	}
	l.do("GET", "/numbers?kind=private", "", 200, &list)
	if list.Total != 2 || list.Items[0].AppID != masked.ID {
		t.Errorf("private numbers %+v", list)
	}
	l.do("GET", "/numbers?kind=odd", "", 400, nil)
	for app, kind := range map[string]string{voice.Key: "private", masked.Key: "display"} {
		var f Failure
		l.do("POST", "/numbers", `{"app":"`+app+`","area":"0755","kind":"`+kind+`","numbers":["+8675528780809"]}`, 400, &f)
		if f.Param != "kind" {
			t.Errorf("%s in the other mode: %+v", kind, f)
		}
	}
}

func TestWaitingCalls(t *testing.T) {
	l := newLab(t)
	app := l.voiceApp()
	notices := l.waits(app, models.ModeNotify, 3)
	codes := l.waits(app, models.ModeVerify, 1)
	var list List[WaitingCall]
	l.do("GET", "/queue?app="+app.Key, "", 200, &list)
	if list.Total != 4 || list.Items[0].SessionID != codes[0] || list.Items[0].Position != 1 || list.Items[1].SessionID != notices[0] || list.Items[3].Position != 4 {
		t.Errorf("the queue %+v", list)
	}
	if w := list.Items[1]; w.To != "+86138****0000" || w.Mode != "callnotify" || w.State != "queued" || w.Shown != "+8675528780801" {
		t.Errorf("a waiting call %+v", w)
	}
	l.do("GET", "/queue?app="+app.Key+"&limit=2&offset=2&reveal=true", "", 200, &list)
	if len(list.Items) != 2 || list.Items[0].Position != 3 || list.Items[1].To != "+8613800000002" {
		t.Errorf("its second page %+v", list)
	}
	l.do("GET", "/queue?state=taken&tenant=Acme", "", 200, &list)
	if list.Total != 0 {
		t.Errorf("taken calls %+v", list)
	}
	l.do("GET", "/queue?state=odd", "", 400, nil)

	var progress List[Progress]
	l.do("GET", "/queue/progress?tenant=Acme", "", 200, &progress)
	if progress.Total != 1 || progress.Items[0].Waiting != 4 || progress.Items[0].Ports != 50 || progress.Items[0].Rate != 20 || progress.Items[0].Placed != 17 ||
		progress.Items[0].Left != 2 {
		t.Errorf("progress %+v", progress)
	}
	other := l.of("axb", "")
	l.do("GET", "/queue/progress?app="+other.Key, "", 200, &progress)
	if progress.Total != 1 || progress.Items[0].Waiting != 0 || progress.Items[0].AppKey != other.Key {
		t.Errorf("progress of an app where nothing waits %+v", progress)
	}
	var call Call
	l.do("GET", "/calls/"+notices[1], "", 200, &call)
	if call.Stage != "queued" || call.Mode != "callnotify" || call.Caller != "+86138****0001" {
		t.Errorf("a waiting call, shown: %+v", call)
	}
	l.do("POST", "/calls/"+notices[1]+"/stop", "", 202, nil)
	if len(l.stops) != 1 || l.stops[0] != notices[1] {
		t.Errorf("stopped %v", l.stops)
	}
	l.do("POST", "/calls/none/stop", "", 404, nil)
	l.do("GET", "/calls/none", "", 404, nil)
}

func TestTemplates(t *testing.T) {
	l := newLab(t)
	l.do("POST", "/tenants", `{"name":"Acme"}`, 201, nil)
	l.do("POST", "/tenants", `{"name":"Beta"}`, 201, nil)
	const body = `{"tenant":"Acme","name":"parcel","content":"您的快递${TXT_8}已到，取件码${NUM_6}。","scene":"parcels"}`
	var made Template
	l.do("POST", "/templates", body, 201, &made)
	if len(made.ID) != 32 || made.State != "waiting" || made.UploadedBy != "ops" || made.Rate != 100 {
		t.Errorf("made %+v", made)
	}
	for _, c := range []struct {
		body, param string
		status      int
	}{
		{`{"name":"x","content":"您好"}`, "tenant", 400},
		{`{"tenant":"Acme","name":"x","content":"Hello"}`, "content", 400},
		{`{"tenant":"Acme","name":"x","content":"您好${NAME}"}`, "content", 400},
		{`{"tenant":"Acme","name":"","content":"您好"}`, "name", 400},
		{`{"tenant":"Acme","name":"x","content":"您好","rate":500}`, "rate", 400},
		{`{"tenant":"Nobody","name":"x","content":"您好"}`, "tenant", 404},
	} {
		var f Failure
		l.do("POST", "/templates", c.body, c.status, &f)
		if f.Param != c.param || f.Message == "" {
			t.Errorf("%s: %+v, want param %q", c.body, f, c.param)
		}
	}
	var filled Filled
	l.do("POST", "/templates/"+made.ID+"/try", `{"paras":["中通","123456"]}`, 200, &filled)
	if filled.Text != "您的快递中通已到，取件码一二三四五六。" {
		t.Errorf("filled %+v", filled)
	}
	var f Failure
	l.do("POST", "/templates/"+made.ID+"/try", `{"paras":["中通"]}`, 400, &f)
	if f.Param != "templateParas" {
		t.Errorf("too few: %+v", f)
	}
	if sound := l.hear("POST", "/templates/"+made.ID+"/sound", `{"paras":["中通","123456"]}`); sound != "您的快递中通已到，取件码一二三四五六。" {
		t.Errorf("spoken: %s", sound)
	}
	l.do("POST", "/templates/"+made.ID+"/urge", "", 200, nil)
	var list List[Template]
	l.do("GET", "/templates?tenant=Acme&state=waiting&urgent=true", "", 200, &list)
	if list.Total != 1 || !list.Items[0].Urgent {
		t.Errorf("urgent ones %+v", list)
	}
	l.do("GET", "/templates?tenant=Beta", "", 200, &list)
	if list.Total != 0 {
		t.Errorf("another tenant's %+v", list)
	}
	l.do("POST", "/templates/"+made.ID+"/reject", `{}`, 400, nil)
	var decided Template
	l.do("POST", "/templates/"+made.ID+"/approve", "", 200, &decided)
	if decided.State != "approved" || decided.ReviewedBy != "ops" || decided.ReviewedAt == nil {
		t.Errorf("approved %+v", decided)
	}
	l.do("POST", "/templates/"+made.ID+"/reject", `{"reason":"late"}`, 409, nil)
	l.do("DELETE", "/templates/"+made.ID+"?reason=old", "", 200, nil)
	l.do("GET", "/templates/"+made.ID, "", 200, &decided)
	if decided.State != "removed" || decided.Reason != "old" {
		t.Errorf("removed %+v", decided)
	}
	l.do("GET", "/templates/none", "", 404, nil)
	l.do("GET", "/templates?state=odd", "", 400, nil)
}

// hear asks for a sound and gives the body; openapi.yaml says that it is a WAV file.
func (l *lab) hear(method, path, body string) string {
	l.t.Helper()
	req := httptest.NewRequestWithContext(l.t.Context(), method, Prefix+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	l.engine.ServeHTTP(w, req)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "audio/wav" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment; filename=") {
		l.t.Fatalf("%s %s: %d %v %s", method, path, w.Code, w.Header(), w.Body)
	}
	return w.Body.String()
}

func TestRecordings(t *testing.T) {
	l := newLab(t)
	app, b := l.bound()
	now := time.Now().UTC().Truncate(time.Second)
	s := models.Session{ID: "s1@fs1", LegA: "leg1", Switch: "fs1", Host: "fs1", TenantID: app.TenantID, AppID: app.ID, BindingID: b.ID, Mode: models.ModeAXB, Dialled: b.X,
		Caller: b.A, Callee: b.B, Stage: models.StageEnded, StartedAt: now.Add(-time.Minute), EndedAt: now, RecordAs: "26112020000012345678901.wav"}
	cdr := models.CDR{SessionID: s.ID, ICID: "i1", TenantID: app.TenantID, AppID: app.ID, Mode: models.ModeAXB, X: b.X, Caller: b.A, Switch: "fs1", EndAt: now,
		Record: true, RecordFile: s.RecordAs, Source: models.SourceEvents}
	rec := models.Recording{Name: s.RecordAs, SessionID: s.ID, TenantID: app.TenantID, AppID: app.ID, Switch: "fs1", BeganAt: now, WaitUntil: now.Add(time.Minute)}
	if applied, err := l.store.Record(t.Context(), models.Change{Session: s, CDR: &cdr, Recording: &rec}); err != nil || !applied {
		t.Fatalf("record: %t, %v", applied, err)
	}
	var list List[Recording]
	l.do("GET", "/recordings?app="+app.Key+"&session=s1@fs1&state=waiting", "", 200, &list)
	if list.Total != 1 || list.Items[0].Name != rec.Name || list.Items[0].WaitUntil == nil {
		t.Fatalf("recordings %+v", list)
	}
	var f Failure
	l.do("GET", "/recordings/"+rec.Name+"/sound", "", 404, &f)
	if !strings.Contains(f.Message, "waiting") {
		t.Errorf("one that is not there yet: %+v", f)
	}
	rec.State, rec.KeptAt, rec.Bytes, rec.Duration = models.RecordingKept, now, 160044, 10*time.Second
	if err := l.store.SetRecording(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	var one Recording
	l.do("GET", "/recordings/"+rec.Name, "", 200, &one)
	if one.State != "kept" || one.Seconds != 10 || one.KeptAt == nil {
		t.Errorf("kept %+v", one)
	}
	if sound := l.hear("GET", "/recordings/"+rec.Name+"/sound", ""); sound != "sound of "+rec.Name {
		t.Errorf("heard %q", sound)
	}
	if !strings.Contains(l.log.String(), "recording="+rec.Name) {
		t.Error("the log does not say that a recording was heard")
	}
	l.do("DELETE", "/recordings/"+rec.Name, "", 200, nil)
	if len(l.stops) != 1 || l.stops[0] != rec.Name {
		t.Errorf("removed %v", l.stops)
	}
	rec.State, rec.RemovedAt = models.RecordingRemoved, now
	if err := l.store.SetRecording(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	l.do("DELETE", "/recordings/"+rec.Name, "", 409, nil)
	l.do("DELETE", "/recordings/none", "", 404, nil)
	l.do("GET", "/recordings/none", "", 404, nil)
	l.do("GET", "/recordings?state=odd", "", 400, nil)
}

func TestTalkTimes(t *testing.T) {
	at := func(s int) time.Time { return time.Date(2026, 11, 20, 12, 0, s, 5e8, time.UTC) }
	for _, c := range []struct {
		name string
		cdr  models.CDR
		want int64
	}{
		{"masked", models.CDR{Mode: models.ModeAXB, AnswerAt: at(10), EndAt: at(40)}, 30},
		{"notification", models.CDR{Mode: models.ModeNotify, OutAnswerAt: at(10), EndAt: at(15)}, 5},
		{"notification that nobody answered", models.CDR{Mode: models.ModeNotify, EndAt: at(15)}, 0},
		{"click-to-dial", models.CDR{Mode: models.ModeClick, OutAnswerAt: at(10), AnswerAt: at(20), EndAt: at(50)}, 30},
		{"click-to-dial without leg 2", models.CDR{Mode: models.ModeClick, OutAnswerAt: at(10), EndAt: at(50)}, 0},
	} {
		if got := showCDR(false)(c.cdr).Talk; got != c.want {
			t.Errorf("%s: %d s of talk, want %d", c.name, got, c.want)
		}
	}
}

// progress is a queue that has done something.
type progress struct{}

func (progress) Progress(int64) (live int, placed, gaveUp int64, pace float64) { return 3, 17, 1, 2 }

// voiced gives the API what placed calls need.
func (l *lab) voiced(o *Options) {
	dir := l.t.TempDir()
	o.Queue = progress{}
	o.RemoveRecording = func(_ context.Context, name string) error { l.stops = append(l.stops, name); return nil }
	shelf, err := media.NewShelf(media.ShelfOptions{Store: l.store, Uploads: filepath.Join(dir, "uploads"), Tenants: filepath.Join(dir, "tenants")})
	if err != nil {
		l.t.Fatal(err)
	}
	o.Shelf = shelf
	o.OpenRecording = func(_ context.Context, name string) (io.ReadCloser, int64, error) {
		return io.NopCloser(strings.NewReader("sound of " + name)), int64(len("sound of " + name)), nil
	}
	o.Speak = func(_ context.Context, s models.Speech) (string, time.Duration, error) {
		path := filepath.Join(dir, "spoken.wav")
		return path, time.Second, os.WriteFile(path, []byte(s.Text), 0o600)
	}
}
